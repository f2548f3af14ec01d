"""Do effects differ between rows? Tests on effects predicted for held-out rows."""

from typing import Any

import numpy as np
import pandas as pd

from skcausal.inference import (
    EffectEstimate,
    best_linear_predictor,
    group_effects,
)
from skcausal.inference._bootstrap import normal_quantile
from skcausal.utils._validation import check_groups, check_weights, n_rows_of
from skcausal.validation._covariates import Covariates, covariates_of
from skcausal.validation._deciles import bin_contents, check_n_bins, effect_bins
from skcausal.validation._ranking import ScoredRows, check_vector, resolve_rows

DIFFERENCE, AVERAGE = "difference", "average"


def blp_test(
    effects: Any,
    y: Any = None,
    treatment: Any = None,
    *,
    scores: Any = None,
    propensity: Any = None,
    sample_weight: Any = None,
    groups: Any = None,
) -> EffectEstimate:
    r"""Test for heterogeneity by the best linear predictor of the effects.

    Parameters
    ----------
    effects : array-like of shape (n,)
        Predicted effects of rows that neither fitting nor selection saw.
    y : array-like of shape (n,), default=None
        Outcome of a randomised design.
    treatment : array-like of shape (n,), default=None
        Treatment of a randomised design, 0 or 1.
    scores : array-like of shape (n,), default=None
        Doubly robust effect scores; for observational data, instead of ``y`` and
        ``treatment``.
    propensity : float or array-like of shape (n,), default=None
        Known probability of treatment, with ``y`` and ``treatment``. Default: the
        treated share.
    sample_weight : array-like of shape (n,), default=None
        Non-negative weights of the rows.
    groups : array-like of shape (n,), default=None
        Cluster labels for the standard errors.

    Returns
    -------
    estimate : EffectEstimate
        "average", the average effect in the units of ``y``, and "heterogeneity", the
        loading on the predicted effects. The p-value of the loading tests that
        predictions say nothing about effects (two-sided).

    Raises
    ------
    ValueError
        If all effects are equal, or as :func:`qini_curve`.

    See Also
    --------
    heterogeneity_analysis : The same over many sample splits.

    Notes
    -----
    Assumes that scores are conditionally unbiased for the effect, as
    :func:`qini_curve` explains. Scores s are regressed on the predictions,

    .. math:: s_i = \beta_1 + \beta_2 (\hat\tau_i - \bar\tau) + \epsilon_i ,

    so that :math:`\beta_2 = \mathrm{Cov}(\tau, \hat\tau) / \mathrm{Var}(\hat\tau)`: 1
    for effects of the right size, smaller if they exaggerate differences between rows,
    0 without heterogeneity or if it was not found. Standard errors are those of the
    jackknife (HC3).

    References
    ----------
    Chernozhukov, V., Demirer, M., Duflo, E., & Fernandez-Val, I. (2025). Fisher-Schultz
    lecture: Generic machine learning inference on heterogeneous treatment effects in
    randomized experiments. Econometrica, section 2. arXiv:1712.04802.

    Examples
    --------
    >>> import numpy as np
    >>> from skcausal.validation import blp_test
    >>> effects = np.linspace(0, 1, 400)
    >>> scores = effects + np.random.default_rng(0).normal(size=400)
    >>> blp_test(effects, scores=scores).summary().round(2)["estimate"].to_dict()
    {'average': 0.46, 'heterogeneity': 0.82}
    """
    rows = resolve_rows(
        "blp_test", effects, y, treatment, scores, propensity, sample_weight, groups
    )
    return best_linear_predictor(
        rows.scores, rows.effects, weights=rows.weights, groups=rows.groups
    )


