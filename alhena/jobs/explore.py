"""`alhena fpga explore`: area and clock over sizes and formats, without a board."""

import json
import statistics
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from itertools import product
from pathlib import Path

from fpga.alone import Alone, Part, measure
from fpga.board import LEAN
from fpga.pieces import piece
from fpga.tools import tool
from hw.config import Config
from hw.config_rules import ConfigError
from hw.config_text import parse_config
from hw.formats.mix import Mix
from sim.cache import build_directory
from sim.tools import ToolError

from ..options import UsageError
from ..report.explore_page import page, told
from ..report.explore_plot import draw
from .pareto import fronts
from .throughput import at_clock, digits, peak_gops

CONFIG = f"small:{LEAN}"
"""What boards have, unless another configuration is given."""

SWEPT = {"dim": "--dims", "format": "--formats", "mac_stages": "--mac-stages"}
"""Fields that points set, and the options that say to what."""

ENGINE = threading.Lock()
"""One cycle model runs at a time."""


@dataclass(frozen=True)
class Point:
    """One configuration of a sweep, as changes of its base."""

    dim: int
    format: str
    mac_stages: int

    @property
    def title(self) -> str:
        """For people."""
        return f"{self.format} {self.dim}×{self.dim}, {self.mac_stages} stages"

    def configured(self, base: str) -> Config:
        """`base` with these changes; ConfigError if they do not go together."""
        between = "," if ":" in base else ":"
        return parse_config(base + between + ",".join(f"{k}={v}" for k, v in vars(self).items()))


@dataclass(frozen=True)
class Sweep:
    """Which points on which device; UsageError names an option that cannot be.

    `config` is the base of all points, `what` one of :data:`fpga.pieces.PIECES`; every point is
    placed with each of `seeds`, `jobs` points at a time.
    """

    part: Part = Part()
    dims: tuple[int, ...] = (4, 8)
    formats: tuple[str, ...] = ("int8", "e4m3fn", "int8*int4")
    mac_stages: tuple[int, ...] = (1, 3)
    what: str = "mesh"
    config: str = CONFIG
    seeds: tuple[int, ...] = (1,)
    jobs: int = 2
    output: Path | None = None
    """Folder of table, page and picture; ``build/fpga/explore`` if it is None."""

    def __post_init__(self):
        piece(self.what)
        try:
            parse_config(self.config)
        except ConfigError as error:
            raise UsageError(f"--config: {error}") from error
        given = {change.split("=")[0] for change in self.config.partition(":")[2].split(",")}
        for field in sorted(given & set(SWEPT)):
            raise UsageError(f"--config gives {field}; leave it to {SWEPT[field]}")
        for name in self.formats:
            try:
                Mix.parse(name)
            except ValueError as error:
                raise UsageError(f"--formats {name}: {error}") from error

    @property
    def points(self) -> list[Point]:
        """All of them, formats together."""
        every = product(self.formats, self.dims, self.mac_stages)
        return list(dict.fromkeys(Point(dim, name, stages) for name, dim, stages in every))


def run(sweep: Sweep, say: Callable[[str], None] = lambda text: None) -> dict:
    """Measure every point and write table and picture; the record, as in ``explore.json``.

    `say` hears of every row as it comes. Steps of the tools are kept: an interrupted sweep goes on.
    """
    versions = {name: tool(name).version for name in ("yosys", sweep.part.tools.tools[0])}
    directory = sweep.output or build_directory("fpga", "explore")
    directory.mkdir(parents=True, exist_ok=True)
    rows: dict[Point, dict] = {}
    for point, row in _measured(sweep):
        rows[point] = row
        say(told(row))
        _write(directory, _record(sweep, versions, [rows[p] for p in sweep.points if p in rows]))
    found = _record(sweep, versions, [rows[point] for point in sweep.points])
    found["files"] = {kind: str(directory / f"explore.{kind}") for kind in ("json", "md", "png")}
    draw(Path(found["files"]["png"]), found)
    Path(found["files"]["md"]).write_text(page(found))
    _write(directory, found)
    return found


def _write(directory: Path, found: dict):
    (directory / "explore.json").write_text(json.dumps(found, indent=2) + "\n")


def _measured(sweep: Sweep) -> Iterator[tuple[Point, dict]]:
    """Points and their rows as they are done."""
    with ThreadPoolExecutor(sweep.jobs) as pool:
        try:
            running = {pool.submit(_row, sweep, point): point for point in sweep.points}
            for done in as_completed(running):
                yield running[done], done.result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _row(sweep: Sweep, point: Point) -> dict:
    """What a point came to, or the reason why it came to nothing."""
    row = {"title": point.title, **vars(point)}
    chosen = piece(sweep.what)
    try:
        config = point.configured(sweep.config)
        unit = chosen.create(config)
        got = measure(unit, sweep.part, sweep.seeds, large=chosen.large)
    except (ConfigError, ToolError) as error:
        return row | {"reason": _reason(error)}
    with ENGINE:
        work = digits(config)
    return row | {"formats": config.formats} | _figures(config, got, work)


def _reason(error: Exception) -> str:
    """The line of an error that says most: a tool's own, if there is one."""
    lines = str(error).splitlines()
    return next((line for line in lines if line.startswith("ERROR")), lines[0])


def _figures(config: Config, got: Alone, work: dict) -> dict:
    mhz = round(statistics.median(got.mhz.values()), 1)
    return {
        "lut": got.lut,
        "carry": got.carry,
        "resources": got.resources,
        "scarcest": got.scarcest,
        "share": got.resources[got.scarcest]["share"],
        "mhz": mhz,
        "seeds": got.mhz,
        "peak_gops": peak_gops(config, mhz),
        "digits": at_clock(work, mhz),
        "seconds": got.seconds,
        "netlist": str(got.netlist),
        "placements": {seed: str(place) for seed, place in got.places.items()},
    }


def _record(sweep: Sweep, versions: dict, rows: Sequence[dict]) -> dict:
    return {
        "family": sweep.part.family,
        "device": sweep.part.device,
        "what": sweep.what,
        "config": sweep.config,
        "seeds": len(sweep.seeds),
        "tools": versions,
        "points": fronts(rows),
    }
