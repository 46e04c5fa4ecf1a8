"""Directions made from others: sums, differences, multiples and orthogonal complements."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from pysclice.core.parameters import Direction, Parameters, check_direction, dot, norm
from pysclice.core.surface import LossSurface
from pysclice.directions.axis import Directional, method_of, name_of, notes_of


class Composable:
    """What all directions of this library can do with each other and with functions."""

    def __add__(self, other: Directional) -> Sum:
        return Sum(((1.0, self._itself()), (1.0, other)))

    def __radd__(self, other: Directional) -> Sum:
        return Sum(((1.0, other), (1.0, self._itself())))

    def __sub__(self, other: Directional) -> Sum:
        return Sum(((1.0, self._itself()), (-1.0, other)))

    def __rsub__(self, other: Directional) -> Sum:
        return Sum(((1.0, other), (-1.0, self._itself())))

    def __mul__(self, factor: float) -> Sum:
        return Sum(((factor, self._itself()),))

    __rmul__ = __mul__

    def __neg__(self) -> Sum:
        return Sum(((-1.0, self._itself()),))

    def orthogonal_to(self, *others: Directional) -> Orthogonal:
        """This direction without its part in the span of others, stretched back to its length."""
        return Orthogonal(self._itself(), others)

    def _itself(self) -> Directional:
        return self  # type: ignore[return-value]  # only directions mix this class in


@dataclass(frozen=True)
class Sum(Composable):
    """A linear combination of directions: ``Random(0) + 0.5 * Gradient() - Towards(other)``.

    Args:
        terms: factors and directions.

    Raises:
        TypeError: a factor that is no number, or a term that is no direction.

    Example:
        >>> diagonal = ps.Random(0) + ps.Random(1)
        >>> diagonal.name
        'random 0 + random 1'
        >>> line = surface.slice(ps.Line(diagonal, samples=7))
        >>> bool(np.allclose(line.losses[0, 0], plane.losses[0].diagonal(), rtol=1e-5))
        True
    """

    terms: tuple[tuple[float, Directional], ...]

    def __post_init__(self) -> None:
        flat: list[tuple[float, Directional]] = []
        for factor, direction in self.terms:
            if isinstance(factor, bool) or not isinstance(factor, int | float):
                raise TypeError(
                    f"A direction is multiplied by a number, got a {type(factor).__name__}."
                )
            if not callable(direction):
                raise TypeError(
                    f"A direction was combined with a {type(direction).__name__}; expected another "
                    "direction, or a function (surface, parameters) -> {name: tensor}."
                )
            inner = direction.terms if isinstance(direction, Sum) else ((1.0, direction),)
            flat += [(float(factor) * own, part) for own, part in inner]
        object.__setattr__(self, "terms", tuple(flat))

    @property
    def name(self) -> str:
        """Short label for an axis, such as ``random 0 + 0.5 gradient``."""
        text = ""
        for factor, direction in self.terms:
            sign = " - " if factor < 0 else " + "
            size = "" if abs(factor) == 1.0 else f"{abs(factor):g} "
            text += (sign if text else sign.strip(" +")) + size + name_of(direction)
        return text

    @property
    def method(self) -> str:
        """The families of its terms."""
        return method_of(*(direction for _, direction in self.terms))

    @property
    def description(self) -> str:
        """A sentence about the direction."""
        parts = [f"{factor:g} x ({_described(d)})" for factor, d in self.terms]
        return "Sum of " + ", ".join(parts)

    @property
    def recipe(self) -> Mapping[str, Any] | None:
        """What determines the direction, if recipes determine all of its terms."""
        recipes = [getattr(direction, "recipe", None) for _, direction in self.terms]
        if any(recipe is None for recipe in recipes):
            return None
        return {
            "direction": "sum",
            "terms": [[f, r] for (f, _), r in zip(self.terms, recipes, strict=True)],
        }

    def __call__(self, surface: LossSurface, parameters: Parameters) -> Parameters:
        """The sum of the terms, a tensor for each parameter that one of them moves."""
        found = []
        for factor, direction in self.terms:
            tensors = direction(surface, parameters)
            check_direction(tensors, parameters, f"Direction {name_of(direction)!r}")
            found.append((factor, tensors))
        return _total(found)

    def buffers(self, surface: LossSurface, parameters: Parameters) -> dict[str, Tensor]:
        """The sum of what the terms add to the model's buffers."""
        return _total([(f, buffers_of(d, surface, parameters)) for f, d in self.terms])

    def notes(self, surface: LossSurface, parameters: Parameters) -> Mapping[str, Any]:
        """What the terms have to say."""
        return notes_of([direction for _, direction in self.terms], surface, parameters)


