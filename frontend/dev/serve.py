"""Serve the built page with invented but plausible slices, without TensorBoard.

    python frontend/dev/serve.py [--port 6099] [--case full|empty|error|slow|banners]

Answers the routes of tensorboard_plugin/tensorboard_loss_slicer/http_api.md. With ``/frame`` the page
lives in an iframe, as in TensorBoard; ``/`` shows it alone. For looking at the page and for its
screenshots only; what counts is tested against the real plugin.
"""

from __future__ import annotations

import argparse
import base64
import dataclasses
import json
import math
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import numpy as np

from pysclice.slices import Axis, ProjectedTrajectory, Slice, index_entry, regular_coordinates

STATIC = Path(__file__).parents[2] / "tensorboard_plugin/tensorboard_loss_slicer/static"
BASE = "/data/plugin/loss_slicer/"
TYPES = {".js": "text/javascript", ".css": "text/css"}
# As TensorBoard sends it.
POLICY = (
    "default-src 'self'; font-src 'self' data:; img-src 'self' data: blob:; object-src 'none'; "
    "style-src 'self' data: 'unsafe-inline'; connect-src 'self'; script-src 'self' 'unsafe-inline'"
)


def bowl(x: np.ndarray, y: np.ndarray, progress: float, seed: int) -> np.ndarray:
    """A landscape that sharpens, shifts and grows ridges as training goes on."""
    turn = 0.5 + 0.4 * seed + 0.6 * progress
    u = np.cos(turn) * x - np.sin(turn) * y
    v = np.sin(turn) * x + np.cos(turn) * y
    floor = 2.3 * math.exp(-4 * progress) + 0.03 + 0.02 * seed
    walls = (1.2 + 9 * progress) * u**2 + (0.5 + 3 * progress) * v**2
    ripples = 0.35 * progress * (1 - np.cos(4.2 * u + seed)) * (1 - np.cos(3.1 * v))
    tilt = 0.5 * (1 - progress) * (u + 0.4 * v)
    return floor + walls * (1 + 0.5 * np.tanh(u * v * 2)) + ripples * 2.2 + np.log1p(np.exp(tilt)) - 0.69


def channels_of(loss: np.ndarray) -> dict[str, np.ndarray]:
    return {
        "train/loss": loss.astype(np.float32),
        "validation/loss": (1.12 * loss + 0.05).astype(np.float32),
        "validation/accuracy": np.clip(np.exp(-0.55 * loss), 0.1, 1).astype(np.float32),
    }


def make(
    kind: str, method: str, axes: list[Axis], loss: np.ndarray, center: float, step: int, **more: Any
) -> Slice:
    values = channels_of(loss)
    centers = {k: v.astype(np.float64) for k, v in channels_of(np.array([center])).items()}
    return Slice(
        kind, method, tuple(axes), values, centers, series="", step=step, epoch=step / 500,
        wall_time=1_795_230_000.0 + step * 0.08, examples=2048, evaluations=loss.size, seconds=1.84,
        **more,
    )  # fmt: skip


def path_until(step: int, last: int, seed: int) -> ProjectedTrajectory:
    """A path that comes from the upper right, wriggles, and ends where this step stands."""
    steps = np.arange(0, last + 1, 250)
    t = (steps / last) ** 0.5
    xy = np.stack([1.25 * (1 - t) + 0.06 * np.sin(19 * t + seed), 0.9 * (1 - t) ** 1.7 + 0.05 * np.cos(17 * t)])
    here = np.stack([np.interp(step, steps, one) for one in xy])
    return ProjectedTrajectory(steps, xy - here[:, None], np.abs(t - (step / last) ** 0.5), 0.834)


