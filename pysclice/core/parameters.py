"""Points and directions in parameter space: dictionaries of tensors, and their arithmetic.

A ``Parameters`` holds every trainable tensor of a model by name. A ``Direction`` holds a tensor
per parameter that moves; a name it leaves out stays where it is. Its tensors are dense, or sparse
ones of layout ``torch.sparse_coo``, which cost what they hold.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeAlias

import torch
from torch import Tensor

from pysclice.core.sharding import is_sharded, local, sum_over_shards, total

Parameters: TypeAlias = dict[str, Tensor]
Direction: TypeAlias = Mapping[str, Tensor]

# Which directions, by number, and how much of each.
_Terms: TypeAlias = tuple[tuple[int, float], ...]

_LOW_PRECISION = (torch.float16, torch.bfloat16)

# Tensors up to this size together are copied side by side: what their number costs then is gone,
# and the copies of larger ones would cost more memory than time is won.
_TOGETHER_BYTES = 2**25


def direction_dtype(dtype: torch.dtype) -> torch.dtype:
    """The dtype in which a direction for parameters of this dtype is kept.

    Half-precision parameters get float32 directions: sums are made in float32 and rounded once.
    """
    return torch.float32 if dtype in _LOW_PRECISION else dtype


def sparse(indices: Tensor, values: Tensor, shape: Sequence[int]) -> Tensor:
    """A direction's tensor that is 0 but at a few places, and costs as much as these.

    Args:
        indices: (dimensions, places) int64, in lexicographic order, without repetition.
        values: (places,).
        shape: of the parameter.
    """
    if values.device.type == "mps" or not shape:
        # Not every torch has sparse tensors there, and nothing is smaller than a single number.
        result = values.new_zeros(tuple(shape))
        result[tuple(indices)] = values if shape else values[0]
        return result
    return torch.sparse_coo_tensor(
        indices, values, tuple(shape), is_coalesced=True, check_invariants=False
    )


def norm(direction: Direction) -> float:
    """L2 norm over all tensors together, summed in float64."""
    return math.sqrt(total((_squared_norm(local(t)), t) for t in direction.values()))


def dot(first: Direction, second: Direction) -> float:
    """Inner product over the tensors that both have, summed in float64 over tensors."""
    shared = [name for name in first if name in second]
    return total((_dot(local(first[n]), local(second[n])), first[n]) for n in shared)


def _squared_norm(tensor: Tensor) -> float:
    held = _entries(tensor)[1] if tensor.is_sparse else tensor
    return float(torch.linalg.vector_norm(held.detach()).double()) ** 2


def _dot(first: Tensor, second: Tensor) -> float:
    if not first.ndim:
        first, second = _dense(first), _dense(second)
    if second.is_sparse and not first.is_sparse:
        first, second = second, first
    if first.is_sparse:
        places, held = _entries(first)
        if second.is_sparse:
            # Found by their flat indices, which are sorted: places of one among those of the other.
            mine, (theirs, values) = _flat(places, first.shape), _entries(second)
            others = _flat(theirs, second.shape)
            if not others.numel():
                return 0.0
            at = torch.searchsorted(others, mine).clamp_(max=others.numel() - 1)
            second = values[at] * (others[at] == mine)
        else:
            second = second[places]
        first = held
    return float(torch.sum(first * second.conj()).real)


def _entries(tensor: Tensor) -> tuple[tuple[Tensor, ...], Tensor]:
    """Places and values of a sparse tensor, such that ``dense[places]`` are these values."""
    held = tensor.detach()
    if held.dense_dim():
        held = held.to_dense().to_sparse()
    held = held.coalesce()
    return tuple(held.indices()), held.values()


def _flat(places: tuple[Tensor, ...], shape: Sequence[int]) -> Tensor:
    """Row-major indices of places in a tensor of this shape."""
    result = torch.zeros_like(places[0])
    for place, size in zip(places, shape, strict=True):
        result = result * size + place
    return result


def check_direction(direction: Direction, parameters: Parameters, label: str) -> None:
    """Nothing, if the direction fits the parameters.

    Raises:
        ValueError: a name that the parameters lack, another shape, a layout other than dense or
            ``torch.sparse_coo``, or no tensor at all.
    """
    if not isinstance(direction, Mapping) or not direction:
        raise ValueError(
            f"{label} gave {type(direction).__name__} without tensors; expected a mapping from "
            "parameter names to tensors. Build it from `surface.parameters()`."
        )
    for name, tensor in direction.items():
        if name not in parameters:
            raise ValueError(
                f"{label} has a tensor {name!r}, which is not a trainable parameter of this model: "
                "it was made for another model. Build it from `surface.parameters()`."
            )
        if tensor.shape != parameters[name].shape:
            raise ValueError(
                f"{label} has shape {tuple(tensor.shape)} for {name!r}, whose shape is "
                f"{tuple(parameters[name].shape)}. Build it from `surface.parameters()`."
            )
        layout = getattr(tensor, "layout", torch.strided)  # arrays are checked before they convert
        if layout not in (torch.strided, torch.sparse_coo):
            raise ValueError(
                f"{label} has a tensor of layout {layout} for {name!r}; expected a dense "
                "one, or one of layout torch.sparse_coo: `tensor.to_sparse_coo()`."
            )


def move(
    center: Parameters,
    directions: Sequence[Direction],
    coefficients: Sequence[float],
    out: Parameters,
) -> None:
    """Write ``center + sum of coefficient * direction`` into the tensors of ``out``.

    A coefficient of 0 leaves its direction out, which keeps the center's own bits. Half-precision
    parameters are summed in float32 and rounded once.
    """
    Point(center, directions, out).to(coefficients)


class Point:
    """Tensors that stand at one point after another: ``center + coefficients @ directions``.

    Every point is computed from the center, so that no error builds up on the way. Written is only
    what differs from the point before: a tensor that holds the wanted coefficients is skipped, and
    of one that sparse directions move only their entries are touched. What someone else wrote into
    a tensor in between, such as the model's forward pass, is noticed by the tensor's version
    and written anew; ``tensor.data`` keeps no version, so do not write through it.

    Args:
        center: the point from which the directions count.
        directions: dense or sparse (COO); parameters that one leaves out do not move along it.
        out: the tensors to write to, in the shapes and dtypes of the center's. Left out: own ones,
            for every parameter that a direction moves; the many small ones of a network then lie
            side by side and are written at once.
        channels_last: own tensors of four dimensions lie in memory as ``torch.channels_last``.

    Attributes:
        tensors: those that are written to, by name.
    """

    def __init__(
        self,
        center: Parameters,
        directions: Sequence[Direction],
        out: Parameters | None = None,
        *,
        channels_last: bool = False,
    ) -> None:
        of_name = {
            name: {n: d[name] for n, d in enumerate(directions) if name in d}
            for name in (center if out is None else out)
        }
        self._moved: list[_MovedTensor | _MovedTogether] = []
        found = dict(out or {})
        if out is None:
            of_name = {name: parts for name, parts in of_name.items() if parts}
            for names in _together(center, of_name):
                together = _MovedTogether(
                    {name: center[name] for name in names},
                    {n: {name: of_name[name][n] for name in names} for n in of_name[names[0]]},
                    channels_last,
                )
                found |= together.tensors
                self._moved.append(together)
        for name, parts in of_name.items():
            if out is None and name in found:
                continue
            if name not in found:
                last = channels_last and center[name].ndim == 4
                form = torch.channels_last if last else torch.preserve_format
                found[name] = torch.empty_like(center[name].detach(), memory_format=form)
            self._moved.append(_MovedTensor(center[name], parts, found[name]))
        self.tensors: Parameters = {name: found[name] for name in of_name}

    def to(self, coefficients: Sequence[float]) -> None:
        """Move to these coefficients, one for each direction."""
        terms = [(number, c) for number, c in enumerate(coefficients) if c != 0.0]
        for moved in self._moved:
            moved.to(tuple(term for term in terms if term[0] in moved.directions))


def _together(
    center: Parameters, of_name: Mapping[str, Mapping[int, Tensor]]
) -> Iterator[tuple[str, ...]]:
    """Names of small tensors of one kind that the same dense directions move."""
    kinds: dict[tuple[Any, ...], list[str]] = {}
    for name, parts in of_name.items():
        tensor = center[name]
        if tensor.dtype not in (torch.float32, torch.float64):
            continue
        if any(p.is_sparse or p.dtype != tensor.dtype for p in parts.values()):
            continue
        kinds.setdefault((tensor.dtype, tensor.device, tuple(parts)), []).append(name)
    for (dtype, *_), names in kinds.items():
        if sum(center[name].numel() for name in names) * dtype.itemsize <= _TOGETHER_BYTES:
            yield tuple(names)


class _MovedTogether:
    """Tensors that lie side by side in one buffer, so that a point costs one sum and not many."""

    def __init__(
        self, center: Parameters, directions: Mapping[int, Direction], channels_last: bool
    ) -> None:
        self.directions = {
            number: torch.cat([_laid_out(direction[name], channels_last) for name in center])
            for number, direction in directions.items()
        }
        self._center = torch.cat([_laid_out(t.detach(), channels_last) for t in center.values()])
        self._buffer = torch.empty_like(self._center)
        # All terms but the last: the rows of a grid share them.
        self._row: tuple[_Terms, Tensor] | None = None
        self._held: _Terms | None = None
        self._version: int | None = None
        self.tensors: Parameters = {}
        first = 0
        for name, tensor in center.items():
            own = self._buffer[first : first + tensor.numel()]
            first += tensor.numel()
            if channels_last and tensor.ndim == 4:
                n, c, h, w = tensor.shape
                self.tensors[name] = own.view(n, h, w, c).permute(0, 3, 1, 2)
            else:
                self.tensors[name] = own.view(tensor.shape)

    def to(self, terms: _Terms) -> None:
        """Hold the center and these multiples of directions."""
        if terms == self._held and self._version is not None:
            if self._version == _version(self._buffer):
                return
        if not terms:
            self._buffer.copy_(self._center)
        else:
            number, coefficient = terms[-1]
            base = self._center if len(terms) == 1 else self._row_of(terms[:-1])
            torch.add(base, self.directions[number], alpha=coefficient, out=self._buffer)
        self._held, self._version = terms, _version(self._buffer)

    def _row_of(self, terms: _Terms) -> Tensor:
        if self._row is None or self._row[0] != terms:
            row = torch.empty_like(self._center) if self._row is None else self._row[1]
            base = self._center
            for number, coefficient in terms:
                torch.add(base, self.directions[number], alpha=coefficient, out=row)
                base = row
            self._row = terms, row
        return self._row[1]


def _laid_out(tensor: Tensor, channels_last: bool) -> Tensor:
    """The entries in the order in which they lie in memory."""
    if channels_last and tensor.ndim == 4:
        tensor = tensor.permute(0, 2, 3, 1)
    return tensor.reshape(-1)


class _MovedTensor:
    """One tensor of a point, and which multiples of which directions it holds."""

    def __init__(self, center: Tensor, directions: dict[int, Tensor], out: Tensor) -> None:
        self.directions = directions
        self._center = center
        self._out = out
        self._entries = {
            number: _entries(direction)
            for number, direction in directions.items()
            if direction.is_sparse and direction.ndim  # without dimensions there are no indices
        }
        self._held: _Terms | None = None
        self._version: int | None = None

    def to(self, terms: _Terms) -> None:
        """Hold the center and these multiples of directions."""
        if self._version is None or self._version != _version(self._out):
            self._held = None
        if terms == self._held:
            return
        # In half precision several terms are rounded once, so they have to be summed elsewhere.
        in_place = self._center.dtype not in _LOW_PRECISION or len(terms) < 2
        if in_place and self._held is not None and self._are_sparse(self._held + terms):
            for number, _ in self._held:
                places, _ = self._entries[number]
                self._out[places] = self._center[places]
            for number, coefficient in terms:
                self._add(number, coefficient, self._out)
        else:
            self._write(terms)
        self._held, self._version = terms, _version(self._out)

    def _are_sparse(self, terms: _Terms) -> bool:
        return all(number in self._entries for number, _ in terms)

    def _write(self, terms: _Terms) -> None:
        """Write every entry."""
        if terms and self._center.dtype in _LOW_PRECISION:
            total = self._center.float()
            for number, coefficient in terms:
                self._add(number, coefficient, total)
            self._out.copy_(total)
        elif not terms or self._are_sparse(terms[:1]):
            self._out.copy_(self._center)
            for number, coefficient in terms:
                self._add(number, coefficient, self._out)
        else:
            (first, coefficient), *others = terms
            # Reads the center and writes the result in one pass over memory.
            direction = _dense(self.directions[first])
            torch.add(self._center, direction, alpha=coefficient, out=self._out)
            for number, coefficient in others:
                self._add(number, coefficient, self._out)

    def _add(self, number: int, coefficient: float, to: Tensor) -> None:
        if number in self._entries:
            places, values = self._entries[number]
            to[places] = torch.add(to[places], values, alpha=coefficient).to(to.dtype)
        else:
            to.add_(_dense(self.directions[number]), alpha=coefficient)


def _dense(direction: Tensor) -> Tensor:
    return direction.to_dense() if direction.is_sparse else direction


def _version(tensor: Tensor) -> int | None:
    """How often the tensor was written to; None where torch does not count, so nothing is known."""
    return None if tensor.is_inference() else tensor._version


def recipe_fingerprint(recipe: Mapping[str, Any], parameters: Parameters) -> str:
    """16 hexadecimal digits of a recipe and of the names and shapes that it was applied to.

    Equal for every run of the same architecture, whatever the parameters' values.
    """
    shapes = [(name, list(tensor.shape)) for name, tensor in parameters.items()]
    text = json.dumps([recipe, shapes], sort_keys=True, default=str)
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()


def bits_fingerprint(direction: Direction) -> str:
    """16 hexadecimal digits of the direction's names, shapes and bits."""
    digest = hashlib.blake2b(digest_size=8)
    for name in sorted(direction):
        tensor = direction[name].detach()
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        if is_sharded(tensor):
            digest.update(_digest_of_shards(tensor))
            continue
        for chunk in _chunks(tensor):
            digest.update(chunk.cpu().view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


def _digest_of_shards(tensor: Tensor) -> bytes:
    """The same on all ranks; depends on how the tensor is divided, as no rank sees all of it."""
    own = hashlib.blake2b(digest_size=4)
    for chunk in _chunks(local(tensor)):
        own.update(chunk.cpu().view(torch.uint8).numpy().tobytes())
    number = torch.tensor(int.from_bytes(own.digest(), "little"), device=local(tensor).device)
    return int(sum_over_shards(number, tensor)).to_bytes(8, "little")


def _chunks(tensor: Tensor) -> Iterator[Tensor]:
    """The entries in row-major order, some at a time, so that no GPU's tensor is copied as a whole.

    A sparse tensor gives what the same dense one does.
    """
    size = 2**22
    if not tensor.is_sparse or not tensor.ndim:
        yield from _dense(tensor).contiguous().reshape(-1).split(size)
        return
    places, values = _entries(tensor)
    flat = _flat(places, tensor.shape)
    for start in range(0, tensor.numel(), size):
        inside = (flat >= start) & (flat < start + size)
        chunk = values.new_zeros(min(size, tensor.numel() - start))
        chunk[flat[inside] - start] = values[inside]
        yield chunk
