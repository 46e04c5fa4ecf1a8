"""Folders that ``torch.distributed.checkpoint`` wrote, read by one process and without code.

Two things in such a folder are pickled. The index, ``.metadata``, is opened by an unpickler that
knows the few classes an index is made of; whatever else a training loop put beside its tensors is
asked for by name, and read with ``weights_only=True``.
"""

from __future__ import annotations

import io
import pickle
from collections.abc import Mapping
from pathlib import Path, PurePath
from typing import Any

import torch
from torch.distributed.checkpoint.default_planner import DefaultLoadPlanner
from torch.distributed.checkpoint.filesystem import FileSystemReader
from torch.distributed.checkpoint.metadata import (
    BytesStorageMetadata,
    Metadata,
    TensorStorageMetadata,
)
from torch.distributed.checkpoint.planner import ReadItem

from pysclice.core.checkpoints import STATE_KEYS

# Classes that an index of plain data is made of, in all versions of torch that are supported.
_CLASSES = {
    "torch.distributed.checkpoint.metadata": {
        "BytesStorageMetadata",
        "ChunkStorageMetadata",
        "Metadata",
        "MetadataIndex",
        "StorageMeta",
        "TensorProperties",
        "TensorStorageMetadata",
        "_MEM_FORMAT_ENCODING",
    },
    "torch.distributed.checkpoint.filesystem": {"_StorageInfo"},
    "torch": {"Size"},
    "torch.serialization": {"_get_layout"},
    "collections": {"OrderedDict"},
    "pathlib": {"PosixPath", "WindowsPath", "PurePosixPath", "PureWindowsPath"},
    "pathlib._local": {"PosixPath", "WindowsPath", "PurePosixPath", "PureWindowsPath"},
}
_COUNTS = ("global_step", "step", "epoch")


