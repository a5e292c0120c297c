"""The public API: numpy in, numpy out, messages that help."""

import numpy as np
import pytest

import alhena as al

CONFIG = al.PRESETS["tiny"]


@pytest.fixture
def acc():
    return al.Accelerator(CONFIG)


def test_matmul(acc):
    rng = np.random.default_rng(0)
    a, b = rng.integers(-128, 128, (9, 13)), rng.integers(-128, 128, (13, 6))
    d = rng.integers(-1000, 1000, 6)
    np.testing.assert_array_equal(acc.matmul(a, b, d, full_width=True), a @ b + d)
    want = np.clip(np.rint((a @ b).astype(np.float32) * np.float32(0.01)), -128, 127)
    np.testing.assert_array_equal(acc.matmul(a, b, scale=0.01), want)
    np.testing.assert_array_equal(acc.matmul(a, b, scale=0.01, relu=True), np.maximum(want, 0))
    assert acc.last.error is al.ErrorCode.NONE


def test_conv2d(acc):
    x, w = np.ones((1, 4, 4, 1), int), np.ones((3, 3, 1, 1), int)
    out = acc.conv2d(x, w, [1], padding=1)
    assert out[0, :, :, 0].tolist() == [[5, 7, 7, 5], [7, 10, 10, 7], [7, 10, 10, 7], [5, 7, 7, 5]]
    assert acc.conv2d(x, w, stride=2, padding=1).shape == (1, 2, 2, 1)
    assert acc.conv2d(x, -w, padding=1, relu=True).max() == 0


def test_a_second_configuration_is_one_line():
    six = al.Accelerator(al.PRESETS["small"].replace(name="mine", dim=6, input=al.Int(4),
                         weight=al.Int(4), output=al.Int(4)))  # fmt: skip
    a, b = np.full((7, 9), -8), np.full((9, 7), 7)
    np.testing.assert_array_equal(six.matmul(a, b, full_width=True), a @ b)
    assert six.matmul(a, b, scale=1 / 64).tolist() == [[-8] * 7] * 7


def test_raw_commands_memory_and_errors(acc):
    acc.write(128, bytes(range(16)))
    one = 0x3F80_0000
    run = acc.run([
        al.encode("config_ld", scale=one, stride=4, block_stride=4),
        al.encode("config_st", scale=one, stride=4),
        al.encode("mvin", address=128, local=0, rows=4, cols=4),
        al.encode("mvout", address=256, local=0, rows=4, cols=4),
        al.encode("mvin", address=128, local=0, rows=5, cols=4),
        al.encode("error"),
    ])  # fmt: skip
    assert acc.read(256, 16) == bytes(range(16))
    assert (run.error, run.error_index) == (al.ErrorCode.BAD_SIZE, 4)
    assert run.responses == [al.ErrorCode.BAD_SIZE | 4 << 8]
    assert acc.last is run
    with pytest.raises(al.EngineError, match="command 4 since reset ended in BAD_SIZE"):
        run.check()
    acc.reset()
    assert acc.run([]).error is al.ErrorCode.NONE


def test_counters_are_a_block(acc):
    with acc.counters(al.Event.EXECUTE_ACTIVE, al.Event.LOAD_ACTIVE) as counted:
        acc.matmul([[1]], [[1]])
    assert counted == {al.Event.EXECUTE_ACTIVE: 0, al.Event.LOAD_ACTIVE: 0}
    with pytest.raises(ValueError, match="9 events, but Config.counters is 8; count fewer"):
        with acc.counters(*[al.Event.LOAD_ACTIVE] * 9):
            pass


MESSAGES = [
    (lambda acc: acc.matmul([[300]], [[1]]), "a holds 300; int8 takes values from -128 to 127"),
    (lambda acc: acc.matmul([[1]], [[-129]]), "b holds -129; int8 takes"),
    (lambda acc: acc.matmul([[1.5]], [[1]]), "a holds float64; quantise it to integers first"),
    (lambda acc: acc.matmul([1], [[1]]), r"a has shape \(1,\); it must have 2 non-empty"),
    (lambda acc: acc.matmul([[1, 2]], [[1]]), "a has 2 columns and b 1 rows; they must be equal"),
    (lambda acc: acc.matmul([[1]], [[1]], [1, 2]), r"d has shape \(2,\); it must be \(1,\) or"),
    (lambda acc: acc.matmul([[1]], [[1]], scale=np.inf), "scale is inf; it must be a finite"),
    (
        lambda acc: acc.conv2d(np.ones((1, 3, 3, 2), int), np.ones((3, 3, 1, 1), int)),
        "x has 2 channels and w 1; they must be equal",
    ),
]


@pytest.mark.parametrize(("call", "message"), MESSAGES, ids=lambda v: str(v)[:24])
def test_messages_name_the_array_and_the_remedy(acc, call, message):
    with pytest.raises(ValueError, match=message):
        call(acc)


def test_unknown_names():
    with pytest.raises(al.ConfigError, match="no preset 'huge'; the presets are tiny, small"):
        al.Accelerator("huge")
    with pytest.raises(al.EngineError, match="engine is 'fast'; the engines are machine, rtl"):
        al.Accelerator(engine="fast")
