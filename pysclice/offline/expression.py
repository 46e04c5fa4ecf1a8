"""Slicers written as text: ``Plane(Random(0), Random(1), samples=25)``.

The text looks like Python, and is never run as such. It is parsed, and only calls of the public
slicers, directions and focus points by their names are made, with arguments that are again such
calls, or literals: numbers, texts, True, False, None, and tuples, lists and dictionaries of these.
"""

from __future__ import annotations

import ast
import difflib
import re
import warnings
from collections.abc import Callable, Mapping
from typing import Any

from pysclice.core.surface import Slicer
from pysclice.directions.coordinate import Coordinate
from pysclice.directions.gradient import Gradient
from pysclice.directions.group import Group
from pysclice.directions.hessian_eigenvector import HessianEigenvector
from pysclice.directions.random import Random
from pysclice.directions.towards import Towards
from pysclice.slicers.axis_parallel import AxisParallel
from pysclice.slicers.crowd import Crowd
from pysclice.slicers.focus_points import Around, Checkpoint, here
from pysclice.slicers.interpolation import Interpolation
from pysclice.slicers.line import Line
from pysclice.slicers.plane import Plane
from pysclice.slicers.spectrum import Spectrum

SLICERS: Mapping[str, Callable[..., Any]] = {
    "AxisParallel": AxisParallel,
    "Crowd": Crowd,
    "Interpolation": Interpolation,
    "Line": Line,
    "Plane": Plane,
    "Spectrum": Spectrum,
}
PARTS: Mapping[str, Callable[..., Any]] = {
    "Around": Around,
    "Checkpoint": Checkpoint,
    "Coordinate": Coordinate,
    "Gradient": Gradient,
    "Group": Group,
    "Group.each": Group.each,
    "HessianEigenvector": HessianEigenvector,
    "Random": Random,
    "Towards": Towards,
}
# Public names that a text cannot give what they need.
_OUT_OF_REACH = {
    "Custom": "needs a function",
    "PrincipalComponent": "needs a recorded trajectory",
    "Trajectory": "is recorded while a model trains",
    "Update": "needs the optimizer of a training",
}
_LONGEST = 10_000


class ExpressionError(ValueError):
    """A text that is no slicer; the message shows the place.

    Args:
        sentence: what is wrong there.
        text: the whole text.
        column: the place, counted from 0 in characters.
    """

    def __init__(self, sentence: str, text: str, column: int) -> None:
        # One line, also of a text that was written on several: a column is a column then.
        line = "".join(" " if character in "\r\n\t" else character for character in text)
        start = max(0, column - 60)
        shown = line[start : column + 60]
        super().__init__(f"{sentence}\n    {shown}\n    {' ' * (column - start)}^")
        self.sentence = sentence
        self.column = column


def slicer_from(text: str) -> Slicer:
    """The slicer that a text describes.

    Raises:
        ExpressionError: the text is no call of a slicer with literal arguments, or the slicer
            refuses them.

    Example:
        >>> slicer_from("Line(Random(0), span=(-1, 1), samples=13)")
        Line(direction=Random(seed=0, ...), span=(-1, 1), samples=13, ...)
    """
    tree = _parsed(text)
    reader = _Reader(text)
    if not isinstance(tree, ast.Call) or reader.name_of(tree.func) not in SLICERS:
        raise reader.error(
            tree,
            f"Expected a call of a slicer, one of {', '.join(SLICERS)}: "
            "'Plane(Random(0), Random(1), samples=25)'."
            + reader.hint(tree.func if isinstance(tree, ast.Call) else tree, SLICERS),
        )
    slicer: Slicer = reader.value(tree)
    return slicer


def canonical(text: str) -> str:
    """The same expression as it is always written, so that spaces and quotes make no difference.

    Raises:
        ExpressionError: the text is no expression.
    """
    return ast.unparse(_parsed(text))


def named(argument: str) -> tuple[str, str]:
    """The name of a series and the text of its slicer, from ``NAME=SPEC`` or ``SPEC`` alone.

    Args:
        argument: as it stands on the command line. Without a name, the text is the name.

    Raises:
        ExpressionError: the text is no slicer, or the name is empty.
    """
    before, equals, after = argument.partition("=")
    if equals and "(" not in before:
        if not before.strip():
            raise ExpressionError("The name of the series before '=' is empty.", argument, 0)
        try:
            slicer_from(after)
        except ExpressionError as error:
            raise ExpressionError(
                error.sentence, argument, error.column + len(before) + 1
            ) from error
        return before.strip(), after.strip()
    slicer_from(argument)
    return argument.strip(), argument.strip()


def _parsed(text: str) -> ast.expr:
    if len(text) > _LONGEST:
        raise ExpressionError(f"A slicer has at most {_LONGEST:,} characters.", text, 0)
    lead = len(text) - len(text.lstrip())
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of what Python thinks of a text that it never runs
            tree = ast.parse(text.strip(), mode="eval").body
    except SyntaxError as error:
        column = max((error.offset or 1) - 1, 0) if (error.lineno or 1) == 1 else 0
        what = str(error.msg).rstrip(".")
        raise ExpressionError(
            f"This is not written as a call: {what}.", text, min(lead + column, len(text))
        ) from error
    except (ValueError, RecursionError, MemoryError) as error:  # NUL; nested too deeply
        raise ExpressionError(f"This cannot be read: {error}.", text, 0) from error
    return tree


