"""What is logged below a log directory, for people and for programs; no torch."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pysclice.events import Logged, read_index


@dataclass(frozen=True)
class ListedSeries:
    """The slices of one series of one run.

    Attributes:
        run: ``"."`` for the log directory itself.
        series: its name.
        kind: ``"plane"``, ``"lines"`` or ``"spectrum"``.
        methods: families of its slicers; several where they changed.
        shapes: shapes of its slices in the order of their steps, each once.
        steps: all steps, in order.
        channels: what was measured, in the order of the first slice that has it.
        attempts: how many slices there are, also those that a later one of their step replaced.
    """

    run: str
    series: str
    kind: str
    methods: tuple[str, ...]
    shapes: tuple[tuple[int, ...], ...]
    steps: tuple[int, ...]
    channels: tuple[str, ...]
    attempts: int

    def as_json(self) -> dict[str, Any]:
        """JSON values; the steps by their number, the first, the last and one by one."""
        return {
            "run": self.run,
            "series": self.series,
            "kind": self.kind,
            "methods": list(self.methods),
            "shapes": [list(shape) for shape in self.shapes],
            "steps": {
                "count": len(self.steps),
                "first": self.steps[0],
                "last": self.steps[-1],
                "all": list(self.steps),
            },
            "channels": list(self.channels),
            "attempts": self.attempts,
        }


def listed(logdir: str | os.PathLike[str]) -> list[ListedSeries]:
    """All series below a log directory, in the order of runs and names.

    Raises:
        FileNotFoundError: there is no such directory.
        NotADirectoryError: it is a file.
    """
    of_series: dict[tuple[str, str], list[Logged]] = {}
    for logged in read_index(logdir):
        of_series.setdefault((logged.run, logged.series), []).append(logged)
    return [_series(run, name, found) for (run, name), found in of_series.items()]


def as_table(series: Sequence[ListedSeries]) -> str:
    """A table with a line for each series."""
    head = ("run", "series", "method", "shape", "steps", "first", "last", "attempts", "channels")
    rows = [
        (
            one.run,
            one.series,
            ", ".join(one.methods),
            ", ".join(" x ".join(map(str, shape)) for shape in one.shapes),
            f"{len(one.steps):,}",
            str(one.steps[0]),
            str(one.steps[-1]),
            f"{one.attempts:,}",
            ", ".join(one.channels),
        )
        for one in series
    ]
    shown = [head, *(tuple(map(_one_line, row)) for row in rows)]
    widths = [max(len(row[column]) for row in shown) for column in range(len(head))]
    numbers = {4, 5, 6, 7}
    lines = []
    for row in shown:
        cells = [
            cell.rjust(width) if column in numbers else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)


def _series(run: str, name: str, found: Sequence[Logged]) -> ListedSeries:
    newest = {logged.step: logged for logged in found}  # in the order of writing
    entries = [newest[step].entry for step in sorted(newest)]
    return ListedSeries(
        run=run,
        series=name,
        kind=str(entries[-1].get("kind", "")),
        methods=tuple(dict.fromkeys(str(entry.get("method", "")) for entry in entries)),
        shapes=tuple(dict.fromkeys(_shape(entry) for entry in entries)),
        steps=tuple(sorted(newest)),
        channels=tuple(dict.fromkeys(c for entry in entries for c in _channels(entry))),
        attempts=len(found),
    )


def _shape(entry: dict[str, Any]) -> tuple[int, ...]:
    shape = entry.get("shape")
    return tuple(int(n) for n in shape if isinstance(n, int)) if isinstance(shape, list) else ()


def _channels(entry: dict[str, Any]) -> list[str]:
    channels = entry.get("channels")
    return list(map(str, channels)) if isinstance(channels, list) else []


def _one_line(text: str) -> str:
    """A name on one line, whatever characters a file gave it."""
    return "".join(
        character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text
    )