def gates(
    effects: Any,
    y: Any = None,
    treatment: Any = None,
    *,
    scores: Any = None,
    propensity: Any = None,
    sample_weight: Any = None,
    groups: Any = None,
    n_groups: int = 5,
    level: float = 0.95,
    monotone: bool = False,
) -> pd.DataFrame:
    r"""Compute sorted group average treatment effects with simultaneous intervals.

    Parameters
    ----------
    effects : array-like of shape (n,)
        Predicted effects of rows that neither fitting nor selection saw.
    y : array-like of shape (n,), default=None
        Outcome of a randomised design.
    treatment : array-like of shape (n,), default=None
        Treatment of a randomised design, 0 or 1.
    scores : array-like of shape (n,), default=None
        Doubly robust effect scores; for observational data, instead of ``y`` and
        ``treatment``.
    propensity : float or array-like of shape (n,), default=None
        Known probability of treatment, with ``y`` and ``treatment``. Default: the
        treated share.
    sample_weight : array-like of shape (n,), default=None
        Non-negative weights of the rows.
    groups : array-like of shape (n,), default=None
        Cluster labels for the standard errors.
    n_groups : int, default=5
        Number of groups of equal (weighted) share; tied rows stay together.
    level : float, default=0.95
        Coverage of all groups together; of "difference" and "average" each.
    monotone : bool, default=False
        Rearrange estimates and bounds so that they fall from group to group. Right if
        the predictions sort the rows correctly on average; otherwise it hides that
        they do not.

    Returns
    -------
    table : DataFrame
        Indexed by ``group``: 1, ..., K with 1 = largest predicted effects, then
        "difference" (group 1 less group K) and "average" (all rows). Columns
        ``estimate, standard_error, lower, upper`` in the units of ``y``; ``p_value``
        of no effect (two-sided, each on its own); ``predicted`` (mean predicted
        effect), ``share`` of the (weighted) rows and ``n_rows``.

    Raises
    ------
    ValueError
        If ``n_groups`` is below 2 or ``level`` not inside (0, 1), or as
        :func:`qini_curve`.

    See Also
    --------
    uplift_by_decile : The same groups with intervals for each on its own.
    clan : Who is in the first and the last group.

    Notes
    -----
    Assumes that scores are conditionally unbiased for the effect, as
    :func:`qini_curve` explains. Group k has the mean score
    :math:`\hat\gamma_k`, see :func:`~skcausal.inference.group_effects`. Intervals of
    the K groups have the level :math:`\text{level}^{1/K}` each (Sidak 1967): they hold
    together, exactly for independent groups and conservatively for clusters that span
    several. Rearranged intervals keep that coverage if the true effects are sorted.
    Tied rows go to the group of their middle rank, so there may be fewer groups than
    asked for; with a single one the difference is NaN and its interval the whole line.

    References
    ----------
    Chernozhukov, V., Demirer, M., Duflo, E., & Fernandez-Val, I. (2025). Fisher-Schultz
    lecture: Generic machine learning inference on heterogeneous treatment effects in
    randomized experiments. Econometrica, section 2. arXiv:1712.04802.

    Sidak, Z. (1967). Rectangular confidence regions for the means of multivariate
    normal distributions. Journal of the American Statistical Association, 62(318).
    https://doi.org/10.1080/01621459.1967.10482935

    Examples
    --------
    >>> from skcausal.validation import gates
    >>> table = gates([3, 2, 1, 0], scores=[4.0, 2.0, 0.0, -2.0], n_groups=2)
    >>> table[["estimate", "standard_error", "predicted"]].round(2)
                estimate  standard_error  predicted
    group
    1                3.0            1.00        2.5
    2               -1.0            1.00        0.5
    difference       4.0            1.41        2.0
    average          1.0            1.29        1.5
    """
    owner = "gates"
    rows = resolve_rows(
        owner, effects, y, treatment, scores, propensity, sample_weight, groups
    )
    return gates_of(rows.weighted(), check_n_groups(n_groups, owner), level, monotone)


