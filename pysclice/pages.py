"""The page of TensorBoard's tab in a notebook's cell, or in a file that opens without a server."""

from __future__ import annotations

import dataclasses
import html
import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from tensorboard_loss_slicer import static_page
from tensorboard_loss_slicer.export import Found

from pysclice.events import read_slices
from pysclice.slices import Slice

Log = Mapping[str, Mapping[str, Mapping[int, Slice]]]  # run -> series -> step -> slice


class Page:
    """A page that holds its slices: a notebook shows it, ``save`` writes it.

    Args:
        content: the whole file, UTF-8.
        height: of the frame in a notebook, in pixels.
    """

    def __init__(self, content: bytes, height: int) -> None:
        """Keep both."""
        self.content = content
        self.height = height

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the page into a file that any browser opens; the path of it."""
        file = Path(path)
        file.write_bytes(self.content)
        return file

    def __repr__(self) -> str:
        return f"<Page of {len(self.content) / 1e6:.1f} MB>"

    def _repr_html_(self) -> str:
        # Inside of the cell's own document, since notebooks in other windows, in VS Code and in
        # Colab reach no file and forbid frames of data addresses. What runs in it stays in it.
        return (
            '<iframe sandbox="allow-scripts allow-downloads" allow="clipboard-write" '
            f'title="Loss slices" width="100%" height="{int(self.height)}" '
            f'style="border:0;display:block" srcdoc="{html.escape(self.content.decode("utf-8"))}">'
            "</iframe>"
        )


def show(
    what: str | os.PathLike[str] | Slice | Mapping[int, Slice],
    height: int = 600,
    *,
    runs: Iterable[str] | None = None,
    series: Iterable[str] | None = None,
    every: int = 1,
) -> Page:
    """The page of TensorBoard's tab, for a notebook or for sharing: no server, no dependency.

    As the result of a cell it shows itself; ``show(...).save("page.html")`` writes a file that
    opens in any browser, offline too. It holds the page itself, half a megabyte or more, and four
    thirds of the bytes of its slices, so a notebook that shows it grows by as much.

    Args:
        what: a log directory, a slice, or slices by step, as ``read_slices(logdir)[run][series]``.
        height: of the frame in a notebook, in pixels.
        runs: only these runs of a log directory.
        series: only these series of a log directory.
        every: only every so many-th step, with the first and the last.

    Raises:
        FileNotFoundError: there is no such log directory.
        StaticPageError: the page would be larger than 200 MB, or the page is not built.
        TypeError: none of these.
        ValueError: a run or a series that was not logged, or nothing to show.

    Example:
        >>> page = ps.show(line, height=500)
        >>> page.save("line.html").exists()
        True
        >>> slicers = {"random line": ps.Line(ps.Random(seed=0), samples=7)}
        >>> with ps.SliceLogger("runs/mlp", surface, slicers=slicers) as logger:
        ...     logged = [logger.log(step) for step in (0, 500, 1000)]
        >>> ps.show("runs", series=["random line"], every=2)
        <Page of ... MB>
    """
    if isinstance(what, Slice):
        log: Log = {".": {_name(what): {what.step: what}}}
    elif isinstance(what, str | os.PathLike):
        log = chosen(read_slices(what), runs, series)
    elif isinstance(what, Mapping) and all(isinstance(slice_, Slice) for slice_ in what.values()):
        if not what:
            raise ValueError("There are no slices to show: the mapping is empty.")
        log = {".": {_name(next(iter(what.values()))): what}}
    else:
        raise TypeError(
            f"Cannot show {type(what).__qualname__!r}. Give a log directory, a Slice, or slices by "
            "step, as in read_slices(logdir)[run][series]."
        )
    return Page(page_of(log, every), height)


def chosen(log: Log, runs: Iterable[str] | None, series: Iterable[str] | None) -> Log:
    """The runs and series of a log that are named, all by default.

    Raises:
        ValueError: one of them is not there; the message names those that are.
    """
    names = {name for all_series in log.values() for name in all_series}
    wanted_runs = _known(runs, log, "run")
    wanted_series = _known(series, names, "series")
    result = {
        run: {name: steps for name, steps in log[run].items() if name in wanted_series}
        for run in wanted_runs
    }
    return {run: all_series for run, all_series in result.items() if all_series}


def page_of(log: Log, every: int = 1) -> bytes:
    """The page of a log, with every so many-th step of each series.

    Raises:
        StaticPageError: as ``static_page.build``.
        ValueError: ``every`` is less than 1.
    """
    if every < 1:
        raise ValueError(f"every={every} keeps no step; give 1 for all, 2 for every second, ...")
    found = [
        # An attempt tells apart what was logged twice; here each step is there once.
        Found(run, "0000", dataclasses.replace(slices[step], series=name, step=step))
        for run, all_series in log.items()
        for name, slices in all_series.items()
        for step in static_page.thinned(sorted(slices), every)
    ]
    return static_page.build(found, title=_title(log))


def _title(log: Log) -> str:
    runs = list(log)
    return f"{runs[0]}: loss slices" if len(runs) == 1 and runs != ["."] else "Loss slices"


def _name(slice_: Slice) -> str:
    return slice_.series or slice_.method


def _known(names: Iterable[str] | None, known: Iterable[str], what: str) -> list[str]:
    there = list(known)
    if names is None:
        return there
    wanted = list(dict.fromkeys([names] if isinstance(names, str) else names))
    missing = [name for name in wanted if name not in there]
    if missing:
        listed = ", ".join(repr(name) for name in sorted(there)[:20]) or "none at all"
        raise ValueError(f"There is no {what} {missing[0]!r}; there is {listed}.")
    return wanted
