"""Rounded sums: random, cancelling and special operands against exact integers and MPFR."""

import os

import gmpy2
import numpy as np
import pytest

from hw.arith.mac import Mac
from hw.formats import Binary, Codebook, Float, Int, Log, Posit, Rounded, Ternary
from tests.hw.arith.mac.bank import Bank, Whole
from tests.hw.arith.mac.oracle import fused

FULL = os.environ.get("ALHENA_FULL") == "1"
COUNT = 1_000_000 if FULL else 20_000
F = Float.parse
CASES = [
    ("e5m2", "e5m2", "e6m9", "rne", 0, (1, 2, 3, 4, 5, 6, 7, 8)),
    ("e5m2", "e5m2", "e6m9", "zero", 0, (1,)),
    ("e5m2", "e4m3fn", "e6m9", "stochastic", 1, (1, 4)),
    ("e5m2", "e5m2", "e6m9", "stochastic", 4, (2,)),
    ("e5m2", "e5m2", "e6m9", "stochastic", 16, (1, 6)),
    ("e4m3", "e4m3", "fp16", "rne", 0, (1, 4)),
    ("bf16", "bf16", "fp32", "rne", 0, (1, 2, 7)),
    ("fp16", "fp16", "fp32", "rne", 0, (6,)),
    ("fp16", "fp16", "fp16", "zero", 0, (3,)),
    ("bf16", Int(8), "fp32", "rne", 0, (3,)),
    (Int(8), Int(8), "fp32", "rne", 0, (1,)),
    ("e4m3fn", "e4m3fn", "bf16-ftz", "rne", 0, (1, 3)),
    ("e4m3", "e4m3", "e5m2-sat", "rne", 0, (1, 2)),
    ("e4m3", "e4m3", "e4m3fnuz", "rne", 0, (1,)),
    ("e4m3fnuz", "e5m2", "e4m3fn", "rne", 0, (2,)),
    ("e4m3fn", "e2m1", "e3m2", "rne", 0, (1,)),
    ("e5m2", "e2m3", "e5m4fn-ftz", "zero", 0, (1,)),
    ("e5m2", "e2m3", "e6m3fnuz", "stochastic", 3, (1,)),
    ("e2m1", "e4m3", "e5m2-ftz-sat", "zero", 0, (1,)),
    ("e4m3fn", "e4m3fn", "e5m0fn", "rne", 0, (1,)),
    (Posit(8, 1), Posit(8, 2), "e6m9", "rne", 0, (1, 3)),
    ("fp32", "fp32", "fp32", "rne", 0, (5,)),
    (Log(8), Log(8), "fp32", "rne", 0, (1, 4)),
    (Log(6, 2), "e4m3", "e5m2-sat", "zero", 0, (1,)),
    ("bf16", Binary(), "fp32", "rne", 0, (1,)),
    ("e4m3", Ternary(), "fp16", "rne", 0, (2,)),
    (
        Int(8),
        Codebook((0x80, 0x01, 0x11, 0x77, 0x9A, 0xFD, 0x00, 0x47), F("e4m3fn")),
        "fp16",
        "rne",
        0,
        (1,),
    ),
    ("bf16", Codebook.of([-1, -0.7, 0, 0.08], F("bf16")), "fp32", "rne", 0, (3,)),
    ("e4m3-ftz", "e4m3", "e8m3", "rne", 0, (1,)),
    ("e8m3", "e2m3", "e4m3", "rne", 0, (1,)),
]


def format_of(x):
    return F(x) if isinstance(x, str) else x


MACS = [
    Mac(format_of(a), format_of(w), Rounded(F(s), mode, bits), n)
    for a, w, s, mode, bits, stages in CASES
    for n in stages
]
KINDS = {(m.input, m.weight, m.sum): m for m in MACS}


