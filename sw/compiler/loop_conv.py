"""Convolutions as loop_conv_ws commands: padding, pooling, packing and strides are the loop's."""

from dataclasses import replace

from hw.config import Config
from hw.formats import row_bytes
from hw.isa import float_bits

from .depthwise import check_depthwise
from .layout import Image
from .loop_conv_tiling import ConvCut, ConvTiling, LoopConvolution
from .loops import LoopProgram, elements
from .pooled import Pool
from .program import Program


def _check(config: Config, conv: LoopConvolution, x: Image, out: Image) -> None:
    for option, needed in {"loop_conv": True, "pooling": bool(conv.pool)}.items():
        if needed and not getattr(config, option):
            may = config.offered().get(option, True)
            way = f"set {option}=on, or do" if may else "its formats have none; do"
            raise ValueError(f"conv2d: {config.name} has no {option}; {way} without loops=True")
    if conv.depthwise:
        check_depthwise(config, x)
    if (x.height, x.width) != (conv.rows, conv.cols) or (out.height, out.width) != conv.stored:
        raise ValueError(f"conv2d: the images do not have the sizes of {conv}")


def border_for(config: Config, cin: int, kernel: tuple[int, int], padding: int) -> int:
    """The border of stored zeros with which a convolution of `cin` channels is fast.

    Where the channels of all kernel columns fit one local row, they are read as one pixel.
    """
    return padding if kernel[1] > 1 and kernel[1] * cin <= config.dim else 0


def _as_stored(conv: LoopConvolution, x: Image) -> tuple[LoopConvolution, Image]:
    """The border as part of the image."""
    margin = 2 * x.border
    pads = tuple(pad - x.border for pad in conv.pads)
    sizes = {"rows": x.height + margin, "cols": x.width + margin}
    return replace(conv, **sizes, pads=pads), replace(
        x, height=sizes["rows"], width=sizes["cols"], border=0
    )


def _folded(config: Config, conv: LoopConvolution, x: Image) -> LoopConvolution:
    """The same with the pixels under a line of the kernel as one, if they lie side by side."""
    (kh, kw), (top, left), stride = conv.kernel, conv.pads, conv.stride
    dense = x.pixel_bytes * 8 == conv.cin * config.input.width
    few = 1 < kw and kw * conv.cin <= config.dim
    inside = left <= 0 and (conv.out_cols - 1) * stride - left + kw <= conv.cols
    if conv.depthwise or conv.dilation > 1 or not (dense and inside and few):
        return conv
    one = replace(conv, cols=conv.cols - kw + 1, cin=kw * conv.cin, kernel=(kh, 1), apart=conv.cin)
    below = (conv.out_rows - 1) * stride + kh <= conv.rows
    if stride == 1 or conv.pool or (top, left) != (0, 0) or not below or kh < stride:
        return one
    return replace(one, cols=conv.out_cols, phases=stride, apart=stride * conv.cin)


def loop_conv(
    config: Config,
    conv: LoopConvolution,
    x: Image,
    weights: int,
    out: Image,
    bias: int | None = None,
    *,
    scale: float = 1.0,
    relu: bool = False,
    cut: ConvCut | None = None,
) -> Program:
    """out = pool(act(scale·(conv(x, weights) + bias))) as loops; `cut` overrides the choice."""
    _check(config, conv, x, out)
    macs = conv.macs
    if conv.depthwise and conv.cout == 1:  # an ordinary convolution, and the loop's too
        conv = replace(conv, depthwise=False)
    conv, x = _as_stored(conv, x)
    conv = _folded(config, conv, x)
    tiling = ConvTiling(config, conv, bias is not None)
    cut = cut or tiling.best()
    program = LoopProgram(config)
    program.store(out.pixel_bytes, relu, float_bits(scale))
    kw = conv.kernel[1]
    in_stride = elements("conv2d", "x", config.input, x.pixel_bytes) * conv.phases
    out_stride = elements("conv2d", "out", config.output, out.pixel_bytes)
    weight_bytes = row_bytes(config.weight, conv.cout)  # a row of weights starts on a byte
    weight_stride = elements("conv2d", "w", config.weight, weight_bytes)
    pool = conv.pool or Pool(1, 1)
    program.set(
        "loop_conv_ws_config_1",
        batch=conv.images,
        in_rows=x.height,
        in_channels=conv.cin * conv.phases,
        out_channels=weight_stride,
        out_rows=conv.out_rows,
        pool_out_rows=out.height,
        out_cols=conv.out_cols + 2 * out.border,
        stride=conv.stride // conv.phases,
    )
    for loop in tiling.loops(cut):
        y, x_axis, channel = loop.y, loop.x, loop.channels.start
        program.set(
            "loop_conv_ws_config_2",
            pool_padding=pool.padding,
            pool_stride=pool.stride,
            pool_size=pool.size,
            pool_out_cols=out.width + 2 * out.border,
            kernel=kw,
            pochs=len(loop.channels),
            pocols=len(x_axis.stored),
            porows=len(y.stored),
            batches=1,
        )
        program.set(
            "loop_conv_ws_config_3",
            lpad=x_axis.before,
            rpad=x_axis.after,
            upad=y.before,
            dpad=y.after if conv.phases == 1 else 0,
            plpad=x_axis.out_before,
            kchs=tiling.depth(loop),
            kcols=kw,
            krows=loop.taps,
            in_cols=x.width,
        )
        program.set(
            "loop_conv_ws_config_4",
            kernel_dilation=conv.dilation,
            pupad=y.out_before,
            pdpad=y.out_after,
            prpad=x_axis.out_after,
            orows=len(y.out),
            ocols=len(x_axis.out),
            out_stride=out_stride,
            weight_stride=weight_stride,
            in_stride=in_stride,
        )
        column = row_bytes(config.input, channel) if conv.depthwise else 0
        at_w = weights + loop.phase * conv.cin * weight_bytes + row_bytes(config.weight, channel)
        at_x = x.pixel(loop.image, y.start + loop.phase, x_axis.start * conv.phases) + column
        at_out = out.pixel(loop.image, y.stored.start, x_axis.stored.start)
        at_out += row_bytes(config.output, channel)
        addresses = {"weights": at_w * loop.load_b, "output": at_out * loop.stores}
        program.set("loop_conv_ws_config_5", **addresses)
        at_bias = bias + row_bytes(config.accumulator, channel) if bias else x.address
        addresses = {"bias": at_bias * (loop.phase == 0), "input": at_x * loop.load_a}
        program.set("loop_conv_ws_config_6", **addresses)
        stays = {f"{cut.stays}_spad_id": loop.half + 1} if cut.stays else {}
        program.go(
            "loop_conv_ws",
            no_bias=int(bias is None),
            depthwise=int(conv.depthwise),
            weights_1203=int(conv.depthwise),
            max_pixels_per_row=tiling.pixels,
            no_pool=int(conv.pool is None),
            downsample=int(tiling.downsample),
            activation=int(relu),
            **stays,
        )
    return Program(config, tuple(program.commands), macs)
