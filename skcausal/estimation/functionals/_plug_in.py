"""Any formula of a graph, with observed shares in place of probabilities."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from skcausal.estimation.functionals._gradient import Gradient
from skcausal.identification import Expression, Probability, Table, Variable

FloatArray = npt.NDArray[np.float64]
MOST_CELLS = 50_000_000
MOST_LEVELS = 50


@dataclass(frozen=True, eq=False)
class Shares:
    """How often each combination of levels occurs, and which one each row has.

    Parameters
    ----------
    joint : Table
        Shares of the combinations.
    levels : dict
        The sorted levels of each column.
    cells : ndarray of shape (n,)
        Position of each row's combination in the flattened table.
    """

    joint: Table
    levels: Mapping[Any, npt.NDArray[Any]]
    cells: npt.NDArray[np.int64]


def nodes_of(expression: Expression) -> list[Any]:
    """Return the nodes that a formula names, in the order of their names."""
    found = {
        symbol.node
        for part in expression.walk()
        if isinstance(part, Probability)
        for symbol in (*part.variables, *part.given)
    }
    return sorted(found, key=str)


def observed_shares(
    frame: pd.DataFrame, columns: Sequence[Any], outcome: Any, weight: FloatArray
) -> Shares:
    """Count the combinations of levels that occur.

    Parameters
    ----------
    frame : DataFrame
        One row per unit.
    columns : sequence of label
        The columns that count.
    outcome : label
        The column that may have any number of levels.
    weight : ndarray of shape (n,)
        Weight of each row.

    Returns
    -------
    Shares
        Their weighted shares.

    Raises
    ------
    ValueError
        If another column has many levels, or the table would be too large.
    """
    levels, codes = {}, []
    for name in columns:
        found, code = np.unique(frame[name].to_numpy(), return_inverse=True)
        if name != outcome and len(found) > MOST_LEVELS:
            raise ValueError(
                f"estimate: column {name!r} has {len(found)} levels, and this formula "
                f"is estimated by counting, for at most {MOST_LEVELS}. Cut it into "
                "classes (pandas.qcut), or measure what makes a simpler formula hold."
            )
        levels[name] = found
        codes.append(code)
    shape = tuple(len(found) for found in levels.values())
    if np.prod(shape, dtype=float) > MOST_CELLS:
        raise ValueError(
            f"estimate: {' x '.join(map(str, shape))} combinations of levels are more "
            f"than {MOST_CELLS:,} cells. Merge levels, or round the outcome."
        )
    cells = np.ravel_multi_index(tuple(codes), shape)
    counts = np.bincount(cells, weights=weight, minlength=int(np.prod(shape)))
    joint = Table(tuple(columns), counts.reshape(shape) / weight.sum())
    return Shares(joint, levels, cells)


def mean_outcomes(
    expression: Expression,
    shares: Shares,
    outcome: Any,
    worlds: Sequence[Mapping[Any, Any]],
) -> tuple[FloatArray, FloatArray]:
    r"""Return the mean outcome in each world, and the influence of each row.

    With the formula :math:`Q(y; x)` under the observed shares :math:`\hat p`, the mean
    is :math:`\hat\psi = \sum_y y Q(y; x)`, and the influence of a row in cell
    :math:`k` is :math:`\partial\psi / \partial p_k - \sum_l \hat p_l\,
    \partial\psi / \partial p_l` (the delta method).

    Parameters
    ----------
    expression : Expression
        Probability of the outcome, given what ``worlds`` set.
    shares : Shares
        Observed shares.
    outcome : label
        The outcome.
    worlds : sequence of mapping
        Levels of nodes, or of Variables where a node has several. Over the levels of
        any other node that the formula leaves free, it is averaged: it does not depend
        on them where the graph is right.

    Returns
    -------
    values : ndarray of shape (n_worlds,)
        Mean outcomes.
    influences : ndarray of shape (n, n_worlds)
        Influence of each row, weights apart.
    """
    gradient = Gradient(expression, shares.joint)
    values, influences = [], []
    for world in worlds:
        seed = _seed(gradient, shares, outcome, world)
        _refuse_undefined(gradient, expression, shares, seed)
        slope = gradient.of(seed)
        centre = float((slope * shares.joint.values).sum())
        values.append(float((seed * gradient.values).sum()))
        influences.append(slope.ravel()[shares.cells] - centre)
    return np.array(values), np.stack(influences, axis=1)


def _seed(
    gradient: Gradient, shares: Shares, outcome: Any, world: Mapping[Any, Any]
) -> FloatArray:
    """Return the weights that turn the formula into the mean outcome of a world."""
    seed = np.ones(())
    for axis in gradient.axes:
        levels = shares.levels[axis.node]
        if axis == Variable(outcome):
            part = _numbers(levels, outcome)
        elif axis in world or axis.node in world:
            level = world[axis if axis in world else axis.node]
            part = (levels == level).astype(float)
        else:
            part = shares.joint.marginal([Variable(axis.node)]).values
        seed = np.multiply.outer(seed, part)
    return np.asarray(seed)


def _numbers(levels: npt.NDArray[Any], outcome: Any) -> FloatArray:
    try:
        return levels.astype(float)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"estimate: outcome {outcome!r} must be numeric, got levels such as "
            f"{levels.tolist()[0]!r}. Make it a number, such as 1 for the level in "
            "question and 0 for all others."
        ) from error


def _refuse_undefined(
    gradient: Gradient, expression: Expression, shares: Shares, seed: FloatArray
) -> None:
    """Refuse a mean that depends on a probability given what never occurs."""
    if not gradient.undefined:
        return
    other = Gradient(expression, shares.joint, fill=1.0)
    if not np.isclose((seed * gradient.values).sum(), (seed * other.values).sum()):
        raise ValueError(
            f"estimate: the formula {expression} asks for shares among rows that do "
            "not occur (no overlap). Merge rare levels, or restrict the rows."
        )
