"""From the rows of a node to labels of several contrasts (numba kernels).

A node of a forest of several arms has one slope per contrast, an arm against the
control. With w the vector of centred indicators, H = sum w w' and r the residual of y
on w, its rows are labelled by

- ``rho = L^-1 w r`` for H = L L': in these coordinates all directions are equally well
  known, so that the squared length of a sum of ``rho`` measures how far the slopes of
  its rows are from those of the node, whatever the order of arms;
- ``mass = z^2`` with z_k the part of w_k that the other indicators leave unexplained
  (Frisch & Waugh 1933; Lovell 1963): the information on each contrast by itself.

For one contrast both are those of ``_relabelling`` up to a constant.
"""

import math

import numpy as np

from skcausal.estimation.forests._sampling import bare

_LEAST_SHARE = 1e-6  # of an indicator's second moment; float32 holds no less


def label_scratch(n_contrasts):
    """Return the arrays that ``label_several`` works in."""
    square = n_contrasts, n_contrasts
    return (
        np.empty(n_contrasts + 1),
        np.empty(n_contrasts),
        np.empty(n_contrasts),
        np.empty(square),
        np.empty(square),
        np.empty(square),
    )


@bare
def inverse_factor(matrix, least, factor):
    """Write the lower triangular M with ``M matrix M' = I``; tell if anything varies.

    What an indicator varies by, given those before it, is raised to ``least``: where
    arms are missing, the inverse grows large, but never without bound.
    """
    varies = False
    for k in range(matrix.shape[0]):
        left = matrix[k, k]
        for j in range(matrix.shape[0]):
            factor[k, j] = 0.0
        factor[k, k] = 1.0
        for j in range(k):
            shared = 0.0
            for i in range(j + 1):
                shared += factor[j, i] * matrix[i, k]
            left -= shared * shared
            for i in range(j + 1):
                factor[k, i] -= shared * factor[j, i]
        varies = varies or left > least[k]
        size = max(left, least[k])
        size = 1.0 / math.sqrt(size) if size > 0.0 else 0.0
        for i in range(k + 1):
            factor[k, i] *= size
    return varies


@bare
def inverse_from(factor, inverse):
    """Write ``M'M``, the inverse of what ``factor`` was made from."""
    n = factor.shape[0]
    for i in range(n):
        for j in range(i + 1):
            total = 0.0
            for k in range(i, n):
                total += factor[k, i] * factor[k, j]
            inverse[i, j] = total
            inverse[j, i] = total


@bare
def node_means(targets, weight, start, stop, mean):
    """Write the weighted means of y and w over the rows of a node."""
    total = 0.0
    for k in range(mean.shape[0]):
        mean[k] = 0.0
    for i in range(start, stop):
        total += np.float64(weight[i])
        for k in range(mean.shape[0]):
            mean[k] += weight[i] * targets[i, k]
    for k in range(mean.shape[0]):
        mean[k] /= total


@bare
def node_products(targets, weight, start, stop, mean, moment, least, matrix):
    """Write sums of w y and w w', centred, and the least sum of w^2 to use."""
    n = matrix.shape[0]
    for k in range(n):
        moment[k], least[k] = 0.0, 0.0
        for j in range(n):
            matrix[k, j] = 0.0
    for i in range(start, stop):
        y = targets[i, 0] - mean[0]
        for k in range(n):
            w = targets[i, k + 1]
            part = weight[i] * (w - mean[k + 1])
            least[k] += _LEAST_SHARE * weight[i] * w * w
            moment[k] += part * y
            for j in range(k + 1):
                matrix[k, j] += part * (targets[i, j + 1] - mean[j + 1])
    for k in range(n):
        for j in range(k):
            matrix[j, k] = matrix[k, j]


@bare
def label_several(targets, weight, start, stop, labels, arrays):
    """Label the rows of a node; tell whether any indicator varies.

    ``labels`` are rho and mass of each contrast, room for the rows of an arm, and the
    largest absolute values of rho and mass.
    """
    rho, mass, _, tops = labels
    mean, moment, slope, matrix, factor, inverse = arrays
    n = matrix.shape[0]
    least = slope
    node_means(targets, weight, start, stop, mean)
    node_products(targets, weight, start, stop, mean, moment, least, matrix)
    if not inverse_factor(matrix, least, factor):
        return False
    inverse_from(factor, inverse)
    for k in range(n):
        slope[k] = 0.0
        for j in range(n):
            slope[k] += inverse[k, j] * moment[j]
            size = inverse[k, k]
            matrix[k, j] = inverse[k, j] / size if size > 0.0 else 0.0
    for k in range(n):
        tops[k, 0], tops[k, 1] = 0.0, 0.0
    for i in range(start, stop):
        residual = targets[i, 0] - mean[0]
        for k in range(n):
            residual -= slope[k] * (targets[i, k + 1] - mean[k + 1])
        for k in range(n):
            v, z = 0.0, 0.0
            for j in range(n):
                w = targets[i, j + 1] - mean[j + 1]
                v += factor[k, j] * w
                z += matrix[k, j] * w
            rho[k, i] = weight[i] * v * residual
            mass[k, i] = weight[i] * z * z
            tops[k, 0] = max(tops[k, 0], abs(rho[k, i]))
            tops[k, 1] = max(tops[k, 1], mass[k, i])
    return True
