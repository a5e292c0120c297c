"""Run suites, print them, keep build/bench.json up to date."""

import json
import sys

from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from alhena.observe import observed
from alhena.report import breakdown, console
from sim.breakdown import Timing
from sim.cache import build_directory

from . import area, devices, gemmini, simulation, systems, timing, tiny
from .row import Row

SUITES = {
    "area": area.rows,
    "gemmini": gemmini.rows,
    "simulation": simulation.rows,
    "systems": systems.rows,
    "timing": timing.rows,
    "tiny": tiny.rows,
    "devices": devices.rows,
}
QUICK_CYCLES = 100_000


def chosen(suite: str, only: str | None, quick: bool) -> list[Row]:
    """Rows of a suite (or all) whose name contains `only`."""
    rows = [row for name, make in SUITES.items() if suite in ("all", name) for row in make()]
    if only:
        exact = [row for row in rows if row.name == only]
        rows = exact or [row for row in rows if only in row.name]
    return [row for row in rows if not quick or row.weight <= QUICK_CYCLES]


def run(
    suite: str = "all", only: str | None = None, quick: bool = False, explain: bool = False
) -> list[dict]:
    """Measure; returns records, with an explanation each if wanted, and merges them into
    build/bench.json."""
    rows = chosen(suite, only, quick)
    columns = SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn()
    records = []
    with Progress(*columns, console=console.err, disable=not sys.stderr.isatty()) as progress:
        task = progress.add_task("measuring", total=None)
        for number, row in enumerate(rows):
            progress.update(task, description=f"{number + 1}/{len(rows)} {row.name}")
            with observed() as runs:
                records.append(row.record(row.measure() if row.measure else None))
            _merge(records[-1:])
            timings = [run.timing for run in runs if run.timing]
            if explain and timings:
                records[-1]["explanation"] = breakdown.record(Timing.sum(timings))
    return records


def _merge(records: list[dict]):
    """Replace rows of build/bench.json; rows that no suite has any more go."""
    path = build_directory() / "bench.json"
    old = json.loads(path.read_text()) if path.exists() else []
    merged = {_key(row): row for row in [*old, *records]}
    order = [(row.suite, row.name, row.config) for row in chosen("all", None, False)]
    rows = [merged[key] for key in order if key in merged]
    path.write_text(json.dumps(rows, indent=1, ensure_ascii=False))


def _key(record: dict) -> tuple[str, str, str]:
    return record["suite"], record["name"], record["config"]


def show(records: list[dict]):
    """Print one table per suite."""
    for suite in dict.fromkeys(record["suite"] for record in records):
        rows = [_line(record) for record in records if record["suite"] == suite]
        columns = ("work", "config", "ours", "reference", "factor", "unit", "source")
        console.out.print(console.table(suite, columns, rows), soft_wrap=True)


def _line(record: dict) -> tuple:
    ours, reference = record["ours"], record["reference"]
    factor = None
    if ours and reference:
        less_is_better = record["unit"] in ("cycles", "s", "LUT4")
        factor = reference / ours if less_is_better else ours / reference
        factor = f"{factor:.2f}×"
    first = record["note"] if ours is None else ours
    source = record["reference_source"]
    return record["name"], record["config"], first, reference, factor, record["unit"], source


def show_explanations(records: list[dict]):
    """One line per row: what bounds it."""
    explained = [(r["name"], r["explanation"]) for r in records if "explanation" in r]
    layers = [(name, Timing(e["cycles"], e["units"], e["bounds"])) for name, e in explained]
    breakdown.show_layers("What bounds it", layers)
