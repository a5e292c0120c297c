"""The formats of an accelerator together, in one name."""

from dataclasses import dataclass

from .base import Format
from .names import parse_accumulator, parse_format
from .pairing import Accumulator, suited, unfit


@dataclass(frozen=True)
class Mix:
    """What an accelerator multiplies, sums in and stores.

    Written ``input*weight->accumulator->output``; what is left out is like the input, and the
    accumulator is the one that :func:`.pairing.suited` proposes: ``e4m3fn``, ``e4m3fn*e5m2``,
    ``bf16->fp32``, ``int8*e4m3fn->fp32->bf16``.
    """

    input: Format
    weight: Format
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
        for each, what in ((input, unfit(input)), (weight, unfit(weight, weight=True))):
            if what:
                raise ValueError(f"{each.name} is not multiplied; it must be {what}")
        accumulator = parse_accumulator(rest[0]) if rest else suited(input, weight)
        return cls(input, weight, accumulator, parse_format(rest[1]) if rest[1:] else input)

    @classmethod
    def of(cls, config) -> "Mix":
        """The formats of a configuration."""
        return cls(config.input, config.weight, config.accumulator, config.output)

    @property
    def name(self) -> str:
        """The shortest text that means these formats."""
        weight = f"*{self.weight.name}" if self.weight != self.input else ""
        output = f"->{self.output.name}" if self.output != self.input else ""
        told = output or self.accumulator != suited(self.input, self.weight)
        accumulator = f"->{self.accumulator.name}" if told else ""
        return f"{self.input.name}{weight}{accumulator}{output}"
