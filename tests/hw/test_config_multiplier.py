"""`Config.multiplier`: bound to the formats, identified by its products."""

import numpy as np
import pytest

from hw.config import PRESETS, ConfigError
from hw.config_text import parse_config
from hw.formats import Int, Multiplier
from hw.formats.multipliers import Mitchell
from sim.programs.text import config_text

TINY = PRESETS["tiny"]


def test_it_is_bound_to_the_formats():
    config = parse_config("tiny:multiplier=mitchell")
    assert config.multiplier.products.operands == (Int(8), Int(8))
    assert config.multiplier.function == Mitchell() and "by mitchell" in config.formats
    floats = config.with_formats(*[parse_config("tiny:format=e4m3fn").input] * 2)
    assert [fmt.name for fmt in floats.multiplier.products.operands] == ["uint4", "uint4"]
    assert config.replace(name="x").multiplier is config.multiplier
    assert parse_config(config_text(config)).multiplier == config.multiplier


def test_the_name_of_a_build_tells_functions_apart():
    def make(function):
        return TINY.replace(multiplier=Multiplier("mine", function))

    exact, other = make(lambda a, b: a * b), make(lambda a, b: a * b - (a & b & 1))
    assert repr(exact) == repr(make(lambda a, b: b * a)) != repr(other)
    assert "0x" not in repr(exact)


def test_messages():
    with pytest.raises(ConfigError, match="multiplier is 'booth'; it must be one of ours: no mult"):
        parse_config("tiny:multiplier=booth")
    with pytest.raises(ConfigError, match="multiplier is 'mitchell', and cannot be: .* 2.32 prod"):
        parse_config("tiny:multiplier=mitchell,format=int16")
    with pytest.raises(ConfigError, match="multiplier is 3; it must be a Multiplier or None"):
        TINY.replace(multiplier=3)
    with pytest.raises(ConfigError, match="is 'n', and cannot be: .*a product with 0 must be 0"):
        TINY.replace(multiplier=Multiplier("n", lambda a, b: np.maximum(a * b, 1)))
