"""Rows of the accumulator memory on their way to the scaler: normalised, or counted and kept."""

from amaranth.hdl import Cat, Module, Mux, Signal, signed
from amaranth.lib import data, memory, stream, wiring
from amaranth.lib.wiring import In, Out

from ...bus.stream import Queue
from ...config import Config
from ..ops import shape_of
from .close import Close, CloseSeries
from .constants import Constants
from .lane import LATENCY
from .lanes import Lanes, lane_count
from .shapes import (
    CONSTANTS,
    STATISTICS_IDS,
    Activation,
    Kind,
    Series,
    Step,
    Widths,
    statistics_layout,
)

_STEPS = {
    Step.SUM: (Series.SUM, Kind.SUM, None),
    Step.MEAN: (Series.SUM, Kind.SUM, Close.MEAN),
    Step.VARIANCE: (Series.SQUARES, Kind.SQUARES, None),
    Step.INVERSE_DEVIATION: (Series.SQUARES, Kind.SQUARES, Close.DEVIATION),
    Step.MAXIMUM: (Series.MAXIMUM, Kind.MAXIMUM, None),
    Step.EXPONENTIALS: (Series.EXPONENTIALS, Kind.EXPONENTIALS, None),
    Step.INVERSE_SUM: (Series.EXPONENTIALS, Kind.EXPONENTIALS, Close.SUM),
}


class NormRow(data.StructLayout):
    """A row of accumulator elements and what to do with it (docs/normalisation.md).

    `end` marks the last row of a mvout; rows of one mvout agree in step, stat, activation, scale.
    """

    def __init__(self, config: Config, tag_shape):
        super().__init__(
            {
                "values": data.ArrayLayout(shape_of(config.accumulator), config.dim),
                "keep": config.dim,
                "step": Step,
                "stat": range(STATISTICS_IDS),
                "activation": Activation,
                "end": 1,
                "scale": 32,
                "tag": tag_shape,
            }
        )


