"""Tables of weights at the front door, against numpy and the emulator."""

import dataclasses

import numpy as np
import pytest

import alhena as al
from tests.support.tables import CUBES

RNG = np.random.default_rng(4)
SIXTEEN = f"small:format=int8*{CUBES.name}"
BYTES = al.Codebook(tuple(range(256)), al.Int(8))


def matrices(table, k=37, m=9, n=21):
    return RNG.integers(-128, 128, (m, k)), RNG.choice(table, (k, n))


@pytest.mark.parametrize("engine", ["machine", "timing"])
def test_products_with_one_table_after_the_other(engine):
    acc = al.Accelerator(SIXTEEN, engine=engine)
    tables = [RNG.permutation(256)[:count] - 128 for count in (16, 5, 1)]
    in_force = list(CUBES.decode(range(16)))
    for table in [in_force, *tables]:
        if table is not in_force:
            acc.weight_table(table)
            in_force[: len(table)] = table
        a, b = matrices(in_force)
        np.testing.assert_array_equal(acc.matmul(a, b, full_width=True), a @ b)
        assert acc.weight.decode(range(16)).tolist() == list(in_force)
    acc.reset()
    a, b = matrices(CUBES.decode(range(16)))
    np.testing.assert_array_equal(acc.matmul(a, b, full_width=True), a @ b)


def test_convolutions_and_layers_as_loops():
    """An index as wide as an input: loops have tables, too."""
    acc = al.Accelerator(f"small:format=int8*{BYTES.name}")
    squares = np.arange(256) // 3 - 40
    acc.weight_table(squares)
    x, w = RNG.integers(-9, 9, (1, 6, 6, 3)), RNG.choice(squares, (3, 3, 3, 5))
    got = acc.conv2d(x, w, padding=1, scale=0.01)
    np.testing.assert_array_equal(acc.conv2d(x, w, padding=1, scale=0.01, loops=True), got)
    a, b = RNG.integers(-9, 9, (5, 20)), RNG.choice(squares, (20, 7))
    chain = acc.dense(a, [b], scales=[0.02], relus=[False])
    np.testing.assert_array_equal(chain, acc.matmul(a, b, scale=0.02))
    want = np.clip(np.rint(np.float32(0.02) * (a @ b).astype(np.float32)), -128, 127)
    np.testing.assert_array_equal(chain, want)


def test_the_emulator_takes_the_same_table():
    book = al.Codebook.of(np.linspace(-2, 2, 16), al.Float.parse("e4m3fn"))
    acc = al.Accelerator(f"tiny:format=e4m3fn*{book.name}->e6m9")
    mac = al.Mac.of(acc.config)
    for loads in (False, True):
        if loads:
            acc.weight_table(book.format.quantize(RNG.normal(size=16)))
        a = acc.config.input.quantize(RNG.normal(size=(6, 18)))
        b = acc.weight.quantize(RNG.normal(size=(18, 7)))
        want = al.gemm(a, b, dataclasses.replace(mac, weight=acc.weight)).values
        np.testing.assert_array_equal(acc.matmul(a, b, full_width=True), want)


def test_what_cannot_be_loaded_is_named():
    with pytest.raises(ValueError, match="weights are int8; only those of a Codebook have a table"):
        al.Accelerator("tiny").weight_table([1, 2])
    acc = al.Accelerator(SIXTEEN)
    with pytest.raises(ValueError, match="17 values for a table; it has 16"):
        acc.weight_table(range(17))
    with pytest.raises(ValueError, match="200"):
        acc.weight_table([200])
    with pytest.raises(ValueError, match="a table of object; int8 takes real numbers"):
        acc.weight_table(None)
    acc.weight_table([3, 5])
    with pytest.raises(ValueError, match=r"no table-int8-03.05\..*; acc.weight.quantize\(b\)"):
        acc.matmul([[1]], [[6]])
