"""Focus points: the parameters at which slices meet."""

from __future__ import annotations

from typing import Protocol

from pysclice.core.parameters import Parameters
from pysclice.core.surface import LossSurface


class FocusPoint(Protocol):
    """Any callable that gives parameters; its ``name``, if it has one, stands in the record."""

    def __call__(self, surface: LossSurface, parameters: Parameters) -> Parameters:
        """The focus point, given the parameters that the slice was asked for."""
        ...


def here(surface: LossSurface, parameters: Parameters) -> Parameters:
    """The parameters that the slice was asked for: usually the model's current ones."""
    return parameters


def name_of_focus_point(focus_point: FocusPoint) -> str:
    """What the record calls a focus point."""
    if focus_point is here:
        return "current parameters"
    for attribute in ("name", "__name__"):
        name = getattr(focus_point, attribute, None)
        if isinstance(name, str):
            return name
    return type(focus_point).__name__
