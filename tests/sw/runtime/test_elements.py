"""Element types of alhena.h: rows that C packs are those of hw.formats, on this machine."""

import subprocess

import numpy as np
import pytest

from hw.config import PRESETS
from hw.formats import Fixed, Int, Rounded, pack_codes
from hw.formats.mix import Mix
from sim.tools import zig
from sw.runtime.header import alhena_h

ROLES = {"input": "input", "weight": "weight", "acc": "accumulator", "output": "output"}
COUNT = 8
MIXES = ("int8", "int4", "int5", "e4m3fn", "e3m2", "e5m2*e4m3fn->fixed63e-25", "bf16", "posit8es1",
         "int8*binary->int32->log8", "ternary->int16", "log8*table-e4m3fn-b0.00.38.7e",
         "mxfp6e3m2*e3m2x16-e4m3fn", "nvfp4->bf16", "bf16*int4x32-bf16",
         "e4m3fn->fixed70e-30", "posit12es2->fixed128e-48-sat", "int8->e6m5-rz")  # fmt: skip


def config_of(name: str):
    return PRESETS["small"].with_formats(**vars(Mix.parse(name)))


def codes_for(fmt, seed: int) -> list[int]:
    rng = np.random.default_rng(seed)
    return [int.from_bytes(rng.bytes(16), "little") % (1 << fmt.width) for _ in range(COUNT)]


def as_value(fmt, code: int) -> int:
    """What C sees: values of integers and fixed point, else codes."""
    signed = isinstance(fmt, Fixed) or (isinstance(fmt, Int) and fmt.signed)
    return code - (1 << fmt.width) if signed and code >> (fmt.width - 1) else code


def row_of(fmt, codes: list[int]) -> bytes:
    return pack_codes(fmt.width, np.array(codes, object if fmt.width > 64 else np.uint64))


def check_role(role: str, fmt, seed: int) -> tuple[str, list[str]]:
    """C that reads a row, writes another in reverse, and prints both; what it must print."""
    codes = codes_for(fmt, seed)
    packed, back = row_of(fmt, codes), row_of(fmt, codes[::-1])
    wide = fmt.width > 64
    show = 'printf("%llx %llx ", (ull)x.word[0], (ull)x.word[1]);' if wide else (
        'printf("%lld ", (long long)x);' if fmt.width < 64 or as_value(fmt, 1 << 63) < 0
        else 'printf("%llu ", (ull)x);'
    )  # fmt: skip
    c = f"""{{
        _Alignas(16) static const uint8_t in[] = {{{",".join(map(str, packed))}}};
        _Alignas(16) static uint8_t out[sizeof in];
        memset(out, 0xaa, sizeof out);
        for (int n = 0; n < {COUNT}; n++) {{
            const alh_{role}_t x = alh_{role}_get(in, n);
            {show}
            alh_{role}_put(out, {COUNT} - 1 - n, x);
        }}
        puts("");
        for (unsigned i = 0; i < sizeof out; i++) printf("%02x", out[i]);
        puts("");
    }}"""
    low = (1 << 64) - 1
    seen = [f"{c & low:x} {c >> 64:x}" if wide else str(as_value(fmt, c)) for c in codes]
    return c, [" ".join(seen) + " ", back.hex()]


@pytest.mark.parametrize("name", MIXES)
def test_rows_are_packed_like_formats_pack_them(name, tmp_path):
    config = config_of(name)
    formats = {role: getattr(config, field) for role, field in ROLES.items()}
    for role in ("input", "weight"):
        if block := getattr(config, f"{role}_block"):
            formats[f"{role}_scale"] = block.scale
    parts = [check_role(role, fmt, seed) for seed, (role, fmt) in enumerate(formats.items())]
    (tmp_path / "alhena.h").write_text(alhena_h(config))
    (tmp_path / "main.c").write_text(
        "#include <stdio.h>\n#include <string.h>\n#define ALH_ISSUE(f, a, b) 0\n"
        '#include "alhena.h"\ntypedef unsigned long long ull;\n'
        f"int main(void) {{ {' '.join(c for c, _ in parts)} return 0; }}\n"
    )
    program = tmp_path / "main"
    zig().run("cc", "-O1", "-Wall", "-Werror", "-Wno-unused-function", f"-I{tmp_path}",
              tmp_path / "main.c", "-o", program)  # fmt: skip
    done = subprocess.run([program], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == [line for _, lines in parts for line in lines]


def test_constants_name_the_formats():
    text = alhena_h(config_of("e4m3fn*e5m2->fp32"))
    for line in (
        '#define ALH_INPUT_FORMAT "e4m3fn"',
        "#define ALH_INPUT_BITS 8",
        "#define ALH_INPUT_KIND ALH_FLOAT",
        "#define ALH_INPUT_EXP 4",
        "#define ALH_INPUT_MAN 3",
        "#define ALH_INPUT_BIAS 7",
        "#define ALH_INPUT_SPECIALS ALH_FN",
        "#define ALH_INPUT_NAN 0x7full",
        "#define ALH_WEIGHT_SPECIALS ALH_IEEE",
        "#define ALH_ACC_BITS 32",
        "#define ALH_ACC_MAN 23",
        "typedef uint8_t alh_weight_t;",
        "typedef uint32_t alh_acc_t;",
        "/* weight: codes of e5m2 */",
    ):
        assert line in text.splitlines()
    fixed = alhena_h(config_of("e4m3fn")).splitlines()
    assert {"#define ALH_ACC_LSB (-18)", "typedef int64_t alh_acc_t;"} <= set(fixed)
    assert "/* accumulator: units of 2^-18 of fixed56e-18 */" in fixed
    whole = alhena_h(PRESETS["tiny"]).splitlines()
    assert {"typedef int8_t alh_input_t;", "typedef int32_t alh_acc_t;"} <= set(whole)
    assert {"#define ALH_INPUT_BITS 8", "#define ALH_INPUT_SIGNED 1"} <= set(whole)
    assert isinstance(config_of("bf16").accumulator, Rounded)
    blocks = alhena_h(config_of("mxfp4")).splitlines()
    assert {"#define ALH_INPUT_BLOCK 32", "#define ALH_WEIGHT_SCALE_KIND ALH_E8M0"} <= set(blocks)
    assert {"#define ALH_A_SCALES 4", "#define ALH_B_SCALE_ROWS 2"} <= set(blocks)
    posit = alhena_h(config_of("posit8es1")).splitlines()
    assert {"#define ALH_OUTPUT_ES 1", "#define ALH_OUTPUT_NAN 0x80ull"} <= set(posit)
