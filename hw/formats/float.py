"""Floating point with any exponent and mantissa width.

A code is ``sign | exponent field | mantissa field``, as in IEEE 754-2019, section 3.4. The four
kinds of special values: ``ieee`` (the highest exponent field holds infinities and NaN), ``fn``
(finite: only the codes of all ones are NaN, OCP OFP8's E4M3), ``fnuz`` (finite, unsigned zero: the
code of minus zero is NaN) and ``none`` (every code is a number, as in OCP MX's FP6 and FP4).
"""

import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .rounding import rounded, unchanged, whole

SPECIALS = ("ieee", "fn", "fnuz", "none")

NAMED: dict[str, tuple] = {
    "fp32": (8, 23),
    "tf32": (8, 10),
    "bf16": (8, 7),
    "fp16": (5, 10),
    "e4m3fnuz": (4, 3, 8, "fnuz"),
    "e5m2fnuz": (5, 2, 16, "fnuz"),
    "e2m3": (2, 3, 1, "none"),
    "e3m2": (3, 2, 3, "none"),
    "e2m1": (2, 1, 1, "none"),
}
"""Names that say more, or something else, than their widths; arguments of :class:`Float`."""


@dataclass(frozen=True)
class Float:
    """A binary floating-point format; values are ``float64`` arrays, which hold all of them.

    Parameters
    ----------
    exp, man : int
        Bits of the exponent field (1 to 8) and of the mantissa field (0 to 23).
    bias : int
        What the exponent field is ahead of the exponent; 2**(exp-1) - 1 if it is not given.
    specials : str
        ``ieee``, ``fn``, ``fnuz`` or ``none``.
    subnormals : bool
        Without them, codes with exponent field 0 are zeros, and a result that after rounding is
        below the least normal number becomes a zero of its sign.
    saturate : bool
        What is too large, infinities included, becomes the largest number of its sign, else an
        infinity (``ieee``) or NaN (``fn``, ``fnuz``); ``none`` always saturates.
    """

    exp: int
    man: int
    bias: int | None = None
    specials: str = "ieee"
    subnormals: bool = True
    saturate: bool = False

    def __post_init__(self):
        self._check("exp", whole(self.exp, 1, 8), "an integer from 1 to 8")
        self._check("man", whole(self.man, 0, 23), "an integer from 0 to 23")
        if self.bias is None:
            object.__setattr__(self, "bias", (1 << (self.exp - 1)) - 1)
        self._check("bias", whole(self.bias, -256, 512), "an integer from -256 to 512")
        self._check("specials", self.specials in SPECIALS, " or ".join(SPECIALS))
        for field in ("subnormals", "saturate"):
            self._check(field, isinstance(getattr(self, field), bool), "True or False")
        enough = self.specials != "ieee" or (self.man >= 1 and self.exp >= 2)
        some = self.specials != "fn" or self.exp + self.man > 1  # numbers but zero
        kinds = "fn, fnuz or none" if self.exp + self.man > 1 else "fnuz or none"
        self._check("specials", enough, f"{kinds}: ieee needs exp >= 2 and man >= 1")
        self._check("specials", some, f"{kinds}: fn needs exp >= 2 or man >= 1")
        some = self.subnormals or self.exp >= 2
        self._check("subnormals", some, "True with one exponent bit")
        if self.specials == "none":
            object.__setattr__(self, "saturate", True)

    def _check(self, field: str, good: bool, what: str):
        if not good:
            raise ValueError(f"Float.{field} is {getattr(self, field)!r}; it must be {what}")

    # Names

    @property
    def name(self) -> str:
        plain = (self.exp, self.man, self.bias, self.specials)
        for name, arguments in NAMED.items():
            if plain == _core(*arguments):
                return name + self._suffix()
        taken = f"e{self.exp}m{self.man}" in NAMED
        kind = self.specials if self.specials != "ieee" or taken else ""
        text = f"e{self.exp}m{self.man}{kind}"
        usual = self.bias == (1 << (self.exp - 1)) - 1 and text not in NAMED
        return f"{text}{'' if usual else f'b{self.bias}'}{self._suffix()}"

    def _suffix(self) -> str:
        sat = "-sat" if self.saturate and self.specials != "none" else ""
        return ("" if self.subnormals else "-ftz") + sat

    @classmethod
    def parse(cls, name: str) -> "Float":
        """The format called `name`: ``bf16``, ``e4m3fn``, ``e6m9``, ``e5m2b14-ftz-sat``, …"""
        text, marks = re.fullmatch(r"(.*?)((?:-ftz|-sat)*)", name, re.DOTALL).groups()
        found = re.fullmatch(r"e(\d)m(\d+)(ieee|fnuz|fn|none)?(?:b(-?\d+))?", text)
        if not (text in NAMED or found):
            raise ValueError(
                f"no format {name!r}; floats are {', '.join(NAMED)} or e<bits>m<bits> with fn, "
                "fnuz or none, b<bias>, -ftz (no subnormals), -sat (saturating)"
            )
        options = {"subnormals": "-ftz" not in marks, "saturate": "-sat" in marks}
        if text in NAMED:
            return cls(*NAMED[text], **options)
        bias = None if found[4] is None else int(found[4])
        return cls(int(found[1]), int(found[2]), bias, found[3] or "ieee", **options)

    # Limits

    @property
    def width(self) -> int:
        return 1 + self.exp + self.man

    @property
    def signed(self) -> bool:
        return True

    @property
    def _native(self) -> bool:
        """Whether it is numpy's own float32."""
        kind = self.exp, self.man, self.bias, self.specials
        return kind == (8, 23, 127, "ieee") and self.subnormals and not self.saturate

    @property
    def emin(self) -> int:
        """Exponent of the least normal number."""
        return 1 - self.bias

    @property
    def emax(self) -> int:
        """Exponent of the largest number."""
        top = (1 << self.exp) - 1 - self.bias
        lost = self.specials == "ieee" or (self.specials == "fn" and self.man == 0)
        return top - lost

    @property
    def least_exponent(self) -> int:
        """All finite values are whole multiples of 2 to this."""
        return self.emin - self.man

    @property
    def max(self) -> float:
        ones = (1 << (self.man + 1)) - 1
        if self.specials == "fn" and self.man:
            ones -= 1
        return float(np.ldexp(ones, self.emax - self.man))

    @property
    def min(self) -> float:
        return -self.max

    @property
    def has_nan(self) -> bool:
        return self.specials != "none"

    @property
    def has_infinity(self) -> bool:
        return self.specials == "ieee"

    # Codes

    @property
    def nan_code(self) -> int:
        """The NaN that operations give: quiet and positive, the only one, or minus zero's code."""
        if self.specials == "fnuz":
            return 1 << (self.width - 1)
        if self.specials == "fn":
            return (1 << (self.width - 1)) - 1
        if self.specials == "ieee":
            return ((1 << self.exp) - 1) << self.man | 1 << (self.man - 1)
        raise ValueError(f"{self.name} has no NaN")

    def decode(self, codes: ArrayLike) -> NDArray[np.float64]:
        """Values of codes; every code has one."""
        codes = np.asarray(codes, np.uint64).astype(np.int64) & ((1 << self.width) - 1)
        field = codes >> self.man & ((1 << self.exp) - 1)
        fraction = codes & ((1 << self.man) - 1)
        significand = fraction + ((field > 0).astype(np.int64) << self.man)
        values = np.ldexp(
            significand.astype(np.float64), np.maximum(field, 1) - self.bias - self.man
        )
        if not self.subnormals:
            values = np.where(field == 0, 0.0, values)
        top = field == (1 << self.exp) - 1
        if self.specials == "ieee":
            values = np.where(top, np.where(fraction == 0, np.inf, np.nan), values)
        elif self.specials == "fn":
            values = np.where(top & (fraction == (1 << self.man) - 1), np.nan, values)
        values = np.where(codes >> (self.width - 1) == 1, -values, values)
        if self.specials == "fnuz":
            values = np.where(codes == 1 << (self.width - 1), np.nan, values + 0.0)
        return values

    def encode(self, values: ArrayLike) -> NDArray[np.uint64]:
        """Codes of values of this format; ValueError for others (quantize() rounds)."""
        values = np.asarray(values, np.float64)
        return self._codes(unchanged(self.name, values, self.quantize(values)))

    def _codes(self, values: NDArray) -> NDArray[np.uint64]:
        nan, infinite = np.isnan(values), np.isinf(values)
        size = np.where(nan | infinite, 0.0, np.abs(values))
        exponent = np.maximum(np.frexp(size)[1] - 1, self.emin)
        steps = np.ldexp(size, self.man - exponent).astype(np.int64)  # significand
        normal = steps >> self.man
        field = np.where(normal > 0, exponent + self.bias, 0)
        codes = field << self.man | (steps - (normal << self.man))
        codes = np.where(infinite, ((1 << self.exp) - 1) << self.man, codes)
        codes |= np.signbit(values).astype(np.int64) << (self.width - 1)
        if self.specials == "fnuz":
            codes = np.where(values == 0, 0, codes)
        return np.where(nan, self.nan_code if self.has_nan else 0, codes).astype(np.uint64)

    # Rounding

    def quantize(
        self, values: ArrayLike, rounding: str = "rne", random: ArrayLike = 0, bits: int = 0
    ) -> NDArray[np.float64]:
        """Values of the format that stand for `values` (docs/numbers.md, *Rounding*).

        `rounding` is ``rne``, ``zero`` or ``stochastic`` with `random` integers of `bits` bits.
        NaN stays NaN, but in ``none`` formats, where it becomes zero.
        """
        values = np.asarray(values, np.float64)
        if rounding == "rne" and self._native:
            with np.errstate(over="ignore", under="ignore"):
                return values.astype(np.float32).astype(np.float64)
        finite = np.isfinite(values)
        size = np.where(finite, np.abs(values), 0.0)
        exponent = np.maximum(np.frexp(size)[1] - 1, self.emin) - self.man
        steps = np.ldexp(size, -exponent)
        count = rounded(steps, rounding, random, bits)
        if self.man == 0 and rounding == "rne":  # the even code is that of the even exponent field
            count = np.where((steps == 1.5) & ((exponent + self.bias) % 2 == 0), 1.0, count)
        size = np.ldexp(count, exponent)
        over = (size > self.max) | np.isinf(values)
        if not self.subnormals:
            size = np.where(size < np.ldexp(1.0, self.emin), 0.0, size)
        keeps = self.saturate or (rounding == "zero" and finite)
        beyond = np.inf if self.has_infinity else np.nan
        size = np.where(over, np.where(keeps, self.max, beyond), size)
        result = np.copysign(size, values)
        if self.specials == "fnuz":
            result = result + 0.0
        return np.where(np.isnan(values), np.nan if self.has_nan else 0.0, result)


def _core(exp: int, man: int, bias: int | None = None, specials: str = "ieee") -> tuple:
    return exp, man, (1 << (exp - 1)) - 1 if bias is None else bias, specials
