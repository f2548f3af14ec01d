"""MarginalSensitivity: sharp bounds when a confounder moves the odds of treatment."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from skcausal.estimation._base import EffectLearner
from skcausal.estimation._models import is_classifier_model
from skcausal.inference import EffectBounds
from skcausal.validation._marginal_formulas import contrast_scores, weighting_bound
from skcausal.validation._marginal_tails import check_odds_ratio, fitted_tails
from skcausal.validation._sensitivity_inputs import (
    bounds_of_scores,
    check_level,
    fitted_learner,
    two_arms,
)

_OWNER = "MarginalSensitivity"
ODDS_RATIOS = (1, 1.25, 1.5, 2, 3, 5)


class MarginalSensitivity:
    r"""Bound an average effect when a confounder moves the odds of treatment.

    Strength is one number, the largest factor by which the confounder changes the odds
    of treatment of a row with given covariates. Bounds are sharp: no narrower ones
    hold for every such confounder. Make it with ``MarginalSensitivity.from_estimator``.

    Parameters
    ----------
    learner : EffectLearner
        Fitted learner with two arms. Its folds, propensities and outcome means are
        used again.
    quantile_model : regressor, default=None
        Model of a quantile of the outcome within an arm, for continuous outcomes: with
        a parameter ``quantile``, or ``alpha`` next to a quantile loss. None is LightGBM
        sized by the data.
    tail_model : regressor, default=None
        Model of the mean of the outcome with a reweighted tail; None is the learner's
        outcome model, or LightGBM if that is a classifier.
    odds_ratios : sequence of float, default=(1, 1.25, 1.5, 2, 3, 5)
        Strengths in tables, plots and the search for the tipping point.

    See Also
    --------
    BLearner : Bounds of the effect of each row.

    Notes
    -----
    Assumes overlap, and a confounder U with
    :math:`\Lambda^{-1} \le \frac{e(x, u) / (1 - e(x, u))}{e(x) / (1 - e(x))} \le
    \Lambda`, where :math:`\Lambda` is the odds ratio. Rows of the other arm have mean
    potential outcomes of at most

    .. math:: \rho_+(x, a) = \Lambda^{-1} \mu_a(x) + (1 - \Lambda^{-1})
        E[Y \mid Y > q_\tau, x, a], \quad \tau = \Lambda / (1 + \Lambda),

    with the quantile q of the outcome given x and a, so that
    :math:`E[Y(1) \mid x] \le e \mu_1 + (1 - e) \rho_+`. Averages are means of
    orthogonal scores; a wrong quantile makes bounds wider, not wrong. For binary
    outcomes all follows from :math:`\mu_a`. Quantiles and tail means are cross-fitted
    on the learner's folds. Bounds of the effect combine the worst cases of both arms.

    References
    ----------
    Dorn, J., & Guo, K. (2023). Sharp sensitivity analysis for inverse propensity
    weighting via quantile balancing. Journal of the American Statistical Association,
    118(544). https://doi.org/10.1080/01621459.2022.2069572

    Dorn, J., Guo, K., & Kallus, N. (2024). Doubly-valid/doubly-sharp sensitivity
    analysis for causal inference with unmeasured confounding. Journal of the American
    Statistical Association. https://doi.org/10.1080/01621459.2024.2335588

    Zhao, Q., Small, D. S., & Bhattacharya, B. B. (2019). Sensitivity analysis for
    inverse probability weighting estimators via the percentile bootstrap. Journal of
    the Royal Statistical Society, Series B, 81(4). https://doi.org/10.1111/rssb.12327

    Examples
    --------
    >>> from sklearn.linear_model import LinearRegression, LogisticRegression
    >>> from sklearn.linear_model import QuantileRegressor
    >>> from skcausal.datasets import make_observational
    >>> from skcausal.estimation import AIPW
    >>> from skcausal.validation import MarginalSensitivity
    >>> data = make_observational(300, effect="constant", random_state=0)
    >>> aipw = AIPW(LinearRegression(), LogisticRegression(), random_state=0)
    >>> _ = aipw.fit(data.X, data.y, treatment=data.treatment)
    >>> sensitivity = MarginalSensitivity.from_estimator(
    ...     aipw, QuantileRegressor(alpha=0)
    ... )
    >>> bounds = [sensitivity.bounds(odds_ratio) for odds_ratio in (1, 2)]
    >>> bool(bounds[0].width == 0 and bounds[1].width > 0)
    True
    """

    def __init__(
        self,
        learner: EffectLearner,
        quantile_model: Any = None,
        tail_model: Any = None,
        *,
        odds_ratios: Sequence[float] = ODDS_RATIOS,
    ) -> None:
        self.odds_ratios = tuple(
            sorted(check_odds_ratio(one, _OWNER) for one in odds_ratios)
        )
        if not self.odds_ratios:
            raise ValueError(f"{_OWNER}: odds_ratios must hold at least one number.")
        self._learner = learner
        self._arms = two_arms(learner, _OWNER)
        self._models = {
            "quantile_model": quantile_model,
            "tail_model": _tail_model(learner, tail_model),
        }
        self._bounds: dict[float, EffectBounds] = {}

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        quantile_model: Any = None,
        tail_model: Any = None,
        *,
        odds_ratios: Sequence[float] = ODDS_RATIOS,
    ) -> "MarginalSensitivity":
        """Make the analysis of the average effect of a fitted learner.

        Parameters
        ----------
        estimator : estimator
            Fitted learner with two arms, or a Pipeline or search that ends in one.
        quantile_model, tail_model, odds_ratios : optional
            See the class.

        Returns
        -------
        sensitivity : MarginalSensitivity
            The analysis; models are fitted when bounds are asked for.

        Raises
        ------
        ValueError
            If the learner does not have two arms.
        """
        learner = fitted_learner(estimator, f"{_OWNER}.from_estimator")
        return cls(learner, quantile_model, tail_model, odds_ratios=odds_ratios)

    def bounds(self, odds_ratio: float) -> EffectBounds:
        """Return the sharp bounds of the average effect for a confounder's strength.

        Parameters
        ----------
        odds_ratio : float
            Largest factor by which the confounder changes the odds of treatment, at
            least 1 (no confounder).

        Returns
        -------
        bounds : EffectBounds
            Bounds with standard errors and interval; remembered by this object.
        """
        odds_ratio = check_odds_ratio(odds_ratio, f"{_OWNER}.bounds")
        if odds_ratio not in self._bounds:
            learner, arms = self._learner, self._arms
            if arms.data.binary_outcome or odds_ratio == 1:
                data = arms.data
            else:
                data = learner._training_data("sensitivity analysis")
            tails = fitted_tails(
                data,
                arms.means,
                learner._make_folds(),
                learner._settings,
                odds_ratio,
                self._models,
            )
            scores = [
                contrast_scores(data.outcome, data.treatment, e, (q, worst), odds_ratio)
                for e, q, worst in zip(arms.propensity, *tails, strict=True)
            ]
            self._bounds[odds_ratio] = bounds_of_scores(data, np.stack(scores))
        return self._bounds[odds_ratio]

    def weighting_bounds(self, odds_ratio: float) -> tuple[float, float]:
        """Return the wider bounds that use inverse weights only, for comparison.

        Parameters
        ----------
        odds_ratio : float
            Strength of the confounder, as in :meth:`bounds`.

        Returns
        -------
        lower, upper : float
            Bounds of the average effect (Zhao, Small and Bhattacharya 2019); medians
            over repetitions.
        """
        odds_ratio = check_odds_ratio(odds_ratio, f"{_OWNER}.weighting_bounds")
        data = self._arms.data
        treated, control = data.treatment == 1, data.treatment == 0

        def mean(rows: np.ndarray, e: np.ndarray, side: int) -> float:
            weight = data.weights[rows]
            return weighting_bound(
                data.outcome[rows], e[rows], weight, odds_ratio, side
            )

        ends = [
            [
                mean(treated, e[:, 1], side) - mean(control, e[:, 0], -side)
                for side in (-1, 1)
            ]
            for e in self._arms.propensity
        ]
        lower, upper = np.median(np.array(ends), axis=0)
        return float(lower), float(upper)

    def table(self, level: float = 0.95) -> pd.DataFrame:
        """Return bounds and intervals for every strength in ``odds_ratios``.

        Parameters
        ----------
        level : float, default=0.95
            Confidence level.

        Returns
        -------
        table : DataFrame
            One row per odds ratio; columns ``lower, upper`` (sharp bounds),
            ``interval_lower, interval_upper``, ``weighting_lower, weighting_upper``.
        """
        check_level(level, f"{_OWNER}.table")
        rows = []
        for odds_ratio in self.odds_ratios:
            bounds = self.bounds(odds_ratio)
            ends = (
                *bounds.value,
                *bounds.interval(level),
                *self.weighting_bounds(odds_ratio),
            )
            rows.append(ends)
        names = ["lower", "upper", "interval_lower", "interval_upper"]
        return pd.DataFrame(
            rows,
            index=pd.Index(self.odds_ratios, name="odds_ratio"),
            columns=[*names, "weighting_lower", "weighting_upper"],
        )

    def tipping_point(self, null: float = 0.0, level: float | None = None) -> float:
        """Return the odds ratio at which the bounds reach a value.

        Parameters
        ----------
        null : float, default=0.0
            The value, such as no effect.
        level : float, default=None
            With a level, when the interval of that level reaches it.

        Returns
        -------
        odds_ratio : float
            Interpolated between ``odds_ratios``, linear in their logarithm; 1 if no
            confounder is needed, infinity if the largest of them is not enough.
        """
        above = self.bounds(1).value[0] >= null

        def left(odds_ratio: float) -> float:
            bounds = self.bounds(odds_ratio)
            lower, upper = bounds.value if level is None else bounds.interval(level)
            return lower - null if above else null - upper

        before, distance = 1.0, left(1.0)
        if distance <= 0:
            return 1.0
        for odds_ratio in self.odds_ratios:
            now = left(odds_ratio)
            if now <= 0:
                share = distance / (distance - now)
                return float(before * (odds_ratio / before) ** share)
            before, distance = odds_ratio, now
        return float("inf")

    def summary(self, level: float = 0.95) -> str:
        """Say in sentences what it would take to overturn the effect.

        Parameters
        ----------
        level : float, default=0.95
            Confidence level.

        Returns
        -------
        text : str
            A sentence on the effect and one on the tipping points.
        """
        now = self.bounds(1)
        lower, upper = now.interval(level)
        sentence = (
            "An unobserved confounder would have to change the odds of treatment {} to "
            "bring the effect to 0, and {} to bring 0 into its interval."
        )
        points = [self.tipping_point(), self.tipping_point(level=level)]
        return (
            f"The effect is {now.value[0]:.4g} ({100 * level:g} % interval {lower:.4g} "
            f"to {upper:.4g}). "
        ) + sentence.format(*(self._factor(point) for point in points))

    def _factor(self, point: float) -> str:
        if np.isfinite(point):
            return f"by a factor of {point:.2f}"
        return f"by more than a factor of {self.odds_ratios[-1]:g}"


def _tail_model(learner: EffectLearner, model: Any) -> Any:
    """Return the model of tail means: the given one, or the learner's for outcomes."""
    if model is None:
        model = getattr(learner, "outcome_model", None)
        return None if model is None or is_classifier_model(model) else model
    if is_classifier_model(model):
        raise ValueError(
            f"{_OWNER}: tail_model={model!r} is a classifier, but tail means are "
            "numbers. Use a regressor."
        )
    return model
