"""Imports go down: the architecture as a table that fails when it stops being true."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

# The longest prefix counts. A module imports from lower floors, and from its own entry here
# (the files of one folder know each other). What has no line here gets one when it is added.
FLOORS = {
    "pysclice.slices": 0,
    "pysclice.measures": 1,
    "pysclice.arrangement": 1,
    "pysclice.events": 1,
    "pysclice.listing": 2,
    "pysclice.visualization": 1,
    "pysclice.core": 2,
    "pysclice.directions": 3,
    "pysclice.slicers": 4,
    "pysclice.logger": 5,
    "pysclice.offline": 6,
    "pysclice.integrations": 6,
    "pysclice.demo": 7,
    "pysclice.cli": 8,  # above the demo, which it runs
    "pysclice.__main__": 9,
    # Shows what was logged, and starts where torch is not installed.
    "tensorboard_loss_slicer": 2,
    "pysclice.pages": 3,  # puts the plugin's page into files
}
TORCHLESS = {
    "pysclice.slices",
    "pysclice.measures",
    "pysclice.arrangement",
    "pysclice.events",
    "pysclice.listing",
    "pysclice.visualization",
    "pysclice.pages",
    "tensorboard_loss_slicer",
}
OURS = ("pysclice", "tensorboard_loss_slicer")


def modules() -> dict[str, Path]:
    """Every module of both packages by name, `pysclice` itself too."""
    found = {}
    for folder in (ROOT / "pysclice", ROOT / "tensorboard_plugin" / "tensorboard_loss_slicer"):
        for path in sorted(folder.rglob("*.py")):
            parts = [folder.name, *path.relative_to(folder).with_suffix("").parts]
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


MODULES = modules()


def entry(module: str) -> str | None:
    """The line of the table that a module stands on; None for a module without one."""
    while module:
        if module in FLOORS:
            return module
        module = module.rpartition(".")[0]
    return None


def homes() -> dict[str, str]:
    """Where the public names of `pysclice` are defined, read from its own type-checking block."""
    return {
        alias.name: node.module
        for node in ast.walk(ast.parse((ROOT / "pysclice" / "__init__.py").read_text("utf-8")))
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("pysclice.")
        for alias in node.names
    }


def imports(source: str, module: str, *, is_package: bool = False) -> Iterator[str]:
    """The modules that a source imports, anywhere in it; `from pysclice import Line` gives Line's.

    Imports inside functions and under TYPE_CHECKING count: they are knowledge of a floor as well.
    """
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parts = module.split(".")
                parts = parts[: len(parts) - node.level + is_package]
                base = ".".join([*parts, base] if base else parts)
            for alias in node.names:
                whole = f"{base}.{alias.name}"
                if base == "pysclice":
                    yield homes().get(alias.name, whole)
                else:
                    yield whole if whole in MODULES else base


def faults(source: str, module: str, *, is_package: bool = False) -> list[str]:
    """What a module imports against the table, in sentences."""
    here = entry(module)
    if here is None:
        return [f"{module} has no floor: add it to FLOORS in tests/test_floors.py."]
    found = []
    for imported in imports(source, module, is_package=is_package):
        top = imported.partition(".")[0]
        if top in ("torch", "torchvision") and here in TORCHLESS:
            found.append(f"{module} imports {imported}, but has to work without torch.")
        if top not in OURS or imported == "pysclice.__version__":
            continue
        there = entry(imported)
        if there is None:
            found.append(f"{module} imports {imported}, which has no floor: name the module.")
        elif there != here and FLOORS[there] >= FLOORS[here]:
            found.append(
                f"{module} (floor {FLOORS[here]}) imports {imported} (floor {FLOORS[there]}): "
                "imports go down."
            )
    return found


# `pysclice/__init__.py` names all floors for type checkers and imports none: see the test of torch.
@pytest.mark.parametrize("module", [name for name in MODULES if name != "pysclice"])
def test_imports_go_down(module: str) -> None:
    path = MODULES[module]
    package = path.name == "__init__.py"
    assert faults(path.read_text("utf-8"), module, is_package=package) == []


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("pysclice.slices", "from pysclice.core.surface import LossSurface"),
        ("pysclice.slices", "import pysclice.events"),
        ("pysclice.events", "from pysclice import measures"),
        ("pysclice.core.surface", "def f():\n    from pysclice.slicers import line"),
        ("pysclice.core.surface", "from ..slicers.line import Line"),
        ("pysclice.directions.random", "from pysclice import Line"),
        ("pysclice.directions.random", "import pysclice as ps"),
        ("pysclice.slicers.line", "if TYPE_CHECKING:\n    from pysclice.logger import SliceLogger"),
        ("pysclice.logger", "from pysclice.integrations import lightning"),
        ("pysclice.core.surface", "import tensorboard_loss_slicer.plugin"),
        ("tensorboard_loss_slicer.plugin", "from pysclice.core import surface"),
        ("tensorboard_loss_slicer.plugin", "import torch"),
        ("pysclice.events", "def f():\n    from torch.utils.tensorboard import SummaryWriter"),
        ("pysclice.new", "import json"),
    ],
)
def test_the_checker_sees_an_import_that_goes_up(module: str, source: str) -> None:
    assert len(faults(source, module)) == 1


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("pysclice.slices", "import json\nimport numpy as np\nfrom pysclice import __version__"),
        ("pysclice.events", "from pysclice import Slice\nfrom .slices import Axis"),
        ("pysclice.core.surface", "import torch\nfrom pysclice.core import data"),
        ("pysclice.core.surface", "from .data import batch_size\nfrom ..slices import Slice"),
        ("pysclice.cli", "from pysclice.demo import train_both"),
        ("tensorboard_loss_slicer.plugin", "from pysclice.events import read_slices"),
    ],
)
def test_the_checker_lets_an_import_that_goes_down_pass(module: str, source: str) -> None:
    assert faults(source, module) == []


def test_a_relative_import_in_a_package_is_of_that_package() -> None:
    assert list(imports("from . import data", "pysclice.core", is_package=True)) == [
        "pysclice.core.data"
    ]


def test_the_loader_needs_only_the_standard_library_and_the_base_class() -> None:
    # TensorBoard does not start at all if this module cannot be imported.
    path = MODULES["tensorboard_loss_slicer.loader"]
    at_once = [
        name
        for node in ast.parse(path.read_text("utf-8")).body
        for name in imports(ast.unparse(node), "tensorboard_loss_slicer.loader")
        if isinstance(node, ast.Import | ast.ImportFrom)
    ]
    other = {name for name in at_once if name.partition(".")[0] not in sys.stdlib_module_names}
    assert other == {"tensorboard.plugins"}


@pytest.mark.parametrize(
    "statement",
    [
        "import pysclice",
        "import pysclice.cli",
        "import pysclice.events",
        "import pysclice.listing",
        "import pysclice.pages",
        "import tensorboard_loss_slicer.loader",
        "import tensorboard_loss_slicer.plugin",
    ],
)
def test_importing_without_need_imports_no_torch(statement: str) -> None:
    path = [str(ROOT), str(ROOT / "tensorboard_plugin")]
    code = f"import sys; sys.path[:0] = {path}; {statement}; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.stdout.strip(), done.returncode) == ("False", 0), done.stderr
