"""A network of linear layers, lowered to products and sums over stacks of points.

Activations lie feature by feature, ``(points, features, examples)``, in tiles of examples that fit
into the processor's cache. What is affine in the coefficients stays a few tensors, ``z_0 + a z_1 +
b z_2``, until something that is not affine asks for it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
import torch
from torch import Tensor

from pysclice.core.averages import Results
from pysclice.core.evaluation import products
from pysclice.core.evaluation.cross_entropy import (
    Factors,
    Labels,
    losses_of_logits,
    losses_of_margins,
)
from pysclice.core.evaluation.replay import Part, Watched
from pysclice.core.evaluation.rewrites import arguments
from pysclice.core.evaluation.tape import Slot, Step
from pysclice.core.evaluation.work import Group, Unsuitable
from pysclice.slices import Float64

# Numbers in one stack of activations: on a processor so many float32 take half of a usual
# second-level cache; a GPU wants as much as fits. oneDNN's products are called for one point after
# another and gain more by being large.
_STACK, _STACK_ONEDNN, _STACK_GPU = 2**18, 2**19, 2**26

# Numbers in a tile of the widest layer, for one point.
_TILE, _TILE_ONEDNN, _TILE_GPU = 2**15, 2**18, 2**24

# Weights of one point: of more, a tile's worth of products does not repay the reading.
_WEIGHTS = 2**19

# From so many inputs on, a few sums are cheaper than a product.
_AFFINE_INPUTS = 16
_AFFINE_DIRECTIONS = 4

MOST_POINTS = 64

_ELEMENTWISE = frozenset(
    "relu tanh sigmoid gelu silu elu selu celu leaky_relu softplus softsign hardtanh hardswish "
    "hardsigmoid relu6 mish logsigmoid tanhshrink exp log abs sin cos sqrt square neg clamp "
    "clamp_min clamp_max pow erf".split()
)
_IN_PLACE: dict[str, Callable[[Tensor], Tensor]] = {
    "relu": torch.relu_,
    "tanh": torch.tanh_,
    "sigmoid": torch.sigmoid_,
}
_UNCHANGED = frozenset("dropout contiguous alpha_dropout detach clone".split())
_SUMS = {"add": 1, "__add__": 1, "__radd__": 1, "sub": -1, "__sub__": -1}
_PRODUCTS = frozenset("mul __mul__ __rmul__".split())


class Space:
    """Memory that is written to again and again, since fresh memory costs as much as a product."""

    def __init__(self) -> None:
        self._held: dict[object, Tensor] = {}
        self._views: dict[tuple[object, tuple[int, ...]], Tensor] = {}

    def take(self, key: object, shape: tuple[int, ...], like: Tensor) -> Tensor:
        """An uninitialized tensor, the same memory for the same key."""
        known = self._views.get((key, shape))
        if known is not None:
            return known
        size = math.prod(shape)
        held = self._held.get(key)
        if held is None or held.numel() < size or held.dtype != like.dtype:
            held = self._held[key] = torch.empty(size, dtype=like.dtype, device=like.device)
            self._views = {k: view for k, view in self._views.items() if k[0] != key}
        self._views[key, shape] = held[:size].view(shape)
        return self._views[key, shape]


# Values on a tile, by slot: (points, features, examples).
_Values: TypeAlias = dict[Slot, Tensor]


@dataclass(eq=False)
class _Tile:
    """Some examples, and what is known of them at all points.

    Attributes:
        first, last: which examples.
        affine: slot -> (1 + directions, features * examples): the value at the center, and what
            each direction adds to it.
        rest: slot -> (features, examples).
        margins: of the outputs, where these are affine: (1 + directions, (classes - 1) * examples).
        labels: of the examples, for a cross-entropy.
    """

    first: int
    last: int
    affine: dict[Slot, Tensor] = field(default_factory=dict)
    rest: dict[Slot, Tensor] = field(default_factory=dict)
    margins: Tensor | None = None
    labels: Labels | None = None


@dataclass(eq=False)
class _Block:
    """Points that are evaluated together: their weights, and the memory to do it in."""

    coefficients: Tensor  # (points, 1 + directions), the first column 1
    weights: Tensor  # (points, numbers)
    space: Space
    parameters: dict[Slot, Tensor] = field(default_factory=dict)


_Instruction: TypeAlias = Callable[[_Values, _Tile, _Block], Tensor]


class Lowered:
    """The network on one batch, for the points of one group."""

    def __init__(self, watched: Watched, part: Part, batch: Any, group: Group) -> None:
        model = watched.backend.model
        self._objective = model.work.objective
        self._assessing = model.work.assessing
        self._batch, self._size = batch, part.size
        program = watched.program_of(part.tape, group)
        held = program.held(part.tape, watched.rest)
        if program.per_point or group.buffers or not isinstance(program.outputs, Slot):
            raise Unsuitable("more than linear layers and what goes between them")
        output: Slot = program.outputs
        self._names = program.moving
        self._fixed = held
        self._center = {n: model.work.center[n].detach() for n in group.names}
        self._directions = [
            {n: _dense(d) for n, d in model.work.directions[c].items()} for c in group.columns
        ]
        examples = part.size or 0
        self.dtype, self.device = self._kind()
        single = self.dtype is torch.float32
        self._by_onednn = single and products.may_be_faster(self.device)
        # Affine values and those that rest, of all examples, feature by feature.
        self._affine: dict[Slot, Tensor] = {}
        self._rest: dict[Slot, Tensor] = {}
        self._widths: dict[Slot, int] = {}
        # Two names of one tensor: it must not be overwritten.
        self._shared: set[Slot] = set()
        self._instructions: list[tuple[Slot, _Instruction]] = []
        self._places: dict[str, tuple[int, torch.Size]] = {}
        self._last = {s: n for n, step in enumerate(program.steps) for s in step.operands}
        self._last[output] = len(program.steps)
        for slot, tensor in held.items():
            if tensor.ndim == 2 and len(tensor) == examples and slot not in part.tape.fixed:
                self._rest[slot] = tensor.t()
        for number, step in enumerate(program.steps):
            if not step.single or len(step.shapes[0]) != 2 or step.shapes[0][0] != examples:
                raise Unsuitable(f"{step.name} gives {[tuple(s) for s in step.shapes]}")
            self._lower(number, step)
        if output not in self._affine and output not in self._widths:
            raise Unsuitable("outputs that do not move")
        self._output = output
        self._labels = Labels.of(self._objective, batch, self._width(output))
        widest = max([self._width(output), *self._widths.values()])
        stack, tile = self._room(widest, examples)
        size = min(examples, max(64, tile // widest))
        weights = sum(shape.numel() for _, shape in self._places.values())
        self.points = max(1, min(MOST_POINTS, stack // (widest * size)))
        if self.points < 2 or weights > _WEIGHTS:
            raise Unsuitable("the layers are too wide to be stacked")
        self._tiles = [
            self._tile(first, min(first + size, examples)) for first in range(0, examples, size)
        ]
        self._flat = self._flattened()
        self._factors: Factors | None = None
        whole = self._tiles[0].margins if len(self._tiles) == 1 else None
        if whole is not None and not self._objective.metrics:
            margins = whole.view(len(whole), -1, examples)
            coordinates = model.work.coefficients[np.ix_(group.numbers, group.columns)]
            self._factors = Factors.of(margins, coordinates)

    @property
    def bytes_kept(self) -> int:
        """Memory for the tiles."""
        kept = [
            tensor
            for tile in self._tiles
            for tensor in (*tile.affine.values(), *tile.rest.values(), tile.margins)
            if tensor is not None
        ]
        size = sum(tensor.numel() * tensor.element_size() for tensor in kept)
        return size + (0 if self._factors is None else self._factors.bytes_kept)

    def at(self, rows: Float64, space: Space, loss_of_each: bool | None) -> Results:
        """What the batch gives at some points.

        Args:
            rows: (points, directions), the coefficients of the group's directions.
            space: memory to work in.
            loss_of_each: see ``Evaluator``.
        """
        like = self._flat[0]
        labels = loss_of_each and self._labels is not None
        ones = np.ones((len(rows), 1))
        coefficients = torch.as_tensor(np.hstack([ones, rows]), dtype=self.dtype)
        coefficients = coefficients.to(self.device)
        losses = like.new_empty((len(rows), self._size or 0)) if labels else None
        if losses is not None and self._factors is not None and self._factors.write(rows, losses):
            return {"loss": losses}
        assessed: list[Results] = []
        for start in range(0, len(rows), self.points):
            here = slice(start, start + self.points)
            block = self._block(coefficients[here], space)
            own = None if losses is None else losses[here]
            if own is not None and not self._objective.metrics:
                self._run(block, own, None)
                continue
            outputs = like.new_empty(
                (len(block.coefficients), self._size or 0, self._width(self._output))
            )
            self._run(block, own, outputs)
            with self._assessing:
                assessed += [
                    self._objective.assess(
                        predicted,
                        self._batch,
                        self._size,
                        loss_of_each,
                        loss=None if own is None else own[point],
                    )
                    for point, predicted in enumerate(outputs)
                ]
        if not assessed:
            assert losses is not None
            return {"loss": losses}
        return {name: torch.stack([one[name] for one in assessed]) for name in assessed[0]}

    def _run(self, block: _Block, losses: Tensor | None, outputs: Tensor | None) -> None:
        """Write losses (points, examples) and outputs (points, examples, features), if wanted."""
        points, space = len(block.coefficients), block.space
        for tile in self._tiles:
            values: _Values = {}
            here = slice(tile.first, tile.last)
            if tile.margins is not None and losses is not None and outputs is None:
                form = (points, tile.margins.shape[1])
                margins = space.take("margins", form, tile.margins)
                exponentials = space.take("exponentials", form, tile.margins)
                torch.mm(block.coefficients, tile.margins, out=margins)
                stack = (points, -1, tile.last - tile.first)
                losses[:, here] = losses_of_margins(margins.view(stack), exponentials.view(stack))
                continue
            for slot, instruction in self._instructions:
                values[slot] = instruction(values, tile, block)
            logits = self._value(self._output, values, tile, block)
            if outputs is not None:
                outputs[:, here] = logits.transpose(1, 2)
            if losses is not None and tile.labels is not None:
                exponentials = space.take("exponentials", tuple(logits.shape), logits)
                index = tile.labels.index(points)
                losses[:, here] = losses_of_logits(logits, exponentials, index)

    def _kind(self) -> tuple[torch.dtype, torch.device]:
        kinds = {(t.dtype, t.device) for t in self._center.values()}
        if len(kinds) != 1 or next(iter(kinds))[0] not in (torch.float32, torch.float64):
            raise Unsuitable("parameters of several kinds, or of low precision")
        if torch.is_autocast_enabled(next(iter(kinds))[1].type):
            raise Unsuitable("autocast is on")
        return next(iter(kinds))

    def _room(self, widest: int, examples: int) -> tuple[int, int]:
        """Numbers in a stack of the widest layer, and in a tile of it."""
        if self.device.type != "cpu":
            return _STACK_GPU, _TILE_GPU
        large = self._by_onednn and widest * examples > _TILE
        return (_STACK_ONEDNN, _TILE_ONEDNN) if large else (_STACK, _TILE)

    def _flattened(self) -> tuple[Tensor, Tensor]:
        """The weights that products need, side by side: at the center, and along directions."""
        names = list(self._places)
        some = next(iter(self._center.values()))
        if not names:
            return some.new_empty(0), some.new_empty((len(self._directions), 0))
        center = torch.cat([self._center[name].reshape(-1) for name in names])
        along = [
            torch.cat([d[n].reshape(-1) if n in d else torch.zeros_like(self._center[n]).reshape(-1)
                       for n in names])
            for d in self._directions
        ]  # fmt: skip
        return center, torch.stack(along) if along else center.new_empty((0, len(center)))

    def _block(self, coefficients: Tensor, space: Space) -> _Block:
        center, along = self._flat
        weights = space.take("weights", (len(coefficients), len(center)), center)
        torch.addmm(center.expand(len(coefficients), -1), coefficients[:, 1:], along, out=weights)
        return _Block(coefficients, weights, space)

    def _tile(self, first: int, last: int) -> _Tile:
        tile = _Tile(first, last)
        if self._labels is not None:
            tile.labels = self._labels.part(first, last)
        wanted = {s for s in self._widths if s in self._affine or s in self._rest}
        for slot in wanted | {self._output}:
            if slot in self._affine:
                part = self._affine[slot][:, :, first:last]
                tile.affine[slot] = part.reshape(len(part), -1)
                if slot == self._output and tile.labels is not None:
                    margins = tile.labels.margins(part)
                    tile.margins = margins.reshape(len(part), -1)
            elif slot in self._rest:
                tile.rest[slot] = self._rest[slot][:, first:last].contiguous()
        parts = [*tile.affine.values(), *([] if tile.margins is None else [tile.margins])]
        if not all(math.isfinite(float(part.sum())) for part in parts):
            raise Unsuitable("what a direction adds is too large for a number")
        return tile

    def _width(self, slot: Slot) -> int:
        if slot in self._affine:
            return self._affine[slot].shape[1]
        if slot in self._rest:
            return self._rest[slot].shape[0]
        return self._widths[slot]

    def _value(self, slot: Slot, values: _Values, tile: _Tile, block: _Block) -> Tensor:
        """(points, features, examples), or what broadcasts to it."""
        if slot in values:
            return values[slot]
        if slot in tile.rest:
            return tile.rest[slot][None]
        parts = tile.affine[slot]
        points = len(block.coefficients)
        out = block.space.take(("affine", slot), (points, parts.shape[1]), parts)
        torch.mm(block.coefficients, parts, out=out)
        values[slot] = out.view(points, self._width(slot), -1)
        return values[slot]

    def _parameter(self, slot: Slot | None, block: _Block) -> Tensor | None:
        """(points, *shape)."""
        if slot is None:
            return None
        if slot not in block.parameters:
            points = len(block.coefficients)
            if slot in self._names:
                first, shape = self._places[self._names[slot]]
                found = block.weights[:, first : first + shape.numel()].view(-1, *shape)
            else:
                found = self._fixed[slot].expand(points, *self._fixed[slot].shape)
            block.parameters[slot] = found
        return block.parameters[slot]

    def _uses(self, *slots: Any) -> None:
        """Keep room for these parameters in the stack of weights."""
        for slot in slots:
            name = self._names.get(slot) if isinstance(slot, Slot) else None
            if name is not None and name not in self._places:
                first = sum(shape.numel() for _, shape in self._places.values())
                self._places[name] = first, self._center[name].shape

    def _lower(self, number: int, step: Step) -> None:
        result, name = step.results[0], step.name
        first: Any = step.args[0] if step.args else None
        if name == "linear":
            self._linear(number, step)
        elif name in _UNCHANGED or (name in ("flatten", "reshape", "view") and self._known(first)):
            if name == "dropout" and (arguments(step) or {}).get("training"):
                raise Unsuitable("dropout")
            self._unchanged(number, step, first)
        elif name in _ELEMENTWISE and self._known(first) and len(step.operands) == 1:
            self._elementwise(number, step)
        elif name in ("softmax", "log_softmax") and self._known(first):
            given = {"dim": step.args[1] if len(step.args) > 1 else step.kwargs.get("dim")}
            if given["dim"] not in (1, -1) or step.kwargs.get("dtype") is not None:
                raise Unsuitable(f"{name} along dimension {given['dim']}")
            function = torch.softmax if name == "softmax" else torch.log_softmax
            self._add(
                result, self._width(first), lambda v, t, b: function(self._value(first, v, t, b), 1)
            )
        elif name in _SUMS and not step.kwargs and len(step.args) == 2:
            self._sum(number, step, _SUMS[name])
        elif name in _PRODUCTS and len(step.args) == 2:
            self._product(step)
        elif name == "layer_norm":
            self._layer_norm(number, step)
        elif name == "batch_norm":
            self._batch_norm(step)
        else:
            raise Unsuitable(f"{name} has no rule")

    def _known(self, value: Any) -> bool:
        """Whether this is a tensor (examples, features) that may differ from point to point."""
        return isinstance(value, Slot) and (
            value in self._affine or value in self._rest or value in self._widths
        )

    def _add(self, slot: Slot, width: int, instruction: _Instruction) -> None:
        self._widths[slot] = width
        self._instructions.append((slot, instruction))

    def _asked(self, *slots: Slot) -> None:
        """These values are needed feature by feature on the tiles."""
        for slot in slots:
            self._widths.setdefault(slot, self._width(slot))

    def _unchanged(self, number: int, step: Step, first: Any) -> None:
        result = step.results[0]
        if not self._known(first) or self._width(first) != step.shapes[0][1]:
            raise Unsuitable(f"{step.name} of something else than features")
        if first in self._affine:
            self._affine[result] = self._affine[first]
        elif first in self._rest:
            self._rest[result] = self._rest[first]
        else:
            self._shared |= {first, result}
            self._add(result, self._width(first), lambda v, t, b: v[first])

    def _linear(self, number: int, step: Step) -> None:
        given = {"bias": None, **dict(zip(("input", "weight", "bias"), step.args, strict=False))}
        given |= step.kwargs
        x, weight, bias = given["input"], given["weight"], given["bias"]
        result, width = step.results[0], step.shapes[0][1]
        if not self._known(x):
            raise Unsuitable("a linear layer of something else than features")
        moves = weight in self._names or bias in self._names
        few = len(self._directions) < _AFFINE_DIRECTIONS
        if x in self._rest and few and self._width(x) >= _AFFINE_INPUTS:
            self._affine[result] = self._affine_layer(self._rest[x], weight, bias)
            return
        if x in self._affine and not moves:
            self._affine[result] = self._resting_layer(self._affine[x], weight, bias)
            return
        self._uses(weight, bias)
        self._asked(x)

        def layer(values: _Values, tile: _Tile, block: _Block) -> Tensor:
            points = len(block.coefficients)
            inputs = self._value(x, values, tile, block)
            if len(inputs) != points:
                inputs = inputs.expand(points, -1, -1)
            w = self._parameter(weight, block)
            b = self._parameter(bias, block)
            assert w is not None
            shape = (points, width, tile.last - tile.first)
            out = block.space.take(("linear", number), shape, inputs)
            if self._by_onednn and products.repays(width * inputs[0].numel()):
                return products.of_each_point(w, inputs, b, out)
            torch.bmm(w, inputs, out=out)
            return out if b is None else out.add_(b.unsqueeze(2))

        self._add(result, width, layer)

    def _affine_layer(self, inputs: Tensor, weight: Slot, bias: Slot | None) -> Tensor:
        """A layer on inputs that rest: (1 + directions, features, examples)."""
        parts = []
        for number in range(1 + len(self._directions)):
            w, b = self._part(weight, number), None if bias is None else self._part(bias, number)
            value = inputs.new_zeros((1, 1)) if w is None else w @ inputs
            if b is not None:
                value = value + b[:, None]
            parts.append(value)
        return torch.stack(torch.broadcast_tensors(*parts))

    def _part(self, slot: Slot, number: int) -> Tensor | None:
        """A parameter at the center (0), or what a direction adds to it; None for nothing."""
        if slot not in self._names:
            return self._fixed[slot] if number == 0 else None
        name = self._names[slot]
        return self._center[name] if number == 0 else self._directions[number - 1].get(name)

    def _resting_layer(self, parts: Tensor, weight: Slot, bias: Slot | None) -> Tensor:
        result = self._fixed[weight] @ parts
        if bias is not None:
            result[0] += self._fixed[bias][:, None]
        return result

    def _elementwise(self, number: int, step: Step) -> None:
        first: Slot = step.args[0]
        self._asked(first)
        again = _IN_PLACE.get(step.name)
        # Affine values are made for this step; others may be needed once more.
        last = self._last[first] == number and first not in self._shared
        if again is not None and last and first not in self._rest:
            self._add(
                step.results[0],
                self._width(first),
                lambda v, t, b: again(self._value(first, v, t, b)),
            )
            return
        function, rest, kwargs = step.function, step.args[1:], dict(step.kwargs)
        if kwargs.get("inplace"):
            kwargs["inplace"] = False
        self._add(
            step.results[0],
            self._width(first),
            lambda v, t, b: function(self._value(first, v, t, b), *rest, **kwargs),
        )

    def _sum(self, number: int, step: Step, sign: int) -> None:
        one, other = step.args
        if not self._known(one) or not self._known(other):
            raise Unsuitable(f"{step.name} of something else than features")
        if self._width(one) != self._width(other):
            raise Unsuitable(f"{step.name} of different widths")
        result = step.results[0]
        if step.name == "__radd__":
            one, other = other, one
        affine = [s for s in (one, other) if s in self._affine]
        if len(affine) + sum(s in self._rest for s in (one, other)) == 2:
            parts = [self._affine[s].clone() if s in self._affine else self._only(s)
                     for s in (one, other)]  # fmt: skip
            self._affine[result] = parts[0] + sign * parts[1]
            return
        self._asked(one, other)
        self._add(
            result,
            self._width(one),
            lambda v, t, b: torch.add(
                self._value(one, v, t, b), self._value(other, v, t, b), alpha=sign
            ),
        )

    def _only(self, slot: Slot) -> Tensor:
        """A value that rests as an affine one."""
        rest = self._rest[slot]
        return torch.cat([rest[None], rest.new_zeros((len(self._directions), *rest.shape))])

    def _product(self, step: Step) -> None:
        one, other = step.args
        known = [value for value in (one, other) if self._known(value)]
        numbers = [
            v for v in (one, other) if isinstance(v, int | float) and not isinstance(v, Slot)
        ]
        result = step.results[0]
        if len(known) == 1 and len(numbers) == 1:
            (slot,), (number,) = known, numbers
            if slot in self._affine:
                self._affine[result] = self._affine[slot] * number
                return
            self._asked(slot)
            self._add(
                result, self._width(slot), lambda v, t, b: self._value(slot, v, t, b) * number
            )
        elif len(known) == 2 and self._width(one) == self._width(other):
            self._asked(one, other)
            self._add(
                result,
                self._width(one),
                lambda v, t, b: self._value(one, v, t, b) * self._value(other, v, t, b),
            )
        else:
            raise Unsuitable(f"{step.name} of something else than features")

    def _layer_norm(self, number: int, step: Step) -> None:
        given = arguments(step)
        if given is None or not self._known(given["input"]):
            raise Unsuitable("a normalization of something else than features")
        x, weight, bias, eps = given["input"], given["weight"], given["bias"], given["eps"]
        if tuple(given["normalized_shape"]) != (self._width(x),):
            raise Unsuitable("a normalization over something else than features")
        self._uses(weight, bias)
        self._asked(x)

        def normalized(values: _Values, tile: _Tile, block: _Block) -> Tensor:
            inputs = self._value(x, values, tile, block)
            result = block.space.take(("norm", number), tuple(inputs.shape), inputs)
            squares = block.space.take("squares", tuple(inputs.shape), inputs)
            torch.sub(inputs, inputs.mean(1, keepdim=True), out=result)
            torch.mul(result, result, out=squares)
            result.mul_(squares.mean(1, keepdim=True).add_(eps).rsqrt_())
            w, b = self._parameter(weight, block), self._parameter(bias, block)
            if w is not None:
                result.mul_(w[:, :, None])
            return result if b is None else result.add_(b[:, :, None])

        self._add(step.results[0], self._width(x), normalized)

    def _batch_norm(self, step: Step) -> None:
        given = arguments(step)
        if given is None or given["training"] or not self._known(given["input"]):
            raise Unsuitable("a normalization by the batch")
        x, eps = given["input"], given["eps"]
        mean, variance = self._fixed[given["running_mean"]], self._fixed[given["running_var"]]
        weight, bias = given["weight"], given["bias"]
        self._uses(weight, bias)
        self._asked(x)
        scale = torch.rsqrt(variance + eps)

        def normalized(values: _Values, tile: _Tile, block: _Block) -> Tensor:
            w, b = self._parameter(weight, block), self._parameter(bias, block)
            factor = scale.expand(len(block.coefficients), -1) if w is None else w * scale
            shift = -mean * factor if b is None else b - mean * factor
            inputs = self._value(x, values, tile, block)
            return torch.addcmul(shift[:, :, None], inputs, factor[:, :, None])

        self._add(step.results[0], self._width(x), normalized)


def _dense(tensor: Tensor) -> Tensor:
    return tensor.to_dense() if tensor.is_sparse else tensor
