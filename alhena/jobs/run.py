"""`alhena run`: a C program on the simulated system or on a board."""

from pathlib import Path

from fpga.board import BoardError, board
from hw.config import Config
from hw.config_text import parse_config
from hw.soc.host import Host
from sim.engine import EngineError
from sw.runtime.build import SOURCES, build
from sw.runtime.engine import SocEngine

from ..report import console

ENGINES = ("soc", "board")


def _source(program: str) -> Path:
    """A C file, or the one that says hello."""
    path = SOURCES / "hello.c" if program == "hello" else Path(program)
    if path.suffix != ".c" or not path.exists():
        raise EngineError(f"no program {program!r}; give a C file, or hello")
    return path


def on_soc(program: str, config: Config, host: Host) -> dict:
    """Run on the Verilated system."""
    engine = SocEngine(config, core=host.core, attach=host.attach)
    done = engine.run_firmware(build(_source(program), config, host), check=False)
    _show(done.console)
    return {"exit_code": done.exit_code}


def on_board(program: str, name: str, text: str | None, port: str) -> dict:
    """Run on the board at the end of a serial port; `text` is the configuration in it."""
    try:
        import serial
    except ModuleNotFoundError as error:
        raise BoardError("--engine board needs pyserial; run: pip install pyserial") from error
    from sw.board.engine import BoardEngine

    there = board(name)
    config = parse_config(text) if text else there.configured()
    source = _source(program)
    try:
        line = serial.Serial(port, there.baud, timeout=0.05)
    except (serial.SerialException, ValueError) as error:
        raise BoardError(f"--port is {port}, which does not open ({error})") from error
    with line:
        sizes = there.memory_bytes, there.firmware_bytes
        engine = BoardEngine(config, line, *sizes, host=there.host)
        made = build(source, config, there.host, size=there.firmware_bytes)
        done = engine.run_firmware(made, check=False, show=_show)
    return {"exit_code": done.exit_code}


def _show(text: str):
    console.out.print(text, end="", markup=False, highlight=False)
