"""Loads of scales in front of the tiles that use them."""

from hw.isa import GARBAGE, Command, encode, float_bits

from .draw import Drawer


def with_scales(g: Drawer, tile: list[Command]) -> list[Command]:
    """`tile`, often with numbers that are scales where it reads some: what else is there are zeros
    and elements, whose products are soon nothing or infinite."""
    out = []
    for command in tile:
        out += _loads(g, command) if g.chance(0.6) else []
        out.append(command)
    return out


def _loads(g: Drawer, command: Command) -> list[Command]:
    config, f = g.config, command.fields()
    if command.spec.name == "preload":
        block, at = config.weight_block, f["b_addr"]
        first, rows, cols = at + f["b_rows"], 1, config.scale_rows * config.dim
        reach, limit = first + config.scale_rows, config.dim * config.max_load_blocks
    else:
        block, at = config.input_block, f["d_addr"]
        first, rows, cols = at, min(f["d_rows"], config.dim), config.dim
        reach, limit = first + rows, cols
    if block is None or at == GARBAGE or reach > g.limit[False] or cols > limit:
        return []
    address = g.scales(block, rows * config.row_bytes + cols * config.input.width // 8)
    if address is None:
        return []
    settings = {"stride": config.row_bytes, "block_stride": 1, "scale": float_bits(1.0)}
    return [
        encode("config_ld", set=2, **settings),
        encode("mvin3", address=address, local=first, rows=rows, cols=cols),
    ]
