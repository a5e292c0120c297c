"""The cycle model against the Verilated RTL, and what it says about the cycles."""

import numpy as np
import pytest

from bench.layers import looped_convolution, looped_product, product
from fpga.board import BARE
from hw.config import PRESETS
from hw.config_text import parse_config
from hw.isa import GARBAGE, Local, encode
from sim.engine import Engine, EngineError
from sim.machine import Machine
from sim.programs import random_program
from sim.rtl.engine import RtlEngine
from sim.timing import TimingEngine, predict
from sim.timing.fields import fields_header
from sw.compiler.pooled import Pool
from tests.cosim.formats import FULL, configuration

TINY = PRESETS["tiny"]


@pytest.mark.parametrize("surroundings", [{}, {"latency": 40}, {"bytes_per_cycle": 2.5}], ids=str)
def test_products_take_as_long_as_on_rtl(surroundings):
    engine = RtlEngine(TINY, **surroundings)
    for size in [(4, 4, 4), (17, 30, 9), (1, 64, 33), (40, 8, 24), (50, 50, 50)]:
        commands = product(TINY, *size)
        assert predict(TINY, commands, **surroundings).cycles == pytest.approx(
            engine.run(commands).check().cycles, rel=0.03, abs=4
        )
    engine.close()


@pytest.mark.parametrize("latency", [1, 40])
@pytest.mark.parametrize(
    "choices",
    [
        *(f"tiny:scale_cycles=4,array_clock={n}," for n in ((1, 2, 3) if FULL else (1,))),
        "tiny:format=e4m3fn,scale_cycles=4,array_clock=2,",
        "small:dim=6,weight=int4,scale_cycles=8,array_clock=3,",
        "small:scale_cycles=8,array_clock=4,",
    ],
)
def test_products_in_order_take_as_long_as_on_rtl(latency, choices):
    """Store, and execute for D, ask for one row at a time; the array may have its own clock."""
    config = parse_config(f"{choices}{BARE}")
    engine = RtlEngine(config, latency=latency)
    for size in [(4, 4, 4), (17, 30, 9), (40, 8, 24)]:
        commands = product(config, *size)
        want = engine.run(commands).check().cycles
        assert predict(config, commands, latency=latency).cycles == want
    programs = [random_program(config, seed, bus_errors=False).segments[0] for seed in range(60)]
    load = {"address": 64, "local": Local.ACC, "rows": 4, "cols": 4}
    programs.append([encode("config_ld", stride=8, scale=0), encode("mvin", **load)])
    for commands in programs:
        engine.reset()
        assert predict(config, commands, latency=latency).cycles == engine.run(commands).cycles
    engine.close()


@pytest.mark.parametrize("surroundings", [{}, {"latency": 40, "command_gap": 5}], ids=str)
@pytest.mark.parametrize("size", ["tiny:", "small:dim=6,mvout_scale=off,"])
def test_one_command_at_a_time_takes_as_long_as_on_rtl(size, surroundings):
    config = parse_config(f"{size}sequential=on,{BARE}")
    engine = RtlEngine(config, **surroundings, timeline=True)
    commands = [product(config, *size) for size in [(4, 4, 4), (17, 30, 9), (40, 8, 24)]]
    for seed in range(40):
        commands += random_program(config, seed, bus_errors=False).segments[:1]
    model = TimingEngine(config, **surroundings, timeline=True)
    for program in commands:
        engine.reset()
        model.reset()
        want, found = engine.run(program), model.run(program)
        assert (found.cycles, found.timing) == (want.cycles, want.timing)
        assert found.commands == want.commands
    engine.close()


@pytest.mark.parametrize("name, stages", [("bf16", 4), ("int8 x int4", 3), ("nvfp4", 3)])
def test_products_in_other_formats_take_as_long_as_on_rtl(name, stages):
    config = configuration(name, stages)
    engine = RtlEngine(config)
    for size in [(4, 4, 4), (17, 30, 9), (40, 8, 24)]:
        commands = product(config, *size)
        want = engine.run(commands).check().cycles
        assert predict(config, commands).cycles == pytest.approx(want, rel=0.03, abs=4)
    a, c = ({f"{name}_cols": config.dim, f"{name}_rows": config.dim} for name in "ac")
    nothing = encode("preload", b_addr=GARBAGE, c_addr=Local.ACC, **c)
    add = encode("compute_preloaded", a_addr=0, d_addr=GARBAGE, **a)
    commands = [nothing, add] * 9  # tiles of zeros, which are not read
    assert predict(config, commands).cycles == engine.run(commands).check().cycles
    engine.close()


def test_tables_of_weights_take_as_long_as_on_rtl():
    config = configuration("int8 x 16 values", 2)
    engine = RtlEngine(config)
    table = encode("weight_table", table_addr=8, table_rows=4)
    tile = product(config, 4, 4, 4)
    for commands in ([table] * 9, [table, *tile] * 5, [*tile, *tile, table, table] * 4):
        engine.reset()  # then the first table goes in
        want = engine.run(commands).check().cycles
        assert predict(config, commands).cycles == pytest.approx(want, rel=0.03, abs=2)
    engine.close()


def test_a_slow_host_counts():
    engine = RtlEngine(TINY, command_gap=30)
    commands = product(TINY, 12, 12, 12)
    timing = predict(TINY, commands, command_gap=30)
    assert timing.cycles == pytest.approx(engine.run(commands).cycles, rel=0.03)
    assert timing.bound == "commands"
    engine.close()


