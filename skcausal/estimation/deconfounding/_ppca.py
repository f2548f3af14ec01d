"""Probabilistic principal components: normal causes with linear factors."""

from typing import Any, ClassVar

import numpy as np
import scipy.linalg

from skcausal.estimation.deconfounding._base import FactorModel
from skcausal.estimation.deconfounding._families import Gaussian
from skcausal.estimation.deconfounding._gaussian_posterior import (
    GaussianPosterior,
    gaussian_posterior,
    outer_products,
    packed,
    unpacked,
)
from skcausal.estimation.deconfounding._inputs import Causes, dense
from skcausal.estimation.deconfounding._programs import linear_gaussian, normal_guide
from skcausal.estimation.deconfounding._training import device_of, train

# The noise variance of causes that lie on a plane, as a share of their variance.
SMALLEST_NOISE = 1e-10


class PPCAFactorModel(FactorModel):
    r"""Probabilistic principal components: linear factors of real-valued causes.

    Parameters
    ----------
    n_components : int, default=10
        Number of factors, at most the number of causes.
    noise_std : float, default=None
        Standard deviation of a cause given the factors, in the units of the causes;
        None estimates it.
    inference : {"closed_form", "svi"}, default="closed_form"
        How to fit. "closed_form" is maximum likelihood: an eigenvalue problem, or the
        EM algorithm where entries are held out. "svi" is stochastic variational
        inference in Pyro with independent normals for factors and loadings; the
        loadings have a standard normal prior, so scale the causes first.
    max_iter : int, default=500
        Most epochs ("svi") or EM steps ("closed_form" with a mask).
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
        Seed of "svi".

    Attributes
    ----------
    components_ : array of shape (n_components, n_causes)
        Loadings (posterior means for "svi").
    components_std_ : array of shape (n_components, n_causes)
        Posterior standard deviations of the loadings; 0 for "closed_form".
    mean_ : array of shape (n_causes,)
        Mean of each cause.
    noise_std_ : float
        Standard deviation of a cause given the factors.
    elbo_ : array of shape (n_iterations,)
        The log likelihood ("closed_form") or its lower bound ("svi"), in nats.
    n_features_in_ : int
        Number of causes.
    feature_names_in_ : array of shape (n_causes,)
        Names of the causes, where they came in a frame with names.

    Notes
    -----
    Assumes that the causes of a row are independent and normal given a few factors that
    act linearly, with the same noise for all causes (scale the causes first):

    .. math::
        z_i \sim N(0, I), \qquad a_{ij} \mid z_i \sim N(\mu_j + z_i^\top w_j, \sigma^2).

    With :math:`S = U \Lambda U^\top` the covariance matrix of the causes, the maximum
    of the likelihood is :math:`W = U_K (\Lambda_K - \sigma^2 I)^{1/2}` with
    :math:`\sigma^2` the mean of the other eigenvalues. The factors of any row are
    normal with precision :math:`I + W W^\top / \sigma^2`. Where the causes lie on a
    plane of fewer dimensions, components beyond it are 0.

    References
    ----------
    Tipping, M. E. and Bishop, C. M. (1999). Probabilistic principal component
    analysis. Journal of the Royal Statistical Society B 61(3), 611-622.
    https://doi.org/10.1111/1467-9868.00196

    Wang, Y. and Blei, D. M. (2019). The blessings of multiple causes. Journal of the
    American Statistical Association 114(528), 1574-1596.
    https://doi.org/10.1080/01621459.2019.1686987

    Examples
    --------
    >>> import numpy as np
    >>> from skcausal.estimation.deconfounding import PPCAFactorModel
    >>> random = np.random.default_rng(0)
    >>> factor = random.normal(size=(500, 1))
    >>> A = factor @ random.normal(size=(1, 30)) + random.normal(size=(500, 30))
    >>> Z = PPCAFactorModel(1).fit_transform(A)
    >>> bool(abs(np.corrcoef(Z[:, 0], factor[:, 0])[0, 1]) > 0.95)
    True
    """

    components_: np.ndarray
    components_std_: np.ndarray
    mean_: np.ndarray
    noise_std_: float
    elbo_: np.ndarray

    _methods: ClassVar[tuple[str, ...]] = ("closed_form", "svi")

    def __init__(
        self,
        n_components: int = 10,
        *,
        noise_std: float | None = None,
        inference: str = "closed_form",
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
        self.noise_std = noise_std

    def _check_settings(self, owner: str) -> None:
        super()._check_settings(owner)
        if self.noise_std is not None and not self.noise_std > 0:
            raise ValueError(
                f"{owner}: noise_std must be positive, got {self.noise_std!r}. Pass "
                "None to estimate it."
            )

    def _fit(self, A: Causes, observed: np.ndarray | None, seed: int) -> None:
        m, k = A.shape[1], self.n_components
        if k > m:
            raise ValueError(
                f"{type(self).__name__}.fit: n_components must be at most the number "
                f"of causes, got n_components={k} and n_features={m}. Use fewer."
            )
        if self.inference == "svi":
            self._fit_svi(A, observed, seed)
        elif observed is None:
            self._fit_spectrum(dense(A))
        else:
            self._fit_em(dense(A), observed)

    def _fit_spectrum(self, A: np.ndarray) -> None:
        """Maximise the likelihood of complete causes."""
        n, m = A.shape
        self.mean_ = A.mean(axis=0)
        centred = A - self.mean_
        values, vectors = principal_axes(centred, self.n_components)
        total = (centred**2).sum() / n
        rank = min(self.n_components, m - 1)
        if self.noise_std is None:
            rest = (total - values[:rank].sum()) / max(m - rank, 1)
            variance = max(rest, SMALLEST_NOISE * total, np.finfo(float).tiny)
        else:
            variance = self.noise_std**2
        length = np.sqrt(np.maximum(values - variance, 0))
        self._set(length[:, None] * vectors, np.sqrt(variance))
        signal = np.maximum(values, variance)
        log_det = np.log(signal).sum() + (m - len(signal)) * np.log(variance)
        outside = (total - np.minimum(values, total).sum()) / variance
        distance = outside + (values / signal).sum()
        bound = -0.5 * n * (m * np.log(2 * np.pi) + log_det + distance)
        self.elbo_ = np.array([bound])

    def _fit_em(self, A: np.ndarray, observed: np.ndarray) -> None:
        """Maximise the likelihood of the observed entries by EM."""
        seen = observed.astype(float)
        mean = A.sum(axis=0) / seen.sum(axis=0)
        self._fit_spectrum(np.where(observed, A, mean))
        trace: list[float] = []
        for _ in range(self.max_iter):
            centred = (A - self.mean_) * seen
            posterior = self._posterior_of(centred, seen)
            trace.append(self._log_likelihood(centred, seen, posterior))
            if len(trace) > 1 and trace[-1] - trace[-2] < self.tol * abs(trace[-1]):
                break
            self._update_loadings(A, seen, posterior)
        # The same likelihood in axes of falling variance.
        vectors, length, _ = np.linalg.svd(self.components_.T, full_matrices=False)
        self._set(length[:, None] * vectors.T, self.noise_std_)
        self.elbo_ = np.array(trace)

    def _update_loadings(
        self, A: np.ndarray, seen: np.ndarray, posterior: GaussianPosterior
    ) -> None:
        """Regress each cause on the expected factors: the M step."""
        Z = np.column_stack([posterior.mean, np.ones(len(A))])
        k = Z.shape[1]
        spread = np.zeros((len(A), k, k))
        spread[:, :-1, :-1] = posterior.covariance()
        gram = unpacked(seen.T @ (outer_products(Z.T) + packed(spread)), k)
        right = A.T @ Z
        solution = np.linalg.solve(gram, right[..., None])[..., 0]
        self.components_ = solution[:, :-1].T
        self.mean_ = solution[:, -1]
        if self.noise_std is None:
            total = (A**2).sum()
            squares = max(total - (solution * right).sum(), SMALLEST_NOISE * total)
            self.noise_std_ = float(np.sqrt(squares / seen.sum()))

    def _log_likelihood(
        self, centred: np.ndarray, seen: np.ndarray, posterior: GaussianPosterior
    ) -> float:
        """Return the log likelihood of the observed entries."""
        variance = self.noise_std_**2
        linear = centred @ self.components_.T / variance
        roots = np.diagonal(posterior.cholesky, axis1=-2, axis2=-1)
        constant = seen.sum() * np.log(2 * np.pi * variance)
        squares = (centred**2).sum() / variance - (linear * posterior.mean).sum()
        return float(-0.5 * (constant + squares) - np.log(roots).sum())

    def _fit_svi(self, A: Causes, observed: np.ndarray | None, seed: int) -> None:
        n, m = A.shape
        k, device = self.n_components, device_of(self.device)
        # Centred causes: the means would else take most of the epochs to be found.
        seen = np.ones(A.shape) if observed is None else observed
        mean = np.asarray(A.sum(axis=0)).ravel() / seen.sum(axis=0)
        model = linear_gaussian(k, m, self.noise_std, device)
        guide = normal_guide(n, k, m, device)
        found, self.elbo_ = train(
            model, guide, dense(A) - mean, observed, self._training(seed)
        )
        self.mean_ = mean + found["mean"]
        std = self.noise_std if self.noise_std is not None else found["noise_std"]
        self.components_ = found["loadings_loc"]
        self.components_std_ = found["loadings_scale"]
        self.noise_std_ = float(std)

    def _set(self, components: np.ndarray, noise_std: float) -> None:
        """Store loadings whose largest entry is positive."""
        largest = np.abs(components).argmax(axis=1)
        signs = np.sign(components[np.arange(len(components)), largest])
        self.components_ = components * np.where(signs == 0, 1, signs)[:, None]
        self.components_std_ = np.zeros_like(components)
        self.noise_std_ = float(noise_std)

    def _posterior_of(
        self, centred: np.ndarray, seen: np.ndarray | None
    ) -> GaussianPosterior:
        """Return the factors given centred causes, held-out ones being 0."""
        W = self.components_
        moments = outer_products(W)
        upper, right = np.triu_indices(len(W))
        moments[:, upper == right] += (self.components_std_**2).T
        variance = self.noise_std_**2
        weight = 1 / variance if seen is None else seen / variance
        return gaussian_posterior(weight, moments, centred @ W.T / variance)

    def _posterior(self, A: Causes, observed: np.ndarray | None) -> GaussianPosterior:
        if observed is None:
            return self._posterior_of(dense(A) - self.mean_, None)
        seen = observed.astype(float)
        return self._posterior_of((dense(A) - self.mean_) * seen, seen)

    def _family(self) -> Gaussian:
        return Gaussian(self.noise_std_)

    def _mean_loadings(self) -> np.ndarray:
        return self.components_

    def _draw_loadings(self, random: np.random.RandomState) -> np.ndarray:
        if not self.components_std_.any():
            return self.components_
        noise = random.standard_normal(self.components_.shape)
        return self.components_ + self.components_std_ * noise

    def _predictor(self, Z: np.ndarray, loadings: np.ndarray) -> np.ndarray:
        return Z @ loadings + self.mean_


def principal_axes(centred: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the largest variances (k,) and their unit axes (k, n_columns).

    Axes beyond the rank of the rows are 0, as are their variances.
    """
    n, m = centred.shape
    wide = m > n
    gram = (centred @ centred.T if wide else centred.T @ centred) / n
    size = len(gram)
    found = min(k, size)
    values, vectors = scipy.linalg.eigh(gram, subset_by_index=(size - found, size - 1))
    values, vectors = np.maximum(values[::-1], 0), vectors[:, ::-1].T
    if wide:
        length = np.sqrt(n * values)[:, None]
        real = length > np.sqrt(SMALLEST_NOISE * n * max(np.trace(gram), 0))
        vectors = np.where(real, vectors @ centred / np.where(real, length, 1), 0)
    missing = k - found
    values = np.concatenate([values, np.zeros(missing)])
    return values, np.vstack([vectors, np.zeros((missing, m))])
