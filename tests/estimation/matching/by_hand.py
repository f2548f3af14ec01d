"""Matching written out again: full distance matrices and loops over rows."""

import numpy as np
from scipy.spatial.distance import cdist


def mahalanobis(X):
    """Return all distances."""
    return cdist(X, X, "mahalanobis", VI=np.linalg.pinv(np.cov(X.T, ddof=0)))


def nearest(distance, pool, k):
    """Return the k nearest of a pool, and those that tie with the last."""
    last = np.sort(distance[pool])[min(k, len(pool)) - 1]
    return pool[distance[pool] <= last + 1e-9]


def least_squares(X, y, weight):
    """Return a predictor by weighted least squares with an intercept."""
    Z, root = np.column_stack([np.ones(len(X)), X]), np.sqrt(weight)
    beta = np.linalg.lstsq(Z * root[:, None], y * root, rcond=None)[0]
    return lambda new: np.column_stack([np.ones(len(new)), new]) @ beta


def match_matrix(distance, t, target, k):
    """Return the share of each row (column) among the matches of a row."""
    shares = np.zeros_like(distance)
    for i in np.flatnonzero(target):
        found = nearest(distance[i], np.flatnonzero(t != t[i]), k)
        shares[i, found] = 1 / len(found)
    return shares


def noise(distance, y, t, n_neighbors):
    """Return the variance of each row from the nearest rows of its arm."""
    variance = np.zeros(len(y))
    for i in range(len(y)):
        others = np.flatnonzero((t == t[i]) & (np.arange(len(y)) != i))
        found = nearest(distance[i], others, n_neighbors)
        j = len(found)
        variance[i] = j / (j + 1) * (y[i] - y[found].mean()) ** 2
    return variance


def matching(distance, X, y, t, *, target="all", k=1, corrected=False, n_noise=2):
    """Return estimate and variance of Abadie & Imbens (2006, 2011)."""
    members = {"all": t >= 0, "treated": t == 1, "control": t == 0}[target]
    shares = match_matrix(distance, t, members, k)
    used = shares.sum(axis=0)
    differences = np.zeros(len(y))
    for i in np.flatnonzero(members):
        imputed = shares[i] @ y
        if corrected:
            other = (t != t[i]) & (used > 0)
            predict = least_squares(X[other], y[other], used[other])
            imputed += predict(X[i : i + 1])[0] - shares[i] @ predict(X)
        differences[i] = (2 * t[i] - 1) * (y[i] - imputed)
    n = members.sum()
    value = differences[members].mean()
    sigma = noise(distance, y, t, n_noise)
    squares = (shares**2).sum(axis=0)
    # Theorem 7 for everyone; those who are matched are no matches otherwise.
    factor = used**2 + (2 * used if target == "all" else 0) - squares
    spread = ((differences[members] - value) ** 2).sum()
    return value, (spread + factor @ sigma) / n**2
