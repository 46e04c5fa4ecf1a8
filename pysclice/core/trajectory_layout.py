"""What the files of a trajectory hold, and how a tensor divides into blocks of inner products."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor

from pysclice.core.inner_products import real_and_dense
from pysclice.core.normalization import Filters
from pysclice.core.parameters import Parameters

_VERSION = 1

# Rows are kept for this many steps and bytes at most, whichever is less.
MOST_ROWS = 2000
_ROW_BYTES = 2**28


class Drawn(Protocol):
    """A direction drawn from a seed and then rescaled block by block, as ``Random`` is."""

    @property
    def normalization(self) -> str:
        """Name of the normalization; ``"filter"`` asks for inner products of every filter."""
        ...

    @property
    def recipe(self) -> Mapping[str, Any]:
        """JSON values; without ``"normalization"`` they determine what is drawn."""
        ...

    def drawn(self, name: str, like: Tensor) -> Tensor:
        """The numbers drawn for a parameter, before any rescaling."""
        ...


@dataclass(frozen=True)
class Layout:
    """What the files of a trajectory hold.

    Attributes:
        shapes: name -> shape of every parameter.
        filters: name -> Filters, if inner products are kept filter by filter; else None, and
            they are kept tensor by tensor.
        draws: the recipes of what is projected on, as JSON.
    """

    shapes: dict[str, tuple[int, ...]]
    filters: dict[str, Filters] | None
    draws: tuple[str, ...]

    @property
    def by_filter(self) -> bool:
        """Whether inner products are kept filter by filter."""
        return self.filters is not None

    @functools.cached_property
    def width(self) -> int:
        """How many numbers a row holds."""
        return len(self.draws) * sum(map(self.blocks, self.shapes))

    def row_limit(self, snapshots: int) -> int:
        """Most rows to keep: no fewer than snapshots, which are larger."""
        if not self.draws:
            return 0
        return max(min(MOST_ROWS, _ROW_BYTES // (8 * self.width)), snapshots, 2)

    def blocks(self, name: str) -> int:
        """Into how many blocks a parameter divides."""
        return len(self.rows(name, torch.empty(self.shapes[name], device="meta")))

    def rows(self, name: str, tensor: Tensor) -> Tensor:
        """A tensor for this parameter as (blocks, elements of each)."""
        tensor = real_and_dense(tensor)
        filters = None if self.filters is None else self.filters[name]
        if filters is None or filters.dimension is None:
            return tensor.reshape(1, -1)
        parts = filters.split(tensor)
        return parts.movedim(filters.dimension + 1, 1).flatten(0, 1).flatten(1)

    def check(self, tensors: Parameters, directory: str) -> None:
        """Nothing, if these tensors are those that are recorded, or more.

        Raises:
            ValueError: they lack a tensor, or it has another shape.
        """
        for name, shape in self.shapes.items():
            if name not in tensors or tuple(tensors[name].shape) != shape:
                found = f"shape {tuple(tensors[name].shape)}" if name in tensors else "none"
                raise ValueError(
                    f"{directory} holds the path of another model: its parameter {name!r} has "
                    f"shape {shape}, here there is {found}. Give each run a directory of its own."
                )

    def to_json(self) -> dict[str, Any]:
        """JSON values from which ``from_json`` makes the same layout."""
        return {
            "version": _VERSION,
            "parameters": {name: list(shape) for name, shape in self.shapes.items()},
            "filters": self.filters
            and {name: [f.dimension, f.groups] for name, f in self.filters.items()},
            "draws": [json.loads(key) for key in self.draws],
        }

    @classmethod
    def from_json(cls, stored: Any, directory: str) -> Layout:
        """The layout of a directory.

        Raises:
            ValueError: it was written by a newer version, or is damaged.
        """
        try:
            if stored["version"] > _VERSION:
                raise ValueError(
                    f"{directory} was recorded by a newer pysclice. Upgrade pysclice to read it."
                )
            return cls(
                {name: tuple(shape) for name, shape in stored["parameters"].items()},
                stored["filters"]
                and {
                    n: Filters(dimension, groups)
                    for n, (dimension, groups) in stored["filters"].items()
                },
                tuple(_key(recipe) for recipe in stored["draws"]),
            )
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"trajectory.json in {directory} is damaged ({error!r}).") from error


def draw_key(direction: Drawn) -> str:
    """What is drawn, whatever it is normalized to afterwards."""
    return _key({k: v for k, v in direction.recipe.items() if k != "normalization"})


def _key(recipe: Mapping[str, Any]) -> str:
    return json.dumps(recipe, sort_keys=True)