def interpolation(progress: float, seed: int, step: int) -> Slice:
    """From here to another solution, over a hill."""
    x = regular_coordinates(-0.25, 1.25, 31)
    hill = 0.2 + 0.3 * x + (0.4 + 0.9 * progress) * np.exp(-((x - 0.46) ** 2) / 0.045)
    hill += 2.5 * np.maximum(-x, 0) ** 2 + 3 * np.maximum(x - 1, 0) ** 2
    here, there = np.interp([0.0, 1.0], x, hill)
    rises = hill - ((1 - x) * here + x * there)
    top = int(np.argmax(np.where((x >= 0) & (x <= 1), rises, -1)))
    barrier = {"value": float(rises[top]), "where": float(x[top]), "error": 0.031}
    notes = {"barrier": {"train/loss": barrier}, "similarity": {"before": 11.25, "after": 48.5}}
    errors = {"train/loss": (0.16 * np.sqrt(np.abs(x)) * (1 - 0.4 * progress)).astype("f4")[None, None]}
    return make(
        "lines", "linear interpolation", [dataclasses.replace(axis("towards run b", 31, 18.2), coordinates=x)], hill[None, None],
        here, step, notes=notes, errors=errors,
    )  # fmt: skip


def crowd(progress: float, seed: int, step: int) -> Slice:
    """Many random directions, some of them stiff, one diverged."""
    generator = np.random.default_rng(11 + seed)
    x = regular_coordinates(-1, 1, 33)
    stiff = generator.lognormal(0.4, 0.8, 64)[:, None] * (0.3 + progress)
    tilt, bend = generator.normal(0, 0.25, 64)[:, None], generator.normal(0, 0.3, 64)[:, None]
    loss = 0.3 + stiff * x**2 * (1 + bend * x) + tilt * x**2 * (x > 0)
    loss[5, 28:] = np.nan
    return make("lines", "crowd", [axis(f"random {i}", 33, 4.3) for i in range(64)], loss[None], 0.3, step)


def spectrum(progress: float, seed: int, step: int) -> Slice:
    """A bulk near zero, a tail, and a few outliers that grow."""
    top = (np.array([46.0, 31.5, 22.0, 15.2, 11.9]) + seed) * (0.25 + 0.75 * progress)
    x = regular_coordinates(-4.0, float(round(top[0] * 1.12)), 161)
    width = 0.5
    def bump(at: float, w: float) -> np.ndarray:
        return np.exp(-((x - at) ** 2) / (2 * w**2)) / (w * math.sqrt(2 * math.pi))
    density = 0.93 * bump(0.1, 0.45) + 0.067 * bump(1.6, 1.5) + sum(6e-4 * bump(t, width) for t in top)
    notes = {
        "eigenvalues": top.tolist(), "residuals": [1e-3, 1e-3, 0.02, 0.3, 0.9], "trace": 812.4 * (0.5 + progress),
        "trace_error": 14.2, "matrix": "Hessian", "learning_rate": 0.04 if progress < 0.7 else 0.02, "probes": 8, "lanczos steps": 80,
    }  # fmt: skip
    values = {"train/loss": density.astype("f4")[None, None]}
    errors = {"train/loss": (density * 0.22).astype("f4")[None, None]}
    return Slice(
        "spectrum", "Hessian spectrum", (Axis("eigenvalue", x, 1.0),), values, {"train/loss": np.array([0.31])},
        step=step, wall_time=1_795_230_000.0 + step * 0.08, notes=notes, errors=errors,
    )  # fmt: skip


def axis(name: str, samples: int, length: float, span: float = 1.0) -> Axis:
    return Axis(
        name, regular_coordinates(-span, span, samples), length=length, fingerprint="9c1d22e07f35ab10",
        description=f"{name}, rescaled filter by filter to the norms of the parameters (filter normalization)",
    )  # fmt: skip


