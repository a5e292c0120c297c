"""Config: presets, derived values, and messages that name field, value and remedy."""

import dataclasses
import re

import pytest

from hw.config import OPTIONS, PRESETS, Config, ConfigError
from hw.config_text import parse_config
from hw.formats import Float, Int, Posit, Rounded

SEQUENTIAL = dict.fromkeys(OPTIONS, False) | {"in_order": True, "sequential": True}
SEQUENTIAL |= {"mvin_scale": False, "counters": 0}

BAD = [
    ({"dim": 1}, "Config.dim is 1; it must be an integer from 2 to 32"),
    ({"dim": 33}, "Config.dim is 33"),
    (
        {"input": Int(17), "weight": Int(17), "output": Int(17)},
        "a Float or at most 16 bits wide",
    ),
    ({"weight": Int(3)}, "Config.weight is 'int3'; it must be of a width that divides input's (8"),
    ({"weight": Int(16)}, "Config.weight is 'int16'; it must be of a width that divides"),
    ({"weight": Int(4)}, "Config.loop_ws is True; it must be False with int8 x int4 in int32"),
    ({"output": Int(16)}, "Config.spad_store is True; it must be False with int8 x int8 in int32"),
    ({"input": Float.parse("e4m3fn")}, "it must be a Fixed or a Rounded, for example fixed40e-9"),
    ({"accumulator": Rounded(Posit(16))}, "it must be a Rounded to a Float, for example fp32"),
    ({"mac_stages": 9}, "Config.mac_stages is 9; it must be from 1 to 8"),
    ({"accumulator": Int(32, signed=False)}, "Config.accumulator is 'uint32'; it must be signed"),
    ({"accumulator": Int(12)}, "at least 16 bits wide"),
    ({"dim": 5, "input": Int(4), "weight": Int(4), "output": Int(4)}, "whole bytes"),
    ({"sp_banks": 3}, "Config.sp_banks is 3; it must be 2, 4 or 8"),
    ({"acc_bank_rows": 100}, "Config.acc_bank_rows is 100; it must be a power of two"),
    ({"acc_bank_rows": 8}, "at least 2·dim = 32 rows"),
    ({"bus_width": 48}, "Config.bus_width is 48; it must be 32, 64, 128 or 256"),
    ({"load_queue": 1}, "Config.load_queue is 1; it must be from 2 to 64"),
    ({"reads_in_flight": 1000}, "Config.reads_in_flight is 1000"),
    ({"counters": 9}, "Config.counters is 9; it must be from 0 to 8"),
    ({"input": "int8"}, "Config.input is 'int8'; it must be a format such as Int(8)"),
    ({"dim": 4.0}, "Config.dim is 4.0; it must be an integer"),
    ({"dim": "4"}, "Config.dim is '4'; it must be an integer"),
    ({"bus_width": 64.0}, "Config.bus_width is 64.0; it must be an integer"),
    ({"sp_bank_rows": 64.0}, "Config.sp_bank_rows is 64.0; it must be an integer"),
    ({"load_queue": 2.5}, "Config.load_queue is 2.5; it must be an integer"),
    (
        {"in_order": True, "serial_hazards": True},
        "Config.in_order is True; it must be False with serial_hazards",
    ),
    ({"array_clock": 5}, "Config.array_clock is 5; it must be from 1 to 4"),
    (
        {"array_clock": 2},
        "Config.array_clock is 2; it must be 1 unless commands go in_order, without pooling, "
        "depthwise, spad_store",
    ),
    ({"array_clock": 2, "in_order": True}, "Config.array_clock is 2; it must be 1 unless"),
    ({"sequential": True}, "Config.sequential is True; it must be False unless commands go in_or"),
    (
        {"sequential": True, "in_order": True, "pooling": False},
        "Config.sequential is True; it must be False with output_stationary, transposes, depthwise",
    ),
    (
        {**SEQUENTIAL, "scale_cycles": 2},
        "Config.sequential is True; it must be False with mac_stages, a multiplier, dsps or scale_",
    ),
    ({"counters": True}, "Config.counters is True; it must be an integer"),
    ({"dsps": True}, "Config.dsps is True; it must be an integer or None"),
    ({"dsps": 257}, "Config.dsps is 257; it must be from 0 to dim² = 256, or None"),
    ({"mvin_scale": "no"}, "Config.mvin_scale is 'no'; it must be True or False"),
    ({"name": None}, "Config.name is None; it must be a string"),
    ({"name": "../mine"}, "Config.name is '../mine'; it must be letters, digits, _, - and ."),
]


