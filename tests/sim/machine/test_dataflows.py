"""Output-stationary tiles, transposes and depthwise lines against numpy."""

import numpy as np
import pytest

from hw.isa import GARBAGE, ErrorCode, Local, encode
from tests.sim.machine.whole import TINY, clip8, machine, run

ACC, ACCUMULATE = Local.ACC, Local.ACCUMULATE


def filled(config=TINY, seed=0):
    """A machine with random scratchpad rows, and a copy of them."""
    m = machine(config)
    m.scratchpad[:] = np.random.default_rng(seed).integers(-128, 128, m.scratchpad.shape)
    return m, m.scratchpad.copy()


def config_ex(**fields):
    return encode("config_ex", **({"a_stride": 1, "c_stride": 1, "dataflow": 1} | fields))


def extended(values: np.ndarray) -> np.ndarray:
    out = np.zeros((4, 4), int)
    out[: values.shape[0], : values.shape[1]] = values
    return out


@pytest.mark.parametrize("a_t", [0, 1])
@pytest.mark.parametrize("b_t", [0, 1])
@pytest.mark.parametrize("stride", [1, 3])
def test_weight_stationary_transposes(a_t, b_t, stride):
    """A is 3×2, B is 2×4, D is 3×4."""
    m, s = filled()
    command = config_ex(transpose_a=a_t, transpose_b=b_t, a_stride=stride)
    if a_t and b_t:
        assert m.run([command]).error is ErrorCode.BAD_CONFIG
        return
    run(
        m, command,
        encode("preload", b_addr=8, b_rows=2, b_cols=4, c_addr=ACC | 1, c_rows=4, c_cols=4),
        encode("compute_preloaded", a_addr=16, a_rows=3, a_cols=2, d_addr=40, d_rows=3, d_cols=4),
    )  # fmt: skip
    lines = s[16 : 16 + 2 * stride : stride, :3].T if a_t else s[16 : 16 + 3 * stride : stride, :2]
    b = s[8:12, :2].T if b_t else s[8:10]
    want = extended(lines @ b + s[40:43])
    np.testing.assert_array_equal(m.accumulator[1:5], want)


def halves_to_even(values: np.ndarray, shift: int) -> np.ndarray:
    return np.rint(values / (1 << shift)).astype(int)


@pytest.mark.parametrize(("a_t", "b_t"), [(0, 0), (1, 0), (1, 1)])
@pytest.mark.parametrize("shift", [0, 1, 5])
def test_output_stationary(a_t, b_t, shift):
    m, s = filled()
    tile = {"a_rows": 4, "a_cols": 3, "d_rows": 3, "d_cols": 2}
    run(
        m,
        config_ex(dataflow=0, transpose_a=a_t, transpose_b=b_t, shift=shift),
        encode("preload", b_addr=40, b_rows=4, b_cols=2, c_addr=GARBAGE),
        encode("compute_preloaded", a_addr=8, d_addr=16, **tile),
        encode("preload", b_addr=GARBAGE, c_addr=ACC | 4, c_rows=3, c_cols=2),
        encode("compute_accumulated", a_addr=24, d_addr=32, **tile),
    )
    total = extended(s[40:44, :2])
    for a, b in ((8, 16), (24, 32)):
        left = s[a : a + 3, :4].T if a_t else s[a : a + 4, :3]
        right = s[b : b + 2, :3].T if b_t else s[b : b + 3, :2]
        total += extended(left @ right)
    np.testing.assert_array_equal(m.accumulator[4:7, :2], halves_to_even(total, shift)[:3, :2])
    assert (m.accumulator[4:7, 2:] == 0).all() and (m.accumulator[7] == 0).all()
    np.testing.assert_array_equal(m.state.tile, total)


