"""Change of a mean, divided among mechanisms, with multiply robust intervals."""

import warnings
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.dummy import DummyRegressor
from sklearn.model_selection import StratifiedKFold

from skcausal.inference import EffectEstimate
from skcausal.inference._bootstrap import generator_of
from skcausal.structural._choosing import (
    N_FOLDS,
    choose,
    default_classifiers,
    default_regressors,
    log_losses,
    squared_errors,
    unseen_means,
    unseen_probabilities,
)
from skcausal.structural._inputs import (
    check_count,
    check_graph,
    check_target,
    joined,
)
from skcausal.structural._shapley import MOST_EXACT, exact_weights, subsets
from skcausal.structural._swapping import causes_first
from skcausal.utils._validation import OverlapWarning

_OWNER = "mean_change"
_EXTREME = 100.0  # factor in the odds of a sample beyond which weights are doubtful
_MOST_EXTREME = 0.01  # share of such rows that goes without a warning


def mean_change(
    graph: Any,
    before: Any,
    after: Any,
    target: Any,
    *,
    regressor: Any = None,
    classifier: Any = None,
    changed: Any = None,
    cv: int = 5,
    random_state: Any = None,
) -> EffectEstimate:
    r"""Divide the change of a mean among mechanisms, with intervals.

    The question of `distribution_change` with ``measure="mean"``, answered without
    simulation: regressions and weights correct each other, so that flexible models may
    be used and standard errors are those of the data.

    Parameters
    ----------
    graph : CausalGraph
        Who causes whom: no latent nodes, no hidden common causes.
    before, after : DataFrame of shape (n, n_columns)
        The two samples, with a column per node.
    target : node
        A number whose mean changed.
    regressor : estimator, default=None
        Regressor of what follows from earlier nodes. None chooses between a linear
        model and boosted trees.
    classifier : estimator, default=None
        Classifier of the sample that a row is from, with ``predict_proba``. None
        chooses likewise.
    changed : collection of node, default=None
        Nodes whose mechanisms may have changed, at most 10. None for the target and
        all its ancestors.
    cv : int, default=5
        Number of folds of cross-fitting.
    random_state : int, Generator, RandomState or None, default=None
        Seed of the folds.

    Returns
    -------
    estimate : EffectEstimate
        One contribution per node, causes first, with standard errors and intervals.

    Raises
    ------
    ValueError
        If the graph has hidden causes, the target is no number, or there are more
        than 10 nodes.

    Warns
    -----
    OverlapWarning
        If some rows can hardly be from one of the samples.

    Notes
    -----
    Assumes the graph, independent rows, and that each mechanism reaches the same
    values in both samples. For sides C (old or new, per node) let :math:`h_K` be the
    target and :math:`h_{k-1} = E_{C_k}[h_k \mid x_{<k}]`, nodes in causal order. The
    mean under C is estimated by :math:`E_{C_1}[h_1] + \sum_{k \ge 2} E_{C_k}[
    \alpha_k (h_k - h_{k-1})]`, where :math:`\alpha_k` is the product over earlier
    nodes of the ratio of their mechanisms under C to those of sample :math:`C_k`,
    from probabilities of the sample given the node and its causes. Contributions are
    Shapley values over C. Errors of the regressions and of the ratios enter as products
    only: contributions are consistent if either are, and standard errors need both.

    References
    ----------
    Quintas-Martínez, V., Bahadori, M. T., Santiago, E., Mu, J., & Heckerman, D.
    (2024). Multiply-robust causal change attribution. ICML.
    https://arxiv.org/abs/2404.08839

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> from sklearn.linear_model import LinearRegression, LogisticRegression
    >>> from skcausal.graphs import CausalGraph
    >>> from skcausal.structural import mean_change
    >>> rng = np.random.default_rng(0)
    >>> def days(slope):
    ...     load = rng.normal(5, 1, size=500)
    ...     wait = slope * load + rng.normal(size=500)
    ...     return pd.DataFrame({"load": load, "wait": wait})
    >>> change = mean_change(
    ...     CausalGraph([("load", "wait")]), days(1.0), days(2.0), "wait",
    ...     regressor=LinearRegression(), classifier=LogisticRegression(),
    ... )
    >>> change.labels, change.value.round().tolist()
    (('load', 'wait'), [0.0, 5.0])
    """
    check_graph(graph, _OWNER)
    check_target(graph, target, _OWNER)
    check_count(cv, "cv", _OWNER, least=2)
    table, label = joined(before, after, causes_first(graph, target), _OWNER)
    _check_number(table, target)
    nodes = list(table.columns)
    players = nodes if changed is None else _players(graph, nodes, changed)
    fits = _Fits(graph, table, label, set(players), (regressor, classifier))
    masks = subsets(len(players))
    scores = np.empty((len(table), len(masks)))
    seed = int(generator_of(random_state).integers(1 << 31))
    splitter = StratifiedKFold(cv, shuffle=True, random_state=seed)
    for train, test in splitter.split(table, label):
        fold = _Fold(fits, train, test)
        for column, mask in enumerate(masks):
            new = {node for node, present in zip(players, mask, strict=True) if present}
            sides = tuple(int(node in new) for node in nodes)
            scores[test, column] = fold.scores(sides)
    _warn_of_overlap(fits.extreme)
    return _estimate(scores, label, masks, tuple(players), target)


