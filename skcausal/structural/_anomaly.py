"""Root causes: whose noise made rows as extreme as they are, or changed them."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from skcausal.inference._bootstrap import generator_of
from skcausal.structural._inputs import (
    check_count,
    check_model,
    check_number,
    check_pair,
    check_target,
)
from skcausal.structural._noise_frame import noise_arrays, noise_frame
from skcausal.structural._result import RowAttribution
from skcausal.structural._shapley import check_permutations, shapley
from skcausal.structural._swapping import (
    Side,
    Swap,
    as_numbers,
    causes_first,
    noise_columns,
)

_TAILS = ("both", "upper", "lower")
_MOST_ROWS = 100_000  # rows computed at once


def anomaly_attribution(
    model: Any,
    frame: Any,
    target: Any,
    *,
    tail: str = "both",
    n_samples: int = 10_000,
    n_permutations: int | None = None,
    random_state: Any = None,
) -> RowAttribution:
    r"""Tell which nodes made rows as extreme as they are: the root causes.

    A node that merely passes on what came from its causes contributes nothing.

    Parameters
    ----------
    model : AdditiveNoiseModel
        A model fitted on rows of normal operation.
    frame : DataFrame of shape (n, n_columns)
        Rows to explain, with a value for each node.
    target : node
        In which node they are extreme.
    tail : {"both", "upper", "lower"}, default="both"
        What counts as extreme: far from the median, large, or small. A category is
        extreme if it is rare.
    n_samples : int, default=10000
        Normal rows that are drawn. The largest score is the log of their number.
    n_permutations : int, default=None
        Orders in which nodes join. None takes all orders for up to 10 nodes, else a
        sample of 200.
    random_state : int, Generator, RandomState or None, default=None
        Seed.

    Returns
    -------
    attribution : RowAttribution
        A contribution per row for the target and each of its ancestors; a row's
        contributions sum to its score. Negative: the noise made the row less extreme.

    Raises
    ------
    ValueError
        If the target is no node, or a column is missing, has gaps or new categories.

    Notes
    -----
    Assumes that the model is right for normal rows and that noises are independent.
    With :math:`\tau` the distance from the median, the score of a row is :math:`S(x) =
    -\log P(\tau(X) \ge \tau(x))`. The contribution of j is its Shapley value in the
    game :math:`v(I) = \log P(\tau(X) \ge \tau(x) \mid U_I = u_I)`, in which the noises
    in I are those of the row. Probabilities are frequencies (1 + count) / (1 + n).

    References
    ----------
    Budhathoki, K., Minorics, L., Blöbaum, P., & Janzing, D. (2022). Causal
    structure-based root cause analysis of outliers. ICML.
    https://proceedings.mlr.press/v162/budhathoki22a.html

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> from sklearn.linear_model import LinearRegression
    >>> from skcausal.graphs import CausalGraph
    >>> from skcausal.structural import AdditiveNoiseModel, anomaly_attribution
    >>> rng = np.random.default_rng(0)
    >>> load = rng.normal(size=1000)
    >>> frame = pd.DataFrame({"load": load, "wait": load + rng.normal(size=1000)})
    >>> graph = CausalGraph([("load", "wait")])
    >>> model = AdditiveNoiseModel(graph, regressor=LinearRegression()).fit(frame)
    >>> incident = pd.DataFrame({"load": [0.0], "wait": [9.0]})
    >>> found = anomaly_attribution(model, incident, "wait", random_state=0)
    >>> found.contributions.iloc[0].idxmax()
    'wait'
    """
    owner = "anomaly_attribution"
    check_model(model, owner)
    check_target(model.graph, target, owner)
    check_permutations(n_permutations, owner)
    check_count(n_samples, "n_samples", owner, least=100)
    random = generator_of(random_state)
    noise = model.noise(frame, random_state=random)
    base = noise_columns(model, n_samples, random)
    normal = as_numbers(model.from_noise(noise_frame(base))[target].array)
    extremeness = _extremeness(model, target, normal, tail)
    block = max(1, _MOST_ROWS // n_samples)
    found = []
    for at in range(0, len(noise), block):
        value = _game(model, target, noise.iloc[at : at + block], base, extremeness)
        n_nodes = len(causes_first(model.graph, target))
        found.append(shapley(value, n_nodes, n_permutations, random))
    measure = f"Contribution to the anomaly score of {target}"
    return rows_of(model, target, found, noise.index, measure)


def _extremeness(
    model: Any, target: Any, normal: np.ndarray, tail: str
) -> Callable[[np.ndarray], np.ndarray]:
    """Return the function of the target that is large where it is extreme."""
    if tail not in _TAILS:
        raise ValueError(
            f"anomaly_attribution: tail must be one of {_TAILS}, got {tail!r}."
        )
    if isinstance(model.dtypes_[target], pd.CategoricalDtype):
        if tail != "both":
            raise ValueError(
                f"anomaly_attribution: {target!r} holds categories, which have no "
                "tails. Leave tail at 'both': rare ones are extreme."
            )
        n_labels = len(model.dtypes_[target].categories)
        counts = np.bincount(normal.astype(int), minlength=n_labels)
        return lambda values: -counts[values.astype(int)].astype(float)
    if tail == "both":
        middle = np.median(normal)
        return lambda values: np.abs(values - middle)
    sign = 1.0 if tail == "upper" else -1.0
    return lambda values: sign * values


def _game(
    model: Any,
    target: Any,
    noise: pd.DataFrame,
    base: dict[Any, Any],
    extremeness: Callable[[np.ndarray], np.ndarray],
) -> Callable[[np.ndarray], np.ndarray]:
    """Return log P(as extreme as the row | some noises are the row's), per row."""
    n_rows, n_samples = len(noise), len(base[target])
    rows = noise_arrays(noise, model.mechanisms_)
    own = {node: np.repeat(rows[node], n_samples, axis=0) for node in rows}
    turns = np.tile(np.arange(n_samples), n_rows)
    normal = {node: values[turns] for node, values in base.items()}
    swap = Swap(target, Side(model, normal), Side(model, own))
    actual = extremeness(swap.numbers(np.ones(len(swap.players), dtype=bool)))
    # A replay of the same row may differ in its last digit.
    bar = actual - 1e-9 * (1 + np.abs(actual))

    def value(masks: np.ndarray) -> np.ndarray:
        reached = np.stack([extremeness(swap.numbers(mask)) >= bar for mask in masks])
        counts = reached.reshape(len(masks), n_rows, n_samples).sum(axis=2)
        return np.log((1 + counts) / (1 + n_samples))

    return value


def unit_change(
    model: Any,
    before: Any,
    after: Any,
    target: Any,
    *,
    new_model: Any = None,
    n_permutations: int | None = None,
    random_state: Any = None,
) -> RowAttribution:
    r"""Tell which nodes made a number change from one row to another.

    For one customer, machine or shop at two times: rows are compared one by one.

    Parameters
    ----------
    model : AdditiveNoiseModel
        A fitted model.
    before, after : DataFrame of shape (n, n_columns)
        Rows to compare, in the same order, with a value for each node.
    target : node
        The number whose change is explained.
    new_model : AdditiveNoiseModel, default=None
        A model fitted on the later period, with the same graph, where mechanisms have
        changed too: a node then contributes by its noise and its mechanism together.
    n_permutations : int, default=None
        Orders in which nodes join. None takes all orders for up to 10 nodes, else a
        sample of 200.
    random_state : int, Generator, RandomState or None, default=None
        Seed.

    Returns
    -------
    attribution : RowAttribution
        A contribution per row for the target and each of its ancestors; a row's
        contributions sum to its change.

    Raises
    ------
    ValueError
        If the target is no number, or the frames differ in length.

    Notes
    -----
    Assumes that the models are right. The contribution of j is its Shapley value in
    the game whose worth :math:`v(S)` is the target computed with the later noises (and
    mechanisms) in S and the earlier ones elsewhere.

    References
    ----------
    Budhathoki, K., Michailidis, G., & Janzing, D. (2022). Explaining the root causes
    of unit-level changes. https://arxiv.org/abs/2206.12986

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> from sklearn.linear_model import LinearRegression
    >>> from skcausal.graphs import CausalGraph
    >>> from skcausal.structural import AdditiveNoiseModel, unit_change
    >>> load, noise = np.random.default_rng(0).normal(size=(2, 1000))
    >>> frame = pd.DataFrame({"load": load, "wait": load + noise})
    >>> graph = CausalGraph([("load", "wait")])
    >>> model = AdditiveNoiseModel(graph, regressor=LinearRegression()).fit(frame)
    >>> before = pd.DataFrame({"load": [0.0], "wait": [0.0]})
    >>> after = pd.DataFrame({"load": [2.0], "wait": [3.0]})
    >>> change = unit_change(model, before, after, "wait")
    >>> change.contributions.iloc[0].round().to_dict()
    {'load': 2.0, 'wait': 1.0}
    """
    owner = "unit_change"
    later = model if new_model is None else new_model
    check_pair(model, later, owner)
    check_number(model, target, owner)
    check_permutations(n_permutations, owner)
    random = generator_of(random_state)
    earlier = model.noise(before, random_state=random)
    new = later.noise(after, random_state=random)
    if len(earlier) != len(new):
        raise ValueError(
            f"{owner}: before and after must have the same rows in the same order, "
            f"got {len(earlier)} and {len(new)} rows."
        )
    swap = Swap(target, _side(model, earlier), _side(later, new))
    found = shapley(
        lambda masks: np.stack([swap.numbers(mask) for mask in masks]),
        len(swap.players),
        n_permutations,
        random,
    )
    measure = f"Contribution to the change of {target}"
    return rows_of(model, target, [found], new.index, measure)


def _side(model: Any, noise: pd.DataFrame) -> Side:
    return Side(model, noise_arrays(noise, model.mechanisms_))


def rows_of(
    model: Any, target: Any, found: list[Any], index: Any, measure: str
) -> RowAttribution:
    """Name the Shapley values and variances of successive blocks of rows."""
    players = pd.Index(causes_first(model.graph, target), name="node")
    values = np.concatenate([value.T for value, _ in found])
    errors = np.sqrt(np.concatenate([variance.T for _, variance in found]))
    contributions = pd.DataFrame(values, index, players)
    return RowAttribution(
        contributions,
        pd.DataFrame(errors, index, players),
        target,
        measure,
        contributions.sum(axis=1),
    )
