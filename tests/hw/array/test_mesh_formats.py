"""The mesh in other formats: full rate with any number of MAC stages."""

import numpy as np
import pytest
from amaranth.back import rtlil

from hw.array.mesh import Mesh
from hw.array.pe import mac_of
from hw.config_text import parse_config
from hw.formats import parse_accumulator, parse_format
from sim.rtl.flat import Flat
from tests.hw.array.test_mesh import run
from tests.support.plain import PLAIN
from tests.support.streams import never, stalls

KINDS = [
    *(("int8", "int32", stages) for stages in (2, 8)),
    *(("e4m3fn", "fixed56e-18", stages) for stages in (1, 3)),
    *(("bf16", "fp32", stages) for stages in (1, 2, 4, 8)),
    ("posit8es1", "fixed64e-24", 2),
]


def mesh(kind, dim=3):
    fmt, total, stages = kind
    formats = parse_format(fmt), None, parse_accumulator(total)
    plain = PLAIN["tiny"].replace(dim=dim)
    return plain.with_formats(*formats, mac_stages=stages)


def constants(config, value, shape):
    """Codes of a value in the input's format."""
    return np.full(shape, int(config.input.encode(float(value))))


def results(config, sums):
    """Codes of whole numbers as sums."""
    acc = config.accumulator
    if hasattr(acc, "lsb"):
        return np.array(sums, object) * 2**-acc.lsb
    return acc.encode(np.array(sums, float)).astype(np.int64)


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_a_new_tile_every_dim_cycles(kind):
    config = mesh(kind)
    dim = config.dim
    shape = (dim, dim)
    one, zero = constants(config, 1, shape), constants(config, 0, shape)
    jobs = [(constants(config, n, shape), one, zero, None) for n in range(9)]
    got, left = run(config, jobs, lambda: never)
    want = results(config, [n * dim for n in range(9) for _ in range(dim)])
    np.testing.assert_array_equal(got[:, 0], want)
    assert left[-1] - left[0] == 9 * dim - 1
    mac = mac_of(config)
    assert mac.before + mac.hop == config.mac_stages


@pytest.mark.parametrize("kind", [KINDS[3], KINDS[6]], ids=str)
def test_tiles_of_few_rows_clear_the_others(kind):
    """A NaN of an earlier tile does not reach the products of a later, shorter one."""
    config = mesh(kind)
    nan = constants(config, np.nan, (3, 3))
    one, zero = constants(config, 1, (2, 3)), constants(config, 0, (2, 3))
    short = constants(config, 5, (1, 3))
    seeds = iter((1, 2, 3, 4))
    jobs = [(nan, one, zero, None), (short, one, zero, None)]
    got, _ = run(config, jobs, lambda: stalls(next(seeds), 0.4))
    np.testing.assert_array_equal(got[2:, 0], results(config, [5, 5]))


@pytest.mark.parametrize(
    "text", ["tiny", "tiny:dim=8,depthwise=on", "tiny:format=e4m3fn", "tiny:format=mxfp4"]
)
def test_a_mesh_may_be_elaborated_again(text):
    """Nothing of the first time stays in it: what measures areas does so twice."""
    unit = Mesh(parse_config(text), tag_shape=8)
    assert rtlil.convert(Flat(unit)) == rtlil.convert(Flat(unit))
