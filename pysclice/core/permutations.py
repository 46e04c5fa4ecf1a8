"""Hidden units of one network matched to those of another.

Networks that differ only in the order of their hidden units compute the same function, yet lie far
apart in parameter space. ``permutation_groups`` finds which units may change places,
``match_units`` the order in which the units of one network come closest to another's, and
``permuted`` applies it ("Git Re-Basin": Ainsworth, Hayase, Srinivasa 2023, arXiv:2209.04836).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.func import functional_call

from pysclice.core.unit_axes import UnitWatch, tensors_in
from pysclice.core.untouched import Randomness, held_interrupts, own_randomness, stand_in

_BY_HAND = (
    "write the groups by hand: a list of UnitGroup, each with the dimensions of all tensors that "
    "have to be permuted together"
)


@dataclass(frozen=True)
class UnitDimension:
    """A dimension of a parameter or buffer along which the units of a group lie.

    Attributes:
        tensor: its name, as in ``model.named_parameters()`` or ``model.named_buffers()``.
        dimension: counted from 0.
        block: each unit owns this many consecutive entries: unit ``u`` those from ``u * block``
            on. More than 1 where a layer reads flattened feature maps.
        compared: whether ``match_units`` compares it. Buffers, such as running statistics, and
            second names of tied parameters only follow.
    """

    tensor: str
    dimension: int
    block: int = 1
    compared: bool = True


@dataclass(frozen=True)
class UnitGroup:
    """Hidden units that may change places, wherever they appear together.

    Attributes:
        size: how many units.
        members: the dimensions that have to be permuted together. A tensor can be there twice,
            once a dimension: a layer between two places of one residual stream.
    """

    size: int
    members: tuple[UnitDimension, ...]


@dataclass(frozen=True, eq=False)
class Matching:
    """The order of units in which one network comes closest to another.

    Attributes:
        permutations: an int64 tensor a group, on the CPU: the unit that comes to place ``i`` is
            ``permutation[i]``.
        similarity: inner product of the reference with the permuted tensors, over the compared
            members. The larger, the smaller their Euclidean distance.
        similarity_before: the same for the order in which the units came.
        history: the inner product from the start that led here, after each improvement.
    """

    permutations: tuple[Tensor, ...]
    similarity: float
    similarity_before: float
    history: tuple[float, ...]


def permutation_groups(model: nn.Module, example_input: Any = None) -> list[UnitGroup]:
    """The groups of hidden units that a model lets change places.

    Any permutation of the units of each group leaves the function that the model computes in
    evaluation mode unchanged; this is also tried out on the example. Known are linear layers,
    (transposed, depthwise) convolutions, embeddings, batch, instance, layer and group
    normalization, activations and other elementwise calls with broadcasting, products of matrices,
    pooling, padding, flattening and other reshapes, sums, means and scaled dot product attention,
    whose heads are units. Units that meet anything else (recurrence, concatenation, ...) keep their
    places, as do inputs and outputs. The model comes out untouched.

    Args:
        model: any module. Frozen and tied parameters are permuted, too.
        example_input: what the model is called with: a tensor, a tuple of arguments, or a mapping
            of keyword arguments. A batch of 2 or more of the usual size, on the model's device. May
            be left out where the model begins with a Linear layer that reads rows of features.

    Raises:
        ValueError: no example where one is needed, or one that the model cannot be called with; no
            unit may change places; or the model computes something else on permuted units.

    Example:
        >>> model = nn.Sequential(nn.Conv2d(1, 6, 3), nn.Flatten(), nn.Linear(6 * 4, 10))
        >>> [group] = permutation_groups(model, torch.zeros(2, 1, 4, 4))
        >>> group.size
        6
        >>> [(member.tensor, member.dimension, member.block) for member in group.members]
        [('0.weight', 0, 1), ('0.bias', 0, 1), ('2.weight', 1, 4)]
    """
    arguments = _arguments(model, example_input)
    with (
        held_interrupts(),
        own_randomness(0) as randomness,
        stand_in(model, {}, {}, "eval"),
        torch.no_grad(),
    ):
        args, kwargs = _copies(arguments)
        watch = UnitWatch(model, (args, kwargs))
        try:
            with watch:
                outputs = model(*args, **kwargs)
        except Exception as error:
            raise ValueError(
                f"The model could not be called with example_input ({type(error).__name__}: "
                f"{error}). Pass a batch that it can be called with, or {_BY_HAND}."
            ) from error
        watch.finish(outputs)
        groups = _groups(model, watch)
        if not groups:
            obstacles = "; ".join(list(watch.axes.obstacles)[:4])
            why = f"in the way: {obstacles}" if obstacles else "all belong to its inputs or outputs"
            raise ValueError(
                f"No hidden units of this model can change places, {why}. To match units "
                f"nevertheless, {_BY_HAND}."
            )
        _try_out(model, groups, arguments, randomness)
    return groups


def _arguments(model: nn.Module, example_input: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Positional and keyword arguments to call the model with."""
    if isinstance(example_input, Mapping):
        return (), dict(example_input)
    if example_input is not None:
        return (example_input if isinstance(example_input, tuple) else (example_input,)), {}
    with_parameters = (m for m in model.modules() if any(True for _ in m.parameters(recurse=False)))
    first = next(with_parameters, model)
    if type(first) is not nn.Linear:
        raise ValueError(
            f"The model begins with {type(first).__name__}, so its input cannot be guessed. Pass "
            "a batch as example_input."
        )
    rows = torch.randn(3, first.in_features, generator=torch.Generator().manual_seed(0))
    return (rows.to(first.weight),), {}


