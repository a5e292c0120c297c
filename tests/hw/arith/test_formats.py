"""The scaled row in all formats, code for code, against fractions.

``ALHENA_FULL=1`` takes forty times as many rows.
"""

import os

import ml_dtypes
import numpy as np
import pytest

from hw.arith.saturate import SaturateRow
from hw.arith.scale import ScaleRow, row_latency
from hw.arith.scale_shared import SharedScaleRow
from hw.formats import Fixed, Float, Int, Log, Posit, Rounded, Ternary
from hw.formats.scaling import scale as golden
from tests.hw.arith.test_scale import SCALES, TINY
from tests.hw.arith.test_unpack import codes_of
from tests.support.exact import decoded, nearest, scaled
from tests.support.streams import get, never, put, simulate, stalls

FULL = os.environ.get("ALHENA_FULL") == "1"
ROWS = 8000 if FULL else 200
LANES = 4
KINDS = {"nan", "inf"}
P = Float.parse
E4M3, FP32 = P("e4m3fn"), P("fp32")
CASES = [
    *((Rounded(FP32), E4M3), (Rounded(P("fp16")), P("e5m2")), (Rounded(P("e6m9")), P("e4m3fnuz"))),
    *((FP32, P("e3m2")), (FP32, P("bf16")), (FP32, P("e4m3-sat")), (P("bf16"), P("bf16-ftz"))),
    *((E4M3, E4M3), (P("fp16"), P("fp16")), (P("e5m2fnuz-ftz"), P("e5m2fnuz-ftz-sat"))),
    *((FP32, FP32), (FP32, P("e4m0fn")), (FP32, P("e4m3fn-ftz")), (P("bf16"), P("e1m2none"))),
    *((Posit(8, 1), Posit(8, 1)), (FP32, Posit(16, 1)), (Posit(16, 1), P("fp16"))),
    *((FP32, Posit(8, 2)), (FP32, Posit(4, 0)), (FP32, Posit(5, 2)), (FP32, Posit(16, 2))),
    *((Fixed(49, -18), E4M3), (Fixed(73, -32), P("e5m2")), (Fixed(16, -4), P("e2m1"))),
    *(
        (Fixed(58, -24), Posit(8, 1)),
        (Fixed(49, -18), FP32),
        (Int(32), FP32),
        (Fixed(80, -50), Int(8)),
        (Fixed(24, -6), Int(8)),
    ),
    *((Int(8), P("bf16")), (Int(32), E4M3), (Int(32), Posit(8, 0)), (Int(32), P("fp16"))),
    *((P("bf16"), Int(8)), (E4M3, Int(8, signed=False)), (Rounded(FP32), Int(16))),
    *((FP32, Log(8)), (FP32, Log(8, 0)), (Fixed(64, -20), Log(8)), (Log(8), Log(8))),
    *((FP32, Log(6, 2, 25, 3)), (Int(32), Log(10, 4)), (FP32, Log(16)), (Log(6, 2), P("e2m1"))),
    *((FP32, Log(5, 2, 3)), (Log(16), Int(8)), (FP32, Log(7, 4, man=5)), (FP32, Log(4, 0, man=3))),
    *((Ternary(), Ternary()), (FP32, Ternary()), (Int(32), Ternary()), (Ternary(), Log(8))),
    *((Fixed(24, -6), Ternary()), (Ternary(), Int(16))),
    *((Posit(8, 2), Int(8)), (P("e2m1"), P("e2m1")), (P("e4m3fnuz"), Int(32))),
]


def bits(scale):
    return int(np.float32(scale).view(np.uint32))


def nan_or_inf(fmt, code):
    return decoded(fmt, code).size in KINDS


