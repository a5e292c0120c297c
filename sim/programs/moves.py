"""Random moves and their configuration."""

from hw.formats import row_bytes
from hw.isa import Command, Local, encode

from .draw import Drawer


def config_ld(g: Drawer) -> list[Command]:
    rng, config = g.rng, g.config
    block_stride = rng.choice((config.dim, config.dim, 1, 0, rng.randrange(2 * config.dim)))
    fields = {"shrunk": int(g.chance(0.3)), "block_stride": block_stride, "stride": g.stride()}
    fields["repeats"] = rng.randrange(2)
    if config.weight_parts > 1 and g.chance(0.4):
        return [encode("config_ld", set=rng.randrange(3), weights=1, **fields)]
    if config.first_layer and g.chance(0.5):
        if g.chance(0.5):
            fields["lane"] = rng.randrange(config.dim)
        else:
            fields["repeats"] = g.few(config.dim)
    return [encode("config_ld", set=rng.randrange(3), scale=g.load_scale(), **fields)]


def config_st(g: Drawer) -> list[Command]:
    rng, config = g.rng, g.config
    fields = {"activation": rng.randrange(4 if config.normalisation else 2)}
    if config.pooling and g.chance(0.5):
        fields |= _image(g)
    return [encode("config_st", stride=g.stride(), scale=g.store_scale(), **fields)]


def _image(g: Drawer) -> dict[str, int]:
    """Pooling, or rows in a line."""
    rng = g.rng
    rows, cols, size = g.few(9), g.few(9), rng.randint(1, 3)
    fields = {"out_rows": rows, "out_cols": cols, "pool_size": size}
    if g.chance(0.3):
        return fields | {"out_rows": rng.randrange(12)}
    stride = rng.randint(1, 3)
    fields |= {"pool_stride": stride, "upper_pad": rng.randrange(4), "left_pad": rng.randrange(4)}
    for name, pad, count in (("rows", "upper_pad", rows), ("cols", "left_pad", cols)):
        whole = max((count + 2 * fields[pad] - size) // stride + 1, 1)
        fields[f"pool_out_{name}"] = whole if g.chance(0.7) else rng.randrange(6)
    fields["pool_out_dim"] = fields["pool_out_cols"] + rng.choice((0, 0, 1, 5))
    return fields


def mvin(g: Drawer) -> list[Command]:
    rng, config = g.rng, g.config
    number = rng.randrange(3)
    settings = g.state.loads[number]
    acc = g.chance(0.4)
    wide = acc and not settings.shrunk
    fmt = settings.format(config, Local(0, acc))
    lane = 0 if wide else settings.lane
    limit = config.max_load_blocks_acc if wide else config.max_load_blocks
    cols = g.size() if g.chance(0.6) else g.size(config.dim * limit)
    cols = min(cols, config.dim * limit - lane)
    if settings.repeats > 1 and not acc:
        cols = min(cols, config.dim // settings.repeats)
    rows = g.size()
    blocks = max(1, -(-(cols + lane) // config.dim))
    span = (blocks - 1) * settings.block_stride + max(rows, 1)
    if span > g.limit[acc]:
        return []
    local = Local(g.row(acc, span), acc, g.chance(0.5), g.chance(0.3), rng.randrange(8))
    address = g.address(g.readable, settings.stride, rows, row_bytes(fmt, cols))
    if address is None:
        return []
    if g.chance(0.1):
        address = 0
    elif g.bus_errors and g.chance(0.1):
        address = g.beyond()
    name = ("mvin", "mvin2", "mvin3")[number]
    return [encode(name, address=address, local=g.flags(local), rows=rows, cols=cols)]


def mvout(g: Drawer) -> list[Command]:
    config, store = g.config, g.state.store
    acc, full = g.chance(0.7), g.chance(0.4)
    fmt = (config.accumulator if full else config.output) if acc else config.input
    wide = not (acc and full) and g.chance(0.4)
    cols = g.size(config.dim * config.max_block_len) if wide else g.size()
    rows = lines = g.size()
    local = Local(0, acc, g.chance(0.2), full)
    if store.image(local):
        cols = min(cols, config.dim)
        lines = store.out_rows * store.out_cols
        rows = g.rng.choice((0, rows, 999))
    span = (max(1, -(-cols // config.dim)) - 1) * config.dim + max(lines, 1)
    if span > g.limit[acc]:
        return []
    local = int(local) | g.row(acc, span)
    address = g.address(g.writable, g.state.store_stride, lines, row_bytes(fmt, cols))
    if address is None:
        return []
    if g.bus_errors and g.chance(0.1):
        address = g.beyond()
    return [encode("mvout", address=address, local=local, rows=rows, cols=cols)]


def mvout_spad(g: Drawer) -> list[Command]:
    rows, acc = g.size(), g.chance(0.7)
    stride = g.choice(1, 1, 2, 0, g.rng.randrange(5))
    span = max(rows - 1, 0) * stride + 1
    if span > g.limit[False]:
        return []
    source = Local(g.row(acc, max(rows, 1)), acc, g.chance(0.2))
    target = Local(g.row(False, span), False, g.chance(0.1), g.chance(0.1))
    if not acc and g.chance(0.3):
        target, stride = source, 1
    shape = {"source_addr": int(source), "source_rows": rows, "source_cols": g.size()}
    return [encode("mvout_spad", destination=int(target), stride=stride, **shape)]
