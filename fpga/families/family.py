"""What the build asks of a family of devices."""

from abc import ABC, abstractmethod
from collections.abc import Iterable

from amaranth.hdl import Instance, Module, Signal, Value

from ..board import Board, BoardError


class Family(ABC):
    """How a family's tools are called, and its clock generator."""

    name: str
    tools: tuple[str, ...]
    """Place-and-route and what packs the bitstream, by name (:mod:`fpga.tools`)."""

    bitstream: str
    """The bitstream's file."""

    resources: dict[str, tuple[str, ...]]
    """Cells of nextpnr's report by the resource that they are counted as."""

    cells: dict[str, tuple[str, ...]]
    """Cells of yosys' netlist likewise."""

    pll_mhz: str
    """Clocks that the clock generator makes, in words."""

    def clock(self, m: Module, board: Board, pin) -> tuple[Value, Value]:
        """Adds a clock generator for `board.mhz` behind the oscillator's `pin`; its clock, and
        whether it is steady. BoardError if it cannot make that clock."""
        found = nearest(self.settings(board), board.mhz)
        if found is None:
            raise BoardError(f"{board.name}.mhz is {board.mhz}; its PLL makes {self.pll_mhz}")
        clock, steady = Signal(name="pll_clock"), Signal(name="pll_locked")
        m.submodules.pll = self.pll(board, pin, clock, steady, *found[1:])
        return clock, steady

    @abstractmethod
    def settings(self, board: Board) -> Iterable[tuple]:
        """(MHz, dividers) that the clock generator may have behind the board's oscillator."""

    @abstractmethod
    def pll(self, board: Board, pin, clock: Signal, steady: Signal, *dividers: int) -> Instance:
        """The clock generator with those dividers."""

    @abstractmethod
    def synthesis(self, board: Board) -> str:
        """Yosys' commands from the design as read to ``top.json``."""

    @abstractmethod
    def constraints(self, board: Board) -> tuple[str, str]:
        """Name and text of the file that says where the pins are."""

    @abstractmethod
    def place(self, board: Board, seed: int) -> tuple[str, ...]:
        """Arguments for nextpnr; it reads ``top.json``."""

    @abstractmethod
    def pack(self, board: Board, seed: int) -> tuple[str, ...]:
        """Arguments for what makes the bitstream of a seed's result."""


def nearest(candidates, target: float, tolerance: float = 0.03):
    """The (MHz, settings) pair nearest to `target` MHz; None if none is within `tolerance`."""
    best = min(candidates, key=lambda found: (abs(found[0] - target), found[1:]), default=None)
    return best if best and abs(best[0] - target) <= tolerance * target else None
