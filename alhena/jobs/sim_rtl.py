"""The digits network on machine and on rtl."""

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
from .measured import Measured
from .names import pieces
from .timeline import Strip, write_timeline

LARGEST_BATCH = 50


def batch_of(images: int) -> int:
    """Images that one program computes: the largest divisor up to `LARGEST_BATCH`."""
    sizes = range(1, min(images, LARGEST_BATCH) + 1)
    return max((size for size in sizes if images % size == 0), default=1)


def run_batches(plan: Plan, engine: Engine, images: NDArray):
    """Outputs of every layer for all images; runs of every batch; seconds of simulation."""
    plan.prepare(engine)
    outputs, runs, seconds = [], [], 0.0
    for at in range(0, len(images), plan.images):
        engine.write(*plan.input_bytes(images[at : at + plan.images]))
        start = time.process_time()
        runs.append(plan.execute(engine))
        seconds += time.process_time() - start
        outputs.append(plan.outputs(engine))
    return [np.concatenate(layer) for layer in zip(*outputs, strict=True)], runs, seconds


def run_machine(network: Network, config: Config, images: NDArray) -> list[NDArray]:
    """Outputs of every layer for all images on the instruction-set simulator."""
    plan = make_plan(network, config, batch_of(len(images)))
    return run_batches(plan, Machine(config), images)[0]


def run_rtl(
    network: Network, config: Config, images: NDArray, directory: Path, waves: bool = False
) -> tuple[Measured, list[NDArray]]:
    """All images on the Verilated accelerator; draws the first batch."""
    with console.stage(f"rtl {config.name}: building the simulator"):
        file = directory / f"rtl-{config.name}.vcd" if waves else None
        engine = RtlEngine(config, timeline=True, waves=file)
    with console.stage(f"rtl {config.name}: {len(images)} images"):
        plan = make_plan(network, config, batch_of(len(images)))
        outputs, runs, seconds = run_batches(plan, engine, images)
    names = [step.layer.name for step in plan.steps]
    layers = {name: sum(batch[n].cycles for batch in runs) for n, name in enumerate(names)}
    measured = Measured(config, len(images), layers, sum(layers.values()), seconds)
    strips = [
        Strip(step.layer.name, r.cycles, r.activity, pieces(step.program.commands, r.commands))
        for step, r in zip(plan.steps, runs[0], strict=True)
    ]
    title = f"rtl-{config.name}, {plan.images} digits"
    use = measured.utilisation(network.macs)
    write_timeline(directory, f"rtl-{config.name}", title, strips, use)
    engine.close()
    return measured, outputs
