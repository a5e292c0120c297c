"""The network as firmware finds it: tensors, command lists and the table of layers."""

import struct
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sim.engine import Engine
from sw.runtime.lists import pack_commands

from .model import INT8
from .plan import Plan
from .table import CONV, FC, HEADER_WORDS, LayerRecord, pack_table, unpack_table


@dataclass(frozen=True)
class Image:
    """A network in memory: address of the table, and dense tensors for the software version.

    The accelerator works in the plan's tensors (with their borders of zeros), the software in
    its own, so that both results can be looked at.
    """

    plan: Plan
    table: int
    tensors: tuple[int, ...]

    def software_outputs(self, engine: Engine, images: int) -> list[NDArray]:
        """Int8 outputs of every layer for the first images, as the software computed them."""
        outputs = []
        for address, shape in zip(self.tensors[1:], self.plan.network.shapes()[1:], strict=True):
            data = engine.read(address, images * int(np.prod(shape)))
            outputs.append(np.frombuffer(data, np.int8).reshape(images, *shape))
        return outputs

    def cycles(self, engine: Engine) -> dict[str, int]:
        """Cycles of every layer over all images, as the firmware counted them."""
        size = 4 * (HEADER_WORDS + len(self.plan.steps) * LayerRecord.WORDS)
        _, records = unpack_table(engine.read(self.table, size))
        names = [step.layer.name for step in self.plan.steps]
        return {name: r.cycles for name, r in zip(names, records, strict=True)}

    def set_images(self, engine: Engine, images: int):
        """Let the software compute only the first `images` images."""
        engine.write(self.table + 8, struct.pack("<I", images))


def place(plan: Plan, engine: Engine, images: NDArray) -> Image:
    """Write everything that both firmware programs need into the memory of `engine`.

    ValueError unless the network is int8, as the software version computes.
    """
    if plan.network.formats != INT8:
        raise ValueError(f"firmware computes in int8, not in {plan.network.formats.name}")
    plan.prepare(engine)
    engine.write(*plan.input_bytes(images))
    take = plan.allocator.take
    sizes = [plan.images * int(np.prod(shape)) for shape in plan.network.shapes()]
    tensors = tuple(take(f"dense {n}", size) for n, size in enumerate(sizes))
    engine.write(tensors[0], np.ascontiguousarray(images, np.int8).tobytes())
    records = []
    for number, step in enumerate(plan.steps):
        commands = pack_commands(step.program.commands)
        address = take(f"{step.layer.name} commands", len(commands))
        engine.write(address, commands)
        record = _record(plan, number, tensors[number : number + 2])
        record.commands, record.count = address, len(step.program.commands)
        records.append(record)
    data = pack_table(plan.images, records)
    table = take("table", len(data))
    engine.write(table, data)
    return Image(plan, table, tensors)


def _record(plan: Plan, number: int, tensors: tuple[int, int]) -> LayerRecord:
    step = plan.steps[number]
    layer, shapes = step.layer, plan.network.shapes()
    source, target = shapes[number], shapes[number + 1]
    if not layer.is_conv:
        source = 1, 1, int(np.prod(source))
    return LayerRecord(
        CONV if layer.is_conv else FC,
        *source,
        *target,
        layer.kernel,
        layer.stride,
        layer.padding,
        int(layer.relu),
        struct.unpack("<I", struct.pack("<f", layer.scale))[0],
        step.weights.address,
        step.bias.address,
        *tensors,
    )
