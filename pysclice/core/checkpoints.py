"""Parameters and buffers from wherever they are kept: a module, a dictionary, a file or a folder.

Files are read without running any code that they may hold: safetensors, ``torch.load`` with
``weights_only=True``, or ``torch.distributed.checkpoint`` with a reader of our own for its index.
"""

from __future__ import annotations

import glob
import json
import os
import re
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

import torch
from torch import Tensor, nn

from pysclice.core.parameters import Parameters

Source: TypeAlias = nn.Module | Mapping[str, Tensor] | str | os.PathLike[str]

# Under which key training loops keep the state_dict among other things.
STATE_KEYS = ("state_dict", "model_state_dict", "model", "module")
# What wrappers put before the names of a model's own tensors.
_PREFIXES = ("module.", "_orig_mod.", "model.")
_COMPILED = "_orig_mod."
_FOLDER_FILES = ("model.safetensors", "pytorch_model.bin")
_DISTRIBUTED_INDEX = ".metadata"
_TRAINER_STATE = "trainer_state.json"
_STEP_KEYS = ("global_step", "step")
_SUFFIXES = (".pt", ".pth", ".ckpt", ".bin", ".safetensors")
# How long to wait for whoever is writing a checkpoint at this moment, in seconds.
_PATIENCE = 0.5
_NAMES_SHOWN = 3


@dataclass(frozen=True, eq=False)
class Held:
    """What a checkpoint holds.

    Attributes:
        tensors: parameters and buffers by name, on the CPU.
        step: training step, if the checkpoint names it.
        epoch: epoch, if the checkpoint names it.
        path: where it was found: of several matches of a pattern, the one that was read.
    """

    tensors: dict[str, Tensor]
    step: int | None = None
    epoch: float | None = None
    path: Path = field(default_factory=Path)


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
            tensors; or the path of a checkpoint, as for ``read_checkpoint``.

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
    return read_checkpoint(source).tensors


def read_checkpoint(path: str | os.PathLike[str]) -> Held:
    """Tensors, step and epoch of a checkpoint.

    Args:
        path: a ``.safetensors`` file; a file that ``torch.save`` wrote (a ``state_dict``, or a
            dictionary that holds one as ``state_dict``, ``model_state_dict``, ``model`` or
            ``module``, as Lightning's checkpoints do); a folder in the layout of Hugging Face's
            ``save_pretrained``, in one file or in shards; or a folder that
            ``torch.distributed.checkpoint`` wrote, by any number of processes. A pattern such as
            ``runs/a/*.ckpt`` means the match that was written last.

    A checkpoint that is being written at this moment is tried once more half a second later.

    Raises:
        FileNotFoundError: nothing at this path, or no weights in this folder.
        ImportError: safetensors is not installed.
        ValueError: the file holds no tensors by name, is damaged or not complete, or cannot be
            read without running code.
    """
    try:
        return _read_unchanging(path)
    except (OSError, ValueError):
        found = newest_match(path, missing_ok=True)
        if found is None or not _was_written_lately(found):
            raise
        time.sleep(_PATIENCE)
        return _read_unchanging(path)


def newest_match(path: str | os.PathLike[str], *, missing_ok: bool = False) -> Path | None:
    """The path itself if there is something, or else the match of a pattern written last.

    Raises:
        FileNotFoundError: nothing is there; with ``missing_ok`` the answer is None.
    """
    exact = Path(path)
    if exact.exists():
        return exact
    matches = matches_of(path)
    if matches:
        # By time and then by name, in which numbers count as such.
        return max(matches, key=lambda match: (_written(match), natural_key(match.name)))
    if missing_ok:
        return None
    where = f"matches {str(path)!r}" if glob.has_magic(os.fspath(path)) else f"at {str(path)!r}"
    raise FileNotFoundError(f"There is no checkpoint {where}.")


def matches_of(pattern: str | os.PathLike[str]) -> list[Path]:
    """What matches a pattern, in an order in which numbers count as such; empty if it is none."""
    text = os.fspath(pattern)
    if not glob.has_magic(text):
        return []
    found = [Path(match) for match in glob.glob(text, recursive=True)]  # noqa: PTH207  # may be absolute
    return sorted(found, key=lambda match: natural_key(str(match)))


def natural_key(text: str) -> list[tuple[int, int, str]]:
    """A key by which names sort as people count: ``step 9`` before ``step 10``."""
    parts = re.split(r"([0-9]+)", text)
    return [(1, int(part), "") if part.isdigit() else (0, 0, part) for part in parts]


