"""iCEBreaker v1.0 (pins: its schematic)."""

from hw.soc.host import Host

from ..board import BARE, Board, Pin

BOARD = Board(
    name="icebreaker",
    title="iCEBreaker with an iCE40 UP5K",
    family="ice40",
    device="UP5K",
    package="sg48",
    clock=Pin("35"),
    clock_mhz=12,
    tx=Pin("9"),
    rx=Pin("6"),
    busy=Pin("37", inverted=True),
    config="tiny:sp_bank_rows=256,acc_bank_rows=256,partial=int18,"
    f"products_per_dsp=2,sequential=on,{BARE}",
    mhz=20.25,
    memory_bytes=64 << 10,
    firmware_bytes=64 << 10,
    boot_bytes=8 << 10,
    host=Host("serv"),
    loader="ice40_generic",
)
