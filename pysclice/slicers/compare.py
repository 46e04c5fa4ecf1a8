"""What slicers cost, measured side by side."""

from __future__ import annotations

import html
import statistics
import time
from collections.abc import Mapping
from dataclasses import dataclass

from pysclice.core.parameters import Parameters
from pysclice.core.surface import LossSurface, Slicer

_HEADS = ("slicer", "evaluations", "seconds", "evaluations / s", "single evaluations")


@dataclass(frozen=True)
class Cost:
    """What one slicer costs.

    Attributes:
        name: the slicer's key.
        evaluations: how often a slice runs the model over the data, as its record says.
        seconds: median wall time of a slice, everything included.
        evaluations_per_second: their ratio.
        single_evaluations: the wall time in units of a single evaluation, ``surface(parameters)``,
            measured in the same run. Near ``evaluations``: the slicer spends its time in the model;
            far above: in finding directions (an eigenvector, a gradient), which the record does not
            count as evaluations; below: many points at once are cheaper than one.
    """

    name: str
    evaluations: int
    seconds: float
    evaluations_per_second: float
    single_evaluations: float


@dataclass(frozen=True)
class Comparison:
    """Costs of slicers in the order in which they were given; prints itself as a table."""

    costs: tuple[Cost, ...]

    def _rows(self) -> list[tuple[str, ...]]:
        return [
            (
                cost.name,
                str(cost.evaluations),
                f"{cost.seconds:.3g}",
                f"{cost.evaluations_per_second:.4g}",
                f"{cost.single_evaluations:.4g}",
            )
            for cost in self.costs
        ]

    def __str__(self) -> str:
        rows = [_HEADS, *self._rows()]
        widths = [max(len(row[column]) for row in rows) for column in range(len(_HEADS))]
        lines = [
            "  ".join(
                cell.rjust(width) if column else cell.ljust(width)
                for column, (cell, width) in enumerate(zip(row, widths, strict=True))
            )
            for row in rows
        ]
        return "\n".join([lines[0], "-" * len(lines[0]), *lines[1:]])

    def _repr_html_(self) -> str:
        def row(tag: str, cells: tuple[str, ...]) -> str:
            return "<tr>" + "".join(f"<{tag}>{html.escape(c)}</{tag}>" for c in cells) + "</tr>"

        body = "".join(row("td", cells) for cells in self._rows())
        return f"<table><thead>{row('th', _HEADS)}</thead><tbody>{body}</tbody></table>"


def compare(
    surface: LossSurface,
    slicers: Mapping[str, Slicer],
    parameters: Parameters | None = None,
    *,
    repeats: int = 3,
) -> Comparison:
    """Take a slice with each slicer, several times in turn, and say what each costs.

    Turns are interleaved, so that a machine that slows down slows all of them; the first round
    reads the data and warms up, and is not counted. Set the number of threads
    (``torch.set_num_threads``) to compare with other runs.

    Args:
        surface: what to slice.
        slicers: name -> slicer.
        parameters: the focus point; the model's current parameters if left out.
        repeats: counted rounds, of which the median is taken.

    Raises:
        TypeError: slicers that are no mapping of names to callables.
        ValueError: no slicers, or fewer than one round.

    Example:
        >>> random, top = ps.Line(ps.Random(0), samples=5), ps.Line(ps.HessianEigenvector(0))
        >>> costs = ps.compare(surface, {"random": random, "top": top})
        >>> [(cost.name, cost.evaluations) for cost in costs.costs]
        [('random', 5), ('top', 49)]
        >>> print(str(costs).splitlines()[0])
        slicer  evaluations  seconds  evaluations / s  single evaluations
    """
    if not isinstance(slicers, Mapping) or not all(map(callable, slicers.values())):
        raise TypeError("slicers needs a dictionary: {'random line': Line(Random(0)), ...}.")
    if not slicers or repeats < 1:
        raise ValueError(
            f"Got {len(slicers)} slicers and {repeats} repeats; there must be one of each at least."
        )
    center = surface.current() if parameters is None else parameters
    seconds: dict[str, list[float]] = {name: [] for name in slicers}
    evaluations: dict[str, int] = {}
    single: list[float] = []
    for _ in range(repeats + 1):
        began = time.perf_counter()
        surface(center)
        single.append(time.perf_counter() - began)
        for name, slicer in slicers.items():
            # What a slicer keeps for its next slice would make its second one cheaper.
            surface.kept.clear()
            found = surface.slice(slicer, center, progress=False)
            seconds[name].append(found.seconds)
            evaluations[name] = found.evaluations
    one = max(statistics.median(single[1:]), 1e-9)
    return Comparison(
        tuple(
            Cost(
                name=str(name),
                evaluations=evaluations[name],
                seconds=median,
                evaluations_per_second=evaluations[name] / max(median, 1e-9),
                single_evaluations=median / one,
            )
            for name, median in ((n, statistics.median(s[1:])) for n, s in seconds.items())
        )
    )
