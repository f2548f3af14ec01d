"""Logistic matrix factorisation: zeros and ones with linear factors in the log odds."""

from typing import Any, ClassVar

import numpy as np
from scipy.special import expit

from skcausal.estimation.deconfounding._base import FactorModel
from skcausal.estimation.deconfounding._families import Bernoulli
from skcausal.estimation.deconfounding._gaussian_posterior import (
    GaussianPosterior,
    gaussian_posterior,
    outer_products,
    packed,
    unpacked,
)
from skcausal.estimation.deconfounding._inputs import Causes, check_binary, dense
from skcausal.estimation.deconfounding._programs import (
    bernoulli_logistic,
    normal_guide,
)
from skcausal.estimation.deconfounding._training import device_of, train

# Sweeps over the factors of a row whose loadings are known, and when it is done.
LOCAL_SWEEPS, LOCAL_TOLERANCE = 100, 1e-6
# Standard deviation of the prior of the causes' intercepts.
INTERCEPT_STD = 10.0


class BernoulliFactorModel(FactorModel):
    r"""Logistic matrix factorisation: factors of causes that are zeros and ones.

    Parameters
    ----------
    n_components : int, default=10
        Number of factors.
    loading_std : float, default=1.0
        Standard deviation of the normal prior of each loading.
    inference : {"cavi", "svi"}, default="cavi"
        How to fit. "cavi" is coordinate ascent on the quadratic bound of Jaakkola and
        Jordan, with full covariance matrices; "svi" is stochastic variational inference
        in Pyro with independent normals.
    max_iter : int, default=500
        Most sweeps ("cavi") or epochs ("svi").
    batch_size : int, default=256
        Rows per step of "svi".
    learning_rate : float, default=0.05
        Step size of Adam at the start of "svi"; it falls to a tenth.
    tol : float, default=1e-4
        Stop when the bound, in "svi" its mean over 20 epochs, rises by less than this
        share.
    device : str, default="auto"
        Device of "svi", as torch names it; "auto" is the GPU where there is one.
    verbose : bool, default=False
        Show a progress bar.
    random_state : int, RandomState or None, default=None
        Seed of the starting point and of "svi".

    Attributes
    ----------
    components_ : array of shape (n_components, n_causes)
        Posterior means of the loadings.
    intercept_ : array of shape (n_causes,)
        Posterior means of the log odds of each cause where all factors are 0.
    loadings_covariance_ : array of shape (n_causes, n_numbers, n_numbers)
        Posterior covariance of each cause's ``n_components`` loadings and its
        intercept (the last).
    elbo_ : array of shape (n_iterations,)
        Lower bound of the log likelihood, in nats.
    n_features_in_ : int
        Number of causes.
    feature_names_in_ : array of shape (n_causes,)
        Names of the causes, where they came in a frame with names.

    Notes
    -----
    Assumes that the causes of a row are independent given factors that act linearly on
    the log odds:

    .. math::
        z_i \sim N(0, I), \quad w_j \sim N(0, \tau^2 I), \quad
        a_{ij} \mid z_i, w_j \sim \mathrm{Bernoulli}(
        \mathrm{logit}^{-1}(z_i^\top w_j + b_j)).

    With :math:`\lambda(\xi) = \tanh(\xi / 2) / (4 \xi)` and
    :math:`\xi_{ij}^2 = E(z_i^\top w_j + b_j)^2` the bound is quadratic in the factors
    and in the loadings, so both are normal in turn; a row's factors have precision
    :math:`I + 2 \sum_j \lambda(\xi_{ij}) E w_j w_j^\top`. One sweep costs
    :math:`O(n m K^2)`.

    References
    ----------
    Jaakkola, T. S. and Jordan, M. I. (2000). Bayesian parameter estimation via
    variational methods. Statistics and Computing 10, 25-37.
    https://doi.org/10.1023/A:1008932416310

    Wang, Y. and Blei, D. M. (2019). The blessings of multiple causes. Journal of the
    American Statistical Association 114(528), 1574-1596.
    https://doi.org/10.1080/01621459.2019.1686987

    Examples
    --------
    >>> import numpy as np
    >>> from skcausal.estimation.deconfounding import BernoulliFactorModel
    >>> random = np.random.default_rng(0)
    >>> factor = random.normal(size=(400, 1))
    >>> odds = factor @ random.normal(scale=2, size=(1, 30))
    >>> A = random.uniform(size=odds.shape) < 1 / (1 + np.exp(-odds))
    >>> Z = BernoulliFactorModel(1, random_state=0).fit_transform(A)
    >>> bool(abs(np.corrcoef(Z[:, 0], factor[:, 0])[0, 1]) > 0.9)
    True
    """

    components_: np.ndarray
    intercept_: np.ndarray
    loadings_covariance_: np.ndarray

    _methods: ClassVar[tuple[str, ...]] = ("cavi", "svi")

    def __init__(
        self,
        n_components: int = 10,
        *,
        loading_std: float = 1.0,
        inference: str = "cavi",
        max_iter: int = 500,
        batch_size: int = 256,
        learning_rate: float = 0.05,
        tol: float = 1e-4,
        device: str = "auto",
        verbose: bool = False,
        random_state: Any = None,
    ) -> None:
        super().__init__(
            n_components,
            inference=inference,
            max_iter=max_iter,
            batch_size=batch_size,
            learning_rate=learning_rate,
            tol=tol,
            device=device,
            verbose=verbose,
            random_state=random_state,
        )
        self.loading_std = loading_std

    def _check_settings(self, owner: str) -> None:
        super()._check_settings(owner)
        if not self.loading_std > 0:
            raise ValueError(
                f"{owner}: loading_std must be positive, got {self.loading_std!r}. "
                "Pass 1.0 or another standard deviation of the log odds."
            )

    def _check_values(self, A: Causes, owner: str) -> None:
        check_binary(A, owner)

    def _fit(self, A: Causes, observed: np.ndarray | None, seed: int) -> None:
        if self.inference == "svi":
            self._fit_svi(A, observed, seed)
        else:
            seen = np.ones(A.shape) if observed is None else observed.astype(float)
            self._ascend(dense(A), seen, np.random.RandomState(seed))

    def _ascend(
        self, A: np.ndarray, seen: np.ndarray, random: np.random.RandomState
    ) -> None:
        """Alternate between factors, loadings and the bound's tangents."""
        m, k = A.shape[1], self.n_components
        share = (A.sum(axis=0) + 0.5) / (seen.sum(axis=0) + 1)
        self.components_ = 0.1 * random.standard_normal((k, m))
        self.intercept_ = np.log(share / (1 - share))
        self.loadings_covariance_ = np.zeros((m, k + 1, k + 1))
        signed = (A - 0.5) * seen
        tangent = np.broadcast_to(np.abs(self.intercept_), A.shape)
        trace: list[float] = []
        for _ in range(self.max_iter):
            factors = self._update_factors(signed, seen, tangent)
            tangent = self._tangent(factors)
            gap = self._update_loadings(signed, seen, tangent, factors)
            tangent = self._tangent(factors)
            trace.append(self._bound(signed, seen, tangent, factors) - gap)
            if len(trace) > 1 and trace[-1] - trace[-2] < self.tol * abs(trace[-1]):
                break
        self.elbo_ = np.array(trace)

    def _moments(self) -> np.ndarray:
        """Return the second moments of loadings and intercepts, flat."""
        mean = np.vstack([self.components_, self.intercept_])
        covariance = self.loadings_covariance_
        second = unpacked(outer_products(mean), len(mean)) + covariance
        return second.reshape(len(second), -1)

    def _update_factors(
        self, signed: np.ndarray, seen: np.ndarray, tangent: np.ndarray
    ) -> GaussianPosterior:
        """Return the best normal factors given loadings and tangents."""
        k = self.n_components
        weight = 2 * curvature(tangent) * seen
        moments = self._moments().reshape(-1, k + 1, k + 1)
        # The intercept's factor is 1, known: its cross moments shift the linear term.
        linear = signed @ self.components_.T - weight @ moments[:, :k, k]
        inner = packed(moments[:, :k, :k])
        return gaussian_posterior(weight, inner, linear)

    def _update_loadings(
        self,
        signed: np.ndarray,
        seen: np.ndarray,
        tangent: np.ndarray,
        factors: GaussianPosterior,
    ) -> float:
        """Set the best normal loadings; return their divergence from the prior."""
        k = self.n_components
        scale = np.append(np.full(k, self.loading_std), INTERCEPT_STD)
        precision = (2 * curvature(tangent) * seen).T @ second_moments(factors)
        precision = precision.reshape(-1, k + 1, k + 1) + np.diag(scale**-2)
        covariance = np.linalg.inv(precision)
        one = np.column_stack([factors.mean, np.ones(len(factors.mean))])
        mean = np.einsum("jkl,jl->jk", covariance, signed.T @ one)
        self.components_, self.intercept_ = mean[:, :k].T.copy(), mean[:, k].copy()
        self.loadings_covariance_ = covariance
        variance = np.diagonal(covariance, axis1=1, axis2=2)
        log_det = np.linalg.slogdet(precision)[1] + 2 * np.log(scale).sum()
        squares = ((variance + mean**2) / scale**2).sum(axis=1)
        return float(0.5 * (squares - k - 1 + log_det).sum())

    def _tangent(self, factors: GaussianPosterior) -> np.ndarray:
        """Return where the bound touches: the root mean square of the log odds."""
        return np.sqrt(second_moments(factors) @ self._moments().T)

    def _bound(
        self,
        signed: np.ndarray,
        seen: np.ndarray,
        tangent: np.ndarray,
        factors: GaussianPosterior,
    ) -> float:
        """Return the expected log likelihood less the factors' divergence."""
        odds = self._predictor(factors.mean, self._mean_loadings())
        fit = (signed * odds).sum()
        fit -= (seen * (np.logaddexp(0, -tangent) + tangent / 2)).sum()
        roots = np.diagonal(factors.cholesky, axis1=1, axis2=2)
        trace = np.trace(factors.covariance(), axis1=1, axis2=2).sum()
        squares = (factors.mean**2).sum() + trace - factors.mean.size
        return float(fit - 0.5 * squares - np.log(roots).sum())

    def _fit_svi(self, A: Causes, observed: np.ndarray | None, seed: int) -> None:
        n, m = A.shape
        k, device = self.n_components, device_of(self.device)
        seen = np.ones(A.shape) if observed is None else observed
        share = (np.asarray(A.sum(axis=0)).ravel() + 0.5) / (seen.sum(axis=0) + 1)
        start = np.log(share / (1 - share))
        model = bernoulli_logistic(k, start, self.loading_std, device)
        guide = normal_guide(n, k, m, device)
        found, self.elbo_ = train(model, guide, A, observed, self._training(seed))
        self.components_, self.intercept_ = found["loadings_loc"], found["intercept"]
        self.loadings_covariance_ = np.zeros((m, k + 1, k + 1))
        inner = np.arange(k)
        self.loadings_covariance_[:, inner, inner] = (found["loadings_scale"] ** 2).T

    def _posterior(self, A: Causes, observed: np.ndarray | None) -> GaussianPosterior:
        seen = np.ones(A.shape) if observed is None else observed.astype(float)
        signed = (dense(A) - 0.5) * seen
        tangent = np.broadcast_to(np.abs(self.intercept_), A.shape)
        factors = self._update_factors(signed, seen, tangent)
        active = np.arange(len(signed))
        for _ in range(LOCAL_SWEEPS):
            here = GaussianPosterior(factors.mean[active], factors.cholesky[active])
            tangent = self._tangent(here)
            new = self._update_factors(signed[active], seen[active], tangent)
            change = np.abs(new.mean - here.mean).max(axis=1)
            factors.mean[active] = new.mean
            factors.cholesky[active] = new.cholesky
            active = active[change > LOCAL_TOLERANCE]
            if not active.size:
                break
        return factors

    def _family(self) -> Bernoulli:
        return Bernoulli()

    def _mean_loadings(self) -> np.ndarray:
        return np.vstack([self.components_, self.intercept_])

    def _draw_loadings(self, random: np.random.RandomState) -> np.ndarray:
        mean = self._mean_loadings()
        # A tiny ridge: the intercepts of "svi" are points, so their variance is 0.
        ridge = 1e-12 * np.eye(len(mean))
        roots = np.linalg.cholesky(self.loadings_covariance_ + ridge)
        return mean + np.einsum("jkl,lj->kj", roots, random.standard_normal(mean.shape))

    def _predictor(self, Z: np.ndarray, loadings: np.ndarray) -> np.ndarray:
        return Z @ loadings[:-1] + loadings[-1]


def curvature(tangent: np.ndarray) -> np.ndarray:
    """Return the curvature of Jaakkola and Jordan's bound at its tangent."""
    safe = np.maximum(tangent, 1e-6)  # the limit at 0 is 1 / 8
    return (expit(safe) - 0.5) / (2 * safe)


def second_moments(factors: GaussianPosterior) -> np.ndarray:
    """Return the second moments of the factors and a one, flat: (n, (k + 1) ** 2)."""
    one = np.column_stack([factors.mean, np.ones(len(factors.mean))])
    second = np.einsum("ik,il->ikl", one, one)
    second[:, :-1, :-1] += factors.covariance()
    return second.reshape(len(one), -1)
