"""Last step of the scale path: numbers rounded to a format, ties to even."""

from dataclasses import dataclass

from numpy.typing import ArrayLike, NDArray

from ..formats import Element, Float, Format, Int, Log, Posit, Ternary
from ..formats.scaling import fit
from .number import Number
from .order import element_format
from .pack_float import PackFloatUnit
from .pack_int import PackIntUnit
from .pack_log import PackLogUnit
from .pack_posit import PackPositUnit
from .pack_unit import PackUnit


@dataclass(frozen=True)
class Pack:
    """The value of `target` that stands for a number, as ``target.quantize`` has it.

    Ties go to even; what is too large becomes what the format says, in an `Int` its limit. A NaN
    that the target does not have becomes zero. `latency` is 2, or 0: combinational.
    """

    source: Number
    target: Format
    latency: int = 2

    def __post_init__(self):
        if not isinstance(element_format(self.target), Element):
            raise ValueError(f"nothing is rounded to {self.target.name}, but to inputs and outputs")
        if self.latency not in (0, 2):
            raise ValueError(f"Pack.latency is {self.latency!r}; it must be 0 or 2")

    def golden(self, values: ArrayLike) -> NDArray:
        return fit(values, element_format(self.target))

    def create(self) -> PackUnit:
        units = {
            Int: PackIntUnit,
            Float: PackFloatUnit,
            Posit: PackPositUnit,
            Ternary: PackIntUnit,
            Log: PackLogUnit,
        }
        return units[type(element_format(self.target))](self)
