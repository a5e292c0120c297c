"""Convolutions with pooling behind them and packed first layers, on the simulator against numpy."""

import numpy as np
import pytest

from hw.config import PRESETS
from sim.machine import Machine
from sw.compiler.conv import choose_source, conv2d
from sw.compiler.layout import Allocator, Image
from sw.compiler.lines import Convolution
from sw.compiler.packed import PackedKernels
from sw.compiler.pooled import Pool
from tests.support.plain import PLAIN

FEATURES = {"first_layer": True, "pooling": True, "mvin_bytes": 256}
CONFIGS = [PRESETS[name].replace(name=f"pool-{name}", **FEATURES) for name in PRESETS]
# images, height, width, cin, cout, kernel, stride, padding, pool
CASES = [
    (1, 16, 18, 3, 20, (7, 7), 2, 3, Pool(3, 2, 1)),
    (2, 9, 8, 16, 9, (3, 3), 1, 1, Pool(2, 2)),
    (2, 9, 8, 16, 9, (3, 3), 1, 1, Pool(3, 1, 1)),
    (1, 7, 7, 4, 8, (1, 1), 1, 0, Pool(3, 2, 1)),
    (1, 30, 10, 1, 12, (10, 4), 2, 1, None),
    (2, 12, 12, 3, 8, (3, 3), 2, 1, None),
]


def expected(x, w, bias, stride, padding, pool, scale):
    margin = (padding, padding)
    padded = np.pad(x, ((0, 0), margin, margin, (0, 0)))
    views = np.lib.stride_tricks.sliding_window_view(padded, w.shape[:2], axis=(1, 2))
    sums = np.einsum("nyxcij,ijco->nyxo", views[:, ::stride, ::stride], w) + bias
    out = np.maximum(sums, 0).astype(np.float32) * np.float32(scale)
    out = np.rint(out).clip(-128, 127).astype(np.int64)
    if not pool:
        return out
    height, width = pool.output_size(*out.shape[1:3])
    margin = (pool.padding, pool.padding + pool.stride)
    out = np.pad(out, ((0, 0), margin, margin, (0, 0)))
    views = np.lib.stride_tricks.sliding_window_view(out, (pool.size, pool.size), axis=(1, 2))
    return views[:, :: pool.stride, :: pool.stride][:, :height, :width].max(axis=(-1, -2))


@pytest.mark.parametrize("config", CONFIGS, ids=lambda c: c.name)
@pytest.mark.parametrize("case", CASES, ids=str)
def test_matches_numpy(config, case):
    images, height, width, cin, cout, kernel, stride, padding, pool = case
    rng = np.random.default_rng(cin + cout)
    x = rng.integers(-128, 128, (images, height, width, cin))
    w = rng.integers(-128, 128, (*kernel, cin, cout))
    biased = pool is None or pool.padding == 1
    bias = rng.integers(-9999, 9999, cout) * biased
    margin = (padding, padding)
    stored = np.pad(x, ((0, 0), margin, margin, (0, 0))).astype(np.int8)
    conv = Convolution(images, cin, cout, kernel, stride, padding)
    size = conv.output_size(height, width)
    size = pool.output_size(*size) if pool else size
    machine, place = Machine(config, 1 << 17), Allocator()
    at = {name: place.take(name, count) for name, count in (
        ("x", stored.size), ("w", w.size), ("bias", 4 * cout), ("out", images * 400 * cout),
    )}  # fmt: skip
    machine.write(at["x"], stored.tobytes())
    machine.write(at["w"], w.astype(np.int8).tobytes())
    machine.write(at["bias"], bias.astype(np.int32).tobytes())
    source, target = Image(at["x"], height, width, cin, padding), Image(at["out"], *size, cout)
    at_bias = at["bias"] if biased else None
    options = {"scale": 0.004, "relu": True, "pool": pool}
    program = conv2d(config, conv, source, at["w"], target, at_bias, **options)
    machine.run(program.commands).check()
    want = expected(x, w, bias, stride, padding, pool, 0.004)
    got = np.frombuffer(machine.read(at["out"], want.size), np.int8).reshape(want.shape)
    np.testing.assert_array_equal(got, want)


def test_few_channels_are_packed_without_gaps():
    config = CONFIGS[-1]
    conv = Convolution(1, 3, 64, (7, 7), 2, 3)
    source = choose_source(config, conv, Image(64, 64, 64, 3, 3), whole_lines=True)
    assert isinstance(source, PackedKernels)
    assert [step.k for step in source.steps] == [16] * 9 + [3]
    assert [move.lane for move in source.moves((0, 0))] == [21 * i % 16 for i in range(7)]


def test_pooled_lines_share_what_the_accumulator_memory_holds():
    config = CONFIGS[-1]
    conv, pool = Convolution(1, 3, 64, (7, 7), 2, 3), Pool(3, 2, 1)
    x, out = Image(64, 224, 224, 3, 3), Image(1 << 20, 56, 56, 64)
    commands = conv2d(config, conv, x, 1 << 19, out, pool=pool).commands
    names = [command.spec.name for command in commands]
    computes = names.count("compute_preloaded") + names.count("compute_accumulated")
    assert computes <= 112 * 7 * 10 * 4 * 9 / 8


def test_names_what_does_not_fit():
    conv, x, out = Convolution(1, 4, 4, (1, 1)), Image(64, 8, 8, 4), Image(1 << 12, 4, 4, 4)
    with pytest.raises(ValueError, match="tiny has no pooling"):
        conv2d(PLAIN["tiny"], conv, x, 1 << 13, out, pool=Pool(2, 2))
    with pytest.raises(ValueError, match="gives 3×3"):
        conv2d(CONFIGS[0], conv, x, 1 << 13, out, pool=Pool(3, 2))
    with pytest.raises(ValueError, match="Pool: size is 4; it must be from 1 to 3"):
        Pool(4, 2)
    with pytest.raises(ValueError, match="takes 3 lines of 200 outputs at a time"):
        wide = Image(64, 4, 200, 4)
        pooled = Image(1 << 14, 2, 100, 4)
        conv2d(CONFIGS[0], conv, wide, 1 << 13, pooled, pool=Pool(3, 2, 1))
