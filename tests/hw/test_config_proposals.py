"""What messages propose is accepted: whoever follows them ends at a configuration."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hw.config_rules import ConfigError
from hw.config_text import parse_config
from hw.formats import parse_accumulator, parse_format

STEPS = 6
"""Choices that may be wrong one after the other."""


def write(changes: dict[str, str]) -> str:
    return "tiny:" + ",".join(f"{field}={value}" for field, value in changes.items())


def piece_by_piece(text: str) -> str:
    """A mix whose unreadable names are replaced by the nearest ones."""
    parts = re.split(r"(\*|->)", text)
    for i in range(0, len(parts), 2):
        sums = parts[i - 1 : i] == ["->"] and "->" not in parts[: i - 1]
        try:
            (parse_accumulator if sums else parse_format)(parts[i])
        except ValueError as error:
            parts[i] = nearest(str(error))
    return "".join(parts)


def nearest(message: str) -> str:
    return re.search(r"the nearest is (\S+)$", message)[1]


def followed(changes: dict[str, str], message: str) -> dict[str, str]:
    """`changes` as `message` would have them."""
    unknown = re.match(r"Config has no field '(\w+)'", message)
    if unknown:
        return {nearest(message) if f == unknown[1] else f: v for f, v in changes.items()}
    field, value = re.match(r"Config\.(\w+) is (\S+);", message.replace("'", "")).groups()
    if field == "format":
        example = re.search(r"not multiplied;.*for example ([\w.-]+)", message)
        if example:
            bad = re.search(r": ([\w.-]+) is not multiplied", message)[1]
            parts = re.split(r"(\*|->)", changes["format"])
            same = [bad, *(p for p in parts[::2] if nearly(p, bad))]
            parts = [example[1] if part in same else part for part in parts]
            return changes | {"format": "".join(parts)}
        return changes | {"format": piece_by_piece(changes["format"])}
    dim = re.search(r"as it is with dim=(\d+)$", message)
    example = re.search(r"for example ([\w.-]+)", message)
    limits = re.search(r"it must be (?:an integer )?from (\d+) to (\d+)$", message)
    choice = re.search(r"it must be (\d+), .*or \d+$", message)
    rest = {f: v for f, v in changes.items() if f not in (field, "dim" if dim else "")}
    if dim:
        return changes | {"dim": dim[1]}
    if "the nearest is" in message:
        return rest | {field: nearest(message)}
    if example:
        field = field.removesuffix("_block")
        rest.pop(field, None)
        return rest | {field: example[1]}
    if limits:
        low, high = map(int, limits.groups())
        return rest | {field: str(min(max(int(value), low), high))}
    if choice:
        return rest | {field: choice[1]}
    if "it must be False" in message or "on or off" in message:
        return rest | {field: "off"}
    raise AssertionError(f"no proposal: {message}")


def nearly(text: str, name: str) -> bool:
    """Whether `text` is another way to write `name`."""
    try:
        return parse_format(text).name == name
    except ValueError:
        return False


def follow(changes: dict[str, str]) -> list[str]:
    """The messages on the way to a configuration."""
    messages = []
    while True:
        try:
            parse_config(write(changes))
        except ConfigError as error:
            messages.append(str(error))
            assert len(messages) <= STEPS, messages
            changes = followed(changes, messages[-1])
        else:
            return messages


TEXTS = [
    *("format=int8*binary->fp32", "input=int1", "format=e4m3fn->int32", "format=posit8es3"),
    *("format=e9m3", "format=e9m30b2000", "format=e4m0", "format=e1m0", "format=e1m0fn"),
    *("format=e3m2,dim=6", "format=e3m2,dim=3", "format=int32", "input=tf32", "format=int17"),
    *("input=mxfp6e3m2,dim=3", "output=nvfp4", "output=mxint8", "format=posit17"),
    *("format=e2m1x32-fp32", "weight=int8x4-e5m11", "format=e2m1x8-fp16,dim=2"),
    *("input=int20x8-bf16", "format=mxfp4->int32", "format=int8*nvfp4->fixed40e0", "format=mxfp5"),
    *("format=binary", "input=binary", "output=table-int8-01.02", "output=table-binary-0.1"),
    *("format=e8m0", "weight=e8m0", "format=int0", "format=uint0", "format=int99", "format=log2"),
    *("weight=int3", "weight=int16", "weight=uint5", "format=int8*e3m2", "format=e4m3fn*bf16"),
    *("input=int7,weight=int3", "input=int12,weight=int5", "dim=2,weight=int2"),
    *("format=e4m3fn->fixed200e-18", "format=int8->fixed1e0", "format=int8->fixed5000e9999"),
    *("format=int8->posit16", "format=int8->posit16es3", "accumulator=int8", "accumulator=uint32"),
    *("accumulator=int33", "accumulator=fp32-sr17", "accumulator=fp32-sr0", "accumulator=fp32-ru"),
    *("partial=int8", "partial=fp32", "partial=int40", "accumulator=int20,partial=int8"),
    *("accumulator=int20,partial=int32", "format=e4m3fn,partial=fixed20e0"),
    *("accumulator=int21,dim=5", "output=int5", "format=log16f3", "format=log8f9", "format=E4M3"),
    *("format=int8*table-bf16-0000.3f80.7f00.bf80->int32", "format=e4m3b1000", "format=int8-sat"),
    *("mac_stages=9", "mac_stages=0", "dim=33", "dim=1", "bus_width=48", "sp_banks=3"),
    *("scale_cycles=3", "counters=9", "format=bf16,output_stationary=on", "pooling=maybe"),
    *("format=int8*binary,dim=8,depthwise=on", "formt=int8", "acumulator=int24"),
    *("format=uint8*binary->e9m3-sr20->int5,dim=3", "format=e1m3none-ftz", "format=int1*int1"),
]


@pytest.mark.parametrize("text", TEXTS)
def test_what_is_proposed_is_accepted(text):
    messages = follow(dict(change.split("=") for change in text.split(",")))
    assert messages and re.match(r"Config(\.\w+ is|\ has no field) ", messages[0])


ELEMENTS = (
    *("int1", "int2", "int3", "int8", "int12", "int16", "int17", "uint1", "uint8", "e8m0", "e9m9"),
    *("binary", "ternary", "e4m3fn", "e3m2", "e2m1", "bf16", "fp32", "e1m0fn", "posit8es1"),
    *("posit9es3", "log8", "log5", "mxfp4", "nvfp4", "table-int8-01.02.03.04", "table-e3m2-00.1f"),
)
SUMS = (
    *("int8", "int16", "int21", "int32", "int40", "uint24", "fixed1e0", "fixed20e-3", "fixed200e0"),
    *("fp32", "fp16-rz", "e6m9-sr8", "e6m9-sr20", "posit16", "e1m0"),
)


@settings(max_examples=200, deadline=None)
@given(
    st.fixed_dictionaries(
        {},
        optional={
            "input": st.sampled_from(ELEMENTS),
            "weight": st.sampled_from(ELEMENTS),
            "accumulator": st.sampled_from(SUMS),
            "partial": st.sampled_from(SUMS),
            "output": st.sampled_from(ELEMENTS),
            "dim": st.integers(1, 34).map(str),
            "mac_stages": st.integers(0, 9).map(str),
        },
    )
)
def test_every_mixture_has_a_way_out(changes):
    """However wrong the choices, six at a time, proposals end at a configuration."""
    messages, seen = [], changes
    for _ in range(3 * STEPS):
        try:
            parse_config(write(seen))
            return
        except ConfigError as error:
            messages.append(str(error))
            seen = followed(seen, messages[-1])
    raise AssertionError(messages)
