"""What a configuration must keep to."""

import dataclasses
import re

from .formats import Accumulator, Block, Float, Format, Int, aligns, holds, mismatch, unfit
from .formats.multiplier import Multiplier
from .formats.pairing import BLOCK, HALF, INPUT_BITS, narrowed, packed_bits, packs
from .formats.products import bound

PACKED = ("input", "weight", "accumulator", "output")
"""Fields whose rows of `dim` elements must be whole bytes."""


class ConfigError(ValueError):
    """A configuration that cannot be built; says which field, which value and which would do."""


def _check(config, field: str, good: bool, what: str):
    if not good:
        value = getattr(config, field)
        value = getattr(value, "name", value)
        raise ConfigError(f"Config.{field} is {value!r}; it must be {what}")


def check_types(config):
    """Every field is of its type; formats are such as the array takes."""
    wanted = {
        str: (str, "a string"),
        int: (int, "an integer"),
        int | None: (int | None, "an integer or None"),
        bool: (bool, "True or False"),
        Accumulator: (Accumulator, "an Int, a Fixed or a Rounded"),
        Accumulator | None: (Accumulator | None, "None, an Int, a Fixed or a Rounded"),
        Multiplier | None: (Multiplier | None, "a Multiplier or None"),
        Block | None: (Block | None, "a Block or None"),
    }
    for field in dataclasses.fields(config):
        value = getattr(config, field.name)
        if field.type is Format:
            what = unfit(value, weight=field.name == "weight")
            _check(config, field.name, what is None, what or "")
            continue
        kind, what = wanted[field.type]
        good = isinstance(value, kind) and (kind is bool or not isinstance(value, bool))
        _check(config, field.name, good, what)
    plain = re.fullmatch(r"\w[\w.-]*", config.name, re.ASCII)
    _check(config, "name", bool(plain), "letters, digits, _, - and . (files are named after it)")


def _whole_bytes(fmt: Format, dim: int) -> bool:
    return dim * fmt.width % 8 == 0


def _near_dim(config) -> int:
    """The dim next to this one with which rows of all formats are whole bytes."""
    fits = [
        dim
        for dim in range(2, 33)
        if all(_whole_bytes(getattr(config, field), dim) for field in PACKED)
    ]
    return min(fits, key=lambda dim: abs(dim - config.dim))


def _near_weight(config) -> Format:
    """The widest integer below the weight with whole rows and a width that divides the input's, or
    the input's format."""
    weight, widest = config.weight, config.input.width
    for width in range(min(weight.width, widest), 1, -1) if isinstance(weight, Int) else ():
        near = narrowed(weight, width)
        if widest % width == 0 and _whole_bytes(near, config.dim):
            return near
    return config.input


def check_values(config, options: dict[str, bool]):
    """Every value is within its limits; `options` says which ones the formats have."""
    _check(config, "dim", 2 <= config.dim <= 32, "an integer from 2 to 32")
    near = narrowed(config.input, INPUT_BITS).name
    narrow = config.input.width <= INPUT_BITS or isinstance(config.input, Float)
    what = f"a Float or at most {INPUT_BITS} bits wide, for example {near}"
    _check(config, "input", narrow, what)
    divides = config.input.width % config.weight.width == 0
    what = f"of a width that divides input's ({config.input.width} bits), for example "
    _check(config, "weight", divides, what + _near_weight(config).name)
    _check(config, "output", config.output.width <= 32, "at most 32 bits wide")
    wanted = mismatch(*config.operands, config.accumulator)
    _check(config, "accumulator", wanted is None, wanted or "")
    if config.partial is not None:
        stored = None if config.blocks else f"for example {config.accumulator.name} itself"
        what = f"one that the accumulator can store, narrower and of its kind, {stored}"
        holding = bool(config.blocks) or holds(config.accumulator, config.partial)
        _check(config, "partial", holding, what)
        wanted = mismatch(config.input, config.weight, config.partial, stored)
        _check(config, "partial", wanted is None, wanted or "")
    _check_blocks(config)
    _check(config, "mac_stages", 1 <= config.mac_stages <= 8, "from 1 to 8")
    for field in PACKED:
        what = f"of a width w for which dim·w = {config.dim}·w is whole bytes"
        what += f", as it is with dim={_near_dim(config)}"
        _check(config, field, _whole_bytes(getattr(config, field), config.dim), what)
    _check(config, "sp_banks", config.sp_banks in (2, 4, 8), "2, 4 or 8")
    _check(config, "acc_banks", config.acc_banks in (1, 2, 4, 8), "1, 2, 4 or 8")
    for field in ("sp_bank_rows", "acc_bank_rows"):
        value = getattr(config, field)
        power = value >= 4 and value & (value - 1) == 0
        _check(config, field, power, "a power of two, at least 4 (local addresses are bit fields)")
    for memory in ("sp_rows", "acc_rows"):
        rows = getattr(config, memory)
        _check(
            config,
            memory.replace("rows", "bank_rows"),
            2 * config.dim <= rows <= 1 << 24,
            f"such that the memory has at least 2·dim = {2 * config.dim} rows and at most 2^24",
        )
    _check(config, "bus_width", config.bus_width in (32, 64, 128, 256), "32, 64, 128 or 256")
    for field in ("load_queue", "execute_queue", "store_queue", "command_queue"):
        least, value = 1 if field == "command_queue" else 2, getattr(config, field)
        _check(config, field, least <= value <= 64, f"from {least} to 64")
    _check(config, "reads_in_flight", 2 <= config.reads_in_flight <= 256, "from 2 to 256")
    _check(config, "counters", 0 <= config.counters <= 8, "from 0 to 8")
    _check(config, "mvin_bytes", 64 <= config.mvin_bytes <= 1024, "from 64 to 1024")
    _check(config, "scale_cycles", config.scale_cycles in (1, 2, 4, 8, 16), "1, 2, 4, 8 or 16")
    serial = config.serial_hazards
    _check(config, "in_order", not (config.in_order and serial), "False with serial_hazards")
    _check_array_clock(config)
    _check_sequential(config)
    scaled = config.mvout_scale or not config.normalisation
    _check(config, "normalisation", scaled, "False without mvout_scale")
    for field, offered in options.items():
        what = f"False with {config.formats}"
        _check(config, field, offered or not getattr(config, field), what)


