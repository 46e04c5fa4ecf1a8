"""See the loss landscape of a PyTorch model while it trains.

Public names are loaded on first use: ``import pysclice`` imports no torch, so that TensorBoard's
plugin can read slices where torch is not installed.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pysclice.arrangement import concatenate as concatenate
    from pysclice.arrangement import resample as resample
    from pysclice.core.surface import LossSurface as LossSurface
    from pysclice.core.trajectory import Trajectory as Trajectory
    from pysclice.directions.coordinate import Coordinate as Coordinate
    from pysclice.directions.custom import Custom as Custom
    from pysclice.directions.gradient import Gradient as Gradient
    from pysclice.directions.group import Group as Group
    from pysclice.directions.hessian_eigenvector import HessianEigenvector as HessianEigenvector
    from pysclice.directions.principal_component import PrincipalComponent as PrincipalComponent
    from pysclice.directions.random import Random as Random
    from pysclice.directions.towards import Towards as Towards
    from pysclice.directions.update import Update as Update
    from pysclice.events import read_slices as read_slices
    from pysclice.logger import SliceLogger as SliceLogger
    from pysclice.logger.schedules import AtSteps as AtSteps
    from pysclice.logger.schedules import Every as Every
    from pysclice.logger.schedules import LogSpaced as LogSpaced
    from pysclice.logger.schedules import WhenLossFalls as WhenLossFalls
    from pysclice.pages import show as show
    from pysclice.slicers.axis_parallel import AxisParallel as AxisParallel
    from pysclice.slicers.compare import compare as compare
    from pysclice.slicers.crowd import Crowd as Crowd
    from pysclice.slicers.focus_points import Around as Around
    from pysclice.slicers.focus_points import Checkpoint as Checkpoint
    from pysclice.slicers.focus_points import here as here
    from pysclice.slicers.interpolation import Interpolation as Interpolation
    from pysclice.slicers.line import Line as Line
    from pysclice.slicers.plane import Plane as Plane
    from pysclice.slicers.spectrum import Spectrum as Spectrum
    from pysclice.slices import Axis as Axis
    from pysclice.slices import Slice as Slice
    from pysclice.slices import SliceFormatError as SliceFormatError
    from pysclice.slices import load as load
    from pysclice.visualization import plot as plot

__version__ = "0.1.0"

_HOMES = {
    "Around": "slicers.focus_points",
    "AtSteps": "logger.schedules",
    "Axis": "slices",
    "AxisParallel": "slicers.axis_parallel",
    "Checkpoint": "slicers.focus_points",
    "Coordinate": "directions.coordinate",
    "Crowd": "slicers.crowd",
    "Custom": "directions.custom",
    "Every": "logger.schedules",
    "Gradient": "directions.gradient",
    "Group": "directions.group",
    "HessianEigenvector": "directions.hessian_eigenvector",
    "Interpolation": "slicers.interpolation",
    "Line": "slicers.line",
    "LogSpaced": "logger.schedules",
    "LossSurface": "core.surface",
    "Plane": "slicers.plane",
    "PrincipalComponent": "directions.principal_component",
    "Random": "directions.random",
    "Slice": "slices",
    "SliceFormatError": "slices",
    "SliceLogger": "logger",
    "Spectrum": "slicers.spectrum",
    "Towards": "directions.towards",
    "Trajectory": "core.trajectory",
    "Update": "directions.update",
    "WhenLossFalls": "logger.schedules",
    "compare": "slicers.compare",
    "concatenate": "arrangement",
    "here": "slicers.focus_points",
    "load": "slices",
    "plot": "visualization",
    "read_slices": "events",
    "resample": "arrangement",
    "show": "pages",
}

__all__ = [*_HOMES, "__version__"]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'pysclice' has no attribute {name!r}")
    value = getattr(importlib.import_module(f"pysclice.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