def _copies(value: Any) -> Any:
    """The same nested value with copies of its tensors, which a model may write to."""
    if isinstance(value, Tensor):
        return value.detach().clone()
    if isinstance(value, dict):
        return {key: _copies(part) for key, part in value.items()}
    if type(value) in (list, tuple):
        return type(value)(_copies(part) for part in value)
    return value


def _groups(model: nn.Module, watch: UnitWatch) -> list[UnitGroup]:
    """The axes that were never fixed, with all that lies along them."""
    compared = {name for name, _ in model.named_parameters()}
    members: dict[int, list[UnitDimension]] = {}
    for name, layouts in watch.named.items():
        for dimension, layout in enumerate(map(watch.axes.current, layouts)):
            if layout is not None:
                axis, block = layout
                member = UnitDimension(name, dimension, block, name in compared)
                members.setdefault(axis, []).append(member)
    return [
        UnitGroup(watch.axes.size(axis), tuple(found))
        for axis, found in members.items()
        if any(member.compared for member in found)
    ]


def _try_out(
    model: nn.Module,
    groups: list[UnitGroup],
    arguments: tuple[tuple[Any, ...], dict[str, Any]],
    randomness: Randomness,
) -> None:
    """Nothing, if the model computes the same with its units permuted at random.

    Raises:
        ValueError: it does not.
    """
    generator = torch.Generator().manual_seed(0)
    permutations = [torch.randperm(group.size, generator=generator) for group in groups]
    parameters, buffers = dict(model.named_parameters()), dict(model.named_buffers())
    moved = permuted(groups, permutations, parameters | buffers)
    results = []
    for tensors in (parameters | buffers, moved):
        randomness.restart(0)
        args, kwargs = _copies(arguments)
        fresh = {name: tensors[name].clone() for name in buffers}
        results.append(functional_call(model, tensors | fresh, args, kwargs))
    for before, after in zip(*(tensors_in(r, objects=True) for r in results), strict=True):
        if before.is_floating_point() and before.isfinite().all():
            # Rounding is far below, a wrong permutation far above.
            tolerance = max(0.01, 4 * torch.finfo(before.dtype).eps ** 0.5)
            before, after = before.cpu().double(), after.cpu().double()
            if not (after - before).norm() <= tolerance * before.norm():
                raise ValueError(
                    "The model computes something else when the units found are permuted: it does "
                    "something with them that cannot be followed, or calls of it differ from each "
                    f"other. To match units nevertheless, {_BY_HAND}."
                )