def check_n_groups(n_groups: Any, owner: str) -> int:
    """Return a number of groups of at least two as an integer."""
    number = check_n_bins(n_groups, owner, "n_groups")
    if number < 2:
        raise ValueError(
            f"{owner}: n_groups must be at least 2, got {n_groups!r}. Use for example "
            "n_groups=5."
        )
    return number


def gates_of(
    rows: ScoredRows, n_groups: int, level: float, monotone: bool = False
) -> pd.DataFrame:
    """Return the table of gates for checked rows of positive weight."""
    normal_quantile(level, "gates")
    bins = effect_bins(rows.effects, rows.weights, n_groups)
    options: dict[str, Any] = {"weights": rows.weights, "groups": rows.groups}
    found = group_effects(rows.scores, bins, **options)
    overall = group_effects(rows.scores, np.zeros(len(bins)), **options)
    lines = lines_of(found, level ** (1 / len(found.labels)))
    if monotone:
        moved = [COLUMNS.index(name) for name in ("estimate", "lower", "upper")]
        lines[:, moved] = -np.sort(-lines[:, moved], axis=0)
    lines = np.vstack([lines, _difference(found, level), lines_of(overall, level)])
    labels = [*found.labels, DIFFERENCE, AVERAGE]
    table = pd.DataFrame(lines, index=pd.Index(labels, dtype=object), columns=COLUMNS)
    contents = bin_contents(rows.effects, rows.weights, bins)
    predicted, counts = contents["predicted"].to_numpy(), contents["n_rows"].to_numpy()
    mean = np.average(rows.effects, weights=rows.weights)
    compared = counts[[0, -1]].sum() if len(counts) > 1 else counts[0]
    table["predicted"] = [*predicted, predicted[0] - predicted[-1], mean]
    table["share"] = [*contents["share"], np.nan, 1.0]
    table["n_rows"] = [*counts, compared, len(bins)]
    return table.rename_axis("group")


COLUMNS = ["estimate", "standard_error", "lower", "upper", "p_value"]
NOTHING_LEARNT = (np.nan, np.nan, -np.inf, np.inf, 1.0)


def lines_of(estimate: EffectEstimate, level: float) -> np.ndarray:
    """Return the summary of an estimate as numbers, shape (n_effects, 5)."""
    parts = (estimate.value, estimate.standard_error, *estimate.interval(level))
    return np.column_stack([np.atleast_1d(x) for x in (*parts, estimate.p_value)])


def _difference(found: EffectEstimate, level: float) -> np.ndarray:
    """Return the summary of the first label less the last; empty for a single one."""
    if len(found.labels) == 1:
        return np.array([NOTHING_LEARNT])
    return lines_of(found[found.labels[0]] - found[found.labels[-1]], level)


