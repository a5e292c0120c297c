"""A bitstream into a board."""

from sim.cache import build_directory

from .board import Board, BoardError
from .families import FAMILIES
from .tools import tool


def program(board: Board) -> str:
    """Send the board's last bitstream to the device's configuration memory, which a power-up
    clears, or where there is no way to that (iCEBreaker) to the flash; what the program said.
    BoardError if there is none, ToolError if it does not arrive."""
    file = build_directory("fpga", board.name) / FAMILIES[board.family].bitstream
    if not file.exists():
        raise BoardError(f"{file} is not there; run: alhena fpga build --board {board.name}")
    return tool("openFPGALoader").run("-b", board.loader, file.name, cwd=file.parent)