class Normalise(wiring.Component):
    """Rows with activation 0 or 1 pass at once, in the same cycle; others take their time.

    Rows of a statistics step are consumed. Other rows come out in order, normalised and with their
    scale changed, the first ``groups + LATENCY + 3`` cycles after it came, where `groups` is
    ``dim / lane_count(dim)``. A row takes `groups` cycles (at least three), and where kind,
    statistics or scale change, or a series is closed, the lanes first run empty (``LATENCY + 6``
    cycles). Closing takes as long as CloseSeries says.

    ::

        i ─┬───────────────────────────────────────────────────┬─> o
           └─> lanes ─┬─> normalised rows ─────────────────────┘
                ▲     └─> sums ─> working set ─> close ─┐
                └── centre, m, k ─── ▲ │ <──────────────┘
                                   statistics (4 sets)

    Parameters
    ----------
    config : Config
    tag_shape : ShapeLike
    count_bits : int
        A series counts up to 2^count_bits - 1 elements; the page says 16.

    Attributes
    ----------
    in_flight : int
        Rows that may be inside.

    Members
    -------
    i : In(stream(NormRow))
    constants : In(stream({qln2, qb, qc, keep}))
        For all rows after it; taken while no row is inside. No row may come before it is taken.
    o : Out(stream({values, scale, relu, tag}))
    """

    def __init__(self, config: Config, tag_shape, count_bits: int = 16):
        self.config = config
        self.tag_shape = tag_shape
        self.count_bits = count_bits
        self.widths = Widths(config)
        self.groups = config.dim // lane_count(config.dim)
        self.in_flight = max(LATENCY.values()) // self.groups + 4
        values = data.ArrayLayout(shape_of(config.accumulator), config.dim)
        scaled = {"values": values, "scale": 32, "relu": 1, "tag": tag_shape}
        super().__init__(
            {
                "i": In(stream.Signature(NormRow(config, tag_shape))),
                "constants": In(stream.Signature(CONSTANTS)),
                "o": Out(stream.Signature(data.StructLayout(scaled))),
            }
        )

    def elaborate(self, platform):
        m = Module()
        config, widths = self.config, self.widths
        m.submodules.settings = self._constants = Constants(widths)
        m.submodules.lanes = self._lanes = Lanes(config.dim, widths, lane_count(config.dim))
        m.submodules.close = self._close = CloseSeries(widths, self.count_bits)
        m.submodules.tags = self._tags = Queue(self.tag_shape, self.in_flight)
        self._set = Signal(statistics_layout(widths, self.count_bits))
        what = {"step": Step, "stat": range(STATISTICS_IDS), "activation": Activation}
        self._what = Signal(data.StructLayout(what))
        self._scale, self._scale_before = Signal(32), Signal(32)  # of normalised rows
        self._kind = Signal(Kind)
        self._close_as, self._closes = Signal(Close), Signal()
        self._series = Signal(Series)
        self._plain, self._continues = Signal(), Signal()
        m.d.comb += [
            self._constants.i.payload.eq(self.constants.payload),
            self._close.i.payload.what.eq(self._close_as),
            self._close.i.payload.total.eq(self._set.total),
            self._close.i.payload.count.eq(self._set.count),
        ]
        self._decode(m)
        self._connect_lanes(m)
        load, save = self._memory(m)
        row = self.i.payload
        with m.FSM() as fsm:
            with m.State("idle"):
                m.d.comb += [
                    self._constants.i.valid.eq(self.constants.valid),
                    self.constants.ready.eq(self._constants.i.ready),
                    self.i.ready.eq(self.o.ready & self._plain),
                ]
                with m.If(self.i.valid & ~self._plain & self._constants.ready):
                    m.d.sync += [self._set.eq(load)]
                    m.d.sync += [self._what[key].eq(row[key]) for key in self._what.shape().members]
                    m.next = "begin"
            with m.State("begin"):
                self._begin(m)
                m.next = "run"
            with m.State("run"):
                with m.If(self._run(m)):
                    m.next = "drain"
            with m.State("drain"):
                with m.If(self._continues):
                    m.d.sync += self._what.step.eq(row.step)
                    m.next = "run"
                with m.Elif(~self._lanes.busy):
                    m.next = "save"
                    with m.If(self._closes):
                        m.next = "close"
            with m.State("close"):
                m.d.comb += self._close.i.valid.eq(1)
                m.next = "result"
            with m.State("result"):
                with m.If(self._result(m)):
                    m.next = "save"
            with m.State("save"):
                m.d.comb += save.eq(1)
                m.next = "idle"
        self._deliver(m, fsm.ongoing("idle") & self.i.valid & self._plain)
        return m

    def _decode(self, m: Module):
        """What the mvout in work asks for, and whether the next row asks for the same."""
        what, row = self._what, self.i.payload
        with m.Switch(what.step):
            for step, (series, _, close) in _STEPS.items():
                with m.Case(step):
                    m.d.comb += self._series.eq(series)
                    if close is not None:
                        m.d.comb += [self._closes.eq(1), self._close_as.eq(close)]
        self._find_kind(m, what.step, what.activation, self._kind)
        next_kind = Signal(Kind)
        self._find_kind(m, row.step, row.activation, next_kind)
        plain = (row.step == Step.NONE) & (row.activation <= Activation.RELU)
        counts, equal = row.step != Step.NONE, row.scale == self._scale_before
        m.d.comb += [
            self._plain.eq(plain),
            self._continues.eq(
                self.i.valid
                & ~plain
                & ~self._closes
                & (row.stat == what.stat)
                & (next_kind == self._kind)
                & (counts | equal)
            ),
        ]

    def _find_kind(self, m: Module, step, activation, kind):
        with m.Switch(step):
            for case, (_, lanes, _) in _STEPS.items():
                with m.Case(case):
                    m.d.comb += kind.eq(lanes)
            with m.Default():
                with m.Switch(activation):
                    with m.Case(Activation.LAYERNORM):
                        m.d.comb += kind.eq(Kind.LAYERNORM)
                    with m.Case(Activation.IGELU):
                        m.d.comb += kind.eq(Kind.IGELU)
                    with m.Default():
                        m.d.comb += kind.eq(Kind.SOFTMAX)

    def _memory(self, m: Module):
        """The four sets, zeros until first written; returns the read set and the write strobe."""
        layout = self._set.shape()
        width = layout.size
        m.submodules.statistics = sets = memory.Memory(shape=width, depth=STATISTICS_IDS, init=[])
        read, write = sets.read_port(domain="comb"), sets.write_port()
        used = Signal(STATISTICS_IDS)
        loaded = Signal(layout)
        save = Signal()
        m.d.comb += [
            read.addr.eq(self.i.payload.stat),
            loaded.eq(Mux(used.bit_select(self.i.payload.stat, 1), read.data, 0)),
            write.addr.eq(self._what.stat),
            write.data.eq(self._set),
            write.en.eq(save),
        ]
        with m.If(save):
            m.d.sync += used.bit_select(self._what.stat, 1).eq(1)
        return loaded, save

    def _connect_lanes(self, m: Module):
        """The lanes' settings, and their sums into the working set."""
        lanes, constants, used = self._lanes, self._constants, self._set
        amount = Signal(7)
        gelu = self._kind == Kind.IGELU
        m.d.sync += amount.eq(Mux(gelu, constants.gelu_shift, used.k))
        m.d.comb += [
            lanes.kind.eq(self._kind),
            lanes.centre.eq(used.centre),
            lanes.factor.eq(used.m),
            lanes.amount.eq(amount),
            lanes.qln2.eq(constants.qln2),
            lanes.qb.eq(constants.qb),
            lanes.shift.eq(constants.shift),
            lanes.limit.eq(constants.limit),
            lanes.row.values.eq(self.i.payload.values),
            lanes.row.keep.eq(self.i.payload.keep),
        ]
        w = self.widths.w
        element = Cat(lanes.group[: w - 1], ~lanes.group[w - 1]).as_signed()
        with m.If(lanes.group_valid):
            with m.If(self._kind == Kind.MAXIMUM):
                with m.If(used.centre < (element << 3)):
                    m.d.sync += used.centre.eq(element << 3)
            with m.Else():
                m.d.sync += used.total.eq(used.total + lanes.group)

    def _deliver(self, m: Module, passes):
        """A normalised row leaves; or, while no other is inside, one with nothing to do."""
        lanes, tags = self._lanes, self._tags
        row, out = self.i.payload, self.o.payload
        m.d.comb += [
            self.o.valid.eq(lanes.values_valid | passes),
            lanes.taken.eq(lanes.values_valid & self.o.ready),
            tags.o.ready.eq(lanes.taken),
            out.values.eq(Mux(lanes.values_valid, lanes.values, row.values)),
            out.scale.eq(Mux(lanes.values_valid, self._scale, row.scale)),
            out.relu.eq(~lanes.values_valid & (row.activation == Activation.RELU)),
            out.tag.eq(Mux(lanes.values_valid, tags.o.payload, row.tag)),
        ]

    def _begin(self, m: Module):
        """A series that is not the open one starts anew; the scale takes its power of two."""
        used, scale = self._set, self.i.payload.scale
        widths, counts = self.widths, self._what.step != Step.NONE
        with m.If(counts & (used.series != self._series)):
            m.d.sync += [used.series.eq(self._series), used.count.eq(0), used.total.eq(0)]
            with m.If(self._series == Series.MAXIMUM):
                m.d.sync += used.centre.eq(-(1 << widths.w + 2))
        power = Signal(self._constants.gelu_power.shape())
        with m.Switch(self._kind):
            with m.Case(Kind.LAYERNORM):
                m.d.comb += power.eq(-widths.layernorm_bits)
            with m.Case(Kind.IGELU):
                m.d.comb += power.eq(self._constants.gelu_power)
            with m.Default():
                m.d.comb += power.eq(-widths.softmax_bits)
        with m.If(~counts & (self._kind != Kind.IGELU)):
            m.d.sync += used.series.eq(Series.NONE)
        moved = Signal(signed(10))
        m.d.comb += moved.eq(scale[23:31] + power)
        none = (scale[23:31] == 0) | (moved < 1)
        exponent = Mux(moved > 254, 254, moved[:8])
        m.d.sync += self._scale_before.eq(scale)
        m.d.sync += self._scale.eq(Mux(none, 0, Cat(scale[:23], exponent, scale[31])))

    def _run(self, m: Module):
        """Rows enter the lanes; returns whether the mvout's last one does."""
        lanes, tags, used, row = self._lanes, self._tags, self._set, self.i.payload
        counts = self._what.step != Step.NONE
        fits, room, taken = Signal(), Signal(), Signal()
        count = Signal(self.count_bits + 1)
        m.d.comb += [
            count.eq(used.count + sum(row.keep[n] for n in range(self.config.dim))),
            fits.eq(~count[-1] | ~counts),
            room.eq(counts | tags.i.ready),
            lanes.row_valid.eq(self.i.valid & fits & room),
            self.i.ready.eq((lanes.row_ready & room) | ~fits),
            taken.eq(self.i.valid & self.i.ready),
            tags.i.valid.eq(taken & ~counts),
            tags.i.payload.eq(row.tag),
        ]
        with m.If(taken & fits & counts):
            m.d.sync += used.count.eq(count)
        return taken & row.end

    def _result(self, m: Module):
        """The closed series leaves its result; returns whether it is there."""
        close, used = self._close, self._set
        m.d.comb += close.o.ready.eq(1)
        with m.If(close.o.valid):
            m.d.sync += used.series.eq(Series.NONE)
            with m.If(self._close_as == Close.MEAN):
                m.d.sync += used.centre.eq(close.o.payload.centre)
            with m.Else():
                m.d.sync += [used.m.eq(close.o.payload.m), used.k.eq(close.o.payload.k)]
        return close.o.valid
