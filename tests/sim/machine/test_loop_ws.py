"""loop_ws against numpy products, with every option."""

import numpy as np
import pytest

from hw.isa import BY_NAME, ErrorCode, encode
from tests.sim.machine.whole import TINY, clip8, configuration, get, machine, put, run

A, B, D, C = 0x100, 0x4000, 0x8000, 0x10000
PARAMETERS = {
    "loop_ws_config_bounds": ("pad_i", "pad_j", "pad_k", "i", "j", "k"),
    "loop_ws_config_addrs_ab": (("a", "A"), ("b", "B")),
    "loop_ws_config_addrs_dc": (("d", "D"), ("c", "C")),
    "loop_ws_config_strides_ab": (("a", "A_stride"), ("b", "B_stride")),
    "loop_ws_config_strides_dc": (("d", "D_stride"), ("c", "C_stride")),
}


def loop(p: dict) -> list:
    """The six commands with these parameters and options."""
    out, left = [], set(p)
    for command, names in PARAMETERS.items():
        pairs = [name if isinstance(name, tuple) else (name, name) for name in names]
        out.append(encode(command, **{field: p.get(key, 0) for field, key in pairs}))
        left -= {key for _, key in pairs}
    return [*out, encode("loop_ws", **{key: p[key] for key in left})]


