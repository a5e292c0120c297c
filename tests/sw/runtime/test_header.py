"""Generated C: the functions of alhena.h pack what hw.isa packs; names and limits are right."""

import random
import subprocess

import pytest

from hw.config import PRESETS
from hw.formats import Int
from hw.formats.mix import Mix
from hw.isa import COMMANDS, ErrorCode, encode
from hw.soc.host import Host
from hw.soc.map import PERIPHERALS, REGIONS
from sim.tools import ToolError, zig
from sw.runtime.build import build, headers, linker_script
from sw.runtime.dropin import DropInError, gemmini_params_h
from sw.runtime.header import alhena_h

TINY = PRESETS["tiny"]


def compile_and_run(source, directory, config=TINY):
    """Compile for this machine with the generated headers beside the source; returns the output."""
    for name, text in headers(config).items():
        target = directory / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
    (directory / "main.c").write_text(source)
    program = directory / "main"
    zig().run("cc", "-w", "-O1", f"-I{directory}", directory / "main.c", "-o", program)
    return subprocess.run([program], capture_output=True, text=True, check=True).stdout


def test_every_command_is_packed_as_in_the_table(tmp_path):
    rng = random.Random(1)
    calls, wanted = [], []
    for spec in COMMANDS:
        for _ in range(8):
            values = {f.name: rng.randrange(1 << f.width) for f in spec.fields}
            command = encode(spec.name, **values)
            wanted.append(f"{command.funct} {command.rs1:x} {command.rs2:x}")
            calls.append(f"alh_{spec.name}({', '.join(f'{v}ull' for v in values.values())});")
    out = compile_and_run(
        "#include <stdint.h>\n#include <stdio.h>\n"
        "static uint32_t port(unsigned f, uint64_t a, uint64_t b) {\n"
        '    printf("%u %llx %llx\\n", f, (unsigned long long)a, (unsigned long long)b);\n'
        "    return 0;\n}\n"
        "#define ALH_ISSUE(funct, rs1, rs2) port(funct, rs1, rs2)\n"
        '#include "alhena.h"\n'
        f"int main(void) {{ {' '.join(calls)} return 0; }}\n",
        tmp_path,
    )
    assert out.splitlines() == wanted


def test_names_sizes_and_addresses_come_from_their_sources():
    text = alhena_h(TINY.replace(dim=5, bus_width=64))
    assert "#define ALH_DIM 5\n" in text and "#define ALH_BUS_WIDTH 64\n" in text
    for code in ErrorCode:
        assert f"ALH_{code.name if code else 'OK'} = {int(code)}," in text
        assert f'"{code.name}: ' in text
    for peripheral in PERIPHERALS:
        for register in peripheral.registers:
            name = f"ALH_{peripheral.name}_{register.name}".upper()
            assert f"#define {name} {peripheral.base + register.offset:#x}u" in text
    for region in REGIONS:
        assert f"#define ALH_{region.name.upper()}_BASE {region.base:#x}u" in text
        assert region.name != "firmware" or f"ORIGIN = {region.base:#x}" in linker_script()


def test_unknown_cores_and_attachments_are_named():
    with pytest.raises(
        ValueError, match="core is 'arm'; it must be one of vexriscv, vexriscv_lite, picorv32, serv"
    ):
        Host("arm")
    with pytest.raises(ValueError, match="attach is 'pcpi'; vexriscv has cfu or mmio"):
        Host("vexriscv", "pcpi")
    assert Host("picorv32").name == "picorv32-pcpi"


