"""Rounding of scaled magnitudes to whole numbers, and checks: what all formats share."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

MODES = ("rne", "zero", "stochastic")


def whole(value, least: int, most: int) -> bool:
    """Whether a parameter of a format is an integer in [least, most]."""
    return isinstance(value, int) and not isinstance(value, bool) and least <= value <= most


def whole_numbers(name: str, values: ArrayLike) -> NDArray:
    """`values` as ``int64``, or Python's integers where they are larger; ValueError for others."""
    values = np.asarray(values)
    if values.dtype.kind in "iO":
        return values
    if values.dtype.kind not in "bfu":
        raise ValueError(f"{name} takes whole numbers, not {values.dtype}")
    odd = np.atleast_1d(values)[np.atleast_1d((values != np.rint(values)) | np.isinf(values))]
    if odd.size:
        raise ValueError(f"{name} has no value {odd[0]}; quantize() rounds")
    large = values.size and np.abs(values.astype(np.float64)).max() >= 1 << 63
    return values.astype(object if large else np.int64)


def unchanged(name: str, values: NDArray, kept: NDArray) -> NDArray:
    """`kept`, what the format makes of `values`; ValueError if it changes one."""
    changed = np.atleast_1d(~((kept == values) | (np.isnan(kept) & np.isnan(values))))
    if changed.any():
        other = np.atleast_1d(values)[changed][0]
        raise ValueError(f"{name} has no value {other}; quantize() rounds")
    return kept


def rounded(
    steps: NDArray[np.float64], rounding: str = "rne", random: ArrayLike = 0, bits: int = 0
) -> NDArray[np.float64]:
    """Whole numbers for `steps` >= 0, exactly.

    ``rne``: the nearest, ties to even. ``zero``: cut off. ``stochastic``: `bits` bits behind the
    point are kept, the `random` integer (0 to 2**bits - 1) is added to them, the rest is cut off;
    so a value lies above its lower neighbour by r of 2**bits in r of 2**bits cases.
    """
    if rounding == "rne":
        return np.rint(steps)
    if rounding == "zero":
        return np.floor(steps)
    if rounding != "stochastic":
        raise ValueError(f"rounding is {rounding!r}; it must be {', '.join(MODES)}")
    random = np.asarray(random)
    if not 1 <= bits <= 16 or (random.size and not 0 <= random.min() <= random.max() < 1 << bits):
        raise ValueError(
            f"stochastic rounding needs 1 to 16 bits and random integers of {bits} bits"
        )
    whole = np.floor(steps)
    behind = np.floor(np.ldexp(steps - whole, bits))
    return whole + (behind + random >= 1 << bits)
