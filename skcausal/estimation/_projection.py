"""Best linear projections of effects: from the moments of averages to an estimate."""

from typing import Any

import numpy as np

from skcausal.estimation._average import Moment, effect_label
from skcausal.estimation._data import CausalData
from skcausal.inference import EffectEstimate, best_linear_projection
from skcausal.utils._validation import is_pandas, is_polars, pandas_from_polars


def project(
    data: CausalData, moments: list[list[Moment]], features: Any, owner: str
) -> EffectEstimate:
    """Return the projection of each contrast, one block of coefficients after another.

    ``moments[repeat][contrast]`` is the pair (numerator, denominator) of each row.
    """
    columns, names = numeric_columns(features, data.n_rows, owner)
    repeats = [
        [
            best_linear_projection(
                numerator,
                columns,
                denominator=denominator,
                weights=data.weights,
                groups=data.groups,
                labels=names,
            )
            for numerator, denominator in contrasts
        ]
        for contrasts in moments
    ]
    labels = [
        effect_label(data, contrast, name)
        for contrast, one in enumerate(repeats[0], start=1)
        for name in one.labels
    ]
    return EffectEstimate(
        np.concatenate([np.hstack([one.values for one in row]) for row in repeats]),
        np.concatenate(
            [np.concatenate([one.influences for one in row], 2) for row in repeats]
        ),
        labels=tuple(labels),
        groups=data.groups,
        row_key=data.row_key,
        name="best linear projection",
    )


def numeric_columns(
    features: Any, n_rows: int, owner: str
) -> tuple[np.ndarray, tuple[Any, ...]]:
    """Return features as floats, and their names; refuse what is no number."""
    if is_polars(features):
        features = pandas_from_polars(features)
    if hasattr(features, "toarray"):
        features = features.toarray()
    names: tuple[Any, ...] = ()
    if is_pandas(features):
        names = tuple(features.columns)
        for name, dtype in features.dtypes.items():
            if str(dtype) == "category" or dtype.kind == "O":
                raise ValueError(
                    f"{owner}: feature {name!r} is a category or text, not a number. "
                    "Pass features=... without it, or with indicators "
                    "(pandas.get_dummies)."
                )
        features = features.to_numpy(dtype=float, na_value=np.nan)
    columns = np.asarray(features, dtype=float)
    if columns.ndim != 2 or columns.shape[0] != n_rows:
        raise ValueError(
            f"{owner}: features must be a table with one row for each of the {n_rows} "
            f"training rows, got shape {columns.shape}."
        )
    if np.isnan(columns).any():
        bad = np.flatnonzero(np.isnan(columns).any(axis=0))
        missing = [names[j] if names else int(j) for j in bad]
        raise ValueError(
            f"{owner}: features {missing} have missing values. Pass features=... "
            "without them, or impute."
        )
    return columns, names
