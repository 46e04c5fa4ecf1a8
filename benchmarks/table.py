"""The rows as a table in Markdown, and below it what has no room in a cell."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

from benchmarks.contenders import BARE, NAIVE, OURS, REFERENCE
from benchmarks.rows import Row
from benchmarks.timing import fewer


def markdown(
    rows: Sequence[Row],
    peers: Sequence[str],
    peak: float,
    memory: Mapping[str, Sequence[float]],
    minima: bool,
) -> str:
    """One table: how many times longer than pysclice everyone takes who was measured.

    Args:
        rows: what was measured.
        peers: names of other tools, a column each.
        peak: operations a second of a matrix product.
        memory: name of a task -> MB of pysclice and, if it can do it, of the naive loop; empty if
            it was not measured.
        minima: whether to add the ratio of the best turns.
    """
    others = [
        name
        for name in (REFERENCE, NAIVE, BARE, *peers)
        if any(row.ratio(name) is not None for row in rows)
    ]
    of_memory = ["MB", "MB naive loop"] if memory else []
    head = ["task", "points", "by", "ms a point", *others, "of the roofline", *of_memory]
    lines = [_line(head), _line(["---", "---:", "---", *["---:"] * (len(head) - 3)])]
    for row in rows:
        seconds = row.times[OURS].median
        share = "" if row.flops is None else f"{row.flops / peak / seconds:.0%}"
        used = [f"{value:.0f}" for value in memory.get(row.name, ())]
        cells = [_cell(row, other, minima) for other in others]
        of_row = [row.name, str(row.points), backends(row), number(1e3 * seconds)]
        lines.append(_line([*of_row, *cells, share, *used, *[""] * (len(of_memory) - len(used))]))
    return "\n".join(lines)


def notes(rows: Sequence[Row]) -> list[str]:
    """Who was measured at fewer points, and who could not do a task and why."""
    found = []
    for row in rows:
        if scaled := fewer(row.times):
            found.append(f"{row.name}: scaled from fewer than {row.points} points; {scaled}.")
    reasons: dict[tuple[str, str], list[str]] = defaultdict(list)
    for row in rows:
        for name, why in row.unable.items():
            reasons[name, why].append(row.name)
    found += [
        f"{name} has no value for {'; '.join(where)}: {why}"
        for (name, why), where in reasons.items()
    ]
    return found


def backends(row: Row) -> str:
    """Which backends evaluated, in the words of the records; how often, where they differ."""
    found = Counter(
        str(told.get("backend", ""))
        + (f" x {told['workers']}" if told.get("workers", 1) > 1 else "")
        for told in row.evaluations
    )
    if len(found) == 1:
        return next(iter(found))
    return ", ".join(f"{name} ({count})" for name, count in found.most_common())


def number(value: float) -> str:
    """Three digits or so."""
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def _cell(row: Row, other: str, minima: bool) -> str:
    median, best = row.ratio(other), row.ratio_of_minima(other)
    if median is None or best is None:
        return ""
    return f"{number(median)} ({number(best)})" if minima else number(median)


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
