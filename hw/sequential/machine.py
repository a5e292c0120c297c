"""An accelerator of which one command at a time is at work."""

from amaranth.hdl import Cat, Const, Module, Mux, Signal
from amaranth.lib.wiring import connect, flipped

from ..control.counters import Counters
from ..control.decoder import Decoder
from ..control.fields import field, funct
from ..control.states import UnitState
from ..isa import ErrorCode
from .engine import Engine


def sequential(accelerator) -> Module:
    """What is inside an :class:`hw.accelerator.Accelerator` of a `sequential` configuration.

    ::

        command ── Decoder ── Engine ── memory
                      │
                   response

    No command waits anywhere: the one at the port stands until the decoder has done with the one
    before, and there it stands until it is carried out. Errors therefore come in order, and the
    first one is the one to keep.
    """
    m, config = Module(), accelerator.config
    m.submodules.decoder = decoder = Decoder(config)
    m.submodules.engine = engine = Engine(config)
    connect(m, flipped(accelerator.command), decoder.i)
    connect(m, decoder.o, engine.i)
    connect(m, engine.memory, flipped(accelerator.memory))
    m.d.comb += engine.scale.eq(decoder.scale)
    status = accelerator.status
    m.d.comb += decoder.number.eq(status.accepted)
    with m.If(decoder.done):
        m.d.sync += status.accepted.eq(status.accepted + 1)
    works = [decoder.o.valid & (decoder.o.p.unit == n) for n in range(3)]
    m.d.comb += [
        status.busy.eq(accelerator.command.valid | decoder.busy | accelerator.response.valid),
        Cat(status.load, status.execute, status.store).eq(Cat(works)),
    ]
    _special(m, accelerator, decoder, engine)
    _trace(m, accelerator.trace, decoder, engine, works)
    return m


def _special(m: Module, accelerator, decoder: Decoder, engine: Engine):
    """`error` and `counter`, and the error register."""
    status, response, special = accelerator.status, accelerator.response, decoder.special
    m.submodules.counters = counters = Counters(0)
    is_counter, taken, clear = Signal(), Signal(), Signal()
    ended, code = engine.i.valid & engine.i.ready, Signal(ErrorCode)
    m.d.comb += [
        connected.eq(value)
        for connected, value in (
            (is_counter, special.p.funct == funct("counter")),
            (response.valid, special.valid),
            (special.ready, response.ready),
            (taken, special.valid & special.ready),
            (counters.command, special.payload),
            (counters.go, taken & is_counter),
            (clear, taken & ~is_counter & field(special.p, "error", "clear")),
            (response.payload, Mux(is_counter, counters.value, Cat(status.error, Const(0, 24)))),
        )
    ]
    with m.If(~is_counter):
        m.d.comb += response.payload[8:].eq(status.error_index)
    with m.If(ended & engine.failed):
        loads = engine.i.p.unit == 0
        m.d.comb += code.eq(Mux(loads, ErrorCode.BUS_READ, ErrorCode.BUS_WRITE))
    with m.If(taken & is_counter):
        m.d.comb += code.eq(counters.error)
    with m.If(decoder.error.valid):
        m.d.comb += code.eq(decoder.error.code)
    with m.If(clear | accelerator.clear_error):
        m.d.sync += [status.error.eq(code), status.error_index.eq(decoder.index)]
        with m.If(code == ErrorCode.NONE):
            m.d.sync += status.error_index.eq(0)
    with m.Elif((status.error == ErrorCode.NONE) & (code != ErrorCode.NONE)):
        m.d.sync += [status.error.eq(code), status.error_index.eq(decoder.index)]


def _trace(m: Module, trace, decoder: Decoder, engine: Engine, works):
    """For simulations: a command is issued in the cycle after its dispatch."""
    issued, special = Signal(3), decoder.special
    m.d.sync += issued.eq(Mux(engine.begins, Cat(works), 0))
    answers = special.valid & ~special.ready
    commands = Mux(decoder.busy, Mux(answers, UnitState.ANSWER, UnitState.ACTIVE), UnitState.IDLE)
    m.d.comb += [
        trace.dispatch.eq(engine.begins),
        trace.unit.eq(decoder.o.p.unit),
        trace.index.eq(decoder.index),
        trace.issue.eq(issued),
        trace.done.eq(Mux(engine.i.ready, Cat(works), 0)),
        *(mine.eq(state) for mine, state in zip(trace.states, engine.states, strict=False)),
        trace.states[3].eq(commands),
    ]
