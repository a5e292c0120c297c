"""What the build asks of a family of devices."""

from abc import ABC, abstractmethod
from collections.abc import Iterable
from pathlib import Path

from amaranth.hdl import Instance, Module, Signal, Value

from ..board import Board, BoardError

EXACT = 1e-3
"""Share by which a clock may differ from what was asked for: the serial line counts on it."""


class Family(ABC):
    """How a family's tools are called, and its clock generator."""

    name: str
    tools: tuple[str, ...]
    """Place-and-route and what packs the bitstream, by name (:mod:`fpga.tools`)."""

    devices: tuple[str, ...]
    """As their maker calls them."""

    bitstream: str
    """The bitstream's file."""

    resources: dict[str, dict[str, int]]
    """Cells of nextpnr's report by the resource that they take, and how many places each takes;
    there are as many places as of the first kind, which takes one."""

    cells: dict[str, tuple[str, ...]]
    """Cells of yosys' netlist likewise."""

    luts: dict[str, int]
    """What cells of the netlist take, in LUTs of four inputs, before packing."""

    block = ""
    """The multiplier block whose places :meth:`blocks` knows."""

    zeros: tuple[str, ...] = ()
    """Pins of `block` that only a wire can hold at zero."""

    slow_nets: tuple[range, int] | None = None
    """Numbers of sinks with which nets hold place-and-route up, and how many they should have
    instead (:mod:`fpga.fanout`)."""

    multiplies = False
    """Whether the generator makes a second clock, a whole multiple of the first."""

    untimed = ""
    """What place-and-route knows no delays of, so that paths through it are not in its clocks."""

    pinless = False
    """Whether place-and-route takes designs whose ports have no pins."""

    files_alone: dict[str, str] = {}
    """Files, by name, that a unit alone is placed with."""

    models: Path
    """Verilog for simulation of the cells that designs name."""

    gates: str = ""
    """Yosys' commands that read what the small cells of its netlists do, before they are put in
    the cells' place; empty if netlists cannot be simulated."""

    block_models: Path
    """Verilog for simulation of the other cells of its netlists."""

    def clocks(self, m: Module, board: Board, pin, times: int = 1) -> tuple[list[Value], Value]:
        """Adds a clock generator for `board.mhz` behind the oscillator's `pin`. Its clocks: that
        one and, with `times` beyond 1, one with so many cycles in each of the first's and an edge
        at all of its edges; and whether they are steady. BoardError as of :meth:`dividers`."""
        dividers = self.dividers(board, times)
        made, steady = [Signal(name="pll_clock")], Signal(name="pll_locked")
        made += [Signal(name="pll_array_clock")] if times > 1 else []
        m.submodules.pll = self.pll(board, pin, made, steady, *dividers)
        return made, steady

    def dividers(self, board: Board, times: int = 1) -> tuple[int, ...]:
        """What that generator is set to. BoardError if it cannot make the clocks."""
        if times > 1 and not self.multiplies:
            raise BoardError(
                f"array_clock is {times}; it must be 1 on {board.name}: no second clock is made of "
                f"{self.name}'s PLL"
            )
        mhz, _, *dividers = nearest(self.settings(board, times), board.mhz)
        if abs(mhz - board.mhz) > EXACT * board.mhz:
            raise BoardError(
                f"{board.name}.mhz is {board.mhz}; the nearest that its PLL makes is {mhz:.6g}"
            )
        return tuple(dividers)

    @abstractmethod
    def settings(self, board: Board, times: int = 1) -> Iterable[tuple]:
        """(MHz, how far the generator is from the middle of its range, dividers) that there may be
        behind the board's oscillator, with a second clock of `times` the frequency."""

    @abstractmethod
    def pll(
        self, board: Board, pin, clocks: list[Signal], steady: Signal, *dividers: int
    ) -> Instance:
        """The clock generator with those dividers."""

    @abstractmethod
    def forwarded(self, clock: Value, pin: Signal) -> Instance:
        """A cell that gives `clock`, half a cycle later, to a pin."""

    @abstractmethod
    def synthesis(self, dsp: bool = True) -> str:
        """Yosys' commands from the design as read to ``top.json``; products in LUTs only unless
        `dsp`."""

    @abstractmethod
    def constraints(self, board: Board) -> tuple[str, str]:
        """Name and text of the file that says where the pins are."""

    @abstractmethod
    def place(self, board: Board, seed: int, times: int = 1) -> tuple[str, ...]:
        """Arguments for nextpnr, which reads ``top.json``; `times` as for :meth:`clocks`."""

    @abstractmethod
    def place_alone(self, device: str, large: bool) -> tuple[str, ...]:
        """Likewise for a unit alone, without constraints; a `large` one as boards' designs."""

    def blocks(self, device: str) -> tuple[tuple[str, ...], ...]:
        """Places of multiplier blocks, row by row, as nextpnr calls them; none if the array's are
        left to nextpnr."""
        return ()

    def memories(self, device: str) -> tuple[tuple[str, ...], ...]:
        """Places of block RAMs, likewise."""
        return ()

    @abstractmethod
    def pack(self, board: Board, seed: int) -> tuple[str, ...]:
        """Arguments for what makes the bitstream of a seed's result."""


def nearest(candidates: Iterable[tuple], target: float) -> tuple:
    """The (MHz, …) nearest to `target` MHz, of several the least in what follows."""
    return min(candidates, key=lambda found: (abs(found[0] - target), found[1:]))
