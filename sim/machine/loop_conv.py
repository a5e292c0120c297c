"""loop_conv_ws: the commands that a convolution stands for (docs/loops.md)."""

from collections.abc import Iterator
from dataclasses import replace

from hw.config import Config
from hw.isa import BY_NAME, GARBAGE, Command, ErrorCode, Local

from .faults import FLOAT_ONE, KEEP_SCALE, RELU, require
from .loop_conv_shape import Shape
from .loops import (
    Around,
    Halves,
    Parameters,
    check_rows,
    check_start,
    compute,
    config_ex,
    mvin,
    mvin2,
    mvin3,
    mvout,
    packer,
    preload,
    size,
    steps,
    there,
)

_COMMANDS = [name for name in BY_NAME if name.startswith("loop_conv_ws_config_")]

_config_ld = packer("config_ld", "set", "stride", "block_stride", "repeats", "scale")
_IMAGE = ("upper_pad", "left_pad", "pool_out_dim", "pool_out_rows", "pool_out_cols")
_config_st = packer(
    "config_st",
    *("activation", "stride", "scale", "pool_stride", "pool_size", *_IMAGE, "out_rows", "out_cols"),
)
_depthwise = packer(
    "compute_depthwise",
    *("a_addr", "width", "outputs", "line_stride", "lines", "left", "stride", "keep"),
)


def configure(command: str, fields: dict[str, int]) -> Parameters:
    """Parameters that a configuration command sets; addresses modulo 2^32."""
    del command
    return {name: value & 0xFFFF_FFFF for name, value in fields.items()}


NONE: Parameters = {field.name: 0 for command in _COMMANDS for field in BY_NAME[command].fields}
"""All parameters as reset leaves them."""


