"""Points that fill a unit cube of any dimension more evenly than random ones do.

A Sobol' or Halton sequence is even in its first dimensions and useless in its hundredth. Latin
supercube sampling (Owen 1998, "Latin supercube sampling for very high-dimensional simulations",
doi:10.1145/272991.273010) therefore cuts the coordinates into blocks. Each block runs through its
own independently randomized sequence, in an order of its own, so that blocks are even in themselves
and independent of each other.

Here the first block keeps its order, and the others are only mixed within the runs 1, 2 to 3, 4 to
7, 8 to 15, ...: the first 2, 4, 8, ... points then are the same in every order, and a longer
sequence begins with the shorter one.

All random numbers are functions of the seed and of a coordinate's place. No state is kept and no
table is made: any coordinate of any point can be asked for alone.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Literal, get_args

import torch
from torch import Tensor

from pysclice.directions.random import mixed_bits, stream_key

SequenceName = Literal["sobol", "halton", "latin hypercube"]
SEQUENCES: tuple[str, ...] = get_args(SequenceName)

_BITS = 52  # so that half a step can be added exactly in float64
# With 64 points, pairs of later coordinates of Sobol's sequence are no more even than random ones.
_SOBOL_BLOCK = 16
_PRIMES = (
    2,
    3,
    5,
    7,
    11,
    13,
    17,
    19,
)  # a block of Halton's sequence: later primes need more points
_CHUNK = 2**18  # coordinates that are made at a time
_ROUNDS = 16


@dataclass(frozen=True)
class LowDiscrepancy:
    """A randomized sequence of points in a unit cube of any dimension.

    Args:
        sequence: ``"sobol"``: Sobol's with the direction numbers of Joe and Kuo (2008), scrambled
            by random lower triangular matrices and shifts (Matousek 1998,
            doi:10.1006/jcom.1998.0489), in blocks of 16 coordinates. ``"halton"``: Halton's,
            shifted at random modulo 1 (Cranley and Patterson 1976), in blocks of 8.
            ``"latin hypercube"``: each coordinate of the ``count`` points lies in another one of
            ``count`` equal parts (McKay, Beckman, Conover 1979).
        count: how many points a Latin hypercube has; of no meaning to the others.
        seed: any integer.
    """

    sequence: SequenceName
    count: int
    seed: int = 0

    def numbers(self, point: int, start: int, stop: int) -> Tensor:
        """The coordinates ``start`` to ``stop`` of a point: (stop - start,) float64 in (0, 1)."""
        take = {"sobol": self._sobol, "halton": self._halton, "latin hypercube": self._latin}
        parts = [
            take[self.sequence](point, first, min(first + _CHUNK, stop))
            for first in range(start, stop, _CHUNK)
        ]
        return torch.cat(parts)

    def _sobol(self, point: int, start: int, stop: int) -> Tensor:
        digits = point.bit_length()
        plain = self._in_blocks(_sobol_table(digits), point, start, stop)
        result = self._bits("shift", start, stop) & (2**_BITS - 1)
        # The first 2**m rows have m binary digits, so the matrix needs as many columns.
        for digit in range(digits):
            if digit % 2 == 0:  # half of the bits are enough below the diagonal
                pair = self._bits(f"columns {digit}", start, stop)
            half = (pair >> 32 * (digit % 2)) & (2**32 - 1)
            place = 1 << (_BITS - 1 - digit)
            column = place | ((half << (_BITS - 33)) >> digit)
            result ^= torch.where(plain & place > 0, column, 0)
        return _centered(result)

    def _halton(self, point: int, start: int, stop: int) -> Tensor:
        plain = self._in_blocks(_halton_table(point.bit_length()), point, start, stop)
        shift = _centered(self._bits("shift", start, stop) & (2**_BITS - 1))
        return (plain + shift).frac().clamp(2.0**-53, 1 - 2.0**-53)

    def _latin(self, point: int, start: int, stop: int) -> Tensor:
        part = self._permuted("order", point, self.count, start, stop)
        place = _centered(self._bits(f"place {point}", start, stop) & (2**_BITS - 1))
        return (part + place) / self.count

    def _in_blocks(self, table: Tensor, point: int, start: int, stop: int) -> Tensor:
        """A sequence's own numbers, each block at the row that its order has come to."""
        coordinates = torch.arange(start, stop)
        size = table.shape[1]
        run = 1 << max(point.bit_length() - 1, 0)
        first, last = start // size, (stop - 1) // size + 1
        # An order counts in relation to others, so that of the first block can stay as it is.
        if last == 1:
            return table[point, coordinates]
        rows = min(point, run) + self._permuted(f"order {run}", point - run, run, first, last)
        if first == 0:
            rows[0] = point
        return table[rows[coordinates // size - first], coordinates % size]

    def _permuted(self, name: str, place: int, size: int, start: int, stop: int) -> Tensor:
        """Where random permutations of ``size`` places send one of them: (stop - start,) int64.

        A swap-or-not shuffle (Hoang, Morris, Rogaway 2012, doi:10.1007/978-3-642-32009-5_1): in
        each round all places are paired at random, and each pair is exchanged or not.
        """
        result = torch.full((stop - start,), place % size)
        if size == 1:
            return result
        for number in range(_ROUNDS):
            bits = self._bits(f"{name} round {number}", start, stop)
            partner = ((bits & (2**31 - 1)) - result) % size
            decisive = torch.maximum(result, partner)
            # The top bit of a product with a random number: as good as drawn for each pair.
            exchange = (bits * decisive + (bits >> 17)) < 0
            result = torch.where(exchange, partner, result)
        return result

    def _bits(self, name: str, start: int, stop: int) -> Tensor:
        key = stream_key(self.seed, f"{self.sequence} {name}")
        return mixed_bits(key, start, stop, torch.device("cpu"))


def _centered(bits: Tensor) -> Tensor:
    """Numbers in (0, 1) at the middles of 2**52 equal parts."""
    return (bits.double() + 0.5) * 2.0**-_BITS


@functools.lru_cache(maxsize=4)
def _sobol_table(digits: int) -> Tensor:
    """The first ``2**digits`` rows of Sobol's sequence, times 2**52: (rows, 16) int64."""
    engine = torch.quasirandom.SobolEngine(_SOBOL_BLOCK)
    return engine.draw(2**digits, dtype=torch.float64).mul_(2**_BITS).to(torch.int64)


@functools.lru_cache(maxsize=4)
def _halton_table(digits: int) -> Tensor:
    """The first ``2**digits`` rows of Halton's sequence: (rows, 8) float64."""
    columns = []
    for prime in _PRIMES:
        left, weight = torch.arange(2**digits), 1.0 / prime
        column = torch.zeros(2**digits, dtype=torch.float64)
        while left.any():
            column += (left % prime).double() * weight
            left, weight = left // prime, weight / prime
        columns.append(column)
    return torch.stack(columns, 1)