def bounds(dim: int, rows: int, cols: int, deep: int) -> dict:
    out = {}
    for name, count in (("i", rows), ("j", cols), ("k", deep)):
        out[name], out[f"pad_{name}"] = -(-count // dim), -count % dim
    return out


def operands(seed: int, rows: int, cols: int, deep: int):
    rng = np.random.default_rng(seed)
    a, b = rng.integers(-20, 20, (rows, deep)), rng.integers(-20, 20, (deep, cols))
    return a, b, rng.integers(-5000, 5000, (rows, cols))


def strided(values: np.ndarray, stride: int) -> np.ndarray:
    return np.pad(values, ((0, 0), (0, stride - values.shape[1])))


def settings(config, strides: dict[int, int], store: int, scale=1.0, shrunk=(), shift=0, ws=1):
    """config_ld of the sets in bytes, config_st, config_ex."""
    out = configuration(config, store, scale)
    one = 0x3F80_0000
    for number, stride in strides.items():
        fields = {"scale": one, "block_stride": config.dim, "shrunk": number in shrunk}
        out.append(encode("config_ld", set=number, stride=stride, **fields))
    return [*out, encode("config_ex", dataflow=ws, a_stride=1, c_stride=1, shift=shift)]


SHAPES = [(4, 4, 4), (1, 1, 1), (9, 6, 11), (3, 17, 2), (16, 3, 30), (2, 2, 40)]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("transposes", [(0, 0), (1, 0), (0, 1), (1, 1)])
@pytest.mark.parametrize("stationary", ["weights", "outputs"])
def test_products(shape, transposes, stationary):
    ws = stationary == "weights"
    if transposes == ((1, 1) if ws else (0, 1)):
        return  # no such command
    a, b, d = operands(1, *shape)
    if not ws:
        d[:] = 0  # D would not pass the shift
    m = machine()
    stored = [x.T if t else x for x, t in zip((a, b), transposes, strict=True)]
    a_stride, b_stride = (x.shape[1] + 3 for x in stored)
    put(m, A, strided(stored[0], a_stride))
    put(m, B, strided(stored[1], b_stride))
    put(m, D, strided(d, shape[1]), "<i4")
    strides = {0: a_stride, 1: b_stride, 2: 4 * shape[1]}
    scale, shift = (0.125, 0) if ws else (1.0, 3)
    p = bounds(4, *shape) | {"A": A, "B": B, "C": C, "D": D if ws else 0}
    p |= {"A_stride": a_stride, "B_stride": b_stride, "C_stride": shape[1], "D_stride": shape[1]}
    p |= {"accumulate": int(ws), "transpose_a": transposes[0], "transpose_b": transposes[1]}
    run(m, *settings(TINY, strides, shape[1], scale, shift=shift, ws=ws), *loop(p))
    want = clip8(np.rint((a @ b + d) / 8).astype(int))
    np.testing.assert_array_equal(get(m, C, want.shape), want)
    assert (m.state.transpose_a, m.state.transpose_b) == tuple(map(bool, transposes))
    assert (m.state.halves.sp, m.state.halves.acc) == (1, 1)


def test_full_results_and_narrow_bias():
    a, b, d = operands(2, 7, 10, 5)
    d = d % 100
    m = machine()
    put(m, A, a), put(m, B, b), put(m, D, d)
    p = bounds(4, 7, 10, 5) | {
        "A": A,
        "B": B,
        "C": C,
        "D": D,
        "full_c": 1,
        "low_d": 1,
        "accumulate": 1,
    }
    p |= {"A_stride": 5, "B_stride": 10, "C_stride": 10, "D_stride": 10}
    run(m, *settings(TINY, {0: 5, 1: 10, 2: 10}, 40, shrunk={2}), *loop(p))
    np.testing.assert_array_equal(get(m, C, (7, 10), "<i4"), a @ b + d)


def test_accumulation_over_loops_with_the_bias_once():
    """K in two loops: the first leaves its results in the accumulator memory."""
    a, b, d = operands(3, 8, 8, 16)
    m = machine()
    put(m, A, a), put(m, B, b), put(m, D, d, "<i4")
    p = bounds(4, 8, 8, 8) | {"A": A, "B": B, "D": D, "accumulate": 1, "full_c": 1}
    p |= {"A_stride": 16, "B_stride": 8, "C_stride": 8, "D_stride": 8}
    run(m, *settings(TINY, {0: 16, 1: 8, 2: 32}, 32), *loop(p))
    run(m, *loop(p | {"A": A + 8, "B": B + 64, "D": 0, "C": C}))
    np.testing.assert_array_equal(get(m, C, (8, 8), "<i4"), a @ b + d)
    assert (m.state.halves.sp, m.state.halves.acc) == (0, 1)


def test_without_accumulation_old_results_do_not_count():
    a, b, _ = operands(4, 8, 8, 8)
    m = machine()
    m.accumulator[:] = 77
    put(m, A, a), put(m, B, b)
    p = bounds(4, 8, 8, 8) | {"A": A, "B": B, "C": C, "full_c": 1}
    p |= {"A_stride": 8, "B_stride": 8, "C_stride": 8}
    run(m, *settings(TINY, {0: 8, 1: 8}, 32), *loop(p))
    np.testing.assert_array_equal(get(m, C, (8, 8), "<i4"), a @ b)
    run(m, *loop(p | {"A": 0}))  # zeros
    assert (get(m, C, (8, 8)) == 0).all()


def test_residual_addition():
    rng = np.random.default_rng(5)
    a, b = rng.integers(-128, 128, (2, 6, 9))
    m = machine()
    put(m, A, a), put(m, B, strided(b, 12))
    p = bounds(4, 6, 9, 4) | {"A": A, "B": B, "C": C, "residual": 1, "k": 0}
    p |= {"A_stride": 9, "B_stride": 12, "C_stride": 9}
    run(m, *settings(TINY, {0: 9, 1: 12}, 9, shrunk={0, 1}), *loop(p))
    np.testing.assert_array_equal(get(m, C, (6, 9)), clip8(a + b))
    run(m, *loop(p | {"B": 0, "b_spad_id": 1}))
    np.testing.assert_array_equal(get(m, C, (6, 9)), a)


def test_operands_that_stay():
    a, b, _ = operands(6, 12, 8, 8)
    m = machine()
    put(m, A, a), put(m, B, b)
    p = bounds(4, 4, 8, 8) | {"A": A, "B": B, "C": C, "full_c": 1, "b_spad_id": 2}
    p |= {"A_stride": 8, "B_stride": 8, "C_stride": 8}
    run(m, *settings(TINY, {0: 8, 1: 8}, 32), *loop(p | {"a_spad_id": 1}))
    put(m, B, np.zeros((8, 8)))
    for part in (1, 2):
        run(m, *loop(p | {"A": A + 32 * part, "B": 0, "C": C + 128 * part, "a_spad_id": part % 2}))
    np.testing.assert_array_equal(get(m, C, (12, 8), "<i4"), a @ b)


def test_normalised_rows():
    """Softmax as the sum of exponentials says; its own test has the bits."""
    a, b, _ = operands(7, 5, 11, 6)
    m = machine()
    put(m, A, a), put(m, B, b)
    p = bounds(4, 5, 11, 6) | {"A": A, "B": B, "C": C, "activation": 4}
    p |= {"A_stride": 6, "B_stride": 11, "C_stride": 11}
    step = 0.01
    constants = {"q_const": int(0.6931 / step), "igelu_qb": int(1.353 / step)}
    constants["igelu_qc"] = int(0.344 / (0.3585 * step**2))
    softmax = encode("config_norm", activation_msb=1, **constants)
    run(m, *settings(TINY, {0: 6, 1: 11}, 11, 1.0), softmax, *loop(p))
    powers = np.exp((a @ b - (a @ b).max(1, keepdims=True)) * step)
    want = 127 * powers / powers.sum(1, keepdims=True)
    assert np.abs(get(m, C, (5, 11)) - want).max() < 2


WHOLE = bounds(4, 8, 8, 8) | {"A": A, "B": B, "C": C, "A_stride": 8, "B_stride": 8, "C_stride": 8}
REFUSED = [
    (ErrorCode.BAD_CONFIG, {"a_spad_id": 3}),
    (ErrorCode.BAD_CONFIG, {"b_spad_id": 3, "activation": 9}),
    (ErrorCode.NOT_SUPPORTED, {"activation": 5, "transpose_a": 1, "transpose_b": 1}),
    (ErrorCode.BAD_CONFIG, {"transpose_a": 1, "transpose_b": 1, "pad_i": 4}),
    (ErrorCode.BAD_SIZE, {"pad_k": 4}),
    (ErrorCode.BAD_SIZE, {"i": 16, "k": 33}),
    (ErrorCode.BAD_SIZE, {"j": 16, "k": 33}),
    (ErrorCode.BAD_SIZE, {"i": 8, "j": 8, "k": 33}),  # together
    (ErrorCode.NONE, {"i": 8, "j": 8, "k": 33, "a_spad_id": 2}),
    (ErrorCode.BAD_SIZE, {"i": 8, "j": 8, "k": 33, "a_spad_id": 1}),
    (ErrorCode.BAD_SIZE, {"i": 8, "j": 9}),
    (ErrorCode.BAD_SIZE, {"i": 8, "j": 9, "residual": 1}),
    (ErrorCode.NONE, {"i": 8, "j": 8, "k": 333, "residual": 1}),
    (ErrorCode.NONE, {"k": 0, "i": 99, "pad_i": 9}),
    (ErrorCode.BAD_SIZE, {"k": 0, "i": 8, "j": 9, "residual": 1}),
    (ErrorCode.NONE, {"i": 0, "pad_i": 9}),
]


@pytest.mark.parametrize(("code", "changes"), REFUSED, ids=str)
def test_its_own_checks(code, changes):
    m = machine()
    m.run(settings(TINY, {0: 8, 1: 8, 2: 8}, 8))
    before = m.state.halves
    result = m.run(loop(WHOLE | changes))
    assert result.error is code
    works = code is ErrorCode.NONE and 0 not in (changes.get("i"), changes.get("k"))
    assert (m.state.halves != before) == works


SETTINGS = [
    encode("config_ex", strides_only=1, a_stride=2, c_stride=1),
    encode("config_ex", strides_only=1, a_stride=1, c_stride=3),
    encode("config_ld", set=1, scale=0x3F80_0000, lane=1),
    encode("config_ld", set=2, scale=0x3F80_0000, repeats=2),
    encode("config_st", scale=0x3F80_0000, pool_size=1),
]


@pytest.mark.parametrize("command", SETTINGS, ids=str)
def test_settings_that_it_refuses(command):
    m = machine()
    m.run(settings(TINY, {0: 8, 1: 8, 2: 8}, 8))
    assert m.run([command, *loop(WHOLE)]).error is ErrorCode.BAD_CONFIG


def test_parameters_are_those_of_the_table():
    named = {name: fields for name, fields in PARAMETERS.items() if name in BY_NAME}
    assert named == PARAMETERS
    assert machine().run([encode("loop_ws")]).error is ErrorCode.NONE  # nothing to do


def test_inner_errors_have_the_loops_index():
    m = machine()
    m.run(settings(TINY, {0: 8, 1: 8, 2: 8}, 8))
    commands = loop(WHOLE | {"C": (1 << 18) - 30})
    before = m.state.index
    result = m.run(commands)
    assert result.error is ErrorCode.BUS_WRITE
    assert result.error_index == before + len(commands) - 1
