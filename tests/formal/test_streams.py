"""Streams keep their word: a payload once offered stands until it is taken."""

import pytest
from amaranth.hdl import Assert, Assume, Cat

from hw.arith.scale import ScaleRow
from hw.bus.stream import Buffer, HalfBuffer, Queue, QuickQueue, Skid, Stage
from hw.control.decoder import Decoder
from hw.control.execute import InputFetch, WeightFetch
from hw.control.load import Load
from hw.control.load_deliver import LoadGather, LoadPlaces
from hw.control.store import Store
from hw.control.store_rows import StoreRows
from hw.formats import Int
from hw.memory.arbiter import Arbiter
from hw.memory.banked import BankedRows
from hw.memory.local import sp_row
from hw.memory.pack import Pack
from hw.memory.realign import Realign
from sim.formal import prove
from tests.formal.board import small, total
from tests.formal.standing import Standing

CONFIG = small()
DIM = CONFIG.dim


def at_least_one(*names):
    """The contract of ops and spans: these counts are from 1 to their limit."""

    def rule(m, component, inside):
        for name, limit in names:
            value = component
            for part in name.split("."):
                value = getattr(value, part)
            m.d.comb += Assume((value >= 1) & (value <= limit))

    return rule


def weights(m, component, inside):
    op = component.op.p
    m.d.comb += Assume(op.load_weights & (op.k >= 1) & (op.k <= DIM))


def some(m, component, inside):
    op = component.op.p
    m.d.comb += Assume((op.rows >= 1) & (op.rows <= DIM) & (op.cols >= 1))


def loads(m, component, inside):
    """The count of rows in the scaler is right, which keeps gathered rows in their place."""
    some(m, component, inside)
    rows = inside.numbered("deliver.scale.valid_")
    m.d.comb += Assert(inside.signal("deliver.inside") == total(rows))


def in_turn(m, component, inside):
    """The cycles of a check follow each other."""
    found, checked = (inside.signal(name) for name in ("found", "checked"))
    m.d.comb += Assert((component.busy | ~found) & (found | ~checked))


def counted(m, component, inside):
    """The level is how far the ends are apart."""
    produce, consume, level = map(inside.signal, ("produce", "consume", "level"))
    levels = Cat(level == (1 << n) - 1 for n in range(component.depth + 1))
    apart = (produce - consume)[: len(produce)]
    m.d.comb += Assert(levels.any() & ((total(level) - apart)[: len(produce)] == 0))


CASES = {
    "queue": (lambda: Queue(4, 3), None, 6),
    "quick_queue": (lambda: QuickQueue(4, 4), counted, 6),
    "buffer": (lambda: Buffer(4), None, 6),
    "stage": (lambda: Stage(4), None, 6),
    "skid": (lambda: Skid(4), None, 6),
    "half_buffer": (lambda: HalfBuffer(4), None, 6),
    "realign": (lambda: Realign(4, 3, 8), at_least_one(("span.p.bytes", 8)), 12),
    "realign_wide": (lambda: Realign(4, 6, 12), at_least_one(("span.p.bytes", 12)), 12),
    "realign_starts": (lambda: Realign(4, 3, 8, 3), at_least_one(("span.p.bytes", 8)), 12),
    "pack": (lambda: Pack(2, 4, 1), at_least_one(("i.p.bytes", 2)), 8),
    "pack_wide": (lambda: Pack(6, 4, 1), at_least_one(("i.p.bytes", 6)), 8),
    "arbiter": (lambda: Arbiter(32, 2, depth=2), None, 8),
    "scale": (lambda: ScaleRow(1, Int(8), Int(4), 2), None, 10),
    "decoder": (lambda: Decoder(CONFIG), None, 8),
    "decoder_apart": (lambda: Decoder(small(serial_hazards=True)), in_turn, 10),
    "weight_fetch": (lambda: WeightFetch(CONFIG), weights, 8),
    "input_fetch": (lambda: InputFetch(CONFIG), None, 8),
    "load": (lambda: Load(CONFIG), loads, 14),
    "store": (lambda: Store(CONFIG), some, 14),
    "load_places": (lambda: LoadPlaces(CONFIG), None, 6),
    "load_gather": (lambda: LoadGather(CONFIG), None, 8),
    "store_rows": (lambda: StoreRows(CONFIG), None, 6),
    "banked_rows": (
        lambda: BankedRows(CONFIG, sp_row(CONFIG), rows=8, banks=2, readers=2, writers=2),
        None,
        10,
    ),
    "banked_rows_single": (
        lambda: BankedRows(
            CONFIG, sp_row(CONFIG), rows=8, banks=2, readers=2, writers=2, single=[0]
        ),
        None,
        10,
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_payloads_stand_until_they_are_taken(case):
    make, rule, cover = CASES[case]
    harness = Standing(make(), rule) if rule else Standing(make())
    depth = 3 if case == "decoder_apart" else 2  # what a check finds goes through two registers
    prove(harness, f"stands_{case}", depth=depth, cover=cover)
