"""Parameters and buffers from wherever they are kept: a module, a dictionary, a file or a folder.

Files are read without running any code that they may hold: safetensors, or ``torch.load`` with
``weights_only=True``.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, TypeAlias

import torch
from torch import Tensor, nn

from pysclice.core.parameters import Parameters

Source: TypeAlias = nn.Module | Mapping[str, Tensor] | str | os.PathLike[str]

# Under which key training loops keep the state_dict among other things.
_STATE_KEYS = ("state_dict", "model_state_dict", "model", "module")
# What wrappers put before the names of a model's own tensors.
_PREFIXES = ("module.", "_orig_mod.", "model.")
_FOLDER_FILES = ("model.safetensors", "pytorch_model.bin")


def check_source(source: object, whose: str) -> None:
    """Nothing, if parameters can be read from the source.

    Raises:
        TypeError: neither module, mapping nor path.
    """
    if not isinstance(source, nn.Module | Mapping | str | os.PathLike):
        raise TypeError(
            f"{whose} got a {type(source).__name__}, expected a module, a state_dict, a dictionary "
            "from parameter names to tensors, or the path of a checkpoint."
        )


def read_tensors(source: Source) -> dict[str, Tensor]:
    """All tensors of a source by name: parameters and buffers.

    Args:
        source: a module (read now, not copied); a ``state_dict`` or another mapping of names to
            tensors; the path of a ``.safetensors`` file, of a file that ``torch.save`` wrote (a
            ``state_dict``, or a dictionary that holds one as ``state_dict``, ``model_state_dict``,
            ``model`` or ``module``, as Lightning's checkpoints do), or of a folder in the layout
            of Hugging Face's ``save_pretrained``, in one file or in shards.

    Raises:
        FileNotFoundError: nothing at this path, or no weights in this folder.
        ImportError: safetensors is not installed.
        ValueError: the file holds no tensors by name, or cannot be read without running code.
    """
    if isinstance(source, nn.Module):
        module = getattr(source, "_orig_mod", source)  # as LossSurface reads a compiled model
        return {**dict(module.named_parameters()), **dict(module.named_buffers())}
    if isinstance(source, Mapping):
        return _tensors_in(source, "The mapping")
    return _read_path(Path(source))


def read_parameters(
    source: Source, parameters: Parameters, whose: str = "The source"
) -> Parameters:
    """The tensors of a source for these parameters: names and shapes checked, on their devices.

    Names may carry the prefix of a wrapper (``module.``, ``model.``, ``_orig_mod.``). What else
    the source holds is left out.

    Raises:
        ValueError: the source lacks a parameter, or has it in another shape; and all that
            ``read_tensors`` raises.
    """
    found = _renamed(read_tensors(source), parameters)
    result: Parameters = {}
    for name, here in parameters.items():
        there = found.get(name)
        if there is None:
            raise ValueError(
                f"{whose} has no parameter {name!r}; it has "
                f"{', '.join(map(repr, list(found)[:4]))}, ... "
                "Both ends must be of one architecture."
            )
        if there.shape != here.shape:
            raise ValueError(
                f"Parameter {name!r} has shape {tuple(here.shape)} here, but {whose} has it in "
                f"shape {tuple(there.shape)}; both ends must be of one architecture."
            )
        result[name] = there.detach().to(here.device)
    return result


def read_buffers(source: Source, model: nn.Module, parameters: Parameters) -> dict[str, Tensor]:
    """The floating-point buffers of the model that the source holds too, in the same shape.

    Args:
        source: as for ``read_tensors``; a dictionary of parameters alone gives no buffers.
        model: whose buffers to look for.
        parameters: its parameters, by which a wrapper's prefix is recognized.
    """
    known = {name: b for name, b in model.named_buffers() if b.is_floating_point()}
    if not known:
        return {}
    found = _renamed(read_tensors(source), parameters)
    return {
        name: found[name].detach().to(buffer)
        for name, buffer in known.items()
        if name in found and found[name].shape == buffer.shape
    }


def _read_path(path: Path) -> dict[str, Tensor]:
    if path.is_dir():
        return _read_folder(path)
    if not path.exists():
        raise FileNotFoundError(f"There is no checkpoint at {str(path)!r}.")
    if path.suffix == ".safetensors":
        try:
            from safetensors.torch import load_file
        except ImportError as error:
            raise ImportError(
                f"Reading {path.name!r} needs safetensors: pip install 'pysclice[science]'."
            ) from error
        return load_file(path)
    try:
        held = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
    except Exception as error:
        raise ValueError(
            f"{str(path)!r} cannot be read as a checkpoint without running code from it "
            f"({type(error).__name__}: {str(error).partition('.')[0]}). Save the state_dict alone: "
            "torch.save(model.state_dict(), path)."
        ) from error
    return _tensors_in(held, repr(path.name))


def _read_folder(path: Path) -> dict[str, Tensor]:
    for name in _FOLDER_FILES:
        if (path / name).is_file():
            return _read_path(path / name)
        index = path / f"{name}.index.json"
        if index.is_file():
            shards = set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values())
            # Names out of a file: a path that leads elsewhere is no shard of this folder.
            parts = [_read_path(path / Path(shard).name) for shard in sorted(shards)]
            return {key: tensor for part in parts for key, tensor in part.items()}
    raise FileNotFoundError(
        f"The folder {str(path)!r} holds none of {', '.join(_FOLDER_FILES)}, alone or in shards."
    )


def _tensors_in(held: Any, label: str) -> dict[str, Tensor]:
    if isinstance(held, Mapping):
        tensors = {str(name): value for name, value in held.items() if isinstance(value, Tensor)}
        if tensors:
            return tensors
        for key in _STATE_KEYS:
            if isinstance(held.get(key), Mapping):
                return _tensors_in(held[key], f"{label}[{key!r}]")
        what = f"a dictionary with the keys {sorted(map(str, held))[:8]}"
    else:
        what = f"a {type(held).__name__}"
    raise ValueError(
        f"{label} holds {what}, expected tensors by name, or a dictionary with one of "
        f"{', '.join(_STATE_KEYS)}."
    )


def _renamed(tensors: dict[str, Tensor], names: Iterable[str]) -> dict[str, Tensor]:
    """The tensors without the prefixes of wrappers, if the names are found only then."""
    wanted = set(names)
    candidate = tensors
    for _ in _PREFIXES:
        if wanted <= candidate.keys():
            break
        prefix = next((p for p in _PREFIXES if any(name.startswith(p) for name in candidate)), "")
        candidate = {name.removeprefix(prefix): tensor for name, tensor in candidate.items()}
    return candidate if wanted <= candidate.keys() else tensors
