"""Convolutions, straight from images in memory: no im2col copy is ever written.

Three ways to bring A into the scratchpad, chosen by estimated cycles (:func:`conv2d`):

- *shared pixels* (:class:`SharedPixels`): input pixels are loaded once; a compute streams every
  `stride`-th row from the place that its kernel position asks for. Padding is never loaded nor
  computed: a kernel position that looks beyond the image reaches fewer outputs.
- *folded columns* (:class:`FoldedColumns`): one local row holds the channels of all kernel columns,
  which lie side by side in memory. Fills the array when there are few channels; the padding must
  be stored (`Image.border`).
- *packed kernels* (:class:`PackedKernels`): local rows hold the pixels of the whole kernel without
  gaps, one kernel line behind the other. For first layers; the padding must be stored.
"""

from hw.config import Config
from hw.formats import row_bytes

from .columns import FoldedColumns, SharedPixels
from .gemm import gemm
from .layout import Image, Matrix
from .lines import Convolution, Pixels
from .nest import lower
from .packed import PackedKernels
from .pooled import Pool, lower_pooled
from .program import Program
from .tiling import Layer, Source


def _check_images(config: Config, conv: Convolution, x: Image, out: Image, pool) -> None:
    size = conv.output_size(x.height, x.width)
    if pool:
        size = pool.output_size(*size)
        if not config.pooling:
            raise ValueError(f"conv2d: {config.name} has no pooling")
    if (out.height, out.width) != size:
        raise ValueError(
            f"the output image is {out.height}×{out.width}; this convolution gives "
            f"{size[0]}×{size[1]}"
        )
    least = row_bytes(config.input, conv.cin)
    if x.pixel_bytes < least:
        raise ValueError(f"pixel_bytes is {x.pixel_bytes}; {conv.cin} channels need {least}")


def _estimate(config: Config, source: Source, conv: Convolution) -> int:
    """Cycles of the slower of load and execute, roughly."""
    tiles = -(-conv.cout // config.dim)
    execute, pieces = 0, {}
    lines = range(min(source.lines, source.out_h * source.parts))
    for step, part in enumerate(source.steps):
        for line in lines:
            for access in source.accesses(line, step):
                execute += max(access.rows, 4) * tiles
                pieces[access.key] = part
    load = 0
    for key in pieces:
        for move in source.moves(key):
            beats = -(-row_bytes(config.input, move.cols) // config.bus_bytes)
            load += move.rows * max(beats, -(-(move.lane + move.cols) // config.dim)) + 1
    return max(load, execute) * source.lines // len(lines)


def choose_source(config: Config, conv: Convolution, x: Image, whole_lines: bool = False) -> Source:
    """The way of bringing in A that the estimate likes best; `whole_lines`: one row per line."""
    dim, kw = config.dim, conv.kernel[1]
    _, out_w = conv.output_size(x.height, x.width)
    candidates = []
    strip = SharedPixels.strip_for(config, conv, out_w)
    if strip:
        candidates.append(SharedPixels(config, conv, x, strip))
    stored = conv.padding <= x.border
    dense = x.pixel_bytes * 8 == conv.cin * config.input.width
    merges = {1, 1 if whole_lines or not stored else max(1, dim // out_w)}
    for merge in sorted(merges):
        for fold in {1, kw} if stored and dense else {1}:
            candidates.append(FoldedColumns(config, conv, x, fold, merge))
        if PackedKernels.possible(config, conv, x):
            candidates.append(PackedKernels(config, conv, x, merge))
    return min(candidates, key=lambda source: _estimate(config, source, conv))


def _program(config: Config, conv: Convolution, source: Source, commands) -> Program:
    macs = source.out_rows * source.out_w * conv.k * conv.cout
    steps = tuple((step.row, step.k) for step in source.steps)
    return Program(config, tuple(commands), macs, steps)


def conv2d(
    config: Config,
    conv: Convolution,
    x: Image,
    weights: int,
    out: Image,
    bias: int | None = None,
    *,
    scale: float = 1.0,
    relu: bool = False,
    pool: Pool | None = None,
) -> Program:
    """out = act(scale·(conv(x, weights) + bias)), max-pooled if there is a `pool`.

    `weights` and `bias` are addresses of [kh, kw, cin, cout] input elements and [cout] accumulator
    elements. Rows of weights start on whole bytes. The border of `out` is not written. ValueError
    for configurations with operands in blocks, which have matrix products only.
    """
    if config.blocks:
        names = " x ".join(fmt.name for fmt in config.operands)
        raise ValueError(f"conv2d: {config.name} has operands in blocks ({names}); use gemm")
    _check_images(config, conv, x, out, pool)
    pitch = row_bytes(config.weight, conv.cout)
    b = Matrix(weights, pitch)
    d = None if bias is None else Matrix(bias, 0)
    options = {"scale": scale, "relu": relu}
    if pool:
        source = choose_source(config, conv, x, whole_lines=True)
        layer = Layer(source, b, conv.cout, Pixels(out, source), d, relu, scale)
        commands = lower_pooled(config, layer, pool, out)
        return _program(config, conv, source, commands)
    plain = x.border == out.border == 0 and conv.padding == 0
    if plain and conv.kernel == (1, 1) and conv.stride == 1:
        m = conv.images * x.height * x.width
        a, c = Matrix(x.address, x.pixel_bytes), Matrix(out.address, out.pixel_bytes)
        return gemm(config, m, conv.cout, conv.cin, a, b, c, d, **options)
    packed = x.pixel_bytes * 8 == conv.cin * config.input.width
    if plain and packed and conv.kernel == (x.height, x.width):
        a, c = Matrix(x.address, x.image_bytes), Matrix(out.address, out.pixel_bytes)
        return gemm(config, conv.images, conv.cout, conv.k, a, b, c, d, **options)
    source = choose_source(config, conv, x)
    layer = Layer(source, b, conv.cout, Pixels(out, source), d, relu, scale)
    return _program(config, conv, source, lower(config, [layer]))
