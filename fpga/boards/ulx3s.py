"""Radiona ULX3S (pins: ulx3s_v20.lpf of its makers)."""

from ..board import LEAN, Board, Pin

BOARD = Board(
    name="ulx3s",
    title="ULX3S with an ECP5-85F",
    family="ecp5",
    device="LFE5U-85F",
    package="CABGA381",
    clock=Pin("G2"),
    clock_mhz=25,
    tx=Pin("L4"),
    rx=Pin("M1"),
    busy=Pin("B2"),
    high={"esp32_gpio0": Pin("L2")},  # low lets the ESP32 take over the board
    config=f"small:sp_banks=2,sp_bank_rows=2048,acc_bank_rows=256,scale_cycles=8,partial=int20,{LEAN}",
    mhz=25,
    memory_bytes=128 << 10,
    firmware_bytes=64 << 10,
    loader="ulx3s",
)
