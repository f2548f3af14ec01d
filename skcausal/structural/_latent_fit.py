"""One standard-normal latent number, integrated out by adaptive quadrature."""

from dataclasses import dataclass, replace

import numpy as np
from scipy.optimize import minimize
from scipy.special import logsumexp

from skcausal.structural._latent_families import Family

_NEWTON_STEPS = 50
_TOLERANCE = 1e-5
_GRID = np.linspace(-7, 7, 281)  # standard deviations around the mode
_BLOCK = 10_000  # rows whose grids are held at once


@dataclass(frozen=True)
class Weights:
    """Parameters of a child: intercept + design @ slopes + loading K predicts it."""

    intercept: float
    slopes: np.ndarray
    loading: float
    scale: float


@dataclass(frozen=True)
class Child:
    """A child of the latent node: its family, values, covariates, known scale."""

    family: Family
    values: np.ndarray
    design: np.ndarray
    scale: float | None = None

    @property
    def has_free_scale(self) -> bool:
        """Whether a scale is to be fitted."""
        return self.family.has_scale and self.scale is None

    def fixed(self, weights: Weights) -> np.ndarray:
        """Return the part of the predictor without the latent node."""
        return weights.intercept + self.design @ weights.slopes

    def rows(self, at: slice) -> "Child":
        """Return some rows."""
        return replace(self, values=self.values[at], design=self.design[at])


@dataclass(frozen=True)
class Posterior:
    """Quadrature points of each row with their weights, and the marginal density."""

    points: np.ndarray  # (n, n_points)
    weights: np.ndarray  # (n, n_points), rows add up to one
    log_marginal: np.ndarray  # (n,)

    @property
    def mean(self) -> np.ndarray:
        """Mean of the latent node per row."""
        return (self.weights * self.points).sum(axis=1)

    @property
    def standard_deviation(self) -> np.ndarray:
        """Standard deviation of the latent node per row."""
        centred = self.points - self.mean[:, None]
        return np.sqrt((self.weights * centred**2).sum(axis=1))


