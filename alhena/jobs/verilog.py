"""`alhena verilog`: the accelerator as one Verilog file."""

import time
from pathlib import Path

from hw.config import Config
from sim.cache import build_directory


def write(config: Config, output: Path | None = None) -> dict:
    """Write the Verilog of `config`; returns file, sizes and time."""
    from hw.accelerator import Accelerator
    from hw.verilog import emit

    start = time.perf_counter()
    text = emit(Accelerator(config), f"alhena_{config.name}", assertions=False)
    path = output or build_directory("verilog") / f"alhena_{config.name}.v"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return {
        "config": config.name,
        "file": str(path),
        "lines": text.count("\n"),
        "bytes": len(text),
        "seconds": round(time.perf_counter() - start, 1),
    }
