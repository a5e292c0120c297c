"""loop_ws: the commands that a tiled matrix product stands for (docs/loops.md)."""

from collections.abc import Iterator

from hw.config import Config
from hw.isa import BY_NAME, GARBAGE, Command, ErrorCode, Local

from .faults import require, transposes
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
    there,
)

_KEYS = {
    "loop_ws_config_bounds": "{}",
    "loop_ws_config_addrs_ab": "{}_address",
    "loop_ws_config_addrs_dc": "{}_address",
    "loop_ws_config_strides_ab": "{}_stride",
    "loop_ws_config_strides_dc": "{}_stride",
    "loop_ws_config_spad_ab": "{}_spad",
    "loop_ws_config_spad_c": "{}_spad",
}
LAYERNORM, SOFTMAX = 2, 4
PASSES = {LAYERNORM: ((1, 2), (3, 4), (0, 0)), SOFTMAX: ((5, 5), (6, 7), (0, 0))}
"""(opening step, closing step) of every pass over a row: normalisation of mvout."""

_NEW_STATISTICS = packer("config_norm", "stat_only", "stat_id")(1, 0)


def configure(command: str, fields: dict[str, int]) -> Parameters:
    """Parameters that a configuration command sets; addresses and strides modulo 2^32."""
    return {_KEYS[command].format(name): v & 0xFFFF_FFFF for name, v in fields.items()}


NONE: Parameters = {
    key: value
    for command in _KEYS
    for key, value in configure(command, {f.name: 0 for f in BY_NAME[command].fields}).items()
}
"""All parameters as reset leaves them."""


