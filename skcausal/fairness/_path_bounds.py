"""What shares of few levels say of an effect along paths that no formula gives."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from skcausal.fairness._path_units import UnitModel, least_and_greatest
from skcausal.graphs import CausalGraph
from skcausal.structural._paths import Edge


@dataclass(frozen=True)
class PathEffectBounds:
    """The least and the greatest effect along paths that agrees with what is seen.

    `path_effect_bounds` makes it.

    Parameters
    ----------
    lower, upper : float
        Bounds of the effect on the probability of the outcome.
    n_units : int
        Number of kinds of people over which they were found.

    Notes
    -----
    Assumes what `path_effect_bounds` does; sampling errors are not in the bounds.

    Examples
    --------
    >>> from skcausal.fairness import PathEffectBounds
    >>> PathEffectBounds(-0.1, 0.3, 16).width
    0.4
    """

    lower: float
    upper: float
    n_units: int

    @property
    def width(self) -> float:
        """How far the bounds are apart; zero if a formula gives the effect."""
        return self.upper - self.lower


def path_effect_bounds(
    graph: CausalGraph,
    frame: Any,
    sensitive: Any,
    outcome: Any,
    edges: Collection[Edge],
    *,
    reference: Any,
    compared: Any,
    positive: Any = 1,
) -> PathEffectBounds:
    r"""Bound an effect along some arrows, where it has no formula.

    Where a node is a recanting witness, or hidden causes tie a mediator and the
    outcome, no formula gives the effect, however many rows there are. What is seen
    still limits it.

    Parameters
    ----------
    graph : CausalGraph
        What is assumed; bidirected edges are allowed.
    frame : DataFrame of shape (n, n_columns)
        A column with few levels for each node.
    sensitive, outcome : node
        Cause and effect.
    edges : collection of (node, node)
        Arrows that carry the compared level; others carry the reference.
    reference, compared : level
        The two groups.
    positive : level, default=1
        Value of the outcome whose probability is meant.

    Returns
    -------
    PathEffectBounds
        Lower and upper bound.

    Raises
    ------
    GraphError
        If there are too many kinds of people to list, or an arrow is none.
    ValueError
        If a column is missing, or a level does not occur.

    Notes
    -----
    Assumes that the graph is right and that shares in ``frame`` are probabilities.
    Nodes that hidden causes tie, or one that would have to be as in both worlds, form
    a district. A unit u of the district is one function per node, by which the node
    responds to its parents. The probabilities q of units make the district's part of
    the distribution seen, :math:`\sum_u q(u) 1[v = v_u(pa)] = Q(v \mid pa)`, and the
    effect is linear in them, :math:`\sum_u q(u) c(u)`, where c follows from the
    shares of all other nodes. The bounds are the ends of this linear program: no
    others are sharper. Where shares contradict the graph by chance, they may differ by
    as little as possible.

    References
    ----------
    Wu, Y., Zhang, L., Wu, X., & Tong, H. (2019). PC-fairness: a unified framework for
    measuring causality-based fairness. NeurIPS 32. https://arxiv.org/abs/1910.12586

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> from skcausal.fairness import path_effect_bounds
    >>> from skcausal.graphs import CausalGraph
    >>> rng = np.random.default_rng(0)
    >>> a = rng.integers(2, size=2000)
    >>> w = (rng.random(2000) < 0.3 + 0.4 * a).astype(int)
    >>> y = (rng.random(2000) < 0.2 + 0.2 * a + 0.4 * w).astype(int)
    >>> frame = pd.DataFrame({"a": a, "w": w, "y": y})
    >>> graph = CausalGraph([("a", "w"), ("w", "y"), ("a", "y")], [("w", "y")])
    >>> found = path_effect_bounds(
    ...     graph, frame, "a", "y", [("a", "y")], reference=0, compared=1
    ... )
    >>> found.lower < 0.2 < found.upper
    True
    """
    levels = (reference, compared)
    model = UnitModel.of(graph, frame, (sensitive, outcome), levels, edges)
    objective = model.objective(positive)
    lower, upper = least_and_greatest(objective, *model.equations())
    return PathEffectBounds(lower, upper, len(objective))
