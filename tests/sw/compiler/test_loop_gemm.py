"""Matrix products as loop commands on the instruction-set simulator against numpy."""

import numpy as np
import pytest
from numpy.typing import NDArray

from hw.config import PRESETS, Config
from hw.formats import Int, row_bytes
from sim.machine import Machine
from sim.machine.rows import pack_rows, unpack_rows
from sw.compiler.layout import Allocator, Matrix
from sw.compiler.loop_gemm import Product, Tiling, loop_gemm
from tests.support.plain import PLAIN

OPTIONS = {"loop_ws": True, "output_stationary": True, "transposes": True}
TINY = PRESETS["tiny"].replace(name="l-tiny", **OPTIONS)
DEFAULT = PRESETS["default"].replace(name="l-default", **OPTIONS)
CRAMPED = Config(name="l-cramped", dim=5, sp_banks=2, sp_bank_rows=16, acc_bank_rows=8, **OPTIONS)
NARROW = Config(
    name="l-narrow",
    dim=6,
    input=Int(4),
    weight=Int(4),
    output=Int(4),
    accumulator=Int(24),
    sp_bank_rows=64,
    acc_bank_rows=16,
    bus_width=32,
    **OPTIONS,
)
CONFIGS = [TINY, DEFAULT, CRAMPED, NARROW]
SHAPES = [(1, 1, 1), (1, 70, 50), (33, 17, 2), (31, 66, 30), (70, 10, 64)]


def expected(config, sums, scale, relu) -> NDArray:
    sums = np.maximum(sums, 0) if relu else sums
    product = sums.astype(np.float32) * np.float32(scale)
    return np.clip(np.rint(product), config.output.min, config.output.max).astype(np.int64)


class Bench:
    """Random operands in a machine's memory."""

    def __init__(self, config, m, n, k):
        rng = np.random.default_rng(m * n + k)
        self.config, self.m, self.n, self.k = config, m, n, k
        self.machine, self.place = Machine(config, 1 << 19), Allocator()
        draw = lambda fmt, shape: rng.integers(fmt.min, fmt.max + 1, shape)  # noqa: E731
        self.a, self.b = draw(config.input, (m, k)), draw(config.weight, (k, n))
        limit = 1 << (config.accumulator.width - 3)
        self.d = rng.integers(-limit, limit, (m, n))

    def put(self, role, values) -> Matrix:
        data = pack_rows(getattr(self.config, role), values)
        address = self.place.take(role, data.size)
        self.machine.write(address, data.tobytes())
        return Matrix(address, data.shape[1])

    def run(self, d=None, scale=1.0, relu=False, cut=None, **options):
        """(got, sums): what the machine computed and the product in integers."""
        a = self.put("input", self.a.T if options.get("transpose_a") else self.a)
        b = self.put("weight", self.b.T if options.get("transpose_b") else self.b)
        at_d = None
        if d is not None:
            at_d = self.put("accumulator", np.atleast_2d(d))
            at_d = Matrix(at_d.address, at_d.pitch if d.ndim == 2 else 0)
        fmt = self.config.accumulator if options.get("full_width") else self.config.output
        pitch = row_bytes(fmt, self.n)
        c = Matrix(self.place.take("c", pitch * self.m), pitch)
        product = Product(self.m, self.n, self.k, a, b, c, at_d, **options)
        program = loop_gemm(self.config, product, scale=scale, relu=relu, cut=cut)
        self.machine.run(program.commands).check()
        data = np.frombuffer(self.machine.read(c.address, pitch * self.m), np.uint8)
        width = self.config.accumulator.width
        sums = self.a @ self.b + (0 if d is None else d) + (1 << (width - 1))
        self.program = program
        got = unpack_rows(fmt, data.reshape(self.m, pitch), self.n)
        return got, sums % (1 << width) - (1 << (width - 1))


@pytest.mark.parametrize("config", CONFIGS, ids=lambda c: c.name)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("stationary", (False, True), ids=("ws", "os"))
def test_products_equal_numpy(config, shape, stationary):
    if config is NARROW and any(n % 2 for n in shape):
        pytest.skip("rows of half bytes")
    bench = Bench(config, *shape)
    for d in (None, bench.d[0], bench.d):
        got, sums = bench.run(d, scale=0.02, relu=d is None, output_stationary=stationary)
        np.testing.assert_array_equal(got, expected(config, sums, 0.02, d is None))


@pytest.mark.parametrize("config", (TINY, CRAMPED), ids=lambda c: c.name)
@pytest.mark.parametrize("how", ((0, 1, 0), (0, 0, 1), (1, 1, 0), (1, 1, 1)), ids=str)
def test_transposed_operands(config, how):
    stationary, *turned = map(bool, how)
    bench = Bench(config, 18, 23, 9)
    options = dict(zip(("transpose_a", "transpose_b"), turned, strict=True))
    got, sums = bench.run(bench.d, full_width=True, output_stationary=stationary, **options)
    np.testing.assert_array_equal(got, sums)


def test_every_cut_gives_the_same():
    config = CRAMPED.replace(name="l-cuts", sp_bank_rows=64, acc_bank_rows=16)
    bench = Bench(config, 23, 24, 12)
    cuts = list(Tiling(config, Product(23, 24, 12, *[Matrix(64, 24)] * 3)).cuts())
    assert {cut.stays for cut in cuts} == {"", "a", "b"}
    for cut in cuts:
        got, sums = bench.run(bench.d, scale=0.03, cut=cut)
        np.testing.assert_array_equal(got, expected(config, sums, 0.03, False))


def test_a_product_of_any_size_takes_few_commands():
    product = Product(256, 256, 256, Matrix(64, 256), Matrix(1 << 17, 256), Matrix(1 << 18, 256))
    program = loop_gemm(DEFAULT, product)
    names = [command.spec.name for command in program.commands]
    assert names.count("loop_ws") == 8 and len(names) < 45
    assert 256**3 // 256 < Tiling(DEFAULT, product).cycles(Tiling(DEFAULT, product).best()) < 67000


def test_says_what_is_missing():
    one = [Matrix(64, 4)] * 3
    with pytest.raises(ValueError, match="tiny has no loop_ws"):
        loop_gemm(PLAIN["tiny"], Product(4, 4, 4, *one))
    with pytest.raises(ValueError, match="m is 0; it must be at least 1"):
        loop_gemm(TINY, Product(0, 4, 4, *one))
    with pytest.raises(ValueError, match="output-stationary products cannot be transposed"):
        loop_gemm(TINY, Product(4, 4, 4, *one, output_stationary=True, transpose_b=True))
    with pytest.raises(ValueError, match="rows of a are 2 bytes apart, not whole int12 elements"):
        wide = TINY.replace(name="w", input=Int(12), weight=Int(12), output=Int(12))
        loop_gemm(wide, Product(4, 4, 4, Matrix(64, 2), *one[1:]))
