"""Hidden units followed through a run of a model, to learn which of them may change places.

Every call of torch is seen (``torch.overrides.TorchFunctionMode``), so any Python may stand between
the calls. Each dimension of each parameter and buffer begins with an axis of its own. What a call
needs to compute the same with permuted units merges axes (a layer's inputs with the outputs of the
layer before, both terms of a residual addition) or fixes them (whatever meets a call that is not
known here).
"""

from __future__ import annotations

import inspect
import math
import weakref
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, fields, is_dataclass
from functools import partial
from typing import Any, TypeAlias

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode, resolve_name

# What lies along a dimension: units of an axis, each with a block of consecutive entries, or None
# where every entry keeps its place.
Layout: TypeAlias = "tuple[int, int] | None"
Layouts: TypeAlias = "tuple[Layout, ...]"
Rule: TypeAlias = Callable[..., Layouts]


class Axes:
    """Axes that merge or become fixed as one learns what they meet.

    Attributes:
        obstacles: what kept units in their places, in order, each once.
    """

    def __init__(self) -> None:
        self.obstacles: dict[str, None] = {}
        self._sizes: list[int] = []
        self._names: list[str] = []
        self._fixed: list[bool] = []
        # The axis that each merged into, and how many of its units make one of that axis.
        self._into: list[tuple[int, int]] = []

    def new(self, size: int, name: str) -> Layout:
        """The layout of a dimension with an axis of its own."""
        if size <= 1:
            return None
        axis = len(self._sizes)
        self._sizes.append(size)
        self._names.append(name)
        self._fixed.append(False)
        self._into.append((axis, 1))
        return axis, 1

    def size(self, axis: int) -> int:
        """How many units an axis of a current layout has."""
        return self._sizes[axis]

    def current(self, layout: Layout) -> Layout:
        """The layout after all that was learned."""
        if layout is None:
            return None
        axis, block = layout
        while self._into[axis][0] != axis:
            axis, factor = self._into[axis]
            block *= factor
        return None if self._fixed[axis] else (axis, block)

    def fix(self, layout: Layout, obstacle: str = "") -> None:
        """Keep the units in their places, and remember the obstacle if it has a name."""
        found = self.current(layout)
        if found is not None:
            self._fixed[found[0]] = True
            if obstacle:
                self.obstacles[f"{obstacle} (units of {self._names[found[0]]!r})"] = None

    def fix_all(self, obstacle: str) -> None:
        """Keep all units in their places."""
        self._fixed = [True] * len(self._fixed)
        self.obstacles[obstacle] = None

    def merge(self, *layouts: Layout) -> Layout:
        """One layout for dimensions of one size that have to be permuted alike."""
        merged, *others = layouts
        for other in others:
            merged = self._merged(self.current(merged), self.current(other))
        return self.current(merged)

    def divided(self, layout: Layout, parts: int) -> Layout:
        """The layout after as many units move together as it takes to keep equal parts whole.

        Parts can change places as far as they and the units have a divisor in common.
        """
        found = self.current(layout)
        if found is None:
            return None
        axis = found[0]
        units = self._sizes[axis]
        together = math.gcd(units, parts)
        if together == 1:
            self.fix(found, "a reshape that splits units")
        elif together < units:
            self.new(together, self._names[axis])
            self._into[axis] = (len(self._into) - 1, units // together)
        return self.current(found)

    def _merged(self, first: Layout, second: Layout) -> Layout:
        if first is None or second is None:
            self.fix(first)
            self.fix(second)
            return None
        if first == second:
            return first
        if self._sizes[first[0]] > self._sizes[second[0]]:
            first, second = second, first
        (coarse, block), (fine, fine_block) = first, second
        # Units that meet larger ones move with them, several at a time.
        factor, rest = divmod(block, fine_block)
        if coarse == fine or rest or self._sizes[coarse] * factor != self._sizes[fine]:
            self.fix(first, "units of sizes that do not divide")
            self.fix(second, "units of sizes that do not divide")
            return None
        self._into[fine] = (coarse, factor)
        return first


@dataclass(frozen=True)
class Seen:
    """What is known of a tensor in the run."""

    shape: tuple[int, ...]
    layouts: Layouts


class UnclearError(Exception):
    """A known call in a form that is not known."""


class UnitWatch(TorchFunctionMode):
    """While it is entered, follows units through every call of torch.

    At any time this holds: if the units of every axis are permuted in all parameters and buffers,
    each tensor of the run is permuted along those dimensions that have the axis, and is the same
    otherwise. Where a call is not understood, fixing all that it is given keeps this true.

    Args:
        model: in the state in which it will run.
        inputs: what it will be called with; their entries keep their places.

    Attributes:
        axes: what was learned.
        named: name and layouts of all parameters and buffers, tied ones under each of their names.
    """

    def __init__(self, model: nn.Module, inputs: Any) -> None:
        super().__init__()
        self.axes = Axes()
        self.named: dict[str, Layouts] = {}
        # By id, since tensors compare elementwise; weak, since ids are used again.
        self._known: dict[int, tuple[weakref.ref[Tensor], Layouts]] = {}
        parameters = model.named_parameters(remove_duplicate=False)
        buffers = model.named_buffers(remove_duplicate=False)
        for name, tensor in [*parameters, *buffers]:
            if id(tensor) not in self._known:
                self._note(tensor, tuple(self.axes.new(size, name) for size in tensor.shape))
            self.named[name] = self._known[id(tensor)][1]
        self._unused = {id(tensor): tensor for tensor in [*model.parameters(), *model.buffers()]}
        # Tensors that a module keeps otherwise do not move when units are permuted.
        for tensor in [*tensors_in([vars(m) for m in model.modules()]), *tensors_in(inputs)]:
            if id(tensor) not in self._known:
                self._note(tensor)

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        """Make the call, and learn from it."""
        # Before the call, which may change a shape in place.
        kwargs = kwargs or {}
        seen_args, seen_kwargs = self._seen(args), self._seen(kwargs)
        result = func(*args, **kwargs)
        try:
            layouts = self._layouts(func, seen_args, seen_kwargs, result)
        except UnclearError:
            for one in _seen_in((seen_args, seen_kwargs)):
                for layout in one.layouts:
                    self.axes.fix(layout, resolve_name(func) or repr(func))
            layouts = None
        if layouts is not None:
            for tensor in tensors_in((args, kwargs)):
                self._unused.pop(id(tensor), None)
        for tensor in tensors_in(result):
            self._note(tensor, layouts)
        return result

    def finish(self, outputs: Any) -> None:
        """Keep the units of the outputs, and of what took no part in them, in their places."""
        for tensor in [*tensors_in(outputs, objects=True), *self._unused.values()]:
            for layout in self._seen(tensor).layouts:
                self.axes.fix(layout)

    def _layouts(
        self,
        func: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        result: Any,
    ) -> Layouts | None:
        """The layouts of the result; None if it holds nothing of its arguments' entries."""
        is_getter = getattr(func, "__name__", "") == "__get__"
        # Attributes say nothing of values, but for one: the dictionary with the memory's address.
        if func in _VALUELESS or (is_getter and not isinstance(result, Tensor | dict)):
            return None
        rule = _RULES.get(func)
        if rule is None or not isinstance(result, Tensor):
            raise UnclearError
        signature = inspect.signature(rule)
        try:
            bound = signature.bind(self.axes, tuple(result.shape), *args, **kwargs)
        except TypeError:
            raise UnclearError from None
        for name, value in bound.arguments.items():
            wanted = str(signature.parameters[name].annotation)
            absent = value is None and wanted == "Seen | None"
            if wanted.startswith("Seen") and not absent and not isinstance(value, Seen):
                raise UnclearError
        layouts = tuple(map(self.axes.current, rule(*bound.args, **bound.kwargs)))
        if len(layouts) != result.ndim:
            raise UnclearError
        for size, layout in zip(result.shape, layouts, strict=True):
            if layout is not None and self.axes.size(layout[0]) * layout[1] != size:
                raise UnclearError
        return layouts

    def _note(self, tensor: Tensor, layouts: Layouts | None = None) -> None:
        known = (None,) * tensor.ndim if layouts is None else layouts
        self._known[id(tensor)] = weakref.ref(tensor), known

    def _seen(self, value: Any) -> Any:
        """The same nested value with tensors replaced by what is known of them."""
        if isinstance(value, Tensor):
            reference, layouts = self._known.get(id(value), (None, ()))
            if reference is None or reference() is not value:
                # It may have been computed out of sight, from any of the model's tensors.
                self.axes.fix_all(
                    f"a tensor of shape {tuple(value.shape)} that no call of torch made (a "
                    "scripted module's result, say; a constant can be registered as a buffer)"
                )
                self._note(value)
                layouts = (None,) * value.ndim
            return Seen(tuple(value.shape), layouts)
        if isinstance(value, dict):
            return {key: self._seen(part) for key, part in value.items()}
        if isinstance(value, list | tuple):
            parts = [self._seen(part) for part in value]
            return parts if isinstance(value, list) else tuple(parts)
        return value


def _seen_in(value: Any) -> Iterator[Seen]:
    """All that is known of tensors in nested lists, tuples and dictionaries."""
    if isinstance(value, Seen):
        yield value
    elif isinstance(value, list | tuple | dict):
        for part in value.values() if isinstance(value, dict) else value:
            yield from _seen_in(part)


def tensors_in(
    value: Any, objects: bool = False, _visited: set[int] | None = None
) -> Iterator[Tensor]:
    """All tensors in nested lists, tuples and dictionaries, and in attributes of ``objects``."""
    visited = set() if _visited is None else _visited
    if isinstance(value, Tensor):
        yield value
    elif id(value) not in visited:
        visited.add(id(value))
        parts: Iterable[Any] = ()
        if isinstance(value, dict):
            parts = value.values()
        elif isinstance(value, list | tuple | set):
            parts = value
        elif objects and is_dataclass(value):
            parts = [getattr(value, field.name) for field in fields(value)]
        elif objects and not isinstance(value, type | nn.Module):
            parts = getattr(value, "__dict__", {}).values()
        for part in parts:
            yield from tensors_in(part, objects, visited)


# ---- what each call does to units
#
# A rule gets the axes, the shape of the result and the arguments of the call; it returns the
# layouts of the result.


def _elementwise(axes: Axes, shape: tuple[int, ...], *args: Any, **kwargs: Any) -> Layouts:
    """Also what treats the entries along a dimension alike, as softmax does."""
    return _broadcast(axes, shape, list(_seen_in((args, kwargs))))


def _broadcast(axes: Axes, shape: tuple[int, ...], seen: Sequence[Seen]) -> Layouts:
    if any(len(one.shape) > len(shape) for one in seen):
        raise UnclearError
    layouts: list[Layout] = []
    for dimension in range(-len(shape), 0):
        facing = [one for one in seen if len(one.shape) >= -dimension and one.shape[dimension] != 1]
        if any(one.shape[dimension] != shape[dimension] for one in facing):
            raise UnclearError
        layouts.append(axes.merge(*(one.layouts[dimension] for one in facing)) if facing else None)
    return tuple(layouts)


def _dropout(
    axes: Axes,
    shape: tuple[int, ...],
    input: Seen,
    p: float = 0.5,
    training: bool = True,
    inplace: bool = False,
) -> Layouts:
    if training:  # Units would not find their own noise again.
        raise UnclearError
    return input.layouts


def _linear(
    axes: Axes, shape: tuple[int, ...], input: Seen, weight: Seen, bias: Seen | None = None
) -> Layouts:
    axes.merge(input.layouts[-1], weight.layouts[-1])
    products = Seen(shape, (*input.layouts[:-1], *weight.layouts[:-1]))
    return _broadcast(axes, shape, [products] if bias is None else [products, bias])


def _matmul(axes: Axes, shape: tuple[int, ...], input: Seen, other: Seen) -> Layouts:
    first, second = input.layouts, other.layouts
    axes.merge(first[-1], second[-2] if len(second) > 1 else second[-1])
    rows = first[-2:-1]
    columns = second[-1:] if len(second) > 1 else ()
    batch = [Seen(one.shape[:-2], one.layouts[:-2]) for one in (input, other)]
    together = shape[: len(shape) - len(rows) - len(columns)]
    return (*_broadcast(axes, together, batch), *rows, *columns)


def _addmm(axes: Axes, shape: tuple[int, ...], input: Seen, mat1: Seen, mat2: Seen) -> Layouts:
    return _broadcast(axes, shape, [input, Seen(shape, _matmul(axes, shape, mat1, mat2))])


def _attention(
    axes: Axes,
    shape: tuple[int, ...],
    query: Seen,
    key: Seen,
    value: Seen,
    attn_mask: Seen | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> Layouts:
    """Two products of matrices, (queries, keys) and (queries, values), with softmax between."""
    if dropout_p:
        raise UnclearError
    for layout in (query.layouts[-2], key.layouts[-2]) if is_causal else ():
        axes.fix(layout, "causal attention")
    axes.merge(query.layouts[-1], key.layouts[-1])
    leading, places = shape[:-2], (query.shape[-2], key.shape[-2])
    batch = _broadcast(axes, leading, [Seen(s.shape[:-2], s.layouts[:-2]) for s in (query, key)])
    scores = Seen((*leading, *places), (*batch, query.layouts[-2], key.layouts[-2]))
    if attn_mask is not None:
        scores = Seen(scores.shape, _broadcast(axes, scores.shape, [scores, attn_mask]))
    return _matmul(axes, shape, scores, value)


def _convolution(
    axes: Axes,
    shape: tuple[int, ...],
    input: Seen,
    weight: Seen,
    bias: Seen | None = None,
    *args: Any,
    transposed: bool,
    **kwargs: Any,
) -> Layouts:
    channel = 1 - len(weight.shape)
    incoming = input.layouts[channel]
    # Transposed, a weight has shape (in, out / groups, ...), otherwise (out, in / groups, ...).
    per_group = shape[channel] if transposed else input.shape[channel]
    groups = per_group // weight.shape[1]
    for layout in input.layouts[channel + 1 :]:
        axes.fix(layout, "the order of pixels")
    for layout in weight.layouts[2:]:
        axes.fix(layout)
    if groups == 1:
        axes.merge(incoming, weight.layouts[0 if transposed else 1])
        outgoing = weight.layouts[1 if transposed else 0]
    elif groups == input.shape[channel]:
        # Depthwise: each channel has outputs of its own, which move with it.
        found = axes.current(incoming)
        own = shape[channel] // groups
        outgoing = None if found is None else (found[0], found[1] * own)
        axes.merge(weight.layouts[0], incoming if transposed else outgoing)
        axes.fix(weight.layouts[1])
        outgoing = axes.current(outgoing)
    else:
        for layout in (incoming, *weight.layouts[:2]):
            axes.fix(layout, f"a convolution in {groups} groups")
        outgoing = None
    if bias is not None:
        outgoing = axes.merge(outgoing, bias.layouts[0])
    pixels = (None,) * (-1 - channel)
    return (*input.layouts[:channel], outgoing, *pixels)


def _embedding(
    axes: Axes, shape: tuple[int, ...], input: Seen, weight: Seen, *args: Any, **kwargs: Any
) -> Layouts:
    axes.fix(weight.layouts[0])  # Its rows are numbered by the inputs.
    return (*input.layouts, weight.layouts[1])


def _per_channel(axes: Axes, shape: tuple[int, ...], input: Seen, *args: Any, **kw: Any) -> Layouts:
    """Normalizations of each channel, with one number a channel in every other tensor."""
    channel = input.layouts[1]
    for one in _seen_in([list(args), kw]):
        channel = axes.merge(channel, *one.layouts)
    return (input.layouts[0], channel, *input.layouts[2:])


def _layer_norm(
    axes: Axes,
    shape: tuple[int, ...],
    input: Seen,
    normalized_shape: Any,
    weight: Seen | None = None,
    bias: Seen | None = None,
    *args: Any,
    **kwargs: Any,
) -> Layouts:
    return _broadcast(axes, shape, [one for one in (input, weight, bias) if one is not None])


def _rms_norm(
    axes: Axes,
    shape: tuple[int, ...],
    input: Seen,
    normalized_shape: Any,
    weight: Seen | None = None,
    eps: float | None = None,
) -> Layouts:
    return _layer_norm(axes, shape, input, normalized_shape, weight)


def _group_norm(
    axes: Axes,
    shape: tuple[int, ...],
    input: Seen,
    num_groups: int,
    weight: Seen | None = None,
    bias: Seen | None = None,
    *args: Any,
    **kwargs: Any,
) -> Layouts:
    found = axes.current(input.layouts[1])
    # Otherwise units of one group would come into another.
    whole = found is not None and found[1] % (input.shape[1] // num_groups) == 0
    if num_groups > 1 and not whole:
        axes.fix(found, f"group_norm with {num_groups} groups")
    return _per_channel(axes, shape, input, weight, bias)


def _prelu(axes: Axes, shape: tuple[int, ...], input: Seen, weight: Seen) -> Layouts:
    if math.prod(weight.shape) == 1:
        return input.layouts
    return _per_channel(axes, shape, input, weight)


def _over_pixels(
    axes: Axes,
    shape: tuple[int, ...],
    input: Seen,
    *args: Any,
    pixel_dimensions: int,
    **kwargs: Any,
) -> Layouts:
    """Pooling and the like, over the last dimensions."""
    for layout in input.layouts[-pixel_dimensions:]:
        axes.fix(layout, "the order of pixels")
    return (*input.layouts[:-pixel_dimensions], *(None,) * pixel_dimensions)


def _interpolate(
    axes: Axes, shape: tuple[int, ...], input: Seen, *args: Any, **kwargs: Any
) -> Layouts:
    return _over_pixels(axes, shape, input, pixel_dimensions=len(shape) - 2)


def _pad(
    axes: Axes, shape: tuple[int, ...], input: Seen, pad: Sequence[int], *args: Any, **kwargs: Any
) -> Layouts:
    return _over_pixels(axes, shape, input, pixel_dimensions=len(pad) // 2)


def _reduction(
    axes: Axes, shape: tuple[int, ...], input: Seen, dim: Any = None, *args: Any, **kwargs: Any
) -> Layouts:
    """Sums and the like, in which the order of what is summed does not count."""
    usual = {"keepdim", "dtype", "unbiased", "correction"}
    if isinstance(dim, bool | Seen) or not usual.issuperset(kwargs) or next(_seen_in(args), None):
        raise UnclearError
    count = len(input.shape)
    if dim is None or count == 0:
        reduced = set(range(count))
    else:
        reduced = {one % count for one in ([dim] if isinstance(dim, int) else dim)}
    kept = len(shape) == count
    return tuple(
        None if d in reduced else input.layouts[d] for d in range(count) if kept or d not in reduced
    )


def _reshape(axes: Axes, shape: tuple[int, ...], input: Seen, *args: Any, **kwargs: Any) -> Layouts:
    """Reshapes keep the order of entries, the last dimension running fastest."""
    result: list[Layout] = [None] * len(shape)
    # Dimensions of size 1 hold no units and are in nobody's way.
    before = [d for d, size in enumerate(input.shape) if size != 1]
    after = [d for d, size in enumerate(shape) if size != 1]
    if math.prod(input.shape) != math.prod(shape) or 0 in shape:
        raise UnclearError
    while before:
        # The shortest runs of dimensions that hold the same entries.
        sources, targets = [before.pop(0)], [after.pop(0)]
        size, goal = input.shape[sources[0]], shape[targets[0]]
        while size != goal:
            if size < goal:
                sources.append(before.pop(0))
                size *= input.shape[sources[-1]]
            else:
                targets.append(after.pop(0))
                goal *= shape[targets[-1]]
        for source in sources[1:]:
            axes.fix(input.layouts[source], "a reshape that scatters units")
        # Each unit owns a run of entries, so it is found again along the first new dimension.
        found = axes.divided(input.layouts[sources[0]], shape[targets[0]])
        if found is not None:
            result[targets[0]] = (found[0], shape[targets[0]] // axes.size(found[0]))
    return tuple(result)


def _view(
    axes: Axes,
    shape: tuple[int, ...],
    input: Seen,
    *args: Any,
    view: Callable[..., Tensor],
    **kw: Any,
) -> Layouts:
    """Permuted, expanded, inserted or selected dimensions: the view of a tensor without storage.

    Where a dimension went is read from its stride, which no two dimensions share.
    """
    if next(_seen_in((args, kw)), None):
        raise UnclearError
    whole = torch.empty(input.shape, device="meta")
    part = view(whole, *args, **kw)
    if part.shape != shape:
        raise UnclearError
    result: list[Layout] = [None] * len(shape)
    for source, layout in enumerate(input.layouts):
        here = [
            d
            for d, size in enumerate(shape)
            if size != 1 and (size, part.stride(d)) == (whole.shape[source], whole.stride(source))
        ]
        if here:
            result[here[0]] = layout
        else:
            axes.fix(layout, "a selection of units")
    return tuple(result)


def _getitem(axes: Axes, shape: tuple[int, ...], input: Seen, index: Any) -> Layouts:
    parts = index if isinstance(index, tuple) else (index,)
    for part in parts:
        # Anything else gathers entries into a new tensor.
        if isinstance(part, bool) or not (
            part is None or isinstance(part, int | slice | type(...))
        ):
            raise UnclearError
    return _view(axes, shape, input, parts, view=torch.Tensor.__getitem__)


_ELEMENTWISE = """
    relu relu6 leaky_relu elu celu selu gelu silu mish sigmoid logsigmoid hardsigmoid hardswish
    hardtanh tanh softplus softsign tanhshrink softshrink hardshrink threshold softmax log_softmax
    softmin normalize exp exp2 expm1 log log2 log10 log1p sqrt rsqrt square reciprocal pow abs neg
    sign sin cos tan asin acos atan sinh cosh erf floor ceil round trunc clamp clip clamp_min
    clamp_max nan_to_num isnan isfinite add sub subtract mul multiply div divide true_divide
    remainder fmod maximum minimum where lerp addcmul addcdiv atan2 eq ne lt le gt ge logical_not
    logical_and logical_or bitwise_not masked_fill zeros_like ones_like clone detach contiguous to
    float half bfloat16 double type_as cpu cuda requires_grad
    __add__ __radd__ __iadd__ __sub__ __rsub__ __isub__ __mul__ __rmul__ __imul__ __truediv__
    __rtruediv__ __rdiv__ __itruediv__ __pow__ __rpow__ __ipow__ __neg__ __abs__ __invert__ __eq__
    __ne__ __lt__ __le__ __gt__ __ge__ __and__ __or__
"""
_PLACES = (torch, F, Tensor)


def _calls(names: str, places: Sequence[Any] = _PLACES) -> Iterator[Callable[..., Any]]:
    """The functions and methods of these names, wherever torch has them."""
    for name in names.split():
        found = (getattr(place, name, None) for place in places)
        yield from (call for call in found if callable(call))  # torch.float is a dtype.


def _rules() -> dict[Callable[..., Any], Rule]:
    in_place = " ".join(f"{name}_" for name in _ELEMENTWISE.split() if not name.startswith("_"))
    rules: dict[Callable[..., Any], Rule] = {
        # Typed as what they give; the class holds the getters.
        Tensor.data.__get__: _elementwise,  # type: ignore[attr-defined]
        F.linear: _linear,
        F.embedding: _embedding,
        F.scaled_dot_product_attention: _attention,
        F.batch_norm: _per_channel,
        F.instance_norm: _per_channel,
        F.layer_norm: _layer_norm,
        F.rms_norm: _rms_norm,
        F.group_norm: _group_norm,
        F.interpolate: _interpolate,
        F.pad: _pad,
        Tensor.__getitem__: _getitem,
    }
    named: dict[str, Rule] = {
        _ELEMENTWISE + in_place: _elementwise,
        "dropout dropout1d dropout2d dropout3d alpha_dropout feature_alpha_dropout": _dropout,
        "matmul bmm mm mv __matmul__": _matmul,
        "addmm": _addmm,
        "prelu": _prelu,
        "sum mean amax amin prod var std logsumexp all any": _reduction,
        "reshape view flatten unflatten squeeze unsqueeze view_as reshape_as": _reshape,
    }
    for names, rule in named.items():
        rules |= dict.fromkeys(_calls(names), rule)
    for call in _calls(
        "permute transpose swapaxes swapdims movedim moveaxis t expand select narrow"
    ):
        rules[call] = partial(_view, view=call)
    # Typed as what they give, too.
    for getter in (Tensor.T.__get__, Tensor.mT.__get__):  # type: ignore[attr-defined]
        rules[getter] = partial(_view, view=getter)
    for count in (1, 2, 3):
        for name, transposed in ((f"conv{count}d", False), (f"conv_transpose{count}d", True)):
            rules[getattr(F, name)] = partial(_convolution, transposed=transposed)
        pooling = " ".join(
            f"{kind}_pool{count}d"
            for kind in ("max", "avg", "lp", "adaptive_avg", "adaptive_max", "_max")
        )
        for call in _calls(pooling):
            rules[call] = partial(_over_pixels, pixel_dimensions=count)
    return rules


_RULES = _rules()

# Calls whose result depends on nothing but shape, dtype or device.
_VALUELESS = frozenset(
    _calls(
        "dim ndimension size numel nelement stride element_size storage_offset is_contiguous "
        "is_floating_point is_complex get_device __len__ new_zeros new_ones new_full new_empty"
    )
)
