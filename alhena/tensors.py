"""Values of any format on their way into memory and back."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hw.config import Config
from hw.formats import Accumulator, Blocks, Fixed, Format, Int
from sim.machine.elements import elements_of
from sim.machine.rows import pack_rows, unpack_rows


def checked(name: str, values: ArrayLike, config: Config, role: str, dims: int) -> NDArray:
    """`values` as an array of `dims` dimensions, none of size 0, for the format of `role`.

    ``int64`` for integers, else ``float64``; ValueError names the first value that the format
    does not have.
    """
    fmt = getattr(config, role)
    if isinstance(values, Blocks):
        raise ValueError(f"{name} is in blocks; {config.name} takes {fmt.name} without scales")
    if config.blocks and dims > 2:
        names = " x ".join(each.name for each in config.operands)
        raise ValueError(
            f"{config.name} has operands in blocks ({names}); they are for matmul only"
        )
    array = np.asarray(values)
    if array.ndim != dims or 0 in array.shape:
        raise ValueError(
            f"{name} has shape {array.shape}; it must have {dims} non-empty dimensions"
        )
    if isinstance(fmt, Int):
        return _integers(name, array, fmt)
    if array.dtype.kind not in "iuf":
        raise ValueError(f"{name} holds {array.dtype}; {fmt.name} takes real numbers")
    array = array.astype(np.float64)
    kept, owner = fmt.quantize(array), "acc.weight" if role == "weight" else f"config.{role}"
    other = ~((kept == array) | (np.isnan(kept) & np.isnan(array)))
    if other.any():
        raise ValueError(
            f"{name} holds {array[other][0]}, which is no {fmt.name}; "
            f"{owner}.quantize({name}) rounds"
        )
    return array


def _integers(name: str, array: NDArray, fmt: Int) -> NDArray[np.int64]:
    if array.dtype.kind not in "iu":
        raise ValueError(f"{name} holds {array.dtype}; quantise it to integers first")
    for extreme in (array.min(), array.max()):
        if not fmt.min <= extreme <= fmt.max:
            raise ValueError(
                f"{name} holds {extreme}; {fmt.name} takes values from {fmt.min} to {fmt.max}"
            )
    return array.astype(np.int64)


def finite(name: str, scale: float) -> float:
    """`scale` as a multiplier of the hardware; ValueError if that would be infinite, NaN, or count
    as 0."""
    if not isinstance(scale, int | float | np.number):
        raise ValueError(f"{name} is {scale!r}; it must be a number")
    limits = np.finfo(np.float32)
    with np.errstate(over="ignore"):
        rounded = abs(np.float32(scale))
    if not np.isfinite(rounded):
        raise ValueError(f"{name} is {scale}; it must be a finite float32")
    if scale != 0 and rounded < limits.tiny:
        raise ValueError(
            f"{name} is {scale}; it would count as 0, the least float32 that does not is "
            f"{limits.tiny}"
        )
    return float(scale)


def in_blocks(name: str, values: ArrayLike | Blocks, config: Config, role: str) -> Blocks:
    """`values` in blocks along K: encoded, or blocks that are so already; K need not be a multiple
    of their size."""
    block, axis = getattr(config, f"{role}_block"), 1 if role == "input" else 0
    if isinstance(values, Blocks):
        if 0 in np.shape(values.codes):
            raise ValueError(f"{name} has codes of shape {np.shape(values.codes)}; none may be 0")
        return block.checked(name, values, axis)
    array = np.asarray(values)
    if array.ndim != 2 or 0 in array.shape or array.dtype.kind not in "iuf":
        raise ValueError(
            f"{name} has shape {array.shape} of {array.dtype}; it must have two non-empty "
            "dimensions of real numbers"
        )
    return block.encode(array, axis)


def packed(fmt: Format, codes: NDArray) -> NDArray[np.uint8]:
    """``codes[rows, cols]`` as bytes, rows packed to the bit."""
    return pack_rows(fmt, np.asarray(codes).astype(np.int64))


def summands(name: str, values: ArrayLike, config: Config, dims: int) -> NDArray:
    """What the accumulator memory is to hold for `values`: they are rounded to the nearest value,
    ties to even, unless the accumulator is an `Int`. Units of a `Fixed`."""
    fmt = config.accumulator
    if isinstance(fmt, Int):
        return checked(name, values, config, "accumulator", dims)
    array = np.asarray(values)
    if array.ndim != dims or 0 in array.shape or array.dtype.kind not in "iuf":
        raise ValueError(
            f"{name} has shape {array.shape} of {array.dtype}; it must have {dims} non-empty "
            "dimensions of real numbers"
        )
    return fmt.quantize(array.astype(np.float64))


def stored(fmt: Format | Accumulator, values: NDArray) -> NDArray[np.uint8]:
    """``values[rows, cols]`` (units of a `Fixed`) as bytes, rows packed to the bit."""
    return pack_rows(fmt, values if isinstance(fmt, Fixed) else elements_of(fmt, values))


def fetched(fmt: Format | Accumulator, data: NDArray[np.uint8], cols: int) -> NDArray:
    """Values of memory rows: ``int64`` of an `Int`, else ``float64`` (rounded to odd where a
    `Fixed` has more than 53 bits)."""
    elements = unpack_rows(fmt, data, cols)
    if isinstance(fmt, Int):
        return elements
    return fmt.values(elements) if isinstance(fmt, Fixed) else fmt.decode(elements)
