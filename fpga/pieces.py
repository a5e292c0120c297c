"""What of a configuration may stand alone on a device."""

from collections.abc import Callable
from dataclasses import dataclass

from amaranth.lib import wiring

from hw.accelerator import Accelerator
from hw.array.mesh import Mesh
from hw.config import Config
from hw.control.execute import ResultTag
from hw.soc.system import System

from .board import BoardError


@dataclass(frozen=True)
class Piece:
    """A part of the design by name; `large` ones are placed as boards' designs are."""

    doc: str
    create: Callable[[Config], wiring.Component]
    large: bool = False


def _mesh(config: Config) -> Mesh:
    return _array(config.replace(depthwise=False))


def _array(config: Config) -> Mesh:
    return Mesh(config, ResultTag(config))


PIECES = {
    "mesh": Piece("the processing elements, weight-stationary products only", _mesh),
    "array": Piece("the mesh with everything that the configuration gives it", _array),
    "accelerator": Piece("with its controllers and local memories", Accelerator, large=True),
    "system": Piece("accelerator and VexRiscv; main memory is outside", System, large=True),
}
"""The smallest first."""


def piece(name: str) -> Piece:
    """The piece of that name; BoardError lists those there are."""
    if name not in PIECES:
        raise BoardError(f"what is {name!r}; it must be one of {', '.join(PIECES)}")
    return PIECES[name]
