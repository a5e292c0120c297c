"""The network in memory and as commands, on the instruction-set simulator."""

import struct

import numpy as np
import pytest

from hw.config import PRESETS
from hw.formats import Float, Int, Posit, pack
from hw.formats.mix import Mix
from sim.machine import Machine
from sw.network.digits import load_digits
from sw.network.firmware import place
from sw.network.model import load_network
from sw.network.plan import make_plan, pack_rows, unpack_rows
from sw.network.reference import run_network
from sw.network.table import unpack_table
from sw.train.quantise import network_in

TINY = PRESETS["tiny"]


@pytest.fixture(scope="module")
def network():
    return load_network()


@pytest.fixture(scope="module")
def images():
    return load_digits().test_images


@pytest.mark.parametrize("config", [TINY, TINY.replace(name="odd", dim=6)], ids=lambda c: c.name)
@pytest.mark.parametrize("loops", [False, True], ids=["commands", "loops"])
def test_every_layer_equals_the_reference(config, loops, network, images):
    plan = make_plan(network, config, 2, loops=loops)
    engine = Machine(config)
    plan.prepare(engine)
    engine.write(*plan.input_bytes(images[:2]))
    plan.execute(engine)
    for got, want in zip(plan.outputs(engine), run_network(network, images[:2]), strict=True):
        assert np.array_equal(got, want)


FORMATS = (
    *("int4", "e4m3fn", "e5m2", "e2m1", "e3m2", "bf16", "fp16", "posit8es1", "posit16es1"),
    *("int8->fp32", "e4m3fn*e5m2", "int8*e4m3fn", "e4m3fn->e6m5-rz", "e4m3fn->fixed24e-8-sat"),
    *("bf16->fixed100e-40", "int5", "int8*int4", "fp16*e4m3fn", "int8*int2", "e4m3fn*e2m1"),
)


@pytest.mark.parametrize("name", FORMATS)
def test_every_layer_equals_the_reference_in_any_format(name, images):
    mix = Mix.parse(name)
    network, config = network_in(mix), PRESETS["small"].with_formats(**vars(mix))
    plan, engine = make_plan(network, config, 1), Machine(config)
    inputs = network.inputs(images[:1])
    plan.prepare(engine)
    engine.write(*plan.input_bytes(inputs))
    plan.execute(engine)
    wanted = run_network(network, inputs, plan.tiles())
    sizes = [sum(k for _, k in tiles) for tiles in plan.tiles()]
    assert sizes == [9, 144, 288, 128]
    for got, want in zip(plan.outputs(engine), wanted, strict=True):
        np.testing.assert_array_equal(got, want)


@pytest.mark.parametrize("name", ["e4m3fn", "fp16"])
def test_loops_add_in_an_order_that_exact_sums_do_not_show(name, images):
    mix = Mix.parse(f"{name}->fixed80e-34")
    network, config = network_in(mix), PRESETS["small"].with_formats(**vars(mix))
    plan, engine = make_plan(network, config, 1, loops=True), Machine(config)
    inputs = network.inputs(images[:1])
    plan.prepare(engine)
    engine.write(*plan.input_bytes(inputs))
    plan.execute(engine)
    for got, want in zip(plan.outputs(engine), run_network(network, inputs), strict=True):
        np.testing.assert_array_equal(got, want)


def test_formats_that_no_network_takes_are_refused():
    small = PRESETS["small"]
    mix = Mix.parse("e4m3fn->fp32->e5m2")
    with pytest.raises(ValueError, match="outputs of a layer are the next one's inputs, here e4"):
        make_plan(network_in(mix), small.with_formats(**vars(mix)), 1)


def test_firmware_is_for_int8():
    mix = Mix.parse("e4m3fn")
    plan = make_plan(network_in(mix), TINY.with_formats(**vars(mix)), 1)
    with pytest.raises(ValueError, match="firmware computes in int8, not in e4m3fn"):
        place(plan, Machine(plan.config), np.zeros((1, 8, 8, 1)))


def test_rows_of_any_width_are_packed_like_single_ones():
    rng = np.random.default_rng(0)
    for fmt in (Int(5), Int(16), Float.parse("e3m2"), Posit(7, 1)):
        values = fmt.decode(rng.integers(0, 1 << fmt.width, (4, 7)))
        values = np.where(np.isnan(values), 0, values)
        data = pack_rows(fmt, values)
        assert data == b"".join(pack(fmt, row) for row in values)
        np.testing.assert_array_equal(unpack_rows(fmt, data, 4, 7), values)


def test_constants_and_tensors_do_not_overlap(network):
    plan = make_plan(network, TINY, 3)
    places = sorted(plan.allocator.regions.values())
    assert all(
        first + count <= second
        for (first, count), (second, _) in zip(places, places[1:], strict=False)
    )
    assert places[0][0] > 0


def test_other_images_are_refused(network, images):
    plan = make_plan(network, TINY, 2)
    with pytest.raises(ValueError, match=r"shape \(3, 8, 8, 1\); this plan is for \(2, 8, 8, 1\)"):
        plan.input_bytes(images[:3])


def test_other_formats_are_refused(network):
    narrow = TINY.replace(name="narrow", input=Int(4), weight=Int(4), output=Int(4))
    with pytest.raises(
        ValueError, match="Config 'narrow' computes in int4; the network needs int8"
    ):
        make_plan(network, narrow, 2)


def test_layers_need_a_scale(network):
    plain = TINY.replace(name="plain", mvout_scale=False, normalisation=False)
    with pytest.raises(ValueError, match="Config.mvout_scale of 'plain' is False; the network's"):
        make_plan(network, plain, 2)


def test_small_memory_is_refused(network):
    with pytest.raises(ValueError, match="larger memory_bytes"):
        make_plan(network, TINY, 2, memory_bytes=4096)


def test_firmware_finds_layers_and_commands(network, images):
    plan = make_plan(network, TINY, 2)
    engine = Machine(TINY)
    image = place(plan, engine, images[:2])
    count, records = unpack_table(engine.read(image.table, 4 * (3 + 4 * 19)))
    assert count == 2
    assert [r.kind for r in records] == [0, 0, 0, 1]
    first, last = records[0], records[-1]
    assert (first.in_h, first.in_w, first.in_c) == (8, 8, 1)
    assert (last.in_h, last.in_w, last.in_c, last.out_c) == (1, 1, 128, 10)
    assert engine.read(first.input, 128) == images[:2].tobytes()
    assert struct.pack("<I", first.scale) == struct.pack("<f", network.layers[0].scale)
    for record, step in zip(records, plan.steps, strict=True):
        funct, _, rs1, rs2 = struct.unpack("<IIQQ", engine.read(record.commands, 24))
        command = step.program.commands[0]
        assert (funct, rs1, rs2) == (command.funct, command.rs1, command.rs2)
        assert record.count == len(step.program.commands)
