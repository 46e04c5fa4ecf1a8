"""Directions: each file holds one; a direction is asked ``(surface, parameters)``.

Any callable that takes these two and returns a mapping from parameter names to tensors is a
direction. The classes here also say what they are called and when two of theirs are comparable.
"""

from pysclice.directions.axis import Directional, axis_along
from pysclice.directions.coordinate import Coordinate
from pysclice.directions.gradient import Gradient
from pysclice.directions.group import Group
from pysclice.directions.hessian_eigenvector import HessianEigenvector
from pysclice.directions.random import Random
from pysclice.directions.towards import Towards

__all__ = [
    "Coordinate",
    "Directional",
    "Gradient",
    "Group",
    "HessianEigenvector",
    "Random",
    "Towards",
    "axis_along",
]
