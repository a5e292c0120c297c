"""Names there and back."""

import pytest

from hw.formats import (
    E8M0,
    Binary,
    Codebook,
    Fixed,
    Float,
    Int,
    Log,
    Posit,
    Rounded,
    Ternary,
    parse_accumulator,
    parse_format,
)  # fmt: skip

FORMATS = {
    "int8": Int(8),
    "uint4": Int(4, False),
    "uint1": Int(1, False),
    "binary": Binary(),
    "ternary": Ternary(),
    "e4m3fn": Float(4, 3, specials="fn"),
    "bf16": Float(8, 7),
    "e5m2b14-ftz-sat": Float(5, 2, 14, subnormals=False, saturate=True),
    "fp16-ftz": Float(5, 10, subnormals=False),
    "posit8es1": Posit(8, 1),
    "log8f3": Log(8),
    "log6f2m9": Log(6, 2, man=9),
    "e8m0": E8M0(),
    "table-int8-81.00.01.7f": Codebook((0x81, 0, 1, 0x7F), Int(8)),
}
ACCUMULATORS = {
    "int32": Int(32),
    "fixed49e-18": Fixed(49, -18),
    "fixed24e3-sat": Fixed(24, 3, "saturate"),
    "fp32": Rounded(Float(8, 23)),
    "fp32-rz": Rounded(Float(8, 23), "zero"),
    "e6m9-sr8": Rounded(Float(6, 9), "stochastic", 8),
    "e5m2-ftz-sat-rz": Rounded(Float(5, 2, subnormals=False, saturate=True), "zero"),
    "posit16es2-rz": Rounded(Posit(16), "zero"),
}


@pytest.mark.parametrize("name", FORMATS)
def test_formats(name):
    assert parse_format(name) == FORMATS[name] and FORMATS[name].name == name


BLOCKS = ["mxfp8e4m3", "mxfp8e5m2", "mxfp6e2m3", "mxfp6e3m2", "mxfp4", "mxint8", "nvfp4"]


@pytest.mark.parametrize("name", [*BLOCKS, "e2m1x16-e8m0", "e4m3fnx8-fp16-fp32"])
def test_blocks(name):
    assert parse_format(name).name == name


@pytest.mark.parametrize("name", ACCUMULATORS)
def test_accumulators(name):
    assert parse_accumulator(name) == ACCUMULATORS[name] and ACCUMULATORS[name].name == name


@pytest.mark.parametrize("name", ["", "int", "fp8", "mxfp5", "x32-e8m0", "ternary2", "-ftz"])
def test_unknown_formats(name):
    with pytest.raises(ValueError, match="integers are int2 to|no format .*; there are integers"):
        parse_format(name)


@pytest.mark.parametrize(
    ("name", "near"),
    [
        *(("e9m3fn", "e8m3fn"), ("posit20es5-rz", "posit16es2-rz"), ("int40", "int32")),
        *(("fixed5000e-2000", "fixed1024e-1074"), ("fp32-sr17", "fp32-sr16"), ("e4m0", "e4m0fn")),
        *(("fp32-ru", "fp32-rz"), ("FP32", "fp32"), ("uint24", "int32")),
    ],
)
def test_the_nearest_is_proposed(name, near):
    with pytest.raises(ValueError, match=f"; the nearest is {near}$"):
        parse_accumulator(name)
    parse_accumulator(near)


@pytest.mark.parametrize("name", ["uint8", "mxfp4", "int8-rz", "ternary", "log8", "e8m0"])
def test_unknown_accumulators(name):
    with pytest.raises(ValueError, match="no accumulator .*; there are int<bits>; fixed"):
        parse_accumulator(name)
