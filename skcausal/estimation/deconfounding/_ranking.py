"""How well predicted ratings order the items of each user."""

import numpy as np
from sklearn.metrics import ndcg_score


def normalised_gain(
    observed: np.ndarray, truth: np.ndarray, predicted: np.ndarray, k: int
) -> float:
    """Return the mean NDCG@k of users over the items that they rated.

    The gain of an item is its rating less the lowest one. Users without a gain to
    order are left out.
    """
    gains = np.where(observed, truth - truth[observed].min(), 0.0)
    # Items without a rating rank below all others, where they add no gain.
    lowest = predicted.min() - 1.0
    scores = np.where(observed, predicted, lowest)
    useful = (gains.max(axis=1) > 0) & (observed.sum(axis=1) > 1)
    if not useful.any():
        return float("nan")
    return float(ndcg_score(gains[useful], scores[useful], k=k))


def recall(
    observed: np.ndarray,
    relevant: np.ndarray,
    predicted: np.ndarray,
    k: int,
) -> float:
    """Return the mean share of each user's relevant items among the first k.

    The share is of k where there are more relevant items than that. Users without
    a relevant item are left out.
    """
    scores = np.where(observed, predicted, -np.inf)
    first = np.argsort(-scores, axis=1, kind="stable")[:, :k]
    wanted = relevant & observed
    hits = np.take_along_axis(wanted, first, axis=1).sum(axis=1)
    most = np.minimum(wanted.sum(axis=1), k)
    useful = most > 0
    if not useful.any():
        return float("nan")
    return float(np.mean(hits[useful] / most[useful]))
