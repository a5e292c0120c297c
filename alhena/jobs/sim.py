"""`alhena sim`: the digits network on every engine, every value compared.

Writes build/sim/summary.json, timelines (Perfetto JSON and PNG) and, if asked, waves.
"""

import json
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from multiprocessing import get_context
from pathlib import Path

from hw.config import PRESETS, Config
from sim.cache import build_directory
from sw.network.digits import load_digits
from sw.network.model import Network, load_floats, load_network
from sw.network.reference import classify, run_float, run_network

from ..report import console
from .measured import Measured, compare
from .sim_rtl import run_machine, run_rtl
from .sim_soc import build_soc, run_soc

WAVE_IMAGES = 1
"""Images per engine when waves are written: every cycle costs kilobytes."""


@dataclass(frozen=True)
class Settings:
    """How many images run where; `output` is the folder for what is written.

    With `waves`, at most `WAVE_IMAGES` on each engine, and none in plain C.
    """

    images: int = 450
    soc_images: int = 32
    config: Config = PRESETS["default"]
    soc_config: Config = PRESETS["tiny"]
    waves: bool = False
    output: Path | None = None

    def limited(self) -> "Settings":
        """These settings with as many images as waves allow."""
        if not self.waves:
            return self
        few = min(self.images, WAVE_IMAGES), min(self.soc_images, WAVE_IMAGES)
        return replace(self, images=few[0], soc_images=few[1])


def run(settings: Settings) -> dict:
    """Run everything; returns the summary, which also stands in summary.json."""
    settings = settings.limited()
    directory = settings.output or build_directory("sim")
    directory.mkdir(parents=True, exist_ok=True)
    data, network = load_digits(), load_network()
    images, labels = data.test_images[: settings.images], data.test_labels[: settings.images]
    with console.stage(f"plain-numpy network, {len(images)} images"):
        exact = classify(run_float(network, load_floats(), images))
        wanted = run_network(network, images)
    few = data.test_images[: settings.soc_images]
    engines = {}
    with ProcessPoolExecutor(1, get_context("spawn")) as beside:
        machine = beside.submit(run_machine, network, settings.config, images)
        if len(few):
            machine_soc = beside.submit(run_machine, network, settings.soc_config, few)
            beside.submit(build_soc, settings.soc_config)
        engines["rtl"], outputs = run_rtl(
            network, settings.config, images, directory, settings.waves
        )
        if len(few):
            engines |= run_soc(
                network, settings.soc_config, few, machine_soc, directory, settings.waves
            )
        with console.stage(f"machine {settings.config.name}, {len(images)} images (beside)"):
            compare(engines["rtl"], outputs, machine.result(), wanted)
    summary = _summary(network, engines)
    summary["accuracy"] = float((classify(outputs[-1]) == labels).mean())
    summary["accuracy_float"] = float((exact == labels).mean())
    summary["files"] = {key: str(path) for key, path in _files(directory).items()}
    (directory / "summary.json").write_text(json.dumps(summary, indent=2))
    return summary


def _summary(network: Network, engines: dict[str, Measured]) -> dict:
    """The named figures first, then everything by engine."""
    rtl = engines["rtl"]
    speedup = None
    if "software" in engines:
        speedup = engines["software"].cycles_per_image / engines["soc"].cycles_per_image
    return {
        "images": rtl.images,
        "accuracy": None,
        "accuracy_float": None,
        "mismatches": sum(engine.mismatches for engine in engines.values()),
        "cycles_per_image": rtl.cycles_per_image,
        "utilisation": rtl.utilisation(network.macs),
        "speedup_over_software": speedup,
        "simulated_cycles_per_second": rtl.rate,
        "engines": {name: engine.record(network.macs) for name, engine in engines.items()},
    }


def _files(directory: Path) -> dict[str, Path]:
    found = {"summary": directory / "summary.json"}
    for path in sorted([*directory.glob("*-timeline.*"), *directory.glob("*.vcd")]):
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
    console.paths(f"{name}: {path}" for name, path in summary["files"].items())
