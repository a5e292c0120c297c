"""Configurations as they are written on the command line."""

import re
from dataclasses import fields
from hashlib import sha256

from .config import PRESETS, Config, known_field
from .config_rules import ConfigError
from .formats import Format, element_of, mismatch, suited, unfit
from .formats.mix import Mix
from .formats.multipliers import parse_multiplier
from .formats.names import parse_accumulator, parse_format

LONGEST = 96  # characters of a configuration's name: files are called after it

TYPES = {each.name: int if each.type == int | None else each.type for each in fields(Config)}
"""Of fields, None apart."""


def parse_config(text: str) -> Config:
    """A configuration as it is written on the command line: ``preset`` or ``preset:field=value,…``.

    ``small:dim=6,bus_width=64,accumulator=int24``; it is named after its changes. ``format`` sets
    all four formats (:class:`.formats.mix.Mix`): ``tiny:format=e4m3fn*e5m2``, and single ones may
    follow it. An accumulator that is not given is changed if it cannot sum the products; options
    that the formats do not have are off unless they are given.
    """
    preset, _, changes = text.partition(":")
    if preset not in PRESETS:
        raise ConfigError(f"no preset {preset!r}; the presets are {', '.join(PRESETS)}")
    base, values, name, given = PRESETS[preset], {}, preset, set()
    for change in filter(None, changes.split(",")):
        field, equals, value = change.partition("=")
        if not equals:
            raise ConfigError(f"cannot read {change!r} in {text!r}; write preset:field=value,…")
        if field != "format":
            known_field(field, "format")
        found = _parse_value(field, value)
        found = vars(found) if isinstance(found, Mix) else {field: found}
        if twice := sorted(given & {field, *found}):
            raise ConfigError(f"{text!r} gives {twice[0]} twice; give it once, behind any format")
        given.add(field)
        values |= found
        name += f"_{field}_{re.sub('[^a-zA-Z0-9_.]+', '-', value)}"
    if len(name) > LONGEST:
        name = f"{name[: LONGEST - 9]}_{sha256(name.encode()).hexdigest()[:8]}"
    return _changed(base, {"name": name, **values})


def _changed(base: Config, values: dict) -> Config:
    """`base` with `values`; whatever depends on formats follows them."""
    input, weight = (
        values.get(f"{role}_block") or values.get(role, getattr(base, role))
        for role in ("input", "weight")
    )
    if not unfit(element_of(input)) and not unfit(element_of(weight), weight=True):
        if mismatch(input, weight, base.accumulator):
            values = {"accumulator": suited(input, weight)} | values
    free = [field for field in base.offered() if field not in values]
    plain = base.replace(**dict.fromkeys(free, False), **values)
    has = plain.offered()
    return plain.replace(**{field: getattr(base, field) for field in free if has[field]})


def _parse_value(field: str, value: str):
    """`value` as the type of thing that the field is."""
    switches, like = {"on": True, "off": False}, TYPES.get(field)
    try:
        if field == "format":
            return Mix.parse(value)
        if field in ("accumulator", "partial"):
            return parse_accumulator(value)
        if field == "multiplier":
            return parse_multiplier(value)
        if like is Format or field.endswith("_block"):
            return parse_format(value)
        if like is bool:
            return switches[value]
        return int(value) if like is int else value
    except (ValueError, KeyError) as error:
        kinds = {bool: "on or off", int: "a whole number"}
        sums = {"accumulator", "partial"} & {field}
        what = "an accumulator such as int32" if sums else "a format such as int8"
        what = "one of ours" if field == "multiplier" else what
        kind = kinds.get(like, f"{what}: {error}")
        raise ConfigError(f"Config.{field} is {value!r}; it must be {kind}") from error
