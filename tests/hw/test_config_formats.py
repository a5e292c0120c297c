"""Formats of a configuration by name, all four at once or one by one."""

import re

import pytest

from hw.config import PRESETS, ConfigError
from hw.config_text import parse_config
from hw.formats import Binary, Block, Codebook, Fixed, Float, Int, Log, Posit, Rounded, Ternary
from hw.formats.mix import Mix
from hw.formats.names import parse_format

E4M3, E5M2, FP32 = Float.parse("e4m3fn"), Float.parse("e5m2"), Rounded(Float.parse("fp32"))
BF16, MXFP4, MXFP8 = map(parse_format, ("bf16", "mxfp4", "mxfp8e4m3"))
TABLE = Codebook((0x81, 0xE0, 0x20, 0x7F), Int(8))
NAMES = {
    "int8": Mix(Int(8), Int(8), Int(32), Int(8)),
    "e4m3fn": Mix(E4M3, E4M3, Fixed(56, -18), E4M3),
    "posit8es1": Mix(Posit(8, 1), Posit(8, 1), Fixed(64, -24), Posit(8, 1)),
    "e4m3fn*e5m2->fp32": Mix(E4M3, E5M2, FP32, E4M3),
    "int8->fp32": Mix(Int(8), Int(8), FP32, Int(8)),
    "int8*binary": Mix(Int(8), Binary(), Int(32), Int(8)),
    "int8*ternary->int32->ternary": Mix(Int(8), Ternary(), Int(32), Ternary()),
    "ternary->int16": Mix(Ternary(), Ternary(), Int(16), Ternary()),
    "log8f3->fp32": Mix(Log(8), Log(8), FP32, Log(8)),
    "int8*table-int8-81.e0.20.7f": Mix(Int(8), TABLE, Int(32), Int(8)),
    "int8*e4m3fn->fp32->e5m2": Mix(Int(8), E4M3, FP32, E5M2),
    "mxfp4": Mix(MXFP4, MXFP4, FP32, BF16),
    "mxfp8e4m3*mxfp4->bf16->fp16": Mix(MXFP8, MXFP4, Rounded(BF16), Float.parse("fp16")),
    "bf16*int4x32-bf16": Mix(BF16, Block(Int(4), 32, BF16), FP32, BF16),
}


@pytest.mark.parametrize(("name", "mix"), NAMES.items())
def test_a_mix_is_what_its_name_says(name, mix):
    assert Mix.parse(name) == mix and mix.name == name


def test_names_leave_out_what_goes_without_saying():
    assert Mix.parse("e4m3fn*e4m3fn->fixed56e-18->e4m3fn").name == "e4m3fn"
    assert Mix.parse("int8->int32->int4").name == "int8->int32->int4"


@pytest.mark.parametrize(
    "text",
    [
        "a*b*c",
        "int8->int32->int8->int8",
        "e8m0",
        "binary",
        "table-int8-01.02*int8",
        "",
    ],
)
def test_other_mixes_are_refused(text):
    with pytest.raises(ValueError, match="cannot read|is not multiplied|no format"):
        Mix.parse(text)


@pytest.mark.parametrize("name", NAMES)
def test_a_format_sets_all_four(name):
    config, mix = parse_config(f"small:format={name}"), NAMES[name]
    assert (*config.operands, config.accumulator, config.output) == (
        *(mix.input, mix.weight, mix.accumulator, mix.output),
    )
    integers = all(isinstance(f, Int) for f in (mix.input, mix.accumulator, mix.output))
    assert config.transposes == (not config.blocks)
    assert config.output_stationary == (integers and mix.weight not in (TABLE, Binary()))
    assert re.fullmatch(r"small_format_[\w.-]+", config.name)


def test_tables_can_be_loaded_if_an_entry_fits_into_a_lane():
    for text, rows in (
        (f"tiny:format=int8*{TABLE.name},dim=8", 1),
        (f"tiny:format=bf16*{TABLE.name},dim=12", 1),
        (f"tiny:format=int8*table-int8-{'.'.join(f'{n:02x}' for n in range(256))},dim=3", 86),
        (f"tiny:format=int4*{TABLE.name}", 0),
        ("tiny", 0),
    ):
        config = parse_config(text)
        assert (config.weight_table, config.table_rows) == (rows > 0, rows)
        assert config.factor == (TABLE.format if rows else config.weight)
        assert len(config.name) < 100
    zero = Codebook((0, 1, 2, 3), Int(8))
    assert not PRESETS["tiny"].with_formats(Int(8), zero).depthwise  # another may come
    assert PRESETS["tiny"].with_formats(Int(4), zero).depthwise


