"""Balance: do the arms have the same covariates, before and after weighting."""

from typing import Any

import numpy as np
import pandas as pd

from skcausal.estimation._data import make_data
from skcausal.utils._target import TargetParts, check_treatment_values
from skcausal.utils._validation import check_weights
from skcausal.validation._covariates import Covariates, covariates_of


def balance_table(
    X: Any, treatment: Any, weights: Any = None, *, control_arm: Any = None
) -> pd.DataFrame:
    r"""Compare the covariates of each arm with control, before and after weighting.

    Parameters
    ----------
    X : array-like or DataFrame of shape (n, n_features)
        Covariates, numbers or categories.
    treatment : array-like of shape (n,)
        Labels of two or more arms.
    weights : array-like of shape (n,), default=None
        Weights that are to balance the arms, such as one over the propensity of the
        row's own arm. Default: only the comparison without weights.
    control_arm : label, default=None
        Reference arm; needed for labels other than 0/1.

    Returns
    -------
    table : DataFrame
        Indexed by ``covariate``, one line per covariate and arm but the control:
        numbers by name, categories as shares of their levels (beyond the 20 most
        frequent ones together), missing values as a share. Columns ``arm``;
        ``mean_control`` and ``mean_arm`` in the units of the covariate;
        ``difference`` of the means in pooled standard deviations; and
        ``variance_ratio`` of arm to control (NaN for indicators and constants). With
        weights the same four again as ``weighted_...``.

    Raises
    ------
    ValueError
        If the treatment has one arm, an arm has no weight, or shapes differ.

    See Also
    --------
    LovePlotDisplay : The differences as a picture.
    effective_sample_size : What the weights cost.

    Notes
    -----
    Assumes nothing: balance of what was measured says nothing about what was not. With
    (weighted) means :math:`\bar x_a` and variances :math:`s_a^2` of arm a and control 0

    .. math:: d = \frac{\bar x_a - \bar x_0}{\sqrt{(s_a^2 + s_0^2) / 2}}, \qquad
        r = s_a^2 / s_0^2 .

    The denominator of d is unweighted in both comparisons, so that differences before
    and after have one scale. Differences above 0.1 and ratios outside 0.5 to 2 are
    commonly called imbalanced. Weighted variances are
    :math:`\sum w (x - \bar x)^2 / (\sum w - \sum w^2 / \sum w)`. Rows where a
    covariate is missing are left out of its means and variances. A difference between
    two constants is infinite.

    References
    ----------
    Austin, P. C. (2009). Balance diagnostics for comparing the distribution of baseline
    covariates between treatment groups in propensity-score matched samples. Statistics
    in Medicine, 28(25). https://doi.org/10.1002/sim.3697

    Examples
    --------
    >>> import pandas as pd
    >>> from skcausal.validation import balance_table
    >>> X = pd.DataFrame({"age": [20.0, 40.0, 40.0, 60.0]})
    >>> table = balance_table(X, [0, 0, 1, 1], weights=[1, 3, 3, 1])
    >>> table[["mean_control", "difference", "weighted_difference"]].round(2)
               mean_control  difference  weighted_difference
    covariate
    age                30.0        1.41                 0.71
    """
    owner = "balance_table"
    covariates = covariates_of(X, owner)
    codes, arms = arm_codes(treatment, control_arm, covariates.values.shape[0], owner)
    weight = check_weights(weights, len(codes), owner, "weights")
    if weight is not None:
        _check_mass(weight, codes, arms, owner)
    binary = covariates.is_binary
    lines = []
    for code in range(1, len(arms)):
        table = pd.DataFrame({"arm": arms[code]}, index=range(len(covariates.names)))
        plain = _Moments.of(covariates, codes, code, None)
        columns = _compared(plain, plain.pooled, binary)
        if weight is not None:
            after = _Moments.of(covariates, codes, code, weight)
            compared = _compared(after, plain.pooled, binary)
            columns |= {f"weighted_{name}": v for name, v in compared.items()}
        lines.append(table.assign(**columns, covariate=covariates.names))
    joined = pd.concat(lines, ignore_index=True)
    order = np.argsort(
        np.tile(np.arange(len(covariates.names)), len(lines)), kind="stable"
    )
    return joined.iloc[order].set_index("covariate")


