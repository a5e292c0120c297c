"""The drop-in headers: C written for Gemmini's ``gemmini.h`` compiles against these unchanged."""

from hw.config import MAX_BYTES, Config
from hw.formats import Accumulator, Format, Int

from .header import NOTICE

ADDRESS_BITS = 32

_FLAGS = {
    "HAS_MVIN_SCALE": "mvin_scale",
    "HAS_FIRST_LAYER_OPTIMIZATIONS": "first_layer",
    "HAS_NORMALIZATIONS": "normalisation",
}
"""What gemmini.h asks about the hardware, by field of Config."""

_TYPES = {8: "int8_t", 16: "int16_t", 32: "int32_t"}


class DropInError(ValueError):
    """A configuration that programs written for ``gemmini.h`` cannot express."""


def _c_type(role: str, fmt: Format | Accumulator) -> str:
    if not isinstance(fmt, Int) or fmt.width not in _TYPES or not fmt.signed:
        raise DropInError(
            f"Config.{role} is {fmt.name}; gemmini.h needs a C type: int8, int16 or int32"
        )
    return _TYPES[fmt.width]


def _limits(name: str, fmt: Int) -> list[str]:
    low = f"(-{fmt.max} - 1)"
    return [
        f"static const {name} {name}_max = {fmt.max};",
        f"static const {name} {name}_min = {low};",
    ]


_MACROS = """
#define MVIN_SCALE_IDENTITY 1.0
#define ACC_SCALE_IDENTITY 1.0
#define ACC_SCALE_T_IS_FLOAT
#define ACC_SCALE_EXP_BITS 8
#define ACC_SCALE_SIG_BITS 24
#define ACC_READ_SMALL_WIDTH
#define ACC_READ_FULL_WIDTH

#define NORM_STAT_IDS 4

/* An alignment is a power of two; DIM need not be one. */
#define ALH_ALIGNMENT(bytes) (1u << (32 - __builtin_clz((uint32_t)(bytes) - 1)))
#define row_align(blocks) __attribute__((aligned(ALH_ALIGNMENT((blocks) * DIM * sizeof(elem_t)))))
#define row_align_acc(blocks) \\
    __attribute__((aligned(ALH_ALIGNMENT((blocks) * DIM * sizeof(acc_t)))))

/* x / 2^shift, halves to the even neighbour. */
#define ROUNDING_RIGHT_SHIFT(x, shift)                                                     \\
    __extension__({                                                                        \\
        const full_t alh_x = (x);                                                          \\
        const int alh_s = (shift);                                                         \\
        const full_t alh_q = alh_s > 0 ? alh_x >> alh_s : alh_x << -alh_s;                 \\
        const full_t alh_r = alh_s > 0 ? alh_x - (alh_q << alh_s) : 0;                     \\
        const full_t alh_h = alh_s > 0 ? (full_t)1 << (alh_s - 1) : 1;                     \\
        alh_q + (alh_r > alh_h || (alh_r == alh_h && (alh_q & 1)));                        \\
    })

/* The integer nearest to x, halves to the even one, within [low, high]. */
static inline int32_t alh_nearest(float x, int32_t low, int32_t high) {
    if (!(x < (float)high)) return high;
    if (!(x > (float)low)) return low;
    int32_t whole = (int32_t)x;
    if ((float)whole > x) whole--;
    const float rest = x - (float)whole;
    return whole + (rest > 0.5f || (rest == 0.5f && (whole & 1)));
}
/* The same for any real type, in that type. */
#define SAME_TYPE(x) __typeof__(x)
#define ROUND_NEAR_EVEN(x)                                                                 \\
    __extension__({                                                                        \\
        const SAME_TYPE(x) alh_v = (x);                                                    \\
        const int64_t alh_t = (int64_t)alh_v;                                              \\
        const int64_t alh_w = alh_t - ((SAME_TYPE(x))alh_t > alh_v);                       \\
        const SAME_TYPE(x) alh_r = alh_v - (SAME_TYPE(x))alh_w;                            \\
        (SAME_TYPE(x))(alh_w + (alh_r > 0.5f || (alh_r == 0.5f && (alh_w & 1))));          \\
    })
#define ROUNDING_RIGHT_SHIFT_BITS(x, shift) ROUNDING_RIGHT_SHIFT(x, shift)
#define ACC_SCALE(x, scale) alh_nearest((float)(x) * (scale), elem_t_min, elem_t_max)
#define MVIN_SCALE(x, scale) \\
    ((scale) == 1.0f ? (x) : (elem_t)alh_nearest((float)(x) * (scale), elem_t_min, elem_t_max))
#define MVIN_SCALE_ACC(x, scale) (x)
"""


