"""ManskiBounds: what the range of the outcome alone says about an average effect."""

from typing import Any

import numpy as np

from skcausal.estimation._data import CausalData
from skcausal.estimation._scores import contrast_scores
from skcausal.inference import EffectBounds
from skcausal.utils._target import resolve_target
from skcausal.utils._validation import as_vector
from skcausal.validation._sensitivity_inputs import (
    bounds_of_scores,
    check_level,
    fitted_learner,
    two_arms,
)

_OWNER = "ManskiBounds"


class ManskiBounds:
    r"""Bound an average effect by the range of the outcome, whatever the confounding.

    Make it with ``ManskiBounds.from_estimator`` or ``ManskiBounds.from_arrays``.
    Without further assumptions the bounds are as wide as the range of the outcome and
    have 0 between them; monotone response or selection narrows them.

    Parameters
    ----------
    bounds : EffectBounds
        Bounds of the average effect.
    outcome_range : tuple of (float, float)
        Smallest and largest possible outcome.
    response : {"increasing", "decreasing"}, default=None
        What was assumed of the response to treatment.
    selection : {"positive", "negative"}, default=None
        What was assumed of the selection into treatment.

    Notes
    -----
    Assumes only that outcomes lie in :math:`[y_-, y_+]`: with the share p of treated,

    .. math:: E[Y(1)] \in [p E[Y \mid T=1] + (1 - p) y_-,\;
        p E[Y \mid T=1] + (1 - p) y_+],

    and alike for E[Y(0)]; the lower bound of the effect is the difference of the lower
    and the upper one, and the other way round. Monotone response: "increasing" says
    that treatment lowers nobody's outcome, so the lower bound is 0. Monotone selection:
    "positive" says that the treated have the higher potential outcomes on average,
    given the covariates, so that the adjusted effect is an upper bound; it is the
    doubly robust one for a learner and the raw difference of means for arrays.

    References
    ----------
    Manski, C. F. (1990). Nonparametric bounds on treatment effects. American Economic
    Review, 80(2). https://www.jstor.org/stable/2006592

    Manski, C. F., & Pepper, J. V. (2000). Monotone instrumental variables: with an
    application to the returns to schooling. Econometrica, 68(4), propositions 1 and 2.
    https://doi.org/10.1111/1468-0262.00144

    Examples
    --------
    >>> from skcausal.validation import ManskiBounds
    >>> y, treatment = [0, 1, 1, 0, 1, 0], [0, 0, 1, 0, 1, 1]
    >>> bounds = ManskiBounds.from_arrays(y, treatment, outcome_range=(0, 1))
    >>> tuple(round(end, 3) for end in bounds.bounds.value)
    (-0.333, 0.667)
    """

    def __init__(
        self,
        bounds: EffectBounds,
        outcome_range: tuple[float, float],
        *,
        response: str | None = None,
        selection: str | None = None,
    ) -> None:
        self.bounds = bounds
        self.outcome_range = outcome_range
        self.response = response
        self.selection = selection

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        *,
        outcome_range: tuple[float, float] | None = None,
        response: str | None = None,
        selection: str | None = None,
    ) -> "ManskiBounds":
        """Make the bounds of the average effect in a learner's training rows.

        Parameters
        ----------
        estimator : estimator
            Fitted learner with two arms, or a Pipeline or search that ends in one.
        outcome_range : tuple of (float, float), default=None
            Smallest and largest possible outcome; (0, 1) for a binary outcome. The
            range in the sample would not do: nobody says that it cannot be left.
        response : {"increasing", "decreasing"}, default=None
            Assume that treatment lowers (or raises) nobody's outcome.
        selection : {"positive", "negative"}, default=None
            Assume that the treated have the higher (lower) potential outcomes on
            average, given the covariates.

        Returns
        -------
        bounds : ManskiBounds
            The bounds.

        Raises
        ------
        ValueError
            If outcomes leave the range, or the assumptions contradict the data.
        """
        owner = f"{_OWNER}.from_estimator"
        learner = fitted_learner(estimator, owner)
        arms = two_arms(learner, owner)
        data = arms.data
        adjusted = np.stack(
            [
                contrast_scores(data.outcome, data.treatment, mu, e)[:, 0]
                for mu, e in zip(arms.means, arms.propensity, strict=True)
            ]
        )
        wanted = _checked(outcome_range, response, selection, data, owner)
        bounds = _bounds(data, adjusted, wanted, response, selection, owner)
        return cls(bounds, wanted, response=response, selection=selection)

    @classmethod
    def from_arrays(
        cls,
        y: Any,
        treatment: Any,
        *,
        outcome_range: tuple[float, float] | None = None,
        response: str | None = None,
        selection: str | None = None,
        sample_weight: Any = None,
        groups: Any = None,
    ) -> "ManskiBounds":
        """Make the bounds from outcomes and a treatment, without covariates.

        Parameters
        ----------
        y : array-like of shape (n,)
            Outcome.
        treatment : array-like of shape (n,)
            Treatment, 0 or 1.
        outcome_range : tuple of (float, float), default=None
            Smallest and largest possible outcome; (0, 1) for an outcome of 0 and 1.
        response, selection : str, default=None
            Assumptions, as in :meth:`from_estimator`.
        sample_weight, groups : array-like of shape (n,), default=None
            Weights and clusters of the rows.

        Returns
        -------
        bounds : ManskiBounds
            The bounds.

        Raises
        ------
        ValueError
            If the treatment is not 0 and 1, or outcomes leave the range.
        """
        owner = f"{_OWNER}.from_arrays"
        parts = resolve_target(owner, y, as_vector(treatment, "treatment"))
        arms = parts.treatment
        if set(np.unique(arms).tolist()) != {0, 1}:
            raise ValueError(
                f"{owner}: treatment must hold 0 and 1, got {np.unique(arms)[:5]}."
            )
        parts = resolve_target(owner, y, arms, sample_weight, groups)
        outcome = parts.outcome.astype(float)
        data = CausalData(
            X=None,
            outcome=outcome,
            treatment=arms.astype(int),
            arms=np.array([0, 1]),
            binary_outcome=set(np.unique(outcome)) <= {0.0, 1.0},
            sample_weight=parts.sample_weight,
            groups=parts.groups,
        )
        share = np.average(data.treatment, weights=data.weights)
        means = [
            np.average(outcome[arms == a], weights=data.weights[arms == a])
            for a in (0, 1)
        ]
        # The difference of means is the doubly robust one without covariates.
        e = np.tile([1 - share, share], (data.n_rows, 1))
        mu = np.tile(means, (data.n_rows, 1))
        adjusted = contrast_scores(outcome, data.treatment, mu, e).T
        wanted = _checked(outcome_range, response, selection, data, owner)
        bounds = _bounds(data, adjusted, wanted, response, selection, owner)
        return cls(bounds, wanted, response=response, selection=selection)

    def interval(self, level: float = 0.95) -> tuple[float, float]:
        """Return a confidence interval for the effect between the bounds.

        Parameters
        ----------
        level : float, default=0.95
            Probability of covering the effect.

        Returns
        -------
        lower, upper : float
            Ends of the Imbens-Manski interval.
        """
        return self.bounds.interval(level)

    def summary(self, level: float = 0.95) -> str:
        """Say in sentences what the data say under these assumptions.

        Parameters
        ----------
        level : float, default=0.95
            Confidence level.

        Returns
        -------
        text : str
            The sentences.
        """
        check_level(level, f"{_OWNER}.summary")
        low, high = self.outcome_range
        assumed = [f"outcomes between {low:g} and {high:g}"]
        if self.response is not None:
            assumed.append(f"{_RESPONSES[self.response]}")
        if self.selection is not None:
            assumed.append(f"{_SELECTIONS[self.selection]}")
        (lower, upper), (start, end) = self.bounds.value, self.interval(level)
        without = "" if self.selection else ", whatever the unobserved confounder"
        return (
            f"Assuming {', '.join(assumed)}, the effect lies between {lower:.4g} and "
            f"{upper:.4g}{without} ({100 * level:g} % interval {start:.4g} to "
            f"{end:.4g})."
        )


