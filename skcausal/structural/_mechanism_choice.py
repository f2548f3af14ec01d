"""Which mechanism a node has: the simplest that explains rows it did not see."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import clone

from skcausal.inference._bootstrap import generator_of
from skcausal.structural._additive import AdditiveNoise
from skcausal.structural._categorical import CategoricalNoise
from skcausal.structural._choosing import (
    holds_labels,
    log_losses,
    splits,
    unseen_probabilities,
)
from skcausal.structural._density import are_like_labels
from skcausal.structural._evaluation import model_name
from skcausal.structural._flow import SplineFlow
from skcausal.structural._generalized_linear import GeneralizedLinear
from skcausal.structural._goodness import unseen_residual_scores
from skcausal.structural._gumbel import GumbelMax
from skcausal.structural._mechanism import EmpiricalDistribution, Mechanism

_OWNER = "choose_mechanism"
# The simplest first: the order in which candidates are preferred.
_NUMBERS = ("poisson", "gaussian", "lognormal", "additive", "flow")
_LABELS = ("bernoulli", "categorical", "gumbel")


def choose_mechanism(
    parents: Any,
    values: Any,
    *,
    candidates: Sequence[Any] | None = None,
    regressor: Any = None,
    classifier: Any = None,
    cv: int = 5,
    random_state: Any = None,
) -> tuple[Mechanism, pd.DataFrame]:
    r"""Choose the mechanism of a node by the log score of rows that it did not see.

    Parameters
    ----------
    parents : DataFrame of shape (n, n_parents)
        Values of the direct causes; no columns for a node without causes.
    values : array of shape (n,)
        Values of the node: labels are categories, bools, text, and, where there are
        causes, 0/1.
    candidates : sequence of str or Mechanism, default=None
        The simplest first. Names for numbers: ``"poisson"``, ``"gaussian"``,
        ``"lognormal"``, ``"additive"`` and ``"flow"`` (slow); for labels
        ``"bernoulli"``, ``"categorical"`` and ``"gumbel"``; without causes also
        ``"empirical"``. Names that cannot hold the values are left out. None for all
        of the kind except ``"flow"`` and ``"gumbel"``, and for ``"empirical"`` alone
        where there are no causes.
    regressor : estimator, default=None
        Of ``"additive"``. None chooses between a linear model and boosted trees.
    classifier : estimator, default=None
        Of ``"categorical"`` and ``"gumbel"``. None chooses likewise.
    cv : int, default=5
        Number of folds.
    random_state : int, Generator, RandomState or None, default=None
        Seed of the folds.

    Returns
    -------
    mechanism : Mechanism
        The chosen one, fitted on all rows.
    scores : DataFrame
        A row per candidate: ``mechanism`` (the model in it), ``log_score`` (mean log
        density of held-out rows), ``standard_error`` of it, ``difference`` from the
        best, ``difference_error``, its standard error over rows, and ``chosen``. A
        single candidate is not scored: NaN.

    Raises
    ------
    ValueError
        If a name is unknown or no candidate can hold the values.

    Notes
    -----
    Assumes independent rows. The first candidate is taken whose mean log score is
    within one standard error of the difference from the best. Log densities and log
    probabilities are only comparable for the same values: where the values are counts
    and ``"poisson"`` is among the candidates, continuous mechanisms are scored on
    counts to which uniform noise on (-1/2, 1/2) is added, as the mean of that log
    density is never above the log probability of the count. ``"categorical"`` and
    ``"gumbel"`` have the same score, because no data can tell them apart: name the one
    whose coupling you believe.

    References
    ----------
    Gneiting, T., & Raftery, A. E. (2007). Strictly proper scoring rules, prediction,
    and estimation. Journal of the American Statistical Association 102.
    https://doi.org/10.1198/016214506000001437

    Theis, L., van den Oord, A., & Bethge, M. (2016). A note on the evaluation of
    generative models. ICLR. https://arxiv.org/abs/1511.01844

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> from sklearn.linear_model import LinearRegression
    >>> from skcausal.structural import choose_mechanism
    >>> rng = np.random.default_rng(0)
    >>> parents = pd.DataFrame({"x": rng.normal(size=500)})
    >>> values = np.exp(parents["x"] + rng.normal(size=500))
    >>> mechanism, scores = choose_mechanism(
    ...     parents, values, regressor=LinearRegression(), random_state=0
    ... )
    >>> mechanism.family
    'lognormal'
    >>> scores.index.tolist()
    ['gaussian', 'lognormal', 'additive']
    """
    if isinstance(values, pd.Series):
        values = values.array  # rows are taken by position
    elif not hasattr(values, "dtype"):
        values = np.asarray(values)
    labels = holds_labels(values, root=not parents.shape[1])
    listed = _listed(candidates, _possible(parents, values, labels, cv))
    named = {
        name: one if isinstance(one, Mechanism) else _named(one, regressor, classifier)
        for name, one in listed.items()
    }
    fits = {name: clone(one).fit(parents, values) for name, one in named.items()}
    scores = {name: np.full(len(parents), np.nan) for name in named}
    if len(named) > 1:
        _check_cv(cv, len(parents))
        random = generator_of(random_state)
        folds = splits(values, labels, cv, int(random.integers(2**31)))
        discrete = [labels or _is_discrete(one) for one in fits.values()]
        mixed = any(discrete) and not all(discrete)
        shift = random.uniform(-0.5, 0.5, len(parents)) if mixed else None
        for (name, one), whole in zip(named.items(), discrete, strict=True):
            data = parents, values, None if whole else shift
            scores[name] = _unseen_scores(fits[name], one, data, folds)
    table = _table(fits, scores)
    return fits[table.index[table["chosen"]][0]], table


def _is_discrete(fitted: Mechanism) -> bool:
    """Tell whether the log density of a mechanism is a log probability."""
    if isinstance(fitted, EmpiricalDistribution):
        return are_like_labels(fitted.values_)
    return getattr(fitted, "family", "") in ("poisson", "bernoulli")


def _listed(candidates: Any, possible: list[str]) -> dict[str, Any]:
    """Return the candidates that can hold the values, the simplest first."""
    if candidates is None:
        slow = {"flow", "gumbel"}
        chosen = [name for name in possible if name not in slow]
        chosen = ["empirical"] if "empirical" in possible else chosen
        return {name: name for name in chosen}
    known = {*_NUMBERS, *_LABELS, "empirical"}
    found: dict[str, Any] = {}
    for one in candidates:
        if isinstance(one, Mechanism):
            name = type(one).__name__
            found[name if name not in found else f"{name}_{len(found)}"] = one
        elif one not in known:
            raise ValueError(
                f"{_OWNER}: candidates must be Mechanisms or names among "
                f"{', '.join(sorted(known))}, got {one!r}."
            )
        elif one in possible:
            found[one] = one
    if not found:
        raise ValueError(
            f"{_OWNER}: none of the candidates {', '.join(map(str, candidates))} can "
            f"hold the values. Those that can: {', '.join(possible)}."
        )
    return found


def _possible(parents: Any, values: Any, labels: bool, cv: int) -> list[str]:
    """Return the names of mechanisms that can hold the values."""
    array = np.asarray(values)
    first = [] if parents.shape[1] else ["empirical"]
    excluded = set()
    if labels:
        counts = np.unique(array, return_counts=True)[1]
        if len(counts) != 2 or counts.min() < cv:
            excluded.add("bernoulli")
        return [*first, *(name for name in _LABELS if name not in excluded)]
    if (array <= 0).any():
        excluded.add("lognormal")
    if (array < 0).any() or (array != np.round(array)).any():
        excluded.add("poisson")
    return [*first, *(name for name in _NUMBERS if name not in excluded)]


def _named(name: str, regressor: Any, classifier: Any) -> Mechanism:
    if name == "empirical":
        return EmpiricalDistribution()
    if name == "additive":
        return AdditiveNoise(regressor)
    if name == "flow":
        return SplineFlow()
    if name in ("categorical", "gumbel"):
        return (CategoricalNoise if name == "categorical" else GumbelMax)(classifier)
    return GeneralizedLinear(name)


def _check_cv(cv: Any, n_rows: int) -> None:
    whole = isinstance(cv, int | np.integer) and not isinstance(cv, bool)
    if not whole or not 2 <= cv <= n_rows:
        raise ValueError(
            f"{_OWNER}: cv must be an integer from 2 to the number of rows, got {cv!r}."
        )


def _unseen_scores(fitted: Any, mechanism: Any, data: Any, folds: Any) -> np.ndarray:
    """Return the log density of each row by a copy that did not see it.

    The regressor or classifier in a mechanism is chosen once, on all rows, and fitted
    again for each fold; ``data`` are causes, values, and what to add to the values.
    """
    parents, values, shift = data
    if type(fitted) is AdditiveNoise:
        residuals = fitted.noise_ if shift is None else fitted.noise_ + shift
        return unseen_residual_scores(residuals, folds)
    if isinstance(fitted, CategoricalNoise):
        codes = fitted.codes(values)
        found = unseen_probabilities(fitted.classifier_, parents, codes, folds)
        return -log_losses(found, codes)
    values = values if shift is None else np.asarray(values, dtype=float) + shift
    scores = np.empty(len(parents))
    for train, test in folds:
        copy = clone(mechanism).fit(parents.iloc[train], values[train])
        scores[test] = copy.log_density(parents.iloc[test], values[test])
    return scores


def _table(fits: dict[str, Any], scores: dict[str, np.ndarray]) -> pd.DataFrame:
    """Return the scores, and the first within one standard error of the best."""
    names = list(scores)
    each = np.array([scores[name] for name in names])
    best = int(np.argmax(each.mean(axis=1)))
    with np.errstate(invalid="ignore"):
        behind = each - each[best]
        errors = [
            rows.std(axis=1) / np.sqrt(rows.shape[1] - 1.0) for rows in (each, behind)
        ]
    table = pd.DataFrame(
        {
            "mechanism": [model_name(fits[name]) for name in names],
            "log_score": each.mean(axis=1),
            "standard_error": errors[0],
            "difference": behind.mean(axis=1),
            "difference_error": errors[1],
        },
        index=pd.Index(names, name="candidate"),
    )
    near = table["difference"] + table["difference_error"] >= 0
    near.iloc[best] = True
    table["chosen"] = np.arange(len(names)) == int(np.argmax(near))
    return table
