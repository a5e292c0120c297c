"""Many small pipelines in one Verilated model, fed one vector per cycle."""

import ctypes
from pathlib import Path

import numpy as np
from amaranth.back import verilog
from amaranth.hdl import Cat, Const, Module, Shape, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from sim.rtl.build import Design, build_library
from sim.rtl.flat import Flat

WORD = 32


def words(width: int) -> int:
    return -(-width // WORD)


def delayed(m: Module, value, cycles: int, name: str):
    for n in range(cycles):
        kept = Signal(len(value), name=f"{name}{n}")
        m.d.sync += kept.eq(value)
        value = kept
    return value


class Whole(wiring.Component):
    """Codes to sum through a `Mac` with its decoders; the sum, and whether the last one stays, come
    in with the operands."""

    def __init__(self, mac, hold=False):
        self.mac, self.hold = mac, hold
        self.inputs = {"a": mac.input.width, "w": mac.weight.width, "s": _width(mac.sum_layout)}
        self.inputs |= {"random": mac.sum.bits} if getattr(mac.sum, "bits", 0) else {}
        self.inputs |= {"stay": 1} if hold else {}
        self.latency = mac.stages
        super().__init__(
            {n: In(w) for n, w in self.inputs.items()} | {"o": Out(_width(mac.sum_layout))}
        )

    def elaborate(self, platform):
        m = Module()
        mac = self.mac
        m.submodules.mac = unit = mac.create(hold=self.hold)
        m.submodules.decode_a = a = mac.decode_input()
        m.submodules.decode_w = w = mac.decode_weight()
        m.d.comb += [
            *(a.i.eq(self.a), w.i.eq(self.w)),
            *(_bits(unit.input).eq(_bits(a.o)), _bits(unit.weight).eq(_bits(w.o))),
            _bits(unit.sum_in).eq(delayed(m, self.s, mac.before, "s")),
            self.o.eq(_bits(unit.sum_out)),
        ]
        if "random" in self.inputs:
            m.d.comb += unit.random.eq(delayed(m, self.random, mac.before, "random"))
        if self.hold:
            m.d.comb += unit.hold.eq(delayed(m, self.stay, mac.before, "stay"))
        return m


class Unary(wiring.Component):
    """A combinational unit with members i and o."""

    latency = 0

    def __init__(self, unit):
        self.unit = unit
        self.inputs = {"i": len(_bits(unit.i))}
        super().__init__({"i": In(len(_bits(unit.i))), "o": Out(len(_bits(unit.o)))})

    def elaborate(self, platform):
        m = Module()
        m.submodules.unit = self.unit
        m.d.comb += [_bits(self.unit.i).eq(self.i), self.o.eq(_bits(self.unit.o))]
        return m


class Adder(wiring.Component):
    """An `Add`."""

    def __init__(self, add):
        self.add, self.latency = add, add.latency
        self.unit = add.create()
        width = len(_bits(self.unit.o))
        self.inputs = {"x": width, "y": width}
        super().__init__({"x": In(width), "y": In(width), "o": Out(width)})

    def elaborate(self, platform):
        m = Module()
        m.submodules.unit = unit = self.unit
        m.d.comb += [unit.x.eq(self.x), unit.y.eq(self.y), self.o.eq(unit.o)]
        return m


def _bits(value):
    return value.as_value()[:] if hasattr(value, "as_value") else value[:]


def _width(shape) -> int:
    return Shape.cast(shape).width


class Bank(wiring.Component):
    """Units side by side; every port takes whole words of `i` and `o`."""

    def __init__(self, units: dict):
        self.units = units
        self.in_words = sum(words(w) for u in units.values() for w in u.inputs.values())
        self.out_words = sum(words(len(u.o)) for u in units.values())
        self.in_words, self.out_words = max(self.in_words, 3), max(self.out_words, 3)
        super().__init__({"i": In(WORD * self.in_words), "o": Out(WORD * self.out_words)})

    def elaborate(self, platform):
        m = Module()
        place, out = 0, []
        for n, unit in enumerate(self.units.values()):
            m.submodules[f"unit{n}"] = unit
            for name, width in unit.inputs.items():
                m.d.comb += getattr(unit, name).eq(self.i[WORD * place :][:width])
                place += words(width)
            out.append(Cat(unit.o, Const(0, WORD * words(len(unit.o)) - len(unit.o))))
        m.d.comb += self.o.eq(Cat(*out))
        return m

    def run(self, name: str, vectors: dict, platform=None, extra: tuple[Path, ...] = ()) -> dict:
        """Results by unit for vectors by unit and port; integers of any size.

        Checks nothing; every unit's results are shifted by its latency. Vectors of all units are
        as many. `extra`: Verilog of the platform's cells."""
        flat = Flat(self, reset=False)
        text = verilog.convert(flat, name="top", strip_internal_attrs=True, platform=platform)
        harness = Path(__file__).parent / "bank.cpp"
        library = build_library(Design(f"mac-{name}", text, harness, extra=extra))
        some = next(iter(next(iter(vectors.values())).values()))
        count, tail = len(some), max(u.latency for u in self.units.values())
        sent = np.zeros((count + tail, self.in_words), "<u4")
        place = 0
        for key, unit in self.units.items():
            for port, width in unit.inputs.items():
                for k in range(words(width)):
                    sent[:count, place + k] = _word(vectors[key][port], k)
                place += words(width)
        got = np.zeros((count + tail, self.out_words), "<u4")
        stream = ctypes.CDLL(str(library)).stream
        stream.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_uint64]
        assert stream(sent.ctypes.data, got.ctypes.data, count + tail) == 0
        results, place = {}, 0
        for key, unit in self.units.items():
            rows = got[unit.latency : unit.latency + count, place : place + words(len(unit.o))]
            place += words(len(unit.o))
            results[key] = _joined(rows)
        return results


def _word(values, k: int):
    values = np.asarray(values)
    if values.dtype == object:
        return np.array([int(v) >> WORD * k & 0xFFFF_FFFF for v in values], np.uint32)
    return (values.astype(np.uint64) >> np.uint64(WORD * k)).astype(np.uint32) if k < 2 else 0


def _joined(rows: np.ndarray):
    if rows.shape[1] <= 2:
        wide = rows.astype(np.uint64)
        return sum(wide[:, k] << np.uint64(WORD * k) for k in range(rows.shape[1]))
    return np.array([int.from_bytes(row.tobytes(), "little") for row in rows], object)
