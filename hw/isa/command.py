"""Commands: packing fields into operands, taking them apart, reading and printing them."""

from dataclasses import dataclass

from .table import BY_FUNCT, BY_NAME, Spec


@dataclass(frozen=True)
class Command:
    """What travels on the command stream."""

    funct: int
    rs1: int = 0
    rs2: int = 0

    @property
    def spec(self) -> Spec | None:
        """The table row of this command, or None for an unknown funct."""
        rows = BY_FUNCT.get(self.funct)
        if rows and rows[0].select is not None:
            rows = [row for row in rows if row.select == self.rs1 & 3]
        return rows[0] if rows else None

    def fields(self) -> dict[str, int]:
        """Field values by name; empty for an unknown funct."""
        spec = self.spec
        operands = {1: self.rs1, 2: self.rs2}
        return {f.name: (operands[f.rs] & f.mask) >> f.lsb for f in spec.fields} if spec else {}

    def __str__(self) -> str:
        return disassemble(self)


def encode(name: str, **values: int) -> Command:
    """A command from field values; fields that are not named are 0.

    Raises ValueError that names the command, field, value and limit.
    """
    if name not in BY_NAME:
        raise ValueError(f"no command {name!r}; the commands are {', '.join(BY_NAME)}")
    spec = BY_NAME[name]
    operands = {1: spec.select or 0, 2: 0}
    for key, value in values.items():
        field = spec.field(key)
        value = int(value)
        if not 0 <= value < 1 << field.width:
            most = (1 << field.width) - 1
            raise ValueError(f"{name}.{key} is {value}; it has {field.width} bits (0 to {most})")
        operands[field.rs] |= value << field.lsb
    return Command(spec.funct, operands[1], operands[2])


def disassemble(command: Command) -> str:
    """``name field=value …`` with fields that are not 0; ``funct N rs1=… rs2=…`` if unknown."""
    spec = command.spec
    if spec is None:
        return f"funct {command.funct} rs1={command.rs1:#x} rs2={command.rs2:#x}"
    values = command.fields().items()
    return " ".join([spec.name, *(f"{k}={v:#x}" if v > 9 else f"{k}={v}" for k, v in values if v)])


def assemble(line: str) -> Command:
    """The inverse of :func:`disassemble`; raises ValueError for what it cannot read."""
    name, *rest = line.split() or [""]
    pairs = dict(word.split("=", 1) for word in rest if "=" in word)
    values = {key: _number(key, text) for key, text in pairs.items()}
    if name == "funct" and rest:
        return Command(_number(name, rest[0]), values.get("rs1", 0), values.get("rs2", 0))
    if not name or len(pairs) != len(rest):
        raise ValueError(f"cannot read {line!r}; write: name field=value …")
    return encode(name, **values)


def _number(key: str, text: str) -> int:
    try:
        return int(text, 0)
    except ValueError:
        raise ValueError(f"{key} is {text!r}; it must be a whole number, as 12 or 0xc") from None
