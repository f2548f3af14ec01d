"""Decompose a gap between groups under a structural model."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import clone

from skcausal.fairness._disparity_result import (
    LABELS,
    MEANS,
    DisparityDecomposition,
    effects_of,
)
from skcausal.fairness._group_metrics import warn_of_small
from skcausal.fairness._path_worlds import (
    Question,
    check_sensitive,
    response_of,
    rows_of,
)
from skcausal.inference import BootstrapEstimate, EffectEstimate
from skcausal.inference._bootstrap import generator_of, half_sample_replicates
from skcausal.structural._couplings import in_own_coupling
from skcausal.structural._inputs import check_count


def decompose_disparity(
    model: Any,
    frame: Any,
    sensitive: Any,
    outcome: Any,
    *,
    reference: Any,
    compared: Any,
    predictor: Any = None,
    features: Any = None,
    response: str = "probability",
    given: Mapping[Any, Any] | None = None,
    n_draws: int = 1,
    n_bootstrap: int | None = None,
    random_state: Any = None,
) -> DisparityDecomposition:
    r"""Tell how much of a gap between groups is direct, indirect and spurious.

    Parameters
    ----------
    model : StructuralModel or AdditiveNoiseModel
        A fitted structural model with the sensitive attribute and the outcome.
    frame : DataFrame of shape (n, n_columns)
        Rows, with a value for each node.
    sensitive : node
        The sensitive attribute.
    outcome : node
        A number, or True and False. With a predictor, what it predicts.
    reference, compared : level
        The two groups; effects are compared less reference.
    predictor : estimator or callable, default=None
        Decompose what it says about rows instead of the outcome: a fitted scikit-learn
        model, or a function from a DataFrame to an array.
    features : sequence of node, default=None
        Its columns, in order. None takes its ``feature_names_in_``.
    response : {"probability", "decision"}, default="probability"
        What a classifier says: the probability of its last class, or 1 for the last
        class and 0 for others.
    given : dict of node to value, default=None
        Keep rows with these values only, and hold the nodes at them.
    n_draws : int, default=1
        Draws of the noise of categories per row, averaged.
    n_bootstrap : int, default=None
        Refit the model on so many random halves of the rows, so that intervals know of
        errors of the model. None takes the model as known: intervals are about rows.
    random_state : int, Generator, RandomState or None, default=None
        Seed.

    Returns
    -------
    DisparityDecomposition
        Effects with intervals.

    Raises
    ------
    TypeError
        If the model is none.
    ValueError
        If a group has no rows, or a feature is no node.

    Warns
    -----
    SmallGroupWarning
        If a group has fewer than 50 rows.

    Notes
    -----
    Assumes that the model is right. The rows are replayed with their own noise, so that
    all worlds are about the same people: :math:`E(Y_{a' W_a} \mid a)` is the mean over
    rows of group a of the outcome under a', with everything between at what it was
    under a. Confounders keep their joint distribution with the sensitive attribute
    because the rows do. For a prediction, everything between is all that the
    sensitive attribute moves.

    References
    ----------
    Zhang, J., & Bareinboim, E. (2018). Fairness in decision-making: the causal
    explanation formula. AAAI. https://doi.org/10.1609/aaai.v32i1.11564

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> from sklearn.linear_model import LinearRegression
    >>> from skcausal.fairness import decompose_disparity
    >>> from skcausal.graphs import CausalGraph
    >>> from skcausal.structural import AdditiveNoiseModel
    >>> rng = np.random.default_rng(0)
    >>> a = rng.integers(2, size=500).astype(float)
    >>> w = a + rng.normal(size=500)
    >>> frame = pd.DataFrame({"a": a, "w": w, "y": 2 * a + 3 * w})
    >>> graph = CausalGraph([("a", "w"), ("w", "y"), ("a", "y")])
    >>> model = AdditiveNoiseModel(graph, regressor=LinearRegression()).fit(frame)
    >>> found = decompose_disparity(model, frame, "a", "y", reference=0, compared=1)
    >>> round(found["direct"], 6)
    2.0
    """
    owner = "decompose_disparity"
    check_sensitive(model, sensitive, (reference, compared), owner)
    question = Question(
        model,
        sensitive,
        outcome,
        (reference, compared),
        response_of(model, predictor, features, response, owner),
        dict(given or {}),
    )
    _check(question, n_draws, n_bootstrap, owner)
    return _decomposed(question, frame, (n_draws, n_bootstrap, random_state), owner)


def decompose_error_rates(
    model: Any,
    frame: Any,
    sensitive: Any,
    outcome: Any,
    predictor: Any,
    *,
    reference: Any,
    compared: Any,
    positive: Any = 1,
    negative: Any = 0,
    features: Any = None,
    n_draws: int = 1,
    n_bootstrap: int | None = None,
    random_state: Any = None,
) -> dict[str, DisparityDecomposition]:
    r"""Tell how much of a gap in error rates is direct, indirect and spurious.

    Parameters
    ----------
    model : StructuralModel or AdditiveNoiseModel
        A fitted structural model with the sensitive attribute and the outcome.
    frame : DataFrame of shape (n, n_columns)
        Rows, with a value for each node.
    sensitive, outcome : node
        The sensitive attribute, and the truth that is predicted.
    predictor : estimator or callable
        A fitted classifier, whose last class is the positive one, or a function from a
        DataFrame to 0 and 1.
    reference, compared : level
        The two groups; effects are compared less reference.
    positive, negative : level, default=1 and 0
        Values of the outcome among whose rows decisions are wrong if they are
        negative, and if they are positive.
    features : sequence of node, default=None
        Columns of the predictor, in order. None takes its ``feature_names_in_``.
    n_draws : int, default=1
        Draws of the noise of categories per row, averaged.
    n_bootstrap : int, default=None
        Random halves on which the model is refitted; None takes it as known.
    random_state : int, Generator, RandomState or None, default=None
        Seed.

    Returns
    -------
    dict of str to DisparityDecomposition
        ``"false positive rate"`` and ``"false negative rate"``.

    Raises
    ------
    ValueError
        If a group has no rows with one of the outcomes.

    Warns
    -----
    SmallGroupWarning
        If a group has fewer than 50 rows with one of the outcomes.

    Notes
    -----
    Assumes that the model is right. Rows are those with the outcome in question, which
    is held where the sensitive attribute is set, so that what it decides stays: with
    the prediction :math:`\hat y` and the outcome y the direct effect is
    :math:`E(\hat y_{a' y W_{a y}} - \hat y_{a y} \mid a, y)`.

    References
    ----------
    Zhang, J., & Bareinboim, E. (2018). Equality of opportunity in classification: a
    causal approach. NeurIPS 31.
    https://papers.nips.cc/paper/7625-equality-of-opportunity-in-classification

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> from sklearn.linear_model import LinearRegression
    >>> from skcausal.fairness import decompose_error_rates
    >>> from skcausal.graphs import CausalGraph
    >>> from skcausal.structural import AdditiveNoiseModel
    >>> rng = np.random.default_rng(0)
    >>> a = rng.integers(2, size=500).astype(float)
    >>> w = a + rng.normal(size=500)
    >>> y = (w + rng.normal(size=500) > 0.5).astype(int)
    >>> frame = pd.DataFrame({"a": a, "w": w, "y": y})
    >>> graph = CausalGraph([("a", "w"), ("w", "y")])
    >>> model = AdditiveNoiseModel(graph, regressor=LinearRegression()).fit(frame)
    >>> rates = decompose_error_rates(
    ...     model, frame, "a", "y", lambda rows: rows["w"] > 0.5, features=["w"],
    ...     reference=0, compared=1,
    ... )
    >>> rates["false positive rate"]["direct"]
    0.0
    """
    owner = "decompose_error_rates"
    check_sensitive(model, sensitive, (reference, compared), owner)
    response = response_of(model, predictor, features, "decision", owner)
    if response is None:
        raise ValueError(f"{owner}: predictor must be a classifier, got None.")
    levels = (reference, compared)
    question = Question(model, sensitive, outcome, levels, response)
    _check(question, n_draws, n_bootstrap, owner)
    options = (n_draws, n_bootstrap, random_state)
    held = {
        "false positive rate": replace(question, held={outcome: negative}),
        "false negative rate": replace(
            question, held={outcome: positive}, complement=True
        ),
    }
    return {
        name: _decomposed(one, frame, options, owner, name)
        for name, one in held.items()
    }


def _check(question: Question, n_draws: int, n_bootstrap: Any, owner: str) -> None:
    """Refuse an outcome that is no number, and counts that are none."""
    graph, outcome = question.model.graph, question.outcome
    for node in (outcome, *question.held):
        if node not in graph:
            raise ValueError(f"{owner}: {node!r} is not a node of the model.")
    if question.response is None and isinstance(
        question.model.dtypes_[outcome], pd.CategoricalDtype
    ):
        raise ValueError(
            f"{owner}: outcome {outcome!r} holds categories; a number is needed. Make "
            "it 0 and 1 for the category of interest."
        )
    check_count(n_draws, "n_draws", owner, least=1)
    if n_bootstrap is not None:
        check_count(n_bootstrap, "n_bootstrap", owner, least=2)


def _decomposed(
    question: Question,
    frame: Any,
    options: tuple[int, int | None, Any],
    owner: str,
    name: str | None = None,
) -> DisparityDecomposition:
    n_draws, n_bootstrap, random_state = options
    random = generator_of(random_state)
    table = question.model.known(frame, owner=owner)
    means, influence = _means(question, table, n_draws, random, owner)
    _warn(question, table, owner)
    estimate: EffectEstimate | BootstrapEstimate = EffectEstimate(
        effects_of(means)[None], effects_of(influence)[None], labels=LABELS
    )
    if n_bootstrap is not None:

        def statistic(rows: np.ndarray) -> np.ndarray:
            half = table.iloc[rows].reset_index(drop=True)
            refitted = replace(question, model=clone(question.model).fit(half))
            return effects_of(_means(refitted, half, n_draws, random, owner)[0])

        draws = half_sample_replicates(
            statistic, len(table), n_bootstrap=n_bootstrap, random_state=random
        )
        estimate = BootstrapEstimate(effects_of(means), draws)
    asked = question.outcome
    if question.response is not None:
        asked = f"prediction of {question.outcome}"
    reference, compared = question.levels
    return DisparityDecomposition(
        estimate, question.sensitive, str(name or asked), reference, compared
    )


def _warn(question: Question, table: pd.DataFrame, owner: str) -> None:
    """Warn if one of the groups is small, among rows that are kept."""
    kept = np.ones(len(table), dtype=bool)
    for node, value in question.held.items():
        kept &= (table[node] == value).to_numpy()
    column = table[question.sensitive][kept]
    counts = {level: int((column == level).sum()) for level in question.levels}
    warn_of_small(counts, owner, "parts of their gap")


def _means(
    question: Question,
    table: pd.DataFrame,
    n_draws: int,
    random: np.random.Generator,
    owner: str,
) -> tuple[np.ndarray, np.ndarray]:
    """Return means in the order of ``MEANS``, and the influence of each row."""
    question = replace(question, model=in_own_coupling(question.model))
    kept = np.ones(len(table), dtype=bool)
    for node, value in question.held.items():
        kept &= rows_of(table[node], value, "given", owner)
    table = table[kept]
    column = table[question.sensitive]
    names = ("reference", "compared")
    groups: dict[int | None, np.ndarray] = {None: np.ones(len(table), dtype=bool)}
    for k, (level, name) in enumerate(zip(question.levels, names, strict=True)):
        groups[k] = rows_of(column, level, name, owner)
    worlds = dict.fromkeys({mean[:2] for mean in MEANS}, np.zeros(len(table)))
    for _ in range(n_draws):
        noise = question.model.noise(table, random_state=random)
        for world in worlds:
            drawn = question.outcomes(noise, *world) / n_draws
            worlds[world] = worlds[world] + drawn
    means, influences = [], []
    for direct, through, group in MEANS:
        own, values = groups[group], worlds[direct, through]
        means.append(values[own].mean())
        influences.append(own * (values - means[-1]) / own.mean())
    spread = np.zeros((len(kept), len(MEANS)))
    spread[kept] = np.column_stack(influences) * len(kept) / kept.sum()
    return np.array(means), spread
