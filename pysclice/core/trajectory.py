"""The path of the parameters over training: kept evenly, on disk, and seen from a slice's axes."""

from __future__ import annotations

import operator
import os
from collections.abc import Mapping, Sequence
from typing import cast

import numpy as np
import torch
from torch import Tensor, nn

from pysclice.core.checkpoints import read_tensors, without_prefixes
from pysclice.core.evenly import Evenly
from pysclice.core.inner_products import chunk_for, flat, in_float64, inner, inner_product
from pysclice.core.normalization import Filters, filters_of
from pysclice.core.parameters import Direction, Parameters
from pysclice.core.surface import LossSurface
from pysclice.core.trajectory_files import TrajectoryFiles
from pysclice.core.trajectory_layout import MOST_ROWS, Drawn, Layout, draw_key
from pysclice.slices import Float64, ProjectedTrajectory

_DRAW_BYTES = 2**26  # draws that are kept in memory from one step to the next

# An axis is taken for one of the draws if it differs by less, in squared length.
_SAME = 1e-10


class Trajectory:
    """Records the path of the parameters during training, and projects it onto a slice's axes.

    Kept on disk are *snapshots*, whole copies of the parameters, at a bounded number of steps that
    cover the run evenly; and for each of ``directions`` the inner products with the parameters
    at up to 2,000 steps. These are summed up filter by filter before any normalization, which is
    what makes them exact at every later focus point: a normalization only weighs the filters.

    Training comes out bit for bit as without it. A disk that fails is told as a warning and does
    not end the training. Record in one process only: under DistributedDataParallel, on one rank.

    Args:
        directory: where to record, or what to read. Recording in a directory that holds a path
            goes on with it. Recording a step that is not after the last one says that training
            was resumed: the steps from there on are moved to ``directory/previous``, in the place
            of what an earlier resumption left there.
        snapshots: most snapshots to keep, 0 or at least 2. When there are more, every second one is
            deleted (the first and the last stay) and the spacing doubles. Each takes the bytes of
            the parameters; a slice with a trajectory reads all of them once.
        directions: directions drawn from a seed, such as ``Random(0)``, to project on at each
            recorded step. Only needed for steps without a snapshot.
        every: steps between two recorded ones at the beginning; the first is always recorded.

    Raises:
        TypeError: directions that are not drawn from a seed.
        ValueError: numbers that make no sense.

    Example:
        >>> axes = ps.Random(0), ps.Random(1)
        >>> trajectory = ps.Trajectory("runs/mlp/trajectory", directions=axes)
        >>> optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        >>> for step in range(20):
        ...     trajectory.record(step, surface)
        ...     optimizer.zero_grad()
        ...     nn.functional.cross_entropy(model(inputs), targets).backward()
        ...     optimizer.step()
        >>> trajectory
        <Trajectory 'runs/mlp/trajectory', 20 steps from 0 to 19, 20 snapshots>
        >>> plane = surface.slice(ps.Plane(*axes, samples=3, trajectory=trajectory))
        >>> plane.trajectory.coordinates.shape
        (2, 20)
    """

    def __init__(
        self,
        directory: str | os.PathLike[str],
        *,
        snapshots: int = 100,
        directions: Sequence[Drawn] = (),
        every: int = 1,
    ) -> None:
        if not _is_count(snapshots) or snapshots == 1 or snapshots < 0:
            raise ValueError(f"snapshots is {snapshots!r}, expected 0 or at least 2.")
        if not _is_count(every) or every < 1:
            raise ValueError(f"every is {every!r}, expected a whole number of at least 1.")
        if not isinstance(directions, Sequence):
            raise TypeError(
                f"directions is a {type(directions).__name__}, expected several: (Random(0), ...)."
            )
        for direction in directions:
            if not hasattr(direction, "drawn"):
                raise TypeError(
                    f"{type(direction).__name__} is not drawn from a seed. Name here only those "
                    "that are, such as Random(0); others are projected on from the snapshots."
                )
        self.directory = os.fspath(directory)
        self.directions = tuple(directions)
        self._files = TrajectoryFiles(directory)
        self._limit = snapshots
        self._every = every
        self._layout: Layout | None = None
        self._kept: tuple[Evenly, Evenly] | None = None  # snapshots, rows; None: read them anew
        self._draws: dict[tuple[str, str], Tensor] = {}
        self._draw_bytes = 0

    def record(
        self,
        step: int,
        parameters: LossSurface | nn.Module | Mapping[str, Tensor] | str | os.PathLike[str],
        *,
        always: bool = False,
    ) -> None:
        """Keep the parameters at this step, if one is due: call it at every step.

        Args:
            step: training step, at least 0.
            parameters: the surface or the module in training; or parameters by name, as in a
                checkpoint (names beyond those recorded first are left out); or the path of a
                checkpoint in any form that ``Towards`` takes, to record a path afterwards. Record
                the module first, which says what its parameters are and what its buffers.
            always: keep this step even if none is due, such as the last one.

        Raises:
            TypeError: a step or parameters of the wrong kind.
            ValueError: the directory holds the path of another model or other directions; a
                checkpoint that cannot be read.
            FileNotFoundError: there is no checkpoint at the path.
        """
        step = _checked_step(step)
        if isinstance(parameters, str | os.PathLike):
            parameters = self._read(parameters)
        try:
            if self._layout is None:
                # Another model's path has to be refused before any of it is moved away.
                self._recorded(parameters)
            snapshots, rows = self._prepared(step)
        except OSError as error:
            self._tell(error)
            return
        with_snapshot, with_row = (even.wants(step, always) for even in (snapshots, rows))
        if not (with_snapshot or with_row):
            return
        with torch.no_grad():
            layout, tensors = self._recorded(parameters)
            rows.limit = layout.row_limit(self._limit)
            # Asked of the device before anything is written: its errors are not the disk's.
            numbers = self._products(layout, tensors) if with_row else None
            copies = {n: _for_file(t) for n, t in tensors.items()} if with_snapshot else None
        try:
            if self._layout is None:
                self._files.remove_partial_files()
                self._files.write_layout(layout.to_json())
                self._layout = layout
            if numbers is not None:
                self._files.append_row(step, numbers)
                if rows.add(step):
                    steps, table = self._files.read_rows(layout.width)
                    stay = np.isin(steps, rows.steps)
                    self._files.write_rows(steps[stay], table[stay])
            if copies is not None:
                self._files.write_snapshot(step, copies)
                self._files.remove_snapshots(snapshots.add(step))
        except (OSError, RuntimeError) as error:  # torch.save tells of a full disk by the latter
            self._tell(error)

    @property
    def steps(self) -> tuple[int, ...]:
        """All recorded steps, with a snapshot or without, increasing."""
        snapshots, rows = self._found()
        return tuple(sorted({*snapshots.steps, *rows.steps}))

    @property
    def snapshot_steps(self) -> tuple[int, ...]:
        """The steps of which there is a snapshot, increasing."""
        return tuple(self._files.snapshot_steps())

    def snapshot(self, step: int) -> Parameters:
        """The parameters at one of ``snapshot_steps``, on the CPU, read from disk when needed.

        Raises:
            FileNotFoundError: there is no snapshot of this step.
        """
        return self._files.read_snapshot(step)

    def check(self, parameters: Direction) -> None:
        """Nothing, if these are parameters of the model that was recorded.

        Raises:
            ValueError: nothing was recorded yet, or of another model.
        """
        self._checked_layout(parameters)

    def project(
        self,
        focus: Parameters,
        axes: Sequence[Direction],
        *,
        directions: Sequence[object] = (),
        points: int = 1000,
    ) -> ProjectedTrajectory:
        """The path as it is seen from a focus point along some axes, by least squares.

        Reads every snapshot once, one at a time. Axes that are made of the draws of recorded
        directions, filter by filter, show all recorded steps; others those with a snapshot.

        Args:
            focus: the point that has coordinates 0.
            axes: the tensors of each axis; they need not be orthogonal.
            directions: where the axes come from; those drawn from a seed serve to read what was
                recorded, if ``self.directions`` lacks them.
            points: most steps of the result, at least 2; of more, evenly many, the first and the
                last among them.

        Raises:
            ValueError: nothing was recorded yet, or of another model, or nothing that these axes
                could be projected from.
        """
        if points < 2:
            raise ValueError(f"points is {points!r}, expected at least 2: the first and the last.")
        # What diverged is unknown, and no reason to warn.
        with torch.no_grad(), np.errstate(all="ignore"):
            layout = self._checked_layout(focus)
            products = self._row_products(layout, focus, axes, directions)
            squares: dict[int, float] = {}
            for step in self._files.snapshot_steps():
                try:
                    snapshot = self.snapshot(step)
                except FileNotFoundError:  # thinned away by a recording process since
                    continue
                squares[step], products[step] = _from_snapshot(snapshot, focus, axes)
            gram = np.array([[inner_product(first, second) for second in axes] for first in axes])
            if not products:
                raise ValueError(
                    f"{self!r} has no snapshots, and inner products only with other directions "
                    "than these axes. Keep snapshots, or name the axes' directions when recording."
                )
            return _projected(products, squares, gram, points)

    def __repr__(self) -> str:
        steps = self.steps
        path = f"{len(steps)} steps from {steps[0]} to {steps[-1]}" if steps else "nothing recorded"
        return f"<Trajectory {self.directory!r}, {path}, {len(self.snapshot_steps)} snapshots>"

    def _found(self) -> tuple[Evenly, Evenly]:
        """Steps of the snapshots and of the rows, as they are on the disk."""
        layout = self._stored_layout()
        width = 0 if layout is None else layout.width
        rows = self._files.read_rows(width)[0].tolist() if width else []
        limit = MOST_ROWS if layout is None else layout.row_limit(self._limit)
        return (
            Evenly(self._files.snapshot_steps(), self._limit, self._every),
            Evenly(rows, limit if self.directions else 0, self._every),
        )

    def _prepared(self, step: int) -> tuple[Evenly, Evenly]:
        """What is kept before this step; of a training that was resumed, the rest is moved away."""
        if self._kept is None:
            self._kept = self._found()
        last = max((even.steps[-1] for even in self._kept if even.steps), default=step)
        if last > step:
            layout = self._stored_layout()
            moved = self._files.set_aside(step, 0 if layout is None else layout.width)
            self._files.tell(
                f"Step {step} came after step {last} was recorded in {self.directory}: training "
                f"was resumed, so what was recorded from step {step} on is now in {moved}."
            )
            self._kept = self._found()
        return self._kept

    def _tell(self, error: Exception) -> None:
        self._kept = None
        self._files.tell(
            f"pysclice could not record the parameters in {self.directory}: "
            f"{type(error).__name__}: {error}. Training goes on."
        )

    def _stored_layout(self) -> Layout | None:
        stored = self._files.layout()
        return None if stored is None else Layout.from_json(stored, self.directory)

    def _read(self, path: str | os.PathLike[str]) -> dict[str, Tensor]:
        """The tensors of a checkpoint, under the names that are recorded if there are any yet."""
        stored = self._layout or self._stored_layout()
        tensors = read_tensors(path)
        return tensors if stored is None else without_prefixes(tensors, stored.shapes)

    def _recorded(
        self, given: LossSurface | nn.Module | Mapping[str, Tensor]
    ) -> tuple[Layout, Parameters]:
        """How parameters are recorded, and those of them that are."""
        stored = self._layout or self._stored_layout()
        module = given.model if isinstance(given, LossSurface) else given
        filters: dict[str, Filters] | None = None
        if isinstance(module, nn.Module):
            module = getattr(module, "_orig_mod", module)  # as LossSurface reads it
            tensors = dict(module.named_parameters())
            if self._layout is None:
                filters = filters_of(module)
            moving = {name: tensor for name, tensor in tensors.items() if tensor.requires_grad}
        elif isinstance(module, Mapping):
            # Checkpoints hold counters too, which are no parameters.
            tensors = {name: t for name, t in module.items() if _is_parameter(t)}
            moving = tensors if stored is None else {}
        else:
            raise TypeError(
                f"The parameters are a {type(given).__name__}, expected a LossSurface, a module or "
                "a dictionary from names to tensors."
            )
        if self._layout is None:
            layout = self._fitting_layout(stored, moving, filters)
        else:
            layout = self._layout
        layout.check(tensors, self.directory)
        late = [name for name in moving if name not in layout.shapes]
        if late:
            self._files.tell(
                f"Parameter {late[0]!r} and {len(late) - 1} more became trainable after recording "
                f"had begun in {self.directory}; their path is not recorded."
            )
        return layout, {name: tensors[name].detach() for name in layout.shapes}

    def _fitting_layout(
        self, stored: Layout | None, tensors: Parameters, filters: dict[str, Filters] | None
    ) -> Layout:
        """The layout for what is recorded first by this object."""
        by_filter = any(direction.normalization == "filter" for direction in self.directions)
        draws = tuple(dict.fromkeys(draw_key(direction) for direction in self.directions))
        if stored is not None:
            if (draws, by_filter and bool(draws)) != (stored.draws, stored.by_filter):
                raise ValueError(
                    f"{self.directory} was recorded with inner products with "
                    f"{list(stored.draws) or 'no directions'}, not with {list(draws) or 'none'}. "
                    "Give the same directions with the same normalization, or another directory."
                )
            return stored
        if not tensors:
            raise ValueError("There are no parameters to record: nothing trainable was given.")
        if by_filter and filters is None:
            raise ValueError(
                "A dictionary does not tell what the filters of its tensors are, which the "
                "normalization 'filter' needs. Record the surface or the module."
            )
        shapes = {name: tuple(tensor.shape) for name, tensor in tensors.items()}
        return Layout(shapes, filters if by_filter else None, draws)

    def _checked_layout(self, parameters: Direction) -> Layout:
        layout = self._stored_layout()
        if layout is None:
            raise ValueError(
                f"Nothing is recorded in {self.directory} yet. Call record(step, surface) in the "
                "training loop first."
            )
        for name, tensor in parameters.items():
            if layout.shapes.get(name) != tuple(tensor.shape):
                raise ValueError(
                    f"Parameter {name!r} of shape {tuple(tensor.shape)} was recorded in "
                    f"{self.directory} with shape {layout.shapes.get(name)}: the path of another "
                    "model."
                )
        return layout

    def _products(self, layout: Layout, tensors: Parameters) -> Float64:
        """Inner products of all draws with the parameters, block by block: (draws * blocks,)."""
        by_key = {draw_key(direction): direction for direction in self.directions}
        found = []
        for name, tensor in tensors.items():
            draws = [self._draw(key, by_key[key], name, tensor) for key in layout.draws]
            rows = [layout.rows(name, draw) for draw in draws]
            found.append(inner(rows, [layout.rows(name, tensor)])[:, :, 0])
        # Fetched all at once: a GPU would stall at every single one.
        return cast(Float64, torch.cat(found).T.reshape(-1).cpu().numpy())

    def _draw(self, key: str, direction: Drawn, name: str, like: Tensor) -> Tensor:
        kept = self._draws.get((key, name))
        if kept is not None and kept.device == like.device:
            return kept
        drawn = direction.drawn(name, like)
        if kept is None and self._draw_bytes + drawn.nbytes <= _DRAW_BYTES:
            self._draws[key, name] = drawn
            self._draw_bytes += drawn.nbytes
        return drawn

    def _row_products(
        self,
        layout: Layout,
        focus: Parameters,
        axes: Sequence[Direction],
        directions: Sequence[object],
    ) -> dict[int, Float64]:
        """Step -> inner products of the axes with the way from the focus point: (axes,).

        Empty where the axes are not made of what was drawn. Each axis is fitted by the draws block
        by block, which finds the factors that its normalization gave to the filters, and also
        those of axes that were made orthogonal.
        """
        given = [d for d in (*self.directions, *directions) if hasattr(d, "drawn")]
        by_key = {draw_key(direction): direction for direction in cast(list[Drawn], given)}
        known = [number for number, key in enumerate(layout.draws) if key in by_key]
        if not known:
            return {}
        factors, starts = [], []
        left = total = np.zeros(len(axes))
        for name in layout.shapes:
            if name not in focus:  # not trained any more, so no axis moves it
                factors.append(np.zeros((layout.blocks(name), len(known), len(axes))))
                starts.append(np.zeros((layout.blocks(name), len(known))))
                continue
            draws = [
                layout.rows(name, by_key[layout.draws[n]].drawn(name, focus[name])) for n in known
            ]
            still = torch.zeros_like(draws[0])
            lines = [layout.rows(name, axis[name]) if name in axis else still for axis in axes]
            start = layout.rows(name, focus[name])
            products = inner([*draws, *lines], [*draws, *lines, start]).cpu().numpy()
            count = len(known)
            among, across = products[:, :count, :count], products[:, :count, count:-1]
            squares = np.einsum("bkk->bk", products[:, count:, count:-1])
            fitted = np.linalg.pinv(among, rcond=1e-10, hermitian=True) @ across
            left = left + np.sum(squares - np.sum(fitted * across, axis=1), axis=0)
            total = total + np.sum(squares, axis=0)
            factors.append(fitted)
            starts.append(products[:, :count, -1])
        if not np.all(left <= _SAME * total):
            return {}
        factor = np.concatenate(factors).transpose(1, 0, 2).reshape(-1, len(axes))
        start_at = np.concatenate(starts).T.reshape(-1)
        steps, table = self._files.read_rows(layout.width)
        table = table.reshape(len(steps), len(layout.draws), -1)[:, known].reshape(len(steps), -1)
        along = table @ factor - start_at @ factor
        return dict(zip(steps.tolist(), along, strict=True))


