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
    """One namespace per command: ``FUNCT``, perhaps ``SELECT``, two functions per field.

    One reads the field, one sets it in a command from ``make()``.
    """
    lines = [HEAD]
    for spec in COMMANDS:
        lines.append(f"namespace {spec.name} {{\nconstexpr uint64_t FUNCT = {spec.funct};")
        if spec.select is not None:
            lines.append(f"constexpr uint64_t SELECT = {spec.select};")
        lines.append(f"inline Command make() {{ return {{FUNCT, {spec.select or 0}, 0}}; }}")
        for f in spec.fields:
            mask = hex((1 << f.width) - 1)
            value = f"c.rs{f.rs} >> {f.lsb} & {mask}ull"
            lines.append(f"inline uint64_t {f.name}(const Command& c) {{ return {value}; }}")
            added = f"c.rs{f.rs} |= (value & {mask}ull) << {f.lsb};"
            lines.append(f"inline void {f.name}(Command& c, uint64_t value) {{ {added} }}")
        lines.append("}")
    return "\n".join(lines) + "\n"
