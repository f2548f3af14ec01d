"""Formulas of the marginal sensitivity model, on arrays.

``odds_ratio`` is the largest factor between the odds of treatment given covariates and
confounder and those given covariates; ``side`` is 1 for upper bounds, -1 for lower.
"""

import numpy as np

SIDES = (-1, 1)


def quantile_level(odds_ratio: float, side: int) -> float:
    """Return the level of the quantile where the worst confounder switches."""
    upper = odds_ratio / (1 + odds_ratio)
    return upper if side > 0 else 1 - upper


def tail_outcome(
    outcome: np.ndarray, quantile: np.ndarray, odds_ratio: float, side: int
) -> np.ndarray:
    """Return what has the worst mean outcome of the other arm's rows as its mean.

    Y / L + (1 - 1 / L) (q + (1 + L) (Y - q)+) for the upper side; its mean moves by
    the square of an error in the quantile q only.
    """
    excess = np.maximum(side * (outcome - quantile), 0)
    tail = quantile + side * (1 + odds_ratio) * excess
    return outcome / odds_ratio + (1 - 1 / odds_ratio) * tail


def binary_tails(
    probability: np.ndarray, odds_ratio: float, side: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return quantile and worst mean of a binary outcome, in closed form."""
    rest = 1 / (1 + odds_ratio)
    if side > 0:
        quantile = (probability > rest).astype(float)
        tail = np.minimum(probability * (1 + odds_ratio), 1.0)
    else:
        quantile = (probability > 1 - rest).astype(float)
        tail = np.maximum(1 - (1 - probability) * (1 + odds_ratio), 0.0)
    return quantile, probability / odds_ratio + (1 - 1 / odds_ratio) * tail


def arm_scores(
    outcome: np.ndarray,
    in_arm: np.ndarray,
    propensity: np.ndarray,
    tails: tuple[np.ndarray, np.ndarray],
    odds_ratio: float,
    side: int,
) -> np.ndarray:
    """Return orthogonal scores of the bound of E[Y(a) | X].

    Rows of the arm show their outcome; for the others stands the worst mean, debiased
    by the rows of the arm with the odds (1 - e) / e.
    """
    quantile, worst = tails
    residual = tail_outcome(outcome, quantile, odds_ratio, side) - worst
    seen = outcome + (1 - propensity) / propensity * residual
    return np.where(in_arm, seen, worst)


def contrast_scores(
    outcome: np.ndarray,
    treatment: np.ndarray,
    propensity: np.ndarray,
    tails: tuple[np.ndarray, np.ndarray],
    odds_ratio: float,
) -> np.ndarray:
    """Return scores of the lower and the upper bound of the effect, shape (n, 2).

    ``tails`` are quantiles and worst means, each of shape (n, 2 arms, 2 sides).
    """
    quantile, worst = tails
    scores = {
        (arm, side): arm_scores(
            outcome,
            treatment == arm,
            propensity[:, arm],
            (quantile[:, arm, place], worst[:, arm, place]),
            odds_ratio,
            side,
        )
        for arm in (0, 1)
        for place, side in enumerate(SIDES)
    }
    return np.column_stack([scores[1, -1] - scores[0, 1], scores[1, 1] - scores[0, -1]])


def weighting_bound(
    outcome: np.ndarray,
    propensity: np.ndarray,
    weight: np.ndarray,
    odds_ratio: float,
    side: int,
) -> float:
    """Return the bound of E[Y(a)] by inverse weights alone, from the rows of the arm.

    Each weight 1 / e may be off by the model's factor in its odds; the worst choice
    gives large outcomes the large weights, so only the cut has to be searched.
    """
    order = np.argsort(side * outcome)
    y, w = outcome[order], weight[order]
    odds = (1 - propensity[order]) / propensity[order]
    small, large = w * (1 + odds / odds_ratio), w * (1 + odds * odds_ratio)

    def cut(values: np.ndarray, rest: np.ndarray) -> np.ndarray:
        head = np.append(0.0, np.cumsum(values))
        return head + rest.sum() - np.append(0.0, np.cumsum(rest))

    return float(side * (side * cut(y * small, y * large) / cut(small, large)).max())
