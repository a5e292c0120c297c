"""The four MLPerf Tiny networks on the rtl engine: cycles of all layers, one after the other.

Weights are random int8. A layer is a few loop commands and starts when the one before it is in
memory. Every layer's result is compared with numpy (:mod:`alhena.networks`).
"""

from collections.abc import Callable
from functools import partial

from alhena.networks import Network, autoencoder, ds_cnn, mobilenet, resnet8
from hw.config import PRESETS, Config

from .row import Row

DIM16 = PRESETS["default"]
DIM8 = DIM16.replace(name="default-dim8-bus64", dim=8, bus_width=64)
SOURCE = "limit"


# name, layers, limits at 16×16 and 8×8
NETWORKS: tuple[tuple[str, Callable[[Network], None], int, int], ...] = (
    ("ResNet-8", resnet8, 57_000, 215_000),
    ("DS-CNN", ds_cnn, 20_000, 60_000),
    ("MobileNetV1-0.25", mobilenet, 60_000, 170_000),
    ("FC autoencoder", autoencoder, 18_000, 36_000),
)


def network_cycles(config: Config, layers: Callable[[Network], None]) -> int:
    """Cycles of a network; checks every layer."""
    network = Network(config)
    layers(network)
    return network.total


def rows() -> list[Row]:
    """The table, in its order of print."""
    return [
        Row(
            "tiny",
            name,
            config.name,
            limit,
            SOURCE,
            "cycles",
            partial(network_cycles, config, layers),
            weight=limit,
        )
        for config, column in ((DIM16, 0), (DIM8, 1))
        for name, layers, *limits in NETWORKS
        for limit in (limits[column],)
    ]
