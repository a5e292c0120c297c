"""The near half of the load unit: asks memory for the rows of each mvin."""

from amaranth.hdl import Const, Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from ..config import Config
from ..isa import float_bits
from ..memory.port import ADDRESS_BITS, ReadRequest
from ..memory.realign import Span
from .ops import LoadOp

ONE = float_bits(1.0)


def max_span_bytes(config: Config) -> int:
    """Bytes of the longest memory row, or full-width block, that is asked for at once."""
    return max(config.max_load_blocks * config.row_bytes, config.acc_row_bytes)


def starts(config: Config) -> int:
    """Bytes of a chunk in which a row may start: all of them, or only the first."""
    return config.row_bytes if config.first_layer else 1


LEFT_OUT = ("address", "stride")
"""What a job does not keep of its op."""


def narrow(op):
    """Whether an op or job brings weights narrower than inputs."""
    return op.weights if "weights" in op.shape().members else Const(0, 1)


class Job(data.StructLayout):
    """What remains of a LoadOp once its rows are asked for; `scaled` ones need the scaler.

    With `once`, one memory row was asked for that becomes all `rows` of each block, block by block.
    """

    def __init__(self, config: Config):
        members = LoadOp(config).members
        kept = {name: shape for name, shape in members.items() if name not in LEFT_OUT}
        super().__init__(kept | {"scaled": 1, "once": 1})


class LoadRequest(wiring.Component):
    """Walks the memory rows of an op and asks for them; goes on to the next op without a gap.

    One request per memory row, or per block of a full-width row (each starts on a byte): one per
    cycle, the first one cycle after its op was taken. A row that all rows repeat (stride 0) is
    asked for once, unless blocks that share local rows or copies of pixels forbid it. A request
    goes out only together with its span, so whoever holds the spans limits the rows in flight.

    Members
    -------
    op : In(stream(LoadOp))
    job : Out(stream(Job))
        The op's job, in the cycle in which the op is taken.
    request : Out(stream(ReadRequest))
    span : Out(stream(Span))
        Where the requested bytes lie in their words, in the same cycle as the request.
    """

    def __init__(self, config: Config):
        self.config = config
        self.max_bytes = max_span_bytes(config)
        self.span_shape = Span(config.bus_bytes, self.max_bytes, starts(config))
        super().__init__(
            {
                "op": In(stream.Signature(LoadOp(config))),
                "job": Out(stream.Signature(Job(config))),
                "request": Out(stream.Signature(ReadRequest())),
                "span": Out(stream.Signature(self.span_shape)),
            }
        )

    def elaborate(self, platform):
        m = Module()
        config = self.config
        op, job = self.op.p, self.job.p
        active = Signal()
        current = Signal(LoadOp(config))
        rows = Signal.like(current.rows)  # memory rows left, this one included
        left = Signal.like(current.cols)  # columns left of this row
        base = Signal(ADDRESS_BITS)  # where this row starts
        address = Signal(ADDRESS_BITS)  # where this request starts

        block = Signal()  # another block of the same row follows
        fire = Signal()
        free = Signal()
        take = Signal()
        apart = Signal()  # no two blocks share a local row
        once = Signal()
        m.d.comb += [
            block.eq(current.wide & (left > config.dim)),
            fire.eq(active & self.request.ready & self.span.ready),
            free.eq(~active | (fire & ~block & (rows == 1))),
            take.eq(self.op.valid & self.op.ready),
            apart.eq((op.cols + op.lane <= config.dim) | (op.block_stride >= op.rows)),
            once.eq((op.stride == 0) & ~op.zero & apart & (op.more == 0)),
        ]
        start = Mux(current.more == 0, current.lane * config.input.width >> 3, 0)
        self._ask(m, active, address, self._bytes(m, current, block, left), start)
        m.d.comb += [
            self.op.ready.eq(free & self.job.ready),
            self.job.valid.eq(free & self.op.valid),
            job.scaled.eq(
                ~op.wide & ~op.zero & ~narrow(op) & (op.scale != ONE) & config.mvin_scale
            ),
            job.once.eq(once),
        ]
        m.d.comb += [job[name].eq(op[name]) for name in op.shape().members if name not in LEFT_OUT]

        with m.If(free):
            m.d.sync += active.eq(take & ~op.zero)
        with m.If(take):
            m.d.sync += [current.eq(op), rows.eq(Mux(once, 1, op.rows)), left.eq(op.cols)]
            m.d.sync += [base.eq(op.address), address.eq(op.address)]
        with m.Elif(fire & block):
            m.d.sync += [left.eq(left - config.dim), address.eq(address + config.acc_row_bytes)]
        with m.Elif(fire):
            following = Signal(ADDRESS_BITS)
            m.d.comb += following.eq(base + current.stride)
            m.d.sync += [rows.eq(rows - 1), left.eq(current.cols)]
            m.d.sync += [base.eq(following), address.eq(following)]
        return m

    def _ask(self, m, active, address, length, start):
        """The current request and its span, together or not at all."""
        m.d.comb += [
            self.request.valid.eq(active & self.span.ready),
            self.request.p.address.eq(address),
            self.request.p.bytes.eq(length),
            self.span.valid.eq(active & self.request.ready),
            self.span.p.offset.eq(address),
            self.span.p.bytes.eq(length),
            self.span.p.start.eq(start),
        ]

    def _bytes(self, m, op, block, left):
        """Bytes of the current request."""
        config = self.config
        width = Mux(narrow(op), config.weight.width, config.input.width)
        narrow_bytes = Signal(range(self.max_bytes + 1))
        wide_bytes = Signal(range(self.max_bytes + 1))
        m.d.comb += [
            narrow_bytes.eq((left * width + 7) >> 3),
            wide_bytes.eq((left * config.accumulator.width + 7) >> 3),
        ]
        return Mux(op.wide, Mux(block, config.acc_row_bytes, wide_bytes), narrow_bytes)
