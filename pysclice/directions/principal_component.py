"""Directions in which the parameters moved most while they were trained."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from pysclice.core.inner_products import real_and_dense
from pysclice.core.parameters import Parameters, direction_dtype
from pysclice.core.surface import LossSurface
from pysclice.core.trajectory import Trajectory
from pysclice.directions.composition import Composable
from pysclice.slices import Float64

# Numbers of all snapshots together that are held in float64 at a time: they fit a cache.
_CHUNK = 2**18

# A variance below this share of the largest is rounding.
_RANK = 1e-12


@dataclass(frozen=True, eq=False)
class PrincipalComponent(Composable):
    """A principal component of the snapshots of a trajectory, of L2 norm 1.

    The eigenvector of the snapshots' covariance with the largest eigenvalue, or one of the next;
    the snapshots are centered at their mean. Lorch 2016 ("Visualizing deep network training
    trajectories with PCA"); Li et al. 2018, arXiv:1712.09913, section 7.2. The record notes the
    variance that the component explains, in squared parameter units, its share of the whole, and
    the number of snapshots. It points from the first snapshot to the last.

    A large share alone says little: the first two components of a long random walk in many
    dimensions explain 6 / pi^2 = 61 % and 15 % (Antognini and Sohl-Dickstein 2018,
    arXiv:1806.08805).

    Args:
        index: 0 for the largest variance, 1 for the next, ...
        trajectory: the recorded path. It is read when the slice is taken.

    Raises:
        TypeError: no trajectory.
        ValueError: a negative index.

    Example:
        >>> trajectory = ps.Trajectory("walk")
        >>> generator = torch.Generator().manual_seed(0)
        >>> point = surface.parameters()
        >>> for step in range(8):
        ...     trajectory.record(step, point)
        ...     point["2.bias"] += torch.randn(3, generator=generator)
        >>> first, second = (ps.PrincipalComponent(i, trajectory) for i in (0, 1))
        >>> plane = surface.slice(ps.Plane(first, second, samples=3, trajectory=trajectory))
        >>> plane.axes[0].name, round(plane.axes[0].length, 4)
        ('principal component 0', 1.0)
        >>> plane.notes["principal component 0"]["snapshots"]
        8
        >>> bool(0.5 < plane.notes["principal component 0"]["explained variance ratio"] < 1)
        True
    """

    index: int
    trajectory: Trajectory

    method = "principal components of the trajectory"

    def __post_init__(self) -> None:
        if not isinstance(self.trajectory, Trajectory):
            raise TypeError(
                f"The trajectory is a {type(self.trajectory).__name__}, expected a Trajectory: "
                "PrincipalComponent(0, Trajectory(directory))."
            )
        if not isinstance(self.index, int) or self.index < 0:
            raise ValueError(f"index is {self.index!r}; components are counted from 0.")

    @property
    def name(self) -> str:
        """Short label for an axis."""
        return f"principal component {self.index}"

    @property
    def description(self) -> str:
        """A sentence about the direction."""
        return f"Principal component {self.index} of the recorded trajectory, of length 1"

    def __call__(self, surface: LossSurface, parameters: Parameters) -> Parameters:
        """The component, a tensor for each parameter.

        Raises:
            ValueError: the trajectory is of another model, holds too few snapshots, does not move
                in so many dimensions, or holds NaN or infinity.
        """
        found = self._components(surface, parameters)
        key = ("principal component", self.trajectory, self.index)
        component: Parameters = surface.once(key, lambda: found.component(self.index, parameters))
        return component

    def notes(self, surface: LossSurface, parameters: Parameters) -> Mapping[str, Any]:
        """Explained variance, its share of the whole, and the number of snapshots."""
        found = self._components(surface, parameters)
        return {
            "explained variance": float(found.variances[self.index]),
            "explained variance ratio": float(found.variances[self.index] / found.variances.sum()),
            "snapshots": len(found.snapshots),
        }

    def _components(self, surface: LossSurface, parameters: Parameters) -> _Components:
        """All components; those of one trajectory are found once a slice."""
        self.trajectory.check(parameters)
        steps = self.trajectory.snapshot_steps
        if len(steps) < self.index + 2:
            raise ValueError(
                f"Principal component {self.index} needs {self.index + 2} snapshots, "
                f"{self.trajectory!r} holds {len(steps)}. Record more steps."
            )

        def find() -> _Components:
            snapshots = [self.trajectory.snapshot(step) for step in steps]
            return _components(steps, snapshots, list(parameters))

        found: _Components = surface.once(("principal components", self.trajectory), find)
        if found.variances[self.index] <= _RANK * found.variances[0]:
            moved = int(np.sum(found.variances > _RANK * found.variances[0]))
            raise ValueError(
                f"Principal component {self.index} was asked for, but the snapshots of "
                f"{self.trajectory!r} span a space of dimension {moved}."
            )
        return found


@dataclass(frozen=True, eq=False)
class _Components:
    """The principal components of some snapshots, as weights of the snapshots.

    Attributes:
        snapshots: the parameters, on disk until they are looked at.
        variances: (snapshots,) float64, decreasing: explained by each component.
        weights: (snapshots, snapshots) float64: a column for each component.
    """

    snapshots: Sequence[Parameters]
    variances: Float64
    weights: Float64

    def component(self, index: int, parameters: Parameters) -> Parameters:
        """One component, of length 1, like the parameters."""
        length = math.sqrt(self.variances[index] * (len(self.snapshots) - 1))
        weights = torch.from_numpy(self.weights[:, index] / length)
        result: Parameters = {}
        for name, tensor in parameters.items():
            whole = torch.cat([weights @ block for block in _blocks(self.snapshots, name)])
            dtype = direction_dtype(tensor.dtype)
            if dtype.is_complex:
                whole = torch.view_as_complex(whole.reshape(-1, 2))
            result[name] = whole.reshape(tensor.shape).to(tensor.device, dtype)
        return result


def _components(
    steps: Sequence[int], snapshots: Sequence[Parameters], names: Sequence[str]
) -> _Components:
    """All principal components, from the inner products of the snapshots.

    Raises:
        ValueError: a snapshot holds NaN or infinity.
    """
    count = len(snapshots)
    gram = torch.zeros(count, count, dtype=torch.float64)
    for name in names:
        for block in _blocks(snapshots, name):
            gram += block @ block.T
    if not torch.isfinite(gram).all():
        wrong = [
            step
            for step, snapshot in zip(steps, snapshots, strict=True)
            if not all(torch.isfinite(snapshot[name]).all() for name in names)
        ]
        raise ValueError(
            f"The snapshots of steps {wrong} hold NaN or infinity, or too large numbers, so the "
            "trajectory has no principal components. Take those of an earlier part."
        )
    values, vectors = np.linalg.eigh(gram.numpy())
    values, vectors = np.maximum(values[::-1], 0.0), vectors[:, ::-1]
    # Either sign would do: from the first snapshot to the last, unless the path is closed.
    ahead = vectors[-1] - vectors[0]
    strongest = np.take_along_axis(vectors, np.abs(vectors).argmax(axis=0)[None], axis=0)[0]
    closed = np.abs(ahead) <= 1e-9
    signs = np.where(np.where(closed, strongest, ahead) < 0, -1.0, 1.0)
    return _Components(snapshots, values / (count - 1), vectors * signs)


def _blocks(snapshots: Sequence[Parameters], name: str) -> Iterator[Tensor]:
    """One parameter of all snapshots, about their mean: (snapshots, elements) float64, in parts."""
    flat = [real_and_dense(snapshot[name]).reshape(-1) for snapshot in snapshots]
    width = max(1, _CHUNK // len(snapshots))
    for start in range(0, max(flat[0].numel(), 1), width):
        block = torch.stack([tensor[start : start + width].double() for tensor in flat])
        yield block.sub_(block.mean(dim=0))