def is_checkpoint(path: Path) -> bool:
    """Whether this looks like a checkpoint: by its name a file, by what it holds a folder."""
    if path.is_dir():
        names = [*_FOLDER_FILES, *(f"{name}.index.json" for name in _FOLDER_FILES)]
        return any((path / name).is_file() for name in [_DISTRIBUTED_INDEX, *names])
    return path.suffix in _SUFFIXES and path.is_file()


def step_and_epoch(path: Path) -> tuple[int | None, float | None]:
    """Step and epoch that a checkpoint names, without reading its tensors; None where it does not.

    Raises:
        FileNotFoundError, ImportError, ValueError: as ``read_checkpoint``.
    """
    if path.is_dir():
        return _counts_of_folder(path)
    if not path.exists():
        raise FileNotFoundError(f"There is no checkpoint at {str(path)!r}.")
    if path.suffix == ".safetensors":
        return _counts_in(_safetensors_notes(path))
    return _counts_in(_load(path, lazily=True))


def fitted(
    found: Mapping[str, Tensor], model: nn.Module, whose: str, *, strict: bool = True
) -> dict[str, Tensor]:
    """The tensors of a checkpoint under the names of a model's own parameters and buffers.

    Prefixes of wrappers are taken off where that makes the names fit. A parameter that stands under
    several names, as tied weights do, need be there under one of them.

    Args:
        found: as ``read_tensors`` gives it.
        model: whose names and shapes count.
        whose: what an error calls the checkpoint.
        strict: whether names that are missing or unexpected are an error.

    Raises:
        ValueError: names that are missing or unexpected, or another shape; the message lists the
            first of them.
    """
    own = {
        name: tensor
        for name, tensor in model.state_dict(keep_vars=True).items()
        if isinstance(tensor, Tensor)  # extra states are anything
    }
    tied: dict[int, list[str]] = {}
    for name, tensor in own.items():
        tied.setdefault(id(tensor), []).append(name)
    needed = list(tied.values())
    here = _best_names(found, needed, own)
    result: dict[str, Tensor] = {}
    missing = []
    for names in needed:
        present = [name for name in names if name in here]
        if present:
            result |= dict.fromkeys(names, here[present[0]])
            result |= {name: here[name] for name in present}
        else:
            missing.append(names[0])
    unexpected = [name for name in here if name not in own]
    if strict and (missing or unexpected):
        parts = [f"{_listed(missing)} missing"] if missing else []
        parts += [f"{_listed(unexpected)} unexpected"] if unexpected else []
        raise ValueError(
            f"{whose} does not fit the model: {'; '.join(parts)}. It holds {len(here)} tensors, "
            f"the model {len(own)}. Build the model that it was saved from."
        )
    if not result:
        raise ValueError(f"{whose} has no name in common with the model: {_listed(list(here))}.")
    for name, tensor in result.items():
        if tensor.shape != own[name].shape:
            raise ValueError(
                f"{whose} does not fit the model: {name!r} has shape {tuple(tensor.shape)}, "
                f"expected {tuple(own[name].shape)}. Build the model that it was saved from."
            )
    return result


def load_into(model: nn.Module, tensors: Mapping[str, Tensor]) -> None:
    """Write tensors into a model's own, by name, on its devices and in its dtypes."""
    own = model.state_dict(keep_vars=True)
    with torch.no_grad():
        for name, tensor in tensors.items():
            own[name].copy_(tensor)


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
    found = without_prefixes(read_tensors(source), parameters)
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
    found = without_prefixes(read_tensors(source), parameters)
    return {
        name: found[name].detach().to(buffer)
        for name, buffer in known.items()
        if name in found and found[name].shape == buffer.shape
    }


def signature(path: Path) -> tuple[object, ...]:
    """Changes whenever a checkpoint is written anew: times, sizes and numbers of its files."""
    files = [path] if path.is_file() else sorted(p for p in path.iterdir() if p.is_file())
    stats = [(file.name, file.stat()) for file in files]
    return (str(path), *((name, s.st_mtime_ns, s.st_size, s.st_ino) for name, s in stats))


def _written(path: Path) -> int:
    """When a checkpoint was written last, in nanoseconds; of a folder, its youngest file."""
    try:
        if path.is_dir():
            return max((p.stat().st_mtime_ns for p in path.iterdir() if p.is_file()), default=0)
        return path.stat().st_mtime_ns
    except OSError:  # removed since it was listed, as trainers do with their oldest
        return 0


