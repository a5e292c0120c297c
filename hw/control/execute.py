"""Execute: fetches weights, A and D from the scratchpad, feeds the array, delivers C."""

from amaranth.hdl import Cat, Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from ..array.port import ArrayPort
from ..array.register import own_register
from ..bus.stream import Queue
from ..config import Config
from ..memory.local import AccWrite, SpReadPort, SpWrite, registered, write_latency
from ..register import data_register
from .execute_blocks import ScaledWeightFetch, ScaleResults, scale_latency
from .execute_inputs import InputFetch
from .execute_results import TILE_LATENCY, OutputTile, ResultTag, mask_of
from .execute_rows import OPS_AHEAD, Operands, alone
from .execute_weights import WeightFetch, WeightTiles
from .ops import ExecuteOp
from .states import UnitState, first_state


class Execute(wiring.Component):
    """Runs ops in order; weights of the next op come while the rows of this one stream.

    One row per cycle without a gap between ops, as long as each op has at least `dim` rows or
    keeps its weights (where registers stand around the array, new ones take two cycles more).
    `done` is pulsed when the last row of the oldest op is handed to its memory (there, a cycle
    before, if that is the scratchpad).
    An op with `dw` takes one cycle per pixel and two more.

    Ops of `dim` rows, `whole` ones, are announced by `soon`, not after `done`: whoever starts in
    the next cycle to read the rows of C, one per cycle and the first one first, finds them
    written. Rows that have entered the array leave it one per cycle.

    Parameters
    ----------
    array_latency : int
        Cycles from the acceptance of a row by the array to its result.

    Members
    -------
    op : In(stream(ExecuteOp))
    done, whole, soon : Out(1)
        `whole` comes with `done`.
    a, d, b : Out(SpReadPort)
    x : Out(SpReadPort), if depthwise ops take three lines
    array : In(ArrayPort)
        The array's port, seen from outside.
    sp, acc : Out(SpWrite), Out(AccWrite)
        Results; must be ready at all times.
    active, waits : Out(1)
        A row enters the array; a row stands ready and its weights do not.
    state : Out(UnitState)
    """

    def __init__(self, config: Config, array_latency: int):
        self.config = config
        self.array_latency = array_latency
        x = {"x": Out(SpReadPort(config))} if config.dw_lines > 2 else {}
        super().__init__(
            {
                "op": In(stream.Signature(ExecuteOp(config))),
                "done": Out(1),
                "whole": Out(1),
                "soon": Out(1),
                "a": Out(SpReadPort(config)),
                "d": Out(SpReadPort(config)),
                "b": Out(SpReadPort(config)),
                "array": In(ArrayPort(config, ResultTag(config))),
                "sp": Out(SpWrite(config)),
                "acc": Out(AccWrite(config)),
                "active": Out(1),
                "waits": Out(1),
                "state": Out(UnitState),
            }
            | x
        )

    def elaborate(self, platform):
        m = Module()
        config = self.config
        split = alone(config)
        tiles = config.transposes or config.dw_lines
        fetch = ScaledWeightFetch if config.weight_block else WeightTiles if tiles else WeightFetch
        m.submodules.weights = weights = fetch(config)
        if config.blocks:
            m.submodules.scales = self.scales = ScaleResults(config, self.array_latency)
        if config.weight_block:
            connect(m, weights.scales, self.scales.columns)
        m.submodules.inputs = inputs = InputFetch(config)
        weight_ops = self._waiting(m, "weight_ops", weights)
        input_ops = self._waiting(m, "input_ops", inputs)
        needs = self.op.p.load_weights
        free, offered = weight_ops.ready | ~needs, self.op.valid
        if split:
            m.submodules.operands = operands = Operands(config)
            for name in operands.names:
                connect(m, getattr(operands, name), flipped(getattr(self, name)))
                connect(m, getattr(operands, f"{name}_rows"), getattr(inputs, name))
            m.d.comb += [
                operands.op.payload.eq(self.op.payload),
                operands.op.valid.eq(self.op.valid & free & input_ops.ready),
            ]
            free, offered = free & operands.op.ready, self.op.valid & operands.op.ready
        m.d.comb += [
            self.op.ready.eq(input_ops.ready & free),
            input_ops.valid.eq(self.op.valid & free),
            weight_ops.valid.eq(offered & needs & input_ops.ready),
            input_ops.payload.eq(self.op.payload),
            weight_ops.payload.eq(self.op.payload),
        ]
        connect(m, weights.b, flipped(self.b))
        if not split:
            connect(m, inputs.a, flipped(self.a))
            connect(m, inputs.d, flipped(self.d))
        connect(m, weights.weights, flipped(self.array.weights))
        connect(m, inputs.inputs, flipped(self.array.inputs))
        m.d.comb += [
            inputs.waiting.eq(self.array.waiting),
            weights.captured.eq(self.array.captured),
            self.active.eq(inputs.enters),
            self.waits.eq(inputs.waits),
        ]
        first_state(
            m,
            self.state,
            (self.active, UnitState.ACTIVE),
            (self.waits, UnitState.WEIGHTS),
            (inputs.held, UnitState.DISTANCE),
            (inputs.busy, UnitState.ROWS),
        )
        self._deliver(m, platform)
        return m

    def _waiting(self, m: Module, name: str, unit):
        """Where ops for a unit go that has no place for more than one of them."""
        if registered(self.config):
            return unit.op
        m.submodules[name] = ops = Queue(ExecuteOp(self.config), OPS_AHEAD)
        connect(m, ops.o, unit.op)
        return ops.i

    def _deliver(self, m: Module, platform):
        """Register a result and write it."""
        results = self.array.results
        if self.config.output_stationary:
            m.submodules.tile = tile = OutputTile(self.config)
            connect(m, flipped(results), tile.i)
            results = tile.o
        if self.config.blocks:
            connect(m, flipped(results), self.scales.i)
            results = self.scales.o
        valid, result, tag = results.valid, results.p, results.p.tag
        self._announce(m)
        writes, mask = valid & tag.write & tag.acc, self._mask(tag)
        if registered(self.config):
            mask = mask & writes.replicate(self.config.dim)
        row = data_register(m, self.acc.payload, "acc_row")
        m.d.sync += [
            self.done.eq(valid & tag.last),
            self.whole.eq(tag.whole),
            self.acc.valid.eq(writes),
            row.accumulate.eq(tag.accumulate),
            row.lanes.eq(result.lanes),
            row.row.eq(tag.row),
            row.mask.eq(mask),
        ]
        relu, lanes, high = [tag.relu] * self.config.dim, result.lanes, self._high(result.lanes)
        if registered(self.config):  # the same row goes to both memories, which are far apart
            relu = [own_register(m, f"relu{n}", bit, platform) for n, bit in enumerate(relu)]
            late_valid, late_tag = Signal(), Signal.like(tag, reset_less=True)
            m.d.sync += [late_valid.eq(valid), late_tag.eq(tag)]
            late_high = [Signal(2, name=f"late_high{n}", reset_less=True) for n in range(len(high))]
            m.d.sync += [late.eq(bits) for late, bits in zip(late_high, high, strict=True)]
            valid, tag, lanes, high = late_valid, late_tag, row.lanes, late_high
        self._saturate(m, valid, tag, zip(lanes, high, relu, strict=True))

    def _mask(self, tag):
        return tag.mask if registered(self.config) else mask_of(self.config, tag.cols)

    @property
    def _size(self) -> int:
        """Bits besides the sign, of values that fit the scratchpad."""
        return self.config.input.width - self.config.input.signed

    def _high(self, lanes):
        """Whether any and whether all of the bits beyond those are set, for each lane."""
        if not self.config.spad_results:
            return [0] * len(lanes)
        return [Cat(lane[self._size :].any(), lane[self._size :].all()) for lane in lanes]

    def _saturate(self, m: Module, valid, tag, lanes):
        """Results for the scratchpad: integers of the input's format. `lanes`: the value of each,
        what :meth:`_high` says of it, and whether negative ones become zero."""
        fmt, size = self.config.input, self._size
        row = data_register(m, self.sp.payload, "sp_row")
        m.d.sync += [
            self.sp.valid.eq(valid & tag.write & ~tag.acc),
            row.row.eq(tag.row),
            row.mask.eq(self._mask(tag)),
        ]
        if not self.config.spad_results:
            return
        for n, (value, (some, every), relu) in enumerate(lanes):
            below, above, sign = Signal(), Signal(), Signal()
            negative = value[-1]
            if fmt.signed:
                m.d.comb += sign.eq(negative & ~relu)
            m.d.comb += [
                below.eq(negative & ~(sign & every)),
                above.eq(~negative & some),
            ]
            kept = (value[:size] | above.replicate(size)) & ~below.replicate(size)
            m.d.sync += row.lanes[n].eq(Cat(kept, sign)[: fmt.width])

    def _announce(self, m: Module):
        """When the last row of a whole op has entered, its rows come one per cycle."""
        inputs = self.array.inputs
        entered = Signal(self._announce_after)
        ends = inputs.valid & inputs.ready & inputs.p.tag.last & inputs.p.tag.whole
        m.d.sync += entered.eq(entered << 1 | ends)
        m.d.comb += self.soon.eq(entered[-1])

    @property
    def _announce_after(self) -> int:
        """Cycles from the last row's entry to `soon`: the first row is written `dim` - 1 cycles
        before the last, and read `write_latency` cycles later at the earliest."""
        tile = TILE_LATENCY if self.config.output_stationary else 0
        last_written = self.array_latency + tile + scale_latency(self.config) + 1
        return last_written - (self.config.dim - 1) + write_latency(self.config) - 1