def test_random_programs_take_about_as_long_as_on_rtl():
    rtl, errors = RtlEngine(TINY), []
    for seed in range(24):
        for segment in random_program(TINY, seed, bus_errors=False).segments:
            rtl.reset()
            cycles = rtl.run(segment).cycles
            errors.append(abs(predict(TINY, segment).cycles / cycles - 1))
    assert np.mean(errors) < 0.03 and max(errors) < 0.2
    rtl.close()


def test_states_and_bounds_add_up_to_all_cycles():
    for size in [(4, 4, 4), (33, 20, 9), (1, 128, 32)]:
        timing = predict(TINY, product(TINY, *size), latency=7)
        assert {sum(states.values()) for states in timing.units.values()} == {timing.cycles}
        assert sum(timing.bounds.values()) == timing.cycles


def test_the_array_is_active_once_per_row():
    timing = predict(TINY, product(TINY, 8, 8, 12))
    assert timing.units["execute"]["active"] == 8 * (8 // 4) * (12 // 4)


@pytest.mark.parametrize(
    ("size", "surroundings", "bound"),
    [
        ((64, 64, 64), {}, "compute"),
        ((1, 256, 64), {"bytes_per_cycle": 2}, "memory in"),
        ((64, 4, 64), {"bytes_per_cycle": 1}, "memory out"),
        ((32, 32, 32), {"command_gap": 60}, "commands"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_bounds_name_what_is_short(size, surroundings, bound):
    assert predict(TINY, product(TINY, *size), **surroundings).bound == bound


def test_engine_has_results_and_cycles():
    engine, machine = TimingEngine(TINY, timeline=True), Machine(TINY)
    assert isinstance(engine, Engine)
    commands = product(TINY, 9, 5, 7)
    data = np.random.default_rng(3).integers(0, 256, 4096, np.uint8).tobytes()
    for one in (engine, machine):
        one.write(0, data)
        run = one.run(commands).check()
    run = engine.run(commands)
    assert engine.read(0, 4096) == machine.read(0, 4096)
    assert run.cycles == engine.last.cycles
    assert {unit for unit, _, _ in run.activity} == {"load", "execute", "store"}
    assert all(0 <= start < end <= run.cycles for _, start, end in run.activity)


def test_configuration_lasts_to_the_next_run():
    setup = [encode("config_ld", stride=65, block_stride=4, scale=0x3F800000)]
    load = [encode("mvin", address=64, rows=4, cols=16)]
    engine = TimingEngine(TINY)
    engine.run(setup)
    strided = engine.run(load).cycles
    assert strided == predict(TINY, setup + load).cycles - 2
    engine.reset()
    assert engine.run(load).cycles != strided  # stride 0: all rows aligned


def test_arrays_of_commands_are_taken_as_they_are():
    from sim.rtl.model import as_batch

    commands = product(TINY, 20, 20, 20)
    assert predict(TINY, as_batch(commands)) == predict(TINY, commands)


def test_latency_below_one_is_refused():
    with pytest.raises(EngineError, match="latency is 0"):
        TimingEngine(TINY, latency=0)


def test_header_has_every_field():
    header = fields_header()
    assert "namespace loop_conv_ws_config_3" in header
    assert "inline uint64_t rows(const Command& c) { return c.rs2 >> 48 & 0xffffull; }" in header


def share_of_error(rtl, config, commands):
    """How far the model is from the RTL."""
    rtl.reset()
    cycles = rtl.run(commands).cycles
    return abs(predict(config, commands).cycles / cycles - 1)


OPTIONS = {
    "dataflows": {"output_stationary": True, "transposes": True},
    "loops on an odd array": {"dim": 3, "loop_ws": True, "loop_conv": True},
    "normalised": {"normalisation": True},
    "stores": {"pooling": True, "spad_store": True, "scale_cycles": 2, "first_layer": True},
}


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
def test_options_take_as_long_as_on_rtl(options):
    config = TINY.replace(name="t_options", **options)
    rtl = RtlEngine(config)
    programs = (random_program(config, seed, bus_errors=False).segments[0] for seed in range(20))
    errors = [share_of_error(rtl, config, commands) for commands in programs]
    assert np.mean(errors) < 0.02 and max(errors) < 0.1
    rtl.close()


LOOPS = {
    "product": (looped_product, (17, 30, 9), {}),
    "output-stationary": (looped_product, (10, 33, 14), {"output_stationary": True}),
    "convolution": (looped_convolution, (8, 8, 12, 3, 1), {}),
    "downsampled": (looped_convolution, (8, 12, 8, 1, 2), {}),
    "first layer, pooled": (looped_convolution, (12, 3, 8, 7, 2), {"pool": Pool(3, 2, 1)}),
    "depthwise": (looped_convolution, (7, 9, 9, 3, 2), {"depthwise": True}),
}


@pytest.mark.parametrize("surroundings", [{}, {"latency": 8, "command_gap": 6}], ids=str)
def test_loops_take_as_long_as_on_rtl(surroundings):
    rtl = RtlEngine(TINY, **surroundings)
    for make, shape, options in LOOPS.values():
        commands = make(TINY, *shape, **options)
        cycles = rtl.run(commands).check().cycles
        assert predict(TINY, commands, **surroundings).cycles == pytest.approx(cycles, rel=0.01)
        rtl.reset()
    rtl.close()