class _Reader:
    """Makes what the nodes of a parsed text describe."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._lead = len(text) - len(text.lstrip())

    def value(self, node: ast.expr) -> Any:
        """What a node describes.

        Raises:
            ExpressionError: something else than calls of known names and literals.
        """
        try:
            return self._value(node)
        except RecursionError as error:
            raise self.error(node, "This is nested too deeply.") from error

    def _value(self, node: ast.expr) -> Any:
        if isinstance(node, ast.Call):
            return self._call(node)
        if isinstance(node, ast.Name):
            if node.id == "here":
                return here
            if node.id in SLICERS or node.id in PARTS:
                raise self.error(node, f"{node.id} is called: {node.id}(...).")
            raise self.error(
                node,
                f"{node.id!r} is no text and no known name; write a text in quotes."
                + self.hint(node, {**PARTS, "here": here}),
            )
        if isinstance(node, ast.Constant):
            if node.value is None or isinstance(node.value, bool | int | float | str):
                return node.value
            raise self.error(node, f"A {type(node.value).__name__} is no argument here.")
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub | ast.UAdd):
            number = self._value(node.operand)
            if isinstance(number, bool) or not isinstance(number, int | float):
                raise self.error(node, "A sign belongs before a number.")
            return -number if isinstance(node.op, ast.USub) else number
        if isinstance(node, ast.Tuple):
            return tuple(map(self._value, node.elts))
        if isinstance(node, ast.List):
            return list(map(self._value, node.elts))
        if isinstance(node, ast.Dict):
            return self._dictionary(node)
        raise self.error(
            node,
            "Only calls of slicers, directions and focus points by their names are allowed, and "
            "numbers, texts, tuples, lists and dictionaries as their arguments.",
        )

    def _dictionary(self, node: ast.Dict) -> dict[Any, Any]:
        result = {}
        for key, value in zip(node.keys, node.values, strict=True):
            if not isinstance(key, ast.Constant) or not isinstance(key.value, str | int):
                raise self.error(key or node, "The keys of a dictionary are texts or numbers.")
            result[key.value] = self._value(value)
        return result

    def _call(self, node: ast.Call) -> Any:
        name = self.name_of(node.func)
        made = SLICERS.get(name) or PARTS.get(name)
        if made is None:
            if name in _OUT_OF_REACH:
                sentence = f"{name} {_OUT_OF_REACH[name]}, so it can be used in Python only."
            elif name:
                sentence = f"{name} is no slicer, direction or focus point."
            else:
                sentence = "Only slicers, directions and focus points are called, by their names."
            raise self.error(node.func, sentence + self.hint(node.func, {**SLICERS, **PARTS}))
        for argument in node.args:
            if isinstance(argument, ast.Starred):
                raise self.error(argument, "Arguments are written out, without a star.")
        for keyword in node.keywords:
            if keyword.arg is None:
                raise self.error(keyword.value, "Arguments are written out, without stars.")
            if keyword.arg.startswith("_"):
                raise self.error(keyword.value, f"{name} has no argument {keyword.arg!r}.")
        arguments = [self._value(argument) for argument in node.args]
        options = {str(keyword.arg): self._value(keyword.value) for keyword in node.keywords}
        try:
            return made(*arguments, **options)
        except RecursionError:
            raise
        except Exception as error:
            what = re.sub(r"\w+\.(__init__|each)\(\)", name, str(error)) or type(error).__name__
            unknown = re.search(r"unexpected keyword argument '(\w+)'", what)
            values = {keyword.arg: keyword.value for keyword in node.keywords}
            place = values.get(unknown[1], node) if unknown else node
            raise self.error(place, what) from error

    def name_of(self, node: ast.expr) -> str:
        """The name that a node is, ``Random`` or ``Group.each``; empty if it is none."""
        if isinstance(node, ast.Name):
            return node.id
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            return f"{node.value.id}.{node.attr}"
        return ""

    def hint(self, node: ast.expr, known: Mapping[str, object]) -> str:
        """A sentence that names what was meant, if something is similar."""
        name = self.name_of(node).removeprefix("ps.").removeprefix("pysclice.")
        similar = difflib.get_close_matches(name, known, 1)
        return f" Did you mean {similar[0]}?" if name and similar else ""

    def error(self, node: ast.expr, sentence: str) -> ExpressionError:
        """An error at a node."""
        lines = self._text.strip().split("\n")
        # Columns are counted in bytes by the parser, and in characters by people.
        line = lines[node.lineno - 1] if node.lineno <= len(lines) else ""
        here_ = len(line.encode()[: node.col_offset].decode(errors="ignore"))
        before = sum(len(earlier) + 1 for earlier in lines[: node.lineno - 1])
        return ExpressionError(sentence, self._text, self._lead + before + here_)
