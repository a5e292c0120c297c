"""`alhena explain`: where the cycles of a layer or of the digits network go."""

import re
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hw.config import Config
from hw.formats.mix import Mix
from sim.breakdown import Timing
from sim.engine import EngineError
from sw.network.digits import load_digits
from sw.network.plan import make_plan
from sw.train.quantise import network_in

from ..accelerator import Accelerator
from ..observe import observed
from ..report import breakdown, console
from .names import pieces
from .timeline import Strip, write_timeline

PRODUCT = re.compile(r"(\d+)x(\d+)x(\d+)")
IMAGE = re.compile(r"(\d+)x(\d+)-(\d+)k(\d+)(?:s(\d+))?")
FORMS = "MxKxN (a product), 56x64-128k3s2 (size, channels, filters, kernel, stride) or digits"


class _Recorder(Accelerator):
    """Remembers the commands of every run."""

    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        self.programs: list = []

    def run(self, commands):
        self.programs.append(commands)
        return super().run(commands)


def run_work(work: str, config: Config, engine: str, **options):
    """(name, commands, Run) of every layer of `work` (see `FORMS`), on zeros or an image (of
    weights that have no zero, what is nearest)."""
    accelerator = _Recorder(config, engine, timeline=True, **options)
    names = [work]
    with observed() as runs:
        if match := PRODUCT.fullmatch(work):
            m, k, n = map(int, match.groups())
            accelerator.matmul(np.zeros((m, k), int), _weights(accelerator, k, n))
        elif match := IMAGE.fullmatch(work):
            size, cin, cout, kernel, stride = (int(group or 1) for group in match.groups())
            x = np.zeros((1, size, size, cin), int)
            w = _weights(accelerator, kernel, kernel, cin, cout)
            accelerator.conv2d(x, w, stride=stride, padding=kernel // 2)
        elif work == "digits":
            names = _digits(accelerator)
        else:
            raise EngineError(f"cannot read {work!r}; write {FORMS}")
    return list(zip(names, accelerator.programs, runs, strict=True))


def _weights(accelerator: Accelerator, *shape: int) -> NDArray:
    return accelerator.weight.quantize(np.zeros(shape))


def _digits(accelerator: Accelerator) -> list[str]:
    network = network_in(Mix.of(accelerator.config))
    plan = make_plan(network, accelerator.config, 1)
    plan.prepare(accelerator)
    accelerator.write(*plan.input_bytes(network.inputs(load_digits().test_images[:1])))
    plan.execute(accelerator)
    return [step.layer.name for step in plan.steps]


def explain(work: str, config: Config, engine: str, output: Path | None, **options) -> dict:
    """Run `work`; returns what :func:`show` prints. With `output`, timelines are written there."""
    layers = run_work(work, config, engine, **options)
    total = Timing.sum(run.timing for _, _, run in layers)
    result = {
        "work": work,
        "config": config.name,
        "engine": engine,
        "total": breakdown.record(total),
        "layers": {name: breakdown.record(run.timing) for name, _, run in layers},
        "files": [],
    }
    if output:
        result["files"] = [str(path) for path in _write(output, work, config, layers)]
    return result


def _write(output: Path, work: str, config: Config, layers) -> list[Path]:
    """Perfetto JSON with every command by name, and a picture."""
    name, title = f"explain-{work}-{config.name}", f"{work} on {config.name}"
    strips = [
        Strip(layer, run.cycles, run.activity, pieces(program, run.commands))
        for layer, program, run in layers
    ]
    write_timeline(output, name, title, strips, None)
    return [output / f"{name}-timeline.{kind}" for kind in ("json", "png")]


def show(result: dict):
    """Tables for people."""
    totals = result["total"]
    layers = {**result["layers"]}
    if len(layers) > 1:
        layers["all"] = totals
    made = [(name, _timing(each)) for name, each in layers.items()]
    breakdown.show_layers(f"{result['work']} on {result['config']} ({result['engine']})", made)
    breakdown.show_units("Every cycle of every unit", _timing(totals))
    console.paths(result["files"])


def _timing(each: dict) -> Timing:
    return Timing(each["cycles"], each["units"], each["bounds"])