def modes(
    children: list[Child], weights: list[Weights], start: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return mode and curvature of the latent node's log posterior, by Newton steps."""
    fixed = [child.fixed(own) for child, own in zip(children, weights, strict=True)]
    mode = start.copy()
    for _ in range(_NEWTON_STEPS):
        slope, curvature = -mode, np.ones_like(mode)
        for child, own, base in zip(children, weights, fixed, strict=True):
            eta = base + own.loading * mode
            slope = slope + own.loading * child.family.score(
                child.values, eta, own.scale
            )
            curvature = curvature + own.loading**2 * child.family.information(
                child.values, eta, own.scale
            )
        step = np.clip(slope / curvature, -2, 2)
        mode = mode + step
        if np.abs(step).max() < _TOLERANCE:
            break
    return mode, curvature


def _log_joint(
    children: list[Child], weights: list[Weights], points: np.ndarray
) -> np.ndarray:
    """Return the log density of the children and of the latent node at its points."""
    total = -0.5 * points**2 - 0.5 * np.log(2 * np.pi)
    for child, own in zip(children, weights, strict=True):
        eta = child.fixed(own)[:, None] + own.loading * points
        total = total + child.family.log_density(child.values[:, None], eta, own.scale)
    return total


def posterior(
    children: list[Child],
    weights: list[Weights],
    n_rows: int,
    n_points: int,
    start: np.ndarray | None = None,
) -> tuple[Posterior, np.ndarray]:
    """Return each row's posterior by Gauss-Hermite points, and its mode."""
    mode, curvature = modes(
        children, weights, np.zeros(n_rows) if start is None else start
    )
    standard, mass = np.polynomial.hermite_e.hermegauss(n_points)
    spread = 1 / np.sqrt(curvature)
    points = mode[:, None] + spread[:, None] * standard
    parts = _log_joint(children, weights, points) + np.log(mass) + 0.5 * standard**2
    log_sum = logsumexp(parts, axis=1)
    found = Posterior(
        points, np.exp(parts - log_sum[:, None]), log_sum + np.log(spread)
    )
    return found, mode


def draw(
    children: list[Child],
    weights: list[Weights],
    n_rows: int,
    random: np.random.Generator,
) -> np.ndarray:
    """Draw the latent node of each row from its posterior, by inversion on a grid."""
    uniform = random.random(n_rows)
    found = np.empty(n_rows)
    for at in range(0, n_rows, _BLOCK):
        part = slice(at, at + _BLOCK)
        some = [child.rows(part) for child in children]
        mode, curvature = modes(some, weights, np.zeros(len(uniform[part])))
        points = mode[:, None] + _GRID / np.sqrt(curvature)[:, None]
        joint = _log_joint(some, weights, points)
        density = np.exp(joint - joint.max(axis=1, keepdims=True))
        below = np.cumsum((density[:, 1:] + density[:, :-1]) / 2, axis=1)
        below = np.pad(below / below[:, -1:], ((0, 0), (1, 0)))
        right = np.clip((below < uniform[part, None]).sum(axis=1), 1, len(_GRID) - 1)
        rows = np.arange(len(right))
        low, high = below[rows, right - 1], below[rows, right]
        share = (uniform[part] - low) / np.maximum(high - low, 1e-300)
        step = points[rows, right] - points[rows, right - 1]
        found[part] = points[rows, right - 1] + share * step
    return found


class Objective:
    """Minus the log posterior of the parameters per row, and its gradient.

    Slopes and loadings have independent normal priors, variances an inverse-gamma
    prior with shape and rate one; intercepts are free. The gradient is Fisher's
    identity: the expected gradient of the complete-data density.
    """

    def __init__(
        self, children: list[Child], prior_scale: float, n_points: int
    ) -> None:
        self.children = children
        self.precision = prior_scale**-2
        self.n_points = n_points
        self.n_rows = len(children[0].values)
        self._modes = np.zeros(self.n_rows)
        self._units = [_unit(child) for child in children]

    def unpack(self, theta: np.ndarray) -> list[Weights]:
        """Return the parameters of each child."""
        found, at = [], 0
        for child, unit in zip(self.children, self._units, strict=True):
            n = child.design.shape[1]
            own = theta[at : at + n + 2] * unit
            at += n + 2
            scale = 1.0 if child.scale is None else child.scale
            if child.has_free_scale:
                scale = float(np.exp(theta[at]))
                at += 1
            found.append(Weights(float(own[0]), own[1:-1], float(own[-1]), scale))
        return found

    def start(self) -> np.ndarray:
        """Return a starting point: least squares, loadings of their residuals."""
        fits = [_least_squares(child) for child in self.children]
        left = np.stack([residual / np.std(residual) for _, residual in fits])
        _, vectors = np.linalg.eigh(left @ left.T / self.n_rows)
        main = vectors[:, -1] * np.sign(vectors[:, -1].sum())
        theta: list[float] = []
        for (coefficients, residual), share, child, unit in zip(
            fits, main, self.children, self._units, strict=True
        ):
            spread = float(np.std(residual))
            theta += [*(coefficients / unit), 0.6 * share * spread / unit]
            if child.has_free_scale:
                theta.append(float(np.log(0.8 * spread)))
        return np.array(theta)

    def __call__(self, theta: np.ndarray) -> tuple[float, np.ndarray]:
        """Return value and gradient."""
        weights = self.unpack(theta)
        found, self._modes = posterior(
            self.children, weights, self.n_rows, self.n_points, self._modes
        )
        value, gradient = float(found.log_marginal.sum()), []
        for child, own, unit in zip(self.children, weights, self._units, strict=True):
            part, penalty = self._child_gradient(child, own, unit, found)
            gradient.append(part)
            value -= penalty
        return -value / self.n_rows, -np.concatenate(gradient) / self.n_rows

    def _child_gradient(
        self, child: Child, own: Weights, unit: float, found: Posterior
    ) -> tuple[np.ndarray, float]:
        """Return the gradient of a child's parameters, and minus their log prior."""
        values = child.values[:, None]
        eta = child.fixed(own)[:, None] + own.loading * found.points
        score = found.weights * child.family.score(values, eta, own.scale)
        by_row = score.sum(axis=1)
        slopes = child.design.T @ by_row - self.precision * own.slopes
        loading = (score * found.points).sum() - self.precision * own.loading
        gradient = unit * np.array([by_row.sum(), *slopes, loading])
        penalty = 0.5 * self.precision * float(own.slopes @ own.slopes + own.loading**2)
        if child.has_free_scale:
            squares = (found.weights * ((values - eta) / own.scale) ** 2).sum()
            by_scale = squares - self.n_rows - 4 + 2 / own.scale**2
            gradient = np.append(gradient, by_scale)
            penalty += 4 * np.log(own.scale) + own.scale**-2
        return gradient, penalty


def _unit(child: Child) -> float:
    """Return a size of parameters that makes the optimiser's steps alike."""
    if child.family.has_scale:
        return 1.0
    level = child.family.start(child.values).mean() * np.ones(1)
    information = child.family.information(child.values[:1], level, 1.0)
    return float(1 / np.sqrt(information[0]))


def _least_squares(child: Child) -> tuple[np.ndarray, np.ndarray]:
    """Return coefficients, the intercept first, and what is left over."""
    target = child.family.start(child.values)
    design = np.column_stack([np.ones(len(target)), child.design])
    coefficients = np.linalg.lstsq(design, target, rcond=None)[0]
    residual = target - design @ coefficients
    return coefficients, residual


def fit(
    children: list[Child], prior_scale: float, n_points: int, max_iter: int
) -> tuple[list[Weights], float, bool]:
    """Return the parameters, the log likelihood, and whether the optimiser converged.

    The sign of the latent node is not in the data: the first child's loading is made
    positive.
    """
    objective = Objective(children, prior_scale, n_points)
    options = {"maxiter": max_iter, "maxcor": 20, "ftol": 1e-10, "gtol": 1e-6}
    found = minimize(
        objective, objective.start(), jac=True, method="L-BFGS-B", options=options
    )
    weights = objective.unpack(found.x)
    if weights[0].loading < 0:
        weights = [replace(own, loading=-own.loading) for own in weights]
    last, _ = posterior(children, weights, objective.n_rows, n_points)
    return weights, float(last.log_marginal.sum()), bool(found.status != 1)
