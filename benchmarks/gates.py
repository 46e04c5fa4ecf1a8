"""What has to be reached, and whether it was."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from torch import nn
from torch.utils.data import DataLoader

import pysclice as ps
from benchmarks.contenders import BARE, NAIVE, REFERENCE
from benchmarks.data import CountedDigits
from benchmarks.models import perceptron
from benchmarks.rows import Row
from benchmarks.table import backends, number


@dataclass(frozen=True)
class Gate:
    """How many times longer another one has to take, at least.

    Attributes:
        row: name of the task.
        other: who is compared with.
        least: the ratio.
        at_most: the gate is told the other way round: how many times as long we may take.
        work: it counts only where the other one's whole work takes as many seconds.
    """

    row: str
    other: str
    least: float
    at_most: bool = False
    work: float = 0.0


@dataclass(frozen=True)
class Verdict:
    """A line of the table of gates; ``met`` is None where nothing was measured."""

    gate: str
    must: str
    seen: str
    met: bool | None


_MODELS = ("logistic", "MLP", "CNN", "ResNet-20", "GPT")

ONE_THREAD = (
    Gate("logistic, plane", NAIVE, 12),
    Gate("MLP, plane", NAIVE, 1.6),
    Gate("MLP, 64 examples, plane", NAIVE, 2.5),
    Gate("CNN, plane", NAIVE, 4),
    Gate("ResNet-20, plane", NAIVE, 1.7),
    Gate("GPT, plane", NAIVE, 1.0),
    Gate("GPT, plane", BARE, 1 / 1.05, at_most=True),
    Gate("ResNet-20, last block", REFERENCE, 10),
    Gate("ResNet-20, classifier", REFERENCE, 500),
    *(Gate(f"{model}, plane", REFERENCE, 1 / 1.03, True, work=1.0) for model in _MODELS),
)

TWO_THREADS = (
    Gate("MLP, plane", NAIVE, 2),
    Gate("CNN, plane", NAIVE, 6),
    Gate("ResNet-20, plane", NAIVE, 1.8),
    Gate("GPT, plane", NAIVE, 1.5),
)


def others(gates: Sequence[Gate]) -> dict[str, set[str]]:
    """Row -> who has to be measured for these gates, besides pysclice."""
    found: dict[str, set[str]] = {}
    for gate in gates:
        found.setdefault(gate.row, set()).add(gate.other)
    return found


def judged(gates: Sequence[Gate], rows: Mapping[str, Row], minima: bool = False) -> list[Verdict]:
    """What was seen of each gate.

    Args:
        gates: what has to be reached.
        rows: name -> what was measured.
        minima: go by the ratio of the best turns, and tell the median beside it.
    """
    return [_verdict(gate, rows.get(gate.row), minima) for gate in gates]


def _verdict(gate: Gate, row: Row | None, minima: bool) -> Verdict:
    by = f" (by {backends(row)})" if row and row.evaluations else ""
    name = f"{gate.row}{by}: against the {gate.other}"
    must = f"<= {number(1 / gate.least)} x" if gate.at_most else f">= {number(gate.least)} x"
    median = None if row is None else row.ratio(gate.other)
    best = None if row is None else row.ratio_of_minima(gate.other)
    if row is None or median is None or best is None:
        return Verdict(name, must, "not measured", None)
    if row.times[gate.other].median * row.points < gate.work:
        return Verdict(name, must, f"less than {gate.work:g} s of work", None)
    decides = best if minima else median
    told = [1 / ratio if gate.at_most else ratio for ratio in (decides, median)]
    seen = f"{number(told[0])} x" + (f" (median {number(told[1])} x)" if minima else "")
    return Verdict(name, must, seen, decides >= gate.least)


def against_peers(rows: Mapping[str, Row], names: Sequence[str]) -> list[Verdict]:
    """Whether each peer is slower on every row that it has a value for."""
    found = []
    for name in names:
        ratios = {row.name: row.ratio(name) for row in rows.values() if name in row.times}
        known = {where: ratio for where, ratio in ratios.items() if ratio is not None}
        if not known:
            found.append(Verdict(f"{name}: on every row", "> 1 x", "not measured", None))
            continue
        least = min(known, key=lambda row: known[row])
        seen = f"{number(known[least])} x or more in {len(known)} rows (least: {least})"
        if more := [f"{row} {number(ratio)} x" for row, ratio in known.items() if ratio <= 1]:
            seen = f"{len(known) - len(more)} of {len(known)} rows; not: {', '.join(more)}"
        found.append(Verdict(f"{name}: on every row", "> 1 x", seen, known[least] > 1))
    return found


def same_values(rows: Sequence[Row]) -> list[Verdict]:
    """Whether all own contenders found the same losses: else a comparison says nothing."""
    if not rows:
        return []
    row = max(rows, key=lambda one: one.difference)
    gate = "values: difference from the loop and the reference"
    seen = f"{row.difference:.1e} ({row.name})"
    return [Verdict(gate, "<= 1e-5", seen, row.difference <= 1e-5)]


def loader_reads() -> list[Verdict]:
    """How often a slice reads each example of a loader, whether it may keep them or not."""
    found = []
    model = perceptron().eval()
    slicer = ps.Line(ps.Random(0), samples=13)
    for label, kept in (("kept in memory", 2**30), ("not kept", 0)):
        data_set = CountedDigits()
        loader = DataLoader(data_set, batch_size=128)
        surface = ps.LossSurface(model, nn.CrossEntropyLoss(), loader, cache_bytes=kept)
        surface.slice(slicer, progress=False)
        reads = data_set.reads / len(data_set)
        found.append(
            Verdict(f"reads of a loader for 13 points, {label}", "1", f"{reads:g}", reads == 1)
        )
    return found


def markdown(verdicts: Sequence[Verdict]) -> str:
    """The table of gates."""
    lines = ["| gate | must be | seen | met |", "| --- | --- | --- | --- |"]
    words = {True: "yes", False: "**no**", None: "-"}
    lines += [f"| {v.gate} | {v.must} | {v.seen} | {words[v.met]} |" for v in verdicts]
    return "\n".join(lines)
