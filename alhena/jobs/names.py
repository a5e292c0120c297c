"""What commands are called in timelines."""

from collections.abc import Sequence

from hw.isa import GARBAGE, Command, Local
from sim.engine import CommandTime
from sim.trace import Piece

OPERANDS = {"mvin": "A", "mvin2": "B", "mvin3": "D"}
"""What our compiler loads with each set of load parameters."""


def place(address: int) -> str:
    """A local address, such as ``acc 0x40``."""
    local = Local.parse(address)
    if local is None:
        return "nothing"
    return f"{'acc' if local.acc else 'sp'} {local.row:#x}"


def _compute(command: Command, preload: dict[str, int]) -> str:
    values = command.fields()
    c = Local.parse(preload.get("c_addr", GARBAGE))
    to = place(preload.get("c_addr", GARBAGE))
    fresh = command.spec.name == "compute_preloaded" and preload.get("b_addr", GARBAGE) != GARBAGE
    sign = "+=" if c and c.accumulate else "="
    weights = f"B {place(preload['b_addr'])}" if fresh else "same B"
    size = f"{values['a_rows']}x{values['a_cols']}"
    return f"compute {to} {sign} A {place(values['a_addr'])} {size}, {weights}"


def names(commands: Sequence[Command]) -> list[str]:
    """One name per command; computes carry what their preload named."""
    out, preload = [], {}
    for command in commands:
        kind = command.spec.name if command.spec else f"funct {command.funct}"
        values = command.fields()
        if kind in OPERANDS:
            size = f"{values['rows']}x{values['cols']}"
            out.append(f"mvin {OPERANDS[kind]} {size} to {place(values['local'])}")
        elif kind == "mvout":
            size = f"{values['rows']}x{values['cols']}"
            out.append(f"mvout {size} from {place(values['local'])}")
        elif kind in ("compute_preloaded", "compute_accumulated"):
            out.append(_compute(command, preload))
        else:
            preload = values if kind == "preload" else preload
            out.append(kind)
    return out


def pieces(commands: Sequence[Command], times: Sequence[CommandTime]) -> list[Piece]:
    """The commands of a run by name, as timelines show them."""
    labels = names(commands)
    return [(unit, labels[index], start, end) for index, unit, start, end in times]
