"""Parts of a model: which entries of which parameters belong together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from torch import nn

from pysclice.core.parameters import Parameters
from pysclice.core.selection import Selection, module_named, parameters_in, select, text_of
from pysclice.core.surface import LossSurface

# Slices of a tensor, one a dimension; None stands for the whole tensor.
Box: TypeAlias = tuple[slice, ...]
Members: TypeAlias = dict[str, tuple[Box, ...] | None]

# Projections to queries, keys and values, and from the heads' outputs, in attention modules.
_PROJECTIONS: tuple[tuple[tuple[str, str, str], tuple[str, ...]], ...] = (
    (("q_proj", "k_proj", "v_proj"), ("o_proj", "out_proj")),
    (("query", "key", "value"), ()),
    (("q_lin", "k_lin", "v_lin"), ("out_lin",)),
    (("q", "k", "v"), ("o",)),
)
_HEAD_COUNTS = ("num_heads", "num_attention_heads", "n_heads", "n_head")


@dataclass(frozen=True)
class Selected:
    """All parameters that a selection means."""

    selection: Selection

    @property
    def name(self) -> str:
        """A few words for it."""
        return text_of(self.selection)

    @property
    def recipe(self) -> Any:
        """JSON values that determine the part; None where a function does."""
        parts = self.selection if isinstance(self.selection, tuple | list) else (self.selection,)
        told = []
        for part in parts:
            if isinstance(part, type):
                told.append({"type": f"{part.__module__}.{part.__qualname__}"})
            elif isinstance(part, str):
                told.append({"pattern": part})
            else:
                return None
        return told

    def members(self, surface: LossSurface, parameters: Parameters) -> Members:
        """The entries that belong to it."""
        return dict.fromkeys(select(surface.model, parameters, self.selection))


@dataclass(frozen=True)
class Named:
    """Parameters by name."""

    name: str
    parameters: tuple[str, ...]

    @property
    def recipe(self) -> Any:
        """JSON values that determine the part."""
        return {"parameters": self.parameters}

    def members(self, surface: LossSurface, parameters: Parameters) -> Members:
        """The entries that belong to it."""
        return dict.fromkeys(name for name in self.parameters if name in parameters)


@dataclass(frozen=True)
class Layer:
    """All parameters of a module and of the modules inside of it."""

    module: str

    @property
    def name(self) -> str:
        """A few words for it."""
        return self.module or "model"

    @property
    def recipe(self) -> Any:
        """JSON values that determine the part."""
        return {"layer": self.module}

    def members(self, surface: LossSurface, parameters: Parameters) -> Members:
        """The entries that belong to it."""
        module = module_named(surface.model, self.module)
        inside = parameters_in(surface.model, module)
        return dict.fromkeys(name for name in parameters if name in inside)


@dataclass(frozen=True)
class Output:
    """What feeds one output of a layer: a neuron, a filter of a convolution, a token's row."""

    module: str
    index: int
    word: str

    @property
    def name(self) -> str:
        """A few words for it."""
        return f"{self.module} {self.word} {self.index}"

    @property
    def recipe(self) -> Any:
        """JSON values that determine the part."""
        return {"output": [self.module, self.index]}

    def members(self, surface: LossSurface, parameters: Parameters) -> Members:
        """The entries that belong to it.

        Raises:
            ValueError: the module has no such output, or its parameters do not divide by outputs.
        """
        module = module_named(surface.model, self.module)
        own = parameters_in(surface.model, module, recurse=False)
        filters = surface.filters()
        weights = [n for n in own if n in filters and filters[n].dimension is not None]
        if len(weights) != 1 or own[weights[0]] != "weight":
            kind = type(module).__name__
            raise ValueError(
                f"Module {self.module!r} ({kind}) has the parameters {list(own.values())}; a "
                f"{self.word} is known in modules with one trainable weight of two dimensions or "
                "more. Select heads by Group.head, other parts by a pattern of names."
            )
        whole = parameters[weights[0]]
        dimension, groups = filters[weights[0]].dimension or 0, filters[weights[0]].groups
        each = whole.shape[dimension] // (groups if dimension == 0 else 1)
        if not 0 <= self.index < groups * each:
            raise ValueError(
                f"Module {self.module!r} has {groups * each} outputs, counted from 0; there is no "
                f"{self.word} {self.index}."
            )
        group, place = divmod(self.index, each)
        box = [slice(None)] * whole.ndim
        rows = whole.shape[0] // groups
        box[0] = slice(group * rows, (group + 1) * rows)
        if dimension == 0:
            place += group * rows
        box[dimension] = slice(place, place + 1)
        found: Members = {weights[0]: (tuple(box),)}
        for name in own:
            if name in parameters and parameters[name].shape == (groups * each,):
                found[name] = ((slice(self.index, self.index + 1),),)
        return found


