"""What the build asks of a family of devices."""

from abc import ABC, abstractmethod

from amaranth.hdl import Module

from ..board import Board


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

    @abstractmethod
    def clock(self, m: Module, board: Board, pin) -> tuple[object, object]:
        """Adds a clock generator for `board.mhz` behind the oscillator's `pin`; its clock, and
        whether it is steady. BoardError if it cannot make that clock."""

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
