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

REGRESSION, CAUSAL, INSTRUMENTAL = 0, 1, 2
MULTI_ARM = 3  # labelled contrast by contrast, in ``_several_splitting``


@bare
def relabel(kind, targets, weight, start, stop, labels):
    """Label the rows ``start:stop``; tell whether their equation can be solved.

    ``labels`` are rho, mass, low, and the largest absolute values of the first two.
    """
    if kind == REGRESSION:
        return relabel_mean(targets, weight, start, stop, labels)
    column = kind  # that of the treatment is 1, that of the instrument 2
    return relabel_slope(targets, weight, start, stop, labels, column)


@bare
def keep_label(labels, i, rho, mass, low, tops):
    """Write the labels of a row; return the largest ones so far."""
    labels[0][i], labels[1][i], labels[2][i] = rho, mass, low
    size = abs(rho)
    return size if size > tops[0] else tops[0], mass if mass > tops[1] else tops[1]


@bare
def relabel_mean(targets, weight, start, stop, labels):
    """Mean of y: rho = y - mean, mass = 1."""
    total, value, squares = 0.0, 0.0, 0.0
    for i in range(start, stop):
        y, share = np.float64(targets[i, 0]), np.float64(weight[i])
        total += share
        value += share * y
        squares += share * y * y
    mean = value / total
    tops = 0.0, 0.0
    for i in range(start, stop):
        share = np.float64(weight[i])
        rho = share * (targets[i, 0] - mean)
        tops = keep_label(labels, i, rho, share, 0, tops)
    labels[3][0], labels[3][1] = tops
    return squares > (1 + 1e-12) * mean * value


@bare
def moments(targets, weight, start, stop, column):
    """Return weighted means of y, w and z, and the covariances zy, zw and zz.

    One pass; targets are residuals, so that no digits cancel.
    """
    total, y_sum, w_sum, z_sum = 0.0, 0.0, 0.0, 0.0
    zy, zw, zz = 0.0, 0.0, 0.0
    for i in range(start, stop):
        y, w = np.float64(targets[i, 0]), np.float64(targets[i, 1])
        z, share = np.float64(targets[i, column]), np.float64(weight[i])
        total += share
        y_sum += share * y
        w_sum += share * w
        z_sum += share * z
        zy += share * z * y
        zw += share * z * w
        zz += share * z * z
    y, w, z = y_sum / total, w_sum / total, z_sum / total
    return (y, w, z), (zy / total - z * y, zw / total - z * w, zz / total - z * z)


@bare
def relabel_slope(targets, weight, start, stop, labels, column):
    """Slope of y on w, instrumented by ``column``: w itself, or z.

    rho = z (y - tau w) and mass = z^2, all of them centred in the node.
    """
    means, products = moments(targets, weight, start, stop, column)
    y_mean, w_mean, z_mean = means
    zy, zw, zz = products
    if abs(zw) <= 1e-10 * zz or zz <= 1e-12 * z_mean * z_mean:
        return False
    slope = zy / zw
    tops = 0.0, 0.0
    for i in range(start, stop):
        share, z = np.float64(weight[i]), targets[i, column] - z_mean
        residual = targets[i, 0] - y_mean - slope * (targets[i, 1] - w_mean)
        rho, mass = share * z * residual, share * z * z
        tops = keep_label(labels, i, rho, mass, 1 if z < 0 else 0, tops)
    labels[3][0], labels[3][1] = tops
    return True
