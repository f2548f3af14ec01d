"""The mechanism of a number: a function of its causes plus noise."""

from typing import Any, Self

import numpy as np
from sklearn.base import clone
from sklearn.dummy import DummyRegressor

from skcausal.structural._choosing import (
    N_FOLDS,
    choose,
    default_regressors,
    squared_errors,
    unseen_means,
)
from skcausal.structural._density import SmoothDensity
from skcausal.structural._mechanism import Mechanism


class AdditiveNoise(Mechanism):
    r"""A number that is a function of its causes plus noise.

    Parameters
    ----------
    regressor : estimator, default=None
        Any scikit-learn regressor. None chooses between a linear model and boosted
        trees by five-fold cross-validation; trees are taken if their mean squared
        error is smaller by more than a standard error of the difference. Without
        causes, the mean is learned.

    Attributes
    ----------
    regressor_ : estimator
        The regressor, fitted on all rows.
    noise_ : ndarray of shape (n,)
        Errors for the rows seen, each by a model that did not see the row: errors for
        rows that a flexible model has seen would be too small. Noise is drawn of them.

    Notes
    -----
    Assumes that noise is added and does not depend on the parents:
    :math:`x = f(p) + u`. Noise of a row is therefore known: :math:`u = x - f(p)`.

    References
    ----------
    Hoyer, P. O., Janzing, D., Mooij, J. M., Peters, J., & Schölkopf, B. (2008).
    Nonlinear causal discovery with additive noise models. NeurIPS 21.
    https://papers.nips.cc/paper/3548

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> from sklearn.linear_model import LinearRegression
    >>> from skcausal.structural import AdditiveNoise
    >>> parents = pd.DataFrame({"x": np.arange(10.0)})
    >>> values = 2.0 * np.arange(10.0)
    >>> mechanism = AdditiveNoise(LinearRegression()).fit(parents, values)
    >>> mechanism.apply(parents[1:3], np.array([0.0, 1.0])).round(3).tolist()
    [2.0, 5.0]
    """

    regressor_: Any
    noise_: np.ndarray
    _density: SmoothDensity

    def __init__(self, regressor: Any = None) -> None:
        self.regressor = regressor

    def fit(self, parents: Any, values: Any) -> Self:
        """Fit the regressor, and keep its errors for rows it did not see.

        Parameters
        ----------
        parents : DataFrame of shape (n, n_parents)
            Values of the direct causes.
        values : array of shape (n,)
            Values of the node, numbers.

        Returns
        -------
        self : AdditiveNoise
            The fitted mechanism.
        """
        values = np.asarray(values, dtype=float)
        models = [self.regressor]
        if not parents.shape[1]:
            models = [DummyRegressor()]
        elif self.regressor is None:
            models = default_regressors(parents)
        chosen, predicted = choose(
            models,
            lambda model: unseen_means(model, parents, values, N_FOLDS),
            lambda predicted: squared_errors(predicted, values),
        )
        self.noise_ = values - predicted
        self.regressor_ = clone(chosen).fit(parents, values)
        return self

    def mean(self, parents: Any) -> np.ndarray:
        """Return what is expected of the node given its parents.

        Parameters
        ----------
        parents : DataFrame of shape (n, n_parents)
            Values of the direct causes.

        Returns
        -------
        means : ndarray of shape (n,)
            The function without noise.
        """
        return np.asarray(self.regressor_.predict(parents), dtype=float)

    def draw_noise(self, n: int, random: np.random.Generator) -> np.ndarray:
        """Draw from the errors for rows not seen.

        Parameters
        ----------
        n : int
            Number of rows.
        random : Generator
            Source of randomness.

        Returns
        -------
        noise : ndarray of shape (n,)
            Errors, with replacement.
        """
        return self.noise_[random.integers(len(self.noise_), size=n)]

    def apply(self, parents: Any, noise: np.ndarray) -> np.ndarray:
        """Add the noise to what is expected.

        Parameters
        ----------
        parents : DataFrame of shape (n, n_parents)
            Values of the direct causes.
        noise : ndarray of shape (n,)
            Noise of the node.

        Returns
        -------
        values : ndarray of shape (n,)
            Values of the node.
        """
        return self.mean(parents) + noise

    def noise(
        self, parents: Any, values: Any, random: np.random.Generator
    ) -> np.ndarray:
        """Return what the function leaves over.

        Parameters
        ----------
        parents : DataFrame of shape (n, n_parents)
            Values of the direct causes.
        values : array of shape (n,)
            Values of the node.
        random : Generator
            Not used: the noise is known.

        Returns
        -------
        noise : ndarray of shape (n,)
            Values less what is expected.
        """
        return np.asarray(values, dtype=float) - self.mean(parents)

    def log_density(self, parents: Any, values: Any) -> np.ndarray:
        """Return the log density of the node given its parents.

        Parameters
        ----------
        parents : DataFrame of shape (n, n_parents)
            Values of the direct causes.
        values : array of shape (n,)
            Values of the node.

        Returns
        -------
        log_density : ndarray of shape (n,)
            That of the noise: a kernel density of ``noise_``, mixed with a share
            1 / (n + 1) of a Gaussian, so that it is finite far out as well.
        """
        if getattr(self, "_density", None) is None or (
            self._density.source is not self.noise_
        ):
            self._density = SmoothDensity(self.noise_)
        return self._density.log_density(
            np.asarray(values, dtype=float) - self.mean(parents)
        )
