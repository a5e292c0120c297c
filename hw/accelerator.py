"""The accelerator: commands in, memory traffic out."""

from amaranth.hdl import Cat, Const, DomainRenamer, Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from .array.mesh import Mesh
from .bus.crossing import Crossing
from .bus.stream import Queue
from .config import Config
from .control.activity import Activity, Trace
from .control.counters import Counters
from .control.decoder import Decoder
from .control.errors import ErrorRegister
from .control.execute import Execute, ResultTag
from .control.fields import field, funct
from .control.in_order import InOrder
from .control.load import Load
from .control.loops.sequencer import Sequencer
from .control.ops import INDEX_BITS, CommandLayout
from .control.scoreboard import Scoreboard
from .control.settle import Settle
from .control.store import Store
from .isa import ErrorCode
from .memory.accumulator import AccumulatorMemory
from .memory.local import write_latency
from .memory.port import MemoryPort
from .memory.scratchpad import Scratchpad
from .sequential.machine import sequential


class Status(data.StructLayout):
    """What the processor's port may look at in any cycle."""

    def __init__(self):
        super().__init__(
            {
                "busy": 1,  # a command is inside, or memory has not acknowledged its writes
                "load": 1,  # the unit works on a command
                "execute": 1,
                "store": 1,
                "error": 8,  # ErrorCode
                "error_index": INDEX_BITS,
                "accepted": INDEX_BITS,  # commands decoded since reset
            }
        )


