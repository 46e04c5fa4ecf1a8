"""From a direction to the axis that a record shows."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from pysclice.core.parameters import (
    Direction,
    Parameters,
    bits_fingerprint,
    check_direction,
    norm,
    recipe_fingerprint,
)
from pysclice.core.surface import LossSurface
from pysclice.slices import Axis, Float64


class Directional(Protocol):
    """Anything that gives a tensor for each parameter it moves.

    A direction may also have a ``name`` (short, for an axis), a ``method`` (its family), a
    ``description`` (a sentence) and a ``recipe`` (JSON values that determine the direction up to
    the parameters' values: its fingerprint then is that of the recipe and not of the bits). What
    it finds out on the way it may tell by ``notes(surface, parameters)``, JSON values by name.
    """

    def __call__(self, surface: LossSurface, parameters: Parameters) -> Direction:
        """The direction at these parameters."""
        ...


def axis_along(
    direction: Directional, tensors: Direction, parameters: Parameters, coordinates: Float64
) -> Axis:
    """The axis of a record for a direction and the tensors that it gave.

    Raises:
        ValueError: the tensors do not fit the parameters, or are not finite.
    """
    name = name_of(direction)
    check_direction(tensors, parameters, f"Direction {name!r}")
    length = norm(tensors)
    if not math.isfinite(length):
        raise ValueError(
            f"Direction {name!r} has an infinite or undefined length: the parameters or the "
            "direction hold NaN or infinity."
        )
    recipe: Mapping[str, Any] | None = getattr(direction, "recipe", None)
    return Axis(
        name=name,
        coordinates=coordinates,
        length=length,
        description=getattr(direction, "description", ""),
        fingerprint=(
            bits_fingerprint(tensors) if recipe is None else recipe_fingerprint(recipe, parameters)
        ),
    )


def notes_of(
    directions: Sequence[Directional], surface: LossSurface, parameters: Parameters
) -> dict[str, Any]:
    """What the directions have to say of themselves: axis name -> notes; of namesakes, numbered."""
    result: dict[str, Any] = {}
    for direction in directions:
        notes = getattr(direction, "notes", None)
        told = dict(notes(surface, parameters)) if notes else {}
        name = name_of(direction)
        if told:
            result[f"{name} (2)" if name in result else name] = told
    return result


def name_of(direction: object) -> str:
    """What to call a direction on an axis."""
    for attribute in ("name", "__name__"):
        name = getattr(direction, attribute, None)
        if isinstance(name, str) and name != "<lambda>":
            return name
    return "custom direction"


def method_of(*directions: object) -> str:
    """The family of a slice along these directions."""
    methods = [getattr(direction, "method", "custom direction") for direction in directions]
    return " and ".join(dict.fromkeys(methods))
