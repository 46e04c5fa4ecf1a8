"""Directions drawn from a seed: the same on every machine, device and in every chunking."""

from __future__ import annotations

import functools
import hashlib
import statistics
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from pysclice.core.normalization import (
    NORMALIZATIONS,
    Normalization,
    check_normalization,
    normalize,
)
from pysclice.core.parameters import Parameters, direction_dtype
from pysclice.core.sharding import flat_indices, local, sharded_as
from pysclice.core.surface import LossSurface
from pysclice.directions.composition import Composable

# A new number whenever the drawn values change, so that fingerprints never lie.
_ALGORITHM = 1

_SEGMENTS = 2**16
# Elements drawn at a time. Each needs some 50 bytes on the way: on a processor they stay in its
# cache so, and elsewhere there are few enough calls.
_CHUNK = 2**16
_CHUNK_ELSEWHERE = 2**18


@dataclass(frozen=True)
class Random(Composable):
    """A direction with independent, standard normal components, then normalized.

    Each component is a function of the seed, the parameter's name and the component's index alone
    (counter-based, in the sense of Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2,
    3"). It is computed in integers and in exactly rounded products and sums, so that every machine,
    device
    and way of splitting the work gives the same bits. One seed means the same direction at every
    step of a run and in every run of an architecture.

    Args:
        seed: any integer.
        normalization: ``"filter"`` (default; Li et al. 2018, arXiv:1712.09913, section 4),
            ``"layer"``, ``"model"``, ``"unit"`` or ``"none"``.

    Raises:
        ValueError: an unknown normalization.

    Example:
        >>> direction = ps.Random(seed=0)(surface, start)
        >>> filter_of_weights, filter_of_direction = start["0.weight"][3], direction["0.weight"][3]
        >>> torch.testing.assert_close(filter_of_direction.norm(), filter_of_weights.norm())
        >>> float(direction["0.bias"].norm())  # filter normalization leaves biases where they are
        0.0
    """

    seed: int = 0
    normalization: Normalization = "filter"

    method = "random direction"

    def __post_init__(self) -> None:
        check_normalization(self.normalization)

    @property
    def name(self) -> str:
        """Short label for an axis."""
        return f"random {self.seed}"

    @property
    def description(self) -> str:
        """A sentence about the direction."""
        return f"Random direction, seed {self.seed}, {NORMALIZATIONS[self.normalization]}"

    @property
    def recipe(self) -> Mapping[str, Any]:
        """What determines the direction, up to the parameters' values."""
        return {
            "direction": "random",
            "algorithm": _ALGORITHM,
            "seed": self.seed,
            "normalization": self.normalization,
        }

    def __call__(self, surface: LossSurface, parameters: Parameters) -> Parameters:
        """A tensor for each parameter, on its device; float32 where that is in half precision.

        Raises:
            ValueError: filter normalization of a model whose parameters have no filters.
        """
        filters = surface.filters()
        if self.normalization == "filter" and all(f.dimension is None for f in filters.values()):
            raise ValueError(
                "Filter normalization leaves biases and other one-dimensional parameters where "
                "they are, and this model has no others. Use Random(seed, 'layer') or "
                "Random(seed, 'unit')."
            )
        scaled: Parameters = {}
        for name, tensor in parameters.items():
            drawn = self.drawn(name, tensor)
            if self.normalization in ("filter", "layer"):
                # Tensor by tensor, so that no second copy of the whole direction is ever held.
                drawn = normalize({name: drawn}, parameters, self.normalization, filters)[name]
            scaled[name] = drawn
        if self.normalization in ("model", "unit"):
            return normalize(scaled, parameters, self.normalization, filters)
        return scaled

    def drawn(self, name: str, like: Tensor) -> Tensor:
        """The numbers drawn for a parameter, before normalization: what a trajectory records."""
        return normal(self.seed, name, like)