def gemmini_params_h(config: Config) -> str:
    """``include/gemmini_params.h`` of a configuration; DropInError if it has no C types."""
    elem, acc = _c_type("input", config.input), _c_type("accumulator", config.accumulator)
    for role in ("weight", "output"):
        fmt = getattr(config, role)
        if fmt != config.input:
            raise DropInError(
                f"Config.{role} is {fmt.name}; gemmini.h has one type for input, weight and "
                f"output, here {config.input.name}"
            )
    numbers = {
        "XCUSTOM_ACC": 3,
        "DIM": config.dim,
        "ADDR_LEN": ADDRESS_BITS,
        "BANK_NUM": config.sp_banks,
        "BANK_ROWS": config.sp_bank_rows,
        "ACC_ROWS": config.acc_rows,
        "MAX_BYTES": MAX_BYTES,
        "MAX_BLOCK_LEN": config.max_block_len,
        "MAX_BLOCK_LEN_ACC": config.max_block_len_acc,
    }
    return "\n".join(
        [
            NOTICE,
            "#ifndef GEMMINI_PARAMS_H",
            "#define GEMMINI_PARAMS_H",
            "",
            "#include <limits.h>",
            "#include <stdint.h>",
            "",
            *(f"#define {name} {value}" for name, value in numbers.items()),
            "",
            f"typedef {elem} elem_t;",
            *_limits("elem_t", config.input),
            f"typedef {acc} acc_t;",
            "typedef int64_t full_t;",
            "",
            *(f"#define {flag}" for flag, field in _FLAGS.items() if getattr(config, field)),
            "typedef float scale_t;",
            "typedef uint32_t scale_t_bits;",
            "typedef int32_t scale_acc_t;",
            "typedef uint32_t scale_acc_t_bits;",
            "typedef float acc_scale_t;",
            "typedef uint32_t acc_scale_t_bits;",
            _MACROS,
            "#endif",
            "",
        ]
    )


def xcustom_h() -> str:
    """``rocc-software/src/xcustom.h``: RoCC's instruction macros in terms of ours.

    The custom opcode that the macros name is ignored: there is one accelerator. ``fence`` waits
    for it (serving interrupts) and then forgets the data cache. ``rdcycle`` fills one 32-bit
    register: differences of its low half are right up to 2^32 cycles.
    """
    return "\n".join([NOTICE, _XCUSTOM])


_XCUSTOM = """#ifndef SRC_MAIN_C_XCUSTOM_H
#define SRC_MAIN_C_XCUSTOM_H

#include "alhena.h"
#include "core.h"

#define ROCC_INSTRUCTION_0_R_R(x, rs1, rs2, funct, ...) \\
    { (void)ALH_ISSUE(funct, (uint64_t)(rs1), (uint64_t)(rs2)); }
#define ROCC_INSTRUCTION_R_R_R(x, rd, rs1, rs2, funct, ...) \\
    { (rd) = ALH_ISSUE(funct, (uint64_t)(rs1), (uint64_t)(rs2)); }
#define ROCC_INSTRUCTION_0_R_0(x, rs1, funct) ROCC_INSTRUCTION_0_R_R(x, rs1, 0, funct)
#define ROCC_INSTRUCTION_R_R_0(x, rd, rs1, funct) ROCC_INSTRUCTION_R_R_R(x, rd, rs1, 0, funct)
#define ROCC_INSTRUCTION_R_0_0(x, rd, funct) ROCC_INSTRUCTION_R_R_R(x, rd, 0, 0, funct)
#define ROCC_INSTRUCTION_0_0_0(x, funct) ROCC_INSTRUCTION_0_R_R(x, 0, 0, funct)

#define ROCC_INSTRUCTION_DSS(x, rd, rs1, rs2, funct) ROCC_INSTRUCTION_R_R_R(x, rd, rs1, rs2, funct)
#define ROCC_INSTRUCTION_DS(x, rd, rs1, funct) ROCC_INSTRUCTION_R_R_0(x, rd, rs1, funct)
#define ROCC_INSTRUCTION_D(x, rd, funct) ROCC_INSTRUCTION_R_0_0(x, rd, funct)
#define ROCC_INSTRUCTION_SS(x, rs1, rs2, funct) ROCC_INSTRUCTION_0_R_R(x, rs1, rs2, funct)
#define ROCC_INSTRUCTION_S(x, rs1, funct) ROCC_INSTRUCTION_0_R_0(x, rs1, funct)
/* gemmini.h reads counters with an operand that it leaves unset; nobody looks at it. */
#define ROCC_INSTRUCTION(x, rd, rs1, rs2, funct)                 \\
    _Pragma("clang diagnostic push")                             \\
    _Pragma("clang diagnostic ignored \\"-Wuninitialized\\"")     \\
    ROCC_INSTRUCTION_R_R_R(x, rd, rs1, rs2, funct)               \\
    _Pragma("clang diagnostic pop")

/* A plain `fence` in inline assembly waits for the accelerator and forgets the data cache. */
__asm__(
    ".macro fence arguments:vararg\\n"
    ALH_FENCE /* the instruction itself */
    "  addi sp, sp, -16\\n"
    "  sw t0, 0(sp)\\n"
    "771:\\n"
    ALH_STATUS_TO_T0
    "  andi t0, t0, 1\\n"
    "  bnez t0, 771b\\n"
    "  lw t0, 0(sp)\\n"
    "  addi sp, sp, 16\\n"
    ALH_INVALIDATE
    ".endm\\n");

#endif
"""
