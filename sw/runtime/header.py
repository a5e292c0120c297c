"""C headers of a configuration: ``alhena.h``."""

from hw.config import Config
from hw.isa import COMMANDS, GARBAGE, RESPONDS, ErrorCode, Event, Field, Local, Spec
from hw.soc import map as addresses
from hw.soc.host import CUSTOM, DEFAULT, Host

from .elements import element_types

NOTICE = "/* Generated from the configuration and the command table; do not edit. */"

_ERRORS = {
    ErrorCode.NONE: "no error",
    ErrorCode.BAD_FUNCT: "no such command",
    ErrorCode.NOT_SUPPORTED: "not supported in this configuration",
    ErrorCode.BAD_CONFIG: "a field has a value that means nothing",
    ErrorCode.BAD_SIZE: "rows or columns beyond the limit",
    ErrorCode.BAD_ADDRESS: "a local address outside its memory",
    ErrorCode.OVERLAP: "C overlaps A or D",
    ErrorCode.BUS_READ: "the memory answered a read with an error",
    ErrorCode.BUS_WRITE: "the memory answered a write with an error",
}

_CUSTOM_PORT = """
/* The command port: custom instructions. */
#define ALH_CUSTOM(kind, funct, rs1, rs2)                                                  \\
    __extension__({                                                                        \\
        uint32_t alh_answer;                                                               \\
        __asm__ volatile(".insn r @OPCODE@, %1, %2, %0, %3, %4"                                \\
                         : "=r"(alh_answer)                                                \\
                         : "i"(kind), "i"(funct), "r"((uint32_t)(rs1)), "r"((uint32_t)(rs2)) \\
                         : "memory");                                                      \\
        alh_answer;                                                                        \\
    })
#define ALH_ISSUE(funct, rs1, rs2)                                                       \\
    __extension__({                                                                      \\
        const uint64_t alh_1 = (rs1), alh_2 = (rs2);                                     \\
        const uint32_t alh_1h = (uint32_t)(alh_1 >> 32), alh_2h = (uint32_t)(alh_2 >> 32); \\
        if (!__builtin_constant_p(alh_1h | alh_2h) || (alh_1h | alh_2h))                 \\
            ALH_CUSTOM(1, 0, alh_1h, alh_2h);                                            \\
        ALH_CUSTOM(0, funct, alh_1, alh_2);                                              \\
    })
static inline uint32_t alh_status(void) { return ALH_CUSTOM(2, 0, 0, 0); }
#define ALH_STATUS_TO_T0 "  .insn r @OPCODE@, 2, 0, t0, x0, x0\\n"
/* Start the replay of `count` commands (24 bytes each) from memory; their answers are dropped. */
static inline void alh_replay(uint32_t list, uint32_t count) { ALH_CUSTOM(4, 0, list, count); }
/* Any command, also one whose funct is not known before it runs. */
static inline uint32_t alh_issue(uint32_t funct, uint64_t rs1, uint64_t rs2) {
    extern char alh_issue_any[];
    if ((rs1 | rs2) >> 32) ALH_CUSTOM(1, 0, rs1 >> 32, rs2 >> 32);
    __asm__ volatile("" ::: "memory");
    return ((uint32_t (*)(uint32_t, uint32_t))(alh_issue_any + 8 * (funct & 127)))(
        (uint32_t)rs1, (uint32_t)rs2);
}
"""

_MMIO_PORT = """
/* The command port: memory-mapped registers. */
#define ALH_PORT(name) (*(volatile uint32_t *)ALH_COMMAND_##name)
static inline uint32_t alh_status(void) { return ALH_PORT(STATUS); }
#define ALH_TEXT_(x) #x
#define ALH_TEXT(x) ALH_TEXT_(x)
#define ALH_STATUS_TO_T0 "  li t0, " ALH_TEXT(ALH_COMMAND_STATUS) "\\n  lw t0, 0(t0)\\n"
static inline uint32_t alh_issue(uint32_t funct, uint64_t rs1, uint64_t rs2) {
    __asm__ volatile("" ::: "memory");
    ALH_PORT(RS1_LOW) = (uint32_t)rs1;
    ALH_PORT(RS2_LOW) = (uint32_t)rs2;
    if (rs1 >> 32) ALH_PORT(RS1_HIGH) = (uint32_t)(rs1 >> 32);
    if (rs2 >> 32) ALH_PORT(RS2_HIGH) = (uint32_t)(rs2 >> 32);
    ALH_PORT(ISSUE) = funct;
    return ALH_PORT(RESPONSE);
}
#define ALH_ISSUE(funct, rs1, rs2) alh_issue(funct, rs1, rs2)
/* Start the replay of `count` commands (24 bytes each) from memory; their answers are dropped. */
static inline void alh_replay(uint32_t list, uint32_t count) {
    __asm__ volatile("" ::: "memory");
    ALH_PORT(RS1_LOW) = list;
    ALH_PORT(RUN) = count;
}
"""


