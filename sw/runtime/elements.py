"""C types and packed accessors of a configuration's formats, part of ``alhena.h``.

For every role (``input``, ``weight``, ``acc``, ``output``) the header has

- ``ALH_<ROLE>_BITS``, ``_KIND`` and what else the format is made of (``_EXP``, ``_MAN``, ``_BIAS``,
  ``_ES``, ``_LSB``, …), under the names of its parameters; ``_NAN`` is the code of NaN, if any;
  a codebook's ``_TABLE`` initialises an array of codes of its format (``alh_weight_table`` loads
  another where ``ALH_TABLE_ROWS`` is not 0);
- ``alh_<role>_t``: integers and fixed point as values, other formats as codes in the narrowest
  unsigned type; beyond 64 bits a struct of 64-bit words, lowest first;
- ``ALH_<ROLE>_BLOCK`` for an operand in blocks: elements that share a scale; the scales are a role
  ``<role>_scale`` of their own, ``ALH_B_SCALE_ROWS`` local rows of them lie behind B, a row of D
  holds ``ALH_A_SCALES`` of them;
- ``alh_<role>_get(row, n)`` and ``alh_<role>_put(row, n, x)``: element n of a packed row.
"""

from hw.config import Config
from hw.formats import (
    E8M0,
    Accumulator,
    Binary,
    Codebook,
    Fixed,
    Float,
    Format,
    Int,
    Log,
    Posit,
    Rounded,
    Ternary,
)
from hw.formats.float import SPECIALS

KINDS = (Int, Float, Posit, Fixed, Binary, Ternary, Log, Codebook, E8M0)
NAMES = ("INT", "FLOAT", "POSIT", "FIXED", "BINARY", "TERNARY", "LOG", "CODEBOOK", "E8M0")

NATIVE = (8, 16, 32, 64)

PACKED = """
/* `bits` (1 to 64) bits of a packed row from bit `at` on; bit 0 is the lowest of byte 0. */
static inline uint64_t alh_bits(const void *row, uint32_t at, uint32_t bits) {
    const uint8_t *byte = (const uint8_t *)row + at / 8;
    uint64_t value = 0;
    for (uint32_t have = 0, skip = at % 8; have < bits; have += 8 - skip, skip = 0)
        value |= (uint64_t)(*byte++ >> skip) << have;
    return bits < 64 ? value & (((uint64_t)1 << bits) - 1) : value;
}
static inline void alh_put_bits(void *row, uint32_t at, uint32_t bits, uint64_t value) {
    uint8_t *byte = (uint8_t *)row + at / 8;
    for (uint32_t skip = at % 8; bits; skip = 0, byte++) {
        const uint32_t count = bits < 8 - skip ? bits : 8 - skip;
        const uint8_t mask = (uint8_t)(((1u << count) - 1) << skip);
        *byte = (uint8_t)((*byte & ~mask) | ((uint8_t)(value << skip) & mask));
        value >>= count, bits -= count;
    }
}"""


def _base(fmt: Format | Accumulator) -> Format | Fixed:
    """The format whose codes stand in memory."""
    return fmt.format if isinstance(fmt, Rounded) else fmt


def _constants(fmt: Format | Fixed) -> dict[str, str]:
    """Parameters by name, as C writes them."""
    values: dict[str, object] = {"BITS": fmt.width, "KIND": f"ALH_{NAMES[KINDS.index(type(fmt))]}"}
    if isinstance(fmt, Int):
        values["SIGNED"] = int(fmt.signed)
    elif isinstance(fmt, Float):
        values |= {"EXP": fmt.exp, "MAN": fmt.man, "BIAS": fmt.bias}
        values["SPECIALS"] = f"ALH_{fmt.specials.upper()}"
        values |= {"SUBNORMALS": int(fmt.subnormals), "SATURATE": int(fmt.saturate)}
    elif isinstance(fmt, Posit):
        values["ES"] = fmt.es
    elif isinstance(fmt, Log):
        values |= {"FRACTION": fmt.fraction, "BIAS": fmt.bias, "MAN": fmt.man}
    elif isinstance(fmt, Codebook):
        values["TABLE"] = f"{{{', '.join(map(hex, fmt.table))}}}"
    elif isinstance(fmt, Fixed):
        values |= {"LSB": fmt.lsb, "SATURATE": int(fmt.overflow == "saturate")}
    if getattr(fmt, "has_nan", not isinstance(fmt, Int)) and fmt.width <= 64:
        values["NAN"] = f"{fmt.nan_code:#x}ull"
    return {name: f"({v})" if str(v).startswith("-") else str(v) for name, v in values.items()}