def read_distributed(folder: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """The model's tensors in such a folder, whole, and the counts that stand beside them.

    Returns:
        name -> tensor; and what there is of ``global_step``, ``step`` and ``epoch``.

    Raises:
        ValueError: the index or a file is damaged, or would run code.
    """
    reader, metadata = _opened(folder)
    names = _names_of_model(metadata)
    wanted: dict[str, Any] = {}
    for key in names:
        stored = metadata.state_dict_metadata[key]
        assert isinstance(stored, TensorStorageMetadata)
        wanted[key] = torch.empty(stored.size, dtype=stored.properties.dtype)
    _read(folder, reader, wanted)
    return {names[key]: tensor for key, tensor in wanted.items()}, read_counts(folder)


def read_counts(folder: Path) -> dict[str, Any]:
    """What there is of ``global_step``, ``step`` and ``epoch``, by name; reads no other tensor.

    Raises:
        ValueError: the index or a file is damaged, or would run code.
    """
    reader, metadata = _opened(folder)
    wanted: dict[str, Any] = {}
    for key, stored in metadata.state_dict_metadata.items():
        if key not in _COUNTS:
            continue
        if isinstance(stored, BytesStorageMetadata):
            wanted[key] = None
        elif stored.size.numel() == 1:
            wanted[key] = torch.empty(stored.size, dtype=stored.properties.dtype)
    if wanted:
        _read(folder, reader, wanted)
    return wanted


class _IndexUnpickler(pickle.Unpickler):
    """Makes what an index is made of, and refuses everything else."""

    def find_class(self, module: str, name: str) -> Any:
        if name in _CLASSES.get(module, ()):
            return super().find_class(module, name)
        if module == "torch" and isinstance(getattr(torch, name, None), torch.dtype):
            return getattr(torch, name)
        raise pickle.UnpicklingError(f"{module}.{name} has no place in an index")


class _Reader(FileSystemReader):
    """The reader of torch, with an index that was opened by the unpickler above."""

    def __init__(self, folder: Path, index: Metadata) -> None:
        super().__init__(folder)
        self._index = index

    def read_metadata(self, *_: Any, **__: Any) -> Metadata:
        return self._index


class _Planner(DefaultLoadPlanner):
    """The planner of torch, which reads what is no tensor without running code."""

    def __init__(self) -> None:
        # Names are asked for as the index has them: nothing is nested here.
        super().__init__(flatten_state_dict=False, flatten_sharded_tensors=False)

    def load_bytes(self, read_item: ReadItem, value: io.BytesIO) -> None:
        name = read_item.dest_index.fqn
        self.state_dict[name] = torch.load(value, map_location="cpu", weights_only=True)


def _opened(folder: Path) -> tuple[FileSystemReader, Metadata]:
    index = folder / ".metadata"
    try:
        with index.open("rb") as file:
            metadata = _IndexUnpickler(file).load()
        _check(metadata, folder)
    except Exception as error:
        raise ValueError(
            f"{str(index)!r} cannot be read as the index of a distributed checkpoint without "
            f"running code from it ({type(error).__name__}: {error}). Save the checkpoint again."
        ) from error
    return _Reader(folder, metadata), metadata


def _check(metadata: object, folder: Path) -> None:
    """Nothing, if the index is one, and leads to files of its own folder, as large as needed."""
    if not isinstance(metadata, Metadata) or not isinstance(metadata.state_dict_metadata, Mapping):
        raise ValueError(f"it holds a {type(metadata).__name__}")
    if not isinstance(metadata.storage_data, Mapping):
        raise ValueError("it names no files")
    for info in metadata.storage_data.values():
        relative = PurePath(str(info.relative_path))
        if relative.is_absolute() or ".." in relative.parts:
            raise ValueError(f"it leads out of its folder, to {str(relative)!r}")
        file = folder / relative
        if not file.is_file() or file.stat().st_size < info.offset + info.length:
            raise ValueError(f"the file {str(relative)!r} is missing or not complete")
    for name, stored in metadata.state_dict_metadata.items():
        if isinstance(stored, TensorStorageMetadata):
            # A tensor of petabytes would have to come out of nothing.
            if stored.size.numel() > sum(chunk.sizes.numel() for chunk in stored.chunks):
                raise ValueError(f"the tensor {name!r} is larger than its parts")
        elif not isinstance(stored, BytesStorageMetadata):
            raise ValueError(f"{name!r} is a {type(stored).__name__}")


def _names_of_model(metadata: Metadata) -> dict[str, str]:
    """The model's tensors: name in the index -> name in the model.

    A training loop saves ``{"model": ..., "optimizer": ...}``; the index remembers how these were
    nested, so the optimizer's tensors are not even read.
    """
    tensors = {
        name
        for name, stored in metadata.state_dict_metadata.items()
        if isinstance(stored, TensorStorageMetadata)
    }
    nested = metadata.planner_data if isinstance(metadata.planner_data, Mapping) else {}
    paths = {name: tuple(nested.get(name, (name,))) for name in tensors}
    for key in STATE_KEYS:
        below = {
            n: ".".join(map(str, p[1:])) for n, p in paths.items() if len(p) > 1 and p[0] == key
        }
        if below:
            return below
    return {name: name for name in tensors}


def _read(folder: Path, reader: FileSystemReader, wanted: dict[str, Any]) -> None:
    try:
        # The steps of `checkpoint.load`, by one process: that would talk to all processes of a
        # training that reads this beside its own work, and wait for them.
        planner = _Planner()
        metadata = reader.read_metadata()
        planner.set_up_planner(wanted, metadata, is_coordinator=True)
        reader.set_up_storage_reader(metadata, True)
        plan = reader.prepare_local_plan(planner.create_local_plan())
        [plan] = reader.prepare_global_plan(planner.create_global_plan([plan]))
        reader.read_data(planner.finish_plan(plan), planner).wait()
    except Exception as error:
        raise ValueError(
            f"The distributed checkpoint {str(folder)!r} cannot be read "
            f"({type(error).__name__}: {str(error).strip().splitlines()[-1][:300]}). Save it again."
        ) from error
