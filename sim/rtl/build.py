"""From Verilog text to a shared library or a program: Verilator, then the C++ compiler.

Everything is keyed by the content of what goes in, and made once.
"""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from sim.cache import build_directory, content_key, made_once
from sim.tools import ToolError, compiler, verilator, verilator_root

VERILATOR_OPTIONS = (
    *("--cc", "--prefix", "Vtop", "--top-module", "top", "-O3", "--no-timing", "--assert"),
    *("--x-assign", "fast", "--x-initial", "fast", "-Wno-fatal", "-Wno-lint", "-Wno-style"),
    *("--output-split", "40000", "--pins-inout-enables"),
)
DEFINES = ("-DVERILATOR=1", "-DVM_COVERAGE=0", "-DVM_SC=0", "-DVM_TRACE_FST=0")
FAST, SLOW = "-O1", "-O0"
ASSERTION = Path(__file__).parent / "assertion.cpp"
CHUNK_BYTES = 1 << 22
"""Source that one compiler run takes: Verilator's headers alone are two seconds of each."""


@dataclass(frozen=True)
class Design:
    """What a model is made of.

    `verilog` holds module `top`, which becomes class ``Vtop``; `extra` are further Verilog or
    control files. `harness` is a C++ file, `headers` what it includes from beside itself, `flags`
    go to the compiler. `trace` adds VCD output (macro ``VM_TRACE`` is then 1), `vpi` Verilator's
    VPI with every port of `top` public.
    """

    name: str
    verilog: str
    harness: Path
    headers: tuple[Path, ...] = ()
    extra: tuple[Path, ...] = ()
    flags: tuple[str, ...] = ()
    trace: bool = False
    vpi: bool = False

    def compiler_flags(self) -> list[str]:
        """Flags for everything that is compiled for this design."""
        include = verilator_root() / "include"
        flags = ["-std=gnu++20", "-fPIC", "-w", *DEFINES, f"-I{include}", f"-I{include}/vltstd"]
        flags += [f"-DVM_TRACE={self.trace:d}", f"-DVM_TRACE_VCD={self.trace:d}"]
        flags += [] if self.vpi else ["-DVL_TIME_CONTEXT", "-DVL_USER_STOP"]
        if "g++" in compiler().command[0] and "clang" not in compiler().command[0]:
            flags.append("-fno-gnu-unique")  # models in one process stay apart
        return flags

    def key(self) -> str:
        """Changes with everything that goes into the product."""
        own = [self.harness, *self.headers, *self.extra, ASSERTION]
        parts = [self.verilog, *own, *self.flags, self.vpi]
        tools = [verilator().version, compiler(), VERILATOR_OPTIONS, FAST]
        return content_key(*parts, *tools, *self.compiler_flags())


def _compile(jobs: Sequence[tuple[Path, str]], flags: Sequence[str], directory: Path) -> list[Path]:
    """Objects of (source, optimisation) jobs, as many at a time as there are processors."""

    def one(job: tuple[Path, str]) -> Path:
        source, level = job
        target = directory / f"{source.stem}.o"
        compiler().run(level, *flags, "-c", source, "-o", target, cwd=directory, timeout=1800)
        return target

    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        return list(pool.map(one, jobs))


def _runtime(design: Design) -> list[Path]:
    """Objects of Verilator's own library and of what goes with it, once per kind of design."""
    names = ["verilated", "verilated_threads"]
    names += ["verilated_vcd_c"] * design.trace + ["verilated_vpi"] * design.vpi
    sources = [verilator_root() / "include" / f"{name}.cpp" for name in names]
    sources += [] if design.vpi else [ASSERTION]
    flags = design.compiler_flags()

    def one(source: Path) -> Path:
        key = content_key(verilator().version, compiler(), flags, source)
        final = build_directory("rtl") / f"{source.stem}-{key}"

        def make(directory: Path):
            _compile([(source, FAST)], flags, directory)

        return made_once(final, make) / f"{source.stem}.o"

    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        return list(pool.map(one, sources))


def _chunks(directory: Path, files: list[Path], stem: str) -> list[Path]:
    """Sources that include the files, about `CHUNK_BYTES` each."""
    groups: list[list[Path]] = []
    size = CHUNK_BYTES + 1
    for file in files:
        if size > CHUNK_BYTES:
            groups.append([])
            size = 0
        groups[-1].append(file)
        size += file.stat().st_size
    out = []
    for number, group in enumerate(groups):
        out.append(directory / f"{stem}{number}.cpp")
        out[-1].write_text("".join(f'#include "{file.name}"\n' for file in group))
    return out


def _objects(design: Design, directory: Path) -> list[Path]:
    """Verilate into `directory` and compile."""
    source = directory / "top.v"
    source.write_text(design.verilog)
    options = [*VERILATOR_OPTIONS, "--Mdir", directory] + ["--trace-vcd"] * design.trace
    inputs = [source, *design.extra]
    if design.vpi:
        control = directory / "public.vlt"
        control.write_text('`verilator_config\npublic_flat_rw -module "top" -var "*"\n')
        options.append("--vpi")
        inputs.insert(0, control)
    verilator().run(*options, *inputs, cwd=directory, timeout=1800)
    generated = sorted(directory.glob("Vtop*.cpp"))
    if not generated:
        raise ToolError(f"verilator made no C++ of {design.name}")
    slow = [file for file in generated if "Slow" in file.name or "Syms" in file.name]
    fast = [file for file in generated if file not in slow]
    jobs = [(file, FAST) for file in _chunks(directory, [design.harness, *fast], "fast")]
    jobs += [(file, SLOW) for file in _chunks(directory, slow, "slow")]
    flags = [*design.compiler_flags(), f"-I{directory}", f"-I{design.harness.parent}"]
    return _compile(jobs, [*flags, *design.flags], directory)


def _build(design: Design, folder: str, product: str, link: Sequence[str]) -> Path:
    waves = "-waves" if design.trace else ""
    final = build_directory(folder) / f"{design.name}{waves}-{content_key(design.key(), *link)}"
    if (final / product).exists():
        return final / product

    def make(directory: Path):
        runtime = _runtime(design)
        objects = _objects(design, directory)
        compiler().run("-o", directory / product, *objects, *runtime, *link, "-lpthread")
        for file in {*objects, *directory.glob("Vtop*"), *directory.glob("*.cpp")}:
            file.unlink()

    return made_once(final, make, f"Building the simulation of {design.name}") / product


def build_library(design: Design) -> Path:
    """The design as a shared library under ``build/rtl``; several processes build it once."""
    return _build(design, "rtl", "model.so", ("-shared", "-Wl,-Bsymbolic"))


def build_program(design: Design, folder: str, link: Sequence[str] = ()) -> Path:
    """The design as a program called `top` under ``build/<folder>``; `link` goes to the linker."""
    return _build(design, folder, "top", tuple(link))