def test_drop_in_parameters_follow_the_configuration(tmp_path):
    config = PRESETS["default"]
    out = compile_and_run(
        '#include <stdio.h>\n#define ALH_ISSUE(f, a, b) 0\n#include "include/gemmini_params.h"\n'
        "int main(void) {\n"
        '    printf("%d %d %d %d %d %d %d %d %d\\n", XCUSTOM_ACC, DIM, ADDR_LEN, BANK_NUM, '
        "BANK_ROWS, ACC_ROWS, MAX_BYTES, MAX_BLOCK_LEN, MAX_BLOCK_LEN_ACC);\n"
        '    printf("%zu %zu %zu %d %d\\n", sizeof(elem_t), sizeof(acc_t), sizeof(full_t), '
        "elem_t_max, elem_t_min);\n"
        '    for (int x = -9; x < 10; x++) printf("%g %lld %lld ", ROUND_NEAR_EVEN(x / 2.0f), '
        "(long long)ROUNDING_RIGHT_SHIFT(x, 1), (long long)ROUNDING_RIGHT_SHIFT(x, 2));\n"
        '    printf("\\n%d %d %d\\n", ACC_SCALE(1000, 0.5f), ACC_SCALE(-1000, 1.0f), '
        "ACC_SCALE(5, 0.5f));\n"
        "    return 0;\n}\n",
        tmp_path,
        config,
    )
    lines = out.splitlines()
    assert lines[0] == "3 16 32 4 4096 1024 64 4 1"
    assert lines[1] == "1 4 8 127 -128"
    rounded = [n for x in range(-9, 10) for n in (round(x / 2), round(x / 2), round(x / 4))]
    assert [float(n) for n in lines[2].split()] == rounded
    assert lines[3] == "127 -128 2"


def test_drop_in_flags_say_what_the_configuration_has():
    flags = {
        "HAS_MVIN_SCALE": "mvin_scale",
        "HAS_FIRST_LAYER_OPTIMIZATIONS": "first_layer",
        "HAS_NORMALIZATIONS": "normalisation",
    }
    for flag, field in flags.items():
        for has in (False, True):
            lines = gemmini_params_h(TINY.replace(**{field: has})).splitlines()
            assert (f"#define {flag}" in lines) == has
    wide = gemmini_params_h(TINY.replace(mvin_bytes=256)).splitlines()
    assert {"#define MAX_BYTES 64", "#define NORM_STAT_IDS 4"} <= set(wide)


def test_formats_without_a_c_type_have_no_drop_in():
    narrow = TINY.replace(input=Int(4), weight=Int(4), output=Int(4), accumulator=Int(20))
    with pytest.raises(DropInError, match="Config.input is int4; gemmini.h needs a C type"):
        gemmini_params_h(narrow)
    assert list(headers(narrow)) == ["alhena.h"]
    for name, message in (
        ("e4m3fn", "Config.input is e4m3fn; gemmini.h needs a C type: int8, int16 or int32"),
        ("int8->fp32", "Config.accumulator is fp32; gemmini.h needs a C type"),
        ("int8->fixed32e0", "Config.accumulator is fixed32e0; gemmini.h needs a C type"),
    ):
        with pytest.raises(DropInError, match=message):
            gemmini_params_h(TINY.with_formats(**vars(Mix.parse(name))))
    mixed = TINY.replace(weight=Int(8, signed=False))
    with pytest.raises(DropInError, match="Config.weight is uint8; gemmini.h has one type"):
        gemmini_params_h(mixed)


def test_rows_are_aligned_for_any_dim(tmp_path):
    out = compile_and_run(
        '#include <stdio.h>\n#define ALH_ISSUE(f, a, b) 0\n#include "include/gemmini_params.h"\n'
        "static elem_t a[6] row_align(1), b[24] row_align(4);\n"
        "static acc_t c[6] row_align_acc(1);\n"
        'int main(void) { printf("%zu %zu %zu\\n", _Alignof(a), _Alignof(b), _Alignof(c)); }\n',
        tmp_path,
        TINY.replace(dim=6),
    )
    assert out == "8 32 32\n"


def test_a_compile_error_shows_the_compiler_s_words(tmp_path):
    wrong = tmp_path / "wrong.c"
    wrong.write_text("int main(void) { return nothing; }\n")
    with pytest.raises(ToolError, match="use of undeclared identifier 'nothing'"):
        build(wrong, TINY)


def test_a_program_is_compiled_once(tmp_path):
    program = tmp_path / "same.c"
    program.write_text("int main(void) { return 3; }\n")
    first, again = build(program, TINY), build(program, TINY)
    assert first == again and first.size < 1 << 16
    changed = build(program, TINY.replace(dim=6))
    assert changed.elf != first.elf
    assert {"_start", "main"} <= set(first.symbols)


def test_a_program_may_bring_its_own_rand(tmp_path):
    program = tmp_path / "own.c"
    program.write_text("int rand() { return 4; }\nint main(void) { return rand(); }\n")
    assert "main" in build(program, TINY).symbols
