"""Looking without touching: model and random state come out as they went in, whatever happens.

Restoring is worth nothing if Ctrl-C can strike in the middle of it. Therefore interrupts are held
back while a model is sliced and delivered between two batches, where stopping is safe.
"""

from __future__ import annotations

import random
import signal
import sys
import threading
from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from types import FrameType
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor, nn

from pysclice.core.parameters import Parameters

_REGISTRIES = ("_parameters", "_buffers", "_modules")

# What models collect things in. By exact type: a subclass may do more when it is filled.
_CONTAINERS = (list, dict, set, deque, defaultdict, OrderedDict, Counter)
# Every module's own hooks and flags, which hold nothing of the kind.
_OF_EVERY_MODULE = frozenset(vars(nn.Module()))


class Interrupts:
    """An interrupt that arrived while it was held back, if any."""

    def __init__(self) -> None:
        self._deliver: Callable[[], Any] | None = None

    def hold(
        self, handler: Callable[[int, FrameType | None], Any], frame: FrameType | None
    ) -> None:
        """Remember to call the handler; a second interrupt is not held back any more."""
        if self._deliver is not None:
            self._deliver = None
            handler(signal.SIGINT, frame)
            return
        self._deliver = lambda: handler(signal.SIGINT, frame)

    def deliver(self) -> None:
        """Let a held interrupt through: usually raises KeyboardInterrupt."""
        deliver, self._deliver = self._deliver, None
        if deliver is not None:
            deliver()


@contextmanager
def held_interrupts() -> Iterator[Interrupts]:
    """Hold Ctrl-C back until ``deliver`` is called or the block ends; a second one goes through."""
    interrupts = Interrupts()
    handler = signal.getsignal(signal.SIGINT)
    # Python runs signal handlers in the main thread only, so no other thread can be interrupted.
    if threading.current_thread() is not threading.main_thread() or not callable(handler):
        yield interrupts
        return
    signal.signal(signal.SIGINT, lambda _, frame: interrupts.hold(handler, frame))
    try:
        yield interrupts
    finally:
        signal.signal(signal.SIGINT, handler)
        interrupts.deliver()


class Randomness:
    """Random numbers that start again, the same ones for the same number.

    torch's on every device in use, NumPy's global ones and Python's.
    """

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._number = 0
        # Not torch.manual_seed: before CUDA is in use, that leaves an order to seed it later.
        self._generators = [torch.default_generator]
        if torch.cuda.is_initialized():
            self._generators += torch.cuda.default_generators
        self._mps = torch.backends.mps.is_available()

    def restart(self, number: int) -> None:
        """Start again, with the random numbers of this number."""
        self._number = number
        seed = self._seed + number
        for generator in self._generators:
            generator.manual_seed(seed)
        if self._mps:
            torch.mps.manual_seed(seed)
        np.random.seed(seed % 2**32)
        random.seed(seed)

    def were_drawn(self) -> bool:
        """Whether any random number was drawn since the last restart, which is repeated here."""
        now = self._states()
        self.restart(self._number)
        return now != self._states()

    def _states(self) -> list[Any]:
        tensors = [generator.get_state() for generator in self._generators]
        if self._mps:
            tensors.append(torch.mps.get_rng_state())
        name, keys, *rest = np.random.get_state()
        states = [tensor.cpu().numpy().tobytes() for tensor in tensors]
        return [*states, name, np.asarray(keys).tobytes(), rest, random.getstate()]


@contextmanager
def own_randomness(seed: int) -> Iterator[Randomness]:
    """Own random numbers inside, the user's untouched afterwards."""
    states = torch.get_rng_state(), np.random.get_state(), random.getstate()
    cuda = torch.cuda.get_rng_state_all() if torch.cuda.is_initialized() else None
    mps = torch.mps.get_rng_state() if torch.backends.mps.is_available() else None
    randomness = Randomness(seed)
    try:
        randomness.restart(0)
        yield randomness
    finally:
        torch.set_rng_state(states[0])
        np.random.set_state(states[1])
        random.setstate(states[2])
        if cuda is not None:
            torch.cuda.set_rng_state_all(cuda)
        if mps is not None:
            torch.mps.set_rng_state(mps)