def _check_array_clock(config):
    """What crosses from clock to clock goes one by one."""
    _check(config, "array_clock", 1 <= config.array_clock <= 4, "from 1 to 4")
    apart = ("pooling", "depthwise", "spad_store")
    alone = config.in_order and not any(getattr(config, field) for field in apart)
    what = f"1 unless commands go in_order, without {', '.join(apart)}"
    _check(config, "array_clock", config.array_clock == 1 or alone, what)


def _check_sequential(config):
    """What one unit for all can do: products of bytes."""
    if not config.sequential:
        return
    alone = config.in_order and config.array_clock == 1
    _check(config, "sequential", alone, "False unless commands go in_order, with array_clock=1")
    out = ("output_stationary", "transposes", "depthwise", "first_layer", "pooling", "spad_store")
    out += ("normalisation", "loop_ws", "loop_conv", "mvin_scale", "counters")
    there = [field for field in out if getattr(config, field)]
    _check(config, "sequential", not there, f"False with {', '.join(there)}")
    numbers = config.input, config.factor, config.output
    bytes_only = all(isinstance(fmt, Int) and fmt.width == 8 for fmt in numbers)
    sums = isinstance(config.accumulator, Int) and config.accumulator.width % 8 == 0
    what = f"False with {config.formats}: operands and outputs are bytes, sums whole bytes"
    _check(config, "sequential", bytes_only and sums, what)
    plain = config.mac_stages == 1 and config.multiplier is None and config.dsps is None
    what = "False with mac_stages, a multiplier, dsps or scale_cycles"
    _check(config, "sequential", plain and config.scale_cycles == 1, what)


def _check_blocks(config):
    """Blocks of what is multiplied, with scales that the hardware applies."""
    for role in ("input", "weight"):
        field, element = f"{role}_block", getattr(config, role)
        block = getattr(config, field)
        if block is None:
            continue
        good = block.element == element
        _check(config, field, good, f"None or of {element.name}, which Config.{role} is")
        scale = block.scale
        plain = not isinstance(scale, Float) or (scale.man <= 10 and scale.quantize(1.0) == 1.0)
        near = f"for example {Block(element, block.size).name}"
        what = f"with a scale that has 1.0 and at most 10 bits of mantissa, {near}"
        _check(config, field, plain, what)
        most = config.dim * config.input.width if role == "input" else 8 * config.input.width
        _check(config, field, scale.width <= most, f"with a scale of at most {most} bits, {near}")


def check_products(config):
    """Products may be made in the way that was chosen."""
    _check_dsps(config)
    _check_shared(config)


def _check_dsps(config):
    if config.dsps is None:
        return
    most = config.dim**2
    _check(config, "dsps", 0 <= config.dsps <= most, f"from 0 to dim² = {most}, or None")
    own = config.multiplier and config.multiplier.name
    what = f"None with the multiplier {own!r}, which all elements have"
    _check(config, "dsps", config.multiplier is None, what)
    formats = config.input, config.factor, config.summed
    if all(isinstance(fmt, Int) for fmt in formats):
        return
    what = "only integers summed as one, and floats of few exponents in fixed point, have a choice"
    _check(config, "dsps", aligns(*formats), f"None with {config.formats}: {what}")
    what = f"{most} (all products in blocks, as fixed point) or None with {config.formats}"
    _check(config, "dsps", config.dsps == most, what)


def _check_shared(config):
    """Two products in a block: in one multiplication, or in the halves of a block that has two."""
    count, formats = config.products_per_dsp, (config.input, config.factor, config.summed)
    _check(config, "products_per_dsp", count in (1, 2), "1 or 2")
    if count == 1:
        return
    plain = config.multiplier is None and config.dsps is None
    _check(config, "products_per_dsp", plain, "1 with a multiplier or dsps")
    _check(
        config, "products_per_dsp", config.dim % 2 == 0, f"1 with dim={config.dim}, which is odd"
    )
    integers = all(isinstance(fmt, Int) for fmt in formats)
    _check(config, "products_per_dsp", integers, f"1 with {config.formats}: only integers share")
    pair = config.input, config.factor
    what = f"1 with {config.formats}: two weights, a product apart, take {packed_bits(*pair)} bits "
    what += f"of {BLOCK}, and operands of at most {HALF} bits have halves of a block"
    fits = packs(*pair) or max(fmt.width for fmt in pair) <= HALF
    _check(config, "products_per_dsp", fits, what)


def bound_multiplier(config) -> Multiplier:
    """The multiplier with all products of the formats."""
    try:
        return bound(config.multiplier, config.input, config.weight, config.summed)
    except ValueError as error:
        name = config.multiplier.name
        raise ConfigError(f"Config.multiplier is {name!r}, and cannot be: {error}") from error
