"""Error rates of a classifier in each group, with intervals."""

import warnings
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import norm
from statsmodels.stats.proportion import proportion_confint

from skcausal.utils._validation import as_vector, refuse_missing

SMALL_GROUP = 50
_OWNER = "group_metrics"


class SmallGroupWarning(UserWarning):
    """A group has too few rows for what is said about it."""


def group_metrics(
    y: Any, predicted: Any, group: Any, *, level: float = 0.95
) -> pd.DataFrame:
    r"""Compare the error rates of a binary classifier between groups.

    Parameters
    ----------
    y : array-like of shape (n,)
        What happened: bool, or 0 and 1.
    predicted : array-like of shape (n,)
        What was predicted: bool, or 0 and 1.
    group : array-like of shape (n,)
        Group of each row.
    level : float, default=0.95
        Coverage of the intervals.

    Returns
    -------
    table : DataFrame
        A row for each group and one, "all", for all rows. Columns: ``n``,
        ``base_rate``, ``selection_rate``, ``false_positive_rate``,
        ``false_negative_rate``, ``positive_predictive_value``,
        ``negative_predictive_value``, ``accuracy`` and ``positive_likelihood_ratio``;
        for each but ``n`` also the ends of its interval, with ``_lower`` and ``_upper``
        behind. NaN where no row could count.

    Raises
    ------
    ValueError
        If values are not binary, lengths differ, or a group is missing or called
        "all".

    Warns
    -----
    SmallGroupWarning
        If a group has fewer than 50 rows.

    Notes
    -----
    Assumes that rows are independent. Intervals of shares are Wilson's; that of the
    positive likelihood ratio, the true positive rate over the false positive rate, is
    normal on the log scale.
    Where base rates differ, no classifier but a perfect one has equal predictive values
    and equal error rates: which of them ought to be equal is no statistical question.

    References
    ----------
    Wilson, E. B. (1927). Probable inference, the law of succession, and statistical
    inference. JASA, 22(158). https://doi.org/10.1080/01621459.1927.10502953
    Chouldechova, A. (2017). Fair prediction with disparate impact. Big Data, 5(2).
    https://doi.org/10.1089/big.2016.0047

    Examples
    --------
    >>> import numpy as np
    >>> from skcausal.fairness import group_metrics
    >>> y = np.tile([0, 0, 1, 1], 50)
    >>> predicted = np.tile([0, 1, 1, 1], 50)
    >>> group = np.repeat(["a", "b"], 100)
    >>> group_metrics(y, predicted, group)["false_positive_rate"].to_dict()
    {'a': 0.5, 'b': 0.5, 'all': 0.5}
    """
    if not 0 < level < 1:
        raise ValueError(f"{_OWNER}: level must be between 0 and 1, got {level!r}.")
    truth, choice, labels = _checked(y, predicted, group)
    groups = pd.unique(labels)
    counts = {name: _counts(truth, choice, labels == name) for name in in_order(groups)}
    warn_of_small(
        {name: int(sum(found)) for name, found in counts.items()}, _OWNER, "a rate"
    )
    counts["all"] = _counts(truth, choice, np.ones(len(truth), dtype=bool))
    table = pd.DataFrame(
        {name: _metrics(*found, level) for name, found in counts.items()}
    ).T
    table["n"] = table["n"].astype(int)
    return table.rename_axis("group")


def in_order(labels: Any) -> list[Any]:
    """Return labels in order, by their text where they do not compare."""
    try:
        return sorted(labels)
    except TypeError:
        return sorted(labels, key=str)


def warn_of_small(counts: dict[Any, int], owner: str, what: str) -> None:
    """Warn of groups with too few rows."""
    small = {name: n for name, n in counts.items() if n < SMALL_GROUP}
    if small:
        listed = ", ".join(f"{name} ({n})" for name, n in small.items())
        warnings.warn(
            f"{owner}: fewer than {SMALL_GROUP} rows in {listed}: too few for {what}. "
            "Join groups that belong together, or collect more rows.",
            SmallGroupWarning,
            stacklevel=3,
        )


def _checked(y: Any, predicted: Any, group: Any) -> tuple[Any, Any, Any]:
    truth, choice = _binary(y, "y"), _binary(predicted, "predicted")
    labels = as_vector(group, "group")
    refuse_missing(labels, "group", _OWNER)
    if not len(truth) == len(choice) == len(labels):
        raise ValueError(
            f"{_OWNER}: y, predicted and group must have the same length, got "
            f"{len(truth)}, {len(choice)} and {len(labels)}."
        )
    if not len(truth):
        raise ValueError(f"{_OWNER}: there must be at least one row, got none.")
    if (labels == "all").any():
        raise ValueError(
            f"{_OWNER}: no group may be called 'all', the name of the row for all. "
            "Rename it."
        )
    return truth, choice, labels


def _binary(values: Any, name: str) -> np.ndarray:
    array = as_vector(values, name)
    refuse_missing(array, name, _OWNER)
    if not np.isin(array, [0, 1]).all():
        wrong = next(value for value in array.tolist() if value not in (0, 1))
        raise ValueError(
            f"{_OWNER}: {name} must be bool, or 0 and 1, got {wrong!r}. Compare it "
            f"with the label that counts, such as {name} == 'yes'."
        )
    return array.astype(bool)


def _counts(truth: Any, choice: Any, rows: Any) -> tuple[int, int, int, int]:
    """Return true negatives, false positives, false negatives, true positives."""
    cells = 2 * truth[rows].astype(int) + choice[rows]
    return tuple(np.bincount(cells, minlength=4).tolist())


def _metrics(tn: int, fp: int, fn: int, tp: int, level: float) -> dict[str, float]:
    n = tn + fp + fn + tp
    shares = {
        "base_rate": (fn + tp, n),
        "selection_rate": (fp + tp, n),
        "false_positive_rate": (fp, fp + tn),
        "false_negative_rate": (fn, fn + tp),
        "positive_predictive_value": (tp, tp + fp),
        "negative_predictive_value": (tn, tn + fn),
        "accuracy": (tn + tp, n),
    }
    found: dict[str, float] = {"n": n}
    for name, (count, total) in shares.items():
        lower = upper = np.nan
        if total:
            interval = proportion_confint(count, total, 1 - level, method="wilson")
            lower, upper = map(float, interval)
        found[name] = count / total if total else np.nan
        found |= {f"{name}_lower": lower, f"{name}_upper": upper}
    return found | _likelihood_ratio(tn, fp, fn, tp, level)


def _likelihood_ratio(
    tn: int, fp: int, fn: int, tp: int, level: float
) -> dict[str, float]:
    name = "positive_likelihood_ratio"
    keys = (name, f"{name}_lower", f"{name}_upper")
    if not (fp and tp + fn):
        return dict.fromkeys(keys, np.nan)
    ratio = (tp / (tp + fn)) / (fp / (fp + tn))
    if not tp:
        return dict(zip(keys, (ratio, np.nan, np.nan), strict=True))
    error = np.sqrt(1 / tp - 1 / (tp + fn) + 1 / fp - 1 / (fp + tn))
    reach = float(np.exp(norm.ppf((1 + level) / 2) * error))
    return dict(zip(keys, (ratio, ratio / reach, ratio * reach), strict=True))