def test_the_output_tile_stays_and_leaves_more_than_once():
    m, s = filled()
    whole = {"a_rows": 4, "a_cols": 4, "d_rows": 4, "d_cols": 4}
    run(
        m,
        config_ex(dataflow=0, activation=1, shift=6),
        encode("preload", b_addr=GARBAGE, c_addr=ACC | ACCUMULATE, c_rows=4, c_cols=4),
        encode("compute_preloaded", a_addr=8, d_addr=16, **whole),
        encode("compute_accumulated", a_addr=8, d_addr=16, **whole),
        encode("preload", b_addr=GARBAGE, c_addr=60, c_rows=4, c_cols=4),
        encode("compute_accumulated", a_addr=GARBAGE, d_addr=16, **whole),
    )
    one = s[8:12] @ s[16:20]
    want = halves_to_even(one, 6) + halves_to_even(2 * one, 6)
    np.testing.assert_array_equal(m.accumulator[:4], want)
    np.testing.assert_array_equal(m.scratchpad[60:64], clip8(np.maximum(np.rint(2 * one / 64), 0)))
    np.testing.assert_array_equal(m.state.weights, s[16:20])  # W is the last B
    run(m, config_ex(), encode("compute_accumulated", a_addr=8, d_addr=GARBAGE, **whole))
    assert m.state.c.address == GARBAGE  # another dataflow: the preload is gone


def test_a_changed_transpose_drops_the_preload():
    m, _ = filled()
    named = encode("preload", b_addr=4088, b_rows=4, b_cols=4, c_addr=0, c_rows=4, c_cols=4)
    for change in (config_ex(transpose_b=1), config_ex(dataflow=0)):
        run(m, config_ex(), named, config_ex(transpose_a=1), config_ex(activation=1))
        assert m.state.c.address == 0
        run(m, change)
        assert (m.state.b.address, m.state.c.address, m.state.c.rows) == (GARBAGE, GARBAGE, 0)


TRANSPOSED = [
    (ErrorCode.BAD_ADDRESS, {"transpose_b": 1}, encode("preload", b_addr=4094, b_rows=1, b_cols=3)),
    (ErrorCode.NONE, {"transpose_b": 1}, encode("preload", b_addr=4095, b_rows=3, b_cols=1)),
    (
        ErrorCode.BAD_ADDRESS,
        {"transpose_a": 1, "a_stride": 2},
        encode("compute_preloaded", a_addr=4092, a_rows=1, a_cols=3, d_addr=GARBAGE),
    ),
    (
        ErrorCode.BAD_ADDRESS,
        {"dataflow": 0, "transpose_a": 1, "transpose_b": 1},
        encode("compute_preloaded", a_addr=GARBAGE, d_addr=4093, d_rows=1, d_cols=4),
    ),
    (ErrorCode.BAD_CONFIG, {"dataflow": 0, "transpose_b": 1}, None),
    (ErrorCode.BAD_CONFIG, {"dataflow": 0, "shift": 32}, None),
    (ErrorCode.NONE, {"shift": 32}, None),
]


@pytest.mark.parametrize(("code", "settings", "command"), TRANSPOSED, ids=str)
def test_checks_of_transposes(code, settings, command):
    m, _ = filled()
    commands = [config_ex(**settings), *([command] if command else [])]
    assert m.run(commands).error is code


@pytest.mark.parametrize(
    ("b_addr", "name", "code"),
    [
        (12, "compute_preloaded", ErrorCode.OVERLAP),  # D
        (12, "compute_accumulated", ErrorCode.NONE),
        (10, "compute_preloaded", ErrorCode.NONE),  # in place
    ],
)
def test_output_stationary_overlap(b_addr, name, code):
    m, _ = filled()
    tile = {"a_rows": 4, "a_cols": 4, "d_rows": 4, "d_cols": 4}
    run(m, config_ex(dataflow=0))
    result = m.run([
        encode("preload", b_addr=b_addr, b_rows=4, b_cols=4, c_addr=10, c_rows=4, c_cols=4),
        encode(name, a_addr=40, d_addr=11, **tile),  # B may be overwritten
    ])  # fmt: skip
    assert result.error is code


# compute_depthwise