def _projected(
    products: Mapping[int, Float64], squares: Mapping[int, float], gram: Float64, points: int
) -> ProjectedTrajectory:
    """The trajectory from its inner products with the axes.

    Args:
        products: step -> inner products of each axis with the way from the focus point: (axes,).
        squares: step -> squared length of this way, where it is known.
        gram: (axes, axes): inner products of the axes with each other.
        points: most steps of the result.
    """
    steps = sorted(products)
    along = np.array([products[step] for step in steps]).T  # (axes, points)
    coordinates = np.linalg.pinv(gram, rcond=1e-12, hermitian=True) @ along
    whole = np.array([squares.get(step, np.nan) for step in steps])
    within = np.sum(coordinates * along, axis=0)
    known = np.isfinite(whole) & np.isfinite(within)
    motion = float(np.sum(whole[known]))
    explained = float(np.sum(within[known])) / motion if motion > 0 else np.nan
    distances = np.where(known, np.sqrt(np.maximum(whole - within, 0.0)), np.nan)
    picked = np.unique(np.linspace(0, len(steps) - 1, points).round().astype(int))
    return ProjectedTrajectory(
        steps=np.array(steps, dtype=np.int64)[picked],
        coordinates=coordinates[:, picked].astype(np.float32),
        distances=distances[picked].astype(np.float32),
        explained=float(np.clip(explained, 0.0, 1.0)),
    )


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_parameter(value: object) -> bool:
    return isinstance(value, Tensor) and (value.is_floating_point() or value.is_complex())


