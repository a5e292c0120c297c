"""Matrix products on the instruction-set simulator against numpy, shapes from 1 to odd."""

import numpy as np
import pytest
from numpy.typing import NDArray

from hw.config import PRESETS, Config
from hw.formats import Int, row_bytes
from sim.machine import Machine
from sim.machine.rows import pack_rows, unpack_rows
from sw.compiler.gemm import gemm, ramp
from sw.compiler.layout import Allocator, Matrix
from tests.support.plain import PLAIN

CRAMPED = Config(name="cramped", dim=5, sp_banks=2, sp_bank_rows=8, acc_banks=2, acc_bank_rows=8)
NARROW = Config(
    name="narrow",
    dim=6,
    input=Int(4),
    weight=Int(4, signed=False),
    output=Int(4),
    accumulator=Int(20),
    sp_bank_rows=64,
    acc_bank_rows=16,
    bus_width=32,
)
CONFIGS = [PRESETS["tiny"], PRESETS["small"], PRESETS["default"], CRAMPED, NARROW]
SHAPES = [(1, 1, 1), (1, 50, 70), (33, 1, 17), (16, 16, 16), (31, 30, 66), (70, 65, 9)]


def expected(config, a, b, d, scale, relu, full_width) -> NDArray:
    """act(scale·(A·B + D)) as numpy float32 arithmetic does it."""
    width = config.accumulator.width
    sums = (a @ b + d + (1 << (width - 1))) % (1 << width) - (1 << (width - 1))
    if full_width:
        return sums
    sums = np.maximum(sums, 0) if relu else sums
    product = sums.astype(np.float32) * np.float32(scale)
    return np.clip(np.rint(product), config.output.min, config.output.max).astype(np.int64)


class Bench:
    """Random operands in a machine's memory, rows `slack` bytes apart more than needed."""

    def __init__(self, config, m, n, k, slack=0, seed=0):
        rng = np.random.default_rng(seed)
        self.config, self.m, self.n, self.k, self.slack = config, m, n, k, slack
        self.machine = Machine(config, 1 << 20)
        self.place = Allocator()
        draw = lambda fmt, shape: rng.integers(fmt.min, fmt.max + 1, shape)  # noqa: E731
        self.a, self.b = draw(config.input, (m, k)), draw(config.weight, (k, n))
        limit = 1 << (config.accumulator.width - 3)
        self.d = rng.integers(-limit, limit, (m, n))
        self.at_a, self.at_b = self.put("a", self.a, "input"), self.put("b", self.b, "weight")
        self.at_d = self.put("d", self.d, "accumulator")

    def put(self, name, values, role) -> Matrix:
        data = pack_rows(getattr(self.config, role), values)
        pitch = data.shape[1] + self.slack
        address = self.place.take(name, pitch * len(data))
        for row, line in enumerate(data):
            self.machine.write(address + row * pitch, line.tobytes())
        return Matrix(address, pitch)

    def run(self, d=None, full_width=False, **options):
        fmt = self.config.accumulator if full_width else self.config.output
        pitch = row_bytes(fmt, self.n) + self.slack
        at_c = Matrix(self.place.take("c", pitch * self.m), pitch)
        self.machine.write(at_c.address, b"\xaa" * pitch * self.m)
        program = gemm(
            self.config, self.m, self.n, self.k, self.at_a, self.at_b, at_c, d,
            full_width=full_width, **options,
        )  # fmt: skip
        self.machine.run(program.commands).check()
        data = np.frombuffer(self.machine.read(at_c.address, pitch * self.m), np.uint8)
        data = data.reshape(self.m, pitch)
        used = row_bytes(fmt, self.n)
        assert (data[:, used:] == 0xAA).all(), "bytes between rows were written"
        return unpack_rows(fmt, np.ascontiguousarray(data[:, :used]), self.n), program


@pytest.mark.parametrize("config", CONFIGS, ids=lambda c: c.name)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_products_equal_numpy(config, shape):
    bench = Bench(config, *shape, slack=3)
    for options in ({"scale": 1 / 64}, {"scale": -0.031, "relu": True}):
        got, _ = bench.run(**options)
        want = expected(config, bench.a, bench.b, 0, options["scale"], "relu" in options, False)
        np.testing.assert_array_equal(got, want)


