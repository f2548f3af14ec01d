"""Overlap: could every row have been in every arm."""

from typing import Any

import numpy as np
import pandas as pd

from skcausal.utils._validation import n_rows_of
from skcausal.validation._balance import arm_codes, kish


def overlap_summary(
    propensity: Any, treatment: Any, *, control_arm: Any = None, extreme: float = 0.05
) -> pd.DataFrame:
    r"""Summarise how comparable the arms are, arm by arm.

    Parameters
    ----------
    propensity : array-like of shape (n,) or (n, n_arms)
        Probability of each row to be in each arm, control first and then the other
        labels in sorted order, as in ``nuisances_["propensity"][0]`` of a learner. With
        two arms the probability of the treated arm is enough. Predict it out of fold.
    treatment : array-like of shape (n,)
        Labels of the arms.
    control_arm : label, default=None
        Reference arm; needed for labels other than 0/1.
    extreme : float, default=0.05
        Probabilities below are called extreme, in (0, 0.5).

    Returns
    -------
    table : DataFrame
        Indexed by ``arm``, control first: ``n_rows`` of the arm; of its probability
        over all rows ``lowest``, ``mean`` and ``extreme_share`` (below ``extreme``);
        ``effective_size`` of its rows weighted by one over their probability, and
        ``effective_share``, the same per row.

    Raises
    ------
    ValueError
        If propensities are not probabilities, shapes differ, or a row has probability
        0 of the arm it is in.

    See Also
    --------
    PropensityDisplay : The distributions as a picture.

    Notes
    -----
    Assumes nothing beyond the propensity. Rows with a probability near 0 of some arm
    have hardly a counterpart there: averages over all rows lean on few, heavily
    weighted ones, which the effective size :math:`(\sum w)^2 / \sum w^2` shows. Ways
    out are the target "overlap", which weighs rows by :math:`e (1 - e)`, and trimming.

    References
    ----------
    Crump, R. K., Hotz, V. J., Imbens, G. W., & Mitnik, O. A. (2009). Dealing with
    limited overlap in estimation of average treatment effects. Biometrika, 96(1).
    https://doi.org/10.1093/biomet/asn055

    Examples
    --------
    >>> from skcausal.validation import overlap_summary
    >>> table = overlap_summary([0.5, 0.5, 0.5, 0.02], [0, 1, 1, 0])
    >>> table[["n_rows", "extreme_share", "effective_size"]].round(2)
         n_rows  extreme_share  effective_size
    arm
    0         2           0.00            1.81
    1         2           0.25            2.00
    """
    owner = "overlap_summary"
    if not 0 < extreme < 0.5:
        raise ValueError(
            f"{owner}: extreme must lie strictly between 0 and 0.5, got {extreme!r}."
        )
    table, codes, arms = arm_propensities(propensity, treatment, control_arm, owner)
    own = table[np.arange(len(codes)), codes]
    if (own <= 0).any():
        raise ValueError(
            f"{owner}: {int((own <= 0).sum())} rows have probability 0 of the arm they "
            "are in. Estimate the propensity again, or trim these rows."
        )
    counts = np.bincount(codes, minlength=len(arms))
    sizes = np.array([kish(1 / own[codes == code]) for code in range(len(arms))])
    columns = {
        "n_rows": counts,
        "lowest": table.min(axis=0),
        "mean": table.mean(axis=0),
        "extreme_share": (table < extreme).mean(axis=0),
        "effective_size": sizes,
        "effective_share": sizes / counts,
    }
    return pd.DataFrame(columns, index=pd.Index(arms.tolist(), name="arm"))


def arm_propensities(
    propensity: Any, treatment: Any, control_arm: Any, owner: str
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return propensities (n, n_arms), arm codes and labels, control first."""
    values = np.asarray(propensity, dtype=float)
    if values.ndim not in (1, 2):
        raise ValueError(
            f"{owner}: propensity must have shape (n,) or (n, n_arms), got "
            f"{values.shape}."
        )
    codes, arms = arm_codes(treatment, control_arm, n_rows_of(values), owner)
    if values.ndim == 1:
        values = np.column_stack([1 - values, values])
    if values.shape[1] != len(arms):
        raise ValueError(
            f"{owner}: propensity has {values.shape[1]} columns for {len(arms)} arms "
            f"({arms.tolist()}). Pass one column per arm, control first."
        )
    inside = np.isfinite(values).all() and (values >= 0).all() and (values <= 1).all()
    if not inside or not np.allclose(values.sum(axis=1), 1.0, atol=1e-6):
        raise ValueError(
            f"{owner}: propensity must hold probabilities that sum to 1 over the arms, "
            f"got values from {np.min(values):.3g} to {np.max(values):.3g}."
        )
    return values, codes, arms
