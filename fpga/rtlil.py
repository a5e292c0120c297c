"""The design as yosys reads it."""

import re

from amaranth.back import rtlil

from hw.verilog import uncollected

MODULE = re.compile(r"^module \\.*?^end$", re.MULTILINE | re.DOTALL)
MEMORY = re.compile(
    r"^  attribute \\no_collisions 1\n(?:  attribute .*\n)*  memory .* \\(\S+)$", re.M
)
READ = re.compile(r"^  cell \$memrd_v2 .*?^  end$", re.MULTILINE | re.DOTALL)
MASK = re.compile(r"(parameter \\COLLISION_X_MASK \d+')(0+)$", re.MULTILINE)


def without_collision_logic(text: str) -> str:
    """Every synchronous read port of a memory with the attribute ``no_collisions``
    (:mod:`hw.memory.collisions`) may return anything when its address is written."""

    def module(found: re.Match) -> str:
        memories = {f'"\\\\{name}"' for name in MEMORY.findall(found[0])}
        return READ.sub(lambda read: port(read[0], memories), found[0]) if memories else found[0]

    def port(cell: str, memories: set[str]) -> str:
        if not any(f"parameter \\MEMID {memory}\n" in cell for memory in memories):
            return cell
        return MASK.sub(lambda mask: mask[1] + "1" * len(mask[2]), cell)

    return MODULE.sub(module, text)


def emit(component, platform, ports: dict | None = None) -> str:
    """RTLIL of `component` as module ``top``; `ports` are those of its signature if not given."""
    options = {"ports": ports, "platform": platform, "emit_src": False}
    with uncollected():
        text = rtlil.convert(component, name="top", **options)
    return without_collision_logic(text)
