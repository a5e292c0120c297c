"""The fields of all commands as C++ functions, from the table of the command set."""

from hw.isa import COMMANDS

HEAD = """// Made from hw.isa.
#pragma once
#include <cstdint>

struct Command {
    uint64_t funct, rs1, rs2;
};
"""


def fields_header() -> str:
    """One namespace per command: ``FUNCT``, perhaps ``SELECT``, and a function per field."""
    lines = [HEAD]
    for spec in COMMANDS:
        lines.append(f"namespace {spec.name} {{\nconstexpr uint64_t FUNCT = {spec.funct};")
        if spec.select is not None:
            lines.append(f"constexpr uint64_t SELECT = {spec.select};")
        for f in spec.fields:
            mask = hex((1 << f.width) - 1)
            value = f"c.rs{f.rs} >> {f.lsb} & {mask}ull"
            lines.append(f"inline uint64_t {f.name}(const Command& c) {{ return {value}; }}")
        lines.append("}")
    return "\n".join(lines) + "\n"
