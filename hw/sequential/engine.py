"""All three units in one: carries out a checked command to its end before it takes the next."""

from types import SimpleNamespace

from amaranth.hdl import Cat, Module, Mux, Signal, Value
from amaranth.lib import stream, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from ..arith.saturate import saturated
from ..config import Config
from ..control.ops import Dispatch, row_bits
from ..control.states import UnitState
from ..memory.collisions import NO_COLLISIONS, assert_no_collisions
from ..memory.local import acc_row, sp_row
from ..memory.port import MemoryPort
from .dots import Dots
from .lanes import Lanes
from .moves import Moves
from .scaler import Scaler
from .tiles import Tiles

UNITS = ("load", "execute", "store")


class Engine(Moves, Tiles, wiring.Component):
    """Load, execute and store, one command at a time, with one walk through local rows.

    ::

        memory ── word ─┬─ bytes ── row ──┬── scratchpad ── Dots
                        │                 │                  │ sums
                        └── bytes ────────┴── Lanes ─────────┴── accumulator memory

    A byte moves between memory and a row in a cycle; elements of the accumulator memory that are
    stored as outputs are scaled one after the other before, if stores have a scale
    (:mod:`.scaler`). There is one read request in flight, for the bytes of a memory row, and one
    write. Of a tile every row is a cycle (two with D), or dim + 5 cycles (one more with D) if
    results go to the scratchpad. Cycles of whole commands: docs/microarchitecture.md.

    Members
    -------
    i : In(stream(Dispatch(config)))
        Stands until the command is done; what is valid has been there for a cycle.
    scale : In(32)
        Of stores, a finite float32; likewise.
    memory : Out(MemoryPort(config.bus_width))
    failed : Out(1)
        With the handshake at `i`: memory answered with an error.
    states : Out(UnitState).array(3)
        Of load, execute and store.
    begins : Out(1)
        The first cycle in which the command at `i` is worked on.
    """

    def __init__(self, config: Config):
        self.config = config
        super().__init__(
            {
                "i": In(stream.Signature(Dispatch(config))),
                "scale": In(32),
                "memory": Out(MemoryPort(config.bus_width)),
                "failed": Out(1),
                "states": Out(UnitState).array(3),
                "begins": Out(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        config = self.config
        m.submodules.dots = self.dots = Dots(config)
        m.submodules.lanes = self.lanes = Lanes(config)
        self._command(m)
        self._registers()
        self._memories(m)
        self._walk(m)
        self._bytes(m)
        self._flow(m)
        self._acknowledged(m)
        unit = self.unit
        with m.FSM(name="engine"):
            with m.State("IDLE"):
                m.d.comb += self.begins.eq(self.i.valid)
                m.d.sync += self.local.eq(self.base)
                with m.If(self.i.valid):
                    for n in range(len(UNITS)):
                        m.d.comb += self.states[n].eq(Mux(unit == n, UnitState.ROWS, 0))
                    m.next = "ROW"
                    with m.If(unit == Dispatch.EXECUTE):
                        m.next = "START"
                        with m.If(self.execute.load_weights):
                            m.next = "WEIGHTS"
            self._row(m)
            self._load(m)
            self._store(m)
            self._execute(m)
            with m.State("DONE"):
                for n in range(len(UNITS)):
                    m.d.comb += self.states[n].eq(Mux(unit == n, UnitState.DRAIN, 0))
                m.d.comb += self.i.ready.eq(1)
                m.d.sync += [self.number.eq(0), self.offset.eq(0), self.failed.eq(0)]
                m.next = "IDLE"
        return m

    def _command(self, m: Module):
        """The op as each unit has it, with registers for what is a bit: the command stands for a
        cycle before it is valid."""

        def kept(name: str, value: Value) -> Value:
            register = Signal(len(value), name=name, reset_less=True)
            m.d.sync += register.eq(value)
            return register

        self.unit = kept("unit", self.i.p.unit)
        for name in UNITS:
            op = getattr(self.i.p.op, name)
            bits = {field: Value.cast(op[field]) for field in op.shape().members}
            for field, value in bits.items():
                bits[field] = kept(f"{name}_{field}", value) if len(value) == 1 else value
            setattr(self, name, SimpleNamespace(**bits))

    def _show(self, m: Module, unit: str, state):
        m.d.comb += self.states[UNITS.index(unit)].eq(state)

    def _registers(self):
        config = self.config
        rows, dim = row_bits(config), config.dim
        most = dim * max(config.max_load_blocks, config.max_block_len)
        self.acc_bytes = config.accumulator.width // 8

        def bits(shape, *names):
            return [Signal(shape, name=name) for name in names]

        # where it is: row of memory or of the tile, local row, elements of the row and the block
        self.number = Signal(range(dim + 1))
        self.local = Signal(rows)
        self.left = Signal(range(most + 1))
        self.slot = Signal(range(dim))
        self.byte = Signal(range(self.acc_bytes))
        self.offset = Signal(32)  # of the memory row, in bytes
        self.words = Signal(range((most * self.acc_bytes) // config.bus_bytes + 2))
        # the word from or to memory, and the local row
        self.word = Signal(config.bus_width)
        self.enabled = Signal(config.bus_bytes)
        self.count, self.skip = bits(range(config.bus_bytes), "count", "skip")
        self.here, self.word_error, self.broken = bits(1, "here", "word_error", "broken")
        self.row = Signal(max(dim * 8, config.accumulator.width), reset_less=True)
        self.mask = Signal(dim)
        self.enters, self.awaits = bits(1, "enters", "awaits")
        # what their bytes do in this cycle
        self.word_comes, self.word_moves, self.counts = bits(1, "comes", "moves", "counts")
        self.gathers, self.from_word, self.narrows = bits(1, "gathers", "from_word", "narrows")
        self.takes, self.row_moves = bits(1, "takes", "row_moves")
        # a byte of a row is to leave, and it is there: if it is to be scaled, after a while
        self.leaves, self.there = bits(1, "leaves", "there")
        # the tile: what the row that comes is for and what of it counts; results on their way
        self.weights = Signal(dim)
        self.limit = Signal(range(dim + 1))
        self.addends, self.inputs = bits(1, "addends", "inputs")
        self.adds, self.ready = bits(1, "adds", "ready")
        self.adding, self.starting = bits(1, "adding", "starting")
        self.target, self.target1, self.target2 = bits(rows, "target", "target1", "target2")

    def _memories(self, m: Module):
        config = self.config
        loads, op = self.unit == Dispatch.LOAD, self.execute
        self.base = Signal(row_bits(config))
        ports = []
        for name, shape, depth in (
            ("scratchpad", sp_row(config), config.sp_rows),
            ("accumulator", acc_row(config), config.acc_rows),
        ):
            m.submodules[name] = memory = Memory(
                shape=shape, depth=depth, init=[], attrs=NO_COLLISIONS
            )
            both = memory.read_port(), memory.write_port(granularity=1)
            m.d.comb += both[0].en.eq(0)
            assert_no_collisions(m, [both])
            ports += both
        self.sp_read, self.sp_write, self.acc_read, self.acc_write = ports
        executes = self.unit == Dispatch.EXECUTE
        m.d.comb += [
            self.sp_read.addr.eq(Mux(self.adding, self.base, self.local)),
            self.sp_write.addr.eq(Mux(loads, self.local, self.target)),
            Cat(self.sp_write.data).eq(self.row[-8 * config.dim :]),
            self.acc_read.addr.eq(Mux(executes, self.target, self.local)),
            self.acc_write.addr.eq(Mux(loads, self.local, self.target2)),
            self.acc_write.data.eq(self.lanes.lanes),
            self.lanes.row.eq(self.acc_read.data),
            self.dots.weights.eq(self.weights),
            self.dots.inputs.eq(self.inputs),
            self.dots.addends.eq(self.addends),
        ]
        self.lane_mask = Signal(config.dim)
        for n in range(config.dim):
            m.d.comb += [
                self.dots.row[n].eq(Mux(n < self.limit, self.sp_read.data[n], 0)),
                self.lane_mask[n].eq(n < op.c_cols),
                self.lanes.sums[n].eq(self.dots.sums[n]),
            ]

    def _walk(self, m: Module):
        """Rows of both sides, as all units count them."""
        load, execute, store, memory = self.load, self.execute, self.store, self.memory
        self.loads = loads = self.unit == Dispatch.LOAD
        first, shift = Signal(row_bits(self.config)), self.config.bus_bytes.bit_length() - 1
        self.cols = Signal.like(self.left, name="cols")
        self.stride = Signal(32)
        self.address = Signal(32)  # of the memory row
        m.d.sync += self.address.eq(Mux(loads, load.address, store.address) + self.offset)
        self.block_ends = self.slot == self.config.dim - 1
        with m.Switch(self.unit):
            with m.Case(Dispatch.LOAD):
                m.d.comb += first.eq(load.row)
            with m.Case(Dispatch.STORE):
                m.d.comb += first.eq(store.row)
            with m.Default():
                rows = Mux(self.starting, execute.a_row, execute.b_row)
                m.d.comb += first.eq(Mux(self.adding, execute.d_row, rows))
        m.d.comb += [
            self.base.eq(first + self.number),
            self.cols.eq(Mux(loads, load.cols, store.cols)),
            self.stride.eq(Mux(loads, load.stride, store.stride)),
            memory.read_request.p.address.eq(self.address),
            memory.read_request.p.bytes.eq(load.cols * Mux(load.wide, self.acc_bytes, 1)),
            memory.write_request.p.address[shift:].eq(self.address[shift:] + self.words),
            memory.write_request.p.data.eq(self.word),
            memory.write_request.p.mask.eq(self.enabled),
        ]

    def _step(self, m: Module, rows):
        """So many local rows on."""
        m.d.sync += self.local.eq(self.local + rows)

    def _last_row(self, rows):
        """Whether it is the last of so many."""
        return self.number + 1 == rows

    def _bytes(self, m: Module):
        """What word, row and lanes take, byte by byte."""
        config, byte = self.config, Signal(8, name="byte_out")
        op = self.store
        sign = self.row[-1] & config.input.signed & ~self.load.zero
        full, inward, outward = self._bytes_of(m, self.lanes.lanes[0])
        comes = Mux(self.narrows, inward, Mux(self.from_word, self.word[:8], sign.replicate(8)))
        m.d.comb += [
            byte.eq(Mux(op.acc, Mux(op.full, full, outward), self.row[:8])),
            self.lanes.enters.eq(self.row[-config.accumulator.width :]),
        ]
        with m.If(self.word_comes):
            m.d.sync += self.word.eq(self.memory.read_data.p.data)
        with m.Elif(self.word_moves):
            m.d.sync += self.word.eq(Cat(self.word[8:], byte))
            m.d.sync += self.enabled.eq(Cat(self.enabled[1:], self.counts))
        with m.If(self.takes):
            m.d.sync += self.row.eq(Cat(self.sp_read.data))
        with m.Elif(self.gathers | self.row_moves):
            m.d.sync += self.row.eq(Cat(self.row[8:], comes))
        m.d.sync += self.enters.eq(0)
        with m.If(self.enters):
            m.d.comb += [self.lanes.step.eq(1), self.lanes.shift.eq(1)]

    def _bytes_of(self, m: Module, lane) -> tuple[Value, Value, Value]:
        """One of a lane's own, and what the lane is as an input and as an output."""
        config, store, relu = self.config, self.store, self.execute.relu
        source, index = config.accumulator, self.byte
        if config.mvout_scale:
            m.submodules.scaler = scaler = Scaler(config)
            index = self.byte | scaler.index  # one of them is 0
        elif config.output == config.input:
            relu = Mux(self.unit == Dispatch.EXECUTE, relu, store.relu)
        full = Value.cast(lane).word_select(index, 8)
        inward = saturated(lane, relu, source, config.input)
        if not config.mvout_scale:
            m.d.comb += self.there.eq(1)
            if config.output == config.input:
                return full, inward, inward
            return full, inward, saturated(lane, store.relu, source, config.output)
        scaled = store.acc & ~store.full
        m.d.comb += [
            scaler.run.eq(self.leaves & scaled),
            scaler.byte.eq(full),
            scaler.negative.eq(lane[-1]),
            scaler.relu.eq(store.relu),
            scaler.scale.eq(self.scale),
            self.there.eq(~scaled | scaler.done),
        ]
        return full, inward, scaler.o
