"""Sipeed Tang Nano 20K."""

from hw.soc.host import Host

from ..board import LEAN, Board, Pin

BOARD = Board(
    name="tang_nano_20k",
    title="Sipeed Tang Nano 20K with a GW2AR-18",
    family="gowin",
    device="GW2AR-LV18QN88C8/I7",
    package="QFN88",
    clock=Pin("4"),
    clock_mhz=27,
    tx=Pin("69"),
    rx=Pin("70"),
    busy=Pin("15", inverted=True),
    config="small:sp_bank_rows=512,acc_bank_rows=512,scale_cycles=8,partial=int20," + LEAN,
    host=Host("picorv32"),
    mhz=27,
    memory_bytes=16 << 10,
    firmware_bytes=16 << 10,
    boot_bytes=8 << 10,
    loader="tangnano20k",
)