_RESPONSES = {
    "increasing": "a treatment that lowers nobody's outcome",
    "decreasing": "a treatment that raises nobody's outcome",
}
_SELECTIONS = {
    "positive": "treated rows with the higher potential outcomes",
    "negative": "treated rows with the lower potential outcomes",
}


def _checked(
    outcome_range: tuple[float, float] | None,
    response: str | None,
    selection: str | None,
    data: CausalData,
    owner: str,
) -> tuple[float, float]:
    """Return the range of the outcome, or say what is wrong with the assumptions."""
    for name, value, known in (
        ("response", response, _RESPONSES),
        ("selection", selection, _SELECTIONS),
    ):
        if value is not None and value not in known:
            raise ValueError(
                f"{owner}: {name} must be None or one of "
                f"{', '.join(map(repr, known))}, got {value!r}."
            )
    if outcome_range is None:
        if not data.binary_outcome:
            raise ValueError(
                f"{owner}: outcome_range=(smallest, largest possible outcome) is "
                "needed for an outcome that is not binary."
            )
        return 0.0, 1.0
    low, high = (float(end) for end in outcome_range)
    if not (np.isfinite([low, high]).all() and low < high):
        raise ValueError(
            f"{owner}: outcome_range must be two finite numbers, the smaller first, "
            f"got {outcome_range!r}."
        )
    if data.outcome.min() < low or data.outcome.max() > high:
        raise ValueError(
            f"{owner}: outcomes from {data.outcome.min():.4g} to "
            f"{data.outcome.max():.4g} leave outcome_range={outcome_range!r}. Give the "
            "range of all possible outcomes."
        )
    return low, high


def _bounds(
    data: CausalData,
    adjusted: np.ndarray,
    outcome_range: tuple[float, float],
    response: str | None,
    selection: str | None,
    owner: str,
) -> EffectBounds:
    """Return the bounds from scores of the adjusted effect, (n_repeats, n)."""
    low, high = outcome_range
    treated = data.treatment == 1
    lower = np.where(treated, data.outcome - high, low - data.outcome)
    upper = np.where(treated, data.outcome - low, high - data.outcome)
    if selection == "positive":
        upper = adjusted
    elif selection == "negative":
        lower = adjusted
    if response == "increasing":
        lower = np.zeros(data.n_rows)
    elif response == "decreasing":
        upper = np.zeros(data.n_rows)
    ends = [np.broadcast_to(end, adjusted.shape) for end in (lower, upper)]
    bounds = bounds_of_scores(data, np.stack(ends, axis=-1))
    if bounds.width < 0:
        raise ValueError(
            f"{owner}: response={response!r} and selection={selection!r} contradict "
            f"the data: the lower bound {bounds.value[0]:.4g} is above the upper "
            f"{bounds.value[1]:.4g}. Drop one of the assumptions."
        )
    return bounds
