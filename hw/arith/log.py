"""Logarithmic numbers taken apart: the whole part of the exponent is theirs, the rest is looked up
in a table of one octave."""

import numpy as np
from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value

from ..formats import Log
from .rom import rom


def significand_bits(fmt: Log) -> int:
    """Bits of the longest significand."""
    return fmt.man + 1 if fmt.fraction else 1


def exponents_of(fmt: Log) -> range:
    """Exponents of the magnitudes, rounded down."""
    ends = fmt.decode([1, (1 << fmt.width - 1) - 1])
    least, most = (np.frexp(ends)[1] - 1).tolist()
    return range(least, most + 1)


def octave(fmt: Log) -> list[int]:
    """Significands of one octave, ascending, with `significand_bits` bits."""
    count = 1 << fmt.fraction
    sizes = np.frexp(fmt.decode(np.arange(1, count + 1)))[0]
    return sorted(np.ldexp(sizes, significand_bits(fmt)).astype(int).tolist())


def log_parts(m: Module, fmt: Log, code: Value) -> tuple[Value, Value, Value, Value]:
    """Sign, exponent above the least (0 of zero), normalised significand and NaN of a code."""
    field, some = code[:-1], Signal(name="some")
    start = exponents_of(fmt).start << fmt.fraction
    place = Signal(fmt.width, name="place")
    m.d.comb += [some.eq(field.any()), place.eq(Mux(some, field - (fmt.bias + start), 0))]
    words = [word & (1 << fmt.man) - 1 for word in octave(fmt)]
    fraction = Const(0, 0)
    if fmt.fraction:
        fraction = rom(m, "octave", words, fmt.man, place[: fmt.fraction])
    significand = Cat(fraction & some.replicate(len(fraction)), some)
    return code[-1] & some, place[fmt.fraction :], significand, code[-1] & ~some
