"""The spectrum of the curvature at the focus points."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from pysclice.core.curvature_matrix import MATRICES, CurvatureMatrix, MatrixName, check_matrix
from pysclice.core.eigenpairs import converged, measured, ordered
from pysclice.core.lanczos import Lanczos
from pysclice.core.parameters import Parameters, recipe_fingerprint
from pysclice.core.spectral_density import Quadrature, density, quadrature
from pysclice.core.surface import LossSurface
from pysclice.core.trace import Estimator, Trace, form_outside, hutch_plus_plus, hutchinson
from pysclice.directions.random import normal
from pysclice.slicers.focus_points import FocusPoints, expanded, here, name_of_focus_point
from pysclice.slicers.sampling import sampled
from pysclice.slices import Axis, Float64, Slice, regular_coordinates

# Standard deviations of the kernel by which the axis reaches beyond the outermost eigenvalues: all
# but 6e-7 of the area of their Gaussians.
_MARGIN = 5.0


@dataclass(frozen=True)
class Spectrum:
    """The density of the eigenvalues of the loss's curvature, its largest ones and their sum.

    Stochastic Lanczos quadrature (Ghorbani, Krishnan, Xiao 2019, arXiv:1901.10159; Ubaru, Chen,
    Saad 2017, doi:10.1137/16M1104974): the matrix is multiplied with random vectors and never made.
    The density has area 1 and standard errors over the probes. Every eigenvalue is drawn as a
    Gaussian of one width, which the record notes as ``kernel_width``, in units of eigenvalues.
    Quadrature with few steps has gaps between its nodes: where the density of most eigenvalues
    shows bumps as wide as the kernel, take more ``steps`` or a larger ``width``.

    The record's axis holds eigenvalues, from below the smallest to above the largest that was seen:
    it changes with the curvature from step to step. The record notes the largest ``eigenvalues``
    (largest first; one that several eigenvectors share may count once) with their ``residuals``,
    and the ``trace`` with its standard error ``trace_error``, as lists of these where there are
    several focus points; besides, ``products``, ``probes``, ``steps`` and ``matrix``.

    The first probe's iteration goes on until the largest eigenvalues have converged, and its space
    is the one on which Hutch++ is exact; the products of the others serve density and trace.

    Args:
        count: how many of the largest eigenvalues to find; fewer if there are fewer parameters.
        probes: how many random vectors, at least 2, or 3 for ``trace="hutch++"``. Their components
            are signs drawn from the seed.
        steps: products with each probe, at least 2: the density has moments up to ``2 * steps - 1``
            right, but for the choice of the probes.
        samples: number of eigenvalues on the axis.
        width: standard deviation of the kernel, as a share of the range of the eigenvalues.
        matrix: ``"Hessian"``, or ``"Gauss-Newton"`` for the generalized Gauss-Newton matrix, see
            ``LossSurface.gauss_newton_product``.
        trace: ``"hutch++"`` (Meyer et al. 2021, arXiv:2010.09649) or ``"hutchinson"``. Neither
            takes products of its own.
        tolerance: residual norm at which the iteration for the largest eigenvalues ends, relative
            to the largest.
        products: most steps of this iteration, but no fewer than ``steps`` and ``count``. It holds
            a vector of the model's size for each.
        seed: of the probes.
        focus_points: where to look; all have the same axis.

    Raises:
        TypeError: a number of samples that is none.
        ValueError: too few probes, steps or samples, another ``matrix`` or ``trace``, or a width
            that is not between 0 and 1.

    Example:
        >>> spectrum = surface.slice(ps.Spectrum(count=2, probes=4, steps=16))
        >>> eigenvalues, density = spectrum.axes[0].coordinates, spectrum.losses[0, 0]
        >>> round(float(np.sum(density) * (eigenvalues[1] - eigenvalues[0])), 3)
        1.0
        >>> len(spectrum.notes["eigenvalues"])
        2
    """

    count: int = 5
    probes: int = 8
    steps: int = 32
    samples: int = 257
    width: float = 0.01
    matrix: MatrixName = "Hessian"
    trace: Estimator = "hutch++"
    tolerance: float = 1e-3
    products: int = 100
    seed: int = 0
    focus_points: FocusPoints = (here,)

    def __post_init__(self) -> None:
        check_matrix(self.matrix)
        if self.trace not in ("hutch++", "hutchinson"):
            raise ValueError(f"trace is {self.trace!r}, expected 'hutch++' or 'hutchinson'.")
        # Hutch++ spends one probe on the subspace; a standard error needs two.
        least = {"count": 1, "probes": 3 if self.trace == "hutch++" else 2, "steps": 2}
        for name, minimum in least.items():
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < minimum:
                raise ValueError(
                    f"{name} is {value!r}, expected a whole number of at least {minimum}."
                )
        if not 0.0 < self.width < 1.0:
            raise ValueError(f"width is {self.width!r}, expected a share between 0 and 1.")
        sampled((0.0, 1.0), self.samples)
        needed = int(np.ceil((1 + 2 * _MARGIN * self.width) / self.width)) + 1
        if self.samples < needed:
            raise ValueError(
                f"{self.samples} samples are too few for kernels of width {self.width}: take at "
                f"least {needed}, or a larger width."
            )

    @property
    def evaluations(self) -> int:
        """How often a slice runs the model over the data at most.

        Each product with the matrix counts once, and takes as long as about seven forward passes.
        """
        products = self._most_steps + self.count + (self.probes - 1) * self.steps
        return (products + 1) * len(expanded(self.focus_points))

    @property
    def _most_steps(self) -> int:
        return max(self.products, self.steps, self.count)

    def __call__(self, surface: LossSurface, parameters: Parameters) -> Slice:
        """The spectrum at these parameters.

        Raises:
            ValueError: the curvature is not finite.
        """
        points = expanded(self.focus_points)
        found = [self._found(surface, point(surface, parameters)) for point in points]
        channel = found[0].channel
        eigenvalues, width = self._eigenvalues(found)
        densities = [density(f.quadratures, eigenvalues, width) for f in found]
        products = sum(f.products for f in found)
        axis = Axis(
            name="eigenvalue",
            coordinates=eigenvalues,
            description=f"Eigenvalue of the {MATRICES[self.matrix]} of the loss",
            fingerprint=recipe_fingerprint({"spectrum": self.matrix}, parameters),
        )
        return Slice(
            kind="spectrum",
            method=f"{self.matrix} spectrum",
            axes=(axis,),
            values={channel: np.stack([mean for mean, _ in densities])[:, None].astype("f4")},
            errors={channel: np.stack([error for _, error in densities])[:, None].astype("f4")},
            center={channel: np.array([f.center for f in found])},
            focus_points=tuple(map(name_of_focus_point, points)),
            mode=surface.mode,
            examples=found[0].examples,
            evaluations=products + len(found),
            notes={
                "eigenvalues": _by_focus_point([f.eigenvalues for f in found]),
                "residuals": _by_focus_point([f.residuals for f in found]),
                "trace": _by_focus_point([f.trace.value for f in found]),
                "trace_error": _by_focus_point([f.trace.error for f in found]),
                "matrix": self.matrix,
                "probes": self.probes,
                "steps": self.steps,
                "products": products,
                "kernel_width": width,
            },
        )

    def _found(self, surface: LossSurface, parameters: Parameters) -> _Found:
        """What the products at one focus point tell."""
        center = surface.measure(parameters, [], np.zeros((1, 0)))
        channel = next(iter(center.values))
        matrix = CurvatureMatrix(surface, parameters, self.matrix, surface.evaluated)
        count = min(self.count, matrix.size)
        others = range(1, self.probes)

        # One iteration at a time is held, the longest one last.
        iterations = (self._steps_of(matrix, self._probe(n, matrix, parameters)) for n in others)
        seen = [(quadrature(lanczos), _form(lanczos, matrix)) for lanczos in iterations]
        first = self._steps_of(matrix, self._probe(0, matrix, parameters))
        seen.insert(0, (quadrature(first), _form(first, matrix)))
        forms = [form for _, form in seen]

        ritz = converged(first, count, "largest", self.tolerance, self._most_steps)
        top = [
            measured(matrix, first.combined(ritz.weights[:, place]))
            for place in ordered(ritz, "largest")[:count]
        ]
        if self.trace == "hutchinson":
            trace = hutchinson(forms)
        else:
            outside = [
                form_outside(first, self._probe(n, matrix, parameters), forms[n]) for n in others
            ]
            trace = hutch_plus_plus(first, outside)
        return _Found(
            channel=channel,
            center=float(center.values[channel][0]),
            examples=center.examples,
            quadratures=[quadrature for quadrature, _ in seen],
            eigenvalues=[value for value, _ in top],
            residuals=[residual for _, residual in top],
            trace=trace,
            products=matrix.products,
        )

    def _probe(self, number: int, matrix: CurvatureMatrix, parameters: Parameters) -> Tensor:
        """Random signs: (size,)."""
        drawn = matrix.flat(
            {name: normal(self.seed, f"probe {number} {name}", t) for name, t in parameters.items()}
        )
        return torch.where(drawn < 0, -1.0, 1.0).to(drawn.dtype)

    def _steps_of(self, matrix: CurvatureMatrix, probe: Tensor) -> Lanczos:
        lanczos = Lanczos(matrix, probe)
        while len(lanczos.basis) < self.steps and lanczos.next is not None:
            lanczos.step()
        return lanczos

    def _eigenvalues(self, found: Sequence[_Found]) -> tuple[Float64, float]:
        """The axis on which all densities fit, and the width of the kernel."""
        nodes = np.concatenate([q.nodes for f in found for q in f.quadratures])
        low, high = float(nodes.min()), float(nodes.max())
        # A multiple of the identity has one eigenvalue; zero curvature not even a scale.
        span = max(high - low, 1e-3 * max(abs(low), abs(high))) or 1.0
        width = self.width * span
        middle, reach = (low + high) / 2, span / 2 + _MARGIN * width
        return regular_coordinates(middle - reach, middle + reach, self.samples), width


@dataclass(frozen=True, eq=False)
class _Found:
    """What is known of one focus point and of the spectrum there."""

    channel: str
    center: float
    examples: int
    quadratures: list[Quadrature]
    eigenvalues: list[float]
    residuals: list[float]
    trace: Trace
    products: int


def _form(lanczos: Lanczos, matrix: CurvatureMatrix) -> float:
    """``z^T A z`` of the signs z that the iteration began with, whose length is known."""
    return float(lanczos.tridiagonal[0, 0]) * matrix.size


def _by_focus_point(found: list[Any]) -> Any:
    """The one finding, or the list of them where there are several focus points."""
    return found[0] if len(found) == 1 else found
