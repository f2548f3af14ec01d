"""Doubly robust scores: pure functions from out-of-fold arrays to effects.

Notation: Y outcome, T arm code, mu (n, n_arms) outcome by arm, e (n, n_arms)
propensity, arm 0 the control. Each target returns terms (n_1, n_0, d) with
``effect = sum(n_1 - n_0) / sum(d)``.
"""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class ScoreTerms:
    """Numerators of both potential outcomes and the common denominator, per row.

    Parameters
    ----------
    treated, control : ndarray of shape (n,)
        Scores of the mean outcome under treatment and under control.
    denominator : ndarray of shape (n,)
        Weight of the row in the target population, estimated without bias.
    """

    treated: np.ndarray
    control: np.ndarray
    denominator: np.ndarray


def potential_outcome_scores(
    outcome: np.ndarray, arm: np.ndarray, mu: np.ndarray, e: np.ndarray
) -> np.ndarray:
    """Return mu_a + 1[T = a] (Y - mu_a) / e_a for every arm a, shape (n, n_arms).

    Robins, Rotnitzky & Zhao (1994); the mean of column a estimates E[Y(a)].
    """
    indicator = np.eye(mu.shape[1])[arm]
    return mu + indicator * (outcome[:, None] - mu) / e


def contrast_scores(
    outcome: np.ndarray, arm: np.ndarray, mu: np.ndarray, e: np.ndarray
) -> np.ndarray:
    """Return the doubly robust scores of every arm against control, (n, n_arms - 1)."""
    scores = potential_outcome_scores(outcome, arm, mu, e)
    return scores[:, 1:] - scores[:, :1]


def target_terms(
    target: str,
    contrast: int,
    outcome: np.ndarray,
    arm: np.ndarray,
    mu: np.ndarray,
    e: np.ndarray,
) -> ScoreTerms:
    """Return the score terms of arm ``contrast`` against control for a target.

    - "all": E[Y(a) - Y(0)];
    - "treated": given T = a, with controls reweighted by e_a / e_0;
    - "control": given T = 0, with treated reweighted by e_0 / e_a;
    - "overlap": weighted by the conditional variance of the arm among rows of either
      arm; the residual-on-residual moment, which is Neyman orthogonal.
    """
    a = contrast
    treated, control = (arm == a).astype(float), (arm == 0).astype(float)
    residual_a, residual_0 = outcome - mu[:, a], outcome - mu[:, 0]
    if target == "all":
        ones = np.ones(outcome.shape[0])
        return ScoreTerms(
            mu[:, a] + treated * residual_a / e[:, a],
            mu[:, 0] + control * residual_0 / e[:, 0],
            ones,
        )
    if target == "treated":
        odds = e[:, a] / e[:, 0]
        mu_0 = treated * mu[:, 0] + control * odds * residual_0
        return ScoreTerms(treated * outcome, mu_0, treated)
    if target == "control":
        odds = e[:, 0] / e[:, a]
        mu_a = control * mu[:, a] + treated * odds * residual_a
        return ScoreTerms(mu_a, control * outcome, control)
    if target == "overlap":
        share = e[:, a] / (e[:, a] + e[:, 0])
        mean = share * mu[:, a] + (1 - share) * mu[:, 0]
        v = (treated - share) * (treated + control)
        return ScoreTerms(v * (outcome - mean), np.zeros(outcome.shape[0]), v**2)
    raise ValueError(
        "average_effect: target must be 'all', 'treated', 'control' or 'overlap', got "
        f"{target!r}."
    )


def raised(e: np.ndarray, floor: float, target: str, contrast: int) -> np.ndarray:
    """Return propensities, those that the target divides by raised to a floor.

    Controls that hardly anyone treated resembles carry next to no weight for the
    treated: raising their numerator would give them some.
    """
    columns = {
        "all": list(range(e.shape[-1])),
        "treated": [0],
        "control": [contrast],
        "overlap": [],
    }[target]
    safe = np.array(e)
    safe[..., columns] = np.maximum(safe[..., columns], floor)
    return safe


def arm_weights(
    target: str, contrast: int, e: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the weights that make arm ``contrast`` and control like the target.

    h(X) / e_b(X) for the share h of each row in the target population: 1, e_a, e_0 or
    e_a e_0 / (e_a + e_0) (Li, Morgan & Zaslavsky 2018), up to a constant.
    """
    e_a, e_0 = e[:, contrast], e[:, 0]
    if target == "all":
        return 1 / e_a, 1 / e_0
    if target == "treated":
        return np.ones_like(e_a), e_a / e_0
    if target == "control":
        return e_0 / e_a, np.ones_like(e_0)
    return e_0 / (e_a + e_0), e_a / (e_a + e_0)


def residual_scores(
    effects: np.ndarray,
    outcome_residual: np.ndarray,
    treatment_residual: np.ndarray,
    treatment_variance: np.ndarray,
) -> np.ndarray:
    """Return tau + v (u - v tau) / Var[T | X], the score of an average slope."""
    correction = outcome_residual - treatment_residual * effects
    return effects + treatment_residual * correction / treatment_variance


def ratio_of_means(
    numerator: np.ndarray, denominator: np.ndarray, weight: np.ndarray
) -> tuple[float, np.ndarray]:
    """Return sum(w n) / sum(w d) and its influence w (n - theta d) / mean(w d)."""
    scale = float(np.mean(weight * denominator))
    _refuse_empty(scale)
    value = float(np.mean(weight * numerator) / scale)
    return value, weight * (numerator - value * denominator) / scale


def shares(weight: np.ndarray) -> np.ndarray:
    """Return weights that add up to one."""
    total = float(weight.sum())
    _refuse_empty(total)
    return weight / total


def _refuse_empty(total: float) -> None:
    """Raise if the target population has no weight."""
    if total <= 0:
        raise ValueError(
            "average_effect: the target population is empty (its weights add up to "
            "zero). Check where=, by=, weights= and the arms among those rows."
        )