def values_between(target, rng, count):
    """Numbers of float32 at and beside the borders between neighbouring codes of the target."""
    if isinstance(target, Int):
        near = [*rng.integers(target.min, target.max + 1, count), target.min, target.max]
        ties = np.array(near) + 0.5
    else:
        codes = rng.integers(0, 1 << target.width, count) >> rng.integers(0, target.width, count)
        codes = codes.tolist()
        codes += [0, 1, (1 << target.width - 1) - 1, (1 << target.width - 1) - 2]
        target = target.format if isinstance(target, Rounded) else target
        last = (1 << target.width) - 1
        sizes = [[decoded(target, min(c + k, last)).size for k in (0, 1)] for c in codes]
        ties = [float((a + b) / 2) for a, b in sizes if not {a, b} & KINDS]
        ties += [target.max, 2 * target.max, target.max * (1 + 2.0**-target.width)]
    with np.errstate(over="ignore"):
        ties = np.asarray(ties, np.float64).astype(np.float32)
    ties = ties[np.isfinite(ties)]
    with np.errstate(over="ignore"):
        beside = [np.nextafter(ties, np.float32(way)) for way in (np.inf, -np.inf)]
    return np.concatenate([ties, *beside])


def rows(source, target, lanes, count):
    """(codes, scale's bits): all corners; ties of the target from 1.0; and random ones."""
    rng = np.random.default_rng(source.width * 64 + target.width)
    every = list(codes_of(source, 100))
    one = nearest(source, decoded(Int(8), 1)) if not isinstance(source, Fixed) else 1 << -source.lsb
    for scale in SCALES + TINY:
        yield [every[i] for i in rng.integers(0, len(every), lanes)], bits(scale)
    whole = [c for c in every if nan_or_inf(source, c)][:4] + [0, 1 << (source.width - 1), one, 1]
    for scale in (0.0, -0.0, 1.0, -2.0, 1e-45):
        for start in range(0, len(whole), lanes):
            yield (whole[start:] + whole)[:lanes], bits(scale)
    halves = [(1 << i) + (1 << i - 24) for i in range(source.width - 2, 23, -3)]
    halves = [tie + more for tie in halves for more in (0, 1, tie & -tie << 1)]
    for start in range(0, len(halves) if isinstance(source, Int | Fixed) else 0, lanes):
        yield (halves[start:] + halves)[:lanes], bits(1.0)
    for start in range(0, len(every) if FULL else 0, lanes):
        yield (every[start:] + every)[:lanes], bits(1.0)
    between = values_between(target, rng, count // 4)
    for scale in rng.permutation(between)[: count // 2]:
        others = [every[i] for i in rng.integers(0, len(every), lanes - 1)]
        with np.errstate(all="ignore"):
            fits = np.isfinite(np.float32(scale))
        yield [one, *others], bits(scale if fits else 1.0)
    for n in range(count // 2):
        codes = [every[i] for i in rng.integers(0, len(every), lanes)]
        size = decoded(source, codes[0]).size
        if n % 3 and not isinstance(size, str) and size:  # results inside the target's range
            x = rng.choice(between)
            with np.errstate(all="ignore"):
                scale = np.float32(float(x) / float(size))
            yield codes, bits(scale if np.isfinite(scale) else 1.0)
        else:
            yield codes, int(rng.integers(0, 255 << 23)) | int(rng.integers(2)) << 31


def run(dut, source, target, vectors, with_scale=True, seed=1):
    """Send rows of codes with random stalls and compare with fractions."""
    relus = np.random.default_rng(seed)
    sent, want = [], []
    for n, (codes, scale) in enumerate(vectors):
        relu = bool(relus.random() < 0.2)
        half = 1 << (source.width - 1)
        signed = isinstance(source, Int) and source.signed
        values = [(c ^ half) - half for c in codes] if signed else codes
        row = {"values": values, "relu": relu, "tag": n & 511}
        sent.append(row | ({"scale": scale} if with_scale else {}))
        scale = scale if with_scale else bits(1.0)
        results = [scaled(source, target, c, scale, relu) for c in codes]
        want.append((codes, hex(scale), relu, results, n & 511))

    async def feed(ctx):
        await put(ctx, dut.i, sent, stalls(seed, 0.1))

    async def check(ctx):
        mask = (1 << target.width) - 1
        for row, (*given, codes, tag) in zip(
            await get(ctx, dut.o, len(want), stalls(seed + 1, 0.1)), want, strict=True
        ):
            assert ([v & mask for v in row["values"]], row["tag"]) == (codes, tag), given

    simulate(dut, feed, check, cycles=10_000_000)
    return want


def element(fmt):
    return fmt.format if isinstance(fmt, Rounded) else fmt


def as_values(fmt, codes):
    fmt = element(fmt)
    codes = np.array(codes, object if fmt.width > 64 else np.uint64)
    return fmt.values(fmt.decode(codes)) if isinstance(fmt, Fixed) else fmt.decode(codes)


def encoded(fmt, values):
    return [int(c) for c in element(fmt).encode(values)]


@pytest.mark.parametrize(("source", "target"), CASES, ids=lambda f: f.name)
def test_scaled_rows(source, target):
    dut = ScaleRow(LANES, source, target, 9)
    for codes, scale, relu, want, _ in run(dut, source, target, rows(source, target, LANES, ROWS)):
        number = np.uint32(int(scale, 16)).view(np.float32)
        got = encoded(target, dut.golden(as_values(source, codes), number, relu))
        assert got == want, (codes, scale, relu)


@pytest.mark.parametrize(("source", "target"), CASES[::4], ids=lambda f: f.name)
def test_rows_without_a_scale(source, target):
    dut = SaturateRow(LANES, source, target, 9)
    run(dut, source, target, rows(source, target, LANES, ROWS), with_scale=False)


def test_shared_lanes():
    source, target = Fixed(49, -18), E4M3
    dut = SharedScaleRow(5, 2, source, target, 9)
    run(dut, source, target, rows(source, target, 5, ROWS // 2))
    assert dut.latency == row_latency(source, target) + 1


@pytest.mark.parametrize(
    ("source", "target", "scaled_in", "plain_in"),
    [
        (Int(32), Int(8), 7, 1),
        (Int(8), Int(8), 5, 1),
        (Fixed(49, -18), E4M3, 7, 5),
        (Fixed(32, -8), E4M3, 7, 5),
        (Fixed(25, -8), Int(8), 6, 4),
        (Rounded(FP32), P("bf16"), 5, 3),
        (Posit(16, 1), Posit(16, 1), 5, 3),
    ],
    ids=lambda x: getattr(x, "name", ""),
)
def test_latency_at_full_rate(source, target, scaled_in, plain_in):
    assert row_latency(source, target) == scaled_in
    for dut, latency in (
        (ScaleRow(1, source, target, 8), scaled_in),
        (SaturateRow(1, source, target, 8), plain_in),
    ):
        assert dut.latency == latency
        scale = {"scale": bits(1.0)} if isinstance(dut, ScaleRow) else {}
        sent = [{"values": [0], "relu": 0, "tag": n} | scale for n in range(20)]
        when = []

        async def feed(ctx, dut=dut, sent=sent):
            await put(ctx, dut.i, sent, never)

        async def check(ctx, dut=dut, when=when):
            assert [row["tag"] for row in await get(ctx, dut.o, 20, never, when)] == [*range(20)]

        simulate(dut, feed, check)
        assert when == [*range(latency, latency + 20)]


TYPES = {
    "bf16": ml_dtypes.bfloat16,
    "fp16": np.float16,
    "e5m2": ml_dtypes.float8_e5m2,
    "e4m3fn": ml_dtypes.float8_e4m3fn,
    "e4m3fnuz": ml_dtypes.float8_e4m3fnuz,
    "e3m2": ml_dtypes.float6_e3m2fn,
    "e2m1": ml_dtypes.float4_e2m1fn,
}


@pytest.mark.parametrize("name", TYPES)
def test_golden_is_a_cast_of_a_float32_product(name):
    """Where float32's exponents suffice, numpy and ml_dtypes do the same."""
    rng = np.random.default_rng(len(name))
    target = Float.parse(name)
    x = np.ldexp(rng.standard_normal(100_000), rng.integers(-40, 40, 100_000))
    factor = np.ldexp(rng.standard_normal(100_000), rng.integers(-50, 50, 100_000))
    x[:4] = (0.0, -0.0, np.inf, np.nan) if target.has_nan else (0.0, -0.0, 1.0, -1.0)
    factor = factor.astype(np.float32)
    with np.errstate(over="ignore"):
        want = (x.astype(np.float32) * factor).astype(TYPES[name]).astype(np.float64)
    got = golden(x, factor, target)
    np.testing.assert_array_equal(got, want)
    number = ~np.isnan(want)
    np.testing.assert_array_equal(np.signbit(got)[number], np.signbit(want)[number])
