"""Poisson factorisation: counts whose rates are sums of nonnegative factors."""

from typing import Any, ClassVar

import numpy as np

from skcausal.estimation.deconfounding._base import FactorModel
from skcausal.estimation.deconfounding._families import Poisson
from skcausal.estimation.deconfounding._gamma import (
    Counts,
    GammaPosterior,
    Prior,
    ascend,
    infer_factors,
)
from skcausal.estimation.deconfounding._inputs import (
    Causes,
    check_counts,
    check_priors,
    mean_count,
)
from skcausal.estimation.deconfounding._programs import (
    found_log_normal,
    poisson_gamma,
    positive_guide,
)
from skcausal.estimation.deconfounding._training import device_of, train

# Sweeps over the factors of a row whose loadings are known, and when it is done.
LOCAL_SWEEPS, LOCAL_TOLERANCE = 500, 1e-6


class PoissonFactorModel(FactorModel):
    r"""Poisson factorisation: nonnegative factors of causes that are counts.

    Parameters
    ----------
    n_components : int, default=10
        Number of factors.
    factor_prior : tuple of float, default=(0.3, 0.3)
        Shape and rate of the gamma prior of each factor.
    loading_prior : tuple of float, default=(0.3, 0.3)
        Shape and rate of the gamma prior of each loading.
    inference : {"cavi", "svi"}, default="cavi"
        How to fit. "cavi" is coordinate ascent, whose cost is linear in the nonzero
        causes; "svi" is stochastic variational inference in Pyro, which is slower.
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
    loadings_shape_, loadings_rate_ : array of shape (n_components, n_causes)
        Shapes and rates of the gamma posteriors of the loadings.
    elbo_ : array of shape (n_iterations,)
        Lower bound of the log likelihood, in nats.
    n_features_in_ : int
        Number of causes.
    feature_names_in_ : array of shape (n_causes,)
        Names of the causes, where they came in a frame with names.

    Notes
    -----
    Assumes that the causes of a row are independent Poisson counts given its factors,
    and that factors only add up:

    .. math::
        z_{ik} \sim \mathrm{Gamma}(a, b), \quad w_{kj} \sim \mathrm{Gamma}(c, d), \quad
        a_{ij} \mid z_i, w \sim \mathrm{Poisson}(z_i^\top w_j).

    With one multinomial share :math:`\phi_{ijk} \propto \exp(E \log z_{ik} + E \log
    w_{kj})` per nonzero count all updates are closed: :math:`z_{ik}` is gamma with
    shape :math:`a + \sum_j a_{ij} \phi_{ijk}` and rate :math:`b + \sum_j E w_{kj}`.
    Zeros enter through sums of loadings only. Zeros and ones that are rare are served
    well, although a Poisson count could exceed one.

    References
    ----------
    Gopalan, P., Hofman, J. M. and Blei, D. M. (2015). Scalable recommendation with
    hierarchical Poisson factorization. Uncertainty in Artificial Intelligence.
    https://arxiv.org/abs/1311.1704

    Wang, Y. and Blei, D. M. (2019). The blessings of multiple causes. Journal of the
    American Statistical Association 114(528), 1574-1596.
    https://doi.org/10.1080/01621459.2019.1686987

    Examples
    --------
    >>> import numpy as np
    >>> from skcausal.estimation.deconfounding import PoissonFactorModel
    >>> random = np.random.default_rng(0)
    >>> rates = random.gamma(0.5, size=(300, 2)) @ random.gamma(0.5, size=(2, 20))
    >>> A = random.poisson(rates)
    >>> Z = PoissonFactorModel(2, random_state=0).fit_transform(A)
    >>> Z.shape, bool((Z > 0).all())
    ((300, 2), True)
    """

    components_: np.ndarray
    loadings_shape_: np.ndarray
    loadings_rate_: np.ndarray

    _methods: ClassVar[tuple[str, ...]] = ("cavi", "svi")

    def __init__(
        self,
        n_components: int = 10,
        *,
        factor_prior: Prior = (0.3, 0.3),
        loading_prior: Prior = (0.3, 0.3),
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
        self.factor_prior = factor_prior
        self.loading_prior = loading_prior

    def _check_settings(self, owner: str) -> None:
        super()._check_settings(owner)
        check_priors(self, owner, "factor_prior", "loading_prior")

    def _check_values(self, A: Causes, owner: str) -> None:
        check_counts(A, owner)

    def _fit(self, A: Causes, observed: np.ndarray | None, seed: int) -> None:
        n, m = A.shape
        k = self.n_components
        priors = (self.factor_prior, self.loading_prior)
        if self.inference == "cavi":
            loadings, self.elbo_ = ascend(
                Counts.of(A, observed),
                k,
                priors,
                (self.max_iter, self.tol),
                np.random.RandomState(seed),
            )
        else:
            device = device_of(self.device)
            model = poisson_gamma(k, m, priors, device)
            guide = positive_guide(n, k, m, mean_count(A, observed), device)
            found, self.elbo_ = train(model, guide, A, observed, self._training(seed))
            loadings = GammaPosterior.like_log_normal(
                *found_log_normal(found, "loadings")
            )
        self.loadings_shape_, self.loadings_rate_ = loadings.shape, loadings.rate
        self.components_ = loadings.mean

    def _loadings(self) -> GammaPosterior:
        return GammaPosterior(self.loadings_shape_, self.loadings_rate_)

    def _posterior(self, A: Causes, observed: np.ndarray | None) -> GammaPosterior:
        return infer_factors(
            Counts.of(A, observed),
            self._loadings(),
            self.factor_prior,
            LOCAL_SWEEPS,
            LOCAL_TOLERANCE,
        )

    def _family(self) -> Poisson:
        return Poisson()

    def _mean_loadings(self) -> np.ndarray:
        return self.components_

    def _draw_loadings(self, random: np.random.RandomState) -> np.ndarray:
        return self._loadings().draw(random)

    def _predictor(self, Z: np.ndarray, loadings: np.ndarray) -> np.ndarray:
        return Z @ loadings

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.positive_only = True
        return tags
