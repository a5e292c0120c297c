"""Lanes, pixel repeats, long rows, pooling, rows in a line, and moves between local memories."""

import numpy as np
import pytest

from hw.formats import Int
from hw.isa import GARBAGE, ErrorCode, Local, encode, float_bits
from tests.sim.machine.whole import ONE, TINY, clip8, get, machine, pool, put, run

ACC, FULL = Local.ACC, Local.FULL
rng = np.random.default_rng(3)


def test_mvin_starts_at_a_lane():
    m = machine()
    m.scratchpad[:] = m.accumulator[:] = -1
    data = np.arange(1, 25)
    put(m, 64, data)
    run(
        m,
        encode("config_ld", scale=ONE, stride=12, block_stride=10, lane=3),
        encode("mvin", address=64, local=0, rows=2, cols=7),
    )
    assert m.scratchpad[[0, 10, 20]].tolist() == [[-1, -1, -1, 1], [2, 3, 4, 5], [6, 7, -1, -1]]
    assert m.scratchpad[11].tolist() == [14, 15, 16, 17]
    put(m, 64, data, "<i4")
    run(m, encode("mvin", address=64, local=ACC, rows=1, cols=2))
    assert m.accumulator[0].tolist() == [1, 2, -1, -1]  # wide: no lane


@pytest.mark.parametrize("row", [9, 2048, 2049])
def test_mvin_repeats_pixels(row):
    m = machine(TINY.replace(dim=8))
    pixels = rng.integers(-128, 128, (6, 2))
    put(m, 64, pixels)
    run(
        m,
        encode("config_ld", scale=ONE, stride=2, block_stride=8, repeats=3),
        encode("mvin", address=64, local=row, rows=6, cols=2),
    )
    for target in range(row - 3, row + 6):
        for copy in range(3):
            source = target + copy - row
            kept = 0 <= source < 6 and (row < 2048 or target >= 2048)
            want = pixels[source] if kept else [0, 0]
            assert m.scratchpad[target, 2 * copy : 2 * copy + 2].tolist() == list(want)


def test_long_rows():
    config = TINY.replace(mvin_bytes=250)
    m = machine(config)
    data = rng.integers(-128, 128, (2, 248))
    put(m, 64, data)
    m.run([encode("config_ld", scale=ONE, stride=248, block_stride=2)])
    run(m, encode("mvin", address=64, local=5, rows=2, cols=248))
    blocks = m.scratchpad[5 : 5 + 124].reshape(62, 2, 4)
    np.testing.assert_array_equal(blocks.transpose(1, 0, 2).reshape(2, -1), data)
    assert m.run([encode("mvin", address=64, local=5, cols=249)]).error is ErrorCode.BAD_SIZE
    m.reset()
    run(m, encode("mvin", address=64, local=ACC, rows=1, cols=60))  # 15 blocks of 16 bytes
    assert m.run([encode("mvin", address=64, local=ACC, cols=61)]).error is ErrorCode.BAD_SIZE


LANES = [
    (ErrorCode.BAD_CONFIG, {"lane": 4}),
    (ErrorCode.BAD_CONFIG, {"repeats": 5}),
    (ErrorCode.BAD_CONFIG, {"lane": 1, "repeats": 2}),
    (ErrorCode.NONE, {"lane": 3, "repeats": 1}),
    (ErrorCode.NONE, {"repeats": 3}),
]


@pytest.mark.parametrize(("code", "fields"), LANES, ids=str)
def test_checks_of_lanes(code, fields):
    assert machine().run([encode("config_ld", scale=ONE, **fields)]).error is code
    absent = machine(TINY.replace(first_layer=False))
    code = ErrorCode.NONE if fields == {"repeats": 1} else ErrorCode.NOT_SUPPORTED
    assert absent.run([encode("config_ld", scale=ONE, **fields)]).error is code


def test_checks_of_sizes_with_lanes_and_repeats():
    m = machine()
    m.run([
        encode("config_ld", set=0, scale=ONE, lane=2, block_stride=4),
        encode("config_ld", set=1, scale=ONE, repeats=2, block_stride=4),
    ])  # fmt: skip
    for command, code in (
        (encode("mvin", address=0, local=0, rows=1, cols=62), ErrorCode.NONE),
        (encode("mvin", address=0, local=0, rows=1, cols=63), ErrorCode.BAD_SIZE),
        (encode("mvin", address=0, local=4092, rows=1, cols=3), ErrorCode.BAD_ADDRESS),
        (encode("mvin2", address=0, local=0, rows=1, cols=2), ErrorCode.NONE),
        (encode("mvin2", address=0, local=0, rows=1, cols=3), ErrorCode.BAD_SIZE),
        (encode("mvin2", address=0, local=ACC, rows=1, cols=3), ErrorCode.NONE),
    ):
        m.run([encode("error", clear=1)])
        assert m.run([command]).error is code