def _was_written_lately(path: Path) -> bool:
    return time.time_ns() - _written(path) < 60e9


def _read_unchanging(path: str | os.PathLike[str]) -> Held:
    """What a checkpoint holds, if nobody wrote to it meanwhile."""
    found = newest_match(path)
    assert found is not None
    before = signature(found)
    held = _read_path(found)
    if signature(found) != before:
        raise ValueError(
            f"{str(found)!r} changed while it was read: it is being written. Write checkpoints "
            "under another name and rename them when they are complete."
        )
    return held


def _read_path(path: Path) -> Held:
    if path.is_dir():
        return _read_folder(path)
    if path.suffix == ".safetensors":
        return Held(_safetensors(path), *_counts_in(_safetensors_notes(path)), path)
    held = _load(path)
    return Held(_tensors_in(held, repr(path.name)), *_counts_in(held), path)


def _load(path: Path, *, lazily: bool = False) -> Any:
    """What ``torch.save`` wrote; ``lazily``, if the tensors themselves are not looked at.

    Tensors that are looked at are never mapped: a file that is cut short while it is mapped ends
    the whole process.
    """
    options = {"map_location": "cpu", "weights_only": True}
    try:
        try:
            return torch.load(path, mmap=lazily, **options)  # type: ignore[arg-type]  # one mapping of all
        except RuntimeError as error:
            if not lazily or "mmap" not in str(error):
                raise
            return torch.load(path, **options)  # type: ignore[arg-type]  # as above; the old format
    except Exception as error:
        raise ValueError(
            f"{str(path)!r} cannot be read as a checkpoint without running code from it "
            f"({type(error).__name__}: {str(error).partition('.')[0]}). Either it is not complete, "
            "or it holds more than tensors. Save the state_dict alone: "
            "torch.save(model.state_dict(), path)."
        ) from error


def _safetensors(path: Path) -> dict[str, Tensor]:
    try:
        from safetensors import SafetensorError
        from safetensors.torch import load
    except ImportError as error:
        raise ImportError(
            f"Reading {path.name!r} needs safetensors: pip install 'pysclice[science]'."
        ) from error
    try:
        # Read and not mapped, for the same reason as above.
        return load(path.read_bytes())
    except (SafetensorError, ValueError, KeyError) as error:
        raise ValueError(
            f"{str(path)!r} is no complete safetensors file ({error}). Save it again."
        ) from error


def _safetensors_notes(path: Path) -> dict[str, Any]:
    """The notes in a file's header; empty where there are none or they make no sense."""
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if not 0 < length <= path.stat().st_size:
            return {}
        try:
            header = json.loads(file.read(length))
        except (ValueError, RecursionError):
            return {}
    notes = header.get("__metadata__") if isinstance(header, dict) else None
    if not isinstance(notes, dict):
        return {}
    numbers = {key: str(value) for key, value in notes.items()}
    return {k: int(v) for k, v in numbers.items() if re.fullmatch(r"[0-9]{1,10}", v)}


def _read_folder(path: Path) -> Held:
    if (path / _DISTRIBUTED_INDEX).is_file():
        # A module of its own, since few need it and torch.distributed takes long to import.
        from pysclice.core.distributed_checkpoints import read_distributed

        tensors, numbers = read_distributed(path)
        return Held(_tensors_in(tensors, repr(path.name)), *_counts_in(numbers), path)
    counts = _counts_of_folder(path)
    for name in _FOLDER_FILES:
        if (path / name).is_file():
            return Held(_read_path(path / name).tensors, *counts, path)
        index = path / f"{name}.index.json"
        if index.is_file():
            parts = [_read_path(shard).tensors for shard in _shards(index)]
            return Held({k: t for part in parts for k, t in part.items()}, *counts, path)
    raise FileNotFoundError(
        f"The folder {str(path)!r} holds none of {', '.join(_FOLDER_FILES)}, alone or in shards, "
        f"nor {_DISTRIBUTED_INDEX}."
    )


