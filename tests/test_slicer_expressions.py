"""Slicers written as text: what is allowed is as in Python, and nothing else does anything."""

from __future__ import annotations

import ast
import dataclasses
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import pysclice as ps
from pysclice.directions.composition import Composable
from pysclice.offline.expression import ExpressionError, canonical, named, slicer_from

NAMES = {name: getattr(ps, name) for name in ps.__all__ if name != "__version__"}


def equal(one: Any, other: Any) -> bool:
    """Whether two objects were made of equal parts, also those that compare by identity."""
    if type(one) is not type(other):
        return False
    if dataclasses.is_dataclass(one):
        own = [entry.name for entry in dataclasses.fields(one) if entry.compare]
        return all(equal(getattr(one, n), getattr(other, n)) for n in own if n[0] != "_")
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(equal, one, other))
    return bool(one == other)


def call(callee: str, /, *given: st.SearchStrategy[str], **options: st.SearchStrategy[str]) -> Any:
    """Texts of calls: some of the options, in any order, after what has to be given."""
    keywords = st.fixed_dictionaries({}, optional=options).flatmap(
        lambda d: st.permutations([f"{key}={value}" for key, value in d.items()])
    )
    return st.tuples(st.tuples(*given), keywords).map(
        lambda parts: f"{callee}({', '.join([*parts[0], *parts[1]])})"
    )


whole = st.integers(0, 10**9).map(repr)
texts = st.text(max_size=20).filter(lambda t: "\0" not in t and t.isprintable()).map(repr)
spans = st.tuples(st.floats(-9, -0.1), st.floats(1, 9)).map(repr)
samples = st.integers(2, 60).map(repr)
normalizations = st.sampled_from(["filter", "layer", "model", "unit", "none"]).map(repr)
directions = st.one_of(
    call("Random", whole, normalization=normalizations),
    call("Random", seed=whole),
    call("Towards", texts, name=texts),
    call("Gradient"),
    call("HessianEigenvector", st.integers(0, 5).map(repr), tolerance=st.just("0.01")),
    call("Coordinate", texts, st.sampled_from(["(3, 5)", "(0,)", "()"])),
)
focus = st.one_of(
    st.just("here"),
    st.just("(here,)"),
    call("Checkpoint", texts, name=texts),
    call("Around", st.integers(1, 9).map(repr), radius=st.just("0.5")),
    st.just("[here, Around(2, radius=+1)]"),
)
slicers = st.one_of(
    call("Line", directions, span=spans, samples=samples),
    call("Line", directions, span=st.just("'auto'")),
    call("Plane", directions, directions, span=spans, samples=samples, orthogonal=st.just("True")),
    call("Plane", directions, directions, sampling=st.just("'adaptive'"), tolerance=st.just(".1")),
    call("AxisParallel", count=st.integers(1, 99).map(repr), samples=samples, seed=whole),
    call("Crowd", st.lists(directions, min_size=1, max_size=3).map(lambda d: f"[{', '.join(d)}]")),
    call("Interpolation", texts, span=spans, samples=samples, match_units=st.just("False")),
    call("Spectrum", count=st.integers(1, 9).map(repr)),
)


@given(slicers, focus)
def test_what_is_allowed_is_what_it_is_in_python(text: str, where: str) -> None:
    if text.startswith(("Line", "Plane")):
        text = f"{text[:-1]}, focus_points={where})"
    try:
        expected = eval(text, {}, NAMES)
    except (TypeError, ValueError):
        with pytest.raises(ExpressionError):
            slicer_from(text)
        return
    assert equal(slicer_from(text), expected)
    assert equal(slicer_from(canonical(text)), expected)
    assert equal(slicer_from(f"  {text.replace('(', '( ', 1)} "), expected)
    assert named(f"a series={text}") == ("a series", text)
    assert canonical(canonical(text)) == canonical(text)


_HARM = "__import__('pathlib').Path(@).touch()"


