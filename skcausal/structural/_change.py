"""Distribution change: which mechanisms made a node's distribution differ."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from skcausal.inference._bootstrap import generator_of
from skcausal.structural._divergence import divergence_terms
from skcausal.structural._inputs import (
    check_count,
    check_number,
    check_pair,
    check_target,
)
from skcausal.structural._noise_frame import noise_frame
from skcausal.structural._result import Attribution
from skcausal.structural._shapley import (
    N_BATCHES,
    batch_means,
    check_permutations,
    shapley_of_mean,
)
from skcausal.structural._swapping import Side, Swap, as_numbers, noise_columns

_OWNER = "distribution_change"
_WORDS = {
    "kl": "divergence of {} from its old distribution",
    "mean": "change of the mean of {}",
    "variance": "change of the variance of {}",
}


def distribution_change(
    old_model: Any,
    new_model: Any,
    target: Any,
    *,
    measure: str = "kl",
    changed: Any = None,
    n_samples: int = 5000,
    n_permutations: int | None = None,
    random_state: Any = None,
) -> Attribution:
    r"""Divide the change of a node's distribution among the mechanisms that changed.

    Parameters
    ----------
    old_model, new_model : AdditiveNoiseModel
        Models with the same graph, fitted on the rows before and after.
    target : node
        Whose distribution changed.
    measure : {"kl", "mean", "variance"}, default="kl"
        What is divided: the divergence of the new from the old distribution (in nats),
        or the difference of means or variances.
    changed : collection of node, default=None
        Nodes whose mechanisms may have changed, such as those that
        `mechanism_change_test` finds; the others contribute nothing. None for all:
        then the estimation error of unchanged mechanisms shows as well.
    n_samples : int, default=5000
        Rows that are drawn from each model.
    n_permutations : int, default=None
        Orders in which mechanisms change. None takes all orders for up to 10 nodes,
        else a sample of 200.
    random_state : int, Generator, RandomState or None, default=None
        Seed.

    Returns
    -------
    attribution : Attribution
        One contribution for the target and each of its ancestors.

    Raises
    ------
    ValueError
        If the graphs differ, ``changed`` has unknown nodes, or a mean of categories is
        asked for.

    Notes
    -----
    Assumes that both models are right. The contribution of j is its Shapley value in
    the game :math:`v(S) = D(P^S, P^\emptyset)`, in which nodes in S have their new
    mechanism and the others their old one. The divergence is estimated from distances
    to the k-th neighbours in both samples; where the new values lie outside the range
    of the old ones it is too small, as no sample shows how rare they were.

    References
    ----------
    Budhathoki, K., Janzing, D., Bloebaum, P., & Ng, H. (2021). Why did the
    distribution change? AISTATS. https://proceedings.mlr.press/v130/budhathoki21a.html

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> from sklearn.base import clone
    >>> from sklearn.linear_model import LinearRegression
    >>> from skcausal.graphs import CausalGraph
    >>> from skcausal.structural import AdditiveNoiseModel, distribution_change
    >>> rng = np.random.default_rng(0)
    >>> def days(n, slope):
    ...     load = rng.normal(5, 1, size=n)
    ...     wait = slope * load + rng.normal(size=n)
    ...     return pd.DataFrame({"load": load, "wait": wait})
    >>> graph = CausalGraph([("load", "wait")])
    >>> old = AdditiveNoiseModel(graph, regressor=LinearRegression())
    >>> new = clone(old).fit(days(2000, 2.0))
    >>> change = distribution_change(
    ...     old.fit(days(2000, 1.0)), new, "wait", measure="mean", random_state=0
    ... )
    >>> change.contributions.round().abs().to_dict()
    {'load': 0.0, 'wait': 5.0}
    """
    check_pair(old_model, new_model, _OWNER)
    check_permutations(n_permutations, _OWNER)
    check_count(n_samples, "n_samples", _OWNER, least=10 * N_BATCHES)
    _check_measure(old_model, target, measure)
    _check_changed(old_model.graph, changed)
    random = generator_of(random_state)
    before = Side(old_model, noise_columns(old_model, n_samples, random))
    after = Side(new_model, noise_columns(new_model, n_samples, random))
    swap = Swap(target, before, after, changed)
    terms = _terms(old_model, target, measure, swap, random)
    players = pd.Index(swap.nodes, name="node")
    contributions, errors = pd.Series(0.0, players), pd.Series(0.0, players)
    if swap.players:
        values, deviations = shapley_of_mean(
            lambda masks: batch_means(np.stack([terms(mask) for mask in masks])),
            len(swap.players),
            n_permutations,
            random,
        )
        contributions[list(swap.players)] = values
        errors[list(swap.players)] = deviations
    what = f"Contribution to the {_WORDS[measure].format(target)}"
    return Attribution(contributions, errors, target, what, float(contributions.sum()))


def _check_measure(model: Any, target: Any, measure: str) -> None:
    if measure not in _WORDS:
        raise ValueError(
            f"{_OWNER}: measure must be one of {tuple(_WORDS)}, got {measure!r}."
        )
    if measure == "kl":
        check_target(model.graph, target, _OWNER)
    else:
        check_number(model, target, f"{_OWNER}: measure={measure!r}")


def _check_changed(graph: Any, changed: Any) -> None:
    for node in () if changed is None else changed:
        if node not in graph:
            raise ValueError(
                f"{_OWNER}: changed names {node!r}, which is not a node of the graph."
            )


def _terms(
    model: Any, target: Any, measure: str, swap: Swap, random: np.random.Generator
) -> Callable[[np.ndarray], np.ndarray]:
    """Return the function from a subset to terms whose mean is its worth."""
    if measure == "mean":
        return swap.numbers
    if measure == "variance":
        return lambda mask: _squares(swap.numbers(mask))
    # Fresh noise: a sample has distance zero from itself.
    fresh = noise_frame(noise_columns(model, len(swap.sides[0].noise[target]), random))
    reference = as_numbers(model.from_noise(fresh)[target].array)
    return lambda mask: divergence_terms(swap.numbers(mask), reference)


def _squares(values: np.ndarray) -> np.ndarray:
    return (values - values.mean()) ** 2
