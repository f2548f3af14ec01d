"""falsify_graph: a graph against data, and against shuffles of its names."""

from collections.abc import Sequence
from math import factorial
from numbers import Real
from typing import Any

import numpy as np
import pandas as pd
from sklearn.utils import check_random_state

from skcausal.graphs import CausalGraph
from skcausal.validation._falsifying._claims import (
    Claim,
    dependencies,
    independencies,
    needed_edges,
)
from skcausal.validation._falsifying._columns import OWNER, columns_of
from skcausal.validation._falsifying._relabelling import (
    judge,
    number_of_relabellings,
    relabellings,
)
from skcausal.validation._falsifying._result import (
    DEPENDENCE,
    EDGE,
    INDEPENDENCE,
    GraphFalsification,
)
from skcausal.validation._falsifying._suggesting import adjust, suggest
from skcausal.validation._falsifying._tests import TestMemory


def falsify_graph(
    graph: CausalGraph,
    frame: Any,
    *,
    test: Any = "partial_correlation",
    n_permutations: Any = 100,
    alpha: float = 0.05,
    n_jobs: int | None = None,
    random_state: Any = None,
) -> GraphFalsification:
    r"""Test a causal graph against data.

    Each node must be independent of its non-descendants given its parents. Some of
    these independencies are rejected by chance or for reasons that hardly matter, so
    their number is compared with that of the same drawing with the names shuffled.

    Parameters
    ----------
    graph : CausalGraph
        The graph; latent nodes are projected out.
    frame : DataFrame of shape (n, n_columns)
        Frame of pandas or polars with a column for each observed node: numbers,
        booleans or categories, without missing values.
    test : str, regressor or callable, default="partial_correlation"
        Test of conditional independence. "partial_correlation" sees what is linear and
        costs microseconds; "kernel" sees dependence of any shape in tens of
        milliseconds; "residual" is the generalised covariance measure with LightGBM, or
        with the scikit-learn regressor that is given instead. A function gets x, y and
        z, arrays of shape (n, k), z maybe without columns, and returns a p-value, or
        an object that has one as ``p_value``.
    n_permutations : int or "all", default=100
        How often names are shuffled; "all" orders are taken if there are at most 8
        observed nodes, and wherever there are no more than asked for.
    alpha : float, default=0.05
        Level of each test of independence and of the verdict.
    n_jobs : int, default=None
        Sets of conditioning variables tested in parallel by joblib; partial
        correlations need no more than one.
    random_state : int, RandomState instance or None, default=None
        Seed of the shuffles and of the tests.

    Returns
    -------
    result : GraphFalsification
        The verdict in words, p-values, all tests, suggestions of edges to add and to
        remove.

    Raises
    ------
    GraphError
        If an observed node has no column.
    ValueError
        If an option is unknown, or a column is constant, text, or has missing values.

    See Also
    --------
    FalsificationDisplay : The picture.

    Notes
    -----
    Assumes independent rows, and a test of independence that is valid for these data.
    With :math:`V(\pi)` the number of implied independencies of the graph relabelled by
    :math:`\pi` that the data reject at alpha, and :math:`C(\pi)` the number of those
    that the given graph does not imply,

    .. math::
        p_{LMC} = \frac{1 + \#\{k: V(\pi_k) \le V(\mathrm{id})\}}{1 + m}, \qquad
        p_{TPa} = \frac{1 + \#\{k: C(\pi_k) = 0\}}{1 + m}

    over m random relabellings, or :math:`\#/m` over all. The graph is falsifiable if
    :math:`p_{TPa} < \alpha` and then falsified if :math:`p_{LMC} > \alpha`: it is not
    significantly better than with the names at random. A graph that is *not* falsified
    may still have many wrong edges, since one that is 70 % right is much better than
    chance; ``n_adjusted_violations`` and ``suggestions`` speak about single edges.

    With bidirected edges, which latent nodes may leave, the node's parents are replaced
    by its Markov blanket among the ancestors of the pair (Richardson 2003). Constraints
    that are no independencies (Verma) are not tested.

    An edge is suggested where an independence is rejected after adjustment and stays so
    given the edges suggested before for that node; one is to be removed where its ends
    may be independent given the other parents, that is where the adjusted p-value is
    above alpha. Lack of evidence for an edge is no evidence against it.

    References
    ----------
    Eulig, E., Mastakouri, A. A., Blöbaum, P., Hardt, M., & Janzing, D. (2023). Toward
    falsifying causal graphs using a permutation-based test. arXiv:2305.09565.

    Richardson, T. (2003). Markov properties for acyclic directed mixed graphs.
    Scandinavian Journal of Statistics 30. https://doi.org/10.1111/1467-9469.00323

    Examples
    --------
    >>> import numpy as np
    >>> import pandas as pd
    >>> from skcausal.graphs import CausalGraph
    >>> from skcausal.validation import falsify_graph
    >>> rng = np.random.default_rng(0)
    >>> a, b, noise = rng.normal(size=(3, 500))
    >>> c = a + b + noise
    >>> frame = pd.DataFrame({"a": a, "b": b, "c": c, "d": c + rng.normal(size=500)})
    >>> wrong = CausalGraph([("a", "b"), ("b", "c"), ("c", "d")])
    >>> result = falsify_graph(wrong, frame, random_state=0)
    >>> result.n_violations, result.n_tests
    (1, 3)
    >>> result.suggestions[["action", "edge"]].to_numpy().tolist()
    [['add', 'a -> c'], ['remove', 'a -> b']]
    """
    _check(graph, alpha)
    observed = graph.latent_projection()
    columns = columns_of(observed, frame)
    count = number_of_relabellings(n_permutations, len(observed), alpha)
    random = check_random_state(random_state)
    rng = np.random.default_rng(random.randint(2**31))
    memory = TestMemory(columns, test, int(random.randint(2**31)), n_jobs)

    claims, edges = independencies(observed), needed_edges(observed)
    others = dependencies(observed)
    needed = [claim for _, claim in edges]
    memory.add([*claims, *others, *needed])
    orders = list(relabellings(len(observed), count, rng))
    return GraphFalsification(
        graph=observed,
        test=test if isinstance(test, str) else type(test).__name__,
        alpha=float(alpha),
        table=pd.concat(
            [
                _table(observed, INDEPENDENCE, claims, memory, alpha),
                _table(observed, DEPENDENCE, others, memory, alpha),
                _table(observed, EDGE, needed, memory, alpha),
            ],
            ignore_index=True,
        ),
        suggestions=suggest(observed, claims, edges, memory, alpha),
        relabelled=judge(observed, claims, orders, memory, alpha),
        exact=count == factorial(len(observed)),
    )


