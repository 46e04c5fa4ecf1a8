"""The loss surface that a user's own module builds."""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn

from pysclice.core.surface import LossSurface


class ModuleError(ValueError):
    """``--module`` names nothing that builds a loss surface; the message says what to change."""


def surface_from(module: str, device: str | None = None) -> LossSurface:
    """The surface that ``my_project:build`` gives.

    Args:
        module: a module and a callable in it that takes no arguments, parted by a colon. It returns
            a ``LossSurface``; a tuple ``(model, loss_fn, data)``; or a mapping of the arguments of
            ``LossSurface``. Modules are looked for in the working directory, too.
        device: where the model goes; by default it stays where it was built.

    Raises:
        ModuleError: there is no such module or callable, it failed, or it returned something else.
    """
    name, colon, attribute = module.partition(":")
    if not colon or not name or not attribute:
        raise ModuleError(
            f"--module is {module!r}, expected a module and a callable in it: my_project:build."
        )
    build = _attribute(_imported(name), name, attribute)
    if not callable(build):
        raise ModuleError(
            f"{module} is a {type(build).__name__}, expected a callable without arguments that "
            "returns a LossSurface."
        )
    try:
        built = build()
    except Exception as error:
        raise ModuleError(
            f"{module}() failed: {type(error).__name__}: {error}. It is called without arguments "
            "and returns a LossSurface."
        ) from error
    surface = _surface(built, module)
    if device is not None:
        try:
            surface.model.to(torch.device(device))
        except (RuntimeError, AssertionError) as error:
            raise ModuleError(f"The model cannot go to {device!r}: {error}") from error
    return surface


def source_fingerprint(module: str) -> str:
    """Of the file that the callable's module was read from; empty where there is none."""
    held = sys.modules.get(module.partition(":")[0])
    path = getattr(held, "__file__", None)
    if path is None or not Path(path).is_file():
        return ""
    return hashlib.blake2b(Path(path).read_bytes(), digest_size=8).hexdigest()


def _imported(name: str) -> Any:
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)  # as `python -m` does, but not a command that pip installed
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is not None and (name == error.name or name.startswith(f"{error.name}.")):
            raise ModuleError(
                f"There is no module {name!r} in {here} or among the installed ones. Write it as "
                "Python imports it: my_project.training:build."
            ) from error
        raise ModuleError(f"{name!r} imports {error.name!r}, which is not installed.") from error
    except Exception as error:
        raise ModuleError(
            f"{name!r} cannot be imported: {type(error).__name__}: {error}. A script that trains "
            'when it is imported keeps its training below `if __name__ == "__main__":`.'
        ) from error


def _attribute(held: Any, name: str, attribute: str) -> Any:
    for part in attribute.split("."):
        if not hasattr(held, part):
            own = [n for n, value in vars(held).items() if callable(value) and n[0] != "_"]
            known = f"; it has {', '.join(own[:5])}" if own else ""
            raise ModuleError(f"The module {name!r} has no {attribute!r}{known}.")
        held = getattr(held, part)
    return held


def _surface(built: Any, module: str) -> LossSurface:
    if isinstance(built, LossSurface):
        return built
    try:
        if isinstance(built, Mapping) and all(isinstance(key, str) for key in built):
            return LossSurface(**built)
        if isinstance(built, tuple | list) and len(built) == 3:
            if isinstance(built[0], nn.Module):
                return LossSurface(*built)
    except (TypeError, ValueError) as error:
        raise ModuleError(f"What {module}() returned makes no LossSurface: {error}") from error
    raise ModuleError(
        f"{module}() returned {_what(built)}, expected a LossSurface, a tuple (model, loss_fn, "
        "data), or a mapping of LossSurface's arguments."
    )


def _what(built: Any) -> str:
    if isinstance(built, tuple | list):
        return f"a {type(built).__name__} of {len(built)} ({', '.join(_kinds(built))})"
    return "None" if built is None else f"a {type(built).__name__}"


def _kinds(built: Any) -> list[str]:
    return [type(part).__name__ for part in built]
