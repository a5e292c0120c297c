"""The loader as firmware of the boot region."""

from pathlib import Path

from hw.config import Config
from hw.soc.host import DEFAULT, Host
from hw.soc.map import BOOT
from sw.runtime.build import SOURCES, Firmware, build

from .frames import defines


def loader(
    config: Config,
    host: Host = DEFAULT,
    size: int = BOOT.size,
    silence: int = 100_000,
    sdram: Path | None = None,
) -> Firmware:
    """The loader for a system, in `size` bytes; `silence` cycles end a frame. It starts the SDRAM
    whose controller came with the headers in the folder `sdram`."""
    numbers = defines() | {"SILENCE": silence} | ({"WITH_SDRAM": 1} if sdram else {})
    include = [SOURCES / "sdram", sdram] if sdram else []
    return build("loader", config, host, defines=numbers, include=include, size=size, region=BOOT)
