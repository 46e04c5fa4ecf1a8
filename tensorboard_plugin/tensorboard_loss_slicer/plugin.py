"""The plugin's routes: read the request, ask the index, answer. ``http_api.md`` lists them all.

Reads only: no route writes, opens a path that a request names, or runs the user's model.
"""

from __future__ import annotations

import contextlib
import importlib.resources
import json
import re
import threading
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import tensorboard
from tensorboard import plugin_util
from tensorboard.backend import http_util
from tensorboard.data import provider
from tensorboard.plugins import base_plugin
from werkzeug import wrappers

from pysclice import __version__
from pysclice.events import shown_run
from pysclice.slices import VERSION, Slice
from tensorboard_loss_slicer import export, slice_index, static_page
from tensorboard_loss_slicer.loader import PLUGIN_NAME, frontend_metadata, message_page
from tensorboard_loss_slicer.slice_index import Frame, FreshIndex, Listing, SliceIndex

if TYPE_CHECKING:
    from importlib.abc import Traversable

MAX_KEYS = 256
BATCH = 64  # slices read at once for a file, which may be of many
MAX_STRIDE = 65536
MAX_MALFORMED = 100
LINK = "link."
ENTRY = "index.js"
YEAR = 365 * 24 * 3600
KEEP_ALL = 2**30  # for `downsample`, where 0 would mean nothing

# Fixed here, since mimetypes asks the system, and some Windows registries answer nonsense.
MIME_TYPES = {
    ".css": "text/css",
    ".html": "text/html",
    ".js": "text/javascript",
    ".json": "application/json",
    ".map": "application/json",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".txt": "text/plain",
    ".wasm": "application/wasm",
    ".woff2": "font/woff2",
}
NOT_BUILT = (
    "The page of the Loss Slicer is not built. Run `pip install -e .` in your pysclice checkout, "
    "which builds it, or install pysclice from a wheel; then start TensorBoard again."
)

Handler = Callable[[wrappers.Request], wrappers.Response]


class RequestError(Exception):
    """A request that cannot be answered, with the HTTP status and a sentence for it."""

    def __init__(self, status: int, sentence: str) -> None:
        """Keep both."""
        super().__init__(sentence)
        self.status = status


