"""DS-CNN on the engine `timing`, as reports of boards have it; loops and none."""

import pytest

from alhena.jobs.throughput import at_clock, keywords
from alhena.networks import Network, ds_cnn
from fpga.board import LEAN
from hw.config_text import parse_config

MACS = 125 * 64 * (10 * 4) + 4 * 125 * 64 * (9 + 64) + 64 * 12
"""Of the published shapes: the first layer, four of 3×3 and 1×1, the classifier."""


@pytest.mark.parametrize("text", ["default", f"small:{LEAN}"])
def test_every_layer_equals_numpy(text):
    config = parse_config(text)
    network = Network(config, "timing")
    ds_cnn(network)
    assert network.checked and network.loops == config.loop_ws
    assert network.macs == MACS
    assert [name for name, _ in network.cycles][:3] == ["c0", "dw1", "pw1"]
    assert network.total == sum(cycles for _, cycles in network.cycles)
    assert MACS / config.macs < network.total < 10 * MACS / config.macs


def test_other_formats_take_zeros_and_count_alike():
    work = keywords(parse_config(f"small:{LEAN},format=e4m3fn"))
    assert work["macs"] == MACS and MACS / 64 < work["cycles_per_image"] < MACS / 32


def test_a_wrong_result_is_noticed():
    network = Network(parse_config("tiny"), "timing")
    with pytest.raises(AssertionError, match="fc: the result differs"):
        network._done("fc", network.random(2), network.random(2) * 1000, 1.0, False, 0)


def test_figures_at_a_clock():
    assert at_clock({"cycles_per_image": 1000, "macs": 5000}, 100) == {
        **{"cycles_per_image": 1000, "gops": 1.0, "images_per_s": 100_000}
    }
    assert at_clock({"reason": "no"}, 100) == {"reason": "no"}
