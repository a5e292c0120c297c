"""What every unit does in every cycle: busy, or waiting for what."""

from amaranth.hdl import Cat, Module
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ..isa import Event
from .ops import INDEX_BITS
from .states import UnitState, first_state

HELD = (UnitState.ON_LOAD, UnitState.ON_EXECUTE, UnitState.ON_STORE)

EVENTS = (
    {
        UnitState.IDLE: Event.LOAD_IDLE,
        UnitState.DRAIN: Event.LOAD_IDLE,
        UnitState.ON_EXECUTE: Event.LOAD_WAITS_HAZARD,
        UnitState.ON_STORE: Event.LOAD_WAITS_HAZARD,
        UnitState.REQUESTS: Event.LOAD_WAITS_REQUESTS,
        UnitState.MEMORY: Event.LOAD_WAITS_MEMORY,
        UnitState.LOCAL: Event.LOAD_WAITS_LOCAL,
        UnitState.ACTIVE: Event.LOAD_ACTIVE,
    },
    {
        UnitState.IDLE: Event.EXECUTE_IDLE,
        UnitState.DRAIN: Event.EXECUTE_DRAINS,
        UnitState.ON_LOAD: Event.EXECUTE_WAITS_LOAD,
        UnitState.ON_EXECUTE: Event.EXECUTE_WAITS_EXECUTE,
        UnitState.ON_STORE: Event.EXECUTE_WAITS_STORE,
        UnitState.ROWS: Event.EXECUTE_WAITS_ROWS,
        UnitState.WEIGHTS: Event.EXECUTE_WAITS_WEIGHTS,
        UnitState.DISTANCE: Event.EXECUTE_WAITS_DISTANCE,
        UnitState.ACTIVE: Event.EXECUTE_ACTIVE,
    },
    {
        UnitState.IDLE: Event.STORE_IDLE,
        UnitState.DRAIN: Event.STORE_IDLE,
        UnitState.ON_LOAD: Event.STORE_WAITS_HAZARD,
        UnitState.ON_EXECUTE: Event.STORE_WAITS_HAZARD,
        UnitState.ROWS: Event.STORE_WAITS_ROWS,
        UnitState.SCALER: Event.STORE_WAITS_SCALER,
        UnitState.MEMORY: Event.STORE_WAITS_MEMORY,
        UnitState.ACKS: Event.STORE_WAITS_ACKNOWLEDGE,
        UnitState.ACTIVE: Event.STORE_ACTIVE,
    },
    {
        UnitState.IDLE: Event.COMMAND_IDLE,
        **dict.fromkeys(HELD, Event.COMMAND_WAITS),
        UnitState.ANSWER: Event.COMMAND_WAITS_ANSWER,
        UnitState.ACTIVE: Event.COMMAND_ACTIVE,
    },
)
"""The event of every state, for load, execute, store and the way of the commands."""


class Trace(data.StructLayout):
    """What a simulation may record in any cycle."""

    def __init__(self):
        super().__init__(
            {
                "queued": 1,  # commands are on their way to the decoder
                "dispatch": 1,  # one goes to its unit's queue
                "unit": 2,  # which one: load, execute, store
                "index": INDEX_BITS,  # the command's
                "issue": 3,  # load, execute, store take their next command
                "done": 3,  # their oldest command is complete
                "states": data.ArrayLayout(UnitState, 4),  # and the way of the commands
            }
        )


class Activity(wiring.Component):
    """Combines what the units and the scoreboard know into one state per unit and cycle.

    Members
    -------
    units : In(UnitState).array(3)
        Of load, execute, store; `IDLE` while no command is inside.
    held : In(3).array(3)
        For each unit: those for whose commands its next one waits.
    waiting, offered, working : In(3)
        The unit has commands; one may be issued now; issued ones are not complete.
    command, full, unit, answer : In(1), In(1), In(2), In(1)
        A command stands in the decoder; its `unit` has no place for it; it waits for its answer.
    states : Out(UnitState).array(4)
        Of load, execute, store and the way of the commands.
    events : Out(64)
        One bit per `hw.isa.Event`.
    """

    units: In(UnitState).array(3)
    held: In(3).array(3)
    waiting: In(3)
    offered: In(3)
    working: In(3)
    command: In(1)
    full: In(1)
    unit: In(2)
    answer: In(1)
    states: Out(UnitState).array(4)
    events: Out(64)

    def elaborate(self, platform):
        m = Module()
        arrives = (UnitState.MEMORY, UnitState.ROWS, UnitState.ROWS)  # issued in this cycle
        for n, unit in enumerate(self.units):
            held = self.held[n]
            with m.If(unit != UnitState.IDLE):
                m.d.comb += self.states[n].eq(unit)
            with m.Else():
                first_state(
                    m,
                    self.states[n],
                    (held[0], UnitState.ON_LOAD),
                    (held[2], UnitState.ON_STORE),
                    (held[1], UnitState.ON_EXECUTE),
                    (self.offered[n], arrives[n]),
                    (self.waiting[n], UnitState.DRAIN),
                )
        first_state(
            m,
            self.states[3],
            *((self.full & (self.unit == n), state) for n, state in enumerate(HELD)),
            (self.answer, UnitState.ANSWER),
            (self.command, UnitState.ACTIVE),
        )
        self._count(m)
        return m

    def _count(self, m: Module):
        """Events from states."""
        load, execute, store = self.working
        busy = {
            Event.LOAD_BUSY: load & ~execute & ~store,
            Event.STORE_BUSY: store & ~execute & ~load,
            Event.EXECUTE_BUSY: execute & ~load & ~store,
            Event.LOAD_STORE_BUSY: load & store & ~execute,
            Event.LOAD_EXECUTE_BUSY: load & execute & ~store,
            Event.STORE_EXECUTE_BUSY: store & execute & ~load,
            Event.ALL_BUSY: load & execute & store,
        }
        m.d.comb += [self.events[event].eq(happens) for event, happens in busy.items()]
        for state, table in zip(self.states, EVENTS, strict=True):
            by_event: dict[Event, list] = {}
            for value, event in table.items():
                by_event.setdefault(event, []).append(state == value)
            m.d.comb += [
                self.events[event].eq(Cat(cases).any()) for event, cases in by_event.items()
            ]
