"""Which points of a sweep no other beats."""

from collections.abc import Sequence


def front(points: Sequence[tuple[float, float]]) -> list[bool]:
    """For each (cost, gain), whether no other costs as little and gains as much, and one of both
    more so."""
    return [
        not any(c <= cost and g >= gain and (c, g) != (cost, gain) for c, g in points)
        for cost, gain in points
    ]


def fronts(rows: Sequence[dict]) -> list[dict]:
    """The rows; `pareto` says of those that were placed whether they are on the front of LUTs and
    clock among rows of their size, and on that of share of the device and peak GOPS among all."""
    found = [dict(row) for row in rows]
    good = [row for row in found if "reason" not in row]
    for row, gops in zip(good, front([(r["share"], r["peak_gops"]) for r in good]), strict=True):
        row["pareto"] = {"gops": gops}
    for dim in {row["dim"] for row in good}:
        alike = [row for row in good if row["dim"] == dim]
        for row, clock in zip(alike, front([(r["lut"], r["mhz"]) for r in alike]), strict=True):
            row["pareto"]["clock"] = clock
    return found
