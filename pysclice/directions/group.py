"""A part of the parameters moved together while all others stay."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

import torch
from torch import Tensor

from pysclice.core.parameters import Parameters, check_direction, norm, sparse
from pysclice.core.selection import Selection, check_selection, parameters_in
from pysclice.core.surface import LossSurface
from pysclice.directions.axis import Directional, name_of, notes_of
from pysclice.directions.composition import Composable
from pysclice.directions.parts import (
    Attention,
    Box,
    Head,
    Layer,
    Named,
    Output,
    Selected,
    is_attention,
)
from pysclice.directions.random import Random

Part: TypeAlias = Selected | Named | Layer | Output | Head
Kind = Literal["layer", "type", "head"]


@dataclass(frozen=True)
class Group(Composable):
    """A direction for some of the parameters; all others stay where they are.

    The direction ``along`` is made for the whole model, normalized, and then restricted to the
    group, so that lines of different groups add up to a line of the whole. Parts of a tensor are
    kept in sparse tensors, whole tensors share memory with ``along``.

    ``Group.layer``, ``Group.neuron``, ``Group.filter`` and ``Group.head`` name a group by what it
    is; ``Group.each`` gives all of a kind, for a ``Crowd``.

    Args:
        members: which parameters: a pattern of names (``"layers.0.*"``), a type of module
            (``nn.Conv2d``), a function ``name -> bool``, or several of these.
        along: the direction that is restricted: any. Filter normalization, as in the default
            ``Random(0)``, leaves biases and other one-dimensional parameters where they are;
            ``Random(0, "layer")`` moves them too.

    Raises:
        TypeError: members that name no parameters, or ``along`` that is no direction.

    Example:
        >>> direction = ps.Group("0.*", along=ps.Gradient())
        >>> sorted(direction(surface, start))
        ['0.bias', '0.weight']
        >>> neuron = ps.Group.neuron("0", 3, along=ps.Random(0, "layer"))
        >>> {name: tensor.values().numel() for name, tensor in neuron(surface, start).items()}
        {'0.weight': 8, '0.bias': 1}
        >>> [group.name for group in ps.Group.each("layer")(surface, start)]
        ['0', '2']
    """

    members: Selection | Part
    along: Directional = field(default_factory=Random)

    method = "group of parameters"

    def __post_init__(self) -> None:
        if not isinstance(self.members, Part):
            check_selection(self.members, "members")
        if not callable(self.along):
            raise TypeError(
                f"along is a {type(self.along).__name__}, expected a direction such as Random(0)."
            )

    @classmethod
    def layer(cls, module: str, along: Directional | None = None) -> Group:
        """All parameters of a module and of the modules inside of it.

        Args:
            module: its name in ``model.named_modules()``, such as ``"encoder.0"``.
            along: the direction that is restricted; ``Random(0)`` if left out.
        """
        return cls(Layer(module), along or Random())

    @classmethod
    def neuron(cls, module: str, index: int, along: Directional | None = None) -> Group:
        """What feeds one output of a linear layer: its incoming weights and its bias.

        Args:
            module: name of the layer.
            index: number of the output, from 0.
            along: the direction that is restricted; ``Random(0)`` if left out.
        """
        return cls(Output(module, index, "neuron"), along or Random())

    @classmethod
    def filter(cls, module: str, index: int, along: Directional | None = None) -> Group:
        """What feeds one output channel of a convolution, or one row of an embedding.

        Args:
            module: name of the layer.
            index: number of the channel, from 0.
            along: the direction that is restricted; ``Random(0)`` if left out.
        """
        return cls(Output(module, index, "filter"), along or Random())

    @classmethod
    def head(cls, module: str, index: int, along: Directional | None = None) -> Group:
        """One attention head: queries, keys and values with their biases, and its outgoing weights.

        Known are ``nn.MultiheadAttention`` and the attention modules of most language models in
        transformers, by the names of their projections. Heads that share keys and values
        (grouped-query attention) are refused, since none of them can move alone.

        Args:
            module: name of the attention module, or of a module around one.
            index: number of the head, from 0.
            along: the direction that is restricted; ``Random(0)`` if left out.
        """
        return cls(Head(module, index), along or Random())

    @staticmethod
    def each(kind: Kind, along: Directional | None = None) -> Groups:
        """One group for each layer, type of layer or attention head: a family for ``Crowd``.

        Args:
            kind: ``"layer"`` (modules that hold parameters themselves), ``"type"`` (all layers of
                one type together) or ``"head"``. Layers that a filter-normalized direction leaves
                where they are, such as BatchNorm, are left out.
            along: the direction that is restricted; ``Random(0)`` if left out.

        Raises:
            ValueError: another kind.
        """
        return Groups(kind, along or Random())

    @property
    def _part(self) -> Part:
        return self.members if isinstance(self.members, Part) else Selected(self.members)

    @property
    def name(self) -> str:
        """Short label for an axis, such as ``fc1 neuron 3``."""
        return self._part.name

    @property
    def description(self) -> str:
        """A sentence about the direction."""
        along = getattr(self.along, "description", "") or name_of(self.along)
        return f"{along}; only {self.name} moves"

    @property
    def recipe(self) -> Mapping[str, Any] | None:
        """What determines the direction, if ``along`` has a recipe and no function selects."""
        along, members = getattr(self.along, "recipe", None), self._part.recipe
        if along is None or members is None:
            return None
        return {"direction": "group", "members": members, "along": along}

    def __call__(self, surface: LossSurface, parameters: Parameters) -> Parameters:
        """Whole tensors, and sparse ones where a part of a tensor moves.

        Raises:
            ValueError: the group has no parameters, or the direction leaves all of them where they
                are; nothing by this name is in the model.
        """
        members = self._part.members(surface, parameters)
        if not members:
            raise ValueError(f"The group {self.name!r} holds no trainable parameters.")
        whole = _whole(self.along, surface, parameters)
        found = {n: _restricted(whole[n], boxes) for n, boxes in members.items() if n in whole}
        if not found or (norm(found) == 0.0 and _is_left_out(self.along, surface, found)):
            hint = (
                "Filter normalization leaves biases and other one-dimensional parameters where "
                "they are: take along=Random(0, 'layer')."
                if found
                else "It has no tensors for them."
            )
            raise ValueError(f"{name_of(self.along)!r} does not move group {self.name!r}. {hint}")
        return found

    def notes(self, surface: LossSurface, parameters: Parameters) -> Mapping[str, Any]:
        """How many numbers in how many tensors move, and what ``along`` has to say."""
        whole = _whole(self.along, surface, parameters)
        members = self._part.members(surface, parameters)
        sizes = [
            sum(parameters[name][box].numel() for box in boxes or ((...,),))
            for name, boxes in members.items()
            if name in whole
        ]
        along = notes_of([self.along], surface, parameters)
        return {
            "parameters": sum(sizes),
            "tensors": len(sizes),
            **({"along": along} if along else {}),
        }


@dataclass(frozen=True)
class Groups:
    """A family of groups: see ``Group.each``."""

    kind: Kind
    along: Directional

    def __post_init__(self) -> None:
        if self.kind not in ("layer", "type", "head"):
            raise ValueError(f"kind is {self.kind!r}, expected 'layer', 'type' or 'head'.")

    def __call__(self, surface: LossSurface, parameters: Parameters) -> tuple[Group, ...]:
        """The groups, in the order of the model's modules.

        Raises:
            ValueError: there are none.
        """
        if self.kind == "head":
            parts = _heads(surface)
        else:
            parts = _layers(surface, parameters, by_type=self.kind == "type")
        groups = tuple(Group(part, self.along) for part in parts)
        moving = tuple(
            group
            for group in groups
            if not _is_left_out(self.along, surface, group._part.members(surface, parameters))
        )
        if not moving:
            raise ValueError(
                f"This model has no {self.kind} that {name_of(self.along)!r} moves. Select groups "
                "yourself: Crowd([Group('encoder.*'), Group('decoder.*')])."
            )
        return moving


def _layers(surface: LossSurface, parameters: Parameters, *, by_type: bool) -> list[Part]:
    """Modules and the parameters that they hold themselves, each parameter once."""
    found: dict[str, list[str]] = {}
    seen: set[str] = set()
    for name, module in surface.model.named_modules():
        own = parameters_in(surface.model, module, recurse=False)
        new = [n for n in own if n in parameters and n not in seen]
        seen.update(new)
        if new:
            label = type(module).__name__ if by_type else name or "model"
            found.setdefault(label, []).extend(new)
    return [Named(label, tuple(names)) for label, names in found.items()]


def _heads(surface: LossSurface) -> list[Part]:
    found: list[Part] = []
    for name, module in surface.model.named_modules():
        if is_attention(module):
            found += [Head(name, n) for n in range(Attention(surface.model, name).heads)]
    return found


def _whole(
    along: Directional, surface: LossSurface, parameters: Parameters
) -> Mapping[str, Tensor]:
    """The direction before it is restricted; once for all groups of a slice."""

    def find() -> Mapping[str, Tensor]:
        tensors = along(surface, parameters)
        check_direction(tensors, parameters, f"Direction {name_of(along)!r}")
        return tensors

    try:
        hash(along)
    except TypeError:
        return find()
    found: Mapping[str, Tensor] = surface.once(("along", along), find)
    return found


def _restricted(tensor: Tensor, boxes: tuple[Box, ...] | None) -> Tensor:
    if boxes is None:
        return tensor
    inside = torch.zeros(tensor.shape, dtype=torch.bool, device=tensor.device)
    for box in boxes:
        inside[box] = True
    held = tensor.to_dense() if tensor.is_sparse else tensor
    return sparse(inside.nonzero().T.contiguous(), held[inside], tensor.shape)


def _is_left_out(along: Directional, surface: LossSurface, members: Mapping[str, Any]) -> bool:
    """Whether the direction is filter-normalized and nothing here has filters."""
    filters = surface.filters()
    return getattr(along, "normalization", None) == "filter" and all(
        filters[name].dimension is None for name in members
    )
