"""Slicers: each file holds one; a slicer is asked ``(surface, parameters)`` and gives a Slice."""

from pysclice.slicers.axis_parallel import AxisParallel
from pysclice.slicers.crowd import Crowd
from pysclice.slicers.focus_points import Around, Checkpoint, FocusPoint, here
from pysclice.slicers.line import Line
from pysclice.slicers.plane import Plane
from pysclice.slicers.spectrum import Spectrum

__all__ = [
    "Around",
    "AxisParallel",
    "Checkpoint",
    "Crowd",
    "FocusPoint",
    "Line",
    "Plane",
    "Spectrum",
    "here",
]