def run_series(seed: int, steps: list[int], last: int, diverges: bool) -> dict[str, list[Slice]]:
    series: dict[str, list[Slice]] = {"random plane": [], "random line": [], "top eigenvector": []}
    series |= {"parameters one by one": [], "towards run b": [], "64 random lines": [], "spectrum": []}
    for step in steps:
        progress = (step / last) ** 0.6
        samples = 25 if seed % 2 else 49
        grid = regular_coordinates(-1, 1, samples)
        x, y = np.meshgrid(grid, grid, indexing="ij")
        loss = bowl(x, y, progress, seed)[None]
        center = float(bowl(np.zeros(1), np.zeros(1), progress, seed)[0])
        if diverges and step >= steps[-3]:
            loss = np.full_like(loss, np.nan)
            center = math.nan
        elif diverges and progress > 0.5:
            loss[0][x + y > 1.35] = np.inf
        axes = [axis("random 0", samples, 4.31), axis("random 1", samples, 4.87)]
        path = path_until(step, last, seed)
        series["random plane"].append(
            make("plane", "random direction", axes, loss, center, step, trajectory=path, notes={"cosine": 0.012})
        )
        series["towards run b"].append(interpolation(progress, seed, step))
        series["64 random lines"].append(crowd(progress, seed, step))
        series["spectrum"].append(spectrum(progress, seed, step))
        fine = regular_coordinates(-1, 1, 49)
        line = bowl(fine, 0 * fine, progress, seed)[None, None]
        series["random line"].append(
            make(
                "lines", "random direction", [axis("random 0", 49, 4.31)], line, center, step,
                errors={"train/loss": (0.12 * np.abs(fine) * (1 + line[0, 0])).astype("f4")[None, None]},
            )  # fmt: skip
        )
        sharp = (center + (14 + 60 * progress) * fine**2 * (1 + 0.3 * np.sin(5 * fine)))[None, None]
        series["top eigenvector"].append(
            make("lines", "Hessian eigenvector", [axis("eigenvector 0", 49, 1.0)], sharp, center, step)
        )
        generator = np.random.default_rng(7)
        stiff = np.sort(generator.pareto(1.1, 40))
        shift = generator.normal(0, 0.3, 40)
        stiff = stiff * np.exp(1.2 * progress * generator.normal(0, 1, 40))
        short = regular_coordinates(-1, 1, 25)
        bundle = center + 0.4 * stiff[:, None] * ((short + shift[:, None]) ** 2 - shift[:, None] ** 2) * progress
        names = [f"features.{i // 8}.conv{i % 3}.weight[{i}, {3 * i % 16}, 1, 1]" for i in range(40)]
        series["parameters one by one"].append(
            make("lines", "axis-parallel", [axis(n, 25, 0.4) for n in names], bundle[None], center, step)
        )
    return series


def runs() -> dict[str, dict[str, list[Slice]]]:
    every = list(range(0, 10_001, 100))
    result = {
        "baseline, lr 0.1": run_series(0, every, 10_000, diverges=False),
        "small batch": run_series(1, every[::2], 10_000, diverges=False),
        "wide/sgd-momentum/seed=3/lr=0.03,wd=5e-4": run_series(2, every[:71], 10_000, diverges=False),
        "lr too high <b>bold</b>": run_series(3, every[:41], 10_000, diverges=True),
    }
    del result["small batch"]["top eigenvector"]
    return result


def short_json(value: float) -> Any:
    return value if math.isfinite(value) else None


def catalog(data: dict[str, dict[str, list[Slice]]], records: dict[str, Slice]) -> dict[str, Any]:
    entries = []
    for number, (run, series) in enumerate(data.items()):
        listed = []
        for place, (name, slices) in enumerate(series.items()):
            ident = f"s{number}x{place}"
            slices = [dataclasses.replace(one, series=name) for one in slices]
            for one in slices:
                records[f"{ident}.{one.step}.3fa2"] = one
            first = index_entry(slices[0])
            stacked = {c: np.stack([s.values[c] for s in slices]) for c in slices[0].channels}
            finite = {c: v[np.isfinite(v)] for c, v in stacked.items()}
            centers = {c: np.array([s.center[c][0] for s in slices], "<f4") for c in stacked}
            listed.append({
                "id": ident, "name": name, "steps": [s.step for s in slices],
                "layouts": [{k: first[k] for k in ("kind", "method", "shape", "channels", "axes")}],
                "layout": [[0, len(slices)]], "attempts": [["3fa2", len(slices)]],
                "fingerprints": [[first["fingerprint"], len(slices)]],
                "wall_time": slices[0].wall_time, "seconds": [int(s.step * 0.08) for s in slices],
                "epochs": [s.epoch for s in slices],
                "centers": {c: base64.b64encode(v.tobytes()).decode() for c, v in centers.items()},
                "ranges": {c: [float(v.min()), float(v.max())] if v.size else None for c, v in finite.items()},
                "nonfinite": {c: int(stacked[c].size - v.size) for c, v in finite.items()},
            })  # fmt: skip
        entries.append({"name": run, "sources": [run], "series": listed})
    return {"generation": "5f0c2a9e41d7b386", "version": "0.1.0", "runs": entries, "malformed": 0}


