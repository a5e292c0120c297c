"""The digits network on the RISC-V system: firmware drives the accelerator, then computes alone."""

import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hw.config import Config
from sim.machine import Machine
from sw.network.firmware import place
from sw.network.model import Network
from sw.network.plan import make_plan
from sw.network.reference import run_network
from sw.runtime.engine import SocEngine

from ..report import console
from .measured import Measured, differences
from .timeline import Strip, write_timeline

SOFTWARE_IMAGES = 2
"""Images that the core computes alone: it takes so long that few must do."""


def run_soc(
    network: Network, config: Config, images: NDArray, directory: Path, waves: bool = False
) -> tuple[Measured, Measured]:
    """What the system measured with the accelerator, and without it."""
    name = f"soc-{config.name}"
    with console.stage(f"soc {config.name}: building the simulator and the firmware"):
        file = directory / f"{name}.vcd" if waves else None
        engine = SocEngine(config, timeline=True, waves=file)
    with console.stage(f"soc {config.name}: compiling the network"):
        plan = make_plan(network, config, len(images), engine.memory_bytes)
        image = place(plan, engine, images)
    wanted = run_network(network, images)
    with console.stage(f"soc {config.name}, {len(images)} images through the firmware"):
        start = time.perf_counter()
        done = engine.run_firmware("network", [image.table])
        fast = _measured("soc", engine, image, len(images), done.cycles, start)
    outputs = plan.outputs(engine)
    fast.mismatches = differences(outputs, wanted)
    fast.scores = outputs[-1]
    with console.stage(f"machine {config.name}, {len(images)} images for comparison"):
        machine = Machine(config)
        plan.prepare(machine)
        machine.write(*plan.input_bytes(images))
        plan.execute(machine)
        fast.mismatches += differences(outputs, plan.outputs(machine))
    _draw(directory, name, fast, done, network.macs)
    count = min(SOFTWARE_IMAGES, len(images))
    with console.stage(f"soc {config.name}, {count} images in plain C"):
        image.set_images(engine, count)
        start = time.perf_counter()
        done = engine.run_firmware("software", [image.table])
        slow = _measured("software", engine, image, count, done.cycles, start)
    outputs = [image.software_output(engine, n, count) for n in range(len(plan.steps))]
    slow.mismatches = differences(outputs, [layer[:count] for layer in wanted])
    slow.scores = outputs[-1]
    engine.close()
    return fast, slow


def _measured(name, engine, image, images: int, simulated: int, start: float) -> Measured:
    """Layers' cycles as the firmware counted them; rate over all simulated cycles."""
    measured = Measured(name, engine.config, images, np.zeros((0, 1, 1, 1), np.int8))
    measured.seconds = time.perf_counter() - start
    measured.layers = image.cycles(engine)
    measured.cycles = sum(measured.layers.values())
    measured.simulated = simulated
    return measured


def _draw(directory: Path, name: str, measured: Measured, done, macs: int):
    """One strip per layer, cut at the firmware's marks."""
    marks = [cycle for cycle, _ in done.marks]
    layers = list(measured.layers)
    strips = []
    for number, (layer, first) in enumerate(zip(layers, marks, strict=True)):
        last = marks[number + 1] if number + 1 < len(marks) else done.cycles
        activity = [
            (unit, max(start, first) - first, min(end, last) - first)
            for unit, start, end in done.activity
            if start < last and end > first
        ]
        strips.append(Strip(layer, last - first, activity))
    write_timeline(directory, name, f"{name}, digits", strips, measured.utilisation(macs))
