"""Linear interpolation between two networks, and the barrier between them."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from torch import Tensor, nn

from pysclice import measures
from pysclice.core.checkpoints import Source, check_source, read_buffers, read_parameters
from pysclice.core.parameters import Parameters
from pysclice.core.permutations import UnitGroup, match_units, permutation_groups, permuted
from pysclice.core.surface import LossSurface
from pysclice.directions.axis import axis_along, notes_of
from pysclice.directions.towards import Towards
from pysclice.slicers.coarsening import coarser
from pysclice.slicers.sampling import Span, points_with_center, sample, sampled
from pysclice.slices import Slice


@dataclass(frozen=True, eq=False)
class Interpolation:
    """The straight line to another network, with its barrier: a slice of one line.

    Coordinate 0 is the focus point, and coordinate 1 the other network (Goodfellow et al. 2015,
    arXiv:1412.6544). The record notes, for each data set, the barrier: the highest rise of the loss
    above the straight line between its values at both ends (Frankle et al. 2020, arXiv:1912.05671;
    Garipov et al. 2018, arXiv:1802.10026), with its error. Give the surface several data sets to
    see the barrier on training and on validation data.

    Args:
        other: the other network: a module, a ``state_dict``, a dictionary of tensors, or the path
            of a checkpoint.
        span: first and last coordinate; holds 0 and 1.
        samples: number of coordinates, at least 2; whole fractions such as 25 on (0, 1) hit both
            ends.
        match_units: permute the other network's hidden units first, so that they resemble those
            of the focus point as far as permuting can (weight matching of Git Re-Basin, Ainsworth
            et al. 2023, arXiv:2209.04836, section 3.2). The permuted network computes the same
            function; what is left of the barrier is not due to the order of its units.
        batch_norm: ``"interpolated"``: statistics of BatchNorm are interpolated with the weights;
            ``"recomputed"``: at every point they are averaged anew over the first data set, which
            removes the part of the barrier that is due to wrong scales (REPAIR, Jordan et al. 2023,
            arXiv:2211.08403). Takes a second pass over these data.
        groups: which units may be permuted together, where the model cannot be traced; see
            ``pysclice.core.permutations``.
        seed: of the order in which layers are matched.
        name: label of the axis. Where it is named after runs of the log, such as
            ``"towards run-b"``, the page offers a matrix of the barriers from run to run.

    Raises:
        TypeError: another kind of ``other``.
        ValueError: a span that lacks 0 or 1, or an unknown ``batch_norm``; when a slice is taken, a
            network of another architecture, or one without units that can be matched.

    Example:
        >>> line = surface.slice(ps.Interpolation(other, samples=9, match_units=True))
        >>> sorted(line.notes["barrier"]["train/loss"])
        ['error', 'value', 'where']
        >>> line.axes[0].name
        'towards other, units matched'
    """

    other: Source
    span: Span = (0.0, 1.0)
    samples: int = 25
    match_units: bool = False
    batch_norm: Literal["interpolated", "recomputed"] = "interpolated"
    groups: Sequence[UnitGroup] | None = None
    seed: int = 0
    name: str = "towards other"
    _there: Towards = field(init=False, repr=False)

    def __post_init__(self) -> None:
        check_source(self.other, "Interpolation")
        # Holds what was read of a file, which is read again only after it has changed.
        name = self.name + (", units matched" if self.match_units else "")
        object.__setattr__(self, "_there", Towards(self.other, name))
        sampled(self.span, self.samples)
        if not (self.span[0] <= 0.0 and self.span[1] >= 1.0):
            raise ValueError(
                f"span is {self.span!r}, but a barrier is measured from coordinate 0 to 1: give a "
                "span that holds both, such as (0, 1) or (-0.25, 1.25)."
            )
        if self.batch_norm not in ("interpolated", "recomputed"):
            raise ValueError(
                f"batch_norm is {self.batch_norm!r}, expected 'interpolated' or 'recomputed'."
            )

    @property
    def evaluations(self) -> int:
        """How often a slice runs the model over the data; twice that to recompute BatchNorm."""
        return len(points_with_center(sampled(self.span, self.samples)[:, None]))

    def coarser(self) -> Interpolation | None:
        """The same slicer with every other sample; None where that leaves too few."""
        return coarser(self)

    def __call__(self, surface: LossSurface, parameters: Parameters) -> Slice:
        """The slice from these parameters to the other network."""
        coordinates = sampled(self.span, self.samples)
        towards, notes = self._towards(surface, parameters)
        direction = towards(surface, parameters)
        recomputed = self.batch_norm == "recomputed"
        buffers = {} if recomputed else towards.buffers(surface, parameters)
        found = sample(
            surface,
            [parameters],
            [direction],
            coordinates[:, None],
            buffers=[buffers],
            recompute_batch_norm=recomputed,
        )
        slice_ = Slice(
            kind="lines",
            method=Towards.method,
            axes=(axis_along(towards, direction, parameters, coordinates),),
            mode=surface.mode,
            **found.fields(lambda points, _: points[:, None, :]),
        )
        notes |= {"batch_norm": self.batch_norm} if recomputed else {}
        told = notes_of([self._there], surface, parameters)
        return dataclasses.replace(slice_, notes={"barrier": barriers(slice_)} | notes | told)

    def _towards(
        self, surface: LossSurface, parameters: Parameters
    ) -> tuple[Towards, dict[str, Any]]:
        """To the other network, with its units permuted if that was asked for, and what to note."""
        if not self.match_units:
            return self._there, {}
        other = self._there.other_point(surface)
        there: dict[str, Tensor] = {
            **read_parameters(other, parameters, "The other network"),
            **read_buffers(other, surface.model, parameters),
        }
        groups = self.groups
        if groups is None:
            groups = permutation_groups(surface.model, surface.example_inputs())
            groups = self._movable(groups, surface.model, parameters, there)
        matching = match_units(groups, parameters, there, seed=self.seed)
        matched = permuted(groups, matching.permutations, there)
        return Towards(matched, self._there.name), {
            "similarity": {"before": matching.similarity_before, "after": matching.similarity}
        }

    def _movable(
        self,
        groups: Sequence[UnitGroup],
        model: nn.Module,
        parameters: Parameters,
        there: Mapping[str, Tensor],
    ) -> list[UnitGroup]:
        """The groups of which all tensors move along the line.

        A frozen layer stays the model's own: units that it shares with others keep their places.
        """
        every = dict(model.named_parameters(remove_duplicate=False))
        moving = {id(every[name]) for name in parameters}
        known = {*there, *(name for name, tensor in every.items() if id(tensor) in moving)}
        if self.batch_norm == "recomputed":
            known |= dict(model.named_buffers()).keys()
        movable = [g for g in groups if all(member.tensor in known for member in g.members)]
        if not movable:
            held = next(m.tensor for g in groups for m in g.members if m.tensor not in known)
            raise ValueError(
                f"No units can be matched: {held!r} is frozen, or missing in the other network, so "
                "the units that it holds have to keep their places. Interpolate with "
                "match_units=False."
            )
        return movable


def barriers(slice_: Slice) -> dict[str, dict[str, Any]]:
    """What a record says of the barrier of each loss: channel -> value, where and error.

    A loss that is not finite at one of the ends has no barrier and no entry.
    """
    result: dict[str, dict[str, Any]] = {}
    for channel in slice_.channels:
        if channel.rpartition("/")[2] != "loss":
            continue
        try:
            barrier = measures.barrier(slice_, channel=channel)
        except ValueError:
            continue
        error = measures.estimate(measures.barrier, slice_, channel=channel).error
        result[channel] = {
            "value": barrier.value if math.isfinite(barrier.value) else "Infinity",
            "where": barrier.where,
            "error": error if math.isfinite(error) else None,
        }
    return result