def _check(graph: Any, alpha: Any) -> None:
    if not isinstance(graph, CausalGraph):
        raise TypeError(
            f"{OWNER}: graph must be a CausalGraph, got {type(graph).__name__}. Make "
            "one from its edges: CausalGraph([('cause', 'effect'), ...])."
        )
    if not graph.observed:
        raise ValueError(f"{OWNER}: the graph has no observed node to test.")
    is_number = isinstance(alpha, Real) and not isinstance(alpha, bool)
    if not is_number or not 0 < alpha < 1:
        raise ValueError(
            f"{OWNER}: alpha must be a number between 0 and 1, got {alpha!r}."
        )


def _table(
    graph: CausalGraph,
    name: str,
    claims: Sequence[Claim],
    memory: TestMemory,
    alpha: float,
) -> pd.DataFrame:
    """Return one row per claim; rejecting violates an independence, else supports."""
    nodes, values = graph.nodes, memory.p_values(claims)
    return pd.DataFrame(
        {
            "claim": name,
            "node": [nodes[claim.node] for claim in claims],
            "other": [nodes[claim.other] for claim in claims],
            "given": [tuple(nodes[k] for k in sorted(c.given)) for c in claims],
            "p_value": values,
            "adjusted_p_value": adjust(values),
            "violated": (values <= alpha) == (name == INDEPENDENCE),
        }
    )
