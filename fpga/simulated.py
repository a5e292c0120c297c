"""A board in simulation, from its pins: what its bitstream is made from, and the chips around."""

from dataclasses import replace

from hw.config import Config
from hw.soc.cores import verilog_files
from hw.verilog import emit
from sim.soc.line import SimulatedLine
from sim.soc.pins import Pins

from .board import Board
from .build import netlist_of
from .families import FAMILIES
from .netlist import as_verilog
from .ram_registers import registered_rams
from .sdram.generate import generate
from .top import Top


def with_fastest_line(board: Board) -> Board:
    """The board with a serial line as fast as its core keeps up with."""
    return replace(board, baud=board.fastest)


def design_pins(board: Board, config: Config) -> Pins:
    """The top of `board` as it was written, Verilated."""
    top = Top(config, board)
    files = [*verilog_files(board.host), FAMILIES[board.family].models]
    files += [generate(board).verilog] if board.sdram else []
    text, name = emit(top, ports=top.ports), f"{board.name}-pins"
    return Pins(text, name, board.divisor, files, board.mhz, config.array_clock)


def netlist_pins(board: Board, config: Config) -> Pins:
    """What synthesis made of it, Verilated. BoardError if the family has no models for that."""
    family = FAMILIES[board.family]
    text = as_verilog(registered_rams(netlist_of(board, config, family), family), family)
    files, name = (family.models, family.block_models), f"{board.name}-netlist"
    return Pins(text, name, board.divisor, files, board.mhz, config.array_clock)


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
        self.board = board = with_fastest_line(board)
        self.pins = design_pins(board, config)
        self._line = SimulatedLine(self.pins, cycles_per_byte=10 * board.divisor)
        self.path = self._line.path

    @property
    def cycles(self) -> int:
        """Simulated so far."""
        return self._line.cycles

    def close(self):
        """Stop it; what went wrong in it is raised here."""
        self._line.close()
        self.pins.close()