def check(config: Config, p: Parameters, halves: Halves, around: Around) -> bool:
    """Raise Fault where loop_ws is refused; whether anything happens.

    `p` holds the parameters and the fields of the loop_ws command itself.
    """
    check_start(p, around)
    plain = around.loads_plain and around.a_stride == around.c_stride == 1
    require(plain, ErrorCode.BAD_CONFIG)
    normal = p["activation"] in PASSES and not config.normalisation
    require(p["activation"] <= SOFTMAX and not normal, ErrorCode.NOT_SUPPORTED)
    transposes(config, around.weight_stationary, bool(p["transpose_a"]), bool(p["transpose_b"]))
    i, j, k, dim = p["i"], p["j"], p["k"], config.dim
    if not (i and j and (k or p["residual"])):
        return False
    require(max(p["pad_i"], p["pad_j"], p["pad_k"]) < dim, ErrorCode.BAD_SIZE)
    if not p["residual"]:
        check_rows(config, halves.operands(p), i * k * dim, k * j * dim)
    require(i * j * dim <= config.acc_rows // 2, ErrorCode.BAD_SIZE)
    return True


class _Product:
    """One loop: extents, local addresses, and the commands of each of its parts."""

    def __init__(self, config: Config, p: Parameters, halves: Halves, around: Around):
        self.config, self.p, self.around = config, p, around
        self.dim = dim = config.dim
        self.i, self.j, self.k = p["i"], p["j"], p["k"]
        a_half, b_half = halves.operands(p)
        half = config.sp_rows // 2
        self.a0 = a_half * half
        self.b0 = (b_half + 1) * half - self.k * self.j * dim
        self.c0 = halves.acc * (config.acc_rows // 2)

    def rows(self, i: int) -> int:
        return self.dim - (self.p["pad_i"] if i == self.i - 1 else 0)

    def cols(self, j: int) -> int:
        return self.dim - (self.p["pad_j"] if j == self.j - 1 else 0)

    def deep(self, k: int) -> int:
        return self.dim - (self.p["pad_k"] if k == self.k - 1 else 0)

    def a(self, i: int, k: int) -> int:
        tile = k * self.i + i if self.p["transpose_a"] else i * self.k + k
        return self.a0 + tile * self.dim

    def b(self, k: int, j: int) -> int:
        tile = j * self.k + k if self.p["transpose_b"] else k * self.j + j
        return self.b0 + tile * self.dim

    def c(self, i: int, j: int, accumulate: int = 0) -> int:
        flags = Local.ACC | Local.ACCUMULATE * bool(accumulate)
        return flags | (self.c0 + (i * self.j + j) * self.dim)

    def outputs(self) -> Iterator[tuple[int, int]]:
        return ((i, j) for i in range(self.i) for j in range(self.j))

    def source(self, which: str, row: int, col: int) -> int:
        """Memory address of a tile of A or B; 0 if the operand is zeros."""
        address = self.p[f"{which}_address"]
        apart = (row * self.p[f"{which}_stride"] + col) * self.dim
        return address and address + size(self.config.input, apart)

    def residual(self) -> Iterator[Command]:
        for i, j in self.outputs():
            yield mvin(self.source("a", i, j), self.c(i, j), self.rows(i), self.cols(j))
        for i, j in self.outputs():
            yield mvin2(self.source("b", i, j), self.c(i, j, 1), self.rows(i), self.cols(j))

    def load_d(self) -> Iterator[Command]:
        fmt = self.config.input if self.p["low_d"] else self.config.accumulator
        for i, j in self.outputs():
            apart = size(fmt, (i * self.p["d_stride"] + j) * self.dim)
            yield mvin3(self.p["d_address"] + apart, self.c(i, j), self.rows(i), self.cols(j))

    def load_a(self) -> Iterator[Command]:
        for k in range(self.k):
            for i in range(self.i):
                if self.p["transpose_a"]:
                    yield mvin(self.source("a", k, i), self.a(i, k), self.deep(k), self.rows(i))
                else:
                    yield mvin(self.source("a", i, k), self.a(i, k), self.rows(i), self.deep(k))

    def load_b(self) -> Iterator[Command]:
        for k in range(self.k):
            for j in range(self.j):
                if self.p["transpose_b"]:
                    yield mvin2(self.source("b", j, k), self.b(k, j), self.cols(j), self.deep(k))
                else:
                    yield mvin2(self.source("b", k, j), self.b(k, j), self.deep(k), self.cols(j))

    def weight_stationary(self) -> Iterator[Command]:
        dim = self.dim
        for k in range(self.k):
            for j in range(self.j):
                for i in range(self.i):
                    b = self.b(k, j) if i == 0 else GARBAGE
                    c = self.c(i, j, k > 0 or self.p["accumulate"])
                    yield preload(b, self.deep(k), self.cols(j), c, self.rows(i), self.cols(j))
                    a = (self.a(i, k), self.rows(i), self.deep(k))
                    yield compute(i == 0, *a, GARBAGE, dim, dim)

    def output_stationary(self) -> Iterator[Command]:
        dim = self.dim
        for i, j in self.outputs():
            for k in range(self.k):
                last = k == self.k - 1
                c = self.c(i, j, self.p["accumulate"]) if last else GARBAGE
                yield preload(GARBAGE, dim, dim, c, self.rows(i), self.cols(j))
                a = (self.a(i, k), self.rows(i), self.deep(k))
                yield compute(k == 0, *a, self.b(k, j), self.deep(k), self.cols(j))

    def target(self, i: int, j: int, row: int = 0) -> int:
        """Memory address of a row of a tile of C."""
        fmt = self.config.accumulator if self.p["full_c"] else self.config.input
        apart = (i * self.dim + row) * self.p["c_stride"] + j * self.dim
        return self.p["c_address"] + size(fmt, apart)

    def store(self) -> Iterator[Command]:
        full = Local.FULL * self.p["full_c"]
        outputs = list(self.outputs())
        if self.around.weight_stationary:
            outputs.sort(key=lambda place: place[::-1])
        for i, j in outputs:
            yield mvout(self.target(i, j), self.c(i, j) | full, self.rows(i), self.cols(j))

    def store_normalised(self) -> Iterator[Command]:
        full = Local.FULL * self.p["full_c"]
        for i in range(self.i):
            for row in range(self.rows(i)):
                for opening, closing in PASSES[self.p["activation"]]:
                    yield _NEW_STATISTICS
                    for j in range(self.j):
                        step = closing if j == self.j - 1 else opening
                        local = (self.c(i, j) + row) | full | step << Local.NORM_LSB
                        yield mvout(self.target(i, j, row), local, 1, self.cols(j))

    def commands(self) -> Iterator[Command]:
        p = self.p
        yield config_ex(self.around, p["transpose_a"], p["transpose_b"])
        if p["residual"]:
            yield from self.residual()
        else:
            if p["d_address"]:
                yield from self.load_d()
            if not there(p, "a", p["a_address"]):
                yield from self.load_a()
            if not there(p, "b", p["b_address"]):
                yield from self.load_b()
            stationary = self.around.weight_stationary
            yield from self.weight_stationary() if stationary else self.output_stationary()
        if p["c_address"]:
            yield from self.store_normalised() if p["activation"] in PASSES else self.store()


def expand(config: Config, p: Parameters, halves: Halves, around: Around) -> Iterator[Command]:
    """The commands of a loop_ws that passed its checks, in order."""
    return _Product(config, p, halves, around).commands()
