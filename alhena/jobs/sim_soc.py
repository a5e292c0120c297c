"""The digits network on the RISC-V system: firmware drives the accelerator, then computes alone."""

import time
from concurrent.futures import Future
from pathlib import Path

from numpy.typing import NDArray

from hw.config import Config
from sim.soc.model import FirmwareRun
from sw.network.firmware import Image, place
from sw.network.model import Network
from sw.network.plan import make_plan
from sw.network.reference import run_network
from sw.runtime.engine import SocEngine

from ..report import console
from .measured import Measured, compare
from .timeline import Strip, write_timeline

SOFTWARE_IMAGES = 2
"""Images that the core computes alone: it takes so long that few must do."""

SHOWN_CYCLES = 4000
"""Length of the picture; the Perfetto file has everything."""


def build_soc(config: Config):
    """Build the system's simulator and firmware, so that `run_soc` finds them."""
    SocEngine(config).close()


def run_soc(
    network: Network,
    config: Config,
    images: NDArray,
    machine: Future,
    directory: Path,
    waves: bool = False,
) -> dict[str, Measured]:
    """What the system measured with the accelerator (`soc`), and without it (`software`).

    `machine` will hold the outputs of every layer on the instruction-set simulator.
    """
    name = f"soc-{config.name}"
    with console.stage(f"soc {config.name}: building the simulator and the firmware"):
        engine = SocEngine(
            config, timeline=True, waves=directory / f"{name}.vcd" if waves else None
        )
    with console.stage(f"soc {config.name}: compiling the network"):
        loops = config.loop_ws and config.loop_conv  # the core is slow to send commands
        plan = make_plan(network, config, len(images), engine.memory_bytes, loops=loops)
        image = place(plan, engine, images)
    wanted = run_network(network, images)
    with console.stage(f"soc {config.name}: {len(images)} images through the firmware"):
        fast, done = _run(engine, "network", image, len(images))
        outputs = plan.outputs(engine)
    _draw(directory, name, fast, done, network.macs)
    measured = {"soc": fast}
    if not waves:
        count = min(SOFTWARE_IMAGES, len(images))
        with console.stage(f"soc {config.name}: {count} images in plain C"):
            image.set_images(engine, count)
            slow, _ = _run(engine, "software", image, count)
            alone = image.software_outputs(engine, count)
        compare(slow, alone, [layer[:count] for layer in wanted])
        slow.accelerated = False
        measured["software"] = slow
    with console.stage(f"machine {config.name}: {len(images)} images (beside)"):
        compare(fast, outputs, machine.result(), wanted)
    engine.close()
    return measured


def _run(engine: SocEngine, program: str, image: Image, images: int):
    """Run a program to its end; layers' cycles are those that it counted itself."""
    start = time.process_time()
    done = engine.run_firmware(program, [image.table])
    seconds = time.process_time() - start
    measured = Measured(engine.config, images, image.cycles(engine), done.cycles, seconds)
    return measured, done


def _draw(directory: Path, name: str, measured: Measured, done: FirmwareRun, macs: int):
    """One strip per layer, cut at the firmware's marks; the core works unless it waits."""
    cuts = [*(cycle for cycle, _ in done.marks), done.cycles]
    waits = [stretch[1:] for stretch in done.activity if stretch[0] == "core waits"]
    edges = [cuts[0], *(edge for wait in waits for edge in wait), done.cycles]
    activity = [s for s in done.activity if s[0] in ("load", "execute", "store")]
    activity += [("core", a, b) for a, b in zip(edges[::2], edges[1::2], strict=True) if a < b]
    strips = []
    for layer, first, last in zip(measured.layers, cuts[:-1], cuts[1:], strict=True):
        inside = [
            (unit, max(start, first) - first, min(end, last) - first)
            for unit, start, end in activity
            if start < last and end > first
        ]
        strips.append(Strip(layer, last - first, inside))
    second = cuts[1] - cuts[0]
    use, window = measured.utilisation(macs), (second, second + SHOWN_CYCLES)
    write_timeline(directory, name, f"{name}, start of the second layer", strips, use, window)
