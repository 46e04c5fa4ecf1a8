"""The command line: ``pysclice demo`` and ``pysclice export``."""

from __future__ import annotations

import argparse
import importlib.util
import itertools
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from pysclice import __version__


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
    try:
        return run_demo(chosen.logdir, serve=not chosen.no_serve, port=chosen.port)
    except KeyboardInterrupt:
        return 130


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


def _stop(sentence: str) -> int:
    print(f"pysclice: {sentence}", file=sys.stderr)
    return 1
