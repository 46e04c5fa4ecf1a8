"""When the page is built anew, and what is said when it cannot be."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import build_frontend


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small checkout whose page is built."""
    monkeypatch.setattr(build_frontend, "ROOT", tmp_path)
    for name in ("package.json", "package-lock.json", "src/entry.ts", "src/entry.test.ts"):
        path = tmp_path / "frontend" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{name}\n", "utf-8")
    build_frontend.static().mkdir(parents=True)
    (build_frontend.static() / "index.js").write_text("export function render() {}", "utf-8")
    build_frontend.marker().write_text(build_frontend.sources_hash() + "\n", "utf-8")
    return tmp_path


def write(name: str, content: bytes) -> Callable[[Path], None]:
    """A change to a checkout."""

    def change(checkout: Path) -> None:
        path = checkout / "frontend" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)

    return change


def remove(name: str) -> Callable[[Path], None]:
    """Another change to a checkout."""
    return lambda checkout: (checkout / name).unlink()


STATIC = "tensorboard_plugin/tensorboard_loss_slicer/static"


@pytest.mark.parametrize(
    "change",
    [
        write("src/entry.ts", b"other\n"),
        write("src/new.ts", b""),
        write("src/dev/new.ts", b""),
        write("package-lock.json", b"{}"),
        remove("frontend/src/entry.ts"),
        remove(f"{STATIC}/index.js"),
        remove(f"{STATIC}/.sources.sha256"),
    ],
)
def test_a_changed_source_or_a_missing_page_asks_for_a_build(
    checkout: Path, change: Callable[[Path], None]
) -> None:
    assert build_frontend.is_built()
    change(checkout)
    assert not build_frontend.is_built()


@pytest.mark.parametrize(
    "change",
    [
        write("src/entry.test.ts", b"other\n"),
        write("tests/setup.ts", b""),
        write("dev/index.html", b""),
        write("node_modules/vite/index.js", b""),
        write(".npmrc", b"fund=false\n"),
        write("src/entry.ts", b"src/entry.ts\r\n"),
        lambda checkout: (checkout / "frontend" / "src" / "entry.ts").touch(),
    ],
)
def test_what_is_not_in_the_bundle_asks_for_none(
    checkout: Path, change: Callable[[Path], None]
) -> None:
    change(checkout)
    assert build_frontend.is_built()


def test_a_page_without_sources_is_taken_as_it_is(checkout: Path) -> None:
    (checkout / "frontend" / "package.json").unlink()
    assert build_frontend.is_built()
    (build_frontend.static() / "index.js").unlink()
    with pytest.raises(build_frontend.FrontendError, match="Install pysclice from a wheel"):
        build_frontend.build()


def test_a_registry_out_of_reach_is_said_with_what_to_do(
    checkout: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(build_frontend, "_npm", lambda *arguments: 1)
    assert build_frontend.main(["test"]) == 1
    said = capsys.readouterr().err
    assert "`npm ci`" in said
    assert "HTTPS_PROXY" in said


def test_npm_that_fails_with_exit_status_0_is_caught(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(build_frontend, "_npm", lambda *arguments: 0)
    with pytest.raises(build_frontend.FrontendError, match="`npm ci`"):
        build_frontend.run("test")
    (build_frontend.static() / "index.js").unlink()
    monkeypatch.setattr(build_frontend, "_install_packages", lambda: None)
    with pytest.raises(build_frontend.FrontendError, match="ended without"):
        build_frontend.build()


def test_packages_are_installed_once_for_each_lock_file(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []

    def npm(*arguments: str) -> int:
        said.append(arguments[0])
        write("node_modules/.package-lock.json", b"{}")(checkout)
        return 0

    monkeypatch.setattr(build_frontend, "_npm", npm)
    build_frontend.run("test")
    build_frontend.run("lint")
    write("package-lock.json", b"other")(checkout)
    build_frontend.run("test")
    assert said == ["ci", "run", "run", "ci", "run"]