class LossSlicerPlugin(base_plugin.TBPlugin):  # type: ignore[misc]  # TensorBoard has no types
    """Serves slices, and the page that shows them."""

    plugin_name = PLUGIN_NAME

    def __init__(self, context: base_plugin.TBContext) -> None:
        """Read the built page; slices are read when they are asked for."""
        self._provider = context.data_provider
        self._sampling_hints = context.sampling_hints or {}
        # TensorBoard's own page says it too; empty where it was given several directories.
        self._logdir = str(getattr(context, "logdir", None) or "")
        self._files = dict(static_files())
        self._fresh = FreshIndex()

    def is_active(self) -> bool:
        """False: TensorBoard itself asks the data provider which plugins have data."""
        return False

    def frontend_metadata(self) -> base_plugin.FrontendMetadata:
        """The tab."""
        return frontend_metadata()

    def get_plugin_apps(self) -> dict[str, Callable[..., Any]]:
        """Route -> WSGI application."""
        routes: dict[str, Handler] = {
            "/index": self._serve_index,
            "/poll": self._serve_poll,
            "/frames": self._serve_frames,
            "/export": self._serve_export,
            "/page": self._serve_page,
            "/health": self._serve_health,
        }
        # Exact names that were there at the start: no request can name a file.
        for name in self._files:
            routes[f"/static/{name}"] = self._static(name)
        return {path: _application(handler) for path, handler in routes.items()}

    def _static(self, name: str) -> Handler:
        content, mime_type = self._files[name], MIME_TYPES[_suffix(name)]
        # The entry's name stays while its content changes; all others carry a hash.
        expires = 0 if name == ENTRY else YEAR

        def serve(request: wrappers.Request) -> wrappers.Response:
            if name == ENTRY:
                # The page asks for the index as soon as it runs: by then it is half listed.
                threading.Thread(target=self._list_ahead, args=(request,), daemon=True).start()
            return _respond(request, content, mime_type, expires=expires)

        return serve

    def _serve_index(self, request: wrappers.Request) -> wrappers.Response:
        runs = request.args.getlist("run") or None
        content = self._index(request).to_json(runs)
        return _respond(request, content, "application/json")

    def _serve_poll(self, request: wrappers.Request) -> wrappers.Response:
        generation = self._index(request).generation
        changed = request.args.get("since") != generation
        return _respond_json(request, {"generation": generation, "changed": changed})

    def _serve_frames(self, request: wrappers.Request) -> wrappers.Response:
        stride = _whole_number(request, "stride", default=1, maximum=MAX_STRIDE)
        frames = [
            slice_index.coarsen_frame(frame, stride)
            for frame in self._frames(request, _keys(request))
        ]
        # What a key names never changes, but what is missing today may be there tomorrow.
        expires = 0 if any(frame.error for frame in frames) else YEAR
        content = slice_index.pack_frames(frames)
        return _respond(request, content, "application/octet-stream", expires=expires)

    def _serve_export(self, request: wrappers.Request) -> wrappers.Response:
        format_ = request.args.get("format", "")
        if format_ not in export.FORMATS:
            raise RequestError(
                400, f"The format {format_!r:.40} is unknown; give format=csv, json, npy or npz."
            )
        encode, mime_type = export.FORMATS[format_]
        try:
            content = encode(self._asked(request))
        except ValueError as error:
            raise RequestError(400, str(error)) from error
        name = f'attachment; filename="slices.{format_}"'
        return _respond(request, content, mime_type, headers=[("Content-Disposition", name)])

    def _serve_page(self, request: wrappers.Request) -> wrappers.Response:
        if not request.args.getlist("series"):
            raise RequestError(400, "Name the series to show, as in series=Jx3kQ0aPz1Yw.")
        link = {
            name.removeprefix(LINK): value
            for name, value in request.args.items()
            if name.startswith(LINK)
        }
        try:
            content = static_page.build(
                self._asked(request), link, request.args.get("title", ""), self._runs(request)
            )
        except static_page.StaticPageError as error:
            raise RequestError(400, str(error)) from error
        name = 'attachment; filename="slices.html"'
        return _respond(request, content, "text/html", headers=[("Content-Disposition", name)])

    def _runs(self, request: wrappers.Request) -> list[str]:
        """All runs in the order of TensorBoard's own list, which decides on their colors."""
        runs = self._provider.list_runs(
            plugin_util.context(request.environ),
            experiment_id=plugin_util.experiment_id(request.environ),
        )
        never = float("inf")
        ordered = sorted(
            (never if run.start_time is None else run.start_time, run.run_name) for run in runs
        )
        return [name for _, name in ordered]

    def _asked(self, request: wrappers.Request) -> list[export.Found]:
        """The slices that ``keys`` or ``series`` and ``every`` name, one batch after the other."""
        keys = self._keys_of_series(request) if "series" in request.args else _keys(request)
        result: list[export.Found] = []
        size = 0
        for start in range(0, len(keys), BATCH):
            for frame in self._frames(request, keys[start : start + BATCH]):
                if frame.error:
                    raise RequestError(404, frame.error)
                size += len(frame.record)
                if size > static_page.MAX_BYTES:
                    raise RequestError(400, _too_much(len(keys)))
                result.append(self._found(request, frame))
        return result

    def _keys_of_series(self, request: wrappers.Request) -> list[str]:
        every = _whole_number(request, "every", default=1, maximum=MAX_STRIDE)
        index = self._index(request)
        keys: list[str] = []
        for id_ in request.args.getlist("series"):
            of_series = index.keys_of(id_)
            if not of_series:
                raise RequestError(404, f"There is no series {id_!r:.40}. Reload the index.")
            places = static_page.thinned(range(len(of_series)), every)
            keys += [of_series[place] for place in places]
        return keys

    def _found(self, request: wrappers.Request, frame: Frame) -> export.Found:
        entry = self._index(request).find(frame.key)
        if entry is None:  # deleted since its bytes were read
            raise RequestError(404, f"There is no slice {frame.key!r:.80}. Reload the index.")
        run = shown_run(entry.run)
        return export.Found(run, entry.attempt, Slice.from_bytes(frame.record))

    def _serve_health(self, request: wrappers.Request) -> wrappers.Response:
        index = self._index(request)
        listed = index.malformed[:MAX_MALFORMED]
        health = {
            "pysclice": __version__,
            "tensorboard": tensorboard.__version__,
            "format": VERSION,
            "logdir": self._logdir,
            "loader": self._loader(),
            "retention": self._retention(),
            "malformed": [malformed._asdict() for malformed in listed],
            "newer": index.newer,
        }
        return _respond_json(request, health)

    def _loader(self) -> str:
        """Which of TensorBoard's ways of loading is in use: ``fast``, ``slow`` or ``unknown``."""
        module = type(self._provider).__module__
        names = {
            "tensorboard.data.grpc_provider": "fast",
            "tensorboard.backend.event_processing.data_provider": "slow",
        }
        return names.get(module, "unknown")

    def _retention(self) -> int | str:
        """How many events of a tag TensorBoard keeps."""
        kept = self._sampling_hints.get(PLUGIN_NAME)
        if kept is None:  # TensorBoard's defaults for tensors of a plugin that it does not know
            return {"fast": 100, "slow": 10}.get(self._loader(), "unknown")
        return "all" if kept == 0 else int(kept)

    def _index(self, request: wrappers.Request) -> SliceIndex:
        experiment = plugin_util.experiment_id(request.environ)

        def list_tensors() -> Listing:
            if self._provider is None:
                return {}
            listing: Listing = self._provider.list_tensors(
                plugin_util.context(request.environ),
                experiment_id=experiment,
                plugin_name=PLUGIN_NAME,
            )
            return listing

        return self._fresh.get(experiment, list_tensors)

    def _list_ahead(self, request: wrappers.Request) -> None:
        # Whatever goes wrong is told to who asks for the index.
        with contextlib.suppress(Exception):
            self._index(request)

    def _frames(self, request: wrappers.Request, keys: list[str]) -> list[Frame]:
        def read(runs: set[str], tags: set[str]) -> Any:
            return self._provider.read_tensors(
                plugin_util.context(request.environ),
                experiment_id=plugin_util.experiment_id(request.environ),
                plugin_name=PLUGIN_NAME,
                downsample=KEEP_ALL,
                run_tag_filter=provider.RunTagFilter(runs=runs, tags=tags),
            )

        return slice_index.read_frames(self._index(request), keys, read)


