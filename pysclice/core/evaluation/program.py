"""A tape made to run at many points, doing each thing as seldom as it can be done."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from torch import Tensor

from pysclice.core.evaluation.rewrites import Rewrite, in_place
from pysclice.core.evaluation.tape import Slot, Step, Tape, replaced, slots_in, tensors_in

Run: TypeAlias = Callable[[Sequence[Tensor]], Sequence[Tensor]]


@dataclass(frozen=True)
class Section:
    """Some steps, from the slots that they need to the slots that others need of them."""

    inputs: tuple[Slot, ...]
    results: tuple[Slot, ...]
    run: Run


class Program:
    """A tape in three sections: once for a batch, once for a point, and for each batch at a point.

    Args:
        tape: what was watched.
        names: parameters and buffers that move here; the others on the tape rest at the center.
        rewrites: applied to the steps one after another.
    """

    def __init__(
        self, tape: Tape, names: Collection[str], rewrites: Sequence[Rewrite] = ()
    ) -> None:
        self.key = tape.key
        self.outputs = tape.outputs
        self.moving = {slot: name for slot, name in tape.moving.items() if name in names}
        self.resting = {slot: name for slot, name in tape.moving.items() if name not in names}
        wanted = tuple(dict.fromkeys(slots_in(tape.outputs)))
        steps = list(tape.steps)
        for rewrite in rewrites:
            steps = rewrite(steps, frozenset(self.moving), tape)
        steps = _needed(steps, wanted)
        moves, of_data = set(self.moving), set(tape.constants) - tape.fixed
        once: list[Step] = []
        point: list[Step] = []
        batch: list[Step] = []
        for step in steps:
            here = set(step.operands)
            if here & of_data:
                of_data |= set(step.results)
            if not here & moves:
                once.append(step)
                continue
            moves |= set(step.results)
            (batch if here & of_data else point).append(step)
        self.steps = tuple(batch)
        self.per_point = tuple(point)
        after = [*batch, *point]
        self.once = _section(once, _operands(after) | set(wanted))
        self.point = _section(point, _operands(batch) | set(wanted))
        self.batch = _section(in_place(batch, wanted), set(wanted))

    def held(self, tape: Tape, resting: Mapping[str, Tensor]) -> dict[Slot, Tensor]:
        """What stays the same at all points for one batch.

        Args:
            tape: of this batch; its key is that of the program.
            resting: name -> tensor at the center.
        """
        known = dict(tape.constants)
        known |= {slot: resting[name] for slot, name in self.resting.items()}
        found = self.once.run([known[slot] for slot in self.once.inputs])
        needed = {*self.point.inputs, *self.batch.inputs, *slots_in(self.outputs)}
        known |= dict(zip(self.once.results, found, strict=True))
        return {slot: tensor for slot, tensor in known.items() if slot in needed}

    def at_point(self, moving: Mapping[str, Tensor], held: Mapping[Slot, Tensor]) -> _Values:
        """What depends on the point, but not on the batch."""
        values = {slot: moving[name] for slot, name in self.moving.items()}
        if self.point.results:
            known = {**held, **values}
            found = self.point.run([known[slot] for slot in self.point.inputs])
            values |= dict(zip(self.point.results, found, strict=True))
        return values

    def on_batch(self, held: Mapping[Slot, Tensor], at_point: _Values) -> Any:
        """What the watched run would return for this batch at this point."""
        known = {**held, **at_point}
        found = self.batch.run([known[slot] for slot in self.batch.inputs])
        known |= dict(zip(self.batch.results, found, strict=True))
        return replaced(self.outputs, Slot, known.__getitem__)


_Values: TypeAlias = dict[Slot, Tensor]


def _operands(steps: Sequence[Step]) -> set[Slot]:
    return {slot for step in steps for slot in step.operands}


def _needed(steps: Sequence[Step], wanted: Collection[Slot]) -> list[Step]:
    """The steps without those whose results nobody asks for."""
    needed = set(wanted)
    kept = []
    for step in reversed(steps):
        if needed & set(step.results):
            needed |= set(step.operands)
            kept.append(step)
    return kept[::-1]


def _section(steps: Sequence[Step], wanted: Collection[Slot]) -> Section:
    made = {slot for step in steps for slot in step.results}
    inputs = tuple(sorted(_operands(steps) - made))
    results = tuple(sorted(made & set(wanted)))
    return Section(inputs, results, compiled(steps, inputs, results))


def compiled(steps: Sequence[Step], inputs: Sequence[Slot], results: Sequence[Slot]) -> Run:
    """The steps as one function, which forgets each tensor after its last use.

    Written as Python and compiled, since looking up slots one by one takes as long as the small
    steps themselves.
    """
    objects: list[Any] = []

    def name_of(value: Any) -> str:
        objects.append(value)
        return f"k{len(objects) - 1}"

    def written(value: Any) -> str:
        if isinstance(value, Slot):
            return f"s{int(value)}"
        if not any(True for _ in slots_in(value)):
            return name_of(value)
        if isinstance(value, slice):
            return f"slice({', '.join(map(written, (value.start, value.stop, value.step)))})"
        if isinstance(value, Mapping):
            return f"{{{', '.join(f'{k!r}: {written(v)}' for k, v in value.items())}}}"
        parts = ", ".join(map(written, value))
        return f"[{parts}]" if isinstance(value, list) else f"({parts},)"

    last = {slot: number for number, step in enumerate(steps) for slot in step.operands}
    lines = []
    if inputs:
        lines.append(f"{', '.join(f's{int(slot)}' for slot in inputs)}, = given")
    for number, step in enumerate(steps):
        parts = [written(arg) for arg in step.args]
        parts += [f"{key}={written(value)}" for key, value in step.kwargs.items()]
        call = f"{name_of(step.function)}({', '.join(parts)})"
        to = ", ".join(f"s{int(slot)}" for slot in step.results)
        lines.append(f"{to} = {call}" if step.single else f"{to}, = {name_of(_leaves)}({call})")
        unused = [s for s in step.results if s not in last and s not in results]
        over = [s for s in set(step.operands) if last[s] == number and s not in results]
        lines += [f"del s{int(slot)}" for slot in [*over, *unused]]
    lines.append(f"return [{', '.join(f's{int(slot)}' for slot in results)}]")
    # Bound as defaults, which makes them local.
    bound = "".join(f", k{i}=k[{i}]" for i in range(len(objects)))
    source = f"def run(given{bound}):\n" + "\n".join(f"    {line}" for line in lines)
    space: dict[str, Any] = {"k": objects}
    exec(compile(source, "<steps>", "exec"), space)
    run: Run = space["run"]
    return run


def _leaves(returned: Any) -> list[Tensor]:
    return list(tensors_in(returned))
