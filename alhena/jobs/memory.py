"""`alhena fpga memory`: what a board's memory gives, measured in simulation."""

import re

from fpga.board import Board, BoardError
from fpga.simulated import SimulatedBoard
from hw.config import Config
from sw.board.engine import BoardEngine

LINE = re.compile(r"^(.+): (\d+) bytes in (\d+) cycles$", re.MULTILINE)
"""What ``sw/firmware/bandwidth.c`` prints."""


def rates(console: str, mhz: float) -> dict[str, dict]:
    """Bytes, cycles and 10^6 bytes per second at `mhz`, by what was measured."""
    return {
        what: {
            **{"bytes": int(size), "cycles": int(cycles)},
            "mbytes_per_s": round(int(size) / int(cycles) * mhz, 1),
        }
        for what, size, cycles in LINE.findall(console)
    }


def measured(simulated: SimulatedBoard, config: Config) -> dict[str, dict]:
    """Run that program on a simulated board; see :func:`rates`."""
    try:
        import serial
    except ModuleNotFoundError as error:
        raise BoardError("fpga memory needs pyserial; run: pip install pyserial") from error
    here = simulated.board
    with serial.Serial(simulated.path, timeout=0.05) as line:
        sizes = here.memory_bytes, here.firmware_bytes
        engine = BoardEngine(config, line, *sizes, host=here.host)
        return rates(engine.run_firmware("bandwidth").console, here.mhz)


def run(board: Board, config: Config) -> dict[str, dict]:
    """The same for a board, which is simulated for it."""
    simulated = SimulatedBoard(board, config)
    try:
        return measured(simulated, config)
    finally:
        simulated.close()
