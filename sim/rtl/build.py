"""From Verilog text to a shared library: Verilator, then the C++ compiler; cached by content."""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from sim.cache import build_directory, content_key, made_once
from sim.tools import ToolError, compiler, verilator, verilator_root

VERILATOR_OPTIONS = (
    *("--cc", "--prefix", "Vtop", "--top-module", "top", "-O3", "--no-timing", "--noassert"),
    *("--x-assign", "fast", "--x-initial", "fast", "-Wno-fatal", "-Wno-lint", "-Wno-style"),
    *("--output-split", "40000", "--inline-mult", "4000"),
)
DEFINES = ("-DVERILATOR=1", "-DVL_TIME_CONTEXT", "-DVM_COVERAGE=0", "-DVM_SC=0", "-DVM_TRACE_FST=0")
FAST, SLOW = "-O2", "-O0"
CHUNK_BYTES = 1 << 20
"""Generated source that one compiler run takes."""


def _flags(trace: bool) -> list[str]:
    include = verilator_root() / "include"
    flags = ["-std=gnu++20", "-fPIC", "-w", *DEFINES, f"-DVM_TRACE={int(trace)}"]
    flags += [f"-DVM_TRACE_VCD={int(trace)}", f"-I{include}", f"-I{include / 'vltstd'}"]
    if "g++" in compiler().command[0] and "clang" not in compiler().command[0]:
        flags.append("-fno-gnu-unique")  # libraries of several models in one process stay apart
    return flags


def _compile(jobs: Sequence[tuple[Path, str]], flags: Sequence[str], directory: Path) -> list[Path]:
    """Objects of (source, optimisation) jobs, as many at a time as there are processors."""

    def one(job: tuple[Path, str]) -> Path:
        source, level = job
        target = directory / f"{source.stem}.o"
        compiler().run(level, *flags, "-c", source, "-o", target, cwd=directory, timeout=1800)
        return target

    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        return list(pool.map(one, jobs))


def _runtime(trace: bool) -> list[Path]:
    """Objects of Verilator's own library, compiled once."""
    names = ["verilated", "verilated_threads"] + ["verilated_vcd_c"] * trace
    files = [verilator_root() / "include" / f"{name}.cpp" for name in names]
    key = content_key(verilator().version, compiler(), _flags(trace), *files)

    def make(directory: Path):
        _compile([(file, FAST) for file in files], _flags(trace), directory)

    text = "Compiling Verilator's library (once)"
    directory = made_once(build_directory("rtl") / f"runtime-{key}", make, text)
    return [directory / f"{name}.o" for name in names]


def _chunks(directory: Path, files: list[Path], stem: str) -> list[Path]:
    """Sources that include the generated files, about `CHUNK_BYTES` each."""
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


def build_library(
    verilog: str,
    harness: Path,
    *,
    name: str,
    trace: bool = False,
    headers: Sequence[Path] = (),
    extra: Sequence[Path] = (),
    defines: Sequence[str] = (),
) -> Path:
    """A shared library of module `top` in `verilog`, Verilated as class ``Vtop``, and `harness`.

    `harness` is a C++ file, `headers` what it includes beside itself, `extra` further Verilog
    files, `defines` further compiler flags; `trace` adds VCD output (``VM_TRACE`` is 1). The
    library is keyed by the content of all of them under ``build/rtl`` and made at most once, also
    by several processes at a time.
    """
    key = content_key(
        *(verilog, harness, *headers, *extra, *defines, trace, VERILATOR_OPTIONS),
        *(verilator().version, compiler(), _flags(trace)),
    )
    final = build_directory("rtl") / f"{name}{'-waves' if trace else ''}-{key}"
    library = final / "model.so"
    if library.exists():
        return library
    runtime = _runtime(trace)

    def make(directory: Path):
        (directory / "top.v").write_text(verilog)
        options = [*VERILATOR_OPTIONS, "--Mdir", directory] + ["--trace-vcd"] * trace
        verilator().run(*options, directory / "top.v", *extra, cwd=directory, timeout=1800)
        generated = sorted(directory.glob("Vtop*.cpp"))
        if not generated:
            raise ToolError(f"verilator made no C++ for {name}; see {directory}")
        slow = [file for file in generated if "Slow" in file.name or "Syms" in file.name]
        fast = [file for file in generated if file not in slow]
        jobs = [(file, FAST) for file in [harness, *_chunks(directory, fast, "fast")]]
        jobs += [(file, SLOW) for file in _chunks(directory, slow, "slow")]
        flags = [*_flags(trace), f"-I{directory}", f"-I{harness.parent}", *defines]
        objects = [*_compile(jobs, flags, directory), *runtime]
        link = ("-shared", "-Wl,-Bsymbolic", "-o", directory / "model.so", *objects, "-lpthread")
        compiler().run(*link)
        for file in directory.glob("*.o"):
            file.unlink()

    made_once(final, make, f"Building the simulation model of {name}")
    return library
