"""`alhena sim`: the digits network on every engine, every value compared.

Writes build/sim/summary.json, timelines (Perfetto JSON and PNG) and, if asked, waves.
"""

import json
from dataclasses import dataclass
from pathlib import Path

from hw.config import PRESETS, Config
from sim.cache import build_directory
from sw.network.digits import load_digits
from sw.network.model import load_floats, load_network
from sw.network.reference import classify, run_float, run_network

from ..report import console
from . import sim_rtl, sim_soc
from .measured import Measured


@dataclass(frozen=True)
class Settings:
    """How many images run where."""

    images: int = 450
    soc_images: int = 32
    config: Config = PRESETS["default"]
    soc_config: Config = PRESETS["tiny"]
    waves: bool = False


def run(settings: Settings) -> dict:
    """Run everything; returns the summary, which also stands in build/sim/summary.json."""
    directory = build_directory("sim")
    data, network = load_digits(), load_network()
    images, labels = data.test_images[: settings.images], data.test_labels[: settings.images]
    with console.stage(f"plain-numpy network, {len(images)} images"):
        exact = classify(run_float(network, load_floats(), images))
        wanted = run_network(network, images)
    engines = [
        sim_rtl.run_machine(network, settings.config, images, wanted),
        sim_rtl.run_rtl(network, settings.config, images, wanted, directory, settings.waves),
    ]
    software = None
    if settings.soc_images:
        images = data.test_images[: settings.soc_images]
        accelerated, software = sim_soc.run_soc(
            network, settings.soc_config, images, directory, settings.waves
        )
        engines.append(accelerated)
    summary = _summary(network, engines, software)
    summary["accuracy"] = _accuracy(engines[1], labels)
    summary["accuracy_float"] = float((exact == labels).mean())
    summary["files"] = {key: str(path) for key, path in _files(directory).items()}
    (directory / "summary.json").write_text(json.dumps(summary, indent=2))
    return summary


def _accuracy(engine: Measured, labels) -> float:
    return float((classify(engine.scores) == labels[: len(engine.scores)]).mean())


def _summary(network, engines: list[Measured], software: Measured | None) -> dict:
    rtl = engines[1]
    summary = {
        "images": rtl.images,
        "accuracy": None,
        "accuracy_float": None,
        "mismatches": sum(e.mismatches for e in [*engines, *([software] if software else [])]),
        "cycles_per_image": rtl.cycles / rtl.images,
        "utilisation": rtl.utilisation(network.macs),
        "speedup_over_software": None,
        "simulated_cycles_per_second": rtl.rate,
        "engines": {engine.name: engine.record(network.macs) for engine in engines},
    }
    if software:
        soc = engines[-1]
        slow, fast = software.cycles / software.images, soc.cycles / soc.images
        summary["speedup_over_software"] = slow / fast
        summary["engines"][software.name] = software.record(network.macs)
    return summary


def _files(directory: Path) -> dict[str, Path]:
    found = {"summary": directory / "summary.json"}
    for path in sorted(directory.glob("*-timeline.*")):
        found[f"{path.stem} {path.suffix[1:]}"] = path
    return found


def show(summary: dict):
    """Print the summary for people."""
    columns = (
        "engine",
        "config",
        "images",
        "cycles/image",
        "utilisation",
        "cycles/s",
        "mismatches",
    )
    rows = []
    for name, engine in summary["engines"].items():
        cycles, rate = engine["cycles_per_image"], engine["simulated_cycles_per_second"]
        used = engine["utilisation"]
        rows.append(
            (
                name,
                engine["config"],
                engine["images"],
                None if cycles is None else round(cycles),
                None if used is None else f"{used:.1%}",
                None if rate is None else round(rate),
                engine["mismatches"],
            )
        )
    console.out.print(console.table("Handwritten digits, int8", columns, rows))
    accuracy = f"{summary['accuracy']:.2%} of {summary['images']} held-out images"
    console.out.print(f"accuracy {accuracy} (float network {summary['accuracy_float']:.2%})")
    if summary["speedup_over_software"]:
        factor = summary["speedup_over_software"]
        console.out.print(f"{factor:.1f} times as fast as the same network in C on the same core")
    for name, path in summary["files"].items():
        console.out.print(f"[dim]{name}: {path}[/]", highlight=False, soft_wrap=True)
