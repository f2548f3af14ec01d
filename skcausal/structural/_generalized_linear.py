"""Linear mechanisms: Gaussian, lognormal, Poisson and Bernoulli."""

from typing import Any, Self

import numpy as np
from scipy import special, stats
from sklearn.linear_model import LogisticRegression, PoissonRegressor, Ridge

from skcausal.structural._categorical import codes_of, sorted_labels
from skcausal.structural._design import Design
from skcausal.structural._mechanism import Mechanism
from skcausal.structural._quantiles import (
    bernoulli_threshold,
    normal_between,
    poisson_interval,
    poisson_quantile,
)

FAMILIES = ("gaussian", "lognormal", "poisson", "bernoulli")
_LEAST_PENALTY = 1e-8  # keeps coefficients finite where labels can be separated
_LARGEST_COUNT = 1e12
_OWNER = "GeneralizedLinear"


class GeneralizedLinear(Mechanism):
    r"""A number, a count or one of two labels, by a linear function of its causes.

    Parameters
    ----------
    family : {"gaussian", "lognormal", "poisson", "bernoulli"}, default="gaussian"
        What the node holds: any numbers, positive numbers, counts, or two labels.
    alpha : float, default=0.0
        Penalty on the squared coefficients of standardised causes, per row, as of
        scikit-learn's ``PoissonRegressor``. Counts and labels have at least 1e-8, as
        some data have no finite estimate.

    Attributes
    ----------
    features_ : list of str
        What is multiplied: numbers, and an indicator per category but the first. One
        that is constant in the data, such as of a category without rows, has slope 0.
    coef_ : ndarray of shape (n_features,)
        Slopes, in units of the link.
    intercept_ : float
        The linear function where all features are 0.
    scale_ : float
        Standard deviation around the linear function; 1 for counts and labels.
    classes_ : ndarray of shape (2,)
        The labels of a Bernoulli node, the second one being drawn with the
        probability; None for other families.

    Notes
    -----
    Assumes standard normal noise :math:`u` that is independent of the causes. With
    :math:`\eta = b_0 + b^T p`, a number is :math:`x = \eta + s u`, a positive number
    :math:`x = \exp(\eta + s u)`; a count is :math:`x = F^{-1}(\Phi(u))`, with
    :math:`F` the distribution function of a Poisson variable of mean
    :math:`\exp(\eta)`; a label is the second one if :math:`\Phi(u) > 1 -
    1 / (1 + e^{-\eta})`. The noise of numbers is known; of counts and labels it is
    drawn from the interval that leads to what was seen. That more noise never means
    less (the monotone coupling) is a choice that no data can test. Causes of numbers
    may be roots: without causes only the intercept is learned.

    References
    ----------
    McCullagh, P., & Nelder, J. A. (1989). Generalized Linear Models. Chapman & Hall.
    https://doi.org/10.1007/978-1-4899-3242-6

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> from skcausal.structural import GeneralizedLinear
    >>> rng = np.random.default_rng(0)
    >>> parents = pd.DataFrame({"ads": rng.normal(size=5000)})
    >>> visits = rng.poisson(np.exp(1 + 0.5 * parents["ads"]))
    >>> mechanism = GeneralizedLinear("poisson").fit(parents, visits)
    >>> round(mechanism.coef_[0], 1)
    np.float64(0.5)
    >>> noise = mechanism.noise(parents, visits, rng)
    >>> bool((mechanism.apply(parents, noise) == visits).all())
    True
    """

    features_: list[str]
    coef_: np.ndarray
    intercept_: float
    scale_: float
    classes_: np.ndarray | None

    def __init__(self, family: str = "gaussian", *, alpha: float = 0.0) -> None:
        self.family = family
        self.alpha = alpha

    @property
    def invertible(self) -> bool:  # type: ignore[override]
        """Whether the noise is known: of numbers, not of counts and labels."""
        return self.family in ("gaussian", "lognormal")

    def fit(self, parents: Any, values: Any) -> Self:
        """Estimate the coefficients by (penalised) maximum likelihood.

        Parameters
        ----------
        parents : DataFrame of shape (n, n_parents)
            Values of the direct causes: numbers, bools and categories.
        values : array of shape (n,)
            Values of the node.

        Returns
        -------
        self : GeneralizedLinear
            The fitted mechanism.

        Raises
        ------
        ValueError
            If the family is unknown or the values cannot be of it.
        """
        self._check()
        self.classes_ = None
        if self.family == "bernoulli":
            self.classes_ = sorted_labels(values)
            if len(self.classes_) != 2:
                raise ValueError(
                    f"{_OWNER}.fit: the family 'bernoulli' needs two labels, got "
                    f"{len(self.classes_)}. Take CategoricalNoise or GumbelMax for "
                    "more."
                )
        target = self._target(values, "fit")
        self._design = Design().fit(parents)
        self.features_ = list(self._design.names)
        numbers = self._design.matrix(parents, len(target))
        centres, units = numbers.mean(axis=0), numbers.std(axis=0)
        vary = units > 0
        standard = (numbers - centres)[:, vary] / units[vary]
        slopes, intercept = self._estimate(standard, target)
        self.coef_ = np.zeros(len(units))
        self.coef_[vary] = slopes / units[vary]
        self.intercept_ = float(intercept - centres @ self.coef_)
        self.scale_ = 1.0
        if self.invertible:
            residuals = target - self.intercept_ - numbers @ self.coef_
            free = max(len(target) - len(slopes) - 1, 1)
            least = np.finfo(float).eps * max(1.0, float(np.abs(target).max()))
            self.scale_ = max(float(np.sqrt((residuals**2).sum() / free)), least)
        return self

    def _check(self) -> None:
        if self.family not in FAMILIES:
            raise ValueError(
                f"{_OWNER}.fit: family must be one of {', '.join(FAMILIES)}, got "
                f"{self.family!r}."
            )
        if not self.alpha >= 0:
            raise ValueError(
                f"{_OWNER}.fit: alpha must be 0 or more, got {self.alpha!r}."
            )

    def _estimate(
        self, numbers: np.ndarray, target: np.ndarray
    ) -> tuple[np.ndarray, float]:
        """Return slopes and intercept for standardised numbers."""
        n, n_features = numbers.shape
        penalty = max(self.alpha, _LEAST_PENALTY)
        if self.invertible:
            if n_features == 0 or self.alpha == 0:
                slopes = np.linalg.lstsq(numbers, target - target.mean(), rcond=None)[0]
                return slopes, float(target.mean())
            model: Any = Ridge(alpha=self.alpha * n)
        elif n_features == 0 or np.ptp(target) == 0:
            mean = target.mean()
            counts = self.family == "poisson"
            floor = _LEAST_PENALTY
            return np.zeros(n_features), float(
                np.log(max(mean, floor)) if counts else special.logit(mean)
            )
        elif self.family == "poisson":
            model = PoissonRegressor(
                alpha=penalty, solver="newton-cholesky", tol=1e-6, max_iter=300
            )
        else:
            model = LogisticRegression(
                C=1 / (penalty * n), solver="newton-cholesky", tol=1e-6, max_iter=300
            )
        model.fit(numbers, target)
        return np.ravel(model.coef_), float(np.ravel(model.intercept_)[0])

    def _target(self, values: Any, method: str) -> np.ndarray:
        """Return values on the scale that is modelled; refuse those of no mass."""
        if self.classes_ is not None:
            return codes_of(values, self.classes_, _OWNER).astype(float)
        target = np.asarray(values, dtype=float)
        rule = self._broken(target)
        if rule:
            raise ValueError(
                f"{_OWNER}.{method}: the family {self.family!r} needs {rule[0]}, got "
                f"{target[rule[1]][0]:g}. Choose another family."
            )
        return np.log(target) if self.family == "lognormal" else target

    def _broken(self, target: np.ndarray) -> tuple[str, np.ndarray] | None:
        """Return what the family asks for and which values lack it."""
        if self.family == "lognormal" and (target <= 0).any():
            return "positive numbers", target <= 0
        if self.family == "poisson":
            wrong = (target < 0) | (target != np.round(target))
            return ("whole numbers from 0", wrong) if wrong.any() else None
        return None

    def linear(self, parents: Any, n: int) -> np.ndarray:
        """Return the linear function of the causes.

        Parameters
        ----------
        parents : DataFrame of shape (n, n_parents)
            Values of the direct causes.
        n : int
            Number of rows; needed where there are no causes.

        Returns
        -------
        linear : ndarray of shape (n,)
            On the scale of the link: of counts the log of the mean, of labels the
            log odds.
        """
        return self.intercept_ + self._design.matrix(parents, n) @ self.coef_

    def mean(self, parents: Any) -> np.ndarray:
        """Return what is expected of the node given its parents.

        Parameters
        ----------
        parents : DataFrame of shape (n, n_parents)
            Values of the direct causes.

        Returns
        -------
        means : ndarray of shape (n,)
            Expected values; of labels the probability of the second.
        """
        linear = self.linear(parents, len(parents))
        if self.family == "gaussian":
            return linear
        if self.family == "lognormal":
            return np.exp(linear + self.scale_**2 / 2)
        return special.expit(linear) if self.family == "bernoulli" else _count(linear)

    def draw_noise(self, n: int, random: np.random.Generator) -> np.ndarray:
        """Draw standard normal noise.

        Parameters
        ----------
        n : int
            Number of rows.
        random : Generator
            Source of randomness.

        Returns
        -------
        noise : ndarray of shape (n,)
            Independent draws.
        """
        return random.standard_normal(n)

    def apply(self, parents: Any, noise: np.ndarray) -> np.ndarray:
        """Compute the node from its parents and its noise.

        Parameters
        ----------
        parents : DataFrame of shape (n, n_parents)
            Values of the direct causes.
        noise : ndarray of shape (n,)
            Noise of the node, in standard deviations.

        Returns
        -------
        values : ndarray of shape (n,)
            Values of the node.

        Raises
        ------
        ValueError
            If a count of more than 1e12 is expected.
        """
        noise = np.asarray(noise, dtype=float)
        linear = self.linear(parents, len(noise))
        if self.family == "poisson":
            return poisson_quantile(noise, _count(linear))
        if self.classes_ is not None:
            return self.classes_[(noise > bernoulli_threshold(linear)).astype(int)]
        values = linear + self.scale_ * noise
        return np.exp(values) if self.family == "lognormal" else values

    def noise(
        self, parents: Any, values: Any, random: np.random.Generator
    ) -> np.ndarray:
        """Recover the noise, or draw among those that lead to what was seen.

        Parameters
        ----------
        parents : DataFrame of shape (n, n_parents)
            Values of the direct causes.
        values : array of shape (n,)
            Values of the node.
        random : Generator
            Used for counts and labels.

        Returns
        -------
        noise : ndarray of shape (n,)
            In standard deviations.

        Raises
        ------
        ValueError
            If a value was seen whose probability is 0, or below 1e-300.
        """
        target = self._target(values, "noise")
        linear = self.linear(parents, len(target))
        if self.invertible:
            return (target - linear) / self.scale_
        if self.family == "poisson":
            found = normal_between(*poisson_interval(target, _count(linear)), random)
        else:
            yes, no = special.expit(linear), special.expit(-linear)
            zero, one = np.zeros(len(target)), np.ones(len(target))
            seen = target == 1
            below = np.where(seen, no, zero), np.where(seen, one, no)
            above = np.where(seen, yes, one), np.where(seen, zero, yes)
            found = normal_between(below, above, random)
        if np.isnan(found).any():
            row = int(np.argmax(np.isnan(found)))
            raise ValueError(
                f"{_OWNER}.noise: row {row} has the value {np.asarray(values)[row]}, "
                "whose probability is too small for a float. Look at this row, or "
                "choose another mechanism."
            )
        return found

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
            Of counts and labels, the log probability.
        """
        target = self._target(values, "log_density")
        linear = self.linear(parents, len(target))
        if self.family == "poisson":
            mass = target * linear - _count(linear) - special.gammaln(target + 1)
            return np.asarray(mass)
        if self.family == "bernoulli":
            return np.asarray(special.log_expit(np.where(target == 1, linear, -linear)))
        density = stats.norm.logpdf(target, linear, self.scale_)
        return np.asarray(density - target if self.family == "lognormal" else density)


def _count(linear: np.ndarray) -> np.ndarray:
    """Return expected counts; those beyond all measure are errors."""
    if (linear > np.log(_LARGEST_COUNT)).any():
        raise ValueError(
            f"{_OWNER}: a count of more than {_LARGEST_COUNT:g} is expected for some "
            "row. Its causes lie too far from those seen, or a cause should be taken "
            "in logs."
        )
    return np.asarray(np.exp(linear))
