"""RieszSensitivity: what omitted confounders would do to a machine-learned effect."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from scipy import optimize

from skcausal.estimation._base import EffectLearner
from skcausal.inference import EffectBounds, EffectEstimate
from skcausal.validation._riesz_elements import (
    checked_target,
    elements_of,
    elements_of_arrays,
    omitted_gains,
)
from skcausal.validation._sensitivity_inputs import (
    check_level,
    check_share,
    covariate_name,
    first_crossing,
    fitted_learner,
    named_rows,
    needed_strength,
    refitted_without,
)

_OWNER = "RieszSensitivity"


class RieszSensitivity:
    r"""Tell how strong omitted confounders must be to overturn an average effect.

    For effects from machine-learned outcome and treatment models, linear or not. Make
    it with ``RieszSensitivity.from_estimator`` or ``RieszSensitivity.from_arrays``.

    Parameters
    ----------
    elements : EffectEstimate
        Three numbers with their influence: the effect, the variance of the outcome's
        residuals and the variance of the Riesz representer.
    learner : EffectLearner, default=None
        The fitted learner, for benchmarks by leaving covariates out.
    target : str, default="all"
        Population of the effect.
    arm : label, default=None
        Arm that is compared with the control.

    Attributes
    ----------
    effect : EffectEstimate
        The average effect if nothing was omitted.
    scale : float
        The S of the formula: bias of confounders per unit of their joint strength.

    See Also
    --------
    PartialR2Sensitivity : The same question for linear regression.

    Notes
    -----
    Assumes that the learner's nuisances are good enough for its own interval, and that
    omitted confounders are of the stated strength at most: they explain a share
    ``outcome`` of the variance of the outcome's residuals, and 1 - ``treatment`` is the
    share of the (long) Riesz representer's variance that the covariates account for.
    With :math:`S^2 = E[(Y - g)^2] E[\alpha^2]` the effect lies between

    .. math:: \theta \pm |\rho| S \sqrt{C_Y C_D / (1 - C_D)},

    where :math:`C_Y, C_D` are these strengths and :math:`\rho` is the correlation of
    the errors that the confounders cause in both (1 is the worst case). The Riesz
    representer is :math:`1[T=1]/e - 1[T=0]/(1-e)` for the average effect, and
    :math:`v / E[v^2]` with the treatment residual v for the partially linear
    coefficient (``target="overlap"``). Influence values of the bounds are those of the
    effect and of S, so intervals account for both.

    References
    ----------
    Chernozhukov, V., Cinelli, C., Newey, W., Sharma, A., & Syrgkanis, V. (2026). Long
    story short: omitted variable bias in causal machine learning. Review of Economics
    and Statistics, theorems 2 to 4. https://doi.org/10.1162/REST.a.1705

    Examples
    --------
    >>> from sklearn.linear_model import LinearRegression, LogisticRegression
    >>> from skcausal.datasets import make_observational
    >>> from skcausal.estimation import AIPW
    >>> from skcausal.validation import RieszSensitivity
    >>> data = make_observational(500, effect="constant", random_state=0)
    >>> aipw = AIPW(LinearRegression(), LogisticRegression(), random_state=0)
    >>> _ = aipw.fit(data.X, data.y, treatment=data.treatment)
    >>> sensitivity = RieszSensitivity.from_estimator(aipw)
    >>> lower, upper = sensitivity.bounds(outcome=0.02, treatment=0.02).value
    >>> bool(lower < aipw.average_effect_.value < upper)
    True
    >>> 0 < sensitivity.robustness_value(level=0.95) < sensitivity.robustness_value()
    True
    """

    def __init__(
        self,
        elements: EffectEstimate,
        *,
        learner: EffectLearner | None = None,
        target: str = "all",
        arm: Any = None,
    ) -> None:
        if elements.values.shape[1] != 3:
            raise ValueError(
                f"{_OWNER}: elements must hold three numbers (effect, residual "
                f"variance, Riesz variance), got {elements.values.shape[1]}."
            )
        self.elements = elements
        self.target = target
        self._learner = learner
        self._arm = arm
        self._benchmarks: dict[str, dict[str, float]] = {}

    def __repr__(self) -> str:
        """Show the effect that may be confounded."""
        return f"{_OWNER}(effect={self.effect.value:.4g}, target={self.target!r})"

    @classmethod
    def from_estimator(
        cls, estimator: Any, *, target: str | None = None, arm: Any = None
    ) -> "RieszSensitivity":
        """Make the analysis of the average effect of a fitted learner.

        Parameters
        ----------
        estimator : estimator
            Fitted learner, or a Pipeline or search that ends in one.
        target : {"all", "treated", "control", "overlap"}, default=None
            Population, as in ``average_effect``. None is what the learner is made for,
            and "overlap", the partially linear coefficient, for a continuous
            treatment.
        arm : label, default=None
            Arm to compare with the control; needed for more than two arms.

        Returns
        -------
        sensitivity : RieszSensitivity
            The analysis.

        Raises
        ------
        ValueError
            If target or arm do not suit the learner.
        """
        owner = f"{_OWNER}.from_estimator"
        learner = fitted_learner(estimator, owner)
        target = checked_target(learner, target, owner)
        elements = elements_of(learner, target, arm, owner)
        return cls(elements, learner=learner, target=target, arm=arm)

    @classmethod
    def from_arrays(
        cls,
        scores: Any,
        residuals: Any,
        riesz: Any,
        *,
        riesz_moment: Any = None,
        sample_weight: Any = None,
        groups: Any = None,
    ) -> "RieszSensitivity":
        """Make the analysis of an effect that another library has estimated.

        Parameters
        ----------
        scores : array-like of shape (n,)
            Orthogonal scores, whose mean is the effect.
        residuals : array-like of shape (n,)
            Out-of-fold residuals of the outcome, in its units.
        riesz : array-like of shape (n,)
            Out-of-fold Riesz representer of each row.
        riesz_moment : array-like of shape (n,), default=None
            The functional applied to the representer, for a debiased variance:
            :math:`1/e + 1/(1-e)` for an average effect. None is the plain variance.
        sample_weight, groups : array-like of shape (n,), default=None
            Weights and clusters of the rows.

        Returns
        -------
        sensitivity : RieszSensitivity
            The analysis, without benchmarks.

        Raises
        ------
        ValueError
            If lengths differ or values are not finite.
        """
        given = {"scores": scores, "residuals": residuals, "riesz": riesz}
        if riesz_moment is not None:
            given["riesz_moment"] = riesz_moment
        owner = f"{_OWNER}.from_arrays"
        return cls(elements_of_arrays(given, sample_weight, groups, owner))

    @property
    def effect(self) -> EffectEstimate:
        """The average effect if nothing was omitted."""
        return self.elements["effect"]

    @property
    def scale(self) -> float:
        """Bias of confounders per unit of their joint strength, S of the formula."""
        return float(np.median(np.sqrt(self.elements.values[:, 1:].prod(axis=1))))

    def bounds(
        self, outcome: float, treatment: float, rho: float = 1.0
    ) -> EffectBounds:
        """Return the bounds of the effect under confounders of a given strength.

        Parameters
        ----------
        outcome : float
            Share in [0, 1] of the variance of the outcome's residuals that omitted
            confounders explain.
        treatment : float
            Share in [0, 1) of the variance of the Riesz representer that they account
            for.
        rho : float, default=1.0
            Correlation in [-1, 1] of the errors they cause; 1 is the worst case.

        Returns
        -------
        bounds : EffectBounds
            Bounds with standard errors and interval.
        """
        owner = f"{_OWNER}.bounds"
        c_y = check_share(outcome, "outcome", owner, below_one=False)
        c_d = check_share(treatment, "treatment", owner, below_one=True)
        if not -1 <= rho <= 1:
            raise ValueError(f"{owner}: rho must lie in [-1, 1], got {rho}.")
        return self._bounds(float(abs(rho) * np.sqrt(c_y * c_d / (1 - c_d))))

    def _bounds(self, strength: float) -> EffectBounds:
        """Return the bounds at a joint strength |rho| sqrt(C_Y C_D / (1 - C_D))."""
        theta, sigma2, nu2 = self.elements.values.T
        of_theta, of_sigma2, of_nu2 = np.moveaxis(self.elements.influences, 2, 0)
        s = np.sqrt(sigma2 * nu2)
        of_s = (sigma2[:, None] * of_nu2 + nu2[:, None] * of_sigma2) / (2 * s[:, None])

        def shifted(sign: int, label: str) -> EffectEstimate:
            return replace(
                self.elements,
                values=(theta + sign * strength * s)[:, None],
                influences=(of_theta + sign * strength * of_s)[:, :, None],
                labels=(label,),
                name="bound",
            )

        return EffectBounds(shifted(-1, "lower"), shifted(1, "upper"))

    def robustness_value(self, null: float = 0.0, level: float | None = None) -> float:
        """Return the strength of confounders that would move the effect to a value.

        Parameters
        ----------
        null : float, default=0.0
            The value, such as no effect.
        level : float, default=None
            With a level, the strength that brings the value into the interval of this
            level.

        Returns
        -------
        strength : float
            Share in [0, 1) of outcome and treatment; 0 if it is reached without any.
        """
        if level is not None:
            check_level(level, f"{_OWNER}.robustness_value")

        def left(share: float) -> float:
            return self._left(share / np.sqrt(1 - share), null, level)

        if left(0.0) <= 0:
            return 0.0
        return float(optimize.brentq(left, 0.0, 1 - 1e-12))

    def _left(self, strength: float, null: float, level: float | None) -> float:
        """Return the distance between null and the nearer bound; negative beyond it."""
        bounds = self._bounds(strength)
        lower, upper = bounds.value if level is None else bounds.interval(level)
        above = float(np.median(self.elements.values[:, 0])) >= null
        return lower - null if above else null - upper

    def benchmarks(self, covariates: Sequence[Any]) -> pd.DataFrame:
        """Return how strong observed covariates are, by leaving them out.

        Parameters
        ----------
        covariates : sequence of str, int or tuples of them
            Columns as the learner sees them; a tuple is left out together. Each costs
            a refit of the learner, remembered by this object.

        Returns
        -------
        table : DataFrame
            One row per covariate: strength for ``outcome`` and ``treatment`` (out of
            fold, hence below zero where a covariate does not help), ``rho``,
            ``estimate`` without the covariate and its ``change``.

        Raises
        ------
        ValueError
            If there is no learner to refit or a column is unknown.
        """
        owner = f"{_OWNER}.benchmarks"
        if self._learner is None:
            raise ValueError(
                f"{owner}: arrays cannot be refitted without a covariate. Use "
                "RieszSensitivity.from_estimator."
            )
        names = [covariate_name(one) for one in covariates]
        for name, columns in zip(names, covariates, strict=True):
            if name not in self._benchmarks:
                shorter = refitted_without(self._learner, columns, owner)
                short = elements_of(shorter, self.target, self._arm, owner)
                self._benchmarks[name] = omitted_gains(short, self.elements)
        return named_rows({name: self._benchmarks[name] for name in names})

    def times_stronger(
        self, covariate: Any, *, null: float = 0.0, level: float | None = None
    ) -> float:
        """Return how many times as strong as a covariate confounders have to be.

        Parameters
        ----------
        covariate : str, int or tuple of them
            Covariate to compare with; it is left out once.
        null : float, default=0.0
            Value that the effect should reach.
        level : float, default=None
            None asks for the bound, a level for its interval.

        Returns
        -------
        times : float
            0 if it is reached already; infinity if no possible confounder with the
            covariate's mix of strengths gets there.
        """
        row = self.benchmarks([covariate]).iloc[0]
        c_y, c_d = max(row["outcome"], 0.0), max(row["treatment"], 0.0)

        def left(factor: float) -> float:
            joint = np.sqrt(factor * c_y * factor * c_d / (1 - factor * c_d))
            return self._left(float(joint), null, level)

        if left(0.0) <= 0:
            return 0.0
        if c_y == 0 or c_d == 0:
            return float("inf")
        return first_crossing(left, (1 - 1e-9) * min(1 / c_y, 1 / c_d))

    def summary(self, covariates: Sequence[Any] = (), level: float = 0.95) -> str:
        """Say in sentences what it would take to overturn the effect.

        Parameters
        ----------
        covariates : sequence of str, int or tuples of them, default=()
            Covariates to compare confounders with.
        level : float, default=0.95
            Confidence level.

        Returns
        -------
        text : str
            A sentence on the effect, one on robustness values, one per covariate.
        """
        lower, upper = (float(np.atleast_1d(x)[0]) for x in self.effect.interval(level))
        value = float(np.atleast_1d(self.effect.value)[0])
        text = [
            f"The effect is {value:.4g} ({100 * level:g} % interval {lower:.4g} to "
            f"{upper:.4g}).",
            "Unobserved confounders would have to account for "
            f"{100 * self.robustness_value():.1f} % of the variance of the outcome's "
            "residuals and of the treatment's weights (Riesz representer) to bring "
            f"the effect to 0, and {100 * self.robustness_value(level=level):.1f} % "
            "to bring 0 into its interval.",
        ]
        for one in covariates:
            ways = [self.times_stronger(one, level=x) for x in (None, level)]
            text.append(needed_strength(covariate_name(one), *ways))
        return " ".join(text)
