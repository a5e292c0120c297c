"""`alhena isa`: the command table, and commands from text."""

from dataclasses import asdict

from hw.isa import COMMANDS, assemble


def listing() -> list[dict]:
    """Every command with its fields."""
    return [
        {
            "funct": spec.funct,
            "select": spec.select,
            "name": spec.name,
            "group": spec.group,
            "doc": spec.doc,
            "fields": [asdict(field) for field in spec.fields],
        }
        for spec in COMMANDS
    ]


def encode_lines(lines: list[str]) -> list[dict]:
    """Funct and operands of every line; ValueError names what cannot be read."""
    rows = []
    for line in lines:
        command = assemble(line)
        rows.append(
            {
                "funct": command.funct,
                "rs1": f"{command.rs1:#018x}",
                "rs2": f"{command.rs2:#018x}",
                "text": str(command),
            }
        )
    return rows