def permuted(
    groups: Sequence[UnitGroup],
    permutations: Sequence[Tensor],
    tensors: Mapping[str, Tensor],
) -> dict[str, Tensor]:
    """The tensors of a model with the units of each group in another order.

    Parameters together with buffers give the same function as before. What belongs to no group is
    passed on as it is; a member that is not among the tensors is left out.

    Args:
        groups: from ``permutation_groups``, or written by hand.
        permutations: one a group: ``permutation[i]`` is the unit that comes to place ``i``.
        tensors: parameters and buffers by name, such as ``model.state_dict()``. Device and dtype
            are kept, and gradients flow.

    Raises:
        ValueError: a permutation that is none, or tensors that do not fit the groups.

    Example:
        >>> groups = [UnitGroup(3, (UnitDimension("up", 0), UnitDimension("down", 1)))]
        >>> tensors = {"up": torch.eye(3), "down": torch.tensor([[1.0, 2.0, 3.0]])}
        >>> permuted(groups, [torch.tensor([2, 0, 1])], tensors)["down"]
        tensor([[3., 1., 2.]])
    """
    places = _places(groups, tensors)
    if len(permutations) != len(groups):
        raise ValueError(
            f"{len(permutations)} permutations for {len(groups)} groups; expected one a group."
        )
    for number, (group, permutation) in enumerate(zip(groups, permutations, strict=True)):
        ordered = permutation.sort().values.cpu()
        if ordered.is_floating_point() or ordered.tolist() != list(range(group.size)):
            raise ValueError(
                f"Permutation {number} does not hold each of the integers from 0 to "
                f"{group.size - 1} once: it cannot reorder the {group.size} units of "
                f"{_name(group)}."
            )
    return {
        name: _reordered(tensor, places.get(name, ()), permutations)
        for name, tensor in tensors.items()
    }


def match_units(
    groups: Sequence[UnitGroup],
    reference: Mapping[str, Tensor],
    other: Mapping[str, Tensor],
    seed: int = 0,
    restarts: int = 1,
) -> Matching:
    """The order of the other network's units in which its parameters come closest to the reference.

    Weight matching (Ainsworth et al. 2023, section 3.2, algorithm 1): one group after another, in
    random order, gets the permutation that is best while the others stay, a linear assignment
    problem; it ends when no group improves. Where a tensor has one group on two dimensions the
    problem is not linear; its linearization is solved, and the result kept if it improves.

    What is found depends on the start, and the best result counts. The first start takes the groups
    from the outside in, each compared only where its neighbors are settled, which finds a network
    whose units were merely shuffled. Restart 1 is the paper's, from the order as it is, so that the
    result is never worse than that. Further ones start at random.

    Args:
        groups: from ``permutation_groups``, or written by hand.
        reference: tensors by name; those that it holds decide what is compared.
        other: tensors of the other network, by the same names.
        seed: of the order of groups and of random starts.
        restarts: how often to begin again. 0 is enough for a first look at wide networks, whose
            assignment problems take long: time grows with the cube of a group's size.

    Raises:
        ValueError: tensors that do not fit the groups, or are not finite.
        ImportError: scipy, which solves the assignment problems, is not installed.

    Example:
        >>> groups = [UnitGroup(3, (UnitDimension("up", 0), UnitDimension("down", 1)))]
        >>> one = {"up": torch.tensor([[1], [2], [3]]), "down": torch.tensor([[4, 5, 6]])}
        >>> two = {"up": torch.tensor([[3], [1], [2]]), "down": torch.tensor([[6, 4, 5]])}
        >>> matching = match_units(groups, reference=one, other=two)
        >>> matching.permutations, matching.similarity_before, matching.similarity
        ((tensor([1, 2, 0]),), 85.0, 91.0)
    """
    if not groups:
        raise ValueError("There are no groups, so nothing can be matched; see permutation_groups.")
    if restarts < 0:
        raise ValueError(f"restarts is {restarts}; expected 0 or more.")
    objective = _objective(groups, reference, other)
    generator = torch.Generator().manual_seed(seed)
    unmoved = [torch.arange(group.size) for group in groups]
    before = objective.similarity(objective.pairs, unmoved)
    best: Matching | None = None
    for start in range(restarts + 1):
        if start == 0:
            permutations = _from_the_outside_in(objective, generator)
        elif start == 1:
            permutations = list(unmoved)
        else:
            permutations = [torch.randperm(group.size, generator=generator) for group in groups]
        history = _descent(objective, permutations, generator)
        similarity = objective.similarity(objective.pairs, permutations)
        if best is None or similarity > best.similarity:
            best = Matching(tuple(permutations), similarity, before, tuple(history))
    assert best is not None
    return best


# ---- matching


class _Place(NamedTuple):
    """A dimension of a tensor that follows a group."""

    group: int
    dimension: int
    block: int


