"""Coordinate ascent for Poisson factorisation: every cost is linear in the nonzeros."""

from dataclasses import dataclass
from typing import Self

import numpy as np
import scipy.sparse as sp
from scipy.special import digamma, gammaln, polygamma

from skcausal.estimation.deconfounding._inputs import chunks_of

# Nonzeros whose factors are in memory together.
CHUNK = 200_000
# Expected logarithms of a gamma stay above this; a smaller one adds nothing.
SMALLEST_LOG = -700.0

Prior = tuple[float, float]


@dataclass
class GammaPosterior:
    """Independent gamma variables given by their shapes and rates."""

    shape: np.ndarray
    rate: np.ndarray

    @property
    def mean(self) -> np.ndarray:
        """Expectations."""
        return self.shape / self.rate

    def geometric_mean(self) -> np.ndarray:
        """Return the exponential of the expected logarithm."""
        return np.exp(np.maximum(digamma(self.shape) - np.log(self.rate), SMALLEST_LOG))

    def draw(self, random: np.random.RandomState) -> np.ndarray:
        """Draw all variables once."""
        return random.standard_gamma(self.shape) / self.rate

    def divergence(self, prior: Prior) -> float:
        """Return the Kullback-Leibler divergence from the prior."""
        a, b = prior
        shape, rate = self.shape, self.rate
        parts = (
            (shape - a) * digamma(shape)
            - gammaln(shape)
            + gammaln(a)
            + a * (np.log(rate) - np.log(b))
            + shape * (b - rate) / rate
        )
        return float(parts.sum())

    @classmethod
    def like_log_normal(cls, loc: np.ndarray, scale: np.ndarray) -> Self:
        """Return the gammas with the mean and geometric mean of log-normals."""
        gap = scale**2 / 2
        # log(shape) - digamma(shape) = gap, by Newton's method from Minka's start.
        shape = (3 - gap + np.sqrt((gap - 3) ** 2 + 24 * gap)) / (12 * gap)
        for _ in range(5):
            error = np.log(shape) - digamma(shape) - gap
            slope = 1 / shape - polygamma(1, shape)
            shape = 1 / (1 / shape + error / (shape**2 * slope))
        return cls(shape, shape / np.exp(loc + gap))

    @classmethod
    def start(
        cls,
        shape: tuple[int, int],
        prior: Prior,
        random: np.random.RandomState | None = None,
    ) -> Self:
        """Return the prior, its shapes and rates perturbed if there is a generator."""
        if random is None:
            return cls(np.full(shape, prior[0]), np.full(shape, prior[1]))
        wobble = random.uniform(0.9, 1.1, size=(2, *shape))
        return cls(prior[0] * wobble[0], prior[1] * wobble[1])


@dataclass(frozen=True)
class Counts:
    """Sparse counts, and which entries are held out (sparse too)."""

    values: sp.csr_matrix
    held_out: sp.csr_matrix | None

    @classmethod
    def of(cls, A: np.ndarray | sp.csr_matrix, observed: np.ndarray | None) -> Self:
        """Make both matrices sparse."""
        held_out = None if observed is None else sp.csr_matrix(~observed, dtype=float)
        return cls(sp.csr_matrix(A), held_out)

    def exposure_of_rows(self, loadings: np.ndarray) -> np.ndarray:
        """Sum loadings (k, n_causes) over each row's observed causes: (n, k)."""
        total = np.broadcast_to(
            loadings.sum(axis=1), (self.values.shape[0], len(loadings))
        )
        return total if self.held_out is None else total - self.held_out @ loadings.T

    def exposure_of_causes(self, factors: np.ndarray) -> np.ndarray:
        """Sum factors (n, k) over each cause's observed rows: (k, n_causes)."""
        total = np.broadcast_to(
            factors.sum(axis=0)[:, None], (factors.shape[1], self.values.shape[1])
        )
        return total if self.held_out is None else total - (self.held_out.T @ factors).T

    def over_rates(self, left: np.ndarray, right: np.ndarray) -> sp.csr_matrix:
        """Return each count over the product of its row in left, column in right."""
        return self.values_like(self.values.data / self.rates(left, right))

    def rates(self, left: np.ndarray, right: np.ndarray) -> np.ndarray:
        """Return the products of left rows and right columns at the nonzeros."""
        rows = np.repeat(np.arange(self.values.shape[0]), np.diff(self.values.indptr))
        columns = self.values.indices
        found = np.empty(len(rows))
        turned = np.ascontiguousarray(right.T)
        for part in chunks_of(len(rows), CHUNK):
            found[part] = np.einsum("ik,ik->i", left[rows[part]], turned[columns[part]])
        return np.maximum(found, np.finfo(float).tiny)

    def values_like(self, data: np.ndarray) -> sp.csr_matrix:
        """Return other values at the same nonzeros."""
        pattern = (data, self.values.indices, self.values.indptr)
        return sp.csr_matrix(pattern, shape=self.values.shape)


def ascend(
    counts: Counts,
    k: int,
    priors: tuple[Prior, Prior],
    stop: tuple[int, float],
    random: np.random.RandomState,
) -> tuple[GammaPosterior, np.ndarray]:
    """Return the posterior of the loadings and the bound of each sweep."""
    n, m = counts.values.shape
    z = GammaPosterior.start((n, k), priors[0], random)
    w = GammaPosterior.start((k, m), priors[1], random)
    trace: list[float] = []
    constant = gammaln(counts.values.data + 1).sum()
    for _ in range(stop[0]):
        z = update_factors(counts, z, w, priors[0])
        left, right = z.geometric_mean(), w.geometric_mean()
        ratio = counts.over_rates(left, right)
        shape = priors[1][0] + right * (ratio.T @ left).T
        w = GammaPosterior(shape, priors[1][1] + counts.exposure_of_causes(z.mean))
        rates = counts.rates(z.geometric_mean(), w.geometric_mean())
        expected = (z.mean * counts.exposure_of_rows(w.mean)).sum()
        fit = (counts.values.data * np.log(rates)).sum() - expected - constant
        trace.append(fit - z.divergence(priors[0]) - w.divergence(priors[1]))
        if len(trace) > 1 and trace[-1] - trace[-2] < stop[1] * abs(trace[-1]):
            break
    return w, np.array(trace)


def update_factors(
    counts: Counts, z: GammaPosterior, w: GammaPosterior, prior: Prior
) -> GammaPosterior:
    """Return the best posterior of the factors given that of the loadings."""
    left, right = z.geometric_mean(), w.geometric_mean()
    ratio = counts.over_rates(left, right)
    shape = prior[0] + left * (ratio @ right.T)
    return GammaPosterior(shape, prior[1] + counts.exposure_of_rows(w.mean))


def infer_factors(
    counts: Counts, w: GammaPosterior, prior: Prior, n_sweeps: int, tol: float
) -> GammaPosterior:
    """Return the factors of any rows; each row stops by itself.

    So a row's factors do not depend on the rows beside it.
    """
    n, k = counts.values.shape[0], len(w.shape)
    z = GammaPosterior(
        np.full((n, k), prior[0]), prior[1] + counts.exposure_of_rows(w.mean)
    )
    active = np.arange(n)
    for _ in range(n_sweeps):
        held_out = None if counts.held_out is None else counts.held_out[active]
        here = GammaPosterior(z.shape[active], z.rate[active])
        new = update_factors(Counts(counts.values[active], held_out), here, w, prior)
        change = np.abs(new.shape - here.shape).max(axis=1)
        z.shape[active] = new.shape
        active = active[change > tol * new.shape.sum(axis=1)]
        if not active.size:
            break
    return z
