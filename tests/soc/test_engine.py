"""The soc engine: the same results as the instruction-set simulator, however commands travel."""

import struct

import numpy as np
import pytest

from hw.isa import Command, ErrorCode, encode
from hw.soc.host import HOSTS
from sim.engine import Engine, EngineError
from sim.machine import Machine
from sim.programs import compare, random_program
from sw.network.model import Layer, Network
from sw.network.reference import run_network
from sw.network.table import CONV, FC, LayerRecord, pack_table, unpack_table
from sw.runtime.engine import SocEngine

from .conftest import CONFIG, engine_of

BYTES = random_program(CONFIG, 0).memory_bytes


@pytest.mark.parametrize("options", [{}, {"stall": 0.3, "seed": 5}, {"latency": 20}])
def test_random_programs_equal_the_machine(host, options):
    machine, engine = Machine(CONFIG, BYTES), engine_of(host, BYTES, **options)
    assert isinstance(engine, Engine)
    first = 100 * (len(options) + 3 * HOSTS.index(host))
    for seed in range(first, first + 3):
        difference = compare(machine, engine, random_program(CONFIG, seed))
        assert difference is None, f"seed {seed}: {difference}"


def test_errors_stay_until_cleared_and_indices_count_since_reset():
    engine = SocEngine(CONFIG)
    assert engine.run([]).error is ErrorCode.NONE
    flush, wrong = encode("flush"), Command(99)
    assert engine.run([flush] * 3).error is ErrorCode.NONE
    run = engine.run([flush, wrong, flush])
    assert (run.error, run.error_index) == (ErrorCode.BAD_FUNCT, 4)
    with pytest.raises(EngineError, match="command 4 since reset ended in BAD_FUNCT"):
        run.check()
    run = engine.run([encode("error")])
    assert run.responses == [int(ErrorCode.BAD_FUNCT) | 4 << 8]
    assert run.error is ErrorCode.BAD_FUNCT
    assert engine.run([encode("error", clear=1)]).error is ErrorCode.NONE
    engine.run([wrong])
    engine.reset()
    run = engine.run([flush, wrong])
    assert (run.error, run.error_index) == (ErrorCode.BAD_FUNCT, 1)


def test_a_list_longer_than_a_batch_runs_whole(monkeypatch):
    monkeypatch.setattr("sw.runtime.engine.BATCH", 5)
    engine = SocEngine(CONFIG)
    clear = encode("error", clear=1)
    run = engine.run([encode("flush")] * 12 + [Command(99), clear, encode("error")])
    assert run.responses == [int(ErrorCode.BAD_FUNCT) | 12 << 8, 0]
    assert run.error is ErrorCode.NONE and 15 * 5 < run.cycles < 15 * 200


def test_memory_ends_where_it_says():
    engine = SocEngine(CONFIG, 4096)
    engine.write(4000, bytes(96))
    with pytest.raises(EngineError, match="outside the memory of 0x1000 bytes"):
        engine.write(4001, bytes(96))
    run = engine.run(
        [
            encode("config_ld", scale=0x3F80_0000),
            encode("mvin", address=4096, rows=1, cols=4),
        ]
    )
    assert run.error is ErrorCode.BUS_READ
    with pytest.raises(EngineError, match="memory_bytes is 2147483648; the system's map has room"):
        SocEngine(CONFIG, 1 << 31)


def test_timelines_show_who_works():
    engine = SocEngine(CONFIG, 4096, timeline=True)
    moves = [encode("config_ld", scale=0x3F80_0000, stride=4)]
    moves += [encode("mvin", address=64, local=4 * n, rows=4, cols=4) for n in range(8)]
    units = {unit for unit, start, end in engine.run(moves).activity if end > start}
    assert units >= {"load", "accelerator"} and "execute" not in units


def test_a_network_in_software_equals_numpy():
    rng = np.random.default_rng(1)

    def layer(name, shape, scale, **options):
        weights = rng.integers(-128, 128, shape).astype(np.int8)
        bias = rng.integers(-500, 500, shape[-1]).astype(np.int32)
        return Layer(name, weights, bias, scale, **options)

    layers = (
        layer("first", (3, 3, 2, 5), 0.0031, padding=1),
        layer("second", (3, 3, 5, 6), 0.0017, stride=2, padding=1, relu=False),
        layer("last", (54, 7), 0.0049, relu=False),
    )
    network = Network(layers, (6, 6, 2))
    images = rng.integers(-128, 128, (2, *network.input_shape)).astype(np.int8)
    wanted = run_network(network, images)
    engine = SocEngine(CONFIG, 1 << 20)
    table, address, records = 1 << 16, 1 << 17, []

    def place(data):
        nonlocal address
        engine.write(address, data)
        address += -(-len(data) // 64) * 64
        return address - -(-len(data) // 64) * 64

    source = place(images.tobytes())
    shapes = network.shapes()
    for layer, before, after in zip(network.layers, shapes[:-1], shapes[1:], strict=True):
        if not layer.is_conv:
            before = (1, 1, int(np.prod(before)))
        target = place(bytes(len(images) * int(np.prod(after))))
        records.append(
            LayerRecord(
                *(CONV if layer.is_conv else FC, *before, *after),
                *(layer.kernel, layer.stride, layer.padding, int(layer.relu)),
                struct.unpack("<I", struct.pack("<f", layer.scale))[0],
                place(np.ascontiguousarray(layer.weights).tobytes()),
                place(np.ascontiguousarray(layer.bias).astype("<i4").tobytes()),
                *(source, target),
            )
        )
        source = target
    data = pack_table(len(images), records)
    engine.write(table, data)
    done = engine.run_firmware("software", [table])
    for record, want in zip(records, wanted, strict=True):
        got = np.frombuffer(engine.read(record.output, want.size), np.int8)
        assert (got == want.ravel()).all(), f"layer at {record.output:#x}"
    counted = [record.cycles for record in unpack_table(engine.read(table, len(data)))[1]]
    assert all(counted) and sum(counted) < done.cycles
    with pytest.raises(EngineError, match="no network at 40"):
        engine.run_firmware("network", [64])
