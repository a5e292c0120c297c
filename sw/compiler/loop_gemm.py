"""Matrix products as loop_ws commands: a handful of commands however large the product.

A product that exceeds half of a local memory is cut into loops; an operand that all loops of a row
or column of blocks share stays where it is.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from hw.config import Config
from hw.formats import row_bytes
from hw.isa import float_bits

from .blocking import ceil
from .layout import Matrix
from .loops import LoopProgram, elements
from .pipeline import Work, total_cycles
from .program import Program


@dataclass(frozen=True)
class Product:
    """C[m,n] = A[m,k]·B[k,n] + D; with `transpose_a` memory holds A[k,m], with the other B[n,k].

    `d` (accumulator elements; pitch 0: one row for all) may be absent.
    """

    m: int
    n: int
    k: int
    a: Matrix
    b: Matrix
    c: Matrix
    d: Matrix | None = None
    full_width: bool = False
    output_stationary: bool = False
    transpose_a: bool = False
    transpose_b: bool = False


@dataclass(frozen=True)
class Cut:
    """Tiles of a loop in each direction; which operand (``a``, ``b``) stays for its neighbours."""

    i: int
    j: int
    k: int
    stays: str = ""


@dataclass(frozen=True)
class _Loop:
    """Tiles of one loop; operands that it loads (the others are there); local memory half."""

    i: range
    j: range
    k: range
    load_a: bool
    load_b: bool
    half: int


def _parts(count: int, size: int) -> list[range]:
    return [range(n, min(n + size, count)) for n in range(0, count, size)]


class Tiling:
    """A product in tiles of `dim`, cut into loops."""

    def __init__(self, config: Config, product: Product):
        self.config, self.product = config, product
        dim = config.dim
        self.tiles = tuple(ceil(n, dim) for n in (product.m, product.n, product.k))

    def loops(self, cut: Cut) -> Iterator[_Loop]:
        """Loops in order; all of K one after another."""
        i, j, k = (_parts(n, s) for n, s in zip(self.tiles, (cut.i, cut.j, cut.k), strict=True))
        b_outer = cut.stays == "b"
        blocks = [(x, y) for y in j for x in i] if b_outer else [(x, y) for x in i for y in j]
        outer = j if b_outer else i
        for x, y in blocks:
            for z in k:
                first = (x == i[0]) if b_outer else (y == j[0])
                half = outer.index(y if b_outer else x) % 2
                yield _Loop(x, y, z, first or cut.stays != "a", first or cut.stays != "b", half)

    def cuts(self) -> Iterator[Cut]:
        """Cuts that fit halves of both memories."""
        dim = self.config.dim
        room, sums = self.config.sp_rows // 2 // dim, self.config.acc_rows // 2 // dim
        ti, tj, tk = self.tiles
        for i in {ceil(ti, n) for n in range(1, ti + 1)}:
            for j in {ceil(tj, n) for n in range(1, tj + 1)}:
                if i * j > sums:
                    continue
                most = min(tk, room // (i + j))
                if not most:
                    continue
                k = ceil(tk, ceil(tk, most))
                yield Cut(i, j, k)
                if k == tk:
                    yield Cut(i, j, k, "a")
                    yield Cut(i, j, k, "b")

    def extent(self, part: range, total: int) -> int:
        """Rows or columns of a range of tiles."""
        dim = self.config.dim
        return min(part.stop * dim, total) - part.start * dim

    def _words(self, rows: int, elements: int, pitch: int, fmt) -> int:
        """Cycles to move `rows` rows of `elements` elements in pieces of a wide move."""
        config, most = self.config, 64
        count = row_bytes(fmt, elements)
        slack = bool(pitch % config.bus_bytes) * config.bus_bytes // 2
        pieces = [most] * (count // most) + [count % most] * bool(count % most)
        return rows * sum(max(ceil(p + slack, config.bus_bytes), 1) for p in pieces)

    def work(self, loop: _Loop, last: bool) -> Work:
        """What a loop keeps the units busy with."""
        config, product = self.config, self.product
        dim = config.dim
        m, n, k = (
            self.extent(part, total)
            for part, total in zip(
                (loop.i, loop.j, loop.k), (product.m, product.n, product.k), strict=True
            )
        )
        sides = {"a": (m, k, product.transpose_a), "b": (k, n, product.transpose_b)}
        load = 0
        for name, needed in (("a", loop.load_a), ("b", loop.load_b)):
            rows, elements, turned = sides[name]
            rows, elements = (elements, rows) if turned else (rows, elements)
            fmt = config.input if name == "a" else config.weight
            load += needed * self._words(rows, elements, getattr(product, name).pitch, fmt)
        if product.d and loop.k.start == 0:
            load += m * ceil(n, dim) * (1 if product.d.pitch == 0 else 4)
        tiles = len(loop.j) * len(loop.k)
        if product.output_stationary:
            execute, final = len(loop.i) * tiles * dim, len(loop.i) * tiles * dim
        else:
            execute = tiles * (max(m, dim) + 1)
            final = len(loop.j) * max(m, dim)
        fmt = config.accumulator if product.full_width else config.output
        width = self._words(1, min(n, dim), product.c.pitch, fmt)
        store = m * len(loop.j) * width if last else 0
        first = min(m, dim) * loop.load_a + min(k, dim) * loop.load_b
        if product.output_stationary:  # wide loads of B bring tiles that wait for their turn
            first += 6 * len(loop.k) * max(0, len(loop.j) - 2)
        return Work(load, execute, store, first, final)

    def cycles(self, cut: Cut) -> int:
        """Cycles that a cut takes by the model."""
        depth = self.tiles[2]
        loops = self.loops(cut)
        return total_cycles(self.work(loop, loop.k.stop == depth) for loop in loops)

    def best(self) -> Cut:
        return min(self.cuts(), key=lambda cut: (self.cycles(cut), -cut.i * cut.j * cut.k))


def _check(config: Config, product: Product) -> None:
    for name, value in (("m", product.m), ("n", product.n), ("k", product.k)):
        if value < 1:
            raise ValueError(f"gemm: {name} is {value}; it must be at least 1")
    wanted = {"loop_ws": True, "output_stationary": product.output_stationary}
    wanted["transposes"] = product.transpose_a or product.transpose_b
    for option, needed in wanted.items():
        if needed and not getattr(config, option):
            raise ValueError(f"gemm: {config.name} has no {option}")
    flow = "output" if product.output_stationary else "weight"
    turned = product.transpose_a + 2 * product.transpose_b
    if turned == (2 if product.output_stationary else 3):
        raise ValueError(f"gemm: {flow}-stationary products cannot be transposed like this")


def loop_gemm(
    config: Config,
    product: Product,
    *,
    scale: float = 1.0,
    relu: bool = False,
    cut: Cut | None = None,
) -> Program:
    """C = act(scale·(A·B + D)) as loops; full width: as it is. `cut` overrides the choice."""
    _check(config, product)
    tiling = Tiling(config, product)
    cut = cut or tiling.best()
    a, b, c, d, dim = product.a, product.b, product.c, product.d, config.dim
    program = LoopProgram(config)
    program.execute(product.output_stationary)
    program.load(0, a.pitch)
    program.load(1, b.pitch)
    if d:
        program.load(2, d.pitch)
    program.store(c.pitch, relu, float_bits(scale))
    fmt = config.accumulator if product.full_width else config.output
    pitch_a = elements("gemm", "a", config.input, a.pitch)
    pitch_b = elements("gemm", "b", config.weight, b.pitch)
    pitch_c = elements("gemm", "c", fmt, c.pitch)
    pitch_d = elements("gemm", "d", config.accumulator, d.pitch) if d else 0
    program.set("loop_ws_config_strides_ab", a=pitch_a, b=pitch_b)
    program.set("loop_ws_config_strides_dc", d=pitch_d, c=pitch_c)
    sizes = product.m, product.n, product.k
    for loop in tiling.loops(cut):
        parts = dict(zip("ijk", (loop.i, loop.j, loop.k), strict=True))
        extents = [tiling.extent(p, n) for p, n in zip(parts.values(), sizes, strict=True)]
        pads = {f"pad_{x}": -e % dim for x, e in zip("ijk", extents, strict=True)}
        program.set("loop_ws_config_bounds", **pads, **{x: len(p) for x, p in parts.items()})
        i, j, k = (part.start * dim for part in parts.values())
        row, column = (k, i) if product.transpose_a else (i, k)
        at_a = a.address + row * a.pitch + row_bytes(config.input, column)
        row, column = (j, k) if product.transpose_b else (k, j)
        at_b = b.address + row * b.pitch + row_bytes(config.weight, column)
        addresses = {"a": at_a * loop.load_a, "b": at_b * loop.load_b}
        program.set("loop_ws_config_addrs_ab", **addresses)
        first, last = loop.k.start == 0, loop.k.stop == tiling.tiles[2]
        at_c = c.address + i * c.pitch + row_bytes(fmt, j) if last else 0
        column = row_bytes(config.accumulator, j)
        at_d = d.address + i * d.pitch + column if d and first else 0
        program.set("loop_ws_config_addrs_dc", d=at_d, c=at_c)
        stays = {f"{cut.stays}_spad_id": loop.half + 1} if cut.stays else {}
        program.go(
            "loop_ws",
            accumulate=int(bool(at_d) or not first),
            full_c=int(product.full_width),
            transpose_a=int(product.transpose_a),
            transpose_b=int(product.transpose_b),
            **stays,
        )
    macs = product.m * product.n * product.k
    return Program(config, tuple(program.commands), macs)
