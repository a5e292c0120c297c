"""What a unit does in a cycle, for the performance counters and for simulations."""

from amaranth.hdl import Module
from amaranth.lib import enum


class UnitState(enum.Enum, shape=4):
    """States of load, execute, store and the way of the commands; one at a time.

    Units themselves say `IDLE` while no command is inside; whether one waits for them is known to
    the scoreboard. sim/timing/states.h has the same numbers.
    """

    IDLE = 0  # no command
    ON_LOAD = 1  # the next command waits for one of load (commands: load's queue is full)
    ON_EXECUTE = 2
    ON_STORE = 3
    REQUESTS = 4  # load: a request does not leave
    MEMORY = 5  # load: rows are awaited; store: a word does not leave
    LOCAL = 6  # load: a row stands ready and the local memory does not take it
    ROWS = 7  # execute: rows of A or D are awaited; store: local rows
    WEIGHTS = 8  # execute: a row stands ready, its weights do not
    DISTANCE = 9  # execute: a row waits for an earlier one that adds to the same row
    SCALER = 10  # store: rows are being scaled or pooled
    ACKS = 11  # store: acknowledgements are awaited
    DRAIN = 12  # all has been sent; the last command is not complete
    ANSWER = 13  # commands: an answer is awaited
    ACTIVE = 14


def first_state(m: Module, state, *cases):
    """Drive `state` with that of the first of (condition, UnitState) that holds, else `IDLE`."""
    for n, (condition, value) in enumerate(cases):
        with m.If(condition) if n == 0 else m.Elif(condition):
            m.d.comb += state.eq(value)
