"""What holds for every test."""

from __future__ import annotations

from hypothesis import settings

# The same examples every time and no deadline: a test never depends on luck or on a fast machine.
settings.register_profile("pysclice", deadline=None, derandomize=True)
settings.load_profile("pysclice")
