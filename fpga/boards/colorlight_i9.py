"""Colorlight i9 v7.2 (pins: wuxx, Colorlight-FPGA-Projects)."""

from ..board import LEAN, Board, Pin

BOARD = Board(
    name="colorlight_i9",
    title="Colorlight i9 v7.2 with an ECP5-45F, on its extension board",
    family="ecp5",
    device="LFE5U-45F",
    package="CABGA381",
    clock=Pin("P3"),
    clock_mhz=25,
    tx=Pin("J17"),
    rx=Pin("H18"),
    busy=Pin("L2", inverted=True),
    config=f"small:sp_bank_rows=512,acc_bank_rows=256,scale_cycles=8,partial=int20,{LEAN}",
    mhz=25,
    memory_bytes=64 << 10,
    firmware_bytes=32 << 10,
    loader="colorlight-i9",
)