def _checked_step(step: int) -> int:
    try:
        number = operator.index(step)
    except TypeError as error:
        raise TypeError(f"step is {step!r}, expected a whole number.") from error
    if number < 0:
        raise ValueError(f"step is {number}; steps are counted from 0.")
    return number


def _for_file(tensor: Tensor) -> Tensor:
    """The tensor on the CPU, alone in its storage: torch.save writes the whole of a storage."""
    result = tensor.cpu().contiguous()
    return result.clone() if result.untyped_storage().nbytes() != result.nbytes else result


def _from_snapshot(
    snapshot: Parameters, focus: Parameters, axes: Sequence[Direction]
) -> tuple[float, Float64]:
    """Squared distance of a snapshot from the focus point, and its inner products with the axes."""
    square, products = 0.0, np.zeros(len(axes))
    for name, start in focus.items():
        here, there = flat(start), flat(snapshot[name])
        moving = [number for number, axis in enumerate(axes) if name in axis]
        lines = [flat(axes[number][name]) for number in moving]
        width = chunk_for(here)
        for begin in range(0, here.shape[1], width):
            piece = slice(begin, begin + width)
            way = in_float64(there[:, piece].to(here.device)) - in_float64(here[:, piece])
            found = inner([way], [way, *(line[:, piece] for line in lines)])[0, 0].cpu().numpy()
            square += float(found[0])
            products[moving] += found[1:]
    return square, products