@pytest.mark.parametrize(("changes", "message"), BAD, ids=lambda v: str(v)[:30])
def test_bad_choices_are_named(changes, message):
    with pytest.raises(ConfigError) as caught:
        Config(**changes)
    assert message in str(caught.value)


def test_replace_names_unknown_fields():
    with pytest.raises(ConfigError, match="Config has no field 'size'; its fields are .*dim"):
        Config().replace(size=4)


def test_replace_checks_again_and_keeps_the_original():
    small = PRESETS["small"]
    assert small.replace(dim=6).dim == 6
    assert small.dim == 8
    with pytest.raises(ConfigError, match=r"Config\.dim"):
        small.replace(dim=64)


def test_presets_have_the_promised_sizes():
    sizes = {name: (c.dim, c.sp_rows * c.row_bytes, c.acc_rows * c.acc_row_bytes)
             for name, c in PRESETS.items()}  # fmt: skip
    assert sizes["tiny"][0] == 4
    assert sizes["small"][0] == 8
    assert sizes["default"] == (16, 256 << 10, 64 << 10)
    assert all(name == config.name for name, config in PRESETS.items())


def test_derived_values():
    default, tiny = PRESETS["default"], PRESETS["tiny"]
    assert (default.max_block_len, default.max_block_len_acc) == (4, 1)
    assert (tiny.max_block_len, tiny.max_block_len_acc) == (16, 4)
    assert (default.bus_bytes, default.macs) == (16, 256)
    assert (default.sp_row_bits, default.acc_row_bits) == (14, 10)
    odd = Config(dim=12, input=Int(6), weight=Int(6), output=Int(6), accumulator=Int(20))
    assert (odd.row_bytes, odd.acc_row_bytes, odd.max_block_len) == (9, 30, 7)


def test_configurations_are_read_from_text():
    small = PRESETS["small"]
    assert parse_config("small") == small
    made = parse_config("small:dim=6,accumulator=int24,input=uint8,mvin_scale=off")
    wanted = {"dim": 6, "accumulator": Int(24), "input": Int(8, signed=False), "mvin_scale": False}
    name = "small_dim_6_accumulator_int24_input_uint8_mvin_scale_off"
    assert made == small.replace(name=name, **wanted)


def test_a_name_of_many_changes_is_short_and_its_own():
    text = "small:" + ",".join(f"{option}=off" for option in OPTIONS if option != "normalisation")
    one, other = parse_config(text), parse_config(text + ",counters=2")
    assert len(one.name) <= 100 and one.name.startswith("small_output_stationary_off_")
    assert one.name != other.name and one.name == parse_config(text).name


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("smal", "no preset 'smal'; the presets are tiny, small, default"),
        ("tiny:dim", "cannot read 'dim' in 'tiny:dim'; write preset:field=value"),
        ("tiny:dim=x", "Config.dim is 'x'; it must be a whole number"),
        ("tiny:dims=4", "Config has no field 'dims'; its fields are acc_bank_rows"),
        ("tiny:input=fp8", "Config.input is 'fp8'; it must be a format such as int8"),
        ("tiny:mvin_scale=1", "Config.mvin_scale is '1'; it must be on or off"),
        ("tiny:dim=4,dim=8", "'tiny:dim=4,dim=8' gives dim twice; give it once"),
        ("tiny:output=bf16,format=e5m2", "gives output twice; give it once, behind any format"),
        ("tiny:dim=99", "Config.dim is 99; it must be an integer from 2 to 32"),
    ],
)
def test_unreadable_configurations_say_what_would_do(text, message):
    with pytest.raises(ConfigError, match=re.escape(message)):
        parse_config(text)


def test_config_holds_choices_only():
    assert dataclasses.is_dataclass(Config)
    with pytest.raises(dataclasses.FrozenInstanceError):
        Config().dim = 8
