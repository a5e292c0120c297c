"""What commands have in common: options, and what is said of values that cannot be used."""

from typing import Annotated

import typer

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")]


class UsageError(ValueError):
    """An option with a value that cannot be used; names option, value and remedy."""


def in_range(option: str, value: float, low: float, high: float) -> float:
    """`value` if it lies in [low, high]."""
    if not low <= value <= high:
        raise UsageError(f"{option} is {value}; it must be from {low} to {high}")
    return value
