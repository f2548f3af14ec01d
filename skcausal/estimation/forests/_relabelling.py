"""From the rows of a node to what its split maximises (numba kernels).

Each forest solves a moment equation in the node and labels every row by its influence
on the solution (``rho``) and by the information it holds (``mass``): splitting on
``(sum of rho)^2 / sum of mass`` in both children is the gradient step of Athey,
Tibshirani and Wager (2019), section 2.3, with the children's own curvature instead of
row counts. ``targets`` holds the columns of the forest, ``low`` the side of the node's
mean treatment.
"""

import numpy as np

from skcausal.estimation.forests._sampling import bare

REGRESSION, CAUSAL, INSTRUMENTAL, RATIO = 0, 1, 2, 3
MULTI_ARM = 4  # labelled contrast by contrast, in ``_several_splitting``


@bare
def relabel(kind, targets, weight, start, stop, rho, mass, low):
    """Label the rows ``start:stop``; tell whether their equation can be solved."""
    if kind == REGRESSION:
        return relabel_regression(targets, weight, start, stop, rho, mass, low)
    if kind == CAUSAL:
        return relabel_slope(targets, weight, start, stop, rho, mass, low, 1)
    if kind == INSTRUMENTAL:
        return relabel_slope(targets, weight, start, stop, rho, mass, low, 2)
    return relabel_ratio(targets, weight, start, stop, rho, mass, low)


@bare
def weighted_mean(targets, weight, start, stop, column):
    """Return the weighted mean of a column over the rows of a node."""
    total, value = 0.0, 0.0
    for i in range(start, stop):
        total += weight[i]
        value += weight[i] * targets[i, column]
    return value / total


@bare
def relabel_regression(targets, weight, start, stop, rho, mass, low):
    """Mean of y: rho = y - mean, mass = 1."""
    mean = weighted_mean(targets, weight, start, stop, 0)
    spread = 0.0
    for i in range(start, stop):
        residual = targets[i, 0] - mean
        rho[i], mass[i], low[i] = weight[i] * residual, weight[i], 0
        spread += weight[i] * residual * residual
    return spread > 0.0


@bare
def relabel_slope(targets, weight, start, stop, rho, mass, low, column):
    """Slope of y on w, instrumented by ``column``: w itself, or z.

    rho = z (y - tau w) and mass = z^2, all of them centred in the node.
    """
    y_mean = weighted_mean(targets, weight, start, stop, 0)
    w_mean = weighted_mean(targets, weight, start, stop, 1)
    z_mean = weighted_mean(targets, weight, start, stop, column)
    zy, zw, zz = 0.0, 0.0, 0.0
    for i in range(start, stop):
        z = targets[i, column] - z_mean
        zy += weight[i] * z * (targets[i, 0] - y_mean)
        zw += weight[i] * z * (targets[i, 1] - w_mean)
        zz += weight[i] * z * z
    if abs(zw) <= 1e-10 * zz or zz <= 0.0:
        return False
    slope = zy / zw
    for i in range(start, stop):
        z = targets[i, column] - z_mean
        residual = targets[i, 0] - y_mean - slope * (targets[i, 1] - w_mean)
        rho[i], mass[i] = weight[i] * z * residual, weight[i] * z * z
        low[i] = 1 if z < 0 else 0
    return True


@bare
def relabel_ratio(targets, weight, start, stop, rho, mass, low):
    """Ratio of the means of two columns: rho = a - tau b, mass = b >= 0."""
    a, b = 0.0, 0.0
    for i in range(start, stop):
        a += weight[i] * targets[i, 0]
        b += weight[i] * targets[i, 1]
    if b <= 0.0:
        return False
    ratio = a / b
    for i in range(start, stop):
        rho[i] = weight[i] * (targets[i, 0] - ratio * targets[i, 1])
        mass[i] = weight[i] * targets[i, 1]
        low[i] = 0
    return True


@bare
def largest(values, start, stop):
    """Return the largest absolute value among the rows of a node."""
    top = np.float32(0.0)
    for i in range(start, stop):
        top = max(top, abs(values[i]))
    return top
