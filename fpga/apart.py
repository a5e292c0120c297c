"""Modules for which LUTs are chosen by themselves.

Within a module yosys (abc9) saves LUTs wherever no path becomes longer than the module's longest.
Where all is one module, paths in the array's clock are thus measured by the core's, which are twice
as long.
"""

from hw.config import Config

MODULES = ("mesh", "scratchpad", "accumulator", "execute.inputs", "execute.weights")
"""Those in the array's clock, of the accelerator's. What is left of execute is little, and yosys
(0.70) fails with it."""

WRITE = "-json top.json"


def apart(script: str, config: Config) -> str:
    """Yosys' `script` of a system with `config`, changed if the array has a clock of its own."""
    if config.array_clock == 1:
        return script
    modules = " ".join(f"*.accelerator.{module}" for module in MODULES)
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
