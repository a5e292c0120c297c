"""Radiona ULX3S (pins: ulx3s_v20.lpf of its makers)."""

from hw.soc.host import Host

from ..board import LEAN, Board, Pin
from ..sdram.chip import Sdram

CHIP = Sdram(
    module="MT48LC16M16",  # or IS42S16160, or half of an AS4C32M16, with the same geometry
    size=32 << 20,
    closes=21,  # AS4C32M16SB-7
    opens=21,
    sites={
        **{"clk": "F19", "cke": "F20", "cs_n": "P20", "ras_n": "R20", "cas_n": "T19"},
        **{"we_n": "T20", "ba": "P19 N20", "dm": "U19 E20"},
        "a": "M20 M19 L20 L19 K20 K19 K18 J20 J19 H20 N19 G20 G19",
        "dq": "J16 L18 M18 N18 P18 T18 T17 U20 E19 D20 D19 C20 E18 F18 J18 J17",
    },
)

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
    mhz=45,
    memory_bytes=32 << 20,
    sdram=CHIP,
    firmware_bytes=64 << 10,
    host=Host("vexriscv_lite"),
    loader="ulx3s",
)
