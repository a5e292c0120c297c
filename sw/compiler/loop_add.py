"""Sums of two matrices as loop_ws commands: both pass the accumulator memory."""

from hw.config import Config
from hw.formats import row_bytes
from hw.isa import float_bits

from .blocking import ceil
from .layout import Matrix
from .loops import LoopProgram
from .program import Program


def loop_add(
    config: Config,
    rows: int,
    columns: int,
    a: Matrix,
    b: Matrix,
    c: Matrix,
    *,
    scales: tuple[float, float] = (1.0, 1.0),
    scale: float = 1.0,
    relu: bool = False,
) -> Program:
    """C = act(scale·(scales[0]·A + scales[1]·B)) of input elements, each product rounded."""
    if not config.loop_ws:
        raise ValueError(f"add: {config.name} has no loop_ws")
    for name, value in (("rows", rows), ("columns", columns)):
        if value < 1:
            raise ValueError(f"add: {name} is {value}; it must be at least 1")
    dim = config.dim
    program = LoopProgram(config)
    program.execute()
    for number, (matrix, factor) in enumerate(zip((a, b), scales, strict=True)):
        program.load(number, matrix.pitch, shrunk=True, scale=float_bits(factor))
    program.store(c.pitch, relu, float_bits(scale))
    pitches = [m.pitch * 8 // config.input.width for m in (a, b, c)]
    program.set("loop_ws_config_strides_ab", a=pitches[0], b=pitches[1])
    program.set("loop_ws_config_strides_dc", c=pitches[2])
    most = config.acc_rows // 2 // dim
    wide = min(ceil(columns, dim), most)
    high = min(ceil(rows, dim), most // wide)
    for row in range(0, rows, high * dim):
        for column in range(0, columns, wide * dim):
            m, n = min(high * dim, rows - row), min(wide * dim, columns - column)
            bounds = {"i": ceil(m, dim), "j": ceil(n, dim), "k": 1}
            pads = {"pad_i": -m % dim, "pad_j": -n % dim}
            program.set("loop_ws_config_bounds", **bounds, **pads)
            at = [
                matrix.address + row * matrix.pitch + row_bytes(config.input, column)
                for matrix in (a, b, c)
            ]
            program.set("loop_ws_config_addrs_ab", a=at[0], b=at[1])
            program.set("loop_ws_config_addrs_dc", c=at[2])
            program.go("loop_ws", residual=1)
    return Program(config, tuple(program.commands), 0)
