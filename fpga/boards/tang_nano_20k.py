"""Sipeed Tang Nano 20K (pins: its schematic, v1.22)."""

from hw.soc.host import Host

from ..board import BARE, Board, Pin

BOARD = Board(
    name="tang_nano_20k",
    title="Tang Nano 20K with a GW2AR-18",
    family="gowin",
    device="GW2AR-LV18QN88C8/I7",
    package="QN88",
    clock=Pin("4"),
    clock_mhz=27,
    tx=Pin("69"),
    rx=Pin("70"),
    busy=Pin("15", inverted=True),
    config="small:bus_width=32,sp_bank_rows=512,acc_bank_rows=256,partial=int20,"
    f"sequential=on,{BARE}",
    mhz=27,
    memory_bytes=32 << 10,
    firmware_bytes=16 << 10,
    boot_bytes=8 << 10,
    host=Host("serv"),
    loader="tangnano20k",
)
