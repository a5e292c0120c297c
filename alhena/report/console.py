"""What commands print: one JSON object, or tables for people."""

import json
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager

from rich import box
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
)
from rich.table import Table

WIDTH = None if sys.stdout.isatty() else 140
out = Console(width=WIDTH)
err = Console(stderr=True)


def print_json(value: dict):
    """Exactly one object on standard output."""
    print(json.dumps(value, indent=2))


def table(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> Table:
    """A table whose columns after the first are right-aligned if they hold numbers."""
    rows = [[_cell(value) for value in row] for row in rows]
    made = Table(title=title, box=box.SIMPLE_HEAD, title_justify="left", title_style="bold")
    for index, column in enumerate(columns):
        numbers = index > 0 and rows and all(_number(row[index]) for row in rows)
        made.add_column(column, justify="right" if numbers else "left")
    for row in rows:
        made.add_row(*row)
    return made


def _cell(value: object) -> str:
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:.2f}" if isinstance(value, float) else str(value)


def _number(text: str) -> bool:
    return text == "–" or text.replace(",", "")[:1].isdigit() or text[:1] == "-"


def paths(lines: Iterable[str]):
    """Files that were written, a line each."""
    for line in lines:
        out.print(f"[dim]{line}[/]", highlight=False, soft_wrap=True)


@contextmanager
def stage(text: str):
    """Show that `text` is going on, and afterwards how long it took (standard error)."""
    start = time.perf_counter()
    with err.status(f"{text} …"):
        yield
    err.print(f"  {text} [dim]{time.perf_counter() - start:.1f} s[/]", highlight=False)


@contextmanager
def counted(text: str, total: int) -> Iterator[Callable[[str], None]]:
    """A bar over `total` things on standard error; what is yielded prints a line for one more."""
    columns = SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn()
    terminal = sys.stderr.isatty()
    with Progress(*columns, TimeElapsedColumn(), console=err, disable=not terminal) as progress:
        task = progress.add_task(text, total=total)

        def step(line: str):
            err.print(line, markup=False, highlight=False, soft_wrap=True)
            progress.advance(task)

        yield step