class Accelerator(wiring.Component):
    """Runs the command set of docs/semantics.md.

    A `sequential` one is made of other parts (:mod:`.sequential.machine`); the others are::

        command -> queue -> sequencer -> decoder -> scoreboard -+-> load ----> scratchpad <--+--+
                                            |                    +-> execute <-> scratchpad,  |  |
                                         response                |       mesh -> accumulator  |  |
                                                                 +-> store <------------------+--+

    Members
    -------
    command : In(stream(CommandLayout))
    response : Out(stream(32))
        Answers of `error` and `counter`, in order.
    memory : Out(MemoryPort)
    status : Out(Status)
    clear_error : In(1)
        Clears the error register.
    trace : Out(Trace)
        For simulations.
    """

    def __init__(self, config: Config):
        self.config = config
        super().__init__(
            {
                "command": In(stream.Signature(CommandLayout())),
                "response": Out(stream.Signature(32)),
                "memory": Out(MemoryPort(config.bus_width)),
                "status": Out(Status()),
                "trace": Out(Trace()),
                "clear_error": In(1),
            }
        )

    def elaborate(self, platform):
        if self.config.sequential:
            return sequential(self)
        m = Module()
        config = self.config
        loops = config.loop_ws or config.loop_conv
        board = InOrder if config.in_order else Scoreboard
        m.submodules.commands = self.queue = Queue(CommandLayout(), config.command_queue)
        m.submodules.sequencer = self.sequencer = Sequencer(config)
        m.submodules.decoder = self.decoder = Decoder(config)
        m.submodules.scoreboard = self.scoreboard = board(config)
        m.submodules.load = self.load = Load(config)
        m.submodules.store = self.store = Store(config)
        self.crossing = Crossing(m, config.array_clock)
        self._array(m)
        m.submodules.errors = self.errors = ErrorRegister(4 if loops else 3, loops)
        m.submodules.counters = self.counters = Counters(config.counters)
        self._data(m)
        self._commands(m)
        self._special(m)
        self._events(m)
        return m

    def _array(self, m: Module):
        """The array with what feeds it and its memories: what a clock of its own may drive."""
        config = self.config
        self.mesh = mesh = Mesh(config, ResultTag(config))
        self.execute = execute = Execute(config, mesh.latency)
        self.scratchpad = sp = Scratchpad(config, guarded=True)
        self.accumulator = acc = AccumulatorMemory(config, guarded=True)
        names = ("mesh", "execute", "scratchpad", "accumulator")
        clocked = DomainRenamer("array") if config.array_clock > 1 else lambda part: part
        for name, part in zip(names, (mesh, execute, sp, acc), strict=True):
            m.submodules[name] = clocked(part)
        if config.dw_lines > 2:
            connect(m, execute.x, sp.x)
        for ours, theirs in (
            (execute.array, mesh),
            (execute.a, sp.a),
            (execute.b, sp.b),
            (execute.d, sp.d),
            (execute.sp, sp.results),
            (execute.acc, acc.results),
        ):
            connect(m, ours, theirs)

    def _data(self, m: Module):
        """Units and memories."""
        load, store = self.load, self.store
        sp, acc, memory = self.scratchpad, self.accumulator, self.memory
        if self.config.spad_store:
            connect(m, store.copies, sp.copies)
        self.crossing.into("load_sp", load.sp, sp.load)
        self.crossing.into("load_acc", load.acc, acc.load)
        self.crossing.read("store_sp", store.sp, sp.store)
        self.crossing.read("store_acc", store.acc, acc.store)
        for ours, theirs in (
            (load.read_request, flipped(memory.read_request)),
            (flipped(memory.read_data), load.read_data),
            (store.write_request, flipped(memory.write_request)),
            (flipped(memory.write_ack), store.write_ack),
        ):
            connect(m, ours, theirs)

    def _commands(self, m: Module):
        """From the port through decoder and scoreboard to the units."""
        crossing, execute = self.crossing, self.execute
        connect(m, flipped(self.command), self.queue.i)
        connect(m, self.queue.o, self.sequencer.i)
        self._sequence(m)
        connect(m, self.decoder.o, self.scoreboard.i)
        connect(m, self.scoreboard.load, self.load.op)
        crossing.into("execute_op", self.scoreboard.execute, execute.op)
        connect(m, self.scoreboard.store, self.store.op)
        executed = crossing.pulses("execute_done", execute.done, self.config.execute_queue)
        for n, (name, done) in enumerate((("load", self.load.done), ("execute", executed))):
            m.submodules[f"settle_{name}"] = settle = Settle(write_latency(self.config))
            m.d.comb += [
                settle.done.eq(done),
                settle.slow.eq(self.scoreboard.slow[n]),
                self.scoreboard.done[n].eq(settle.o),
            ]
        if self.config.array_clock == 1:  # otherwise commands go in order, and none is expected
            m.d.comb += [
                settle.mark.eq(execute.whole),
                self.scoreboard.soon.eq(execute.soon | (settle.o & ~settle.o_mark)),
            ]
        m.d.comb += [
            self.scoreboard.done[2].eq(self.store.done),
            self.status.busy.eq(
                self.command.valid
                | (self.queue.level != 0)
                | self.sequencer.busy
                | self.decoder.busy
                | ~self.scoreboard.idle
                | self.response.valid
            ),
            Cat(self.status.load, self.status.execute, self.status.store).eq(
                self.scoreboard.working
            ),
            self.status.error.eq(self.errors.code),
            self.status.error_index.eq(self.errors.index),
            self.status.accepted.eq(self.sequencer.accepted),
        ]

    def _sequence(self, m: Module):
        """Between sequencer and decoder."""
        sequencer, decoder = self.sequencer, self.decoder
        m.d.comb += [
            decoder.i.valid.eq(sequencer.o.valid),
            decoder.i.payload.eq(sequencer.o.p.command),
            decoder.number.eq(sequencer.o.p.index),
            sequencer.o.ready.eq(decoder.i.ready),
            sequencer.settings.eq(decoder.loop_settings),
            sequencer.decoder_busy.eq(decoder.busy),
            *(
                mine.eq(level + entering)
                for mine, level, entering in zip(
                    sequencer.levels, self.scoreboard.level, self.scoreboard.entering, strict=True
                )
            ),
        ]

    def _special(self, m: Module):
        """`counter` answers at once, `error` when all earlier commands are complete."""
        special, counters = self.decoder.special, self.counters
        is_counter, answers = Signal(), Signal()
        taken = special.valid & special.ready
        clears = ~is_counter & field(special.p, "error", "clear")
        m.d.comb += [
            is_counter.eq(special.p.funct == funct("counter")),
            counters.command.eq(special.payload),
            counters.go.eq(taken & is_counter),
            answers.eq(is_counter | self.scoreboard.idle),
            self.response.valid.eq(special.valid & answers),
            special.ready.eq(self.response.ready & answers),
            self.response.payload.eq(
                Mux(is_counter, counters.value, Cat(Const(0, 8), self.errors.index))
            ),
            self.errors.clear.eq(self.clear_error | (taken & clears)),
        ]
        with m.If(~is_counter):
            m.d.comb += self.response.payload[:8].eq(self.errors.code)
        load, store, *loops, decode = self.errors.sources  # the decoder's comes last in a cycle
        m.d.comb += [source.eq(self.sequencer.error) for source in loops]
        m.d.comb += [
            decode.eq(self.decoder.error),
            load.valid.eq(self.load.error.valid),
            load.code.eq(ErrorCode.BUS_READ),
            load.index.eq(self.load.error.index),
            store.valid.eq(self.store.error.valid),
            store.code.eq(ErrorCode.BUS_WRITE),
            store.index.eq(self.store.error.index),
        ]
        with m.If(taken & is_counter & (counters.error != ErrorCode.NONE)):
            m.d.comb += [
                decode.valid.eq(1),
                decode.code.eq(counters.error),
                decode.index.eq(self.decoder.index),
            ]

    def _events(self, m: Module):
        """What the counters may count, and what simulations record."""
        m.submodules.activity = activity = Activity()
        board, dispatch = self.scoreboard, self.decoder.o
        special = self.decoder.special
        states = (self.load.state, self.crossing.seen(self.execute.state), self.store.state)
        issues = (board.load, board.execute, board.store)
        m.d.comb += [
            *(mine.eq(state) for mine, state in zip(activity.units, states, strict=True)),
            *(mine.eq(held) for mine, held in zip(activity.held, board.held, strict=True)),
            activity.working.eq(board.working),
            activity.offered.eq(Cat(issue.valid for issue in issues)),
            activity.waiting.eq(Cat(level != 0 for level in board.level)),
            activity.command.eq(self.decoder.busy | board.entering.any()),
            activity.answer.eq(special.valid & ~special.ready),
            activity.full.eq(board.full),
            activity.unit.eq(board.unit),
            self.counters.events.eq(activity.events),
            self.trace.queued.eq((self.queue.level != 0) | self.sequencer.busy),
            self.trace.dispatch.eq(dispatch.valid & dispatch.ready),
            self.trace.unit.eq(dispatch.p.unit),
            self.trace.index.eq(self.decoder.index),
            self.trace.issue.eq(Cat(issue.valid & issue.ready for issue in issues)),
            self.trace.done.eq(board.done),
            Cat(self.trace.states).eq(Cat(activity.states)),
        ]
