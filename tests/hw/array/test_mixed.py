"""Arrays whose elements multiply in blocks and on carry chains: the same results, as late."""

import numpy as np
import pytest
from amaranth.back import rtlil

from hw.array.mesh import Mesh
from hw.array.pe import mac_of
from hw.config import ConfigError
from hw.config_text import parse_config
from hw.formats import Int
from sim.programs.text import config_text
from sim.rtl.flat import Flat
from tests.hw.array.test_mesh import run, tiles
from tests.support.plain import PLAIN
from tests.support.streams import stalls

TINY = PLAIN["tiny"]
CONFIGS = {
    "2x2, one block": TINY.replace(dim=2, dsps=1, mac_stages=3),
    "3x3, five blocks": TINY.replace(dim=3, dsps=5, mac_stages=4),
    "4x4, no block": TINY.replace(dsps=0, mac_stages=2),
    "5x5, half, uint8": TINY.replace(dim=5, dsps=12, input=Int(8, signed=False)),
    "4x4, half, int6": TINY.replace(
        **{x: Int(6) for x in ("input", "weight", "output")}, dsps=8, mac_stages=3
    ),
}


class Ecp5:
    device = "LFE5U-85F"


@pytest.mark.parametrize("name", CONFIGS)
def test_results_equal_numpy_under_stalls(name):
    config = CONFIGS[name]
    jobs = tiles(config, np.random.default_rng(5), 8, rows=None)
    seeds = iter((21, 22))
    got, _ = run(config, jobs, lambda: stalls(next(seeds), 0.3))
    np.testing.assert_array_equal(got, np.concatenate([c for *_, c in jobs]))


@pytest.mark.parametrize("name", CONFIGS)
def test_all_elements_are_as_late(name):
    config = CONFIGS[name]
    macs = [mac_of(config, place) for place in range(config.macs)]
    assert {(mac.before, mac.hop) for mac in macs} == {(config.mac_stages - 1, 1)}
    assert sum(mac.multiplier is None for mac in macs) == config.dsps


@pytest.mark.parametrize(("dsps", "count"), [(None, 9), (9, 9), (7, 7), (1, 1), (0, 0)])
def test_as_many_blocks_as_are_allowed(dsps, count):
    config = TINY.replace(dim=3, dsps=dsps, mac_stages=3)
    text = rtlil.convert(Flat(Mesh(config, tag_shape=8)), platform=Ecp5())
    assert text.count("cell \\MULT18X18D ") == count
    assert text.count("cell \\TRELLIS_FF ") == 9 + 4  # swaps, and shift and capture of two columns


def test_text_of_a_configuration_keeps_them():
    config = parse_config("tiny:dsps=5,mac_stages=3")
    assert config.dsps == 5
    assert parse_config(config_text(config)).dsps == 5


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ("dsps=some", "Config.dsps is 'some'; it must be a whole number"),
        ("dsps=17", "Config.dsps is 17; it must be from 0 to dim² = 16, or None"),
        (
            "dsps=3,multiplier=mitchell",
            "must be None with the multiplier 'mitchell', which",
        ),
        ("dsps=3,format=e4m3fn", "dsps is 3; it must be 16 .* or None with e4m3fn x e4m3fn in"),
        ("dsps=16,format=e5m2", "None with e5m2 x e5m2 in fp32 .*: only integers summed as one"),
        ("dsps=3,format=int8*ternary", "None with int8 x ternary in int32 .*: only integers"),
    ],
)
def test_what_has_no_choice_says_why(changes, message):
    with pytest.raises(ConfigError, match=message):
        parse_config(f"tiny:{changes}")
