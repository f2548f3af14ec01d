"""Rows in the order of their predicted effects, with a score of the effect for each.

Everything that asks "are the right rows ranked first?" (Qini, uplift, TOC, RATE,
deciles, calibration) starts here: inputs are checked, scores are resolved and rows
are sorted once.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from skcausal.utils._validation import check_groups, check_weights


@dataclass(frozen=True)
class ScoredRows:
    """Rows in the order they came.

    Attributes
    ----------
    effects, scores, weights : ndarray of shape (m,)
        Predicted effect, effect score and weight per row.
    groups : ndarray of shape (m,) or None
        Cluster codes, in the same order.
    """

    effects: np.ndarray
    scores: np.ndarray
    weights: np.ndarray
    groups: np.ndarray | None = None

    def weighted(self) -> "ScoredRows":
        """Return the rows of positive weight."""
        kept = self.weights > 0
        codes = None if self.groups is None else self.groups[kept]
        return ScoredRows(
            self.effects[kept], self.scores[kept], self.weights[kept], codes
        )


@dataclass(frozen=True)
class Ranking(ScoredRows):
    """Rows sorted by decreasing predicted effect; rows of weight zero are left out."""

    @property
    def mean(self) -> float:
        """Weighted mean of the scores: the average effect."""
        return float(self.weights @ self.scores / self.weights.sum())

    def tie_starts(self) -> np.ndarray:
        """Return the position of the first row of every tie group."""
        return tie_starts(self.effects)

    def take(self, rows: np.ndarray) -> "Ranking":
        """Return the rows at increasing positions ``rows``, still sorted."""
        return Ranking(self.effects[rows], self.scores[rows], self.weights[rows])


def tie_starts(effects: np.ndarray) -> np.ndarray:
    """Return the position of the first row of every run of equal values."""
    changed = np.ones(len(effects), dtype=bool)
    np.not_equal(effects[1:], effects[:-1], out=changed[1:])
    return np.flatnonzero(changed)


def gain_points(ranking: Ranking) -> tuple[np.ndarray, np.ndarray]:
    """Return fractions and gains, from (0, 0) through the end of every tie group.

    Between the points the curve is a straight line: tied rows count in proportion,
    whatever their order.
    """
    ends = np.append(tie_starts(ranking.effects)[1:], len(ranking.effects)) - 1
    share = np.cumsum(ranking.weights)
    total = np.cumsum(ranking.weights * ranking.scores)
    fractions = np.concatenate([[0.0], share[ends] / share[-1]])
    gains = np.concatenate([[0.0], total[ends] / share[-1]])
    return fractions, gains


def area(fractions: np.ndarray, gains: np.ndarray) -> float:
    """Return the area under a piecewise linear curve."""
    return float(np.trapezoid(gains, fractions))


def resolve_ranking(
    owner: str,
    effects: Any,
    y: Any = None,
    treatment: Any = None,
    scores: Any = None,
    propensity: Any = None,
    weights: Any = None,
    groups: Any = None,
) -> Ranking:
    """Check the inputs of ``owner``, compute the scores and sort the rows.

    Parameters
    ----------
    owner : str
        Name of the public function, for error messages.
    effects : array-like of shape (n,)
        Predicted effects.
    y, treatment : array-like of shape (n,)
        Outcome and binary treatment of a randomised design, or
    scores : array-like of shape (n,)
        Doubly robust effect scores.
    propensity : float or array-like of shape (n,)
        Known probability of treatment; by default the treated share.
    weights, groups : array-like of shape (n,)
        Sample weights and cluster labels.

    Returns
    -------
    ranking : Ranking
        The rows of positive weight, sorted.
    """
    rows = resolve_rows(
        owner, effects, y, treatment, scores, propensity, weights, groups
    )
    # Ties are broken by score and weight, so that nothing, not even the half-samples
    # of a seeded bootstrap, depends on the order of the rows.
    order = np.lexsort((rows.weights, rows.scores, -rows.effects))
    order = order[rows.weights[order] > 0]
    return Ranking(
        rows.effects[order],
        rows.scores[order],
        rows.weights[order],
        None if rows.groups is None else rows.groups[order],
    )


def resolve_rows(
    owner: str,
    effects: Any,
    y: Any = None,
    treatment: Any = None,
    scores: Any = None,
    propensity: Any = None,
    weights: Any = None,
    groups: Any = None,
) -> ScoredRows:
    """Do the same without sorting; rows of weight zero stay."""
    effects = check_vector(effects, "effects", owner)
    n = len(effects)
    if n == 0:
        raise ValueError(f"{owner}: effects is empty. Pass at least one row.")
    checked = check_weights(weights, n, owner)
    weight = np.ones(n) if checked is None else checked
    codes = check_groups(groups, n, owner)
    _check_one_form(owner, y, treatment, scores, propensity)
    if scores is not None:
        resolved = check_vector(scores, "scores", owner, n)
    else:
        outcome = check_vector(y, "y", owner, n)
        arm = _check_arm(treatment, owner, n)
        resolved = randomised_scores(outcome, arm, propensity, weight, owner)
    return ScoredRows(effects, resolved, weight, codes)


def check_vector(values: Any, name: str, owner: str, n: int | None = None) -> Any:
    """Return ``values`` as a finite float vector (of length ``n``), or say why not."""
    try:
        array = np.asarray(values, dtype=float)
    except (TypeError, ValueError):
        raise ValueError(
            f"{owner}: {name} must hold numbers, got "
            f"{type(values).__name__} of dtype {np.asarray(values).dtype}."
        ) from None
    if array.ndim == 2:
        raise ValueError(
            f"{owner}: {name} must be one-dimensional, got shape {array.shape}. With "
            "several arms evaluate one contrast at a time: effects[:, j] with "
            "scores[:, j]."
        )
    if array.ndim != 1:
        raise ValueError(
            f"{owner}: {name} must be one-dimensional, got {array.ndim} dimensions. "
            "Pass one number per row."
        )
    if n is not None and len(array) != n:
        raise ValueError(
            f"{owner}: {name} must have as many rows as effects, got {len(array)} "
            f"against {n}. Evaluate effects and {name} on the same rows."
        )
    if not np.isfinite(array).all():
        bad = int(np.sum(~np.isfinite(array)))
        raise ValueError(
            f"{owner}: {name} must be finite, got {bad} NaN or infinite values. Drop "
            "those rows, or find out why they have no value."
        )
    return array


def _check_one_form(
    owner: str, y: Any, treatment: Any, scores: Any, propensity: Any
) -> None:
    """Require either scores, or outcome and treatment."""
    forms = "scores= (observational data), or y and treatment (randomised design)"
    if scores is not None:
        extra = {"y": y, "treatment": treatment, "propensity": propensity}
        given = [name for name, value in extra.items() if value is not None]
        if given:
            raise ValueError(
                f"{owner}: got scores and also {', '.join(given)}. Pass either {forms}."
            )
    elif y is None or treatment is None:
        missing = [
            name
            for name, value in {"y": y, "treatment": treatment}.items()
            if value is None
        ]
        raise ValueError(
            f"{owner}: scores is None and {' and '.join(missing)} missing. Pass either "
            f"{forms}."
        )


def _check_arm(treatment: Any, owner: str, n: int) -> np.ndarray:
    """Return a binary treatment as zeros and ones."""
    array = np.asarray(treatment)
    way_out = (
        "Code one contrast as 0 and 1, e.g. (treatment == 'mail').astype(int), on the "
        "rows of its two arms."
    )
    if array.ndim != 1 or len(array) != n:
        raise ValueError(
            f"{owner}: treatment must have one value per row of effects, got shape "
            f"{array.shape} against {(n,)}. {way_out}"
        )
    labels = list(dict.fromkeys(array.tolist()))
    if any(isinstance(label, str) or label not in (0, 1) for label in labels):
        raise ValueError(
            f"{owner}: treatment must hold 0 and 1 only, got {labels[:5]!r}. {way_out}"
        )
    return array.astype(float)


def randomised_scores(
    outcome: np.ndarray,
    arm: np.ndarray,
    propensity: Any,
    weight: np.ndarray,
    owner: str,
) -> np.ndarray:
    """Return unbiased effect scores of a randomised design.

    ``s = (t - p) / (p (1 - p)) * (y - c)``, with ``c = (1 - p) * mean(y | t = 1)
    + p * mean(y | t = 0)``, which makes the variance of their mean that of the
    difference in means. Their mean is that difference when p is the treated share.
    """
    treated = weight * arm
    control = weight * (1 - arm)
    if treated.sum() == 0 or control.sum() == 0:
        raise ValueError(
            f"{owner}: treatment has one arm only ({int(arm[0])}) among rows of "
            "positive weight; both are needed. Check the column or the split."
        )
    if propensity is None:
        p = np.asarray(treated.sum() / weight.sum())
    else:
        p = np.asarray(propensity, dtype=float)
        if p.ndim and p.shape != outcome.shape:
            raise ValueError(
                f"{owner}: propensity must be one number or one per row, got shape "
                f"{p.shape} for {len(outcome)} rows."
            )
        if not np.all((p > 0) & (p < 1)):
            raise ValueError(
                f"{owner}: propensity must lie strictly between 0 and 1, got values "
                f"from {p.min():.3g} to {p.max():.3g}. Leave out rows that could be "
                "in one arm only."
            )
    mean_treated = treated @ outcome / treated.sum()
    mean_control = control @ outcome / control.sum()
    centre = (1 - p) * mean_treated + p * mean_control
    return (arm - p) / (p * (1 - p)) * (outcome - centre)
