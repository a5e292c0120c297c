"""Building jobs: every command notes the local rows it touches, so that order follows from them."""

from dataclasses import dataclass

import numpy as np

from hw.config import Config
from hw.formats import row_bytes
from hw.isa import GARBAGE, Command, Local, encode, float_bits

from .schedule import Job, Unit

ONE = float_bits(1.0)


@dataclass(frozen=True)
class Move:
    """A mvin to be: memory rows into local rows, the latter relative to a slot; `scales` are those
    of blocks."""

    address: int
    row: int
    rows: int
    cols: int
    stride: int
    block_stride: int
    lane: int = 0
    scales: bool = False


@dataclass(frozen=True)
class Lines:
    """What a depthwise compute reads: lines `pitch` rows apart, of `width` pixels each.

    `mask` says which of them exist; `left` pixels of padding come before the first one.
    """

    row: int
    pitch: int
    width: int
    mask: int
    left: int


@dataclass(frozen=True)
class Window:
    """Max-pooling of a mvout, by the names of config_st's fields."""

    pool_stride: int
    pool_size: int
    upper_pad: int
    left_pad: int
    out_rows: int
    out_cols: int
    pool_out_rows: int
    pool_out_cols: int
    pool_out_dim: int


class _Rows:
    """For every row of a local memory and every unit: how many jobs until its last use."""

    def __init__(self, rows: int):
        self.last = np.zeros((3, rows), np.int64)

    def touch(self, unit: Unit, first: int, count: int, number: int) -> tuple[int, ...]:
        """Note a use by job `number` (from 1); returns what the other units must have done."""
        uses = self.last[:, first : first + count]
        before = uses.max(axis=1)
        before[unit] = 0
        uses[unit] = number
        return tuple(int(n) for n in before)


