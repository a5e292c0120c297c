"""`alhena fpga`: boards and bitstreams."""

import dataclasses
from pathlib import Path
from typing import Annotated

import typer

from fpga.board import board, boards
from hw.config_text import parse_config

from .options import Json, UsageError, in_range
from .report import console

app = typer.Typer(no_args_is_help=True, help="Bitstreams for boards, and what they come to.")

BoardName = Annotated[str, typer.Option("--board", help="One of `alhena fpga boards`.")]
Changed = Annotated[
    str | None, typer.Option("--config", help="Another configuration than the board's own.")
]
CLOCKS = 1, 400
"""MHz that may be asked for; a board's clock generator makes some of them."""

SEEDS = 16
"""Most placements of one build."""

JOBS = 64
"""Most points at a time."""


@app.command(name="boards")
def list_boards(as_json: Json = False):
    """List the boards, and what is built for them unless told otherwise."""
    rows = [
        {
            **{"board": each.name, "title": each.title, "device": each.device},
            **{"core": each.host.name, "mhz": each.mhz, "config": each.config},
        }
        for each in boards().values()
    ]
    if as_json:
        console.print_json({"boards": rows})
        return
    columns = ("board", "title", "core", "mhz")
    cells = ([row[column] for column in columns] for row in rows)
    console.out.print(console.table("Boards", columns, cells))


@app.command()
def build(
    name: BoardName,
    config: Changed = None,
    seeds: Annotated[int, typer.Option(help="Placements to try; the fastest is kept.")] = 1,
    mhz: Annotated[
        float | None, typer.Option(help="Another clock of the core than the board's own.")
    ] = None,
    as_json: Json = False,
):
    """Build a board's bitstream and report area, clock and throughput.

    Ends with 1 if the design does not reach the board's clock.
    """
    from .jobs.bitstream import run
    from .report.fpga_page import show

    in_range("--seeds", seeds, 1, SEEDS)
    chosen = board(name)
    if mhz is not None:
        chosen = dataclasses.replace(chosen, mhz=in_range("--mhz", mhz, *CLOCKS))
    found = run(chosen, parse_config(config or chosen.config), range(1, seeds + 1))
    if as_json:
        console.print_json(found)
    else:
        show(found)
    if not found["timing_met"]:
        raise typer.Exit(1)


def _numbers(option: str, text: str, low: int, high: int) -> tuple[int, ...]:
    """Numbers with commas between them, each once."""
    words = text.split(",")
    if wrong := [word for word in words if not word.strip().isdecimal()]:
        raise UsageError(f"{option} is {text!r}; {wrong[0]!r} is no number, write 4,8")
    return tuple(dict.fromkeys(in_range(option, int(word), low, high) for word in words))


@app.command()
def explore(
    family: Annotated[str, typer.Option(help="Family of the device.")] = "ecp5",
    device: Annotated[str, typer.Option(help="As its maker calls it.")] = "LFE5U-85F",
    dims: Annotated[str, typer.Option(help="Rows and columns of the array.")] = "4,8",
    formats: Annotated[
        str, typer.Option(help="input*weight->accumulator, …")
    ] = "int8,e4m3fn,int8*int4",
    mac_stages: Annotated[str, typer.Option(help="Cycles of a multiply-accumulate.")] = "1,3",
    what: Annotated[
        str, typer.Option(help="What is placed: mesh, array, accelerator, system.")
    ] = "mesh",
    config: Annotated[
        str | None, typer.Option(help="What the points change; default: small, lean as boards.")
    ] = None,
    seeds: Annotated[int, typer.Option(help="Placements of every point.")] = 1,
    jobs: Annotated[int, typer.Option(help="Points at a time.")] = 2,
    output: Annotated[
        Path | None, typer.Option(help="Folder to write to: build/fpga/explore.")
    ] = None,
    as_json: Json = False,
):
    """Sweep sizes and formats: area, clock and throughput without a board.

    Points that cannot be or do not fit are rows with a reason. A sweep that was stopped goes on.
    Ends with 1 if no point was placed.
    """
    from fpga.alone import Part

    from .jobs.explore import CONFIG, Sweep, run
    from .report.explore_page import show

    sweep = Sweep(
        Part(family, device),
        _numbers("--dims", dims, 2, 32),
        tuple(dict.fromkeys(name.strip() for name in formats.split(","))),
        _numbers("--mac-stages", mac_stages, 1, 8),
        what,
        config or CONFIG,
        tuple(range(1, in_range("--seeds", seeds, 1, SEEDS) + 1)),
        in_range("--jobs", jobs, 1, JOBS),
        output,
    )
    with console.counted("placing", len(sweep.points)) as step:
        found = run(sweep, step)
    if as_json:
        console.print_json(found)
    else:
        show(found)
    if all("reason" in row for row in found["points"]):
        raise typer.Exit(1)


@app.command(name="memory")
def measure(name: BoardName, config: Changed = None, as_json: Json = False):
    """Measure in simulation what a board's memory gives, from the pins on."""
    from .jobs.memory import run

    chosen = board(name)
    found = run(chosen, parse_config(config or chosen.config))
    if as_json:
        console.print_json(found)
        return
    columns = ("access", "bytes", "cycles", "MB/s")
    cells = ([what, *row.values()] for what, row in found.items())
    console.out.print(console.table(f"Memory of {name} at {chosen.mhz:g} MHz", columns, cells))


@app.command()
def verify(
    name: BoardName,
    config: Changed = None,
    images: Annotated[int, typer.Option(help="Images of digits.")] = 1,
    as_json: Json = False,
):
    """Simulate a board's netlist beside its design: loader, then digits, every pin in every cycle.

    Ends with 1 if the digits are wrong, with an error at the first cycle in which they differ.
    """
    from .jobs.verify import run

    in_range("--images", images, 1, 100)
    chosen = board(name)
    found = run(chosen, parse_config(config or chosen.config), images)
    if as_json:
        console.print_json(found)
    else:
        console.out.print(console.table(f"Netlist of {name}", ("", ""), found.items()))
    if not found["equal"]:
        raise typer.Exit(1)


@app.command(name="program")
def send(name: BoardName):
    """Send a board's last bitstream to its device, by openFPGALoader."""
    from fpga.program import program

    console.out.print(program(board(name)), markup=False, highlight=False)