def _check_number(table: pd.DataFrame, target: Any) -> None:
    if isinstance(table[target].dtype, pd.CategoricalDtype):
        raise ValueError(
            f"{_OWNER}: {target!r} holds categories; a number is needed. Make it 0 "
            "and 1 for the category of interest."
        )


def _players(graph: Any, nodes: list[Any], changed: Any) -> list[Any]:
    for node in changed:
        if node not in graph:
            raise ValueError(
                f"{_OWNER}: changed names {node!r}, which is not a node of the graph."
            )
    return [node for node in nodes if node in set(changed)]


def _estimate(
    scores: np.ndarray,
    label: np.ndarray,
    masks: np.ndarray,
    players: tuple[Any, ...],
    target: Any,
) -> EffectEstimate:
    """Return Shapley values of the means under all patterns, with their influence."""
    parts = scores @ exact_weights(masks).T
    values = np.zeros(len(players))
    influence = np.empty_like(parts)
    for side in (0, 1):
        rows = label == side
        means = parts[rows].mean(axis=0)
        values += means
        influence[rows] = (parts[rows] - means) * len(label) / rows.sum()
    return EffectEstimate.from_influence(
        values, influence, labels=players, name=f"change of the mean of {target}"
    )


class _Fits:
    """The data, which columns each step needs, and the models that were chosen."""

    def __init__(
        self,
        graph: Any,
        table: pd.DataFrame,
        label: np.ndarray,
        changed: set[Any],
        models: tuple[Any, Any],
    ) -> None:
        self.table, self.label, self.changed = table, label, changed
        self.regressor, self.classifier = models
        self.nodes = list(table.columns)
        if len(changed) > MOST_EXACT or not changed:
            raise ValueError(
                f"{_OWNER}: between 1 and {MOST_EXACT} nodes can change, got "
                f"{len(changed)}. Name those that may have changed in changed=."
            )
        self.outcome = table[self.nodes[-1]].to_numpy(dtype=float)
        self.parents = {n: list(graph.ordered(graph.parents(n))) for n in self.nodes}
        self._chosen: dict[Any, Any] = {}
        self.extreme = 0.0  # largest share of rows with extreme odds

    def needed(self, k: int) -> list[Any]:
        """Return the nodes before the k-th of which it or later ones are effects."""
        later = {parent for node in self.nodes[k:] for parent in self.parents[node]}
        return [node for node in self.nodes[:k] if node in later]

    def regression(self, k: int, features: Any, target: np.ndarray) -> Any:
        """Return a regressor of a step, chosen once and fitted on these rows."""
        if not features.shape[1]:
            return DummyRegressor().fit(np.zeros((len(target), 1)), target)
        if self.regressor is not None:
            return clone(self.regressor).fit(features, target)
        if k not in self._chosen:
            self._chosen[k], _ = choose(
                default_regressors(features),
                lambda model: unseen_means(model, features, target, N_FOLDS),
                lambda predicted: squared_errors(predicted, target),
            )
        return clone(self._chosen[k]).fit(features, target)

    def classification(self, columns: tuple[Any, ...], rows: np.ndarray) -> Any:
        """Return a classifier of the sample, chosen once and fitted on these rows."""
        features, codes = self.table.iloc[rows][list(columns)], self.label[rows]
        codes = codes.astype(int)
        if self.classifier is not None:
            return clone(self.classifier).fit(features, codes)
        if columns not in self._chosen:
            self._chosen[columns], _ = choose(
                default_classifiers(features),
                lambda model: unseen_probabilities(model, features, codes, N_FOLDS),
                lambda found: log_losses(found, codes),
            )
        return clone(self._chosen[columns]).fit(features, codes)


