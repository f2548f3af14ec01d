"""What all factor models share: the transformer's interface and its checks."""

from typing import Any, ClassVar, Protocol, Self

import numpy as np
from sklearn.base import (
    BaseEstimator,
    ClassNamePrefixFeaturesOutMixin,
    TransformerMixin,
)
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from skcausal.estimation.deconfounding._families import Family
from skcausal.estimation.deconfounding._inputs import (
    Causes,
    check_learnable,
    check_mask,
    check_positive_integers,
    hide,
    warn_of_constant_causes,
)
from skcausal.estimation.deconfounding._training import Training

# The largest seed that every generator takes.
MAX_SEED = 2**31 - 1


class Posterior(Protocol):
    """What is known about the factors of some rows."""

    @property
    def mean(self) -> np.ndarray:
        """Posterior means."""

    def draw(self, random: np.random.RandomState) -> np.ndarray:
        """Draw the factors of all rows once."""


class FactorModel(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    """Base of the factor models; see the subclasses."""

    elbo_: np.ndarray

    _methods: ClassVar[tuple[str, ...]] = ("svi",)

    def __init__(
        self,
        n_components: int = 10,
        *,
        inference: str = "svi",
        max_iter: int = 500,
        batch_size: int = 256,
        learning_rate: float = 0.05,
        tol: float = 1e-4,
        device: str = "auto",
        verbose: bool = False,
        random_state: Any = None,
    ) -> None:
        self.n_components = n_components
        self.inference = inference
        self.max_iter = max_iter
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.tol = tol
        self.device = device
        self.verbose = verbose
        self.random_state = random_state

    # What a subclass says about itself.

    def _check_values(self, A: Causes, owner: str) -> None:
        """Refuse causes that the model cannot generate."""

    def _fit(self, A: Causes, observed: np.ndarray | None, seed: int) -> None:
        """Learn the loadings from the observed entries."""
        raise NotImplementedError

    def _posterior(self, A: Causes, observed: np.ndarray | None) -> Posterior:
        """Return what the observed entries of each row say about its factors."""
        raise NotImplementedError

    def _family(self) -> Family:
        """Return the distribution of a cause given the predictor."""
        raise NotImplementedError

    def _draw_loadings(self, random: np.random.RandomState) -> Any:
        """Draw the loadings from their posterior."""
        raise NotImplementedError

    def _mean_loadings(self) -> Any:
        """Return the posterior means of the loadings."""
        raise NotImplementedError

    def _predictor(self, Z: np.ndarray, loadings: Any) -> np.ndarray:
        """Return the predictor of each cause given factors and loadings."""
        raise NotImplementedError

    # The interface.

    def fit(self, A: Any, y: Any = None, *, mask: Any = None) -> Self:
        """Learn the loadings of the causes.

        Parameters
        ----------
        A : array, DataFrame or scipy sparse matrix of shape (n, n_causes)
            One row per unit, one column per cause.
        y : None
            Ignored: the outcome must not reach the factors.
        mask : bool array of shape (n, n_causes), default=None
            True marks an entry as held out: its value changes nothing.

        Returns
        -------
        fitted : FactorModel
            The model itself.

        Raises
        ------
        ValueError
            If the causes or the mask cannot be used.
        """
        owner = f"{type(self).__name__}.fit"
        self._check_settings(owner)
        A = self._check_causes(A, owner, reset=True)
        observed = check_mask(mask, A.shape, owner)
        check_learnable(observed, owner)
        A = hide(A, observed)
        self._check_values(A, owner)
        warn_of_constant_causes(self, A, observed, owner)
        random = check_random_state(self.random_state)
        self._fit(A, observed, int(random.randint(MAX_SEED)))
        return self

    def fit_transform(self, A: Any, y: Any = None, *, mask: Any = None) -> np.ndarray:
        """Learn the loadings and return the factors of the same rows.

        Parameters
        ----------
        A : array, DataFrame or scipy sparse matrix of shape (n, n_causes)
            One row per unit, one column per cause.
        y : None
            Ignored: the outcome must not reach the factors.
        mask : bool array of shape (n, n_causes), default=None
            True marks an entry as held out: its value changes nothing.

        Returns
        -------
        Z : array of shape (n, n_components)
            Posterior means of the factors.
        """
        return self.fit(A, mask=mask).transform(A, mask=mask)

    def transform(self, A: Any, *, mask: Any = None) -> np.ndarray:
        """Return the posterior means of the factors, for old or new rows.

        Parameters
        ----------
        A : array, DataFrame or scipy sparse matrix of shape (n, n_causes)
            The causes.
        mask : bool array of shape (n, n_causes), default=None
            True marks an entry as held out.

        Returns
        -------
        Z : array of shape (n, n_components)
            Posterior means, the substitute confounder. They depend on the row's own
            causes and the loadings only.
        """
        return self._infer(A, mask, "transform").mean

    def reconstruct(self, A: Any, *, mask: Any = None) -> np.ndarray:
        """Return the expected causes given the factors of each row.

        Parameters
        ----------
        A : array, DataFrame or scipy sparse matrix of shape (n, n_causes)
            The causes.
        mask : bool array of shape (n, n_causes), default=None
            True marks an entry as held out.

        Returns
        -------
        expected : array of shape (n, n_causes)
            Expected causes at the posterior means of factors and loadings.
        """
        Z = self._infer(A, mask, "reconstruct").mean
        return self._family().mean(self._predictor(Z, self._mean_loadings()))

    def sample_posterior(
        self,
        A: Any,
        n_samples: int = 100,
        random_state: Any = None,
        *,
        mask: Any = None,
    ) -> np.ndarray:
        """Draw the factors of each row from their posterior.

        Parameters
        ----------
        A : array, DataFrame or scipy sparse matrix of shape (n, n_causes)
            The causes.
        n_samples : int, default=100
            Number of draws.
        random_state : int, RandomState or None, default=None
            Seed of the draws.
        mask : bool array of shape (n, n_causes), default=None
            True marks an entry as held out.

        Returns
        -------
        draws : array of shape (n_samples, n, n_components)
            Factors.
        """
        posterior = self._infer(A, mask, "sample_posterior")
        random = check_random_state(random_state)
        return np.stack([posterior.draw(random) for _ in range(n_samples)])

    def sample_predictive(
        self,
        A: Any,
        n_samples: int = 100,
        random_state: Any = None,
        *,
        mask: Any = None,
    ) -> np.ndarray:
        """Draw new causes for each row from the posterior predictive distribution.

        Parameters
        ----------
        A : array, DataFrame or scipy sparse matrix of shape (n, n_causes)
            The causes.
        n_samples : int, default=100
            Number of draws.
        random_state : int, RandomState or None, default=None
            Seed of the draws.
        mask : bool array of shape (n, n_causes), default=None
            True marks an entry as held out.

        Returns
        -------
        draws : array of shape (n_samples, n, n_causes)
            Causes, each draw with its own factors and loadings.
        """
        posterior = self._infer(A, mask, "sample_predictive")
        random = check_random_state(random_state)
        draws = [
            self._family().draw(self._draw_predictor(posterior, random), random)
            for _ in range(n_samples)
        ]
        return np.stack(draws)

    def log_prob_heldout(
        self, A: Any, mask: Any, n_samples: int = 100, random_state: Any = None
    ) -> np.ndarray:
        """Return the expected log probability of each row's held-out causes.

        Parameters
        ----------
        A : array, DataFrame or scipy sparse matrix of shape (n, n_causes)
            The causes.
        mask : bool array of shape (n, n_causes)
            True marks an entry as held out: scored, not conditioned on.
        n_samples : int, default=100
            Number of posterior draws.
        random_state : int, RandomState or None, default=None
            Seed of the draws.

        Returns
        -------
        log_prob : array of shape (n,)
            Sum over the row's held-out entries, in nats, averaged over the draws; 0
            for a row without any.
        """
        posterior = self._infer(A, mask, "log_prob_heldout")
        full = self._check_causes(A, "log_prob_heldout", reset=False)
        held_out = check_mask(mask, full.shape, type(self).__name__)
        if held_out is None:
            raise ValueError(
                f"{type(self).__name__}.log_prob_heldout: mask must mark the held-out "
                "entries, got None. Pass a boolean array of the causes' shape."
            )
        rows, columns = np.nonzero(~held_out)
        score = self._score_at(
            posterior, (rows, columns), n_samples, check_random_state(random_state)
        )
        values = np.asarray(full[rows, columns], dtype=float).ravel()
        return np.bincount(rows, weights=score(values), minlength=full.shape[0])

    # How it is done.

    def _infer(self, A: Any, mask: Any, method: str) -> Posterior:
        """Check new rows and return what is known about their factors."""
        check_is_fitted(self)
        owner = f"{type(self).__name__}.{method}"
        A = self._check_causes(A, owner, reset=False)
        observed = check_mask(mask, A.shape, owner)
        A = hide(A, observed)
        self._check_values(A, owner)
        return self._posterior(A, observed)

    def _draw_predictor(
        self, posterior: Posterior, random: np.random.RandomState
    ) -> np.ndarray:
        """Draw factors and loadings, and return the predictor of every cause."""
        return self._predictor(posterior.draw(random), self._draw_loadings(random))

    def _score_at(
        self,
        posterior: Posterior,
        entries: tuple[np.ndarray, np.ndarray],
        n_samples: int,
        random: np.random.RandomState,
    ) -> Any:
        """Return the expected log density of values at some entries, as a function.

        The log density is linear in the natural parameter and the log normaliser, so
        their means over the posterior draws serve all values.
        """
        family = self._family()
        natural = np.zeros(len(entries[0]))
        normaliser = np.zeros(len(entries[0]))
        for _ in range(n_samples):
            predictor = self._draw_predictor(posterior, random)[entries]
            natural += family.natural(predictor) / n_samples
            normaliser += family.log_normaliser(predictor) / n_samples
        return lambda values: (
            values * natural - normaliser + family.base_measure(values)
        )

    def _check_causes(self, A: Any, owner: str, *, reset: bool) -> Causes:
        """Return the causes as floats; scikit-learn's own messages for bad tables."""
        return validate_data(
            self,
            A,
            reset=reset,
            accept_sparse="csr",
            dtype=np.float64,
            ensure_min_samples=2 if reset else 1,
        )

    def _check_settings(self, owner: str) -> None:
        """Refuse settings that make no sense."""
        if self.inference not in self._methods:
            raise ValueError(
                f"{owner}: inference must be one of {self._methods}, got "
                f"{self.inference!r}. The first is the default."
            )
        check_positive_integers(self, owner, "n_components", "max_iter", "batch_size")

    def _training(self, seed: int) -> Training:
        """Return the settings of the training loop."""
        return Training(
            max_iter=self.max_iter,
            batch_size=self.batch_size,
            learning_rate=self.learning_rate,
            tol=self.tol,
            device=self.device,
            verbose=self.verbose,
            seed=seed,
        )

    @property
    def n_iter_(self) -> int:
        """Number of iterations that the fit took."""
        return len(self.elbo_)

    @property
    def _n_features_out(self) -> int:
        """Return the number of factors, for the names of the columns."""
        return int(self.n_components)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags
