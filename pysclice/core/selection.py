"""Which parameters are meant: by a pattern of names, by the type of a module, or by a function."""

from __future__ import annotations

import fnmatch
from collections.abc import Callable, Iterable, Sequence
from typing import TypeAlias

from torch import nn

Selection: TypeAlias = "str | type[nn.Module] | Callable[[str], bool] | Sequence[Selection]"


def check_selection(selection: object, whose: str) -> None:
    """Nothing, if this can select parameters.

    Raises:
        TypeError: it is no pattern, module type or function, nor several of these.
    """
    if isinstance(selection, str):
        return
    if isinstance(selection, type) and issubclass(selection, nn.Module):
        return
    if isinstance(selection, tuple | list) and selection:
        for part in selection:
            check_selection(part, whose)
        return
    if isinstance(selection, type) or not callable(selection):
        raise TypeError(
            f"{whose} is {selection!r}, expected a pattern of names such as 'layers.0.*', a type "
            "of module such as nn.Conv2d, a function name -> bool, or several of these."
        )


def select(model: nn.Module, parameters: Iterable[str], selection: Selection) -> tuple[str, ...]:
    """The names that a selection means, in the order of the parameters.

    A pattern is compared with the whole name, case counting: ``*`` stands for any characters, ``?``
    for one, ``[ab]`` for one of several. A type means all parameters in modules of this type, also
    in modules inside of these; a tied parameter is in each of its modules.

    Args:
        model: whose modules to look through.
        parameters: names of the candidates.
        selection: what is meant; several selections mean what any of them does.

    Raises:
        ValueError: nothing is meant; the message lists what there is.
    """
    names = tuple(parameters)
    meant = _meant(model, names, selection)
    if not meant:
        is_module = isinstance(selection, str) and selection in dict(model.named_modules())
        hint = f"Those of the module are selected by '{selection}.*'. " if is_module else ""
        raise ValueError(
            f"No trainable parameter is selected by {text_of(selection)!r}. {hint}"
            f"{_offer(model, names)}"
        )
    return tuple(name for name in names if name in meant)


def parameters_in(model: nn.Module, module: nn.Module, *, recurse: bool = True) -> dict[str, str]:
    """Parameters of a module of the model: name in the model -> name in the module.

    A tied parameter has one name in the model, the first, whichever module is asked.

    Args:
        model: whose names are wanted.
        module: one of its modules.
        recurse: also those of modules inside of it.
    """
    named = {id(parameter): name for name, parameter in model.named_parameters()}
    own = module.named_parameters(recurse=recurse)
    return {named[id(parameter)]: name for name, parameter in own}


def module_named(model: nn.Module, name: str) -> nn.Module:
    """The module of this name; the model itself is named by the empty text.

    Raises:
        ValueError: there is none; the message lists those beside it.
    """
    modules: dict[str, nn.Module] = dict(model.named_modules())
    if name not in modules:
        parent = name.rpartition(".")[0]
        while parent not in modules:
            parent = parent.rpartition(".")[0]
        inside = [child for child, _ in modules[parent].named_children()]
        where = f"{parent!r}" if parent else "The model"
        raise ValueError(
            f"There is no module {name!r}. {where} has the modules {_listed(map(repr, inside))}."
        )
    return modules[name]


def text_of(selection: Selection) -> str:
    """The selection in a few words."""
    if isinstance(selection, str):
        return selection
    if isinstance(selection, tuple | list):
        return ", ".join(map(text_of, selection))
    return str(getattr(selection, "__name__", type(selection).__name__))


def _meant(model: nn.Module, names: tuple[str, ...], selection: Selection) -> set[str]:
    if isinstance(selection, str):
        return {name for name in names if fnmatch.fnmatchcase(name, selection)}
    if isinstance(selection, type):
        found: set[str] = set()
        for module in model.modules():
            if isinstance(module, selection):
                found.update(parameters_in(model, module))
        return found.intersection(names)
    if isinstance(selection, tuple | list):
        return set().union(*(_meant(model, names, part) for part in selection))
    return {name for name in names if selection(name)}  # type: ignore[operator]  # checked before


def _offer(model: nn.Module, names: tuple[str, ...]) -> str:
    types = {type(m).__name__ for m in model.modules() if parameters_in(model, m, recurse=False)}
    return (
        f"There are the parameters {_listed(map(repr, names))}, in modules of the types "
        f"{_listed(sorted(types))}."
    )


def _listed(items: Iterable[str], most: int = 8) -> str:
    listed = list(items)
    more = f", ... ({len(listed) - most} more)" if len(listed) > most else ""
    return ", ".join(listed[:most]) + more or "none"
