"""The series of a logger: which slicers there are, with their choices made once."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from typing import Any

import numpy as np

from pysclice.core.parameters import Parameters
from pysclice.core.surface import LossSurface, Slicer
from pysclice.core.told import tell
from pysclice.directions.random import Random
from pysclice.events import directory_of, newest_slices
from pysclice.slicers.axis_parallel import AxisParallel
from pysclice.slicers.line import Line
from pysclice.slicers.plane import Plane
from pysclice.slices import Slice

# What the default slicers may take at each logged step, in seconds on this machine.
_DEFAULT_SECONDS = 5.0


class EarlierSlices:
    """What an earlier attempt logged, read when it is first asked for.

    Args:
        directory: of the run; None where there is none to be read.
    """

    def __init__(self, directory: str | None = None) -> None:
        self._directory = directory
        self._newest: dict[str, Slice] | None = None

    @classmethod
    def of(cls, target: Any) -> EarlierSlices:
        """What was logged to a target of ``SliceWriter``."""
        return cls(directory_of(target))

    def newest(self, series: str) -> Slice | None:
        """The last slice of a series; None if it was never logged, or cannot be read."""
        if self._newest is None:
            try:
                self._newest = {} if self._directory is None else newest_slices(self._directory)
            except OSError as error:
                tell(f"Earlier slices in {self._directory!r} could not be read: {error}")
                self._newest = {}
        return self._newest.get(series)


class SeriesOfSlices:
    """Takes slices of several series, all of one surface.

    Args:
        surface: of the model in training, or of its copy in another process.
        slicers: series name -> slicer; None for a default set.
        clock: gives seconds.
        earlier: what was logged before, by an attempt that these series continue.
    """

    def __init__(
        self,
        surface: LossSurface,
        slicers: Mapping[str, Slicer] | None,
        clock: Callable[[], float] = time.perf_counter,
        earlier: EarlierSlices | None = None,
    ) -> None:
        self.surface = surface
        self._earlier = earlier or EarlierSlices()
        self._slicers = slicers
        self._clock = clock
        self._settled: dict[str, Slicer] = {}
        self._evaluation: tuple[float, int] | None = None
        self._drawn: dict[int, LossSurface] = {}

    def names(self) -> list[str]:
        """The series; default slicers are chosen the first time, by the time of an evaluation."""
        if self._slicers is None:
            self._slicers = default_slicers(self.evaluation()[0], self.surface.has_gradients)
        return list(self._slicers)

    def evaluation(self) -> tuple[float, int]:
        """Seconds of one evaluation, measured the first time, and how many examples it averages."""
        if self._evaluation is None:
            seconds, examples = self._measured(self.surface)
            # The first one reads the data. Where it took long, the second one is not worth it.
            if seconds < _DEFAULT_SECONDS:
                seconds, _ = self._measured(self.surface)
            self._evaluation = seconds, examples
        return self._evaluation

    def _measured(self, surface: LossSurface) -> tuple[float, int]:
        began = self._clock()
        measured = surface.measure(surface.current(), [], np.zeros((1, 0)))
        return max(self._clock() - began, 1e-9), measured.examples

    def slicer(self, name: str) -> Slicer:
        """The slicer of a series, before it made any choice."""
        self.names()
        assert self._slicers is not None
        return self._slicers[name]

    def settled(self, name: str) -> Slicer:
        """The slicer with its choices made at the first step, so that all steps share axes."""
        if name not in self._settled:
            slicer = self.slicer(name)
            settle: Callable[[LossSurface, Parameters], Slicer] | None
            settle = getattr(slicer, "settled", None)
            if settle is not None:
                current, ranks = self.surface.current(), self.surface.ranks
                with nullcontext() if ranks is None else ranks.together(f"the axes of {name}"):
                    slicer = self._resumed(name, slicer, current) or settle(self.surface, current)
            self._settled[name] = slicer
        return self._settled[name]

    def _resumed(self, name: str, slicer: Slicer, current: Parameters) -> Slicer | None:
        """The slicer with the choices of an earlier attempt; None if there was none like it."""
        resume: Callable[[Slice, Parameters], Slicer | None] | None
        resume = getattr(slicer, "resumed", None)
        if resume is None:
            return None
        ranks = self.surface.ranks
        # One rank writes, so one rank can be sure of what it reads.
        earlier = self._earlier.newest(name) if ranks is None or ranks.first else None
        earlier = earlier if ranks is None else ranks.agreed(earlier)
        return None if earlier is None else resume(earlier, current)

    def on(self, examples: int | None) -> LossSurface:
        """The surface on a draw of examples, or on all; a draw's data are read here, and kept."""
        if examples is None:
            return self.surface
        if examples not in self._drawn:
            drawn = self.surface.subsampled(examples)
            self._measured(drawn)
            self._drawn[examples] = drawn
        return self._drawn[examples]

    def take(
        self,
        name: str,
        step: int,
        epoch: float | None,
        slicer: Slicer | None = None,
        examples: int | None = None,
    ) -> Slice:
        """The slice of a series at the model's current parameters.

        Args:
            name: the series.
            step: training step that the record names.
            epoch: epoch that the record names.
            slicer: in the place of the settled one.
            examples: measure on a draw of this many examples.
        """
        return self.on(examples).slice(
            slicer or self.settled(name),
            series=name,
            step=int(step),
            epoch=None if epoch is None else float(epoch),
            progress=False,
        )


def default_slicers(seconds: float, gradients: bool = True) -> dict[str, Slicer]:
    """A line, a plane and a bundle that together take seconds: series name -> slicer.

    Args:
        seconds: what an evaluation takes. It chooses their resolution, from 13 x 13 to 25 x 25 on
            the plane.
        gradients: whether the surface has them; if not, coordinates are drawn.
    """
    affordable = _DEFAULT_SECONDS / seconds
    line, plane, bundle = (49, 25, 13) if affordable > 900 else (25, 13, 7)
    coordinates: dict[str, Slicer] = (
        {"steepest coordinates": AxisParallel(count=16, samples=bundle)}
        if gradients
        else {"drawn coordinates": AxisParallel(count=16, choose="stratified", samples=bundle)}
    )
    return {
        "random line": Line(Random(0), samples=line),
        "random plane": Plane(Random(0), Random(1), samples=plane),
        **coordinates,
    }
