"""The memories of a machine that does one command at a time: no row is read while it is written."""

from contextlib import suppress
from functools import partial

import pytest
from amaranth.hdl import Assert, Assume, Cat, Cover, Signal, Value

from hw.control.ops import Dispatch
from hw.formats import Int
from hw.sequential.engine import Engine
from sim.formal import prove
from tests.formal.board import small
from tests.formal.standing import Standing

BARE = {"in_order": True, "acc_banks": 1, "counters": 0, "mvin_scale": False, "mvout_scale": False}
BYTES = {**dict.fromkeys(("input", "weight", "output"), Int(8)), "accumulator": Int(16)}
CONFIG = small(**BARE).replace(sequential=True, **BYTES)
ROWS = CONFIG.acc_rows


def tiles_fit(m, engine, inside, stride_is_checked=True):
    """C's rows are in the memory, each another one: the decoder refuses other commands."""
    m.d.comb += Assume(engine.i.p.unit != 3)
    op = engine.i.p.op.execute
    executes = engine.i.valid & (engine.i.p.unit == Dispatch.EXECUTE)
    last = op.c_row + (op.c_rows - 1) * op.c_stride
    m.d.comb += [
        Assume(~executes | (op.c_rows <= CONFIG.dim)),
        Assume(~executes | (op.c_stride != 0) | (not stride_is_checked)),
        Assume(~(executes & op.c_acc & (op.c_rows != 0)) | ((last >= 0) & (last < ROWS))),
    ]
    command = Value.cast(engine.i.p)
    prepared = Signal.like(command, name="prepared")
    m.d.sync += prepared.eq(command)
    m.d.comb += Assume(~engine.i.valid | (prepared == command))
    _states(m, inside, engine.i)
    read, write = engine.acc_read, engine.acc_write
    m.d.comb += [
        Assert(~(read.en & write.en.any() & (read.addr == write.addr))),
        Assert(~(engine.sp_read.en & engine.sp_write.en.any())),
        Cover(read.en & write.en.any()),
        Cover(engine.sp_write.en.any() & executes),
    ]


def _states(m, inside, i):
    """What the proof needs of the states: whose they are, and where a tile is in them."""
    state = inside.signal("engine_state")
    names = {}
    with suppress(KeyError):  # which ends the names
        for n in range(1 << len(state)):
            names[state.decoder(n).split("/")[0]] = n

    def among(*wanted):
        return Cat(state == names[name] for name in wanted).any()

    loads, executes, stores = (
        i.valid & (i.p.unit == unit) for unit in (Dispatch.LOAD, Dispatch.EXECUTE, Dispatch.STORE)
    )
    op = i.p.op.execute
    flags = Cat(inside.signal(name) for name in ("inputs", "adds", "ready"))
    number, target = inside.signal("number"), inside.signal("target")
    tile = among("CLEAR", "ADDENDS", "INPUTS", "DRAIN")
    m.d.comb += [
        Assert(state < len(names)),
        Assert(i.valid | among("IDLE")),
        Assert(~among("BYTES", "JOIN", "WRITE") | loads),
        Assert(~among("PAD", "READ", "TAKE", "OUT", "FILL", "SEND", "ACKNOWLEDGED") | stores),
        Assert(~among("ADDRESS", "ROW") | loads | stores),
        Assert(~(among("WEIGHTS", "START", "SUMS", "NARROW", "PUT") | tile) | executes),
        Assert(~among("IDLE", "WEIGHTS", "START", "CLEAR", "DONE") | ~flags.any()),
        Assert(~flags.any() | executes),
        Assert(~among("SUMS", "NARROW", "PUT") | ~op.c_acc),
        Assert(~among("IDLE", "START", "CLEAR") | (number == 0)),
        Assert(~among("CLEAR", "ADDENDS", "INPUTS") | (number < op.c_rows)),
        Assert(~(tile | among("SUMS", "NARROW", "PUT")) | (number <= op.c_rows)),
        Assert(
            ~(tile & op.c_acc)
            | (target == (op.c_row + (number - flags[0]) * op.c_stride)[: len(target)])
        ),
    ]


def test_no_row_is_read_while_it_is_written():
    prove(Standing(Engine(CONFIG), tiles_fit), "sequential", depth=4, cover=24)


def test_rows_that_meet_are_found():
    engine = Standing(Engine(CONFIG), partial(tiles_fit, stride_is_checked=False))
    with pytest.raises(AssertionError, match="assertion fails: .*read.addr == write.addr"):
        prove(engine, "sequential_meets", depth=16, cover=24, induction=False)
