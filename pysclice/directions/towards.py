"""The direction to another point in parameter space."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from torch import Tensor

from pysclice.core.checkpoints import (
    Held,
    Source,
    check_source,
    newest_match,
    read_buffers,
    read_checkpoint,
    read_parameters,
    signature,
)
from pysclice.core.parameters import Parameters, bits_fingerprint, direction_dtype
from pysclice.core.sharding import local, part_of, sharded_as
from pysclice.core.surface import LossSurface
from pysclice.directions.composition import Composable


@dataclass(frozen=True, eq=False)
class Towards(Composable):
    """The difference between another point and the focus point: coordinate 1 is the other point.

    Linear interpolation (Goodfellow et al. 2015, arXiv:1412.6544) is a line along it. Where the
    other point brings floating-point buffers along (a module or a ``state_dict`` with BatchNorm's
    statistics), these move with the parameters, so that coordinate 1 is that network; beyond the
    ends, each stays within the range that its ends span.

    **A checkpoint's path** makes a reference point that several runs can share: the axis names the
    file and, if the file does, its step, and its fingerprint is that of the file's tensors. The
    file is read again only after it has changed. A pattern such as ``"runs/a/*.ckpt"`` means the
    match that was written last, looked up anew for every slice: so one run can look at another one
    that trains at the same time. A file that is being written just then is tried once more half a
    second later; if it still is, this slice fails, which a logger tells as a warning.

    Args:
        other: the other point: a module of the same architecture, a ``state_dict``, a dictionary
            from parameter names to tensors, or the path of a checkpoint (``.safetensors``, a file
            of ``torch.save``, a folder of Hugging Face or of ``torch.distributed.checkpoint``, or a
            pattern). Modules and files are read when the slice is taken.
        name: label of the axis.

    Raises:
        TypeError: another kind of point.

    Example:
        >>> line = surface.slice(ps.Line(ps.Towards(other), span=(0, 1), samples=5))
        >>> there = ps.LossSurface(other, nn.CrossEntropyLoss(), (inputs, targets))
        >>> bool(abs(line.losses[0, 0, -1] - there(there.parameters())["train/loss"]) < 1e-6)
        True
        >>> torch.save({"step": 300, "model": other.state_dict()}, "other.ckpt")
        >>> newest = surface.slice(ps.Line(ps.Towards("*.ckpt"), span=(0, 1), samples=5))
        >>> newest.axes[0].description
        'Straight line to other.ckpt, step 300 (content ...); coordinate 1 is that point'
    """

    other: Source
    name: str = "towards other"
    _latest: _Latest = field(default_factory=lambda: _Latest(), init=False, repr=False)

    method = "linear interpolation"

    def __post_init__(self) -> None:
        check_source(self.other, "Towards")

    @property
    def description(self) -> str:
        """A sentence about the direction; of a file, the one that was read last."""
        where = "another point"
        if self._latest.held is not None:
            where = f"{self._latest.label} (content {self._latest.fingerprint})"
        elif isinstance(self.other, str | os.PathLike):
            where = Path(self.other).name
        return f"Straight line to {where}; coordinate 1 is that point"

    @property
    def recipe(self) -> Mapping[str, Any] | None:
        """What determines the other point, if it is a file's: its content as it was read last."""
        if self._latest.held is None:
            return None
        return {"direction": "towards", "content": self._latest.fingerprint}

    def notes(self, surface: LossSurface, parameters: Parameters) -> dict[str, Any]:
        """Of a file: its path, its step if it names one, and the fingerprint of its content."""
        held = self._latest.held
        if held is None:
            return {}
        found = {"file": str(held.path), "step": held.step, "fingerprint": self._latest.fingerprint}
        return {key: value for key, value in found.items() if value is not None}

    def __call__(self, surface: LossSurface, parameters: Parameters) -> Parameters:
        """``other - parameters``, a tensor for each parameter.

        Raises:
            ValueError: the other point lacks a parameter, or has it in another shape; a file that
                is damaged, being written, or would run code.
            FileNotFoundError: there is no checkpoint at the path.
        """
        other = read_parameters(self.other_point(surface), parameters, "The other point")
        result: Parameters = {}
        for name, here in parameters.items():
            dtype = direction_dtype(here.dtype)
            there = local(part_of(other[name], here)).to(dtype)
            result[name] = sharded_as(there - local(here).detach().to(dtype), here)
        return result

    def buffers(self, surface: LossSurface, parameters: Parameters) -> dict[str, Tensor]:
        """``other - current`` for the model's floating-point buffers that the other point has."""
        here = dict(surface.model.named_buffers())
        there = read_buffers(self.other_point(surface), surface.model, parameters)
        return {name: tensor - here[name].detach() for name, tensor in there.items()}

    def other_point(self, surface: LossSurface) -> Source:
        """The other point; of a file, its tensors, which stay the same all through a slice."""
        if not isinstance(self.other, str | os.PathLike):
            return self.other
        path = self.other
        held: Held = surface.once(("towards", id(self)), lambda: self._latest.read(path))
        return held.tensors


class _Latest:
    """What was read of a file last, until the file changes."""

    def __init__(self) -> None:
        self.held: Held | None = None
        self.fingerprint = ""
        self._signature: tuple[object, ...] | None = None

    def __getstate__(self) -> dict[str, Any]:
        # Another process reads the file itself.
        return {"held": None, "fingerprint": "", "_signature": None}

    @property
    def label(self) -> str:
        """The file's name, with the folder's where runs name their files alike, and its step."""
        assert self.held is not None
        path, step = self.held.path, self.held.step
        return "/".join(path.parts[-2:]) + ("" if step is None else f", step {step}")

    def read(self, path: str | os.PathLike[str]) -> Held:
        """The checkpoint at this path, as it is now."""
        found = newest_match(path)
        assert found is not None
        now = signature(found)
        if self.held is None or now != self._signature:
            held = read_checkpoint(path)
            # Of what was read, even if a newer one has come up since.
            self._signature = now if held.path == found else None
            self.fingerprint = bits_fingerprint(held.tensors)
            self.held = held
        return self.held
