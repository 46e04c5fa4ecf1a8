"""Write the golden files of the current format version: ``python tests/golden/make.py``.

Golden files are written once, when a version is new, and then stay for good: readers of every later
version must give back what the ``.json`` beside each file says.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from pysclice.slices import VERSION, Axis, ProjectedTrajectory, Slice, regular_coordinates

HERE = Path(__file__).parent


def line() -> Slice:
    """A line with two channels and a diverged end."""
    coordinates = regular_coordinates(-1.0, 1.0, 13)
    loss = (0.25 + 1.5 * coordinates**2).astype(np.float32)
    loss[0], loss[12], loss[11] = np.inf, np.nan, -np.inf
    return Slice(
        kind="lines",
        method="random direction",
        axes=(Axis("random 0", coordinates, 6.25, "Random direction, seed 0", "9c1d22e07f35ab10"),),
        values={
            "train/loss": loss[None, None],
            "validation/accuracy": np.linspace(0, 1, 13, dtype=np.float32)[None, None],
        },
        center={"train/loss": np.array([0.25]), "validation/accuracy": np.array([0.5])},
        series="random line",
        step=500,
        epoch=2.5,
        wall_time=1795230000.5,
        examples=1797,
        evaluations=13,
        seconds=0.125,
        notes={"note": "größer ≥ 2"},
        errors={"train/loss": np.abs(coordinates)[None, None] / 64},
        replicates={
            "train/loss": np.stack([(coordinates + g / 4) ** 2 for g in (1, 2)])[:, None, None]
        },
        center_replicates={"train/loss": np.array([[0.0625], [0.25]])},
    )


def plane() -> Slice:
    """A plane of a known quadratic form, with more samples along the first axis."""
    x, y = regular_coordinates(-1.0, 1.0, 9), regular_coordinates(-0.5, 1.0, 7)
    values = 0.5 * (2 * x[:, None] ** 2 + x[:, None] * y[None, :] + y[None, :] ** 2)
    return Slice(
        kind="plane",
        method="plane through three points",
        axes=(
            Axis("towards b", x, 3.5, "Straight line to b", "aaaaaaaaaaaaaaaa"),
            Axis("towards c", y, 4.5, "Straight line to c", "bbbbbbbbbbbbbbbb"),
        ),
        values={"train/loss": values[None].astype(np.float32)},
        center={"train/loss": np.array([0.0])},
        series="three points/α <b>",  # noqa: RUF001 (names may hold anything)
        step=0,
        wall_time=1795230001.0,
        mode="train",
        evaluations=63,
        notes={"cosine": 0.25},
        trajectory=ProjectedTrajectory(
            steps=np.array([0, 100, 250]),
            coordinates=np.array([[-0.75, -0.5, 0.0], [0.5, 0.125, 0.0]]),
            distances=np.array([1.5, np.nan, 0.0]),
            explained=0.875,
        ),
    )


def bundle() -> Slice:
    """Three lines at two focus points, one axis of them irregular, a center that is not finite."""
    coordinates = regular_coordinates(-2.0, 2.0, 5)
    uneven = np.array([-2.0, -0.5, 0.0, 0.125, 2.0])
    axes = tuple(
        Axis(
            f"fc.weight[{i}, 0]", uneven if i == 1 else coordinates, 0.1 * (i + 1), "", f"{i:016x}"
        )
        for i in range(3)
    )
    values = np.arange(30, dtype=np.float32).reshape(2, 3, 5) / 8
    return Slice(
        kind="lines",
        method="axis-parallel",
        axes=axes,
        values={"train/loss": values},
        center={"train/loss": np.array([0.25, np.nan])},
        series="coordinates",
        step=12,
        focus_points=("current parameters", "start"),
    )


def spectrum() -> Slice:
    """A density of eigenvalues with its top ones in the notes."""
    eigenvalues = regular_coordinates(-1.0, 3.0, 9)
    density = np.exp(-(eigenvalues**2))[None, None]
    return Slice(
        kind="spectrum",
        method="Hessian spectrum",
        axes=(Axis("eigenvalue", eigenvalues, 1.0),),
        values={"train/loss": density},
        center={"train/loss": np.array([0.5])},
        series="spectrum",
        step=7,
        notes={
            "eigenvalues": [2.75, 1.5],
            "residuals": [1e-4, 2e-4],
            "trace": 12.5,
            "trace_error": 0.25,
        },
        errors={"train/loss": density / 16},
    )


def adaptive() -> Slice:
    """A plane at two focus points of which some values were interpolated, and have no errors."""
    x, y = regular_coordinates(-1.0, 1.0, 7), regular_coordinates(0.0, 1.0, 5)
    values = np.stack([x[:, None] ** 2 + y, x[:, None] * y + 1])
    evaluated = np.arange(70).reshape(2, 7, 5) % 3 == 0
    return Slice(
        kind="plane",
        method="random direction",
        axes=(Axis("random 0", x, 2.0), Axis("random 1", y, 3.0)),
        values={"train/loss": values},
        center={"train/loss": np.array([0.0, 1.0])},
        focus_points=("current parameters", "start"),
        series="adaptive plane",
        step=3,
        evaluations=26,
        notes={
            "sampling": {"method": "adaptive", "tolerance": 0.01, "evaluated": 24, "points": 70}
        },
        errors={"train/loss": np.where(evaluated, values / 32, np.nan)},
        evaluated=evaluated,
    )


def expected(slice_: Slice) -> dict[str, object]:
    """What a reader must find, in JSON; values that are not finite as text."""
    return {
        "kind": slice_.kind,
        "method": slice_.method,
        "series": slice_.series,
        "step": slice_.step,
        "epoch": slice_.epoch,
        "shape": list(slice_.shape),
        "focus_points": list(slice_.focus_points),
        "mode": slice_.mode,
        "examples": slice_.examples,
        "evaluations": slice_.evaluations,
        "notes": dict(slice_.notes),
        "axes": [
            {
                "name": axis.name,
                "description": axis.description,
                "length": axis.length,
                "fingerprint": axis.fingerprint,
                "coordinates": axis.coordinates.tolist(),
            }
            for axis in slice_.axes
        ],
        "values": {
            name: [_text(float(v)) for v in values.ravel()]
            for name, values in slice_.values.items()
        },
        "center": {name: [_text(float(v)) for v in c] for name, c in slice_.center.items()},
        "errors": {
            name: [_text(float(v)) for v in values.ravel()]
            for name, values in slice_.errors.items()
        },
        "replicates": {
            name: [[_text(float(v)) for v in group.ravel()] for group in groups]
            for name, groups in slice_.replicates.items()
        },
        "center_replicates": {
            name: centers.tolist() for name, centers in slice_.center_replicates.items()
        },
        "trajectory": None
        if slice_.trajectory is None
        else {
            "steps": slice_.trajectory.steps.tolist(),
            "coordinates": slice_.trajectory.coordinates.tolist(),
            "distances": [_text(float(v)) for v in slice_.trajectory.distances],
            "explained": slice_.trajectory.explained,
        },
        **({} if slice_.evaluated is None else {"evaluated": slice_.evaluated.ravel().tolist()}),
    }


def _text(value: float) -> float | str:
    if np.isnan(value):
        return "NaN"
    return value if np.isfinite(value) else ("Infinity" if value > 0 else "-Infinity")


if __name__ == "__main__":
    made = {
        "line": line(),
        "plane": plane(),
        "bundle": bundle(),
        "spectrum": spectrum(),
        "adaptive": adaptive(),
    }
    for name, slice_ in made.items():
        slice_.save(HERE / f"v{VERSION}-{name}.slice")
        text = json.dumps(expected(slice_), indent=1, ensure_ascii=False)
        (HERE / f"v{VERSION}-{name}.json").write_text(text + "\n", encoding="utf-8")