@pytest.mark.parametrize("config", CONFIGS, ids=lambda c: c.name)
@pytest.mark.parametrize("full_width", [False, True])
def test_bias_as_matrix_and_as_row(config, full_width):
    bench = Bench(config, 23, 21, 37)
    matrix, row = bench.at_d, Matrix(bench.at_d.address, 0)
    for at, d in ((matrix, bench.d), (row, bench.d[0])):
        got, _ = bench.run(at, full_width, scale=0.01)
        want = expected(config, bench.a, bench.b, d, 0.01, False, full_width)
        np.testing.assert_array_equal(got, want)


def test_random_shapes():
    rng = np.random.default_rng(5)
    for seed in range(12):
        config = CONFIGS[seed % len(CONFIGS)]
        bench = Bench(config, *(int(v) for v in rng.integers(1, 60, 3)), seed=seed)
        got, _ = bench.run(bench.at_d, relu=True, scale=0.02)
        want = expected(config, bench.a, bench.b, bench.d, 0.02, True, False)
        np.testing.assert_array_equal(got, want)


STATIONARY = [
    config.replace(name=f"os-{config.name}", output_stationary=True)
    for config in (PRESETS["tiny"], PRESETS["default"], CRAMPED, NARROW)
]


@pytest.mark.parametrize("config", STATIONARY, ids=lambda c: c.name)
@pytest.mark.parametrize("shape", [(1, 1, 1), (33, 18, 47), (5, 70, 9)], ids=str)
def test_output_stationary_products_equal_numpy(config, shape):
    bench = Bench(config, *shape)
    for d, at in ((0, None), (bench.d, bench.at_d)):
        got, _ = bench.run(at, scale=0.02, relu=True, output_stationary=True)
        want = expected(config, bench.a, bench.b, d, 0.02, True, False)
        np.testing.assert_array_equal(got, want)


def test_output_stationary_needs_its_dataflow():
    bench = Bench(PLAIN["tiny"], 4, 4, 4)
    with pytest.raises(ValueError, match="tiny has no output-stationary dataflow"):
        bench.run(output_stationary=True)


def test_long_rows_of_weights_in_odd_places_are_loaded_whole():
    config = PRESETS["default"].replace(name="long", mvin_bytes=1024)
    bench = Bench(config, 1, 200, 70)
    got, program = bench.run(scale=0.01)
    want = expected(config, bench.a, bench.b, 0, 0.01, False, False)
    np.testing.assert_array_equal(got, want)
    widths = [c.fields()["cols"] for c in program.commands if c.spec.name == "mvin2"]
    assert max(widths) > 64


def loaded_bytes(program) -> int:
    return sum(
        command.fields()["rows"] * command.fields()["cols"]
        for command in program.commands
        if command.spec.name in ("mvin", "mvin2")
    )


def test_operands_that_fit_are_loaded_once():
    m = n = k = 256
    program = gemm(Config(), m, n, k, Matrix(64, k), Matrix(1 << 17, n), Matrix(1 << 18, n))
    assert loaded_bytes(program) == m * k + k * n
    assert program.macs == m * n * k
    assert program.ideal_cycles == 65_536


def test_the_first_compute_needs_two_tiles_only():
    program = gemm(Config(), 64, 64, 64, Matrix(64, 64), Matrix(1 << 17, 64), Matrix(1 << 18, 64))
    names = [command.spec.name for command in program.commands]
    first = names.index("compute_preloaded")
    needed = {c.fields()["local"] for c in program.commands[:first] if c.spec.name == "mvin2"}
    assert program.commands[names.index("preload")].fields()["b_addr"] in needed
    sizes = [c.fields() for c in program.commands if c.spec.name in ("mvin", "mvin2")][:2]
    assert all((f["rows"], f["cols"]) == (16, 16) for f in sizes)


def test_weights_stay_for_the_lines_of_a_block():
    program = gemm(Config(), 256, 64, 64, Matrix(64, 64), Matrix(1 << 17, 64), Matrix(1 << 18, 64))
    names = [command.spec.name for command in program.commands]
    assert names.count("compute_preloaded") * 7 <= names.count("compute_accumulated")


@pytest.mark.parametrize("name", ["m", "n", "k"])
def test_empty_sizes_are_refused(name):
    sizes = {"m": 1, "n": 1, "k": 1} | {name: 0}
    with pytest.raises(ValueError, match=f"gemm: {name} is 0; it must be at least 1"):
        gemm(Config(), **sizes, a=Matrix(64, 1), b=Matrix(64, 1), c=Matrix(64, 1))


def test_ramp_grows_to_its_limit():
    assert [len(r) for r in ramp(16, 4)] == [1, 1, 2, 4, 4, 4]
    assert [len(r) for r in ramp(3, 1)] == [1, 1, 1]