@pytest.mark.parametrize(
    "text",
    [
        _HARM,
        f"Line({_HARM})",
        f"Line(Random(0), samples=[{_HARM}])",
        f"Line(Random(0), **{_HARM})",
        f"Line(Random(0), *{_HARM})",
        f"Line(Random(0), samples=(lambda: {_HARM})())",
        f"Line(Random(0), samples={{{_HARM}: 1}})",
        f"Line(Random(0), samples={{1: {_HARM}}})",
        f"Line(Random(0), name=f'{{{_HARM}}}')".replace("'pathlib'", '"pathlib"'),
        f"Line(Random(0), samples=[x for x in [{_HARM}]])",
        f"Line(Random(x := {_HARM}))",
        f"Line(Random(0), samples=3 if {_HARM} else 4)",
        f"Line(Random(0)).__class__({_HARM})",
        "Line(Random(0)).__init__.__globals__['os'].system('touch ' + @)",
        "Line(Random(0))(0, open(@, 'w'))",
        "Line(open(@, 'w'))",
        "Line(getattr(Random, '__call__'))",
        "Line(Group.each.__func__('x'))",
        "Line(Random(-(open(@, 'w'))))",
        "Line(Random(0) if True else open(@, 'w'))",
        "Custom(open(@, 'w'))",
        "SliceLogger(@, 1)",
        "Trajectory(@)",
        "Line(PrincipalComponent(0, Trajectory(@)))",
        "Slice.load(@)",
        "show(@)",
        "eval('1')",
        "Line",
        "Random(0)",
        "3",
        "",
        "Line(Random(0)); open(@, 'w')",
        "import os",
        "Line(Random(0), samples=3j)",
        "Line(Random(0), samples=b'3')",
        "Line(Random(0), samples=...)",
        "Line(Random(0), _coordinates=3)",
        "Line(" * 300 + ")" * 300,
        "Line(Random(" + "-" * 9000 + "1))",
        "Line(Random(0), span=" + "(" * 150 + "1" + ",)" * 150 + ")",
        "\0",
        "Line(Random(\0))",
        "A" * 20_000,
    ],
)
def test_everything_else_is_refused_and_does_nothing(text: str, tmp_path: Path) -> None:
    path = tmp_path / "touched"
    with pytest.raises(ExpressionError):
        slicer_from(text.replace("@", repr(str(path))))
    assert list(tmp_path.iterdir()) == []


@given(st.text(max_size=80))
@example("Line(Random('\\d'))")
@example("Line(1 is 1)")
def test_any_text_is_a_slicer_or_an_error_that_shows_a_place(text: str) -> None:
    try:
        slicer_from(text)
    except ExpressionError as error:
        assert 0 <= error.column <= len(text)
        assert str(error).count("\n") == 2 and str(error).endswith("^")


@given(slicers, st.data())
def test_a_slip_of_the_pen_is_shown_where_it_is(text: str, data: st.DataObject) -> None:
    names = [n for n in ast.walk(ast.parse(text)) if isinstance(n, ast.Name) and n.id != "here"]
    node = data.draw(st.sampled_from(names))
    # The parser counts bytes.
    start = len(text.encode()[: node.col_offset].decode())
    wrong = f"{text[:start]}X{text[start:]}"
    with pytest.raises(ExpressionError) as caught:
        slicer_from(wrong)
    assert caught.value.column in (start, 0)


@pytest.mark.parametrize(
    ("text", "column", "sentence"),
    [
        ("Lin(Random(0))", 0, "Did you mean Line?"),
        ("ps.Line(Random(0))", 0, "Did you mean Line?"),
        ("Line(Radnom(0))", 5, "Did you mean Random?"),
        ("Line(Towards('é'), sampels=3)", 27, "unexpected keyword argument 'sampels'"),
        ("Line(Towards(last.ckpt))", 13, "Only calls"),
        ("Line(Towards(last))", 13, "write a text in quotes"),
        ("Line(Random(0), samples=1)", 0, "at least 2 samples"),
        ("Line(Random)", 5, "Random is called: Random(...)"),
        ("Line(Update(0))", 5, "needs the optimizer of a training"),
        ("Line(Random(0)", 4, "was never closed"),
        ("Line(\n  Rndom(0))", 8, "Did you mean Random?"),
    ],
)
def test_errors_say_what_was_meant_and_where(text: str, column: int, sentence: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        slicer_from(text)
    assert sentence in str(caught.value) and caught.value.column == column
    *_, shown, caret = str(caught.value).split("\n")
    assert len(caret) - 1 - 4 == column and len(shown) >= 4


def test_names_of_series() -> None:
    line = "Line(Random(0), samples=3)"
    assert named(line) == (line, line)
    assert named(f"my plane = {line}") == ("my plane", line)
    with pytest.raises(ExpressionError, match="is empty"):
        named(f"={line}")
    with pytest.raises(ExpressionError) as caught:
        named("name=Line(Rndom(0))")
    assert caught.value.column == 10


def test_all_public_directions_are_within_reach_or_explained() -> None:
    public = {
        name
        for name, value in NAMES.items()
        if isinstance(value, type) and issubclass(value, Composable)
    }
    for name in public:
        with pytest.raises(ExpressionError) as caught:
            slicer_from(f"Line({name}(nothing))")
        assert "is no slicer" not in str(caught.value), name
