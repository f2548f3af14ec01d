"""Test whether the mechanism of a node changed between two samples."""

from typing import Any

import numpy as np
import pandas as pd
from scipy import stats
from sklearn.base import clone
from statsmodels.stats.multitest import multipletests

from skcausal.inference._bootstrap import generator_of
from skcausal.structural._categorical import CategoricalNoise
from skcausal.structural._choosing import (
    N_FOLDS,
    choose,
    default_classifiers,
    log_losses,
    unseen_means,
    unseen_probabilities,
)
from skcausal.structural._evaluation import check_own, design_of
from skcausal.structural._inputs import joined

_OWNER = "mechanism_change_test"
_DRAWS = 9999


def mechanism_change_test(
    model: Any, before: Any, after: Any, *, nodes: Any = None, random_state: Any = None
) -> pd.DataFrame:
    r"""Test for each node whether its mechanism differs between two samples.

    A node whose causes are distributed differently, but that still reacts to them as
    before, has not changed.

    Parameters
    ----------
    model : AdditiveNoiseModel
        Whose graph and models are used, fitted or not; a copy is fitted on both
        samples together.
    before, after : DataFrame of shape (n, n_columns)
        The two samples, with a column per node.
    nodes : collection of node, default=None
        Which nodes to test. None for all.
    random_state : int, Generator, RandomState or None, default=None
        Seed.

    Returns
    -------
    table : DataFrame
        One row per node: ``test``, ``p_value``, and ``p_adjusted`` by Holm's method
        over the nodes.

    Raises
    ------
    ValueError
        If a column is missing, has gaps or text.

    Notes
    -----
    Assumes independent rows. Nodes without causes: Kolmogorov and Smirnov's test, for
    categories the chi-square test. Nodes with causes :math:`z`: with the label
    :math:`d` of the sample, residuals :math:`e = d - \hat P(d \mid z)` and :math:`r = x
    - \hat f(z)`, both from models that did not see the row, the products :math:`e\, r\,
    w(z)` with :math:`w = 1, z_k, z_k^2` and :math:`e\,(|r| - \hat E[|r| \mid z])\,w(z)`
    with :math:`w = 1, z_k` have mean zero if the mechanism is the same. The largest
    studentised mean is held against that of normal draws with the same correlations.
    An error of one of the two models alone does no harm, as in the generalised
    covariance measure. A change that moves none of these means is not found.

    References
    ----------
    Shah, R. D., & Peters, J. (2020). The hardness of conditional independence testing
    and the generalised covariance measure. Annals of Statistics 48(3).
    https://doi.org/10.1214/19-AOS1857

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> from sklearn.linear_model import LinearRegression
    >>> from skcausal.graphs import CausalGraph
    >>> from skcausal.structural import AdditiveNoiseModel, mechanism_change_test
    >>> rng = np.random.default_rng(0)
    >>> def days(slope):
    ...     load = rng.normal(size=300)
    ...     wait = slope * load + rng.normal(size=300)
    ...     return pd.DataFrame({"load": load, "wait": wait})
    >>> graph = CausalGraph([("load", "wait")])
    >>> model = AdditiveNoiseModel(graph, regressor=LinearRegression())
    >>> table = mechanism_change_test(model, days(1), days(2), random_state=0)
    >>> (table["p_adjusted"] < 0.05).to_dict()
    {'load': False, 'wait': True}
    """
    if not hasattr(model, "from_noise"):
        raise TypeError(
            f"{_OWNER}: model must be an AdditiveNoiseModel, got "
            f"{type(model).__name__}."
        )
    random = generator_of(random_state)
    both, label = joined(before, after, model.graph.nodes, _OWNER)
    asked = model.graph.nodes if nodes is None else model.graph.ordered(list(nodes))
    wanted = [node for node in model.graph.topological_order() if node in set(asked)]
    fitted = clone(model).fit(both)
    both = fitted.known(both, owner=_OWNER)
    rows = [_test(fitted, both, label, node, random) for node in wanted]
    table = pd.DataFrame(
        rows, index=pd.Index(wanted, name="node"), columns=["test", "p_value"]
    )
    table["p_adjusted"] = multipletests(table["p_value"], method="holm")[1]
    return table


def _test(
    model: Any, both: pd.DataFrame, label: np.ndarray, node: Any, random: Any
) -> tuple[str, float]:
    """Return the name of the test of a node and its p-value."""
    parents, values = both[model.parents_of(node)], both[node].array
    if not parents.shape[1]:
        return _test_root(values, label)
    mechanism = check_own(model.mechanisms_[node], node, _OWNER)
    products = _products(mechanism, parents, values, label)
    return "residual products", largest_mean_p_value(products, random)


def _test_root(values: Any, label: np.ndarray) -> tuple[str, float]:
    if isinstance(values, pd.Categorical) or np.asarray(values).dtype == bool:
        counts = pd.crosstab(np.asarray(values), label).to_numpy()
        if len(counts) < 2:
            return "chi-square", 1.0
        return "chi-square", float(stats.chi2_contingency(counts, False).pvalue)
    numbers = np.asarray(values, dtype=float)
    ties = len(np.unique(numbers)) < len(numbers)
    found = stats.ks_2samp(
        numbers[label == 0], numbers[label == 1], method="asymp" if ties else "auto"
    )
    return "Kolmogorov-Smirnov", float(found.pvalue)


def _products(
    mechanism: Any, parents: pd.DataFrame, values: Any, label: np.ndarray
) -> np.ndarray:
    """Return columns whose means are zero if the mechanism is the same."""
    surprise = label - _label_probability(parents, label)
    z = design_of(parents)
    linear = np.column_stack([np.ones(len(z)), z])
    curved = np.column_stack([linear, z**2 - 1])
    if isinstance(mechanism, CategoricalNoise):
        codes = mechanism.codes(values)
        found = unseen_probabilities(mechanism.classifier_, parents, codes, N_FOLDS)
        residuals = np.eye(found.shape[1])[codes] - found
        parts = [residuals[:, [k]] * curved for k in range(1, found.shape[1])]
    else:
        residual = mechanism.noise_
        size = np.abs(residual)
        size = size - unseen_means(mechanism.regressor_, parents, size, N_FOLDS)
        parts = [residual[:, None] * curved, size[:, None] * linear]
    return surprise[:, None] * np.column_stack(parts)


def _label_probability(parents: pd.DataFrame, label: np.ndarray) -> np.ndarray:
    """Return the probability of the second sample for rows not seen."""
    codes = label.astype(int)
    _, found = choose(
        default_classifiers(parents),
        lambda model: unseen_probabilities(model, parents, codes, N_FOLDS),
        lambda found: log_losses(found, codes),
    )
    return found[:, 1]


def largest_mean_p_value(products: np.ndarray, random: np.random.Generator) -> float:
    """Return how often the largest of such means is as large by chance."""
    n = len(products)
    spread = products.std(axis=0)
    kept = spread > 1e-12 * max(float(spread.max()), 1e-300)
    products, spread = products[:, kept], spread[kept]
    if not kept.any():
        return 1.0
    observed = np.abs(np.sqrt(n) * products.mean(axis=0) / spread).max()
    standard = (products - products.mean(axis=0)) / spread
    # Normal draws with the correlations of the columns, by their singular values.
    _, sizes, directions = np.linalg.svd(standard / np.sqrt(n), full_matrices=False)
    normal = random.normal(size=(_DRAWS, len(sizes)))
    largest = np.abs(normal * sizes @ directions).max(axis=1)
    return float((1 + (largest >= observed).sum()) / (1 + _DRAWS))