class _Fold:
    """Models of the training rows, and what they say of the test rows."""

    def __init__(self, fits: _Fits, train: np.ndarray, test: np.ndarray) -> None:
        self.fits, self.train, self.test = fits, train, test
        self.label = fits.label[test]
        self._steps: dict[tuple[int, ...], Any] = {}
        self._odds: dict[tuple[Any, ...], np.ndarray] = {}
        self._ratios = {node: self._log_ratio(node) for node in fits.nodes[:-1]}

    def _log_odds(self, columns: tuple[Any, ...]) -> np.ndarray:
        """Return log odds of the new sample given some columns, for test rows."""
        if columns not in self._odds:
            if columns:
                model = self.fits.classification(columns, self.train)
                table = self.fits.table.iloc[self.test][list(columns)]
                p = model.predict_proba(table)[:, 1]
            else:
                p = np.full(len(self.test), self.fits.label[self.train].mean())
            tiny = np.finfo(float).eps
            self._odds[columns] = np.log(p + tiny) - np.log(1 - p + tiny)
            share = self.fits.label[self.train].mean()
            factor = self._odds[columns] - np.log(share / (1 - share))
            extreme = float((np.abs(factor) > np.log(_EXTREME)).mean())
            self.fits.extreme = max(self.fits.extreme, extreme)
        return self._odds[columns]

    def _log_ratio(self, node: Any) -> np.ndarray:
        """Return the log ratio of a mechanism, new over old."""
        if node not in self.fits.changed:
            return np.zeros(len(self.test))
        parents = tuple(self.fits.parents[node])
        return self._log_odds((*parents, node)) - self._log_odds(parents)

    def _step(self, sides: tuple[int, ...]) -> Any:
        """Return E[h_k | earlier nodes] for the sides of the k-th and later nodes."""
        if sides not in self._steps:
            fits, k = self.fits, len(self.fits.nodes) - len(sides)
            rows = self.train[fits.label[self.train] == sides[0]]
            later = self._predict(sides[1:], rows) if sides[1:] else fits.outcome[rows]
            features = fits.table.iloc[rows][fits.needed(k)]
            self._steps[sides] = fits.regression(k, features, later)
        return self._steps[sides]

    def _predict(self, sides: tuple[int, ...], rows: np.ndarray) -> np.ndarray:
        k = len(self.fits.nodes) - len(sides)
        columns = self.fits.needed(k)
        features: Any = np.zeros((len(rows), 1))
        if columns:
            features = self.fits.table.iloc[rows][columns]
        return np.asarray(self._step(sides).predict(features), dtype=float)

    def scores(self, sides: tuple[int, ...]) -> np.ndarray:
        """Return a score per test row; their means per sample add up to the mean."""
        nodes = self.fits.nodes
        found, above = np.zeros(len(self.test)), self.fits.outcome[self.test]
        for k in range(len(nodes) - 1, 0, -1):
            below = self._predict(sides[k:], self.test)
            log_weight = np.zeros(len(self.test))
            for node, side in zip(nodes[:k], sides[:k], strict=True):
                log_weight += (side - sides[k]) * self._ratios[node]
            here = self.label == sides[k]
            found += np.where(here, np.exp(log_weight) * (above - below), 0.0)
            above = below
        return found + np.where(self.label == sides[0], above, 0.0)


def _warn_of_overlap(share: float) -> None:
    if share > _MOST_EXTREME:
        warnings.warn(
            f"{_OWNER}: given a node and its causes, {share:.1%} of rows are more than "
            f"{_EXTREME:g} times as likely in one sample as in the other; their "
            "weights are large and the intervals doubtful. Leave nodes that have not "
            "changed out of changed=, or compare samples that are more alike.",
            OverlapWarning,
            stacklevel=3,
        )
