"""The table of weights that are indices, on its way into the array."""

from hw.config import Config
from hw.isa import Command, encode

from .jobs import ONE
from .layout import Matrix


def weight_table(config: Config, source: Matrix, rows: int) -> tuple[Command, ...]:
    """Commands that bring `rows` rows of `dim` entries, in the lanes of inputs, from memory into
    the table. They pass the first rows of the scratchpad."""
    if rows > config.sp_rows:
        raise ValueError(f"a table of {rows} rows; the scratchpad has {config.sp_rows}")
    set_up = {"scale": ONE, "stride": source.pitch, "block_stride": config.dim}
    commands = [encode("config_ld", set=0, **set_up)]
    for row in range(0, rows, config.dim):
        tile = {"local": row, "rows": min(config.dim, rows - row), "cols": config.dim}
        commands.append(encode("mvin", address=source.address + row * source.pitch, **tile))
    return (*commands, encode("weight_table", table_addr=0, table_rows=rows))
