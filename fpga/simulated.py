"""A board in simulation, from its pins: what its bitstream is made from, and the chips around."""

from dataclasses import replace

from hw.config import Config
from hw.soc.cores import verilog_files
from hw.soc.host import CORES
from hw.verilog import emit
from sim.soc.line import SimulatedLine
from sim.soc.pins import Pins

from .board import Board
from .build import netlist_of
from .families import FAMILIES
from .netlist import as_verilog
from .sdram.generate import generate
from .top import Top


def with_divisor(board: Board, divisor: int) -> Board:
    """The board with a serial line of `divisor` cycles a bit."""
    return replace(board, baud=int(board.mhz * 1e6 / divisor))


def design_pins(board: Board, config: Config, divisor: int) -> Pins:
    """The top of `board`, whose line has that `divisor`, as it was written, Verilated."""
    top = Top(config, board)
    files = [*verilog_files(board.host), FAMILIES[board.family].models]
    files += [generate(board).verilog] if board.sdram else []
    return Pins(emit(top, ports=top.ports), f"{board.name}-pins", divisor, files, board.mhz)


def netlist_pins(board: Board, config: Config, divisor: int) -> Pins:
    """What synthesis made of it, Verilated. BoardError if the family has no models for that."""
    family = FAMILIES[board.family]
    text = as_verilog(netlist_of(board, config, family), family)
    files = family.models, family.block_models
    return Pins(text, f"{board.name}-netlist", divisor, files, board.mhz)


class SimulatedBoard:
    """The top of `board` with `config`, Verilated, behind a pseudo-terminal that pyserial opens.

    A bit takes as few cycles as the board's core keeps up with, whatever the board's own baud rate
    is. `close` ends it.

    Members
    -------
    board : Board
        With that baud rate.
    pins : Pins
    path : str
        The terminal.
    """

    def __init__(self, board: Board, config: Config):
        divisor = CORES[board.host.core].cycles_per_bit
        self.board = board = with_divisor(board, divisor)
        self.pins = design_pins(board, config, divisor)
        self._line = SimulatedLine(self.pins, cycles_per_byte=10 * divisor)
        self.path = self._line.path

    @property
    def cycles(self) -> int:
        """Simulated so far."""
        return self._line.cycles

    def close(self):
        """Stop it; what went wrong in it is raised here."""
        self._line.close()
        self.pins.close()