def effective_sample_size(weights: Any) -> float:
    r"""Return how many equally weighted rows would be worth as much.

    Parameters
    ----------
    weights : array-like of shape (n,)
        Non-negative weights of the rows of one arm, or of any sample.

    Returns
    -------
    size : float
        Between 1 and n; n if all weights are equal.

    Raises
    ------
    ValueError
        If weights are negative, not finite or all zero.

    Notes
    -----
    Assumes outcomes of equal variance that do not depend on the weights: then the
    weighted mean has the variance of a plain mean of
    :math:`(\sum_i w_i)^2 / \sum_i w_i^2` rows.

    References
    ----------
    Kish, L. (1965). Survey sampling. Wiley, section 11.7.

    Examples
    --------
    >>> from skcausal.validation import effective_sample_size
    >>> effective_sample_size([1, 1, 1, 1])
    4.0
    >>> round(effective_sample_size([3, 1, 0, 0]), 2)
    1.6
    """
    values = np.asarray(weights, dtype=float)
    checked = check_weights(
        values,
        values.shape[0] if values.ndim else 1,
        "effective_sample_size",
        "weights",
    )
    return kish(np.asarray(checked))


def kish(weights: np.ndarray) -> float:
    """Return the effective sample size of checked weights."""
    scaled = weights / weights.max()
    return float(scaled.sum() ** 2 / (scaled @ scaled))


def arm_codes(
    treatment: Any, control_arm: Any, n_rows: int, owner: str
) -> tuple[np.ndarray, np.ndarray]:
    """Return the code of each row's arm and the labels, control first."""
    labels = check_treatment_values(treatment, owner)
    if len(labels) != n_rows:
        raise ValueError(
            f"{owner}: treatment must have one label for each of the {n_rows} rows, "
            f"got {len(labels)}."
        )
    parts = TargetParts(outcome=np.zeros(n_rows), treatment=labels)
    rows = np.zeros((n_rows, 1))
    data = make_data(rows, parts, owner=owner, control_arm=control_arm)
    if data.arms is None:
        raise ValueError(
            f"{owner}: treatment is continuous ({len(np.unique(labels))} levels); arms "
            "are needed. Cut it into levels."
        )
    return data.treatment, data.arms


def _check_mass(
    weight: np.ndarray, codes: np.ndarray, arms: np.ndarray, owner: str
) -> None:
    empty = arms[np.bincount(codes, weights=weight, minlength=len(arms)) == 0].tolist()
    if empty:
        raise ValueError(
            f"{owner}: weights are zero for all rows of {empty}; every arm needs rows "
            "of positive weight."
        )


class _Moments:
    """Means and variances of all columns in an arm and in control."""

    def __init__(self, means: list[np.ndarray], variances: list[np.ndarray]) -> None:
        self.control_mean, self.mean = means
        self.control_variance, self.variance = variances

    @classmethod
    def of(
        cls,
        covariates: Covariates,
        codes: np.ndarray,
        code: int,
        weight: np.ndarray | None,
    ) -> "_Moments":
        """Compute them from rows where the covariate is known."""
        means, variances = [], []
        for chosen in (codes == 0, codes == code):
            values = covariates.values[chosen]
            w = np.ones(len(values)) if weight is None else weight[chosen]
            mean, variance = _mean_and_variance(values, w)
            means.append(mean)
            variances.append(variance)
        return cls(means, variances)

    @property
    def pooled(self) -> np.ndarray:
        """Standard deviation, from the mean of both variances."""
        return np.sqrt((self.variance + self.control_variance) / 2)


def _mean_and_variance(
    values: np.ndarray, weight: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return weighted means and unbiased variances of columns with NaN."""
    known = np.isfinite(values)
    w = weight[:, None] * known
    filled = np.where(known, values, 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        total = w.sum(axis=0)
        mean = (w * filled).sum(axis=0) / total
        squares = (w * (filled - mean) ** 2).sum(axis=0)
        variance = squares / (total - (w**2).sum(axis=0) / total)
    return mean, variance


def _compared(
    moments: _Moments, spread: np.ndarray, binary: np.ndarray
) -> dict[str, np.ndarray]:
    """Return means, standardised differences and ratios of variances."""
    gap = moments.mean - moments.control_mean
    with np.errstate(divide="ignore", invalid="ignore"):
        difference = np.where(gap == 0, 0.0, gap / spread)
        ratio = moments.variance / moments.control_variance
    undefined = binary | ~np.isfinite(ratio)
    return {
        "mean_control": moments.control_mean,
        "mean_arm": moments.mean,
        "difference": difference,
        "variance_ratio": np.where(undefined, np.nan, ratio),
    }
