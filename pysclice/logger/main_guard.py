"""Whether a script can be imported by another process without running all over again."""

from __future__ import annotations

import ast
import sys
from pathlib import Path
from types import FrameType


def check_guarded() -> None:
    """Nothing, unless the running script would start its training again when it is imported.

    A new Python process imports the main module to find what is defined there. Looked at are the
    line that the main module has got to, and the ``if`` around it.

    Raises:
        RuntimeError: this line is not below ``if __name__ == "__main__":``.
    """
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        if _is_main_module(frame) and not _is_guarded(frame):
            raise RuntimeError(
                f"mode='process' starts a process that imports {frame.f_code.co_filename} again, "
                f"and line {frame.f_lineno} of it would run there too, and train a second time. "
                "Put the training into a function, and call it below a last line "
                '`if __name__ == "__main__":`.'
            )
        frame = frame.f_back


def _is_main_module(frame: FrameType) -> bool:
    if frame.f_code.co_name != "<module>":
        return False
    # Not what only calls itself so, such as a debugger that has put the script in its place.
    is_main = frame.f_globals is vars(sys.modules["__main__"])
    return is_main or frame.f_globals.get("__name__") == "__mp_main__"  # imported again, already


def _is_guarded(frame: FrameType) -> bool:
    try:
        tree = ast.parse(Path(frame.f_code.co_filename).read_text(encoding="utf-8"))
    except (OSError, SyntaxError, ValueError):
        return True  # a notebook or a prompt, which is not imported
    return any(
        isinstance(node, ast.If)
        and node.lineno <= frame.f_lineno <= (node.end_lineno or node.lineno)
        and any(
            isinstance(part, ast.Name) and part.id == "__name__" for part in ast.walk(node.test)
        )
        for node in ast.walk(tree)
    )
