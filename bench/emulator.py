"""How fast matrix products in any format are emulated, beside other people's ways, on one core.

``python -m bench.emulator [size]`` prints billions of multiply-adds per second of processor time.
The others round every sum to the same format, all columns and rows of a step at once:

- *gfloat*: ``round_ndarray``, numpy
- *QPyTorch-style*: float32 sums rounded on their bits, as its CPU kernels do it, vectorised
- *numpy*: the rounding of this project's golden models, tile after tile
"""

import os
import sys
import time
from collections.abc import Callable

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before numpy is imported

import numpy as np
from gfloat import FormatInfo, round_ndarray
from gfloat.types import Domain
from numpy.typing import NDArray

from alhena.report import console
from hw.config import PRESETS
from hw.formats import Float, Rounded, parse_accumulator, parse_format
from hw.formats.mix import Mix
from sim.emulator import Mac, gemm

SECONDS = 0.5
OTHERS_SIZE = 128  # of the others' products; their rate does not depend on it

# input, weight, sum
PRODUCTS = (
    ("int8", "int8", "int32"),
    ("e2m1", "e2m1", "fixed24e-2"),
    ("e4m3fn", "e4m3fn", "fixed49e-18"),
    ("e5m2", "e5m2", "fixed60e-32"),
    ("e5m2", "e5m2", "fixed77e-32"),
    ("posit8es1", "posit8es1", "fixed64e-24"),
    ("e4m3fn", "e4m3fn", "fixed32e-8"),
    ("e4m3fn", "e4m3fn", "fixed24e-8-sat"),
    ("e5m2", "e5m2", "e6m9"),
    ("e4m3fn", "e4m3fn", "fp16"),
    ("bf16", "bf16", "fp32"),
    ("fp16", "fp16", "fp32-rz"),
    ("e5m2", "e5m2", "e6m9-sr8"),
)
BLOCKS = ("mxfp8e4m3", "mxfp4", "nvfp4", "mxint8", "mxfp8e5m2", "bf16*int4x32-bf16")


def rate(work: Callable[[], object], macs: int) -> float:
    """Billions of multiply-adds per second of processor time; the best of several runs."""
    work()
    best, end = np.inf, time.process_time() + SECONDS
    while time.process_time() < end:
        start = time.process_time()
        work()
        best = min(best, time.process_time() - start)
    return macs / best / 1e9


def operands(mac: Mac, size: int) -> tuple[NDArray, NDArray]:
    """Every number of the formats, with equal chances."""
    rng = np.random.default_rng(size)
    pair = []
    for fmt in (mac.input, mac.weight):
        values = fmt.decode(rng.integers(0, 1 << fmt.width, (size, size))).astype(np.float64)
        pair.append(np.where(np.isfinite(values), values, 1.0))
    return pair[0], pair[1]


def stepwise(a: NDArray, w: NDArray, rounded: Callable[[NDArray], NDArray], lane=np.float64):
    """One outer product after the other."""
    total = np.zeros((a.shape[0], w.shape[1]), lane)
    for column, row in zip(a.T.astype(lane), w.astype(lane), strict=True):
        total = rounded(total + column[:, None] * row)
    return total


def with_gfloat(fmt: Float) -> Callable[[NDArray], NDArray]:
    nans = {"ieee": (1 << fmt.man) - 1, "fn": 1, "fnuz": 0, "none": 0}[fmt.specials]
    info = FormatInfo(
        fmt.name, fmt.width, fmt.man + 1, bias=fmt.bias, is_signed=True,
        domain=Domain.Extended if fmt.has_infinity else Domain.Finite, has_nz=True,
        num_high_nans=nans, has_subnormals=True, is_twos_complement=False,
    )  # fmt: skip
    return lambda total: round_ndarray(info, total)


def on_bits(fmt: Float) -> Callable[[NDArray], NDArray]:
    """To nearest with ties away, as QPyTorch rounds normal numbers; saturating; no subnormals."""
    drop = np.int32(23 - fmt.man)
    half, mask = np.int32(1 << (drop - 1)), np.int32(-1 << drop)
    most = np.float32(fmt.max)

    def rounded(total: NDArray) -> NDArray:
        bits = total.view(np.int32)
        return np.clip(((bits + half) & mask).view(np.float32), -most, most)

    return rounded


def others(mac: Mac) -> dict[str, float]:
    """Rates of the other ways that can do `mac`."""
    size, found = OTHERS_SIZE, {}
    a, w = operands(mac, size)
    found["numpy"] = rate(lambda: mac.golden(a, w), size**3)
    if isinstance(mac.sum, Rounded) and mac.sum.rounding == "rne":
        fmt = mac.sum.format
        nearest = with_gfloat(fmt)
        found["gfloat"] = rate(lambda: stepwise(a, w, nearest), size**3)
        if fmt.man < 23:
            away = on_bits(fmt)
            found["QPyTorch-style"] = rate(lambda: stepwise(a, w, away, np.float32), size**3)
    return found


def main(size: int = 256):
    columns = ("input", "weight", "sum", "loop", "GMAC/s", "numpy", "gfloat", "QPyTorch-style")
    lines = []
    for names in PRODUCTS:
        mac = Mac(*map(parse_format, names[:2]), parse_accumulator(names[2]))
        a, w = operands(mac, size)
        bits = getattr(mac.sum, "bits", 0)
        random = np.zeros((size, size, size), np.uint16) if bits else None
        ours = rate(lambda a=a, w=w, m=mac, r=random: gemm(a, w, m, random=r), size**3)
        ratios = {name: ours / other for name, other in others(mac).items()}
        cells = [f"{ratios[name]:.0f} x" if name in ratios else "–" for name in columns[5:]]
        lines.append((*names, gemm(a, w, mac, random=random).kernel, f"{ours:.2f}", *cells))
    lines += [in_blocks(name, size) for name in BLOCKS]
    console.out.print(console.table("emulator", columns, lines), soft_wrap=True)


def in_blocks(name: str, size: int) -> tuple[str, ...]:
    """The line of operands in blocks, as the default array takes them: scaled, summed in fp32."""
    config = PRESETS["default"].with_formats(**vars(Mix.parse(name)))
    mac, rng, given = Mac.of(config), np.random.default_rng(size), []
    for axis, (fmt, block) in enumerate(zip(config.operands, (mac.blocks.input, mac.blocks.weight),
                                            strict=True)):  # fmt: skip
        values = rng.normal(size=(size, size))
        given.append(block.encode(values, 1 - axis) if block else fmt.quantize(values))
    ours = rate(lambda: gemm(*given, mac), size**3)
    names = (*(fmt.name for fmt in config.operands), f"{mac.sum.name} > {mac.memory.name}")
    return (*names, gemm(*given, mac).kernel, f"{ours:.2f}", "–", "–", "–")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
