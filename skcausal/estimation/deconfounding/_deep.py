"""Deep exponential families: counts whose factors have factors themselves."""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from skcausal.estimation.deconfounding._base import FactorModel
from skcausal.estimation.deconfounding._deep_bound import (
    deep_loss,
    infer_factors,
)
from skcausal.estimation.deconfounding._families import Poisson
from skcausal.estimation.deconfounding._inputs import (
    Causes,
    check_counts,
    check_positive_integers,
    check_priors,
    mean_count,
)
from skcausal.estimation.deconfounding._programs import found_log_normal
from skcausal.estimation.deconfounding._training import device_of, minimise


@dataclass(frozen=True)
class LogNormalPosterior:
    """Independent log-normal factors."""

    loc: np.ndarray
    scale: np.ndarray

    @property
    def mean(self) -> np.ndarray:
        """Expectations."""
        return np.exp(self.loc + self.scale**2 / 2)

    def draw(self, random: np.random.RandomState) -> np.ndarray:
        """Draw all factors once."""
        return np.exp(self.loc + self.scale * random.standard_normal(self.loc.shape))


class DeepExponentialFamily(FactorModel):
    r"""Deep exponential family: layers of gamma factors of causes that are counts.

    Parameters
    ----------
    layers : tuple of int, default=(50, 20, 5)
        Number of factors of each layer, the layer next to the causes first. The
        substitute confounder is that layer.
    shape : float, default=0.1
        Shape of the gamma factors; small makes them sparse.
    weight_prior : tuple of float, default=(0.1, 0.3)
        Shape and rate of the gamma prior of each weight between layers.
    max_iter : int, default=500
        Most epochs.
    batch_size : int, default=1024
        Rows per step.
    learning_rate : float, default=0.05
        Step size of Adam at the start; it falls to a tenth.
    tol : float, default=1e-4
        Stop when the mean of the bound over 20 epochs rises by less than this share.
    device : str, default="auto"
        Device, as torch names it; "auto" is the GPU where there is one.
    verbose : bool, default=False
        Show a progress bar.
    random_state : int, RandomState or None, default=None
        Seed of the fit.

    Attributes
    ----------
    components_ : array of shape (layers[0], n_causes)
        Posterior means of the weights between the first layer and the causes.
    weights_loc_, weights_scale_ : list of arrays
        Means and standard deviations of the logarithms of the weights, from the causes
        upwards; the array of one level has shape (layers[i], layers[i - 1]).
    elbo_ : array of shape (n_epochs,)
        Lower bound of the log likelihood, in nats.
    n_features_in_ : int
        Number of causes.
    feature_names_in_ : array of shape (n_causes,)
        Names of the causes, where they came in a frame with names.

    Notes
    -----
    Assumes that the causes of a row are independent Poisson counts given the first
    layer, and that each layer is independent given the one above:

    .. math::
        z_L \sim \mathrm{Gamma}(\alpha, \alpha), \quad
        z_l \sim \mathrm{Gamma}(\alpha, \alpha / (z_{l+1} W_l)), \quad
        a \mid z_1 \sim \mathrm{Poisson}(z_1 W_0),

    so that the mean of a layer is the product of the layer above with its weights.
    Factors and weights have independent log-normal posteriors. Every expectation in
    the bound is in closed form or is bounded by one, so that no draw makes it noisy:
    with :math:`m = \sum_k z_{l+1,k} w_k` the prior mean of a factor,

    .. math::
        E \log m \le \log E\, m, \quad
        E\, m^{-1} \le \Big(\sum_k \frac{1}{E[(z_{l+1,k} w_k)^{-1}]}\Big)^{-1}, \quad
        E \log z_1^\top w_j \ge \log \sum_k e^{E \log z_{1k} w_{kj}},

    and rates of zeros enter as one sum, so the cost is linear in the nonzero causes.
    Minibatches of rows meet Pyro's Adam. ``transform`` fits the factors of each row
    anew with the weights known; they depend on the row's own causes only. With causes
    as rare as actors the layers stay near their prior: look at ``log_prob_heldout``.

    References
    ----------
    Ranganath, R., Tang, L., Charlin, L. and Blei, D. M. (2015). Deep exponential
    families. Artificial Intelligence and Statistics. https://arxiv.org/abs/1411.2581

    Wang, Y. and Blei, D. M. (2019). The blessings of multiple causes. Journal of the
    American Statistical Association 114(528), 1574-1596.
    https://doi.org/10.1080/01621459.2019.1686987

    Examples
    --------
    >>> import numpy as np
    >>> from skcausal.estimation.deconfounding import DeepExponentialFamily
    >>> random = np.random.default_rng(0)
    >>> A = random.poisson(random.gamma(0.5, size=(100, 2)) @ np.ones((2, 8)))
    >>> model = DeepExponentialFamily((3, 2), max_iter=20, random_state=0)
    >>> model.fit_transform(A).shape
    (100, 3)
    """

    components_: np.ndarray
    weights_loc_: list[np.ndarray]
    weights_scale_: list[np.ndarray]

    _methods: ClassVar[tuple[str, ...]] = ("svi",)

    def __init__(
        self,
        layers: tuple[int, ...] = (50, 20, 5),
        *,
        shape: float = 0.1,
        weight_prior: tuple[float, float] = (0.1, 0.3),
        max_iter: int = 500,
        batch_size: int = 1024,
        learning_rate: float = 0.05,
        tol: float = 1e-4,
        device: str = "auto",
        verbose: bool = False,
        random_state: Any = None,
    ) -> None:
        self.layers = layers
        self.shape = shape
        self.weight_prior = weight_prior
        self.max_iter = max_iter
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.tol = tol
        self.device = device
        self.verbose = verbose
        self.random_state = random_state

    @property
    def _n_features_out(self) -> int:
        return int(self.layers[0])

    def _check_settings(self, owner: str) -> None:
        check_positive_integers(self, owner, "max_iter", "batch_size")
        check_priors(self, owner, "weight_prior")
        if not len(self.layers) or min(self.layers) < 1:
            raise ValueError(
                f"{owner}: layers must be the sizes of one or more layers, got "
                f"{self.layers!r}. Pass a tuple such as (50, 20, 5)."
            )
        if not self.shape > 0:
            raise ValueError(
                f"{owner}: shape must be positive, got {self.shape!r}. Pass .1 or "
                "another shape of a gamma distribution."
            )

    def _check_values(self, A: Causes, owner: str) -> None:
        check_counts(A, owner)

    def _fit(self, A: Causes, observed: np.ndarray | None, seed: int) -> None:
        n, m = A.shape
        loss = deep_loss(
            n,
            (m, *self.layers),
            mean_count(A, observed),
            (self.shape, self.weight_prior),
            device_of(self.device),
        )
        found, self.elbo_ = minimise(loss, A, observed, self._training(seed))
        levels = range(len(self.layers))
        weights = [found_log_normal(found, f"weights_{level}") for level in levels]
        self.weights_loc_ = [loc for loc, _ in weights]
        self.weights_scale_ = [scale for _, scale in weights]
        self.components_ = self._weights().mean

    def _weights(self) -> LogNormalPosterior:
        """Return the weights between the first layer and the causes."""
        return LogNormalPosterior(self.weights_loc_[0], self.weights_scale_[0])

    def _posterior(self, A: Causes, observed: np.ndarray | None) -> LogNormalPosterior:
        weights = list(zip(self.weights_loc_, self.weights_scale_, strict=True))
        return LogNormalPosterior(
            *infer_factors(weights, A, observed, self.shape, self.device)
        )

    def _family(self) -> Poisson:
        return Poisson()

    def _mean_loadings(self) -> np.ndarray:
        return self.components_

    def _draw_loadings(self, random: np.random.RandomState) -> np.ndarray:
        return self._weights().draw(random)

    def _predictor(self, Z: np.ndarray, loadings: np.ndarray) -> np.ndarray:
        return Z @ loadings

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.positive_only = True
        return tags