def check(config: Config, p: Parameters, halves: Halves, around: Around) -> bool:
    """Raise Fault where loop_conv_ws is refused; whether anything happens.

    `p` holds the parameters and the fields of the loop_conv_ws command itself.
    """
    check_start(p, around)
    shape = Shape(config, p)
    pixels = shape.pixels
    require(p["activation"] <= RELU, ErrorCode.NOT_SUPPORTED)
    dilated = p["input_dilated"] and (shape.stride != 1 or p["downsample"])
    require(not dilated, ErrorCode.BAD_CONFIG)
    if p["downsample"]:
        pads = (p[name] for name in ("upad", "dpad", "lpad", "rpad"))
        simple = shape.stride == 2 and p["krows"] == p["kcols"] == 1 and not any(pads)
        require(simple, ErrorCode.BAD_CONFIG)
    if pixels > 1:
        fits = pixels <= config.dim and shape.kchs * pixels <= config.dim
        require(fits, ErrorCode.BAD_SIZE)
        require(config.first_layer, ErrorCode.NOT_SUPPORTED)
    require(p["no_pool"] or config.pooling, ErrorCode.NOT_SUPPORTED)
    transposed = p["input_3120"] or p["weights_0132"]
    require(config.transposes or not transposed, ErrorCode.NOT_SUPPORTED)
    require(not (p["input_3120"] and p["weights_0132"]), ErrorCode.BAD_CONFIG)
    odd = ("rotate", "downsample", "input_dilated", "input_3120", "weights_0132")
    plain = not any(p[name] for name in odd) and shape.dilation == 1
    require(pixels == 1 or plain, ErrorCode.BAD_CONFIG)
    if shape.line_of_channels:
        _check_lines(shape)
    sizes = ("batches", "orows", "ocols", "pochs", "krows", "kcols", "kchs")
    if not all(p[name] for name in sizes):
        return False
    require(shape.reach <= config.sp_rows + config.dim, ErrorCode.BAD_SIZE)
    check_rows(config, halves.operands(p), shape.a_rows, shape.b_rows)
    require(shape.c_rows <= config.acc_rows // 2, ErrorCode.BAD_SIZE)
    return True


def _check_lines(shape: Shape) -> None:
    """Depthwise over many channels."""
    config, p = shape.config, shape.p
    built = config.dw_lines == 3 and config.transposes
    require(config.dw_lines if p["weights_1203"] else built, ErrorCode.NOT_SUPPORTED)
    plain = shape.ochs == shape.kchs and shape.pixels == 1 and shape.dilation == 1
    plain = plain and shape.krows == shape.kcols == p["kernel"] == 3
    without = ("input_dilated", "downsample", "rotate", "transpose_output")
    without += ("weights_0132", "input_3120")
    require(plain and not any(p[name] for name in without), ErrorCode.BAD_CONFIG)


class _Convolution(Shape):
    """One loop: local addresses and the commands of each of its parts."""

    def __init__(self, config: Config, p: Parameters, halves: Halves, around: Around):
        super().__init__(config, p)
        self.around = around
        self.blocks = config.max_block_len * self.dim
        a_half, b_half = halves.operands(p)
        half = config.sp_rows // 2
        self.a0 = a_half * half
        self.b0 = (b_half + 1) * half - self.b_rows
        self.c0 = Local.ACC | halves.acc * (config.acc_rows // 2)

    def bytes(self, count: int) -> int:
        return size(self.config.input, count)

    def c(self, b: int, orow: int, ocol: int, och: int) -> int:
        row = (b * self.orows + orow) * self.ocols + ocol
        return self.c0 + och // self.dim * self.outs + row

    def bias(self) -> Iterator[Command]:
        p, dim = self.p, self.dim
        yield _config_ld(2, 0, self.outs, 0, FLOAT_ONE)
        for och, cols in steps(self.ochs, dim):
            apart = size(self.config.accumulator, och)
            address = 0 if p["no_bias"] else p["bias"] + apart
            for b in range(self.batches):
                for orow in range(self.orows):
                    for ocol, rows in steps(self.ocols, dim):
                        yield mvin3(address, self.c(b, orow, ocol, och), rows, cols)

    # Input

    def a(self, group: int, line: int, column: int, within: int) -> int:
        """Row of a pixel: `group` counts what lies in the lanes, `within` what does not."""
        row = (within * self.lines + line) * self.width + column
        return self.a0 + group // self.dim * self.plane + row

    def runs(self) -> Iterator[tuple[int, int]]:
        """(first column, columns) of the mvins of a line: padding, image, padding."""
        end, dim = self.icols_in + self.rpad, self.dim
        icol = -self.lpad
        while icol < end:
            if icol < 0:
                count = min(-icol, dim)
            elif icol >= self.icols_in:
                count = min(end - icol, dim)
            else:
                count = min(self.icols_in - icol, dim << self.ds)
            yield icol, count
            icol += count

    def lanes(self) -> Iterator[tuple[int, list[tuple[int, int, int]]]]:
        """b, and (ich, what lies in the lanes, columns) of the mvins of a pixel."""
        if self.images_in_lanes:
            for b, cols in steps(self.batches, self.blocks):
                yield b, [(ich, b, cols) for ich in range(self.kchs)]
        else:
            for b in range(self.batches):
                yield b, [(ich, ich, cols) for ich, cols in steps(self.kchs, self.blocks)]

    def pixel(self, b: int, irow: int, icol: int, ich: int) -> int:
        """Memory address of an element of the input; 0 in the padding and if there is no input."""
        p = self.p
        inside = 0 <= irow < self.irows_in and 0 <= icol < self.icols_in
        if not (p["input"] and inside):
            return 0
        if self.images_in_lanes:
            place = (ich * p["in_rows"] + irow) * p["in_cols"] + icol
            return p["input"] + self.bytes(place * p["batch"] + b)
        place = (b * p["in_rows"] + irow) * p["in_cols"] + icol
        return p["input"] + self.bytes(place * p["in_stride"] + ich)

    def input(self) -> Iterator[Command]:
        p, ds = self.p, self.ds
        stride = p["batch"] if self.images_in_lanes else p["in_stride"]
        yield _config_ld(0, self.bytes(stride) << ds, self.plane, self.pixels, FLOAT_ONE)
        runs = list(self.runs())
        first = 0 if self.line_of_channels else -self.upad
        for b, pieces in self.lanes():
            for irow in range(first, self.irows_in + self.dpad, 1 << ds):
                line = (irow + self.upad) >> ds
                for icol, count in runs:
                    column = (icol + self.lpad) >> ds
                    for ich, group, cols in pieces:
                        row = self.a(group, line, column, ich if self.images_in_lanes else b)
                        yield mvin(self.pixel(b, irow, icol, ich), row, count >> ds, cols)

    # Weights

    def b(self, och: int, krow: int, kcol: int, kch: int) -> int:
        tap = krow * self.kcols + kcol
        if self.swapped:
            return self.b0 + kch // self.dim * self.filt + tap * self.ochs + och
        return self.b0 + och // self.dim * self.filt + tap * self.kchs + kch

    def weight(self, och: int, krow: int, kcol: int, kch: int) -> int:
        """Memory address of a weight; 0 if there are none."""
        p = self.p
        kernel, inputs, outputs = p["kernel"], p["in_channels"], p["out_channels"]
        if p["depthwise"]:
            place = krow * kernel + kcol
        elif p["weights_1203"]:
            place = ((kch * kernel + krow) * kernel + kcol) * outputs + och
        elif self.swapped:
            place = ((krow * kernel + kcol) * outputs + och) * inputs + kch
        else:
            place = ((krow * kernel + kcol) * inputs + kch) * p["weight_stride"] + och
        return p["weights"] and p["weights"] + self.bytes(place)

    def weight_stride(self) -> int:
        p = self.p
        if p["depthwise"]:
            return 1
        if p["weights_1203"]:
            return p["kernel"] * p["kernel"] * p["out_channels"]
        return p["in_channels"] if self.swapped else p["weight_stride"]

    def weights(self) -> Iterator[Command]:
        yield _config_ld(1, self.bytes(self.weight_stride()), self.filt, 0, FLOAT_ONE)
        och_step, kch_step = self.blocks, self.dim
        if self.swapped:
            och_step, kch_step = kch_step, och_step
        for och, outputs in steps(self.ochs, och_step):
            for krow in range(self.krows):
                for kcol in range(self.kcols):
                    for kch, inputs in steps(self.kchs, kch_step):
                        extents = (outputs, inputs) if self.swapped else (inputs, outputs)
                        place = (och, krow, kcol, kch)
                        yield mvin2(self.weight(*place), self.b(*place), *extents)

    def weights_of_lines(self) -> Iterator[Command]:
        weights, outputs = self.p["weights"], self.p["out_channels"]
        if self.p["weights_1203"]:
            yield _config_ld(1, self.bytes(outputs), self.filt, 0, FLOAT_ONE)
            for och, cols in steps(self.ochs, self.blocks):
                row = self.b0 + och // self.dim * self.filt
                for tap, rows in steps(9, self.dim):
                    place = self.bytes(tap * outputs + och)
                    yield mvin2(weights and weights + place, row + tap, rows, cols)
            return
        yield _config_ld(1, self.bytes(9), self.filt, 0, FLOAT_ONE)
        for och, channels in steps(self.ochs, self.dim):
            yield mvin2(weights and weights + self.bytes(9 * och), self.b0 + och, channels, 9)

    # Computes

    def config_ex(self) -> Command:
        a_stride = self.lines * self.width if self.images_in_lanes else self.stride >> self.ds
        c_stride = self.orows * self.ocols if self.images_in_lanes else 1 << self.p["input_dilated"]
        around = replace(self.around, weight_stationary=True, a_stride=a_stride, c_stride=c_stride)
        turned = self.line_of_channels and not self.p["weights_1203"]
        return config_ex(around, self.images_in_lanes, self.swapped or turned)

    def places(self, krow: int, kcol: int) -> Iterator[tuple[int, int, int, int]]:
        """(b, orow, ocol, rows) of the tiles of outputs under a tap, padding or not."""
        p, dim, lanes = self.p, self.dim, self.images_in_lanes
        apart = 1 << p["input_dilated"]
        row_start = (krow * self.dilation - self.odd_row) % apart
        col_start = (kcol * self.dilation - self.odd_col) % apart
        for b, images in steps(self.batches, dim if lanes else 1):
            for orow in range(row_start, self.orows, apart):
                for ocol in range(col_start, self.ocols, apart if lanes else apart * dim):
                    left = -(-(self.ocols - ocol) // apart)
                    yield b, orow, ocol, images if lanes else min(dim, left)

    def seen(self, krow: int, kcol: int) -> Iterator[tuple[int, int, int, int]]:
        """The same without outputs whose pixel under the tap is padding."""
        if self.p["input_dilated"] or self.images_in_lanes:
            yield from self.places(krow, kcol)
            return
        for b, orow, ocol, rows in self.places(krow, kcol):
            row = orow * self.stride + krow * self.dilation - self.upad
            column = ocol * self.stride + kcol * self.dilation - self.lpad
            if not 0 <= row < self.irows_in:
                continue
            first, end = 0, rows
            if self.pixels == 1 and self.stride <= 2:
                first = max(0, -(column // self.stride))
                end = min(rows, -((column - self.icols_in) // self.stride))
            if end > first:
                yield b, orow, ocol + first, end - first

    def tile(self, och: int, krow: int, kcol: int, kch: int) -> Iterator[Command]:
        """All computes with one tile of weights."""
        pixels = min(self.pixels, self.kcols - kcol)
        k = pixels * min(self.dim, self.kchs - kch)
        j = min(self.dim, self.ochs - och)
        kr, kc = krow, kcol
        if self.p["rotate"]:
            kr, kc = self.krows - 1 - krow, self.kcols - pixels - kcol
        weights = self.b(och, kr, kc, kch)
        first, opening = True, not (krow or kcol or kch)
        accumulates = 0 if opening and self.overwrites else Local.ACCUMULATE
        places = self.places if opening else self.seen
        for b, orow, ocol, i in places(krow, kcol):
            line = self.half(orow * self.stride + krow * self.dilation) >> self.ds
            column = self.half(ocol * self.stride + kcol * self.dilation) >> self.ds
            group, within = (b, kch) if self.images_in_lanes else (kch, b)
            c = self.c(b, orow, ocol, och) | accumulates
            yield preload(weights if first else GARBAGE, k, j, c, i, j)
            yield compute(first, self.a(group, line, column, within), i, k, GARBAGE, i, j)
            first = False

    def computes(self) -> Iterator[Command]:
        for och, _ in steps(self.ochs, self.dim):
            for krow in range(self.krows):
                for kcol, _ in steps(self.kcols, self.pixels):
                    for kch, _ in steps(self.kchs, self.dim):
                        yield from self.tile(och, krow, kcol, kch)

    def computes_of_lines(self) -> Iterator[Command]:
        at_once, turned = self.config.dw_lines, not self.p["weights_1203"]
        for och, channels in steps(self.ochs, self.dim):
            for line, lines in steps(3, at_once):
                row = self.b0 + (och if turned else och // self.dim * self.filt + 3 * line)
                for b in range(self.batches):
                    for orow in range(self.orows):
                        keep = b > 0 or orow > 0
                        accumulates = 0 if self.overwrites and not line else Local.ACCUMULATE
                        c = self.c(b, orow, 0, och) | accumulates
                        yield preload(row, 3 * lines, channels, c, 1, channels)
                        top = orow * self.stride + line
                        end = self.upad + self.irows_in
                        there = sum(1 << n for n in range(lines) if self.upad <= top + n < end)
                        a, width = self.a(och, top, 0, b), self.width
                        places = (self.ocols, width, there, self.left, self.stride)
                        yield _depthwise(a, width, *places, keep)

    # Output

    def store(self) -> Iterator[Command]:
        p, dim = self.p, self.dim
        for och, cols in steps(self.ochs, dim):
            for b in range(self.batches):
                for orow in range(self.orows):
                    for ocol, rows in steps(self.ocols, dim):
                        place = (b * p["out_rows"] + orow) * p["out_cols"] + ocol
                        apart = place * p["out_stride"] + och
                        if p["transpose_output"]:
                            place = (orow * p["out_cols"] + ocol) * p["batch"] + b
                            apart = place * p["out_channels"] + och
                        address = p["output"] + self.bytes(apart)
                        yield mvout(address, self.c(b, orow, ocol, och), rows, cols)

    def store_pooled(self) -> Iterator[Command]:
        p = self.p
        kept = (p["activation"], self.bytes(p["out_stride"]), KEEP_SCALE)
        names = ("pool_stride", "pool_size", "pupad", "plpad", "pool_out_cols", "porows")
        names += ("pocols", "orows", "ocols")
        yield _config_st(*kept, *(p[name] for name in names))
        for och, cols in steps(self.ochs, self.dim):
            for b in range(self.batches):
                place = b * p["pool_out_rows"] * p["pool_out_cols"] * p["out_stride"] + och
                yield mvout(p["output"] + self.bytes(place), self.c(b, 0, 0, och), 0, cols)
        yield _config_st(*kept, *[0] * len(names))

    def commands(self) -> Iterator[Command]:
        p = self.p
        lines = self.line_of_channels
        if p["bias"] and not self.overwrites:
            yield from self.bias()
        if not there(p, "a", p["input"]):
            yield from self.input()
        if not there(p, "b", p["weights"]):
            yield from self.weights_of_lines() if lines else self.weights()
        yield self.config_ex()
        yield from self.computes_of_lines() if lines else self.computes()
        if p["output"]:
            yield from self.store() if p["no_pool"] else self.store_pooled()


def expand(config: Config, p: Parameters, halves: Halves, around: Around) -> Iterator[Command]:
    """The commands of a loop_conv_ws that passed its checks, in order."""
    return _Convolution(config, p, halves, around).commands()
