"""Chains of fully connected layers as loop_ws commands: what passes between them stays inside.

The outputs of a layer go from the accumulator memory through scale and activation to the place in
the scratchpad where the next loop expects its A. So no layer waits for memory, and the weights of
the next one arrive while the last sums are on their way.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from hw.config import Config
from hw.formats import row_bytes
from hw.isa import Local, float_bits

from .blocking import ceil
from .layout import Matrix
from .loops import LoopProgram
from .program import Program


@dataclass(frozen=True)
class Dense:
    """A layer with weights [k, n] and perhaps a bias [n] of accumulator elements."""

    k: int
    n: int
    weights: Matrix
    bias: int | None = None
    scale: float = 1.0
    relu: bool = False


class _Chain:
    def __init__(self, config: Config, m: int, layers: Sequence[Dense], x: Matrix, out: Matrix):
        self.config, self.m, self.layers, self.x, self.out = config, m, layers, x, out
        self.program = LoopProgram(config)

    def run(self) -> LoopProgram:
        program = self.program
        program.execute()
        program.load(0, self.x.pitch)
        for number, layer in enumerate(self.layers):
            last = number == len(self.layers) - 1
            pitch = self.out.pitch if last else 0
            program.load(1, layer.weights.pitch)
            if layer.bias:
                program.load(2, 0)
            program.store(pitch, layer.relu, float_bits(layer.scale))
            width = layer.weights.pitch * 8 // self.config.weight.width
            program.set("loop_ws_config_strides_ab", a=0, b=width)
            program.set("loop_ws_config_strides_dc", c=pitch * 8 // self.config.output.width)
            columns = self._columns(layer)
            for first in range(0, layer.n, columns):
                count = min(columns, layer.n - first)
                self._loop(number, first, count)
                if not last:
                    self._keep(number, first, count)
        return program

    def _columns(self, layer: Dense) -> int:
        """Columns of one loop: what both memories hold of B and C."""
        dim, depth = self.config.dim, ceil(layer.k, self.config.dim)
        tiles = min(self.config.acc_rows // 2 // dim, self.config.sp_rows // 2 // dim // depth - 1)
        if tiles < 1:
            raise ValueError(f"dense: {layer.k} inputs do not fit half the scratchpad")
        return ceil(ceil(layer.n, dim), ceil(ceil(layer.n, dim), tiles)) * dim

    def _loop(self, number: int, first: int, count: int) -> None:
        """Some columns of a layer; the inputs of layer n lie where half n mod 2 starts."""
        config, program, dim = self.config, self.program, self.config.dim
        layer, last = self.layers[number], number == len(self.layers) - 1
        pads = {"pad_i": -self.m % dim, "pad_j": -count % dim, "pad_k": -layer.k % dim}
        tiles = {"i": 1, "j": ceil(count, dim), "k": ceil(layer.k, dim)}
        program.set("loop_ws_config_bounds", **pads, **tiles)
        b = layer.weights.address + row_bytes(config.weight, first)
        program.set("loop_ws_config_addrs_ab", a=self.x.address * (number == first == 0), b=b)
        d = layer.bias + row_bytes(config.accumulator, first) if layer.bias else 0
        c = self.out.address + row_bytes(config.output, first) if last else 0
        program.set("loop_ws_config_addrs_dc", d=d, c=c)
        program.go("loop_ws", accumulate=int(bool(d)), a_spad_id=number % 2 + 1)

    def _keep(self, number: int, first: int, count: int) -> None:
        """Outputs to the place of the next A; the sums lie in half 0, which no loop has left."""
        dim, start = self.config.dim, (number + 1) % 2 * (self.config.sp_rows // 2)
        for column in range(0, count, dim):
            self.program.go(
                "mvout_spad",
                destination=start + first + column,
                stride=1,
                source_addr=int(Local(column, acc=True)),
                source_rows=self.m,
                source_cols=min(dim, count - column),
            )


def loop_dense(config: Config, m: int, layers: Sequence[Dense], x: Matrix, out: Matrix) -> Program:
    """All layers on `m` rows of `x`, if loops have stored nothing since the accelerator's reset.

    Raises ValueError for more rows than the array's and layers that do not follow one another.
    """
    for option in ("loop_ws", "spad_store"):
        if not getattr(config, option):
            raise ValueError(f"dense: {config.name} has no {option}")
    if not 1 <= m <= config.dim:
        raise ValueError(f"dense: m is {m}; it must be from 1 to {config.dim}")
    for one, other in zip(layers, layers[1:], strict=False):
        if one.n != other.k:
            raise ValueError(f"dense: a layer of {one.n} outputs before one of {other.k} inputs")
    commands = _Chain(config, m, layers, x, out).run().commands
    return Program(config, tuple(commands), m * sum(layer.k * layer.n for layer in layers))