def _define(name: str, value: int | str, doc: str = "") -> str:
    text = value if isinstance(value, str) else f"{value:#x}u" if value > 4096 else f"{value}"
    return f"#define {name} {text}" + (f" /* {doc} */" if doc else "")


def constants(config: Config) -> list[str]:
    """Sizes of the configuration, local address flags, error codes, countable events."""
    numbers = {
        "DIM": config.dim,
        "SP_ROWS": config.sp_rows,
        "ACC_ROWS": config.acc_rows,
        "ROW_BYTES": config.row_bytes,
        "ACC_ROW_BYTES": config.acc_row_bytes,
        "TABLE_ROWS": config.table_rows,
        "MAX_BLOCK_LEN": config.max_block_len,
        "MAX_BLOCK_LEN_ACC": config.max_block_len_acc,
        "BUS_WIDTH": config.bus_width,
        "COUNTERS": config.counters,
        "GARBAGE": GARBAGE,
        "LOCAL_ACC": Local.ACC,
        "LOCAL_ACCUMULATE": Local.ACCUMULATE,
        "LOCAL_FULL": Local.FULL,
        "SCALE_ONE": 0x3F80_0000,
    }
    codes = [
        f"    ALH_{'OK' if code is ErrorCode.NONE else code.name} = {int(code)},"
        for code in ErrorCode
    ]
    names = ", ".join(f'"{code.name}: {_ERRORS[code]}"' for code in ErrorCode)
    return [
        _define("ALH_CONFIG_NAME", f'"{config.name}"'),
        *(_define(f"ALH_{name}", value) for name, value in numbers.items()),
        "",
        "typedef enum {",
        *codes,
        "} alh_code;",
        _define("ALH_ERROR_NAMES", f"{{{names}}}"),
        "",
        *(_define(f"ALH_COUNT_{event.name}", int(event)) for event in Event),
    ]


def address_map() -> list[str]:
    """Regions, registers, and bits of the address map."""
    lines = []
    for region in addresses.REGIONS:
        name = f"ALH_{region.name.upper()}"
        lines += [_define(f"{name}_BASE", f"{region.base:#x}u", region.doc)]
        lines += [_define(f"{name}_SIZE", f"{region.size:#x}u")]
    for peripheral in addresses.PERIPHERALS:
        lines += ["", f"/* {peripheral.name}: {peripheral.doc} */"]
        for register in peripheral.registers:
            name = f"ALH_{peripheral.name.upper()}_{register.name.upper()}"
            lines.append(_define(name, f"{peripheral.base + register.offset:#x}u", register.doc))
    lines += [
        "",
        *(
            _define(f"ALH_EVENT_{name.upper()}", 1 << bit)
            for bit, name in enumerate(addresses.EVENT_BITS)
        ),
    ]
    lines += [
        "",
        _define("ALH_STATUS_BUSY", "1u"),
        _define("ALH_STATUS_FREE_LSB", 8),
        _define("ALH_STATUS_ERROR_LSB", 16),
    ]
    return lines


def _argument(field: Field) -> str:
    return f"uint{64 if field.width > 32 else 32}_t {field.name}"


def _operand(spec: Spec, rs: int) -> str:
    parts = [
        f"(uint64_t)({field.name}"
        + (f" & {(1 << field.width) - 1:#x}u)" if field.width < 32 else ")")
        + (f" << {field.lsb}" if field.lsb else "")
        for field in spec.fields
        if field.rs == rs
    ]
    if rs == 1 and spec.select:
        parts.append(f"{spec.select}u")
    return " | ".join(parts) or "0"


def command_function(spec: Spec) -> str:
    """The inline function that packs a command's fields and issues it."""
    responds = spec.funct in RESPONDS
    arguments = ", ".join(_argument(field) for field in spec.fields) or "void"
    issue = f"ALH_ISSUE({spec.funct}, {_operand(spec, 1)},\n              {_operand(spec, 2)})"
    kind = "uint32_t" if responds else "void"
    return (
        f"/* {spec.doc} */\n"
        f"static inline {kind} alh_{spec.name}({arguments}) {{\n"
        f"    {'return ' if responds else ''}{issue};\n}}"
    )


def alhena_h(config: Config, host: Host = DEFAULT) -> str:
    """``alhena.h``: constants, element types, address map, command port, a function per command."""
    port = _MMIO_PORT
    if host.attach in CUSTOM:
        port = _CUSTOM_PORT.replace("@OPCODE@", f"{CUSTOM[host.attach]:#04x}")
    responds = " || ".join(f"funct == {funct}" for funct in sorted(RESPONDS))
    return "\n".join(
        [
            NOTICE,
            "#ifndef ALHENA_H",
            "#define ALHENA_H",
            "",
            "#include <stdint.h>",
            "",
            *constants(config),
            "",
            *element_types(config),
            "",
            *address_map(),
            "#ifndef ALH_ISSUE /* a program may bring a port of its own */",
            port,
            "#endif",
            f"static inline int alh_responds(uint32_t funct) {{ return {responds}; }}",
            "",
            *(command_function(spec) for spec in COMMANDS),
            "",
            "#endif",
            "",
        ]
    )
