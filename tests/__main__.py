"""``python -m tests``: every test of the project, Python's, the page's and the browser's.

Arguments go to pytest, which then runs once. Nothing is left out: a browser or a package that is
missing is installed.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BROWSER_TESTS = "tests/e2e"
ORACLES = ROOT / "tests" / "oracles.txt"
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def main(arguments: list[str]) -> int:
    """Run the frontend's tests, then pytest; give 0 if all passed."""
    os.chdir(ROOT)
    try:
        os.environ["CHROMIUM"] = find_browser() or install_browser()
    except LookupError as error:
        print(f"tests: {error}", file=sys.stderr)
        return 1
    print(f"Browser: {os.environ['CHROMIUM']}", flush=True)
    if importlib.util.find_spec("curvlinops") is None:
        print("Installing what tests/oracles.txt lists.", flush=True)
        if run("-m", "pip", "install", "-q", "--no-deps", "-r", str(ORACLES)):
            return 1
    # The browser tests show the page as it is built: never an older one.
    frontend = run("build_frontend.py") or run("build_frontend.py", "test")
    python = run("-m", "pytest", *arguments) if arguments else run_all()
    said = {0: "passed", 5: "ran no test"}
    print(f"\nFrontend: {said.get(frontend, 'FAILED')}")
    print(f"Python:   {said.get(python, 'FAILED')}", flush=True)
    return 1 if frontend else python


def run_all() -> int:
    """Pytest on everything: 0 if all passed.

    The browser's tests wait for a browser most of the time, so they run beside the others.
    """
    with tempfile.TemporaryFile("w+", encoding="utf-8") as output:
        command = [sys.executable, "-m", "pytest", BROWSER_TESTS]
        beside = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, text=True)
        try:
            others = run("-m", "pytest", f"--ignore={BROWSER_TESTS}")
            browser = beside.wait()
        finally:
            beside.kill()
        output.seek(0)
        print(output.read(), flush=True)
    return others or browser


def run(*arguments: str) -> int:
    """The exit status of this Python with the arguments."""
    return subprocess.run([sys.executable, *arguments], check=False).returncode


def find_browser() -> str | None:
    """The Chromium that $CHROMIUM names, or else one on the PATH.

    Raises:
        LookupError: $CHROMIUM names a file that is not there.
    """
    if named := os.environ.get("CHROMIUM"):
        if found := shutil.which(named):
            return found
        raise LookupError(f"$CHROMIUM is {named!r}, which is no program. Correct it or unset it.")
    return next(filter(None, map(shutil.which, BROWSERS)), None)


def install_browser() -> str:
    """The Chromium that was installed just now.

    Raises:
        LookupError: There is no way to install one here; says what to do.
    """
    print("No Chromium found; installing one for the browser tests.", flush=True)
    if (root := as_root()) is not None and shutil.which("apt-get"):
        quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        for command in (["update"], ["install", "-y", "chromium"]):
            subprocess.run([*root, "apt-get", *command], env=quiet, check=False)
        if found := find_browser():
            return found
    # Where $CHROMIUM is unset, Playwright knows its own browser's path best.
    playwright = [sys.executable, "-m", "playwright", "install", "chromium"]
    if subprocess.run(playwright, check=False).returncode == 0:
        from playwright.sync_api import sync_playwright

        with sync_playwright() as driver:
            path = driver.chromium.executable_path
        if Path(path).is_file():
            return path
    raise LookupError(
        "the browser tests need Chromium, and none could be installed. Install Chromium or Chrome "
        "and run this again, with CHROMIUM=/path/to/it if it is not on the PATH."
    )


def as_root() -> list[str] | None:
    """What to put before a command to run it as root without being asked, or None."""
    if not hasattr(os, "geteuid"):
        return None  # Windows
    if os.geteuid() == 0:
        return []
    sudo = ["sudo", "--non-interactive"]
    if shutil.which("sudo") and subprocess.run([*sudo, "true"], check=False).returncode == 0:
        return sudo
    return None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
