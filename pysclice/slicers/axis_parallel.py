"""Lines along single coordinates of parameter space, all through the same focus points."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from pysclice.core.parameters import Parameters
from pysclice.core.selection import Selection, check_selection, select, text_of
from pysclice.core.surface import LossSurface
from pysclice.directions.coordinate import Coordinate, Length, check_length
from pysclice.slicers.choosing import CHOICES, Choose, choose_coordinates, place_named, why
from pysclice.slicers.coarsening import coarser
from pysclice.slicers.crowd import Crowd
from pysclice.slicers.focus_points import FocusPoints, expanded, here
from pysclice.slicers.sampling import Span, sampled
from pysclice.slices import Slice


@dataclass(frozen=True)
class AxisParallel:
    """One line for each chosen coordinate: a slice of shape (focus points, lines, samples).

    The picture of a surface by its axis-parallel slices is that of Sliceplorer (Torsney-Weir,
    Sedlmair, Möller 2017, doi:10.1111/cgf.13177); several focus points show a crowd of each line.

    A slice takes ``count * (samples - 1) + 1`` evaluations at each focus point, if 0 is one of the
    samples, whatever the size of the model. The choice takes one gradient more, or ``probes``
    products with the Hessian (about four forward passes each), or nothing if it is drawn. The
    record notes how coordinates were chosen, and their scores.

    Args:
        count: how many coordinates to choose; fewer if there are fewer.
        choose: by what. ``"gradient"``: those whose gradient is largest in magnitude.
            ``"gradient x weight"``: the largest product of gradient and weight, the change of loss
            to first order if the weight became 0. ``"Hessian diagonal"``: the largest curvature in
            magnitude, estimated from random probes. ``"stratified"``: drawn at random, equally many
            of each tensor. ``"random"``: drawn from all parameters alike.
        within: from which parameters to choose. A pattern of names (``"layers.0.*"``), a type of
            module (``nn.Conv2d``), a function ``name -> bool``, or several of these. Default: all.
        coordinates: the coordinates themselves, instead of a choice: ``Coordinate`` objects, or
            pairs ``("fc.weight", (3, 5))``.
        span: first and last coordinate, in multiples of ``scale``.
        samples: number of samples of each line, at least 2.
        scale: what coordinate 1 covers, as the ``length`` of a ``Coordinate``: ``"layer"``, the
            root mean square of the tensor; ``"weight"``, the magnitude of the number itself (the
            root mean square of its tensor, where it is 0); or a number in parameter units.
            ``Coordinate`` objects keep their own.
        focus_points: where the lines meet; the coordinates are chosen at the parameters that the
            slice is asked for, and are the same at all of them.
        seed: of what is drawn: coordinates, or probes.
        probes: how many products with the Hessian to estimate its diagonal from.
        choice: what the record notes of a choice that was made before; filled in by ``settled``.

    Raises:
        TypeError, ValueError: a count, choice, scale, span or number of samples that makes no
            sense.

    Example:
        >>> steepest = surface.slice(ps.AxisParallel(count=4, samples=7))
        >>> steepest.shape, steepest.evaluations
        ((1, 4, 7), 25)
        >>> drawn = ps.AxisParallel(count=2, choose="random", within="2.*", scale="weight")
        >>> [axis.name.startswith("2.") for axis in surface.slice(drawn).axes]
        [True, True]
        >>> given = ps.AxisParallel(coordinates=[("0.weight", (3, 5)), ("2.bias", (0,))])
        >>> [axis.name for axis in surface.slice(given).axes]
        ['0.weight[3, 5]', '2.bias[0]']
    """

    count: int = 64
    choose: Choose = "gradient"
    within: Selection | None = None
    coordinates: tuple[Coordinate | tuple[str, tuple[int, ...]], ...] = ()
    span: Span = (-3.0, 3.0)
    samples: int = 25
    scale: Length = "layer"
    focus_points: FocusPoints = (here,)
    seed: int = 0
    probes: int = 16
    choice: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)

    def __post_init__(self) -> None:
        sampled(self.span, self.samples)
        expanded(self.focus_points)
        check_length(self.scale, "scale")
        for name in ("count", "probes"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < 1:
                raise ValueError(f"{name} is {value!r}, expected a whole number of at least 1.")
        if self.choose not in CHOICES:
            raise ValueError(f"choose is {self.choose!r}, expected one of {CHOICES}.")
        if self.within is not None:
            check_selection(self.within, "within")
        given = tuple(_coordinate(coordinate, self.scale) for coordinate in self.coordinates)
        object.__setattr__(self, "coordinates", given)

    @property
    def evaluations(self) -> int:
        """How often a slice runs the model over the data, the choice left out."""
        lines = len(self.coordinates) or self.count
        off_center = int(np.count_nonzero(sampled(self.span, self.samples)))
        return (lines * off_center + 1) * len(expanded(self.focus_points))

    def settled(self, surface: LossSurface, parameters: Parameters) -> AxisParallel:
        """The same slicer with its choice made: from now on it takes these coordinates."""
        if self.coordinates:
            return self
        if self.within is None:
            candidates = tuple(parameters)
        else:
            candidates = select(surface.model, parameters, self.within)
        chosen = choose_coordinates(
            surface, parameters, candidates, self.choose, self.count, self.seed, self.probes
        )
        choice = self._why()
        if chosen.scores is not None:
            choice["scores"] = [float(f"{score:.6g}") for score in chosen.scores]
        return dataclasses.replace(
            self, coordinates=tuple(chosen.places), count=len(chosen.places), choice=choice
        )

    def _why(self) -> dict[str, Any]:
        said = why(self.choose, self.seed, self.probes)
        return said if self.within is None else {**said, "within": text_of(self.within)}

    def resumed(self, earlier: Slice, parameters: Parameters) -> AxisParallel | None:
        """The same slicer with the coordinates of an earlier slice; None where they do not fit."""
        if self.coordinates:
            return self
        places = [place_named(axis.name, parameters) for axis in earlier.axes]
        choice = dict(earlier.notes.get("choice", {}))
        asked = {name: choice[name] for name in choice if name != "scores"}
        found = tuple(place for place in places if place is not None)
        count = min(self.count, sum(tensor.numel() for tensor in parameters.values()))
        if asked != self._why() or not len(places) == len(found) == count:
            return None
        return dataclasses.replace(self, coordinates=found, count=count, choice=choice)

    def coarser(self) -> AxisParallel | None:
        """The same slicer with every other sample; None where that leaves too few."""
        return coarser(self)

    def __call__(self, surface: LossSurface, parameters: Parameters) -> Slice:
        """The slice around these parameters.

        Raises:
            ValueError: nothing is selected by ``within``, or a coordinate does not exist.
        """
        made = self.settled(surface, parameters)
        coordinates = [_coordinate(given, self.scale) for given in made.coordinates]
        found = Crowd(coordinates, self.span, self.samples, self.focus_points)(surface, parameters)
        notes = {"choice": dict(made.choice)} if made.choice else {}
        return dataclasses.replace(found, method=Coordinate.method, notes={**found.notes, **notes})


def _coordinate(given: object, scale: Length) -> Coordinate:
    if isinstance(given, Coordinate):
        return given
    if isinstance(given, tuple | list) and len(given) == 2 and isinstance(given[0], str):
        return Coordinate(given[0], tuple(int(i) for i in given[1]), scale)
    raise TypeError(
        f"{given!r} names no coordinate; expected a pair such as ('fc.weight', (3, 5))."
    )
