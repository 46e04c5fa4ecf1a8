"""The command line: ``pysclice demo``, ``slice``, ``list`` and ``export``."""

from __future__ import annotations

import argparse
import importlib.util
import itertools
import json
import os
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from pysclice import __version__

_SLICE_DESCRIPTION = """\
Slices checkpoints into a log directory, as a SliceLogger would have while the
model was trained: TensorBoard shows them with a step slider. Run the same
command again after an interruption: what is finished is not computed again.
"""
_SLICE_EPILOG = """\
A callable for --module takes no arguments and returns a LossSurface, or a tuple
(model, loss_fn, data), or a mapping of LossSurface's arguments.

examples:
  pysclice slice --checkpoint 'runs/a/*.ckpt' --module my_project:build \\
      --slicer 'plane=Plane(Random(0), Random(1), samples=25)' --logdir runs --run a
  torchrun --nproc-per-node 4 -m pysclice slice --checkpoint checkpoints ...

More: docs/offline.md
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and give the exit status: 0, or 1 after a sentence about what went wrong."""
    parser = argparse.ArgumentParser(
        prog="pysclice", description="See the loss landscape of a PyTorch model while it trains."
    )
    parser.add_argument("--version", action="version", version=f"pysclice {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="command")
    demo = commands.add_parser(
        "demo",
        help="train two small networks, log slices on the way and show them in TensorBoard",
        description="Trains two networks with and without skip connections on scikit-learn's "
        "digits, a minute or two on two cores, then serves TensorBoard.",
    )
    demo.add_argument("--logdir", type=Path, help="log directory (default: a new ./pysclice-demo)")
    demo.add_argument("--no-serve", action="store_true", help="train and log only")
    demo.add_argument(
        "--port", type=int, help="TensorBoard's port (default: 6006 or the next free)"
    )
    slice_ = commands.add_parser(
        "slice",
        help="slice checkpoints that training has left behind",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        description=_SLICE_DESCRIPTION,
        epilog=_SLICE_EPILOG,
    )
    slice_.add_argument(
        "--checkpoint",
        nargs="+",
        action="extend",
        required=True,
        metavar="PATH",
        help="files or folders of checkpoints, folders that hold some, or quoted patterns",
    )
    slice_.add_argument(
        "--module",
        required=True,
        metavar="MODULE:CALLABLE",
        help="what builds the LossSurface, such as my_project:build",
    )
    slice_.add_argument(
        "--slicer",
        action="append",
        default=[],
        metavar="[NAME=]SLICER",
        help="such as 'Plane(Random(0), Random(1), samples=25)'; may be given several times "
        "(default: what SliceLogger takes)",
    )
    slice_.add_argument("--logdir", type=Path, required=True, help="where TensorBoard looks")
    # torchrun takes --run for an abbreviation of an option of its own, wherever it stands.
    slice_.add_argument(
        "--run",
        "--run-name",
        default="",
        metavar="NAME",
        help="below it (default: itself); under torchrun it has to be --run-name",
    )
    slice_.add_argument("--step", type=int, metavar="N", help="of a single checkpoint")
    slice_.add_argument(
        "--examples", type=int, metavar="N", help="measure on a draw of so many (default: all)"
    )
    slice_.add_argument(
        "--device", help="such as cuda:0; 'cuda' is one GPU for each process of torchrun"
    )
    slice_.add_argument("--threads", type=int, metavar="N", help="cores to compute with")
    slice_.add_argument(
        "--no-strict",
        dest="strict",
        action="store_false",
        help="take checkpoints with missing or unexpected names, too",
    )
    slice_.add_argument(
        "--keep-every",
        type=float,
        default=10.0,
        metavar="SECONDS",
        help="how much work an interruption may cost, but at least a row of a plane (default: 10)",
    )
    listing = commands.add_parser(
        "list",
        help="say what is logged: runs, series, steps, channels",
        description="Lists the series of all runs below a log directory. Needs no torch.",
    )
    listing.add_argument("logdir", type=Path, help="the directory that TensorBoard is started with")
    listing.add_argument("--json", action="store_true", help="for programs")
    export = commands.add_parser(
        "export",
        help="put the slices of a log directory into one HTML file that opens without a server",
        description="Writes the page of TensorBoard's tab with its slices into one HTML file. "
        "It opens in any browser, offline too; at most 200 MB.",
    )
    export.add_argument("logdir", type=Path, help="the directory that TensorBoard is started with")
    export.add_argument("-o", "--output", type=Path, default=Path("slices.html"), metavar="FILE")
    export.add_argument(
        "--run", nargs="+", action="extend", metavar="NAME", help="only these runs (default: all)"
    )
    export.add_argument(
        "--series", nargs="+", action="extend", metavar="NAME", help="only these (default: all)"
    )
    export.add_argument(
        "--every", type=int, default=1, metavar="N", help="only every Nth step, and the last"
    )
    chosen = parser.parse_args(arguments)
    if chosen.command == "export":
        return run_export(
            chosen.logdir, chosen.output, chosen.run, chosen.series, every=chosen.every
        )
    if chosen.command == "list":
        return run_list(chosen.logdir, as_json=chosen.json)
    if chosen.command == "slice":
        return run_slice(chosen)
    try:
        return run_demo(chosen.logdir, serve=not chosen.no_serve, port=chosen.port)
    except KeyboardInterrupt:
        return 130


def run_slice(chosen: argparse.Namespace) -> int:
    """Slice checkpoints; 1 if any slice is missing in the end."""
    for name in ("examples", "threads"):
        value = getattr(chosen, name)
        if value is not None and value < 1:
            return _stop(f"--{name} is {value}, expected a whole number of at least 1.")
    # Imported here: the help of the command line must not wait for torch.
    import torch

    from pysclice.offline.expression import ExpressionError, named
    from pysclice.offline.slicing import Request, slice_checkpoints

    slicers: dict[str, str] = {}
    for argument in chosen.slicer:
        try:
            name, text = named(argument)
        except ExpressionError as error:
            return _stop(f"--slicer: {error}")
        if name in slicers:
            return _stop(f"Two slicers are called {name!r}. Name them: --slicer NAME=SLICER.")
        slicers[name] = text
    if chosen.threads is not None:
        torch.set_num_threads(chosen.threads)
    request = Request(
        checkpoints=chosen.checkpoint,
        module=chosen.module,
        slicers=slicers,
        logdir=chosen.logdir,
        run=chosen.run,
        step=chosen.step,
        examples=chosen.examples,
        device=chosen.device,
        strict=chosen.strict,
        keep_seconds=chosen.keep_every,
    )
    try:
        outcome = slice_checkpoints(request, _say)
    except KeyboardInterrupt:
        print("\nInterrupted. The same command goes on where it stopped.", file=sys.stderr)
        return 130
    except (ImportError, OSError, ValueError) as error:
        return _stop(str(error))
    if outcome.errors:
        failed = f"{len(outcome.errors)} failed:\n  " + "\n  ".join(outcome.errors)
        return _stop(
            f"{failed}\nWhat was finished is kept; the same command takes only what is missing."
        )
    if int(os.environ.get("RANK", "0")) == 0:
        there = "" if outcome.written >= outcome.total else "; the others were there already"
        _say(
            f"Wrote {outcome.written} of {outcome.total} slices{there}. "
            f"Look at them with: tensorboard --logdir {chosen.logdir}"
        )
    return 0


def run_list(logdir: Path, *, as_json: bool) -> int:
    """Print what is logged."""
    # Imported here: the help of the command line must not wait for NumPy and TensorBoard.
    from pysclice.listing import as_table, listed

    try:
        found = listed(logdir)
    except OSError as error:
        return _stop(str(error))
    if as_json:
        print(json.dumps([series.as_json() for series in found], indent=2))
    elif found:
        print(as_table(found))
    else:
        print(f"No slices are logged below {logdir}.")
    return 0


def run_export(
    logdir: Path,
    output: Path,
    runs: Sequence[str] | None,
    series: Sequence[str] | None,
    *,
    every: int,
) -> int:
    """Write a page that holds its slices."""
    # Imported here: the help of the command line must not wait for NumPy and TensorBoard.
    from tensorboard_loss_slicer.static_page import StaticPageError

    from pysclice.pages import show

    try:
        page = show(logdir, runs=runs, series=series, every=every)
        page.save(output)
    except (OSError, StaticPageError, ValueError) as error:
        return _stop(str(error))
    print(f"Wrote {output}, {len(page.content) / 1e6:.1f} MB. Open it in any browser.")
    return 0


def run_demo(logdir: Path | None, *, serve: bool, port: int | None) -> int:
    """Train, log, and serve until interrupted."""
    if importlib.util.find_spec("sklearn") is None:
        return _stop("The demo trains on scikit-learn's digits: pip install 'pysclice[demo]'.")
    logdir = _new_directory() if logdir is None else logdir
    if logdir.exists() and (not logdir.is_dir() or any(logdir.iterdir())):
        return _stop(f"{logdir} is not an empty directory. Choose another --logdir for the demo.")
    # Imported here: the help of the command line must not wait for torch.
    from pysclice.demo import train_both

    print(f"Training two networks, with and without skip connections; logging to {logdir}\n")
    try:
        train_both(logdir)
    except RuntimeError as error:
        return _stop(str(error))
    if not serve:
        print(f"\nDone. Look at it with: tensorboard --logdir {logdir}")
        return 0
    return _serve(logdir, port)


def _serve(logdir: Path, port: int | None) -> int:
    from tensorboard import program

    server = program.TensorBoard()
    server.configure(logdir=str(logdir), **({} if port is None else {"port": port}))
    try:
        address = server.launch()
    except program.TensorBoardServerException as error:
        return _stop(f"TensorBoard could not start: {error}")
    print(f"\nOpen {address}#loss_slicer\nStop with Ctrl-C.", flush=True)
    threading.Event().wait()
    return 0


def _new_directory() -> Path:
    """``pysclice-demo``, or the first of ``pysclice-demo-2``, ... that does not exist."""
    names = itertools.chain(["pysclice-demo"], (f"pysclice-demo-{i}" for i in itertools.count(2)))
    return next(path for path in map(Path, names) if not path.exists())


def _say(line: str) -> None:
    # One write: the lines of several processes would run together.
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _stop(sentence: str) -> int:
    print(f"pysclice: {sentence}", file=sys.stderr)
    return 1