@pytest.mark.parametrize("dim", [3, 7, 9])
@pytest.mark.parametrize(
    ("stride", "left", "mask", "cols"), [(1, 0, 7, 3), (2, 1, 5, 2), (3, 4, 2, 3)]
)
def test_depthwise(dim, stride, left, mask, cols):
    config = TINY.replace(dim=dim)
    m, s = filled(config, 1)
    m.accumulator[:] = 5
    width, outputs, line, c = 11, 5, 13, ACC | ACCUMULATE | 7
    shape = {"width": width, "outputs": outputs, "left": left, "stride": stride}
    run(
        m,
        config_ex(c_stride=2, transpose_a=1),
        encode("preload", b_addr=0, b_rows=dim, b_cols=dim, c_addr=c, c_rows=1, c_cols=cols),
        encode("compute_depthwise", a_addr=50, line_stride=line, lines=mask, **shape),
    )
    want = np.full((outputs, cols), 5)
    for x in range(outputs):
        for row in range(min(3, dim // 3)):
            for tap in range(3):
                p = x * stride + tap - left
                if mask >> row & 1 and 0 <= p < width:
                    want[x] += s[50 + row * line + p, :cols] * s[3 * row + tap, :cols]
    np.testing.assert_array_equal(m.accumulator[7 : 7 + 2 * outputs : 2, :cols], want)
    assert (m.accumulator[8 : 7 + 2 * outputs : 2] == 5).all()


def test_depthwise_keeps_weights_or_transposes_them():
    m, s = filled(seed=2)
    line = {"a_addr": 20, "width": 4, "outputs": 4, "lines": 1, "stride": 1}
    run(
        m,
        config_ex(transpose_b=1, activation=1),
        encode("preload", b_addr=0, b_rows=3, b_cols=4, c_addr=40, c_rows=1, c_cols=4),
        encode("compute_depthwise", **line),
        encode("preload", b_addr=GARBAGE, c_addr=60, c_rows=1, c_cols=4),
        encode("compute_depthwise", keep=1, **line),
    )
    pixels = np.vstack([s[20:24], np.zeros((2, 4), int)])
    want = np.array([sum(pixels[x + t] * s[:4, t] for t in range(3)) for x in range(4)])
    for row in (40, 60):
        np.testing.assert_array_equal(m.scratchpad[row : row + 4], clip8(np.maximum(want, 0)))


DEPTHWISE = [
    (ErrorCode.BAD_SIZE, {"outputs": 1024, "a_addr": GARBAGE}),
    (ErrorCode.BAD_SIZE, {"width": 1024}),
    (ErrorCode.BAD_SIZE, {"stride": 0}),
    (ErrorCode.BAD_ADDRESS, {"a_addr": GARBAGE}),
    (ErrorCode.BAD_ADDRESS, {"a_addr": ACC}),
    (ErrorCode.BAD_ADDRESS, {"a_addr": 4090}),
    (ErrorCode.BAD_ADDRESS, {"lines": 4, "line_stride": 2044}),
    (ErrorCode.NONE, {"a_addr": 300, "lines": 3, "line_stride": 2044}),
    (ErrorCode.NONE, {"a_addr": 4090, "lines": 0}),
    (ErrorCode.OVERLAP, {"a_addr": 194}),
    (ErrorCode.OVERLAP, {"a_addr": 204}),
    (ErrorCode.NONE, {"a_addr": 205}),
    (ErrorCode.BAD_ADDRESS, {"outputs": 1000, "stride": 1}),  # C goes by 4
]


@pytest.mark.parametrize(("code", "changes"), DEPTHWISE, ids=str)
def test_checks_of_depthwise(code, changes):
    m, _ = filled(TINY.replace(dim=9, sp_bank_rows=1024))
    run(
        m,
        config_ex(c_stride=4),
        encode("preload", b_addr=0, b_rows=9, b_cols=9, c_addr=200, c_rows=1, c_cols=9),
    )
    line = {"a_addr": 9, "width": 7, "outputs": 2, "lines": 1, "stride": 1} | changes
    assert m.run([encode("compute_depthwise", **line)]).error is code