def test_formats_one_by_one():
    names = "input=e4m3fn,weight=e5m2,output=e4m3fn"
    config = parse_config(f"tiny:{names},accumulator=bf16-rz,depthwise=off")
    assert config.accumulator == Rounded(Float.parse("bf16"), "zero")
    assert not config.depthwise and config.loop_ws and not config.output_stationary
    proposed = parse_config(f"small:{names},dim=4")
    assert proposed.accumulator == Fixed(64, -25)
    assert proposed.depthwise and proposed.dim == 4
    assert parse_config("tiny:format=int8").replace(name="tiny") == PRESETS["tiny"]


def test_blocks_are_summed_exactly_and_scaled_into_floats():
    config = parse_config("small:format=mxfp8e4m3")
    assert (config.input, config.input_block) == (Float.parse("e4m3fn"), MXFP8)
    assert config.summed == Fixed.exact(config.input, config.weight, 8) == config.leaving
    assert config.replace(dim=16).summed == Fixed.exact(config.input, config.weight, 16)
    assert parse_config("small:format=mxint8").summed == Int(19)
    assert parse_config("small:format=mxfp8e5m2").summed == FP32
    partial = parse_config("small:format=mxfp4,partial=fp16")
    assert partial.summed == Rounded(Float.parse("fp16"))
    assert PRESETS["small"].leaving == Int(32) and PRESETS["small"].blocks is None


@pytest.mark.parametrize(
    ("name", "rows", "scales"),
    [("mxfp8e4m3", 1, 8), ("mxfp4", 2, 4), ("mxfp6e2m3", 2, 6), ("bf16*int4x32-bf16", 1, 0),
     ("int16x16-e8m0", 1, 9), ("int8*mxfp4", 1, 0), ("nvfp4*int2", 0, 4)],
)  # fmt: skip
def test_scales_in_scratchpad_rows(name, rows, scales):
    config = parse_config(f"small:format={name}")
    assert (config.scale_rows, config.row_scales) == (rows, scales)


def test_a_block_becomes_its_element():
    text = "tiny:input=e4m3fn,input_block=mxfp8e4m3"
    assert (
        parse_config(text).operands
        == (MXFP8, Int(8))
        == parse_config("tiny:input=mxfp8e4m3").operands
    )
    with pytest.raises(ConfigError, match="input_block is 'e2m1'; it must be a Block or None"):
        parse_config("tiny:input_block=e2m1")
    config = PRESETS["tiny"].with_formats(MXFP4)
    assert config == config.replace(input=config.input)
    with pytest.raises(ConfigError, match="input_block is 'mxfp4'; it must be None or of e4m3fn"):
        config.replace(input=E4M3)
    plain = config.with_formats(E4M3)
    assert plain.blocks is None and plain.input == E4M3


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("format=e4m3fn->int32", "must be a Fixed or a Rounded, for example fixed56e-18: e4m3fn"),
        ("format=log8->int32", "must be a Fixed or a Rounded, for example fixed64e-30: log8f3 is"),
        ("format=int8*binary->int8", "signed and at least 9 bits wide (one product), for example"),
        ("input=binary", "Config.input is 'binary'; it must be a format with a zero, which stands"),
        (
            "output=table-int8-01.02",
            "must be what the hardware rounds to, for example int8; tables",
        ),
        ("output=mxfp4", "must be a format without scales of blocks, for example e2m1"),
        (
            "format=int8*binary,dim=8,depthwise=on",
            "depthwise is True; it must be False with int8 x",
        ),
        ("weight=binary", "'binary'; it must be of a width w for which dim·w = 4·w is whole bytes"),
        ("format=int8*ternary,multiplier=mitchell", "ternary has no multiplier; an Int, a Float"),
        ("format=int8->int12", "signed and at least 16 bits wide (one product), for example int32"),
        ("format=bf16,output_stationary=on", "Config.output_stationary is True; it must be False"),
        ("format=mxfp4->int32", "must be a Rounded to a Float, for example fp32: blocks have scal"),
        ("format=mxfp4,transposes=on", "transposes is True; it must be False with mxfp4 x mxfp4"),
        ("format=e2m1x8-e4m1fnb20", "input_block is 'e2m1x8-e4m1fnb20'; it must be with a scale"),
        ("format=int2x8-fp32", "it must be with a scale that has 1.0 and at most 10 bits of"),
        ("format=fp8", "Config.format is 'fp8'; it must be a format such as int8: no format 'fp8'"),
        ("accumulator=e3m2x", "Config.accumulator is 'e3m2x'"),
    ],
)
def test_what_does_not_go_together_is_named(text, message):
    with pytest.raises(ConfigError, match=re.escape(message)):
        parse_config(f"tiny:{text}")