def _room(fmt: Format | Fixed) -> int:
    """Bits of the C type."""
    return next((bits for bits in NATIVE if bits >= fmt.width), 0)


def _accessors(role: str, fmt: Format | Fixed) -> list[str]:
    name, room = f"alh_{role}", _room(fmt)
    get = f"static inline {name}_t {name}_get(const void *row, uint32_t n)"
    put = f"static inline void {name}_put(void *row, uint32_t n, {name}_t x)"
    if fmt.width in NATIVE:
        return [
            f"{get} {{ return ((const {name}_t *)row)[n]; }}",
            f"{put} {{ (({name}_t *)row)[n] = x; }}",
        ]
    width = fmt.width
    if not room:
        piece = f"({width} - 64 * i < 64 ? {width} - 64 * i : 64)"
        loop = f"for (uint32_t i = 0; i < {-(-width // 64)}; i++)"
        return [
            f"{get} {{",
            f"    {name}_t x;",
            f"    {loop} x.word[i] = alh_bits(row, {width} * n + 64 * i, {piece});",
            "    return x;\n}",
            f"{put} {{",
            f"    {loop} alh_put_bits(row, {width} * n + 64 * i, {piece}, x.word[i]);\n}}",
        ]
    value = f"alh_bits(row, {width} * n, {width})"
    if _signed(fmt):
        value = f"(int64_t)({value} << {64 - width}) >> {64 - width}"
    return [
        f"{get} {{ return ({name}_t)({value}); }}",
        f"{put} {{ alh_put_bits(row, {width} * n, {width}, (uint64_t)x); }}",
    ]


def _signed(fmt: Format | Fixed) -> bool:
    return isinstance(fmt, Fixed) or (isinstance(fmt, Int) and fmt.signed)


def _type(role: str, fmt: Format | Fixed) -> str:
    room = _room(fmt)
    if not room:
        return f"typedef struct {{ uint64_t word[{-(-fmt.width // 64)}]; }} alh_{role}_t;"
    return f"typedef {'' if _signed(fmt) else 'u'}int{room}_t alh_{role}_t;"


def element_types(config: Config) -> list[str]:
    """Lines of the header: constants, types and accessors of all four formats."""
    kinds = ", ".join(f"ALH_{name}" for name in NAMES)
    specials = ", ".join(f"ALH_{name.upper()}" for name in SPECIALS)
    lines = [f"enum {{ {kinds} }};", f"enum {{ {specials} }};", PACKED]
    for role in ("input", "weight", "accumulator", "output"):
        lines += _role(role, "acc" if role == "accumulator" else role, getattr(config, role))
    return lines + _blocks(config)


def _role(role: str, short: str, fmt: Format | Accumulator) -> list[str]:
    base = _base(fmt)
    what = "values" if _signed(base) or isinstance(base, Int) else "codes"
    if isinstance(base, Fixed):
        what = f"units of 2^{base.lsb}"
    return [
        "",
        f"/* {role}: {what} of {fmt.name} */",
        f'#define ALH_{short.upper()}_FORMAT "{fmt.name}"',
        *(f"#define ALH_{short.upper()}_{n} {v}" for n, v in _constants(base).items()),
        *(_type(short, base), *_accessors(short, base)),
    ]


def _blocks(config: Config) -> list[str]:
    """Operands in blocks: their sizes and scales."""
    lines = []
    for role, block in (("input", config.input_block), ("weight", config.weight_block)):
        if block:
            lines += _role(f"scales of {role}", f"{role}_scale", block.scale)
            lines += [f"#define ALH_{role.upper()}_BLOCK {block.size}"]
    sizes = {"A_SCALES": config.row_scales, "B_SCALE_ROWS": config.scale_rows}
    return lines + [f"#define ALH_{name} {value}" for name, value in sizes.items() if value]