def static_files() -> Iterator[tuple[str, bytes]]:
    """Name and content of every file of the built page, or of one that says how to build it."""
    folder = importlib.resources.files("tensorboard_loss_slicer") / "static"
    files = dict(_files_below(folder, "")) if folder.is_dir() else {}
    if ENTRY not in files:
        files = {ENTRY: message_page(NOT_BUILT)}
    # Goes into files that people export, and is larger than what the tab needs.
    files.pop(static_page.BUNDLE, None)
    yield from files.items()


def _files_below(folder: Traversable, prefix: str) -> Iterator[tuple[str, bytes]]:
    for item in folder.iterdir():
        if item.is_dir():
            yield from _files_below(item, f"{prefix}{item.name}/")
        elif _suffix(item.name) in MIME_TYPES:
            yield f"{prefix}{item.name}", item.read_bytes()


def _suffix(name: str) -> str:
    return "." + name.rpartition(".")[2].lower()


def _application(handler: Handler) -> Any:
    @wrappers.Request.application
    def application(request: wrappers.Request) -> wrappers.Response:
        if request.method not in ("GET", "HEAD"):
            sentence = f"This route answers GET and HEAD, not {request.method!r:.20}."
            allow = [("Allow", "GET, HEAD")]
            return _respond(request, sentence, "text/plain", code=405, headers=allow)
        try:
            return handler(request)
        except RequestError as error:
            return _respond(request, str(error), "text/plain", code=error.status)

    return application


def _respond(
    request: wrappers.Request, content: bytes | str, mime_type: str, **options: Any
) -> wrappers.Response:
    if isinstance(content, str):  # a sentence may quote what UTF-8 cannot write
        content = content.encode("utf-8", errors="backslashreplace")
    response: wrappers.Response = http_util.Respond(request, content, mime_type, **options)
    return response


def _respond_json(request: wrappers.Request, value: dict[str, Any]) -> wrappers.Response:
    content = json.dumps(value, separators=(",", ":"), allow_nan=False)
    return _respond(request, content, "application/json")


def _too_much(slices: int) -> str:
    return (
        f"These {slices} slices have more than {static_page.MAX_BYTES / 1e6:.0f} MB. Ask for fewer "
        "series, or only for some of their steps, as in every=4."
    )


def _keys(request: wrappers.Request) -> list[str]:
    keys = [key for key in request.args.get("keys", "").split(",") if key]
    if not 1 <= len(keys) <= MAX_KEYS:
        raise RequestError(
            400,
            f"Asked for {len(keys)} keys; give 1 to {MAX_KEYS}, parted by commas, as in "
            "keys=Jx3kQ0aPz1Yw.500.3fa2.",
        )
    return keys


def _whole_number(request: wrappers.Request, name: str, default: int, maximum: int) -> int:
    text = request.args.get(name)
    if text is None:
        return default
    if not re.fullmatch(r"[0-9]{1,9}", text) or not 1 <= int(text) <= maximum:
        raise RequestError(400, f"{name}={text!r:.40} is not a whole number from 1 to {maximum}.")
    return int(text)