def test_lanes_of_half_bytes_are_refused():
    m = machine(TINY.replace(input=Int(4), weight=Int(4), output=Int(4)))
    assert m.run([encode("config_ld", scale=ONE, lane=1)]).error is ErrorCode.BAD_CONFIG
    m.reset()
    run(m, encode("config_ld", scale=ONE, lane=2))


def test_a_bus_error_with_a_lane_suppresses_the_right_block():
    m = machine()
    m.scratchpad[:16] = 1
    end = 1 << 18
    put(m, end - 4, np.full(4, 2))
    m.run([encode("config_ld", scale=ONE, stride=4, block_stride=4, lane=3)])
    result = m.run([encode("mvin", address=end - 4, local=0, rows=1, cols=6)])
    assert result.error is ErrorCode.BUS_READ
    assert m.scratchpad[[0, 4, 8]].tolist() == [[1, 1, 1, 2], [1] * 4, [1] * 4]


# Stores

POOLS = [  # size, stride, up, left, pooled rows and cols, rows and cols
    (2, 2, 0, 0, 3, 2, 6, 4),
    (3, 2, 1, 1, 4, 4, 7, 8),
    (3, 3, 3, 2, 2, 3, 4, 5),  # windows outside the image
    (1, 1, 0, 0, 5, 1, 5, 1),
    (2, 3, 0, 1, 2, 2, 3, 3),
]


@pytest.mark.parametrize("shape", POOLS, ids=str)
@pytest.mark.parametrize("acc", [0, 1])
def test_pooling(shape, acc):
    size, stride, up, left, pool_rows, pool_cols, rows, cols = shape
    m = machine()
    values = rng.integers(-300 if acc else -128, 100, (rows, cols, 3))
    memory = m.accumulator if acc else m.scratchpad
    memory[10 : 10 + rows * cols, :3] = values.reshape(-1, 3)
    run(
        m,
        encode(
            "config_st", scale=float_bits(0.5), stride=5, pool_stride=stride, pool_size=size,
            upper_pad=up, left_pad=left, pool_out_dim=9, pool_out_rows=pool_rows,
            pool_out_cols=pool_cols, out_rows=rows, out_cols=cols,
        ),
        encode("mvout", address=100, local=acc * ACC | 10, rows=999, cols=3),
    )  # fmt: skip
    outgoing = clip8(np.rint(values / 2)) if acc else values
    want = pool(outgoing, size, stride, up, left, pool_rows, pool_cols)
    got = get(m, 100, (pool_rows, 9, 5))
    np.testing.assert_array_equal(got[:, :pool_cols, :3], want if acc else want.astype(np.int8))
    assert (get(m, 0, 1 << 12) != 0).sum() == (got[:, :pool_cols, :3] != 0).sum()


def test_full_rows_are_never_pooled():
    m = machine()
    m.accumulator[:4] = -7
    settings = {"pool_stride": 1, "pool_size": 2, "out_rows": 2, "out_cols": 2}
    run(
        m,
        encode("config_st", scale=ONE, stride=16, **settings),
        encode("mvout", address=64, local=ACC | FULL, rows=2, cols=4),
    )
    assert (get(m, 64, (2, 4), "<i4") == -7).all()


def test_rows_in_a_line():
    m = machine()
    values = rng.integers(-128, 128, (35, 4))
    m.scratchpad[3:38] = values
    run(
        m,
        encode("config_st", scale=ONE, stride=4, pool_size=1, out_rows=5, out_cols=7),
        encode("mvout", address=64, local=3, rows=0, cols=3),
    )
    np.testing.assert_array_equal(get(m, 64, (35, 4))[:, :3], values[:, :3])
    assert (get(m, 64, (35, 4))[:, 3] == 0).all()


IMAGES = [
    (ErrorCode.BAD_SIZE, {}, {"cols": 5}),
    (ErrorCode.BAD_ADDRESS, {}, {"local": 4096 - 11}),
    (ErrorCode.NONE, {}, {"local": 4096 - 12}),
    (ErrorCode.NONE, {"pool_out_rows": 0}, {"local": 1 << 20}),
    (ErrorCode.NONE, {"out_cols": 0}, {"local": 1 << 20}),
    (ErrorCode.BAD_ADDRESS, {"pool_stride": 0, "pool_out_rows": 0}, {"local": 4085}),
    (ErrorCode.BAD_CONFIG, {"pool_size": 0}, {}),
]


