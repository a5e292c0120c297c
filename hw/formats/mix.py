"""The formats of an accelerator together, in one name."""

from dataclasses import dataclass

from .base import Format
from .block import Block, element_of
from .names import parse_accumulator, parse_format
from .pairing import Accumulator, stored_as, suited, unfit


@dataclass(frozen=True)
class Mix:
    """What an accelerator multiplies, sums in and stores.

    Written ``input*weight->accumulator->output``; what is left out is like the input, and the
    accumulator is the one that :func:`.pairing.suited` proposes: ``e4m3fn``, ``e4m3fn*e5m2``,
    ``bf16->fp32``, ``int8*e4m3fn->fp32->bf16``. Outputs of blocks (``mxfp4``) are bf16.
    """

    input: Format | Block
    weight: Format | Block
    accumulator: Accumulator
    output: Format

    @classmethod
    def parse(cls, text: str) -> "Mix":
        """The formats called `text`; ValueError for names that mean nothing."""
        factors, *rest = text.split("->")
        first, *second = factors.split("*")
        if len(second) > 1 or len(rest) > 2:
            raise ValueError(f"cannot read {text!r}; write input*weight->accumulator->output")
        input = parse_format(first)
        weight = parse_format(second[0]) if second else input
        for each, is_weight in ((input, False), (weight, True)):
            what = unfit(element_of(each), is_weight)
            if what:
                raise ValueError(f"{each.name} is not multiplied; it must be {what}")
        accumulator = parse_accumulator(rest[0]) if rest else suited(input, weight)
        output = parse_format(rest[1]) if rest[1:] else stored_as(input)
        return cls(input, weight, accumulator, output)

    @classmethod
    def of(cls, config) -> "Mix":
        """The formats of a configuration."""
        return cls(*config.operands, config.accumulator, config.output)

    @property
    def name(self) -> str:
        """The shortest text that means these formats."""
        weight = f"*{self.weight.name}" if self.weight != self.input else ""
        output = f"->{self.output.name}" if self.output != stored_as(self.input) else ""
        told = output or self.accumulator != suited(self.input, self.weight)
        accumulator = f"->{self.accumulator.name}" if told else ""
        return f"{self.input.name}{weight}{accumulator}{output}"
