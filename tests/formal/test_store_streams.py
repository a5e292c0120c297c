"""What stores with pooling, copies and shared lanes send stands until it is taken."""

import pytest
from amaranth.hdl import Assume

from hw.arith.saturate import SaturateRow
from hw.arith.scale_shared import SharedScaleRow
from hw.control.store_local import StoreLocal
from hw.control.store_max import PoolMax
from hw.control.store_pool import PoolRows, StoreWalk
from hw.formats import Int
from sim.formal import prove
from tests.formal.board import small
from tests.formal.standing import Standing

CONFIG = small(pooling=True, spad_store=True)


def some(m, component, inside):
    """The contract of pooled operations, and small ones, so that a few cycles see their ends."""
    pooling = component.i.p.pooling
    for name in ("pool_out_rows", "pool_out_cols", "out_rows", "out_cols", "pool_size"):
        value = getattr(pooling, name)
        m.d.comb += Assume((value >= 1) & (value <= 2))
    m.d.comb += Assume((component.i.p.cols >= 1) & (component.i.p.rows >= 1))


CASES = {
    "shared_scale": (lambda: SharedScaleRow(2, 2, Int(8), Int(4), 2), None, 14),
    "saturate": (lambda: SaturateRow(2, Int(8), Int(4), 2), None, 5),
    "pool_rows": (lambda: PoolRows(CONFIG), some, 8),
    "store_walk": (lambda: StoreWalk(CONFIG), some, 8),
    "pool_max": (lambda: PoolMax(CONFIG), None, 8),
    "store_local": (lambda: StoreLocal(CONFIG), None, 8),
}


@pytest.mark.parametrize("case", CASES)
def test_payloads_stand_until_they_are_taken(case):
    make, rule, cover = CASES[case]
    harness = Standing(make(), rule) if rule else Standing(make())
    prove(harness, f"stands_{case}", depth=2, cover=cover)