def _name(group: UnitGroup) -> str:
    return repr(group.members[0].tensor) if group.members else "a group without members"


def _places(
    groups: Sequence[UnitGroup], tensors: Mapping[str, Tensor], compared: bool = False
) -> dict[str, list[_Place]]:
    """Where groups have tensors that are given; of the ``compared`` members only, if so asked.

    Raises:
        ValueError: a dimension that is not there, of another size, or in two groups; a group that
            has none of the tensors.
    """
    places: dict[str, list[_Place]] = {}
    for number, group in enumerate(groups):
        members = [m for m in group.members if m.tensor in tensors and (m.compared or not compared)]
        if not members:
            raise ValueError(
                f"None of the tensors that the group of {_name(group)} permutes was given, but "
                f"{sorted(tensors)[:3]} and the like. Pass tensors by the names that they have in "
                "model.named_parameters() and model.named_buffers()."
            )
        for member in members:
            shape = tuple(tensors[member.tensor].shape)
            if not 0 <= member.dimension < len(shape):
                raise ValueError(
                    f"The group of {_name(group)} permutes dimension {member.dimension} of "
                    f"{member.tensor!r}, whose shape is {shape}."
                )
            if shape[member.dimension] != group.size * member.block:
                raise ValueError(
                    f"Dimension {member.dimension} of {member.tensor!r}, of shape {shape}, is not "
                    f"{group.size} units times {member.block}, as its group says: the groups were "
                    "made for another model."
                )
            here = places.setdefault(member.tensor, [])
            if any(place.dimension == member.dimension for place in here):
                raise ValueError(
                    f"Dimension {member.dimension} of {member.tensor!r} is named twice; expected "
                    "each dimension in one group, once."
                )
            here.append(_Place(number, member.dimension, member.block))
    return places


def _reordered(
    tensor: Tensor, places: Iterable[_Place], permutations: Sequence[Tensor], leave: int = -1
) -> Tensor:
    """The tensor with units in their new places, except along the dimension ``leave``."""
    for group, dimension, block in places:
        if dimension != leave:
            first = permutations[group].to(tensor.device).unsqueeze(1) * block
            index = (first + torch.arange(block, device=tensor.device)).reshape(-1)
            tensor = tensor.index_select(dimension, index)
    return tensor


class _Pair(NamedTuple):
    """A tensor of both networks."""

    reference: Tensor
    other: Tensor
    places: Sequence[_Place]


@dataclass(frozen=True, eq=False)
class _Objective:
    """The inner product that permutations are to make large.

    Attributes:
        sizes: of each group.
        pairs: the tensors that are compared.
        pairs_of: those that each group has a place in.
        neighbors: whose permutations the best one of each group depends on. A group is its own
            neighbor if a tensor has it on two dimensions.
        rounding: how much the similarity over ``pairs_of`` each group may be off, at most.
        solve: finds the permutation that makes the sum of ``gains[i, permutation[i]]`` largest.
    """

    sizes: list[int]
    pairs: list[_Pair]
    pairs_of: list[list[_Pair]]
    neighbors: list[set[int]]
    rounding: list[float]
    solve: Callable[[Tensor], Tensor]

    def similarity(self, pairs: Iterable[_Pair], permutations: Sequence[Tensor]) -> float:
        """Inner product over these tensors, summed in float64."""
        return math.fsum(
            float(_rows(pair.reference).mul(_rows(_reordered(*pair[1:], permutations))).sum())
            for pair in pairs
        )

    def gains(self, group: int, permutations: Sequence[Tensor], settled: Sequence[bool]) -> Tensor:
        """What the similarity gains, row by column, from unit (column) in place (row).

        Tensors with another place whose group is not settled are left out.
        """
        total = torch.zeros(self.sizes[group], self.sizes[group], dtype=torch.float64)
        for reference, other, places in self.pairs_of[group]:
            for place in places:
                others = [p.group for p in places if p is not place]
                if place.group != group or not all(settled[g] for g in others):
                    continue
                moved = _reordered(other, places, permutations, leave=place.dimension)
                left = _rows(reference, place.dimension, self.sizes[group])
                total += (left @ _rows(moved, place.dimension, self.sizes[group]).T).cpu()
        return total

    def settled_part(self, group: int, settled: Sequence[bool]) -> float:
        """Which part of the entries that a group is compared by has only settled neighbors."""
        sizes = [
            (pair.reference.numel(), all(settled[p.group] for p in pair.places if p is not place))
            for pair in self.pairs_of[group]
            for place in pair.places
            if place.group == group
        ]
        return sum(size for size, ready in sizes if ready) / max(1, sum(size for size, _ in sizes))


