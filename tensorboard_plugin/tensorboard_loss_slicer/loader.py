"""TensorBoard's way into the plugin.

An error while this module is imported would stop the whole ``tensorboard`` command, so it needs
the standard library and TensorBoard's own base class only. Everything else is imported in
``load``, and if that fails the tab says why while TensorBoard lives on.
"""

from __future__ import annotations

import argparse
import json
import logging
from collections.abc import Callable, Iterable
from typing import Any

from tensorboard.plugins import base_plugin

PLUGIN_NAME = "loss_slicer"
TAB_NAME = "Loss Slicer"

_logger = logging.getLogger(__name__)

StartResponse = Callable[[str, list[tuple[str, str]]], Any]


class LossSlicerLoader(base_plugin.TBLoader):  # type: ignore[misc]  # TensorBoard has no types
    """Loads the plugin, or in its place one that explains what broke."""

    def fix_flags(self, flags: argparse.Namespace) -> None:
        """Ask TensorBoard to keep every slice, unless the user asked for another number."""
        samples = getattr(flags, "samples_per_plugin", None)
        if isinstance(samples, dict):
            samples.setdefault(PLUGIN_NAME, 0)  # 0 means all

    def load(self, context: base_plugin.TBContext) -> base_plugin.TBPlugin:
        """The plugin for this server."""
        try:
            from tensorboard_loss_slicer.plugin import LossSlicerPlugin

            return LossSlicerPlugin(context)
        except Exception as error:
            _logger.exception("The Loss Slicer plugin could not be loaded")
            return BrokenPlugin(f"{type(error).__name__}: {error}")


class BrokenPlugin(base_plugin.TBPlugin):  # type: ignore[misc]  # TensorBoard has no types
    """Stands in for a plugin that could not be loaded, and says so in its tab."""

    plugin_name = PLUGIN_NAME

    def __init__(self, reason: str) -> None:
        """Remember the reason, a short text."""
        self._page = message_page(
            f"The Loss Slicer plugin could not be loaded. {reason}. Install pysclice anew in the "
            "environment that runs TensorBoard (pip install --force-reinstall pysclice) and "
            "start TensorBoard again."
        )

    def get_plugin_apps(self) -> dict[str, Callable[..., Iterable[bytes]]]:
        """The page alone."""
        return {"/static/index.js": self._serve}

    def is_active(self) -> bool:
        """False; TensorBoard shows the tab where a run has slices."""
        return False

    def frontend_metadata(self) -> base_plugin.FrontendMetadata:
        """The tab."""
        return frontend_metadata()

    def _serve(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        # Plain WSGI, as whatever broke may have been what usually builds responses.
        headers = [
            ("Content-Type", "text/javascript; charset=utf-8"),
            ("Content-Length", str(len(self._page))),
            ("X-Content-Type-Options", "nosniff"),
            ("Cache-Control", "no-cache, must-revalidate"),
        ]
        if environ.get("REQUEST_METHOD") not in ("GET", "HEAD"):
            start_response("405 Method Not Allowed", [("Allow", "GET, HEAD"), *headers[2:]])
            return []
        start_response("200 OK", headers)
        return [self._page] if environ["REQUEST_METHOD"] == "GET" else []


def frontend_metadata() -> base_plugin.FrontendMetadata:
    """What TensorBoard needs to know of the tab."""
    return base_plugin.FrontendMetadata(es_module_path="/static/index.js", tab_name=TAB_NAME)


def message_page(sentence: str) -> bytes:
    """JavaScript of a page that says one sentence."""
    # ASCII JSON is a JavaScript string; textContent, so that nothing in it becomes markup.
    return (
        "export function render() {\n"
        '  const message = document.createElement("p");\n'
        '  message.style.font = "16px sans-serif";\n'
        '  message.style.padding = "24px";\n'
        f"  message.textContent = {json.dumps(sentence)};\n"
        '  document.body.style.background = "white";\n'
        "  document.body.replaceChildren(message);\n"
        "}\n"
    ).encode()