def container(keys: list[str], stride: int, records: dict[str, Slice]) -> bytes:
    frames, bodies, offset = [], [], 0
    for key in keys:
        try:
            record = records[key].coarsen(stride).to_bytes()
        except (KeyError, ValueError) as error:
            frames.append({"key": key, "error": str(error)})
            continue
        frames.append({"key": key, "offset": offset, "length": len(record)})
        bodies.append(record + bytes(-len(record) % 8))
        offset += len(bodies[-1])
    header = json.dumps({"frames": frames}).encode()
    header += b" " * (-(8 + len(header)) % 8)
    return b"PSF1" + len(header).to_bytes(4, "little") + header + b"".join(bodies)


class Handler(BaseHTTPRequestHandler):
    case = "full"
    index: dict[str, Any] = {}
    records: dict[str, Slice] = {}
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        asked = {key: values[0] for key, values in parse_qs(url.query).items()}
        if url.path == "/favicon.ico":
            return self.answer(204, "image/x-icon", b"")
        if url.path in ("/", "/frame", "/data/plugin_entry.html"):
            return self.page(url.path)
        route = url.path.removeprefix(BASE)
        if route.startswith("static/"):
            file = STATIC / Path(route).name
            if not file.is_file():
                return self.answer(404, "text/plain", b"No such file.")
            return self.answer(200, TYPES.get(file.suffix, "application/octet-stream"), file.read_bytes())
        if self.case == "error":
            return self.answer(500, "text/plain", b"The log directory could not be read: permission denied.")
        if self.case == "slow":
            time.sleep(0.8 if route == "frames" else 4)
        if route == "index":
            empty = self.index | {"runs": []}
            return self.json(empty if self.case == "empty" else self.index)
        if route == "poll":
            return self.json({"generation": self.index["generation"], "changed": False})
        if route == "health":
            return self.json(health(self.case == "banners"))
        if route == "frames":
            body = container(asked["keys"].split(","), int(asked.get("stride", "1")), self.records)
            return self.answer(200, "application/octet-stream", body)
        return self.answer(404, "text/plain", b"No such route.")

    def page(self, path: str) -> None:
        if path == "/frame":
            html = (
                "<body style='margin:0;display:flex;flex-direction:column;height:100vh'>"
                "<header style='height:64px;background:#f57c00'></header>"
                "<iframe src='/data/plugin_entry.html' style='border:0;flex:1'></iframe>"
            )
        else:
            html = f"<base href='{BASE}'><script>import('./static/index.js').then(m => void m.render())</script>"
        self.answer(200, "text/html", f"<!doctype html><meta charset=utf-8>{html}".encode())

    def json(self, value: Any) -> None:
        self.answer(200, "application/json", json.dumps(value).encode())

    def answer(self, status: int, kind: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", f"{kind}; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Content-Security-Policy", POLICY)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        pass


def health(troubled: bool) -> dict[str, Any]:
    malformed = [{"run": "a", "tag": "random plane/0000000500/3fa2", "reason": "The header is not JSON."}]
    return {
        "pysclice": "0.1.0", "tensorboard": "2.21.0", "format": 2, "loader": "fast",
        "retention": 10 if troubled else "all", "malformed": malformed if troubled else [],
        "newer": 2 if troubled else 0,
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=6099)
    parser.add_argument("--case", default="full", choices=["full", "empty", "error", "slow", "banners"])
    options = parser.parse_args()
    Handler.case = options.case
    Handler.index = catalog(runs(), Handler.records)
    print(f"http://localhost:{options.port}/  ({options.case})", flush=True)
    ThreadingHTTPServer(("127.0.0.1", options.port), Handler).serve_forever()


if __name__ == "__main__":
    main()