def vectors_of(mac, seed):
    """Codes of all kinds; many sums nearly or exactly cancel the product, are ties, or far."""
    rng = np.random.default_rng(seed)
    fmt, widths = mac.sum.format, (mac.input.width, mac.weight.width, mac.sum.width)
    a, w, s = (rng.integers(0, 1 << n, COUNT) for n in widths)
    few = rng.random(COUNT) < 0.05
    a[few] &= ~(((1 << widths[0] - 2) - 1) << 1)
    x, y = (f.decode(c).astype(float) for f, c in ((mac.input, a), (mac.weight, w)))
    with np.errstate(invalid="ignore", over="ignore"):
        product = np.nan_to_num(x * y, nan=1.0, posinf=1.0, neginf=-1.0)
        near = -product * (1 + rng.integers(-3, 4, COUNT) * 2.0**-fmt.man)
        far = product * 2.0 ** rng.integers(-fmt.man - 4, fmt.man + 5, COUNT)
    kind = rng.integers(0, 6, COUNT)
    chosen = np.where(kind < 2, near, far) * np.where(kind % 2, 1.0, -1.0)
    held = fmt.encode(fmt.quantize(chosen)).astype(np.int64)
    tiny = rng.integers(0, 4, COUNT) | rng.integers(0, 2, COUNT) << fmt.width - 1
    s = np.where(kind < 4, held, np.where(few, tiny, s))
    vectors = {"a": a, "w": w, "s": s}
    if mac.sum.bits:
        vectors["random"] = rng.integers(0, 1 << mac.sum.bits, COUNT)
    return vectors


@pytest.fixture(scope="module")
def streamed():
    shared = {kind: vectors_of(mac, n) for n, (kind, mac) in enumerate(KINDS.items())}
    vectors = {mac: shared[mac.input, mac.weight, mac.sum] for mac in MACS}
    got = Bank({mac: Whole(mac) for mac in MACS}).run("rounded", vectors)
    return vectors, got


def kind_name(mac):
    return f"{mac.input.name}-{mac.weight.name}-{mac.sum.name}"


@pytest.mark.parametrize("mac", KINDS.values(), ids=kind_name)
def test_every_step_is_rounded_once(streamed, mac):
    vectors, got = streamed
    v = vectors[mac]
    fmt = mac.sum.format
    formats = (mac.input, mac.weight, fmt)
    x, y, z = (
        f.decode(c).astype(float).tolist() for f, c in zip(formats, v.values(), strict=False)
    )
    random = v.get("random", np.zeros(COUNT, int)).tolist()
    want = np.array(
        [
            fused(fmt, *four[:3], mac.sum.rounding, four[3], mac.sum.bits)
            for four in zip(x, y, z, random, strict=True)
        ],
        np.uint64,
    )
    np.testing.assert_array_equal(mac.golden(v["a"], v["w"], v["s"], random), want)
    for other in MACS:
        if (other.input, other.weight, other.sum) == (mac.input, mac.weight, mac.sum):
            wrong = np.flatnonzero(got[other] != want)
            cases = [(x[n], y[n], z[n], hex(got[other][n]), hex(want[n])) for n in wrong[:5]]
            assert not len(wrong), (other.stages, len(wrong), cases)


@pytest.mark.parametrize("names", [("bf16", "bf16", "fp32"), ("e5m2", "e5m2", "e6m9")])
@pytest.mark.parametrize("mode", ["rne", "zero"])
def test_oracle_against_mpfr(names, mode):
    a, w, fmt = map(F, names)
    mac = Mac(a, w, Rounded(fmt, mode))
    v = vectors_of(mac, 99)
    x, y, z = (f.decode(c)[:20_000] for f, c in zip((a, w, fmt), v.values(), strict=True))
    context = gmpy2.context(
        precision=fmt.man + 1, emax=fmt.emax + 1, emin=fmt.emin - fmt.man + 1, subnormalize=True,
        round={"rne": gmpy2.RoundToNearest, "zero": gmpy2.RoundToZero}[mode],
    )  # fmt: skip
    exact = [list(map(gmpy2.mpfr, values.tolist())) for values in (x, y, z)]
    with context:
        want = [float(gmpy2.fma(*three)) for three in zip(*exact, strict=True)]
    codes = [fused(fmt, *map(float, three), mode) for three in zip(x, y, z, strict=True)]
    np.testing.assert_array_equal(fmt.decode(codes), want)


def test_messages():
    with pytest.raises(ValueError, match="only a Float, or a Fixed such as fixed"):
        Mac(Posit(8, 1), Posit(8, 1), Rounded(Posit(8, 1)))
    with pytest.raises(ValueError, match="no hold with fp16"):
        Mac(F("e4m3"), F("e4m3"), Rounded(F("fp16"))).create(hold=True)
