"""Whole systems on boards, from configuration to bitstream: `alhena bench --suite systems`.

Core, loader, memory (an SDRAM on ULX3S) and accelerator with load, execute and store, every one
placed with the seed that is written here. More than an hour for all; the table is written to
build/systems.json, too, and a report and the bitstream of each stand in build/fpga.
"""

import functools
import json
from dataclasses import dataclass, replace

from alhena.jobs.bitstream import run
from fpga.board import BARE, Board, board
from hw.config import Config
from hw.config_text import parse_config
from sim.cache import build_directory

from .peers import LAB
from .row import Row

WITHOUT = f"{LAB} with 64 KiB and without load, execute and store units, floorplanned"
FILE = "systems.json"
LOCAL = "sp_bank_rows=512,acc_bank_rows=512,mac_stages=3"


@dataclass(frozen=True)
class System:
    """A board as its file has it, or with another configuration, which `changes` `small` bare,
    and another clock of the core in MHz."""

    board: str
    changes: str = ""
    mhz: float | None = None
    seed: int = 1
    beside: tuple[int | None, int | None, int | None, str] = (None, None, None, "")
    """What others need: LUT4, MHz of the core and of the array, whose."""

    @property
    def config(self) -> Config:
        """What is built."""
        return parse_config(self.text)

    @property
    def text(self) -> str:
        """The configuration as the command line writes it."""
        return f"small:{self.changes},{BARE}" if self.changes else board(self.board).config

    def place(self, name: str) -> Board:
        """The board, in whose name files are written; a change has files of its own."""
        here = board(self.board)
        name = f"{self.board}-{name.replace(' ', '-')}" if self.changes else self.board
        return replace(here, name=name, mhz=self.mhz or here.mhz)

    def identity(self, name: str) -> dict:
        """What a record must say to be this system's."""
        place = self.place(name)
        aims = {"core": place.mhz, "array": round(place.mhz * self.config.array_clock, 3)}
        fields = {"board": self.board, "changes": self.changes, "config": self.text}
        return fields | {"host": place.host.name, "seed": self.seed, "aims_mhz": aims}


SYSTEMS = {
    "icebreaker": System("icebreaker"),
    "tang_nano_20k": System("tang_nano_20k"),
    "ulx3s": System("ulx3s"),
    "8x8 int8": System(
        *("ulx3s", f"{LOCAL},scale_cycles=8,partial=int19,array_clock=2", 67.857, 1),
        beside=(6984, 65, 178, WITHOUT),
    ),
    "12x12 int8": System(
        *("ulx3s", f"dim=12,{LOCAL},scale_cycles=16,partial=int20,array_clock=3", 46.875, 2),
        beside=(10274, 66, 214, WITHOUT),
    ),
    "16x16 int8": System(
        "ulx3s",
        f"dim=16,bus_width=128,{LOCAL},scale_cycles=16,partial=int20,dsps=144,array_clock=3",
        mhz=40,
        beside=(22486, 57, 203, WITHOUT),
    ),
    "4x4 bf16": System(
        "ulx3s",
        "dim=4,format=bf16,bus_width=64,sp_bank_rows=512,acc_bank_rows=512,mac_stages=7,"
        "scale_cycles=4,array_clock=2",
        mhz=42.857,
    ),
    "8x8 e4m3fn exact": System(
        "ulx3s",
        f"format=e4m3fn,dsps=64,partial=fixed40e-18,{LOCAL},scale_cycles=8,array_clock=2",
        mhz=45,
    ),
    "8x8 int8 in LUTs": System(
        "ulx3s", f"dsps=0,{LOCAL},scale_cycles=8,partial=int19,array_clock=2", mhz=45
    ),
}


def record() -> dict[str, dict]:
    """What build/systems.json has of systems as they are now, by name."""
    path = build_directory() / FILE
    found = json.loads(path.read_text()) if path.exists() else {}
    return {
        name: found[name]
        for name, system in SYSTEMS.items()
        if name in found and found[name].items() >= system.identity(name).items()
    }


def _clock(found: dict, mhz: float) -> dict:
    """Of the clocks built for this, the slowest."""
    clocks = (c for c in found["clocks"].values() if abs(c["target_mhz"] - mhz) < 0.1)
    return min(clocks, key=lambda clock: clock["fmax_mhz"])


@functools.cache
def measure(name: str) -> dict:
    """What a system came to, kept in build/systems.json."""
    system = SYSTEMS[name]
    got = system.identity(name)
    found = run(system.place(name), system.config, (system.seed,))
    clocks = {part: _clock(found, mhz) for part, mhz in got["aims_mhz"].items()}
    got |= {
        "reached_mhz": {part: clock["fmax_mhz"] for part, clock in clocks.items()},
        "paths": {
            part: [clock["critical_path"].get(end) for end in ("from", "to")]
            for part, clock in clocks.items()
        },
        **{field: found[field] for field in ("timing_met", "untimed", "tools")},
        "area": {kind: area["used"] for kind, area in found["area"].items()},
        "peak_gops": found["throughput"]["peak_gops"],
        "digits_gops": found["throughput"]["digits"].get("gops"),
        "minutes": round(sum(found["seconds"].values()) / 60, 1),
        "beside": system.beside,
    }
    merged = record() | {name: got}
    kept = {key: merged[key] for key in SYSTEMS if key in merged}
    (build_directory() / FILE).write_text(json.dumps(kept, indent=1))
    return got


def rows() -> list[Row]:
    """LUTs and clocks of every system."""
    figures = {
        ("LUT4", "LUT4"): lambda got: got["area"]["lut"],
        ("core", "MHz"): lambda got: got["reached_mhz"]["core"],
        ("array", "MHz"): lambda got: got["reached_mhz"]["array"],
    }
    return [
        Row(
            *("systems", f"{name}: {what}", system.board, beside, system.beside[-1], unit),
            measure=lambda name=name, figure=figure: figure(measure(name)),
            weight=1 << 30,
        )
        for name, system in SYSTEMS.items()
        for ((what, unit), figure), beside in zip(figures.items(), system.beside, strict=False)
    ]
