"""Posits: floating point whose exponent takes as many bits as it needs."""

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .rounding import rounded, unchanged, whole

BEHIND = 18  # bits of a code behind the point that are told apart from each other


@dataclass(frozen=True)
class Posit:
    """A posit of `n` bits (4 to 16) with `es` exponent bits (0 to 2; the standard of 2022 has 2).

    Values are ``float64`` arrays; NaR (not a real, code 10…0) is NaN. A code is read as two's
    complement; its magnitude is ``regime | exponent | fraction``, the regime a run of equal bits.
    Nothing rounds to zero or NaR: what is too large or small becomes the largest or least posit.
    """

    n: int
    es: int = 2

    def __post_init__(self):
        for field, least, most in (("n", 4, 16), ("es", 0, 2)):
            value = getattr(self, field)
            if not whole(value, least, most):
                raise ValueError(
                    f"Posit.{field} is {value!r}; it must be an integer from {least} to {most}"
                )

    @property
    def name(self) -> str:
        return f"posit{self.n}es{self.es}"

    @classmethod
    def parse(cls, name: str) -> "Posit":
        """The format called `name`: ``posit8es1``; ``posit16`` has the standard's es 2."""
        n, _, es = name.removeprefix("posit").partition("es")
        if not name.startswith("posit") or not n.isdecimal() or not (es or "2").isdecimal():
            raise ValueError(f"no format {name!r}; posits are posit<bits>es<exponent bits>")
        return cls(int(n), int(es or "2"))

    @property
    def width(self) -> int:
        return self.n

    @property
    def signed(self) -> bool:
        return True

    @property
    def max(self) -> float:
        return float(2.0 ** ((self.n - 2) << self.es))

    @property
    def min(self) -> float:
        return -self.max

    @property
    def least_exponent(self) -> int:
        """All values are whole multiples of 2 to this: the least posit is 2 to it."""
        return -((self.n - 2) << self.es)

    @property
    def nan_code(self) -> int:
        return 1 << (self.n - 1)

    has_nan = True
    has_infinity = False

    def decode(self, codes: ArrayLike) -> NDArray[np.float64]:
        """Values of codes; every code has one."""
        return _values(self.n, self.es)[np.asarray(codes, np.uint64) & np.uint64((1 << self.n) - 1)]

    def encode(self, values: ArrayLike) -> NDArray[np.uint64]:
        """Codes of values of this format; ValueError for others (quantize() rounds)."""
        values = np.asarray(values, np.float64)
        codes = self._nearest(values, "rne", 0, 0)
        unchanged(self.name, np.where(np.isfinite(values), values, np.nan), self.decode(codes))
        return codes

    def quantize(
        self, values: ArrayLike, rounding: str = "rne", random: ArrayLike = 0, bits: int = 0
    ) -> NDArray[np.float64]:
        """Posits that stand for `values`; infinities and NaN become NaR.

        As the standard has it, the code is rounded, not the value: written with as many bits as it
        needs, it is a whole number and a part behind the point, on which `rounding` works as for
        any other format (:func:`.rounding.rounded`). Only zero becomes zero.
        """
        return self.decode(self._nearest(np.asarray(values, np.float64), rounding, random, bits))

    def _nearest(self, values: NDArray, rounding: str, random: ArrayLike, bits: int):
        """Codes: the endless code of each magnitude, rounded as a whole number."""
        size = np.clip(np.where(np.isfinite(values), np.abs(values), 1.0), 1 / self.max, self.max)
        fraction, exponent = np.frexp(size)
        exponent = exponent.astype(np.int64) - 1
        regime = exponent >> self.es
        ones = np.where(regime >= 0, (2 << np.maximum(regime, 0)) - 1 << 1, 1)
        length = np.where(regime >= 0, regime + 2, 1 - regime)  # of the regime's bits
        tail = exponent & ((1 << self.es) - 1)
        tail = (tail << 52) + np.ldexp(2 * fraction - 1, 52).astype(np.int64)
        kept = self.n - 1 + BEHIND - length  # of the tail's bits
        lost = 52 + self.es - kept
        code = (ones << kept) + (tail >> lost)
        sticky = tail & ((1 << lost) - 1) != 0
        steps = np.ldexp((2 * code + sticky).astype(np.float64), -1 - BEHIND)
        code = rounded(steps, rounding, random, bits).astype(np.int64)
        code = np.clip(code, 1, (1 << (self.n - 1)) - 1)
        code = np.where(values < 0, -code, code) & ((1 << self.n) - 1)
        code = np.where(values == 0, 0, code)
        return np.where(np.isfinite(values), code, self.nan_code).astype(np.uint64)


@cache
def _values(n: int, es: int) -> NDArray[np.float64]:
    """The value of every code."""
    values = np.array([_magnitude(code, n, es) for code in range(1 << (n - 1))])
    return np.concatenate([values, [np.nan], -values[:0:-1]])


def _magnitude(code: int, n: int, es: int) -> float:
    """Value of a code that is not negative."""
    if code == 0:
        return 0.0
    bits = f"{code:0{n - 1}b}"
    run = len(bits) - len(bits.lstrip(bits[0]))
    regime = run - 1 if bits[0] == "1" else -run
    rest = bits[run + 1 :]
    exponent = int(rest[:es].ljust(es, "0") or "0", 2)
    fraction = rest[es:]
    significand = 1 + int(fraction or "0", 2) / (1 << len(fraction))
    return significand * 2.0 ** ((regime << es) + exponent)
