"""A board in simulation, from its pins: what its bitstream is made from, and the chips around."""

from dataclasses import replace

from hw.config import Config
from hw.soc.cores import verilog_files
from hw.verilog import emit
from sim.soc.line import SimulatedLine
from sim.soc.pins import Pins

from .board import Board
from .families import FAMILIES
from .sdram.generate import generate
from .top import Top


class SimulatedBoard:
    """The top of `board` with `config`, Verilated, behind a pseudo-terminal that pyserial opens.

    A bit takes `divisor` cycles, whatever the board's own baud rate is. `close` ends it.

    Members
    -------
    board : Board
        With that baud rate.
    pins : Pins
    path : str
        The terminal.
    """

    def __init__(self, board: Board, config: Config, divisor: int = 8):
        self.board = board = replace(board, baud=round(board.mhz * 1e6 / divisor))
        top = Top(config, board)
        files = [*verilog_files(board.host), FAMILIES[board.family].models]
        files += [generate(board).verilog] if board.sdram else []
        text = emit(top, ports=top.ports)
        self.pins = Pins(text, f"{board.name}-pins", divisor, files, board.mhz)
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