class JobList:
    """Jobs of the three units with their mutual order.

    Loads use one parameter set per operand: 0 for A, 1 for B, 2 for D and scales. The dataflow is
    weight-stationary unless `output_stationary`.
    """

    MVINS = ("mvin", "mvin2", "mvin3")

    def __init__(
        self,
        config: Config,
        a_stride: int,
        relu: bool,
        scale: float,
        output_stationary: bool = False,
    ):
        self.config = config
        self.jobs: list[list[Job]] = [[], [], []]
        self._sp = _Rows(config.sp_rows)
        self._acc = _Rows(config.acc_rows)
        flow = {"dataflow": int(not output_stationary), "a_stride": a_stride, "c_stride": 1}
        self._ex = ("ex", encode("config_ex", **flow))
        self._relu, self._scale = relu, float_bits(scale)
        self._weights = self._named = None

    def _add(self, unit, commands, settings, cycles, touched, fetch=0) -> None:
        after = tuple(max(column) for column in zip(*touched, strict=True))
        self.jobs[unit].append(Job(unit, tuple(commands), settings, cycles, after, fetch))

    def _beats(self, address: int, pitch: int, rows: int, count: int) -> int:
        """Bus words that `rows` memory rows of `count` bytes touch."""
        word = self.config.bus_bytes
        if (address | pitch) % word == 0:
            return rows * -(-count // word)
        return sum(-(-((address + r * pitch) % word + count) // word) for r in range(rows))

    def load(self, number: int, move: Move, base: int, acc: Local | None = None) -> None:
        """A mvin with parameter set `number`; into the accumulator memory if `acc` says how."""
        config = self.config
        number = 2 if move.scales else number
        weights = number == 1 and config.weight_parts > 1
        fmt = config.accumulator if acc else config.weight if weights else config.input
        blocks = -(-(move.lane + move.cols) // config.dim)
        row = base + move.row
        memory, local = (self._acc, int(acc) | row) if acc else (self._sp, row)
        touched = [
            memory.touch(
                Unit.LOAD, row + b * move.block_stride, move.rows, len(self.jobs[Unit.LOAD]) + 1
            )
            for b in range(blocks)
        ]
        setting = encode(
            "config_ld",
            set=number,
            stride=move.stride & 0xFFFF_FFFF,
            block_stride=move.block_stride,
            scale=ONE,
            lane=move.lane,
            weights=int(weights),
        )
        fields = {"local": local, "rows": move.rows, "cols": move.cols}
        command = encode(self.MVINS[number], address=move.address, **fields)
        cycles = move.rows * blocks
        if move.address:
            count = row_bytes(fmt, move.cols)
            cycles = max(cycles, self._beats(move.address, move.stride, move.rows, count))
        self._add(Unit.LOAD, [command], ((f"ld{number}", setting),), cycles, touched)

    def compute(self, a, b, c: Local, rows: int, k: int, cols: int, weights, scales=None) -> None:
        """C = A·B: `a` is (row, stride), `b` a row; `weights` names what B holds; `scales` of A's
        rows are (row, which)."""
        number = len(self.jobs[Unit.EXECUTE]) + 1
        a_row, a_stride = a
        touched = [
            self._sp.touch(Unit.EXECUTE, a_row, (rows - 1) * a_stride + 1, number),
            self._acc.touch(Unit.EXECUTE, c.row, rows, number),
        ]
        fresh = weights != self._weights
        self._weights = weights
        tile = {"b_addr": GARBAGE}
        if fresh:
            behind = self.config.scale_rows
            touched.append(self._sp.touch(Unit.EXECUTE, b, k + behind, number))
            tile = {"b_addr": b, "b_rows": k, "b_cols": cols}
        second = {"d_addr": GARBAGE}
        if scales:
            touched.append(self._sp.touch(Unit.EXECUTE, scales[0], rows, number))
            second = {"d_addr": scales[0], "d_rows": rows, "d_cols": scales[1]}
        preload = encode("preload", **tile, c_addr=int(c), c_rows=rows, c_cols=cols)
        compute = encode(
            "compute_preloaded" if fresh else "compute_accumulated",
            a_addr=a_row,
            a_rows=rows,
            a_cols=k,
            **second,
        )
        fetch = k if fresh else 0
        self._add(Unit.EXECUTE, [preload, compute], (self._ex,), max(rows, 2), touched, fetch)

    def compute_stationary(self, a: int, b: int, c: Local | None, rows, k, cols, first) -> None:
        """One step of an output tile that stays in the array; `c` says where it goes, if it does.

        `a` and `b` are rows; the `first` step starts from zeros.
        """
        number = len(self.jobs[Unit.EXECUTE]) + 1
        touched = [
            self._sp.touch(Unit.EXECUTE, a, rows, number),
            self._sp.touch(Unit.EXECUTE, b, k, number),
        ]
        named = {"b_addr": GARBAGE, "c_addr": GARBAGE}
        if c is not None:
            touched.append(self._acc.touch(Unit.EXECUTE, c.row, rows, number))
            named |= {"c_addr": int(c), "c_rows": rows, "c_cols": cols}
        commands = [encode("preload", **named)] if named != self._named else []
        self._named = named
        operands = {"a_addr": a, "a_rows": rows, "a_cols": k}
        operands |= {"d_addr": b, "d_rows": k, "d_cols": cols}
        name = "compute_preloaded" if first else "compute_accumulated"
        commands.append(encode(name, **operands))
        self._add(Unit.EXECUTE, commands, (self._ex,), max(rows, k, 2), touched)

    def depthwise(self, a: Lines, taps, c: Local, outputs: int, cols: int, stride: int) -> None:
        """One line of a depthwise convolution; `taps` are the first row and the number of taps."""
        number = len(self.jobs[Unit.EXECUTE]) + 1
        touched = [
            self._sp.touch(Unit.EXECUTE, a.row + line * a.pitch, a.width, number)
            for line in range(a.mask.bit_length())
            if a.mask >> line & 1
        ]
        touched.append(self._acc.touch(Unit.EXECUTE, c.row, outputs, number))
        fresh = taps != self._weights
        self._weights = taps
        tile = {"b_addr": GARBAGE}
        if fresh:
            touched.append(self._sp.touch(Unit.EXECUTE, *taps, number))
            tile = {"b_addr": taps[0], "b_rows": taps[1], "b_cols": cols}
        preload = encode("preload", **tile, c_addr=int(c), c_rows=1, c_cols=cols)
        compute = encode(
            "compute_depthwise",
            a_addr=a.row,
            width=a.width,
            outputs=outputs,
            line_stride=a.pitch,
            lines=a.mask,
            left=a.left,
            stride=stride,
            keep=int(not fresh),
        )
        cycles = max(outputs, 2)
        self._add(Unit.EXECUTE, [preload, compute], (self._ex,), cycles, touched, taps[1] * fresh)

    def _setting(self, stride: int, **pooling: int) -> tuple[str, Command]:
        options = {"activation": int(self._relu), "stride": stride, "scale": self._scale}
        return ("st", encode("config_st", **options, **pooling))

    def store(self, address: int, row: int, rows: int, cols: int, stride: int, full: bool) -> None:
        """A mvout of accumulator rows."""
        config = self.config
        fmt = config.accumulator if full else config.output
        blocks = -(-cols // config.dim)
        number = len(self.jobs[Unit.STORE]) + 1
        touched = [
            self._acc.touch(Unit.STORE, row + b * config.dim, rows, number) for b in range(blocks)
        ]
        local = Local(row, acc=True, full=full)
        command = encode("mvout", address=address, local=int(local), rows=rows, cols=cols)
        cycles = max(rows * blocks, self._beats(address, stride, rows, row_bytes(fmt, cols)))
        self._add(Unit.STORE, [command], (self._setting(stride),), cycles, touched)

    def pool(self, address: int, row: int, cols: int, stride: int, window: Window) -> None:
        """A mvout of pooled rows from ``out_rows * out_cols`` accumulator rows."""
        number = len(self.jobs[Unit.STORE]) + 1
        outputs = window.pool_out_rows * window.pool_out_cols
        touched = [
            self._acc.touch(Unit.STORE, row, window.out_rows * window.out_cols, number),
        ]
        local = Local(row, acc=True)
        command = encode("mvout", address=address, local=int(local), rows=0, cols=cols)
        count = row_bytes(self.config.output, cols)
        cycles = max(outputs * window.pool_size**2, self._beats(address, stride, outputs, count))
        setting = self._setting(stride, **vars(window))
        self._add(Unit.STORE, [command], (setting,), cycles, touched)
