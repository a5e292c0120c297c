"""A unit alone on a device: a register at every port, no pins or two; area and clock."""

import threading
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from amaranth.hdl import Cat, Const, Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from sim.rtl.flat import Flat

from .board import BoardError
from .families import FAMILIES, Family
from .fanout import spread_out
from .floorplan import floorplanned
from .platform import Platform
from .ram_registers import registered_rams
from .report import read, utilisation
from .rtlil import emit
from .steps import placed, placing, synthesised
from .tools import tool

AIM = 200
"""MHz that nextpnr aims at: more than most units reach."""

ELABORATION = threading.Lock()
"""Amaranth elaborates one design at a time."""


@dataclass(frozen=True)
class Part:
    """A device without a board; BoardError says which families and devices there are."""

    family: str = "ecp5"
    """One of :data:`fpga.families.FAMILIES`."""

    device: str = "LFE5U-85F"

    def __post_init__(self):
        for field, there in (("family", FAMILIES), ("device", ())):
            value = getattr(self, field)
            there = there or self.tools.devices
            if value not in there:
                raise BoardError(f"{field} is {value!r}; it must be one of {', '.join(there)}")

    @property
    def tools(self) -> Family:
        """How its tools are called."""
        return FAMILIES[self.family]


class Registered(wiring.Component):
    """`component` with a register at every port."""

    def __init__(self, component: wiring.Component):
        self.component = component
        self._ports = [
            (path, member, value)
            for path, member, value in component.signature.flatten(component)
            if not isinstance(value, Const)  # a ready that always is
        ]
        super().__init__(
            {"_".join(map(str, p)): member.flow(member.shape) for p, member, _ in self._ports}
        )

    def elaborate(self, platform):
        m = Module()
        m.submodules.unit = self.component
        for path, member, value in self._ports:
            port = getattr(self, "_".join(map(str, path)))
            kept = Signal.like(port, name="kept")
            if member.flow == In:
                m.d.sync += kept.eq(port)
                m.d.comb += value.eq(kept)
            else:
                m.d.sync += kept.eq(value)
                m.d.comb += port.eq(kept)
        return m


class Threaded(wiring.Component):
    """`component` with a register at every port, on two pins: for devices whose pins would not
    do, and tools that want pins.

    Registers of inputs are one long shift register, those of outputs another, into which each
    output enters by an exclusive or, that is one LUT.

    Members
    -------
    i : In(1)
    o : Out(1)
    """

    def __init__(self, component: wiring.Component):
        self.component = component
        super().__init__({"i": In(1), "o": Out(1)})

    def elaborate(self, platform):
        m = Module()
        m.submodules.unit = unit = Flat(self.component)
        into, out = self.i, Const(0, 1)
        for name, member in unit.signature.members.items():
            port = getattr(unit, name)
            kept = Signal(len(port), name=f"kept_{name}")
            if member.flow == In:
                m.d.sync += kept.eq(Cat(into, kept))
                m.d.comb += port.eq(kept)
                into = kept[-1]
            else:
                m.d.sync += kept.eq(Cat(out, kept) ^ port)
                out = kept[-1]
        m.d.comb += self.o.eq(out)
        return m


@dataclass(frozen=True)
class Alone:
    """What a unit came to, the registers at its ports (and what :class:`Threaded` adds) included.

    `lut` are LUTs of four inputs as synthesis leaves them, LUT RAM included; `carry` those of them
    in carry chains. Packing adds the chains' ends (`resources["lut"]`). `mhz` is the clock by seed.
    """

    lut: int
    carry: int
    resources: dict[str, dict]
    """As :func:`fpga.report.utilisation` has them."""

    mhz: dict[int, float]
    seconds: float
    """Of synthesis and all placements."""

    netlist: Path
    places: dict[int, Path]
    """Directories of the steps, the placements' by seed."""

    def used(self, resource: str) -> int:
        """Cells of a resource after packing."""
        return self.resources[resource]["used"]

    @property
    def scarcest(self) -> str:
        """The resource of which it takes the largest share."""
        return max(self.resources, key=lambda name: self.resources[name]["share"])


def netlist_of(component: wiring.Component, part: Part, dsp: bool = True) -> Path:
    """Directory of the netlist (:func:`.steps.synthesised`); without `dsp`, in LUTs only."""
    platform = Platform(part.device)
    around = Registered if part.tools.pinless else Threaded
    with ELABORATION:
        design = emit(Flat(around(component)), platform)
    return synthesised("alone", design, part.tools.synthesis(dsp), platform.files)


def placed_alone(netlist: Path, part: Part, seed: int, large: bool = False) -> Path:
    """Directory of a placement (:func:`.steps.placed`)."""
    netlist = floorplanned(registered_rams(netlist, part.tools), part.tools, part.device)
    if large:
        netlist = spread_out(netlist, part.tools)
    nextpnr = tool(part.tools.tools[0])
    arguments = (*part.tools.place_alone(part.device, large), *placing(seed, AIM))
    return placed(f"alone-{seed}", netlist, part.tools.files_alone, ((nextpnr, arguments),))


def measure(
    component: wiring.Component,
    part: Part,
    seeds: Sequence[int] = (1,),
    dsp: bool = True,
    large: bool = False,
) -> Alone:
    """Synthesise `component`, place it with every seed, and count; steps are kept.

    `large` units are placed as boards' designs. DoesNotFit or ToolError if there is no placement.
    """
    netlist = netlist_of(component, part, dsp)
    places = {seed: placed_alone(netlist, part, seed, large) for seed in seeds}
    reports = {seed: read(place / "report.json") for seed, place in places.items()}
    cells = Counter(
        cell["type"] for cell in read(netlist / "top.json")["modules"]["top"]["cells"].values()
    )
    family, last = part.tools, reports[seeds[-1]]
    luts = {cell: count * cells[cell] for cell, count in family.luts.items()}
    seconds = [read(netlist / "synthesis.json")["seconds"]]
    seconds += [read(place / "placement.json")["seconds"] for place in places.values()]
    return Alone(
        lut=sum(luts.values()),
        carry=sum(luts[cell] for cell in family.cells["carry"]),
        resources=utilisation(family, last["utilization"]),
        mhz={
            seed: round(min(clock["achieved"] for clock in found["fmax"].values()), 2)
            for seed, found in reports.items()
        },
        seconds=round(sum(seconds), 1),
        netlist=netlist,
        places=places,
    )
