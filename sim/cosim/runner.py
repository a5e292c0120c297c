"""Run a cocotb test module against a component."""

import os
import re
import xml.etree.ElementTree as xml
from pathlib import Path

from amaranth.lib import wiring

from hw.verilog import emit
from sim.cache import build_directory, locked
from sim.rtl.build import Design, build_program
from sim.rtl.flat import Flat


def _waves() -> bool:
    return os.environ.get("WAVES") == "1"


def _program(component: wiring.Component, name: str, trace: bool) -> Path:
    from cocotb_tools import config

    libraries = config.libs_dir
    design = Design(
        name,
        emit(Flat(component)),
        config.share_dir / "lib" / "verilator" / "verilator.cpp",
        trace=trace,
        vpi=True,
    )
    link = (f"-Wl,-rpath,{libraries}", f"-L{libraries}", "-lcocotbvpi_verilator")
    return build_program(design, "cosim", link)


def _failures(results: Path) -> list[str]:
    """``name: message`` of every test that failed or was never run."""
    if not results.exists():
        return ["the simulation ended without results"]
    failed, count = [], 0
    for case in xml.parse(results).iter("testcase"):
        count += 1
        for trouble in (*case.findall("failure"), *case.findall("error")):
            text = (
                trouble.get("error_msg") or trouble.get("message") or (trouble.text or "").strip()
            )
            failed.append(f"{case.get('name')}: {text}")
    return failed if count else ["no test was found"]


def _simulate(program: Path, module: str, directory: Path, settings: dict):
    from cocotb_tools.runner import get_runner

    results, log = directory / "results.xml", directory / "log.txt"
    stopped = None
    try:
        get_runner("verilator").test(
            test_module=module,
            hdl_toplevel="top",
            hdl_toplevel_lang="verilog",
            build_dir=program.parent,
            test_dir=directory,
            results_xml=str(results),
            log_file=log,
            waves=_waves(),
            **settings,
        )
    except (SystemExit, RuntimeError) as error:
        stopped = error
    failed = _failures(results) or ([f"the simulator stopped: {stopped}"] if stopped else [])
    if failed:
        tail = "\n".join(log.read_text(errors="replace").splitlines()[-60:]) if log.exists() else ""
        lines = "\n  ".join(failed)
        raise AssertionError(
            f"{directory.name}: {len(failed)} cocotb test(s) failed with "
            f"COCOTB_RANDOM_SEED={settings['seed']}\n  {lines}\n{tail}\nlog: {log}"
        )


def run_cocotb(
    component: wiring.Component,
    module: str,
    *,
    name: str | None = None,
    seed: int | None = None,
    test_filter: str | None = None,
    environment: dict[str, str] | None = None,
) -> Path:
    """Build `component` and run the ``@cocotb.test`` coroutines of `module` on it.

    The component's ports are those of :class:`sim.rtl.flat.Flat`, with ``clk`` and ``rst``. The
    program is kept under ``build/cosim`` and made again only when the Verilog changes. With
    ``WAVES=1`` the run leaves ``dump.vcd``. `seed` defaults to ``COCOTB_RANDOM_SEED`` or a fresh
    one. Returns the directory of the run (``log.txt``, ``results.xml``): there is one for each
    name, module and filter, and parallel runs take turns in it. Raises AssertionError that names
    the seed, the failing tests and the log.
    """
    name = name or type(component).__name__.lower()
    program = _program(component, name, _waves())
    parts = (name, module.rpartition(".")[2], re.sub(r"\W+", "_", test_filter or ""))
    directory = build_directory("cosim", "runs", "-".join(filter(None, parts)))
    if seed is None:
        seed = int(os.environ.get("COCOTB_RANDOM_SEED", int.from_bytes(os.urandom(3), "little")))
    settings = {"seed": seed, "test_filter": test_filter, "extra_env": environment or {}}
    with locked(directory):
        _simulate(program, module, directory, settings)
    return directory
