"""Graph: a point as one captured CUDA graph, so that a GPU never waits for Python.

The weights, the forward pass and the loss of a batch are captured once; a point is then a copy of
its coefficients and a replay, and nothing is asked of the device until all points are queued.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from pysclice.core.averages import Results
from pysclice.core.evaluation.replay import Replay, Watched, concatenated
from pysclice.core.evaluation.tape import Slot
from pysclice.core.evaluation.work import Evaluator, Group, MovableModel, Portion, Unsuitable
from pysclice.core.parameters import Parameters, direction_dtype

_MOST_POINTS = 64
_WARM_UP = 3


@dataclass(frozen=True, eq=False)
class Graph:
    """Replays a captured CUDA graph at each point.

    Args:
        model: the user's own, on a CUDA device.
    """

    model: MovableModel
    workers: int = 1

    @property
    def name(self) -> str:
        """For the record."""
        return "graph"

    @property
    def keeps_memory(self) -> bool:
        """Whether points are evaluated in the same memory, one after another."""
        return True

    def prepare(self, portion: Portion) -> _Prepared:
        """Make ready for these batches.

        Raises:
            Unsuitable: no CUDA device, moving buffers, or a model that cannot be followed.
        """
        work = self.model.work
        if work.device.type != "cuda":
            raise Unsuitable(f"the model is on {work.device}, and graphs are captured on CUDA")
        if any(group.buffers for group in work.groups):
            raise Unsuitable("buffers move")
        return _Prepared(Replay(self.model).prepare(portion))

    def points_at_once(self, portion: Portion) -> int:
        """How many points to ask for at a time."""
        return _MOST_POINTS


class _Prepared:
    def __init__(self, watched: Watched) -> None:
        self.watched = watched

    @property
    def bytes_kept(self) -> int:
        """Memory for what it keeps of the examples, beside the batches themselves."""
        return self.watched.bytes_kept

    def evaluator(self) -> Evaluator:
        return _Evaluator(self.watched)


class _Evaluator:
    def __init__(self, watched: Watched) -> None:
        self._watched = watched
        self._at_center = watched.evaluator()
        self._captured: _Captured | None = None

    def __call__(self, numbers: Sequence[int], loss_of_each: bool | None) -> list[Results]:
        work = self._watched.backend.model.work
        if list(numbers) == [work.at_center]:
            return self._at_center(numbers, loss_of_each)
        group = work.group_of[numbers[0]]
        if self._captured is None or self._captured.group is not group:
            self._captured = None  # the memory first
            self._captured = _Captured(self._watched, group, loss_of_each)
        rows = torch.as_tensor(
            work.coefficients[list(numbers)][:, list(group.columns)],
            dtype=torch.float64 if self._captured.wide else torch.float32,
            device=work.device,
        )
        return self._captured.at(rows)


class _Captured:
    """The points of a group as a graph, from coefficients to losses."""

    def __init__(self, watched: Watched, group: Group, loss_of_each: bool | None) -> None:
        work = watched.backend.model.work
        self.group = group
        self._watched, self._loss_of_each = watched, loss_of_each
        self._center: Parameters = {n: work.center[n].detach() for n in group.names}
        self.wide = any(t.dtype == torch.float64 for t in self._center.values())
        self._directions = [
            {n: d.to_dense() if d.is_sparse else d for n, d in work.directions[c].items()}
            for c in group.columns
        ]
        self._moved = {n: torch.empty_like(t) for n, t in self._center.items()}
        dtype = torch.float64 if self.wide else torch.float32
        self._row = torch.zeros(len(group.columns), dtype=dtype, device=work.device)
        # Lazy set-up of libraries must not happen while a graph is captured.
        aside = torch.cuda.Stream(work.device)
        aside.wait_stream(torch.cuda.current_stream(work.device))
        with torch.cuda.stream(aside):
            for _ in range(_WARM_UP):
                self._point()
        torch.cuda.current_stream(work.device).wait_stream(aside)
        self._graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self._graph):
            self._results = self._point()

    def at(self, rows: Tensor) -> list[Results]:
        """What each batch gives at these coefficients, (points, directions)."""
        found: list[dict[str, list[Tensor]]] = [
            {name: [] for name in results} for results in self._results
        ]
        for row in rows:
            self._row.copy_(row)
            self._graph.replay()
            for own, results in zip(found, self._results, strict=True):
                for name, tensor in results.items():
                    own[name].append(tensor.clone())
        return [{name: torch.stack(parts) for name, parts in own.items()} for own in found]

    def _point(self) -> list[dict[str, Tensor]]:
        for name, center in self._center.items():
            total = center.to(direction_dtype(center.dtype), copy=True)
            for number, direction in enumerate(self._directions):
                if name in direction:
                    total.addcmul_(direction[name], self._row[number].to(total.dtype))
            self._moved[name].copy_(total)
        return self._assessed(self._moved)

    def _assessed(self, moved: Mapping[str, Tensor]) -> list[dict[str, Tensor]]:
        watched = self._watched
        work, portion = watched.backend.model.work, watched.portion
        values: dict[int, dict[Slot, Tensor]] = {}
        found = []
        for number, parts in enumerate(watched.held(self.group)):
            outputs = []
            for program, held in parts:
                if id(program) not in values:
                    values[id(program)] = program.at_point(moved, held)
                outputs.append(program.on_batch(held, values[id(program)]))
            predicted = concatenated(outputs, [part.size for part in watched.parts[number]])
            size = None if work.at_center is None else portion.sizes[number]
            batch = portion.batches[number]
            found.append(work.objective.assess(predicted, batch, size, self._loss_of_each))
        return found