def _shards(index: Path) -> Iterator[Path]:
    try:
        weight_map = json.loads(index.read_text(encoding="utf-8"))["weight_map"]
        names = {str(shard) for shard in weight_map.values()}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError(
            f"{str(index)!r} is no index of shards ({type(error).__name__}: {error}). Save the "
            "model again: model.save_pretrained(folder)."
        ) from error
    for name in sorted(names):
        # Names out of a file: a path that leads elsewhere is no shard of this folder.
        shard = index.parent / Path(name).name
        if not shard.is_file():
            raise FileNotFoundError(
                f"{index.name!r} names the shard {name!r}, which is not in {str(index.parent)!r}."
            )
        yield shard


def _counts_of_folder(path: Path) -> tuple[int | None, float | None]:
    if (path / _DISTRIBUTED_INDEX).is_file():
        from pysclice.core.distributed_checkpoints import read_counts

        return _counts_in(read_counts(path))
    state = path / _TRAINER_STATE
    if not state.is_file():
        return None, None
    try:
        return _counts_in(json.loads(state.read_text(encoding="utf-8")))
    except (ValueError, RecursionError):  # what the trainer notes beside the weights is a help only
        return None, None


def _counts_in(held: Any) -> tuple[int | None, float | None]:
    """Step and epoch among what a checkpoint holds."""
    if not isinstance(held, Mapping):
        return None, None
    step = next((n for n in (_number(held.get(key)) for key in _STEP_KEYS) if n is not None), None)
    epoch = _number(held.get("epoch"))
    whole = step is not None and step >= 0 and step == int(step)
    return (int(step) if step is not None and whole else None), epoch


def _number(value: Any) -> float | None:
    if isinstance(value, Tensor):
        if value.numel() != 1 or value.is_complex():
            return None
        value = value.item()
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return value if abs(value) < 1e15 else None


def _tensors_in(held: Any, label: str) -> dict[str, Tensor]:
    if isinstance(held, Mapping):
        # A dictionary of a training loop may hold a number as a tensor beside the state_dict.
        for key in STATE_KEYS:
            inner = held.get(key)
            if isinstance(inner, Mapping) and any(isinstance(v, Tensor) for v in inner.values()):
                return _tensors_in(inner, f"{label}[{key!r}]")
        tensors = {str(name): value for name, value in held.items() if isinstance(value, Tensor)}
        if tensors:
            return tensors
        for key in STATE_KEYS:
            if isinstance(held.get(key), Mapping):
                return _tensors_in(held[key], f"{label}[{key!r}]")
        what = f"a dictionary with the keys {sorted(map(str, held))[:8]}"
    else:
        what = f"a {type(held).__name__}"
    raise ValueError(
        f"{label} holds {what}, expected tensors by name, or a dictionary with one of "
        f"{', '.join(STATE_KEYS)}."
    )


def _candidates(tensors: Mapping[str, Tensor]) -> Iterator[dict[str, Tensor]]:
    """The tensors, and what is left of them below the prefixes of wrappers, few prefixes first."""
    waiting = [dict(tensors)]
    # A part of a model may be compiled, too, and then has the prefix inside of its names.
    waiting += [{name.replace(f".{_COMPILED}", "."): t for name, t in tensors.items()}]
    seen: set[frozenset[str]] = set()
    while waiting:
        candidate = waiting.pop(0)
        names = frozenset(candidate)
        if names in seen:
            continue
        seen.add(names)
        yield candidate
        for prefix in _PREFIXES:
            below = {
                n.removeprefix(prefix): t for n, t in candidate.items() if n.startswith(prefix)
            }
            if below:
                waiting.append(below)


def without_prefixes(tensors: dict[str, Tensor], names: Iterable[str]) -> dict[str, Tensor]:
    """The tensors without the prefixes of wrappers, if all names are found only then."""
    wanted = set(names)
    return next((c for c in _candidates(tensors) if wanted <= c.keys()), tensors)


def _best_names(
    tensors: Mapping[str, Tensor], needed: list[list[str]], own: Mapping[str, Tensor]
) -> dict[str, Tensor]:
    """The tensors without prefixes, if that makes the names fit; else as they are, or nearly."""
    everything = list(_candidates(tensors))
    for candidate in everything:
        if all(any(name in candidate for name in names) for names in needed):
            return candidate
    # For the error, the names that come closest: a wrapper's prefix is not what is wrong.
    return max(everything, key=lambda candidate: sum(name in own for name in candidate))


def _listed(names: list[str]) -> str:
    shown = ", ".join(map(repr, names[:_NAMES_SHOWN]))
    more = len(names) - _NAMES_SHOWN
    return f"{shown} and {more} more" if more > 0 else shown
