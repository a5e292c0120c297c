"""Two products per multiplier block: exact for all operands, and in the mesh."""

import numpy as np
import pytest
from amaranth.back import rtlil

from hw.array.mesh import Mesh
from hw.config import ConfigError
from hw.config_text import parse_config
from hw.formats import Int
from sim.rtl.flat import Flat
from tests.hw.array.test_mesh import run, tiles
from tests.support.plain import PLAIN
from tests.support.streams import never, stalls

TINY = PLAIN["tiny"].replace(spad_store=False)


def config(width=4, weight=4, dim=4, stages=1, signed=(True, True)):
    return TINY.replace(
        dim=dim,
        input=Int(width, signed[0]),
        weight=Int(weight, signed[1]),
        output=Int(width),
        mac_stages=stages,
        products_per_dsp=2,
    )


CONFIGS = {
    "int4 4x4": config(),
    "int8 x int4 4x4": config(8, stages=3),
    "uint8 x int4 2x2": config(8, dim=2, stages=2, signed=(False, True)),
    "int8 x uint4 6x6": config(8, dim=6, stages=4, signed=(True, False)),
    "uint4 4x4": config(stages=5, signed=(False, False)),
    "int8 4x4": config(8, 8),
    "uint8 x int8 2x2": config(8, 8, dim=2, stages=3, signed=(False, True)),
}


class Ecp5:
    device = "LFE5U-85F"


class Ice40:
    device = "UP5K"


@pytest.mark.parametrize("name", CONFIGS)
def test_results_equal_numpy_under_stalls(name):
    jobs = tiles(CONFIGS[name], np.random.default_rng(6), 10, rows=None)
    seeds = iter((31, 32))
    got, _ = run(CONFIGS[name], jobs, lambda: stalls(next(seeds), 0.3), keep=1)
    np.testing.assert_array_equal(got, np.concatenate([np.concatenate([c, c]) for *_, c in jobs]))


@pytest.mark.parametrize("rows", [1, 4])
def test_a_new_tile_every_dim_cycles(rows):
    jobs = tiles(CONFIGS["int4 4x4"], np.random.default_rng(7), 12, rows)
    full = [job for job in jobs if len(job[0]) == 4]
    got, left = run(CONFIGS["int4 4x4"], full, lambda: never)
    np.testing.assert_array_equal(got, np.concatenate([c for *_, c in full]))
    assert left[-1] - left[0] == (len(full) - 1) * 4 + rows - 1


def test_half_as_many_blocks():
    mesh = Mesh(config(8, dim=4, stages=3), tag_shape=8)
    text = rtlil.convert(Flat(mesh), platform=Ecp5())
    assert text.count("cell \\MULT18X18D ") == 8


@pytest.mark.parametrize("stages", [1, 3])
def test_eight_bits_twice_take_a_block_of_two_halves(stages):
    mesh = Mesh(config(8, 8, stages=stages), tag_shape=8)
    text = rtlil.convert(Flat(mesh), platform=Ice40())
    assert text.count("cell \\SB_MAC16 ") == 8


def test_as_late_as_without():
    alone = CONFIGS["int4 4x4"].replace(products_per_dsp=1)
    latencies = [Mesh(c, tag_shape=8).latency for c in (alone, CONFIGS["int4 4x4"])]
    assert latencies[0] == latencies[1]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ("products_per_dsp=3", "products_per_dsp is 3; it must be 1 or 2"),
        (
            "products_per_dsp=2,format=int16*int8",
            "two weights, a product apart, take 33 bits of 18",
        ),
        ("products_per_dsp=2,format=int4,depthwise=on", "depthwise is True; .* products in pairs"),
        ("products_per_dsp=2,dim=5", "1 with dim=5, which is odd"),
        ("products_per_dsp=2,format=int4,dsps=3", "1 with a multiplier or dsps"),
        ("products_per_dsp=2,format=e4m3fn", "e4m3fn in fixed56e-18 .*: only integers share"),
    ],
)
def test_what_does_not_share_says_why(changes, message):
    with pytest.raises(ConfigError, match=message):
        parse_config(f"tiny:{changes}")
