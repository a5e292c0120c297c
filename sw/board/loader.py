"""The loader as firmware of the boot region."""

from hw.config import Config
from hw.soc.host import DEFAULT, Host
from hw.soc.map import BOOT
from sw.runtime.build import Firmware, build

from .frames import defines


def loader(
    config: Config, host: Host = DEFAULT, size: int = BOOT.size, silence: int = 100_000
) -> Firmware:
    """The loader for a system, in `size` bytes; `silence` cycles end a frame."""
    numbers = defines() | {"SILENCE": silence}
    return build("loader", config, host, defines=numbers, size=size, region=BOOT)
