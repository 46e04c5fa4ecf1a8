"""Which checkpoints there are, and in which order: by their steps."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from pysclice.core.checkpoints import is_checkpoint, matches_of, natural_key, step_and_epoch
from pysclice.events import MAX_STEP


@dataclass(frozen=True)
class Stored:
    """A checkpoint on the disk.

    Attributes:
        path: a file or a folder.
        step: training step of its slices.
        epoch: epoch of its slices, if the checkpoint names it.
    """

    path: Path
    step: int
    epoch: float | None = None


def found_checkpoints(
    given: Sequence[str | os.PathLike[str]], step: int | None = None
) -> tuple[list[Stored], list[str]]:
    """The checkpoints that are meant, in the order of their steps, and what was left out.

    A step is that in the file's content (``global_step``, ``step``), or else the last number in its
    name, or else its place.

    Args:
        given: files and folders of checkpoints, folders that hold some, and patterns.
        step: of a single checkpoint, if not its own.

    Returns:
        The checkpoints; and a sentence for each that has the step of another one in its folder.

    Raises:
        FileNotFoundError: nothing is there, or nothing matches.
        ValueError: a step for several checkpoints; a step that is too large; two checkpoints of
            different folders with the same step.
    """
    paths = list(dict.fromkeys(path for one in given for path in _paths_of(one)))
    if step is not None:
        if len(paths) != 1:
            raise ValueError(
                f"--step goes with one checkpoint, but there are {len(paths)}. Leave it out: steps "
                "are read from the files, or their names."
            )
        return [Stored(paths[0], _checked(step, paths[0]), _counts(paths[0])[1])], []
    stored = []
    for place, path in enumerate(paths):
        inside, epoch = _counts(path)
        number = next(n for n in (inside, _number_in(path), place) if n is not None)
        stored.append(Stored(path, _checked(number, path), epoch))
    return _without_doubles(sorted(stored, key=lambda one: one.step))


def _paths_of(given: str | os.PathLike[str]) -> Iterable[Path]:
    path = Path(given)
    if path.is_dir() and not is_checkpoint(path):
        inside = sorted(path.iterdir(), key=lambda child: natural_key(child.name))
        found = [child for child in inside if is_checkpoint(child)]
        if not found:
            raise FileNotFoundError(
                f"The folder {str(path)!r} is no checkpoint and holds none (.pt, .pth, .ckpt, "
                ".bin, .safetensors, or folders of Hugging Face and torch.distributed.checkpoint)."
            )
        return found
    if path.exists():
        return [path]
    matches = matches_of(given)
    if not matches:
        raise FileNotFoundError(f"There is no checkpoint at {str(given)!r}.")
    return matches


def _counts(path: Path) -> tuple[int | None, float | None]:
    try:
        return step_and_epoch(path)
    except (ImportError, OSError, ValueError):
        # Told when its turn comes to be sliced; until then it costs no other its slices.
        return None, None


def _number_in(path: Path) -> int | None:
    numbers = re.findall(r"[0-9]+", path.name if path.is_dir() else path.stem)
    return int(numbers[-1]) if numbers else None


def _checked(step: int, path: Path) -> int:
    if not 0 <= step <= MAX_STEP:
        raise ValueError(
            f"The step of {str(path)!r} is {step}, expected 0 to {MAX_STEP}. Give it by --step."
        )
    return step


def _without_doubles(stored: list[Stored]) -> tuple[list[Stored], list[str]]:
    """One checkpoint a step: ``last.ckpt`` is a copy of the one that has a number."""
    kept: dict[int, Stored] = {}
    left_out = []
    for one in stored:
        other = kept.setdefault(one.step, one)
        if other is one:
            continue
        if other.path.parent != one.path.parent:
            raise ValueError(
                f"{str(other.path)!r} and {str(one.path)!r} both have step {one.step}. Slice them "
                "as runs of their own: one command each, with --run."
            )
        # A number in the name says more than `last` or `best`.
        if _number_in(other.path) is None and _number_in(one.path) is not None:
            kept[one.step], one, other = one, other, one
        left_out.append(f"{one.path.name} has the same step as {other.path.name}, and is left out.")
    return list(kept.values()), left_out
