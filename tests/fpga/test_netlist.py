"""Netlists beside the designs they were made of: models of cells, a board with its digits."""

import os

import numpy as np
import pytest
from amaranth.hdl import Cat, ClockDomain, ClockSignal, Module, Signal
from amaranth.lib import memory, wiring
from amaranth.lib.wiring import In, Out

from alhena.jobs import verify
from fpga.board import BARE, BoardError, board
from fpga.families import FAMILIES
from fpga.netlist import as_verilog
from fpga.platform import Platform
from fpga.rtlil import emit as emit_rtlil
from fpga.steps import synthesised
from fpga.tools import tool
from hw.arith.mac.block import block_product, has_block
from hw.config_text import parse_config
from hw.memory.collisions import NO_COLLISIONS
from hw.verilog import emit
from sim.engine import EngineError
from sim.soc.pins import LEVELS, Lockstep, Pins
from sim.tools import ToolError

ECP5 = FAMILIES["ecp5"]
FULL = os.environ.get("ALHENA_FULL") == "1"


class Exercise(wiring.Component):
    """Memories and products under numbers that look random; all that comes out changes `tx`."""

    SHAPES = ((1, 8192, 1), (4, 4096, 4), (9, 512, 9), (18, 1024, 9), (32, 4096, 8), (64, 512, 8))
    """Bits, words and bits of an enable."""

    def __init__(self):
        super().__init__({"clk": In(1), "rx": In(1), "tx": Out(1), "busy": Out(1)})

    def elaborate(self, platform):
        m = Module()
        m.domains.sync = ClockDomain(reset_less=True)
        m.d.comb += ClockSignal().eq(self.clk)
        self.random = Signal(89, init=0x123456789ABCDEF012345)
        step = Cat(self.random[n] ^ self.random[n + 51] for n in range(38))  # x^89 + x^38 + 1
        m.d.sync += self.random.eq(Cat(self.random[38:], step))
        self.seen = Signal(97)
        seen = self.seen.rotate_left(1)
        for number, (width, words, part) in enumerate(self.SHAPES):
            for shared in (False, True):
                seen ^= self._memory(m, f"memory{number}{shared}", width, words, part, shared)
        seen ^= self._small(m)
        for signed in (False, True):
            seen ^= self._products(m, signed, platform)
        m.d.sync += self.seen.eq(seen)
        m.d.comb += [self.tx.eq(self.seen.xor()), self.busy.eq(self.seen[0])]
        return m

    def _memory(self, m: Module, name: str, width: int, words: int, part: int, shared: bool):
        """Read where something is written as often as not, or never."""
        init = [(n * 0x9E3779B97F4A7C15 >> 20) % (1 << width) for n in range(words // 2)]
        attrs = {} if shared else NO_COLLISIONS
        m.submodules[name] = storage = memory.Memory(
            shape=width, depth=words, init=init, attrs=attrs
        )
        write, read = storage.write_port(granularity=part), storage.read_port()
        near = Cat(self.random[:4], self.random[80])
        m.d.comb += [
            write.addr.eq(near),
            write.data.eq(self.random[9:]),
            write.en.eq(self.random[70:]),
            read.en.eq(self.random[40] | self.random[41]),
            read.addr.eq((near if shared else near ^ 1) | (self.random[60] << 8)),
        ]
        if shared:
            m.d.comb += write.addr.eq(near ^ self.random[50])
        return read.data

    def _small(self, m: Module):
        m.submodules.small = storage = memory.Memory(shape=8, depth=16, init=range(16))
        write, read = storage.write_port(), storage.read_port(domain="comb")
        m.d.comb += [write.addr.eq(self.random), write.data.eq(self.random[4:])]
        m.d.comb += [write.en.eq(self.random[12]), read.addr.eq(self.random[13:])]
        return read.data << 60

    def _products(self, m: Module, signed: bool, platform):
        """As one step, and with the registers of a block."""
        a, b = self.random[3:14], self.random[30:39]
        if signed:
            a, b = a.as_signed(), b.as_signed()
        once, twice = Signal.like(a * b), Signal.like(a * b)
        m.d.comb += once.eq(a * b)
        m.submodules[f"signed{signed}"] = inner = Module()
        if has_block(platform, a, b):
            inner.d.comb += twice.eq(block_product(inner, a, b))
        else:
            kept = [Signal.like(x) for x in (a, b)]
            inner.d.sync += [kept[0].eq(a), kept[1].eq(b), twice.eq(kept[0] * kept[1])]
        return (once ^ (twice << 21)).as_unsigned()


@pytest.fixture(scope="module")
def tools():
    """Skip where there is no yosys."""
    try:
        yield tool("yosys")
    except ToolError as error:
        pytest.skip(str(error))


def test_blocks_memories_and_gates_do_what_the_design_does(tools):
    platform = Platform("LFE5U-85F")
    design = emit_rtlil(Exercise(), platform)
    netlist = synthesised("exercise", design, ECP5.synthesis(), platform.files)
    text = as_verilog(netlist, ECP5)
    counts = [text.count(f"  {kind} ") for kind in ("DP16KD", "MULT18X18D", "LUT4", "TRELLIS_FF")]
    assert counts[0] >= 2 * len(Exercise.SHAPES) and counts[1:] == [4, 0, 0]
    both = Lockstep(
        Pins(emit(Exercise()), "exercise", 8),
        Pins(text, "exercise-netlist", 8, (ECP5.models, ECP5.block_models)),
    )
    both.step(20_000)
    ones = (both.both[0].history & 1).mean()
    both.close()
    assert 0.45 < ones < 0.55


class Fake:
    """A top whose pins are what it is told."""

    sdram = None

    def __init__(self, levels):
        self.levels, self.at = np.array(levels, np.uint64), 0

    def step(self, cycles):
        self.at += cycles
        return b"x"

    def type(self, data):
        pass

    @property
    def history(self):
        return self.levels[self.at - 4 : self.at]


def test_lockstep_names_the_first_cycle_and_its_pins():
    write = 1 << list(LEVELS).index("busy") | 1 << (2 + 16 + 16 + 2 + 13 + 2)
    levels = [1, 3, 1, 0, 2, 3, 1, 1]
    other = [*levels[:6], levels[6] ^ write, 0]
    both = Lockstep(Fake(levels), Fake(other))
    assert both.step(4) == b"x"
    with pytest.raises(EngineError, match="differ in cycle 6: busy, sdram_we_n$"):
        both.step(4)


def test_families_without_models_say_so(tmp_path):
    with pytest.raises(BoardError, match="netlists for gowin cannot be simulated; those for ecp5"):
        as_verilog(tmp_path, FAMILIES["gowin"])


ONE_CLOCK, TWO_CLOCKS = (
    parse_config(f"tiny:partial=int20,mac_stages=3,{changes}{BARE}")
    for changes in ("", "array_clock=2,scale_cycles=4,")
)


@pytest.mark.skipif(not FULL, reason="minutes; make test-full")
def test_the_netlist_of_a_small_board_computes_a_product_in_lockstep(tools):
    small = board("icebreaker")
    found = verify.run(small, small.configured())
    assert found["equal"] and found["cycles"] > 1_000_000


@pytest.mark.skipif(not FULL, reason="minutes; make test-full")
@pytest.mark.parametrize("config", [ONE_CLOCK, TWO_CLOCKS], ids=["one clock", "two clocks"])
def test_the_netlist_of_a_board_computes_digits_in_lockstep(tools, config):
    found = verify.run(board("ulx3s"), config)
    assert found["equal"] and found["cycles"] > found["accelerator_cycles"] > 1000