@pytest.mark.parametrize(("code", "settings", "fields"), IMAGES, ids=str)
def test_checks_of_images(code, settings, fields):
    plain = {"pool_stride": 1, "pool_size": 1, "pool_out_rows": 2, "pool_out_cols": 2}
    plain |= {"out_rows": 3, "out_cols": 4, "scale": ONE, "stride": 4}
    move = {"address": 64, "local": 0, "rows": 77, "cols": 4}
    m = machine()
    commands = [encode("config_st", **(plain | settings)), encode("mvout", **(move | fields))]
    assert m.run(commands).error is code


def test_no_scale_is_rounding_and_saturation():
    m = machine(TINY.replace(mvout_scale=False, normalisation=False))
    m.accumulator[0] = [1 << 30, -129, -5, 100]
    half = encode("config_st", scale=float_bits(0.5), stride=4)
    assert m.run([half]).error is ErrorCode.NOT_SUPPORTED
    keep = encode("config_st", scale=0xFFFF_FFFF, stride=4, activation=1)
    m.reset()
    m.accumulator[0] = [1 << 30, -129, -5, 100]
    run(m, keep, encode("mvout", address=64, local=ACC, rows=1, cols=4))
    assert get(m, 64, 4).tolist() == [127, 0, 0, 100]


# mvout_spad


def move(target, stride, source, rows, cols):
    shape = {"source_addr": source, "source_rows": rows, "source_cols": cols}
    return encode("mvout_spad", destination=target, stride=stride, **shape)


def test_rows_between_local_memories():
    m = machine()
    m.accumulator[:4] = rng.integers(-400, 400, (4, 4))
    m.scratchpad[:] = 9
    run(
        m,
        encode("config_st", scale=float_bits(0.5), activation=1),
        move(20, 2, ACC, 4, 3),
        move(19, 1, 20, 1, 4),
        move(40, 0, 20, 3, 4),
    )
    want = clip8(np.rint(np.maximum(m.accumulator[:4, :3], 0) / 2))
    np.testing.assert_array_equal(m.scratchpad[20:28:2, :3], want)
    assert (m.scratchpad[20:28:2, 3] == 9).all() and (m.scratchpad[21:28:2] == 9).all()
    np.testing.assert_array_equal(m.scratchpad[19], m.scratchpad[20])
    np.testing.assert_array_equal(m.scratchpad[40], m.scratchpad[22])


def test_the_bits_of_the_output_format_arrive():
    m = machine(TINY.replace(output=Int(8, signed=False)))
    m.accumulator[0] = [200, -3, 300, 7]
    run(m, move(0, 1, ACC, 1, 4))
    assert m.scratchpad[0].tolist() == [200 - 256, 0, -1, 7]


SPAD = [
    (ErrorCode.BAD_ADDRESS, {"source_addr": GARBAGE}),
    (ErrorCode.BAD_ADDRESS, {"destination": GARBAGE}),
    (ErrorCode.BAD_ADDRESS, {"destination": ACC}),
    (ErrorCode.BAD_ADDRESS, {"source_addr": ACC | FULL, "source_rows": 9}),
    (ErrorCode.BAD_ADDRESS, {"source_addr": ACC | 1 << 26}),
    (ErrorCode.BAD_SIZE, {"source_rows": 5, "source_addr": 1 << 20}),
    (ErrorCode.BAD_SIZE, {"source_cols": 5}),
    (ErrorCode.NONE, {"source_rows": 0, "source_addr": 1 << 20}),
    (ErrorCode.BAD_ADDRESS, {"source_addr": ACC | 509}),
    (ErrorCode.BAD_ADDRESS, {"stride": 1400}),
    (ErrorCode.NONE, {"stride": 1 << 16 | 7}),
    (ErrorCode.OVERLAP, {"source_addr": 97}),
    (ErrorCode.OVERLAP, {"source_addr": 100, "stride": 2}),
    (ErrorCode.NONE, {"source_addr": 100}),
    (ErrorCode.NONE, {"source_addr": 96}),
    (ErrorCode.OVERLAP, {"source_addr": 105, "stride": 3}),
]


@pytest.mark.parametrize(("code", "changes"), SPAD, ids=str)
def test_checks_of_mvout_spad(code, changes):
    fields = {"destination": 100, "stride": 1, "source_addr": 0, "source_rows": 4, "source_cols": 4}
    assert machine().run([encode("mvout_spad", **(fields | changes))]).error is code
