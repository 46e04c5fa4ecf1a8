"""A run of the model, written down: which functions were called on what moves from point to point.

Whatever a model is written in ends in calls of torch's functions, and those can be watched. What
depends on no moving tensor is not written down but kept as a constant, since it is the same at
every point: a slice that moves the last layers only then costs the last layers only.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from pysclice.core.evaluation.work import Unsuitable

# What tells of a tensor, but not its values, so that no Python code can be steered by them.
_TELLS_NO_VALUES = frozenset(
    "size dim ndimension stride numel nelement element_size storage_offset is_contiguous "
    "is_floating_point is_complex is_signed is_inference is_same_size is_set_to get_device __len__ "
    "__hash__ __repr__ __format__ type data_ptr untyped_storage has_names is_pinned is_conj is_neg "
    "is_tensor is_storage _is_view requires_grad_ backward register_hook __set__ dense_dim "
    "sparse_dim is_coalesced is_shared is_distributed _nnz __dir__ __reduce_ex__".split()
)


def _with_entries(target: Tensor, places: Any, values: Any) -> Tensor:
    """A copy of the target with other values in some places."""
    result = target.clone()
    result[places] = values
    return result


# In-place functions and what gives the same result elsewhere.
_ELSEWHERE: dict[str, Callable[..., Any]] = {
    "__iadd__": torch.Tensor.add,
    "__isub__": torch.Tensor.sub,
    "__imul__": torch.Tensor.mul,
    "__itruediv__": torch.Tensor.div,
    "relu_": torch.relu,
    "add_": torch.Tensor.add,
    "sub_": torch.Tensor.sub,
    "mul_": torch.Tensor.mul,
    "div_": torch.Tensor.div,
    "clamp_": torch.Tensor.clamp,
    "clamp_min_": torch.Tensor.clamp_min,
    "masked_fill_": torch.Tensor.masked_fill,
    "__setitem__": _with_entries,
    "sigmoid_": torch.sigmoid,
    "tanh_": torch.tanh,
}


_Kind = TypeVar("_Kind")


class Slot(int):
    """The place of a tensor on a tape."""

    def __repr__(self) -> str:
        return f"Slot({int(self)})"


@dataclass(frozen=True, eq=False)
class Step:
    """A call of a function.

    Attributes:
        function: of torch's, or of ours after a rewrite.
        args, kwargs: its arguments, with a ``Slot`` in the place of each tensor.
        results: where the tensors that it returns go, in order.
        single: it returns a tensor, and not several in a structure.
        shapes: of the results, on the example that was watched.
    """

    function: Callable[..., Any]
    args: tuple[Any, ...]
    kwargs: Mapping[str, Any]
    results: tuple[Slot, ...]
    single: bool
    shapes: tuple[torch.Size, ...]

    @property
    def operands(self) -> tuple[Slot, ...]:
        """The tensors among its arguments."""
        return tuple(slots_in((self.args, self.kwargs)))

    @property
    def name(self) -> str:
        """Of its function."""
        return getattr(self.function, "__name__", type(self.function).__name__)


@dataclass(eq=False)
class Tape:
    """What was written down.

    Attributes:
        steps: in order.
        moving: slot -> name of a parameter or buffer that moves.
        constants: slot -> tensor that is the same at every point.
        fixed: those of the constants that belong to the model and do not come from the data.
        outputs: what the run returned, with a ``Slot`` in the place of each tensor.
        slots: how many.
        calls: how many functions were called, written down or not.
    """

    steps: list[Step] = field(default_factory=list)
    moving: dict[Slot, str] = field(default_factory=dict)
    constants: dict[Slot, Tensor] = field(default_factory=dict)
    fixed: set[Slot] = field(default_factory=set)
    outputs: Any = None
    slots: int = 0
    calls: int = 0

    @property
    def key(self) -> object:
        """Equal for tapes that differ in the values of constants only."""
        return (
            [(s.function, repr(s.args), repr(sorted(s.kwargs.items())), s.results, s.shapes)
             for s in self.steps],
            self.moving,
            [(slot, t.shape, t.dtype) for slot, t in self.constants.items()],
            self.fixed,
            repr(self.outputs),
        )  # fmt: skip

    def new_slot(self) -> Slot:
        """A slot that is not in use."""
        self.slots += 1
        return Slot(self.slots - 1)


def record(
    run: Callable[[], Any], moving: Mapping[str, Tensor], fixed: Iterable[Tensor] = ()
) -> tuple[Any, Tape]:
    """What ``run`` returns, and how it depends on the moving tensors.

    Args:
        run: calls the model.
        moving: by name.
        fixed: other tensors of the model.

    Raises:
        Unsuitable: values of moving tensors steer the run, or it writes where it cannot be
            followed.
    """
    recorder = _Recorder(moving, fixed)
    with recorder:
        returned = run()
    return returned, recorder.finished(returned)


class _Recorder(TorchFunctionMode):
    def __init__(self, moving: Mapping[str, Tensor], fixed: Iterable[Tensor]) -> None:
        super().__init__()
        self._fixed = {id(tensor) for tensor in fixed}
        self.tape = Tape()
        self._device = next(iter(moving.values())).device.type if moving else "cpu"
        self._autocast = torch.is_autocast_enabled(self._device)
        # Weak, so that memory holds what a run without a tape holds. With the number of writes to
        # each tensor: another number later means a write through an alias, which has no trace.
        self._known: dict[int, tuple[weakref.ref[Tensor], Slot, int]] = {}
        self._leaves: dict[int, tuple[str, Tensor]] = {}
        self._constants: dict[int, tuple[Tensor, Slot, Tensor, int]] = {}
        for name, tensor in moving.items():
            if type(tensor) not in (Tensor, torch.nn.Parameter):
                raise Unsuitable(f"{name} is a {type(tensor).__name__}")
            slot = self.tape.new_slot()
            self.tape.moving[slot] = name
            self._leaves[id(tensor)] = name, tensor
            self._know(tensor, slot)

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        kwargs = kwargs or {}
        tensors = list(tensors_in((args, kwargs)))
        if getattr(func, "__name__", "") != "__get__":
            self.tape.calls += 1
        if not any(self._slot(tensor) is not None for tensor in tensors):
            return func(*args, **kwargs)
        if getattr(func, "__name__", "") == "__get__":
            attribute = getattr(getattr(func, "__self__", None), "__name__", "")
            returned = func(*args, **kwargs)
            if not isinstance(returned, Tensor) or attribute == "grad":
                return returned
            return self._note(func, self._written(args), self._written(kwargs), returned)
        writes = {id(tensor): _writes(tensor) for tensor in tensors}
        # Before the call, which may write to what it is given.
        if _writes_in_place(func, kwargs) and self._slot(tensors[0]) is None:
            self._keep(tensors[0], tensors[0].clone())
        args_then, kwargs_then = self._written(args), self._written(kwargs)
        returned = func(*args, **kwargs)
        changed = [t for t in tensors if _writes(t) != writes[id(t)]]
        if changed:
            func, kwargs_then = self._elsewhere(func, kwargs_then, tensors, changed)
        return self._note(func, args_then, kwargs_then, returned, changed)

    def _note(
        self, func: Any, args: Any, kwargs: Any, returned: Any, changed: Sequence[Tensor] = ()
    ) -> Any:
        name = getattr(func, "__name__", "")
        if torch.is_autocast_enabled(self._device) != self._autocast:
            raise Unsuitable("the model turns autocast on or off")
        results = [returned] if isinstance(returned, Tensor) else list(tensors_in(returned))
        if changed and not results:  # such as x[0] = y
            results = list(changed)
        if not results:
            if name not in _TELLS_NO_VALUES:
                raise Unsuitable(f"{name or func} takes values of moving tensors to Python")
            return returned
        single = isinstance(returned, Tensor) or returned is None
        slots = tuple(self.tape.new_slot() for _ in results)
        shapes = tuple(tensor.shape for tensor in results)
        self.tape.steps.append(Step(func, args, kwargs, slots, single, shapes))
        for tensor, slot in zip(results, slots, strict=True):
            self._know(tensor, slot)
        return returned

    def _elsewhere(
        self, func: Any, kwargs: dict[str, Any], tensors: list[Tensor], changed: list[Tensor]
    ) -> tuple[Any, dict[str, Any]]:
        """The same call, but with its result in a new tensor and not in its first argument."""
        if len({id(t) for t in changed}) > 1 or changed[0] is not tensors[0]:
            raise Unsuitable(f"{func.__name__} writes into what it was given")
        if id(changed[0]) in self._leaves:
            raise Unsuitable(f"{func.__name__} writes into {self._leaves[id(changed[0])][0]}")
        if kwargs.get("inplace"):
            return func, {**kwargs, "inplace": False}
        if func.__name__ in _ELSEWHERE:
            return _ELSEWHERE[func.__name__], kwargs
        raise Unsuitable(f"{func.__name__} writes into what it was given")

    def _written(self, value: Any) -> Any:
        """Arguments with slots in the place of tensors."""
        return replaced(value, Tensor, self._slot_of)

    def _slot(self, tensor: Tensor) -> Slot | None:
        """The slot of a moving tensor; None for any other."""
        known = self._known.get(id(tensor))
        if known is None or known[0]() is not tensor:
            return None
        if known[2] != _writes(tensor):
            raise Unsuitable("a tensor was written to through another one")
        return known[1]

    def _slot_of(self, tensor: Tensor) -> Slot:
        slot = self._slot(tensor)
        if slot is not None:
            return slot
        if id(tensor) not in self._constants:
            self._keep(tensor, tensor)
        return self._constants[id(tensor)][1]

    def _keep(self, tensor: Tensor, value: Tensor) -> None:
        slot = self.tape.new_slot()
        self.tape.constants[slot] = value
        if id(tensor) in self._fixed:
            self.tape.fixed.add(slot)
        # The tensor too, lest another one gets its id.
        self._constants[id(tensor)] = tensor, slot, value, _writes(value)

    def _know(self, tensor: Tensor, slot: Slot) -> None:
        self._known[id(tensor)] = weakref.ref(tensor), slot, _writes(tensor)

    def finished(self, returned: Any) -> Tape:
        """The tape, after the run."""
        self.tape.outputs = replaced(returned, Tensor, self._slot_of)
        for _, _, value, writes in self._constants.values():
            if _writes(value) != writes:
                raise Unsuitable("a constant was written to after it had been used")
        return self.tape


def _writes(tensor: Tensor) -> int:
    return 0 if tensor.is_inference() else tensor._version


def _writes_in_place(func: Any, kwargs: Mapping[str, Any]) -> bool:
    name = getattr(func, "__name__", "")
    return name in _ELSEWHERE or bool(kwargs.get("inplace")) or (name[-1:] == "_" != name[-2:-1])


def tensors_in(value: Any) -> Iterator[Tensor]:
    """The tensors in nested arguments, in order."""
    return _found(value, Tensor)


def slots_in(value: Any) -> Iterator[Slot]:
    """The slots in nested arguments, in order."""
    return _found(value, Slot)


def _found(value: Any, kind: type[_Kind]) -> Iterator[_Kind]:
    if isinstance(value, kind):
        yield value
    elif isinstance(value, list | tuple):
        for part in value:
            yield from _found(part, kind)
    elif isinstance(value, Mapping):
        for part in value.values():
            yield from _found(part, kind)
    elif isinstance(value, slice):
        yield from _found((value.start, value.stop, value.step), kind)


def replaced(value: Any, kind: type, by: Callable[[Any], Any]) -> Any:
    """Nested arguments with something else in the place of whatever is of a kind."""
    if isinstance(value, kind):
        return by(value)
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return type(value)(*(replaced(part, kind, by) for part in value))
    if type(value) in (list, tuple, torch.Size):
        parts = [replaced(part, kind, by) for part in value]
        return parts if type(value) is list else tuple(parts)
    if isinstance(value, Mapping):
        return _like(value, {key: replaced(part, kind, by) for key, part in value.items()})
    if isinstance(value, slice):
        return slice(*(replaced(part, kind, by) for part in (value.start, value.stop, value.step)))
    return value


def _like(value: Any, parts: dict[Any, Any]) -> Any:
    return parts if type(value) is dict else type(value)(**parts)
