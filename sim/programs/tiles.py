"""Random tiles: preloads, computes, depthwise lines and their configuration."""

from hw.isa import GARBAGE, Command, Local, encode

from .blocks import with_scales
from .draw import Drawer


def config_ex(g: Drawer) -> list[Command]:
    rng, config = g.rng, g.config
    strides = {"a_stride": rng.choice((1, 1, 2, 0, rng.randrange(5)))}
    strides["c_stride"] = rng.choice((1, 1, 2, rng.randrange(1, 5)))
    if g.chance(0.2):
        return [encode("config_ex", strides_only=1, dataflow=rng.randrange(2), **strides)]
    fields = {"dataflow": 1, "activation": rng.randrange(2), "shift": rng.getrandbits(32)}
    pairs = ((0, 0), (1, 0), (0, 1))
    if config.output_stationary and g.chance(0.5):
        pairs = ((0, 0), (1, 0), (1, 1))
        fields["dataflow"] = 0
        fields["shift"] = rng.choice((0, 1, 3, rng.randrange(config.accumulator.width)))
    if config.transposes:
        fields["transpose_a"], fields["transpose_b"] = rng.choice(pairs)
    return [encode("config_ex", **fields, **strides)]


def named(g: Drawer, rows: int, cols: int, c_rows: int) -> Command | None:
    """A preload of B or D with these extents, and of C with `c_rows` rows."""
    b = {"b_addr": GARBAGE, "b_rows": rows, "b_cols": cols}
    if g.chance(0.7):
        b["b_addr"] = g.row(False, g.config.dim + g.config.scale_rows)
    acc = g.chance(0.7 if g.config.spad_results else 0.97)
    span = (max(c_rows, 1) - 1) * g.state.c_stride + 1
    if span > g.limit[acc]:
        return None
    c = int(Local(g.row(acc, span), acc, acc and g.chance(0.5), g.chance(0.1)))
    if g.chance(0.1):
        c = GARBAGE
    extents = {"c_rows": min(c_rows, g.config.dim), "c_cols": g.size()}
    return encode("preload", **b, c_addr=c, **extents)


def weight_table(g: Drawer) -> list[Command]:
    """The table of weights, or the first rows of it, and often a tile that meets it."""
    limit = min(g.config.table_rows, g.limit[False])
    rows = g.size(limit)
    command = encode("weight_table", table_addr=g.row(False, max(rows, 1)), table_rows=rows)
    return [command, *tile(g)] if g.chance(0.4) else [command]


def tile(g: Drawer) -> list[Command]:
    """A preload with one to four computes."""
    preload = named(g, g.size(), g.size(), g.size())
    if preload is None:
        return []
    out = [preload]
    for _ in range(g.choice(1, 1, 2, 4)):
        out += compute(g)
    return with_scales(g, out) if g.config.blocks else out


def compute(g: Drawer) -> list[Command]:
    dim = g.config.dim
    rows, cols = g.size(), g.size()
    lines = cols if g.state.transpose_a else rows
    span = (max(lines, 1) - 1) * g.state.a_stride + 1
    if span > g.limit[False]:
        return []
    a = GARBAGE if g.chance(0.05) else g.row(False, span)
    usual = not g.config.input_block and g.state.weight_stationary
    second = g.chance(0.3 if usual else 0.9)
    d = g.row(False, dim) if second else GARBAGE
    name = "compute_preloaded" if g.chance(0.5) else "compute_accumulated"
    extents = {"a_rows": rows, "a_cols": cols, "d_rows": g.size(), "d_cols": g.size()}
    if g.config.input_block:
        extents["d_cols"] = g.rng.randrange(g.config.row_scales)
    return [encode(name, a_addr=a, d_addr=d, **extents)]


def depthwise(g: Drawer) -> list[Command]:
    """One to three lines of a depthwise convolution."""
    rng, dim = g.rng, g.config.dim
    outputs = g.size(2 * dim)
    preload = named(g, g.size(), g.size(), outputs)
    if preload is None:
        return []
    out = [preload] if g.chance(0.8) else []
    for number in range(g.choice(1, 1, 2, 3)):
        stride, left = g.few(4), rng.choice((0, 0, 1, rng.randrange(16)))
        width = max(outputs * stride + rng.randint(-3, 3), 0)
        line_stride = width if g.chance(0.6) else rng.randrange(2 * dim)
        span = max(width, 1) + 2 * line_stride
        if span > g.limit[False]:
            continue
        line = {"width": width, "outputs": outputs, "line_stride": line_stride}
        line |= {"lines": rng.choice((7, 7, rng.randrange(8))), "left": left, "stride": stride}
        keep = int(number > 0 or g.chance(0.2))
        out.append(encode("compute_depthwise", a_addr=g.row(False, span), keep=keep, **line))
    return out
