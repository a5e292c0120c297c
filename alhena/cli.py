"""The `alhena` command."""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from fpga.board import BoardError
from hw.config import PRESETS, Config, ConfigError
from hw.config_text import parse_config
from hw.soc.host import Host
from sim.engine import MOST_WAITING, EngineError
from sim.tools import ToolError

from .cli_fpga import app as fpga
from .options import Json, UsageError, in_range
from .report import console

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    help="DNN accelerators in your own number format: RTL, bit-exact model, RISC-V system.",
)
app.add_typer(fpga, name="fpga")

PRESET_HELP = f"{', '.join(PRESETS)}, or with changes: small:dim=6,format=e4m3fn."
Preset = Annotated[str, typer.Option("--config", help=PRESET_HELP)]


def _count(text: str) -> int:
    """A whole number from the command line; typer calls it and prints what it raises."""
    try:
        return int(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is not a whole number") from None


def chosen_config(name: str, option: str = "--config") -> Config:
    """The configuration that `name` describes."""
    try:
        return parse_config(name)
    except ConfigError as error:
        raise UsageError(f"{option}: {error}") from error


@app.command()
def sim(
    images: Annotated[
        int | None,
        typer.Option(parser=_count, help="Test images on rtl: 450; 100 with --format."),
    ] = None,
    soc_images: Annotated[int, typer.Option(parser=_count, help="Test images on soc.")] = 32,
    formats: Annotated[
        str | None,
        typer.Option(
            "--format",
            help="Run in these formats instead, on rtl and machine: all, or input*weight->"
            "accumulator, ….",
        ),
    ] = None,
    engine: Annotated[str, typer.Option(help="With --format: rtl or machine.")] = "rtl",
    config: Annotated[
        str | None,
        typer.Option(help=f"{PRESET_HELP} Default: default; tiny with --format."),
    ] = None,
    soc_config: Annotated[str, typer.Option(help="The system's preset.")] = "tiny",
    waves: Annotated[bool, typer.Option(help="Write waves (or set WAVES=1).")] = False,
    output: Annotated[Path | None, typer.Option(help="Folder to write to: build/sim.")] = None,
    as_json: Json = False,
):
    """Run the digits network on every engine and compare every value."""
    from .jobs import sim, sim_formats

    if images is None:
        images = 450 if formats is None else sim_formats.IMAGES
    images = in_range("--images", images, 1, 450)
    if formats is None:
        if engine != "rtl":
            raise UsageError(f"--engine is {engine}; without --format every engine runs")
        job = sim
        settings = sim.Settings(
            images=images,
            soc_images=in_range("--soc-images", soc_images, 0, 450),
            config=_int8(config or "default", "--config"),
            soc_config=_int8(soc_config, "--soc-config"),
            waves=waves or os.environ.get("WAVES", "0") not in ("", "0"),
            output=output,
        )
    else:
        job, settings = sim_formats, _format_settings(formats, engine, config, images, output)
    summary = job.run(settings)
    if as_json:
        console.print_json(summary)
    else:
        job.show(summary)
    if summary["mismatches"]:
        raise typer.Exit(1)


def _int8(name: str, option: str) -> Config:
    """A configuration for the stored network."""
    from sw.network.model import INT8, Mix

    config = _exact(chosen_config(name, option), option)
    have = Mix.of(config)
    if have != INT8:
        blocks = "without blocks" if config.blocks else f"with --format '{have.name}'"
        raise UsageError(
            f"{option} is {name}, which computes in {have.name}; the network on every engine is "
            f"int8, in other formats it runs {blocks}"
        )
    return config


def _exact(config: Config, option: str) -> Config:
    """`config`, unless its products differ from those of the network in plain numpy."""
    if config.multiplier is not None:
        raise UsageError(
            f"{option} multiplies by {config.multiplier.name}, and plain numpy exactly; see "
            f"alhena multiplier for the network's accuracy with it"
        )
    return config


def _format_settings(
    formats: str, engine: str, config: str | None, images: int, output: Path | None
):
    from .jobs import sim_formats as job

    if engine not in job.ENGINES:
        raise UsageError(f"--engine is {engine}; it must be {' or '.join(job.ENGINES)}")
    base = job.CONFIG if config is None else _exact(chosen_config(config), "--config")
    try:
        configs = job.configs_for(formats, base)
    except ValueError as error:
        raise UsageError(f"--format {error}") from error
    return job.Settings(configs, images, engine, output)


@app.command()
def run(
    program: Annotated[str, typer.Argument(help="A C file, or hello.")],
    engine: Annotated[str, typer.Option(help="soc (simulated) or board.")] = "soc",
    config: Annotated[
        str | None, typer.Option("--config", help="Default: tiny, or the board's own.")
    ] = None,
    core: Annotated[
        str | None,
        typer.Option(help="Of soc: vexriscv, vexriscv_lite, picorv32 or serv; default: vexriscv."),
    ] = None,
    board: Annotated[
        str | None, typer.Option(help="One of `alhena fpga boards`; default: ulx3s.")
    ] = None,
    port: Annotated[str | None, typer.Option(help="The board's serial port.")] = None,
):
    """Run a C program on the simulated system or on a board; ends with its exit code."""
    from .jobs import run as job

    if engine not in job.ENGINES:
        raise UsageError(f"--engine is {engine!r}; it must be {' or '.join(job.ENGINES)}")
    other = {"--core": core} if engine == "board" else {"--board": board, "--port": port}
    for option, value in other.items():
        if value is not None:
            raise UsageError(f"{option} is {value}; --engine {engine} does not take it")
    if engine == "soc":
        host = Host(core or "vexriscv")
        done = job.on_soc(program, chosen_config(config or "tiny"), host)
    elif port is None:
        raise UsageError("--port is not given; --engine board needs one, such as /dev/ttyUSB0")
    else:
        done = job.on_board(program, board or "ulx3s", config, port)
    if done["exit_code"]:
        raise typer.Exit(min(done["exit_code"], 255))


@app.command()
def verilog(
    config: Preset = "default",
    output: Annotated[Path | None, typer.Option(help="File to write.")] = None,
    as_json: Json = False,
):
    """Print an accelerator's Verilog to a file."""
    from .jobs.verilog import write

    made = write(chosen_config(config), output)
    if as_json:
        console.print_json(made)
    else:
        console.out.print(
            f"{made['config']}: {made['lines']:,} lines, {made['bytes']:,} bytes in "
            f"{made['seconds']} s → {made['file']}",
            highlight=False,
        )


@app.command()
def bench(
    suite: Annotated[str, typer.Option(help="One suite, or all.")] = "all",
    only: Annotated[str | None, typer.Option(help="Rows whose name contains this.")] = None,
    quick: Annotated[bool, typer.Option(help="Leave out rows above 100,000 cycles.")] = False,
    explain: Annotated[bool, typer.Option(help="Say what bounds every row.")] = False,
    as_json: Json = False,
):
    """Measure performance beside published figures."""
    try:
        from bench import run as job
    except ModuleNotFoundError as error:
        raise UsageError("bench works in a checkout of the project, not when installed") from error
    if suite not in ("all", *job.SUITES):
        raise UsageError(f"--suite is {suite!r}; it must be all or {', '.join(job.SUITES)}")
    if not job.chosen(suite, only, quick):
        raise UsageError(f"--only is {only!r}; no row of suite {suite} has that in its name")
    rows = job.run(suite, only, quick, explain)
    if as_json:
        console.print_json({"rows": rows})
    else:
        job.show(rows)
        if explain:
            job.show_explanations(rows)


@app.command()
def multiplier(
    name: Annotated[
        str, typer.Option(help="exact, mitchell, truncated4, …; file.npy, file.py:variable.")
    ] = "mitchell",
    table: Annotated[
        Path | None, typer.Option(help="table[a][b] of all products as .npy, instead of a name.")
    ] = None,
    formats: Annotated[
        str | None,
        typer.Option("--format", help="input*weight->accumulator; else the configuration's."),
    ] = None,
    config: Preset = "default",
    images: Annotated[int, typer.Option(parser=_count, help="Test images; 0: no network.")] = 450,
    area: Annotated[bool, typer.Option(help="Place and route a processing element.")] = True,
    as_json: Json = False,
):
    """Judge a multiplier: errors, gates, area, and the digits network's accuracy with it."""
    from .jobs import multiplier as job

    images = in_range("--images", images, 0, 450)
    if table is not None and table.suffix != ".npy":
        raise UsageError(f"--table is {table}; it must be a .npy file: numpy.save(file, table)")
    base = chosen_config(config)
    try:
        chosen = job.config_with(str(table or name), formats, base)
    except ValueError as error:
        raise UsageError(str(error)) from error
    result = job.run(chosen, images, area)
    if as_json:
        console.print_json(result)
    else:
        job.show(result)
    if result["gates"]["differ"]:
        raise typer.Exit(1)


@app.command()
def explain(
    work: Annotated[str, typer.Argument(help="64x64x64, 56x64-128k3s2, or digits.")],
    config: Preset = "default",
    engine: Annotated[str, typer.Option(help="timing (quick) or rtl.")] = "timing",
    latency: Annotated[int, typer.Option(parser=_count, help="Memory latency in cycles.")] = 1,
    gap: Annotated[int, typer.Option(parser=_count, help="The host's pause per command.")] = 0,
    output: Annotated[Path | None, typer.Option(help="Folder for timelines by command.")] = None,
    as_json: Json = False,
):
    """Say where the cycles of a layer go."""
    from .jobs import explain as job

    if engine not in ("timing", "rtl"):
        raise UsageError(f"--engine is {engine}; it must be timing or rtl")
    options = {
        "latency": in_range("--latency", latency, 1, MOST_WAITING),
        "command_gap": in_range("--gap", gap, 0, MOST_WAITING),
    }
    try:
        result = job.explain(work, chosen_config(config), engine, output, **options)
    except ValueError as error:
        raise UsageError(f"cannot run {work} on {config}: {error}") from error
    if as_json:
        console.print_json(result)
    else:
        job.show(result)


@app.command()
def doctor(as_json: Json = False):
    """Check every tool and say how to mend what is missing."""
    from dataclasses import asdict

    from .doctor import PURPOSES, examine

    checks = examine()
    good = all(check.good for check in checks if check.purpose == "run")
    if as_json:
        console.print_json({"good": good, "checks": [asdict(check) for check in checks]})
    else:
        rows = [
            (c.name, PURPOSES[c.purpose], "ok" if c.good else "MISSING", escape(c.found), c.remedy)
            for c in checks
        ]
        columns = ("tool", "needed for", "state", "found", "remedy")
        console.out.print(console.table("Tools", columns, rows), soft_wrap=True)
        console.out.print("ready" if good else "something is missing: see the remedies above")
    if not good:
        raise typer.Exit(1)


@app.command()
def isa(
    assemble: Annotated[list[str] | None, typer.Option(help="Encode 'name field=value …'.")] = None,
    as_json: Json = False,
):
    """List the command set, or encode commands."""
    from .jobs import isa as job

    if assemble:
        try:
            made = job.encode_lines(assemble)
        except ValueError as error:
            raise UsageError(f"--assemble: {error}") from error
        if as_json:
            console.print_json({"commands": made})
        else:
            for row in made:
                print(f"{row['funct']:3} {row['rs1']} {row['rs2']}  {row['text']}")
    elif as_json:
        console.print_json({"commands": job.listing()})
    else:
        rows = [(row["funct"], row["name"], row["doc"]) for row in job.listing()]
        console.out.print(console.table("Commands", ("funct", "name", "what"), rows))


@app.command()
def docs():
    """Regenerate the generated pages of docs/."""
    from .report.pages import write_pages

    for path in write_pages():
        console.out.print(f"wrote {path}", highlight=False)


def main():
    """Console entry: errors end in one line on standard error and a non-zero exit code."""
    try:
        app()
    except (BoardError, ConfigError, EngineError, ToolError, UsageError, OSError) as error:
        console.err.print(
            f"[bold red]error:[/] {escape(str(error))}", highlight=False, soft_wrap=True
        )
        sys.exit(2)
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
