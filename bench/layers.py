"""Programs of single layers: a product, a convolution, a sum; as command lists and as loops.

Operands lie one after another in memory; padding is kernel // 2.
"""

from hw.config import Config
from hw.formats import Format, row_bytes
from sw.compiler.blocked import Scales
from sw.compiler.conv import Convolution, conv2d
from sw.compiler.gemm import gemm
from sw.compiler.layout import Allocator, Image, Matrix
from sw.compiler.loop_add import loop_add
from sw.compiler.loop_conv import LoopConvolution, loop_conv
from sw.compiler.loop_gemm import Product, loop_gemm
from sw.compiler.pooled import Pool


def product(config: Config, m: int, k: int, n: int):
    """Commands of a matrix product."""
    place = Allocator()
    operands = (config.input, m, k), (config.weight, k, n), (config.output, m, n)
    a, b, c = (_matrix(place, *operand) for operand in operands)
    scales = {}
    if block := config.input_block:
        scales["a"] = _matrix(place, block.scale, m, -(-k // block.size))
    if block := config.weight_block:
        scales["b"] = _matrix(place, block.scale, -(-k // block.size), n)
    return gemm(config, m, n, k, a, b, c, scales=Scales(**scales)).commands


def _matrix(place: Allocator, fmt: Format, rows: int, cols: int) -> Matrix:
    pitch = row_bytes(fmt, cols)
    return Matrix(place.take(fmt.name, rows * pitch), pitch)


def convolution(config: Config, size: int, inputs: int, outputs: int, kernel: int, stride: int):
    """Commands of a convolution with its padding in memory."""
    pad = kernel // 2
    conv = Convolution(1, inputs, outputs, (kernel, kernel), stride, pad)
    out = conv.output_size(size, size)
    place, side = Allocator(), size + 2 * pad
    x = Image(place.take("x", side * side * inputs), size, size, inputs, pad)
    w = place.take("w", kernel * kernel * inputs * outputs)
    y = Image(place.take("y", out[0] * out[1] * outputs), *out, outputs)
    return conv2d(config, conv, x, w, y).commands


def looped_product(
    config: Config, m: int, k: int, n: int, output_stationary: bool = False, relu: bool = False
):
    """Commands of a matrix product as loops."""
    place = Allocator()
    a, b = Matrix(place.take("a", m * k), k), Matrix(place.take("b", k * n), n)
    c = Matrix(place.take("c", m * n), n)
    product = Product(m, n, k, a, b, c, output_stationary=output_stationary)
    return loop_gemm(config, product, relu=relu).commands


def looped_convolution(
    config: Config,
    size: int,
    inputs: int,
    outputs: int,
    kernel: int,
    stride: int,
    pool: Pool | None = None,
    depthwise: bool = False,
    relu: bool = False,
):
    """Commands of a convolution as loops."""
    pad, place = kernel // 2, Allocator()
    side, kernels = (size + 2 * pad - kernel) // stride + 1, (kernel, kernel)
    channels = 1 if depthwise else inputs
    x = Image(place.take("x", size * size * inputs), size, size, inputs)
    w = place.take("w", kernel * kernel * channels * outputs)
    shape = (1, size, size, inputs, outputs, kernels, side, side, stride, (pad, pad))
    conv = LoopConvolution(*shape, pool=pool, depthwise=depthwise)
    rows, cols = conv.stored
    y = Image(place.take("y", rows * cols * outputs), rows, cols, outputs)
    return loop_conv(config, conv, x, w, y, relu=relu).commands


def looped_sum(config: Config, rows: int, columns: int, relu: bool = False):
    """Commands of the sum of two matrices as loops."""
    place = Allocator()
    a, b, c = (Matrix(place.take(name, rows * columns), columns) for name in "abc")
    return loop_add(config, rows, columns, a, b, c, relu=relu).commands