def normal(seed: int, name: str, like: Tensor) -> Tensor:
    """Standard normal numbers of the shape and device of a parameter.

    Real and imaginary parts of complex parameters are drawn one after the other.
    """
    dtype = direction_dtype(like.dtype)
    result = torch.empty(local(like).shape, dtype=dtype, device=like.device)
    flat = (torch.view_as_real(result) if dtype.is_complex else result).view(-1)
    key, parts = stream_key(seed, name), 2 if dtype.is_complex else 1
    size = _CHUNK if like.device.type == "cpu" else _CHUNK_ELSEWHERE
    for start in range(0, flat.numel(), size):
        stop = min(start + size, flat.numel())
        # Of a tensor that is divided among ranks, each draws its own numbers of the one stream.
        places = flat_indices(like, start // parts, -(-stop // parts))
        if places is None:
            places = torch.arange(start, stop, dtype=torch.int64, device=like.device)
        elif parts == 2:
            places = torch.stack((2 * places, 2 * places + 1), dim=1).view(-1)
        flat[start:stop] = normal_at(key, places)
    return sharded_as(result, like)


def standard_normal(key: int, start: int, stop: int, device: torch.device) -> Tensor:
    """The numbers ``start`` to ``stop`` of the stream with this key: (stop - start,) float32."""
    return normal_at(key, torch.arange(start, stop, dtype=torch.int64, device=device))


def normal_at(key: int, places: Tensor) -> Tensor:
    """The numbers at some places of the stream with this key: (places,) float32.

    64 mixed bits choose a sign, one of 65,536 equally likely segments of the half-normal
    distribution, and a place in the segment; within a segment the density is taken as constant.
    The distribution function differs from the normal one by less than 1e-5 everywhere; the largest
    magnitude is 4.76.
    """
    bits = _mixed(key, places)
    table = _quantiles().to(places.device)
    segment = (bits >> 24) & (_SEGMENTS - 1)
    place = (bits & (2**24 - 1)).to(torch.float32).mul_(2.0**-24)
    low = table[segment]
    # Products and sums are separate operations: a fused one would round differently elsewhere.
    magnitude = table[segment.add_(1)].sub_(low).mul_(place).add_(low)
    return torch.where(bits < 0, -magnitude, magnitude)


def mixed_bits(key: int, start: int, stop: int, device: torch.device) -> Tensor:
    """SplitMix64 (Steele et al. 2014) of the key and the indices: (stop - start,) int64."""
    return _mixed(key, torch.arange(start, stop, dtype=torch.int64, device=device))


def _mixed(key: int, places: Tensor) -> Tensor:
    bits = places + 1
    bits.mul_(_signed(0x9E3779B97F4A7C15)).add_(_signed(key))
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        bits.bitwise_xor_(_shifted(bits, shift)).mul_(_signed(factor))
    return bits.bitwise_xor_(_shifted(bits, 31))


def _shifted(bits: Tensor, shift: int) -> Tensor:
    # Shifting an int64 copies the sign bit downwards; the mask takes the copies away.
    return (bits >> shift).bitwise_and_((1 << (64 - shift)) - 1)


def _signed(value: int) -> int:
    """The 64 bits of a non-negative integer, read as a signed one."""
    return value - 2**64 if value >= 2**63 else value


def stream_key(seed: int, name: str) -> int:
    """The key of a stream of ``mixed_bits``, one for each seed and name."""
    digest = hashlib.blake2b(f"{seed}\0{name}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little")


@functools.cache
def _quantiles() -> Tensor:
    """Borders of the half-normal distribution's segments: (65537,) float32, in steps of 2**-18.

    The grid makes neighboring borders and their difference exact in float32, and swallows the last
    bits by which the logarithms of two machines may differ.
    """
    inverse = statistics.NormalDist().inv_cdf
    borders = [inverse(0.5 + 0.5 * i / _SEGMENTS) for i in range(_SEGMENTS)]
    # The last segment has no upper end: this one keeps the variance of the tail's share.
    borders.append(4.7533)
    return torch.tensor([round(b * 2**18) / 2**18 for b in borders], dtype=torch.float32)
