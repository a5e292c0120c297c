"""Programs of loop commands: parameters are given again only where they change."""

from hw.config import Config
from hw.formats import Int
from hw.isa import Command, encode

from .jobs import ONE


def elements(job: str, name: str, fmt: Int, pitch: int) -> int:
    """Bytes between rows in elements, in which loops count; ValueError if they are not whole."""
    if pitch * 8 % fmt.width:
        raise ValueError(
            f"{job}: rows of {name} are {pitch} bytes apart, not whole {fmt.name} elements; "
            "do without loops, or pad the rows"
        )
    return pitch * 8 // fmt.width


class LoopProgram:
    """Collects commands; whatever configures stays in force until it is given other values.

    Nothing is assumed about what came before the first command.
    """

    def __init__(self, config: Config):
        self.config = config
        self.commands: list[Command] = []
        self._settings: dict[tuple[str, int], Command] = {}

    def set(self, name: str, **fields: int) -> None:
        """A configuration command, if it changes anything."""
        command = encode(name, **fields)
        key = (name, fields.get("set", 0))
        if self._settings.get(key) != command:
            self._settings[key] = command
            self.commands.append(command)

    def go(self, name: str, **fields: int) -> None:
        """A command that acts."""
        self.commands.append(encode(name, **fields))

    def execute(self, output_stationary: bool = False) -> None:
        """The dataflow; strides as loop_ws wants them."""
        self.set("config_ex", dataflow=int(not output_stationary), a_stride=1, c_stride=1)

    def load(self, number: int, stride: int, shrunk: bool = False, scale: int = ONE) -> None:
        """Load set `number` for rows `stride` bytes apart."""
        options = {"shrunk": int(shrunk), "scale": scale, "block_stride": self.config.dim}
        self.set("config_ld", set=number, stride=stride, **options)

    def store(self, stride: int, relu: bool, scale: int) -> None:
        """Rows `stride` bytes apart, scaled and perhaps cut off below 0."""
        self.set("config_st", activation=int(relu), stride=stride, scale=scale)
