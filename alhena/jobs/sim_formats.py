"""`alhena sim --format`: the digits network in several number formats, every value compared.

For each the float network is quantised (:mod:`sw.train.quantise`), compiled and run; what the
engine stored is compared with the instruction-set simulator and with plain numpy. Writes
``summary.json`` with one record per format.
"""

import json
import time
from collections.abc import Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

from numpy.typing import NDArray

from hw.config import PRESETS, Config
from hw.formats import Rounded
from hw.formats.mix import Mix
from sim.cache import build_directory
from sim.machine import Machine
from sw.network.digits import load_digits
from sw.network.model import Network, load_floats, load_network
from sw.network.plan import check, make_plan
from sw.network.reference import classify, run_float, run_network
from sw.train.quantise import network_in

from ..report import console
from .measured import Measured, differences
from .sim_rtl import batch_of, run_batches, run_rtl

ALL = (
    *("int8", "int4", "e4m3", "e4m3fn", "e5m2", "e2m1", "e3m2", "e2m3", "fp16", "bf16"),
    *("posit8es1", "posit8es0", "posit16es1", "e4m3fn*e5m2", "int8*e4m3fn", "int8*int4"),
)
"""What ``--format all`` runs."""

CONFIG = PRESETS["tiny"]
"""Sizes, unless a configuration is given: 4×4 is built within a minute in any format."""

IMAGES = 100
"""Test images, unless told otherwise: the simulator computes several in a second."""

ENGINES = ("rtl", "machine")


@dataclass(frozen=True)
class Settings:
    """Configurations, how many images, and the engine (`ENGINES`)."""

    configs: tuple[Config, ...]
    images: int = IMAGES
    engine: str = "rtl"
    output: Path | None = None


def configs_for(names: str, base: Config = CONFIG) -> tuple[Config, ...]:
    """`base` in each of the comma-separated formats; ValueError names what cannot be."""
    wanted = ALL if names == "all" else names.split(",")
    return tuple(_config(name.strip(), base) for name in wanted)


def _config(name: str, base: Config) -> Config:
    try:
        mix = Mix.parse(name)
        config = base.with_formats(**vars(mix), mac_stages=base.mac_stages)
        words = mix.name.replace("->", "-").replace("*", "-")
        config = config.replace(name=f"{base.name}-{words}")
        if isinstance(mix.accumulator, Rounded) and mix.accumulator.rounding == "stochastic":
            raise ValueError(f"plain numpy does not know the random bits of {mix.accumulator.name}")
        check(network_in(mix), config)
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from error
    return config


def run(settings: Settings) -> dict:
    """Run every configuration; returns the summary, which also stands in summary.json."""
    directory = settings.output or build_directory("sim-formats")
    directory.mkdir(parents=True, exist_ok=True)
    data = load_digits()
    pixels, labels = data.test_images[: settings.images], data.test_labels[: settings.images]
    exact = classify(run_float(load_network(), load_floats(), pixels))
    networks = [network_in(Mix.of(config)) for config in settings.configs]
    inputs = [network.inputs(pixels) for network in networks]
    works = list(zip(networks, settings.configs, inputs, strict=True))
    records = []
    with ProcessPoolExecutor(1, get_context("spawn")) as beside:
        machines = [beside.submit(run_machine, *work) for work in works]
        for work, machine in zip(works, machines, strict=True):
            record, scores = _run(*work, machine, settings.engine == "rtl", directory)
            record["accuracy"] = float((classify(scores) == labels).mean())
            record["accuracy_float"] = float((exact == labels).mean())
            records.append(record)
            summary = _summary(settings, records, directory / "summary.json")
    return summary


def _summary(settings: Settings, records: list[dict], path: Path) -> dict:
    """The summary so far; also in the file, so that an end before the last format loses nothing."""
    summary = {
        "images": settings.images,
        "engine": settings.engine,
        "mismatches": sum(record["mismatches"] for record in records),
        "formats": records,
        "files": {"summary": str(path)},
    }
    path.write_text(json.dumps(summary, indent=2))
    return summary


def run_machine(
    network: Network, config: Config, inputs: NDArray
) -> tuple[list[NDArray], Sequence, float]:
    """Outputs of every layer on the instruction-set simulator, tiles of K, seconds."""
    plan = make_plan(network, config, batch_of(len(inputs)))
    start = time.process_time()
    outputs = run_batches(plan, Machine(config), inputs)[0]
    return outputs, plan.tiles(), time.process_time() - start


def _run(
    network: Network,
    config: Config,
    inputs: NDArray,
    machine: Future,
    rtl: bool,
    directory: Path,
) -> tuple[dict, NDArray]:
    """The record of one configuration, and the scores of the classes."""
    measured, count = None, len(inputs)
    if rtl:
        measured, outputs = run_rtl(network, config, inputs, directory)
    with console.stage(f"machine {config.name}, {count} images (beside)"):
        simulated, tiles, seconds = machine.result()
    with console.stage(f"plain numpy {network.formats.name}, {count} images"):
        mismatches = differences(simulated, run_network(network, inputs, tiles))
    if measured:
        mismatches += differences(outputs, simulated)
    record = _record(config, network, measured, seconds)
    record |= {"images": count, "mismatches": mismatches}
    return record, (outputs if measured else simulated)[-1]


def _record(config: Config, network: Network, measured: Measured | None, seconds: float) -> dict:
    mix = network.formats
    names = {role: fmt.name for role, fmt in vars(mix).items()}
    record = {"format": mix.name, **names, "config": config.name}
    if measured:
        return record | measured.record(network.macs)
    unknown = ("cycles_per_image", "utilisation", "simulated_cycles_per_second", "layers")
    return record | dict.fromkeys(unknown) | {"seconds": round(seconds, 2)}


def show(summary: dict):
    """Print the summary for people."""
    columns = ("format", "accumulator", "accuracy", "float", "cycles/image", "utilisation")
    rows = [
        (
            record["format"],
            record["accumulator"],
            f"{record['accuracy']:.2%}",
            f"{record['accuracy_float']:.2%}",
            None if record["cycles_per_image"] is None else round(record["cycles_per_image"]),
            None if record["utilisation"] is None else f"{record['utilisation']:.1%}",
            record["mismatches"],
        )
        for record in summary["formats"]
    ]
    title = f"Handwritten digits, {summary['images']} held-out images, on {summary['engine']}"
    console.out.print(console.table(title, (*columns, "mismatches"), rows))
    console.paths(f"{name}: {path}" for name, path in summary["files"].items())