@dataclass(frozen=True)
class Orthogonal(Composable):
    """A direction without its part in the span of others, stretched back to its own length.

    Args:
        direction: which.
        others: to which it shall be orthogonal.

    Raises:
        ValueError: nothing would be left of the direction.

    Example:
        >>> sideways = ps.Random(0).orthogonal_to(ps.Gradient())
        >>> tensors, gradient = sideways(surface, start), surface.gradient(start)
        >>> abs(sum(float((tensors[n] * gradient[n]).sum()) for n in gradient)) < 1e-5
        True
    """

    direction: Directional
    others: tuple[Directional, ...]

    @property
    def name(self) -> str:
        """Short label for an axis."""
        return f"{name_of(self.direction)} orthogonal to {', '.join(map(name_of, self.others))}"

    @property
    def method(self) -> str:
        """The family of the direction itself."""
        return method_of(self.direction)

    @property
    def description(self) -> str:
        """A sentence about the direction."""
        others = ", ".join(map(name_of, self.others))
        return f"{_described(self.direction)}, orthogonal to {others}"

    @property
    def recipe(self) -> Mapping[str, Any] | None:
        """What determines the direction, if recipes determine all that it is made from."""
        recipes = [getattr(d, "recipe", None) for d in (self.direction, *self.others)]
        if any(recipe is None for recipe in recipes):
            return None
        return {"direction": "orthogonal", "of": recipes[0], "to": recipes[1:]}

    def __call__(self, surface: LossSurface, parameters: Parameters) -> Parameters:
        """The direction's tensors without their part in the span of the others."""
        others = [other(surface, parameters) for other in self.others]
        return orthogonalized(self.direction(surface, parameters), *others, names=self.name)

    def notes(self, surface: LossSurface, parameters: Parameters) -> Mapping[str, Any]:
        """What the direction itself has to say."""
        return notes_of([self.direction], surface, parameters)


def orthogonalized(
    direction: Direction, *against: Direction, names: str = "The direction"
) -> Parameters:
    """The direction without its part in the span of others, stretched back to its length.

    Modified Gram-Schmidt, twice: the first pass leaves a part of the size of rounding errors.

    Raises:
        ValueError: the direction lies in the span, so nothing would be left.
    """
    basis: list[Parameters] = []
    for other in against:
        rest = _without(dict(other), basis)
        length = norm(rest)
        if length > 1e-6 * norm(other):
            basis.append({name: tensor / length for name, tensor in rest.items()})
    whole = norm(direction)
    result = _without(dict(direction), basis)
    left = norm(result)
    if left <= 1e-6 * whole:
        raise ValueError(
            f"{names}: the directions are parallel, so nothing is left of the first. Give them "
            "different seeds or targets."
        )
    return {name: tensor * (whole / left) for name, tensor in result.items()}


def buffers_of(
    direction: object, surface: LossSurface, parameters: Parameters
) -> dict[str, Tensor]:
    """What coordinate 1 of a direction adds to the model's buffers; nothing for most."""
    ask = getattr(direction, "buffers", None)
    return dict(ask(surface, parameters)) if ask else {}


def _without(direction: Parameters, basis: Sequence[Direction]) -> Parameters:
    for _ in range(2):
        for unit in basis:
            direction = _total([(1.0, direction), (-dot(direction, unit), unit)])
    return direction


def _total(terms: Sequence[tuple[float, Mapping[str, Tensor]]]) -> dict[str, Tensor]:
    result: dict[str, Tensor] = {}
    for factor, tensors in terms:
        for name, tensor in tensors.items():
            scaled = tensor if factor == 1.0 else tensor * factor
            if name not in result:
                result[name] = scaled
            elif result[name].is_sparse and not scaled.is_sparse:
                result[name] = scaled + result[name]  # torch adds sparse to dense, not the reverse
            else:
                result[name] = result[name] + scaled
    return result


def _described(direction: object) -> str:
    return getattr(direction, "description", "") or name_of(direction)
