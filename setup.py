"""The one build step that pyproject.toml cannot say: build the page before packing it."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py
from setuptools.command.editable_wheel import editable_wheel
from setuptools.command.sdist import sdist

# Build frontends execute this file without its folder on the path.
sys.path.insert(0, str(Path(__file__).resolve().parent))

import build_frontend


def build_page() -> None:
    """Build the page, or stop with a sentence."""
    try:
        build_frontend.build()
    except build_frontend.FrontendError as error:
        # SystemExit, since setuptools turns an Exception of an editable install into a warning.
        raise SystemExit(f"\npysclice: {error}") from error


class BuildPy(build_py):
    """Puts a fresh page into wheels."""

    def run(self) -> None:
        """Build the page, then copy it with the modules."""
        build_page()
        # Chunks carry a hash in their names: an older build's would stay here and get packed.
        old = Path(self.build_lib, "tensorboard_loss_slicer", "static")
        if not self.editable_mode and old.exists():
            shutil.rmtree(old)
        super().run()


class EditableWheel(editable_wheel):
    """Builds the page beside its plugin when the checkout itself is installed."""

    def run(self) -> None:
        """Build the page, then link the packages."""
        build_page()
        super().run()


class Sdist(sdist):
    """Puts the built page into the source archive, so that installing it needs no Node."""

    def run(self) -> None:
        """Build the page, then collect the files."""
        build_page()
        super().run()


setup(
    cmdclass={"build_py": BuildPy, "editable_wheel": EditableWheel, "sdist": Sdist},
    # Here and not in pyproject.toml, because it is needed only where the page is yet to be built:
    # a source archive installs on machines that Node has no wheel for.
    setup_requires=[] if build_frontend.is_built() else [build_frontend.NODE],
)