def _rows(tensor: Tensor, dimension: int = 0, count: int = 1) -> Tensor:
    """Float64 matrix of ``count`` rows; each holds what one unit owns along the dimension."""
    tensor = tensor.detach()
    if tensor.is_complex():
        tensor = torch.view_as_real(tensor.resolve_conj())
    if tensor.device.type == "mps":
        tensor = tensor.cpu()  # Apple's devices have no float64.
    return tensor.double().movedim(dimension, 0).reshape(count, -1)


def _objective(
    groups: Sequence[UnitGroup], reference: Mapping[str, Tensor], other: Mapping[str, Tensor]
) -> _Objective:
    try:
        from scipy.optimize import linear_sum_assignment
    except ImportError as error:
        raise ImportError(
            "Matching units needs scipy, which is not installed: pip install 'pysclice[science]'"
        ) from error

    def solve(gains: Tensor) -> Tensor:
        _, columns = linear_sum_assignment(gains.numpy(), maximize=True)
        return torch.from_numpy(columns).long()

    places = _places(groups, reference, compared=True)
    for name in places:
        if name not in other:
            raise ValueError(
                f"The other network has no tensor {name!r}, which the reference has: both have to "
                "be of one architecture and named alike."
            )
        if other[name].shape != reference[name].shape:
            raise ValueError(
                f"{name!r} has shape {tuple(reference[name].shape)} in the reference and "
                f"{tuple(other[name].shape)} in the other network: both have to be of one "
                "architecture."
            )
        for tensor in (reference[name], other[name]):
            if not tensor.isfinite().all():
                raise ValueError(
                    f"{name!r} is not finite: a network has diverged. Match an earlier checkpoint."
                )
    pairs = [
        _Pair(reference[name], other[name].to(reference[name].device), here)
        for name, here in places.items()
    ]
    numbers = range(len(groups))
    pairs_of = [[pair for pair in pairs if any(p.group == n for p in pair.places)] for n in numbers]
    neighbors = [
        {
            other_place.group
            for pair in pairs_of[number]
            for place in pair.places
            for other_place in pair.places
            if place.group == number and other_place is not place
        }
        for number in numbers
    ]
    rounding = [
        1e-12 * sum(float(_rows(p.reference).norm() * _rows(p.other).norm()) for p in pairs_of[n])
        for n in numbers
    ]
    sizes = [group.size for group in groups]
    return _Objective(sizes, pairs, pairs_of, neighbors, rounding, solve)


def _from_the_outside_in(objective: _Objective, generator: torch.Generator) -> list[Tensor]:
    """Permutations found group after group, the one that has most to go by next."""
    permutations = [torch.arange(size) for size in objective.sizes]
    settled = [False] * len(objective.sizes)
    order = torch.randperm(len(settled), generator=generator).tolist()
    while order:
        group = max(order, key=lambda g: objective.settled_part(g, settled))
        order.remove(group)
        permutations[group] = objective.solve(objective.gains(group, permutations, settled))
        settled[group] = True
    return permutations


def _descent(
    objective: _Objective, permutations: list[Tensor], generator: torch.Generator
) -> list[float]:
    """Improve the permutations in place until no group can; the similarity after each step."""
    everything = [True] * len(permutations)
    history = [objective.similarity(objective.pairs, permutations)]
    # What a group was last solved with has not changed as long as it is not in here.
    stale = set(range(len(permutations)))
    while stale:
        for group in torch.randperm(len(permutations), generator=generator).tolist():
            if group not in stale:
                continue
            stale.remove(group)
            pairs = objective.pairs_of[group]
            now = objective.similarity(pairs, permutations)
            found = list(permutations)
            found[group] = objective.solve(objective.gains(group, permutations, everything))
            gain = objective.similarity(pairs, found) - now
            # More than rounding, lest two equally good permutations take turns forever.
            if gain > objective.rounding[group]:
                permutations[group] = found[group]
                history.append(history[-1] + gain)
                stale |= objective.neighbors[group]
    return history
