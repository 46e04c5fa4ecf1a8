"""Warnings that never stop a training loop."""

from __future__ import annotations

import logging
import warnings

_log = logging.getLogger(__name__)


def tell(sentence: str, stacklevel: int = 2) -> None:
    """Warn, or log where the user turns warnings into errors: ours must not stop their training.

    Args:
        sentence: what to say.
        stacklevel: whom to name as the place, as ``warnings.warn`` called in this one's place.
    """
    try:
        warnings.warn(sentence, RuntimeWarning, stacklevel=stacklevel + 1)
    except RuntimeWarning:
        _log.warning(sentence)