def clan(
    effects: Any,
    X: Any,
    *,
    sample_weight: Any = None,
    groups: Any = None,
    n_groups: int = 5,
    level: float = 0.95,
) -> pd.DataFrame:
    r"""Compare the covariates of the most and the least affected rows.

    Parameters
    ----------
    effects : array-like of shape (n,)
        Predicted effects of rows that neither fitting nor selection saw.
    X : array-like or DataFrame of shape (n, n_features)
        Covariates of the same rows, numbers or categories; they need not be those of
        the learner.
    sample_weight : array-like of shape (n,), default=None
        Non-negative weights of the rows.
    groups : array-like of shape (n,), default=None
        Cluster labels for the standard errors.
    n_groups : int, default=5
        The most and the least affected are the first and the last of this number of
        groups of the predicted effect, those of :func:`gates`.
    level : float, default=0.95
        Coverage of each interval.

    Returns
    -------
    table : DataFrame
        Indexed by ``covariate``: numbers by name, categories as shares of their
        levels (beyond the 20 most frequent ones together), missing values as a share.
        Columns in the units of the covariate: ``most``, ``least`` (means),
        ``difference``, ``standard_error``, ``lower``, ``upper``, ``deviation``
        (standard deviation over all rows); and ``p_value`` (two-sided, each on its
        own).

    Raises
    ------
    ValueError
        If ``n_groups`` is below 2, ``level`` not inside (0, 1), or X has other rows.

    See Also
    --------
    gates : How much the groups are affected.

    Notes
    -----
    Assumes nothing about treatment and outcome: the table describes which rows the
    learner calls most affected. Whether they are, :func:`gates` says. With means
    :math:`\bar x_1, \bar x_K` of a covariate in the first and last group the
    difference :math:`\bar x_1 - \bar x_K` has the variance
    :math:`s_1^2 / n_1 + s_K^2 / n_K`, with sums over clusters if there are any. Rows
    where the covariate is missing are left out of its means. With many covariates some
    p-values are small by chance: adjust them for their number.

    References
    ----------
    Chernozhukov, V., Demirer, M., Duflo, E., & Fernandez-Val, I. (2025). Fisher-Schultz
    lecture: Generic machine learning inference on heterogeneous treatment effects in
    randomized experiments. Econometrica, section 2. arXiv:1712.04802.

    Examples
    --------
    >>> import pandas as pd
    >>> from skcausal.validation import clan
    >>> X = pd.DataFrame({"age": [60, 50, 30, 20], "member": [1, 0, 1, 0]})
    >>> clan([3, 2, 1, 0], X, n_groups=2)[["most", "least", "difference"]]
               most  least  difference
    covariate
    age        55.0   25.0        30.0
    member      0.5    0.5         0.0
    """
    owner = "clan"
    covariates = covariates_of(X, owner)
    effects = check_vector(effects, "effects", owner, n_rows_of(covariates.values))
    checked = check_weights(sample_weight, len(effects), owner)
    weights = np.ones(len(effects)) if checked is None else checked
    codes = check_groups(groups, len(effects), owner)
    rows = ScoredRows(effects, effects, weights, codes)
    n_groups = check_n_groups(n_groups, owner)
    return clan_of(rows.weighted(), covariates.take(weights > 0), n_groups, level)


def clan_of(
    rows: ScoredRows, covariates: Covariates, n_groups: int, level: float
) -> pd.DataFrame:
    """Return the table of clan for checked rows of positive weight."""
    normal_quantile(level, "clan")
    bins = effect_bins(rows.effects, rows.weights, n_groups)
    extreme = np.isin(bins, (bins.min(), bins.max()))
    lines = [
        _compared(values, extreme, bins, rows, level) for values in covariates.values.T
    ]
    index = pd.Index(covariates.names, name="covariate")
    return pd.DataFrame(lines, index=index)


def _compared(
    values: np.ndarray,
    extreme: np.ndarray,
    bins: np.ndarray,
    rows: ScoredRows,
    level: float,
) -> dict[str, float]:
    """Return one line of clan."""
    known = np.isfinite(values)
    used = known & extreme
    codes = None if rows.groups is None else rows.groups[used]
    means = [_mean(values, used & (bins == b), rows) for b in (bins.min(), bins.max())]
    numbers = np.array(NOTHING_LEARNT)
    if len(np.unique(bins[used])) == 2:
        found = group_effects(
            values[used], bins[used], weights=rows.weights[used], groups=codes
        )
        numbers = _difference(found, level)[0]
    line = dict(zip(COLUMNS, numbers, strict=True))
    line = {
        "most": means[0],
        "least": means[1],
        DIFFERENCE: line.pop("estimate"),
    } | line
    centred = values - _mean(values, known, rows)
    variance = _mean(centred**2, known, rows)
    return {name: float(value) for name, value in line.items()} | {
        "deviation": float(np.sqrt(variance))
    }


def _mean(values: np.ndarray, chosen: np.ndarray, rows: ScoredRows) -> float:
    if not chosen.any():
        return float("nan")
    return float(np.average(values[chosen], weights=rows.weights[chosen]))
