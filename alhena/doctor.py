"""Is everything here that Alhena needs, and how to mend what is not."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib import metadata

from sim import tools
from sim.cache import build_directory

PURPOSES = {"run": "make sim", "test": "make test"}

PACKAGES = {
    "run": (
        "amaranth",
        "numpy",
        "pyelftools",
        "pythondata-cpu-vexriscv",
        "pythondata-cpu-picorv32",
        "pythondata-cpu-serv",
        "scikit-learn",
        "matplotlib",
        "typer",
        "rich",
    ),
    "test": (
        "pytest",
        "pytest-xdist",
        "hypothesis",
        "ml_dtypes",
        "cocotb",
        "cocotbext-axi",
        "litedram",
        "ruff",
    ),
}


@dataclass(frozen=True)
class Check:
    """One thing that was looked for; `remedy` is empty if it is fine."""

    name: str
    purpose: str
    good: bool
    found: str
    remedy: str = ""


def _python(purpose: str) -> Check:
    version = ".".join(map(str, sys.version_info[:3]))
    good = sys.version_info >= (3, 11)
    remedy = "" if good else "install Python 3.11 or newer, then: make distclean sim PYTHON=…"
    return Check("python", purpose, good, version, remedy)


def _package(name: str, purpose: str) -> Check:
    try:
        return Check(name, purpose, True, metadata.version(name))
    except metadata.PackageNotFoundError:
        extra = "" if purpose == "run" else "[test]"
        return Check(name, purpose, False, "missing", f"run: .venv/bin/pip install -e '.{extra}'")


def _tool(find: Callable[[], tools.Tool], purpose: str) -> Check:
    try:
        tool = find()
        return Check(tool.name, purpose, True, tool.version)
    except tools.ToolError as error:
        name = find.__name__
        found, _, remedy = str(error).partition("; ")
        return Check(name, purpose, False, found, remedy or "see the message on the left")


def _build_directory(purpose: str) -> Check:
    try:
        directory = build_directory()
        probe = directory / ".doctor"
        probe.write_text("")
        probe.unlink()
        return Check("build directory", purpose, True, str(directory))
    except OSError as error:
        return Check("build directory", purpose, False, str(error), "set ALHENA_BUILD=/a/folder")


def examine() -> list[Check]:
    """Every check, those for running first."""
    checks = [_python("run"), _build_directory("run")]
    for purpose, found in (("run", tools.REQUIRED), ("test", tools.FOR_TESTS)):
        checks += [_tool(find, purpose) for find in found]
        checks += [_package(name, purpose) for name in PACKAGES[purpose]]
    return checks