@dataclass(frozen=True)
class Head:
    """One head of an attention module: its queries, keys and values, and where its output goes."""

    module: str
    index: int

    @property
    def name(self) -> str:
        """A few words for it."""
        return f"{self.module} head {self.index}".strip()

    @property
    def recipe(self) -> Any:
        """JSON values that determine the part."""
        return {"head": [self.module, self.index]}

    def members(self, surface: LossSurface, parameters: Parameters) -> Members:
        """The entries that belong to it.

        Raises:
            ValueError: the module is no attention that is known, it has no such head, or its heads
                share keys and values.
        """
        attention = Attention(surface.model, self.module)
        if not 0 <= self.index < attention.heads:
            raise ValueError(
                f"Module {self.module!r} has {attention.heads} heads, counted from 0; there is no "
                f"head {self.index}."
            )
        return {
            name: boxes
            for name, boxes in attention.members(surface, self.index).items()
            if name in parameters
        }


class Attention:
    """An attention module, read by the names of its projections.

    Known are ``nn.MultiheadAttention``; modules with linear projections ``q_proj, k_proj, v_proj``
    (Llama, OPT, BART, ViT, ...), ``query, key, value`` (BERT, ...), ``q_lin, k_lin, v_lin``
    (DistilBERT) or ``q, k, v`` (T5); and GPT-2's ``c_attn``.

    Args:
        model: the whole model.
        name: of the module, or of one around a single such module.

    Raises:
        ValueError: no such module, several of them, or heads that share keys and values.
    """

    def __init__(self, model: nn.Module, name: str) -> None:
        around = module_named(model, name)
        known = [inside for inside, m in around.named_modules() if is_attention(m)]
        if len(known) != 1:
            found = f"has the attention modules {known}" if known else "is none and holds none"
            raise ValueError(
                f"Module {name!r} ({type(around).__name__}) {found}; expected one: an "
                "nn.MultiheadAttention, or a module with the projections q_proj, k_proj, v_proj, "
                "or query, key, value, or c_attn. Select other kinds by a pattern of names."
            )
        self._model = model
        self.name = ".".join(part for part in (name, known[0]) if part)
        self._module = module_named(model, self.name)
        self._queries = _projection_names(self._module)
        self._width = self._output_width()
        self.heads = self._count()
        self._size = self._width // self.heads
        if self._queries:
            shares = [_out_features(self._module.get_submodule(child)) for child in self._queries]
            if len(set(shares)) != 1:
                raise ValueError(
                    f"The heads of {self.name!r} share keys and values: {shares[0]} numbers of "
                    f"queries, {shares[1]} of keys. Moving one head would move others; select "
                    "projections by a pattern of names instead."
                )

    def members(self, surface: LossSurface, index: int) -> Members:
        """The entries of one head."""
        start, stop = index * self._size, (index + 1) * self._size
        module = self._module
        found: Members = {}
        if isinstance(module, nn.MultiheadAttention):
            thrice = [slice(start + n * self._width, stop + n * self._width) for n in range(3)]
            for name, own in parameters_in(surface.model, module).items():
                if own in ("in_proj_weight", "in_proj_bias"):
                    found[name] = tuple((part,) for part in thrice)
                elif own in ("q_proj_weight", "k_proj_weight", "v_proj_weight"):
                    found[name] = ((slice(start, stop),),)
                elif own in ("bias_k", "bias_v"):
                    found[name] = ((slice(None), slice(None), slice(start, stop)),)
                elif own == "out_proj.weight":
                    found[name] = ((slice(None), slice(start, stop)),)
            return found
        if self._queries:
            for child in self._queries:
                parts = (slice(start, stop),)
                found |= self._linear(surface, module.get_submodule(child), parts, outputs=True)
        else:
            thrice = [slice(start + n * self._width, stop + n * self._width) for n in range(3)]
            found |= self._linear(surface, module.get_submodule("c_attn"), thrice, outputs=True)
        last = self._last_projection()
        return found | self._linear(surface, last, (slice(start, stop),), outputs=False)

    def _linear(
        self, surface: LossSurface, layer: nn.Module, parts: Sequence[slice], *, outputs: bool
    ) -> Members:
        """Some outputs of a linear layer with their bias, or some inputs of it."""
        found: Members = {}
        filters = surface.filters()
        for name in parameters_in(surface.model, layer, recurse=False):
            dimension = filters[name].dimension if name in filters else None
            if dimension is not None:
                along = dimension if outputs else 1 - dimension
                found[name] = tuple(
                    (part,) if along == 0 else (slice(None), part) for part in parts
                )
            elif outputs:
                found[name] = tuple((part,) for part in parts)
        return found

    def _last_projection(self) -> nn.Module:
        for queries, outputs in (*_PROJECTIONS, ((), ("c_proj",))):
            if (self._queries or ()) == queries:
                for child in outputs:
                    if hasattr(self._module, child):
                        return self._module.get_submodule(child)
        # BERT keeps it beside the module of the queries.
        parent = module_named(self._model, self.name.rpartition(".")[0])
        try:
            return parent.get_submodule("output.dense")
        except AttributeError:
            raise ValueError(
                f"The attention module {self.name!r} has no output projection that is known "
                "(o_proj, out_proj, out_lin, o, c_proj, or output.dense beside it). Select its "
                "parts by a pattern of names."
            ) from None

    def _output_width(self) -> int:
        """How many numbers the outputs of all heads are together."""
        if isinstance(self._module, nn.MultiheadAttention):
            return int(self._module.embed_dim)
        if self._queries:
            return _out_features(self._module.get_submodule(self._queries[0]))
        width, rest = divmod(_out_features(self._module.get_submodule("c_attn")), 3)
        if rest or hasattr(self._module, "q_attn"):
            raise ValueError(
                f"c_attn of {self.name!r} does not hold queries, keys and values alike, as in "
                "cross-attention. Select its parts by a pattern of names."
            )
        return width

    def _count(self) -> int:
        for holder in (self._module, getattr(self._module, "config", None)):
            for attribute in _HEAD_COUNTS:
                count = getattr(holder, attribute, None)
                if isinstance(count, int) and count > 0 and self._width % count == 0:
                    return count
        raise ValueError(
            f"The attention module {self.name!r} does not say how many heads it has: it has no "
            f"attribute {', '.join(_HEAD_COUNTS)}. Select its parts by a pattern of names."
        )


def is_attention(module: nn.Module) -> bool:
    """Whether this is an attention module whose heads are known."""
    return (
        isinstance(module, nn.MultiheadAttention)
        or _projection_names(module) is not None
        or isinstance(getattr(module, "c_attn", None), nn.Module)
    )


def _projection_names(module: nn.Module) -> tuple[str, str, str] | None:
    for names, _ in _PROJECTIONS:
        if all(hasattr(getattr(module, name, None), "weight") for name in names):
            return names
    return None


def _out_features(layer: nn.Module) -> int:
    """Outputs of a linear layer, as nn.Linear or transformers' Conv1D names them."""
    features: int = getattr(layer, "out_features", 0) or getattr(layer, "nf", 0)
    return features
