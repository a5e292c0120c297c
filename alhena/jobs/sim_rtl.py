"""The digits network on the engines without a processor: machine and rtl."""

import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hw.config import Config
from sim.engine import Engine
from sim.machine import Machine
from sim.rtl.engine import RtlEngine
from sw.network.model import Network
from sw.network.plan import Plan, make_plan

from ..report import console
from .measured import Measured, differences
from .timeline import Strip, write_timeline

LARGEST_BATCH = 50


def batch_of(images: int) -> int:
    """Images that one program computes: the largest divisor up to `LARGEST_BATCH`."""
    return max(size for size in range(1, min(images, LARGEST_BATCH) + 1) if images % size == 0)


def run_batches(name: str, engine: Engine, plan: Plan, images: NDArray, wanted: list[NDArray]):
    """Run all images on `engine` in batches; returns what was measured and the first batch's runs.

    `wanted` are the outputs of every layer; `seconds` counts simulation alone.
    """
    layers = [step.layer.name for step in plan.steps]
    measured = Measured(name, engine.config, len(images), np.zeros((0, 1, 1, 1), np.int8))
    cycles = dict.fromkeys(layers, 0)
    scores, first = [], []
    plan.prepare(engine)
    for at in range(0, len(images), plan.images):
        engine.write(*plan.input_bytes(images[at : at + plan.images]))
        start = time.perf_counter()
        runs = plan.execute(engine)
        measured.seconds += time.perf_counter() - start
        first = first or runs
        outputs = plan.outputs(engine)
        measured.mismatches += differences(
            outputs, [layer[at : at + plan.images] for layer in wanted]
        )
        for layer, run in zip(layers, runs, strict=True):
            cycles[layer] += run.cycles or 0
        scores.append(outputs[-1])
    measured.scores = np.concatenate(scores)
    measured.cycles = sum(cycles.values()) or None
    measured.layers = {layer: count or None for layer, count in cycles.items()}
    return measured, first


def run_machine(network: Network, config: Config, images: NDArray, wanted: list[NDArray]):
    """All images on the instruction-set simulator."""
    with console.stage(f"machine {config.name}, {len(images)} images"):
        plan = make_plan(network, config, batch_of(len(images)))
        return run_batches("machine", Machine(config), plan, images, wanted)[0]


def run_rtl(
    network: Network,
    config: Config,
    images: NDArray,
    wanted: list[NDArray],
    directory: Path,
    waves: bool = False,
) -> Measured:
    """All images on the Verilated accelerator; draws the first batch."""
    with console.stage(f"rtl {config.name}: building the simulator"):
        file = directory / f"rtl-{config.name}.vcd" if waves else None
        engine = RtlEngine(config, timeline=True, waves=file)
        plan = make_plan(network, config, batch_of(len(images)))
    with console.stage(f"rtl {config.name}, {len(images)} images"):
        measured, runs = run_batches("rtl", engine, plan, images, wanted)
    names = [step.layer.name for step in plan.steps]
    strips = [Strip(name, run.cycles, run.activity) for name, run in zip(names, runs, strict=True)]
    title = f"rtl-{config.name}, {plan.images} digits"
    write_timeline(
        directory, f"rtl-{config.name}", title, strips, measured.utilisation(network.macs)
    )
    engine.close()
    return measured
