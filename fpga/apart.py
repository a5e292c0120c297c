"""Modules for which LUTs are chosen by themselves.

Within a module yosys (abc9) saves LUTs wherever no path becomes longer than the module's longest.
Where all is one module, paths in the array's clock are thus measured by the core's, which are twice
as long.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

from hw.config import Config
from sim.tools import ToolError

MODULES = ("mesh", "scratchpad", "accumulator", "execute.inputs", "execute.weights")
"""Those in the array's clock, of the accelerator's. What is left of execute is little, and yosys
(0.70) fails with it."""

FAILS = "GetSize(conn.first) == GetSize(conn.second)"
"""What yosys (0.70, `abc_ops_reintegrate`) says that it could not put a design together again:
with some designs the weights' module must be left to the whole, though it is well alone."""

WRITE = "-json top.json"


def attempted(
    script: str, config: Config, synthesise: Callable[[str], Path], modules: Sequence[str] = MODULES
) -> Path:
    """What `synthesise` makes of :func:`apart`, with as many of the `modules` as yosys can do."""
    try:
        return synthesise(apart(script, config, modules))
    except ToolError as error:
        if FAILS not in str(error) or not modules:
            raise
    return attempted(script, config, synthesise, modules[:-1])


def apart(script: str, config: Config, modules: Sequence[str] = MODULES) -> str:
    """Yosys' `script` of a system with `config`, changed if the array has a clock of its own."""
    if config.array_clock == 1 or not modules:
        return script
    modules = " ".join(f"*.accelerator.{module}" for module in modules)
    return "\n".join(
        [
            f"setattr -mod -set keep_hierarchy 1 {modules}",
            script.replace(f" {WRITE}", ""),
            "setattr -mod -unset keep_hierarchy *",
            "flatten",
            "opt_clean",
            WRITE.replace("-", "write_", 1),
        ]
    )