@contextmanager
def stand_in(
    model: nn.Module,
    originals: Parameters,
    replacements: Parameters,
    mode: Literal["eval", "train"],
    buffers: Mapping[str, Tensor] | None = None,
) -> Iterator[None]:
    """The model with other tensors in place of some parameters, in the given mode.

    The model's own tensors are never written to: registered parameters are exchanged for the
    replacements (tied ones everywhere at once), buffers and tensors kept as plain attributes for
    copies, so that what the forward pass does to them is forgotten. Attributes that the forward
    pass sets, what it adds to lists, dictionaries and sets among them, and the mode of every
    submodule come back as they were. Compiled parts run as they were written: they would be
    compiled once more for tensors that training never sees, and training only so many times.

    Args:
        model: the model.
        originals: the model's own trainable tensors by name.
        replacements: what to put in the place of some of them.
        mode: ``"eval"`` or ``"train"`` for every submodule. The flag is set without calling
            ``model.eval()``, which some models override to change their weights.
        buffers: what to copy in the place of some buffers, by name.
    """
    given = {id(b): (buffers or {})[n] for n, b in model.named_buffers() if n in (buffers or {})}
    exchange = {id(originals[name]): tensor for name, tensor in replacements.items()}
    copies: dict[int, Tensor] = {}

    def copy_of(tensor: Tensor) -> Tensor:
        if id(tensor) not in copies:
            copies[id(tensor)] = given.get(id(tensor), tensor).detach().clone()
        return copies[id(tensor)]

    modules = list(model.modules())
    saved = [
        (module, dict(vars(module)), {name: dict(vars(module)[name]) for name in _REGISTRIES})
        for module in modules
    ]
    collected = _collected(attributes for _, attributes, _ in saved)
    try:
        for module, attributes, registries in saved:
            for name, parameter in registries["_parameters"].items():
                if parameter is not None and id(parameter) in exchange:
                    # Typed for parameters, but every module computes with a plain tensor too.
                    module._parameters[name] = exchange[id(parameter)]  # type: ignore[assignment]
            for name, buffer in registries["_buffers"].items():
                if buffer is not None:
                    module._buffers[name] = copy_of(buffer)
            for name, value in attributes.items():
                if isinstance(value, Tensor):
                    module.__dict__[name] = copy_of(value)
            module.__dict__["training"] = mode == "train"
        with _uncompiled():
            yield
    finally:
        for module, attributes, registries in saved:
            module.__dict__.clear()
            module.__dict__.update(attributes)
            for name, entries in registries.items():
                registry = attributes[name]
                registry.clear()
                registry.update(entries)
        for container, content in collected:
            _refill(container, content)


def _collected(attributes: Iterable[dict[str, Any]]) -> list[tuple[Any, Any]]:
    """The containers among the attributes of modules, also those in others, and what is in each."""
    found: dict[int, tuple[Any, Any]] = {}
    waiting = [
        value
        for of_module in attributes
        for name, value in of_module.items()
        if name not in _OF_EVERY_MODULE and type(value) in _CONTAINERS
    ]
    while waiting:
        container = waiting.pop()
        if id(container) in found:
            continue
        found[id(container)] = container, container.copy()
        inside = container.values() if isinstance(container, dict) else container
        waiting.extend(value for value in inside if type(value) in _CONTAINERS)
    return list(found.values())


def _refill(container: Any, content: Any) -> None:
    """Put back what was in a container, which itself stays: others may hold it as well."""
    container.clear()
    (container.extend if isinstance(container, list | deque) else container.update)(content)


def _uncompiled() -> AbstractContextManager[Any]:
    """Compiled functions run as they were written, where there are any."""
    if "torch._dynamo" not in sys.modules:
        return nullcontext()  # importing it takes seconds
    stance: AbstractContextManager[Any] = torch.compiler.set_stance("force_eager")
    return stance
