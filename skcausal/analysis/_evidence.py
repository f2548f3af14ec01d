"""Who gains: curves, tests and drivers of one contrast on the evaluation rows."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from skcausal.analysis._numbers import threshold
from skcausal.analysis._result import Curve, Driver, Estimate, GroupEffect
from skcausal.inference import half_sample_replicates
from skcausal.validation import qini_curve, rate_score, toc_curve

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

_Z = float(stats.norm.ppf(0.975))
_GRID = np.linspace(0.01, 1.0, 100)
_DRIVER_ROWS = 4000
_DRIVER_REPEATS = 3
_MOST_PARTS = 4


def mean_estimate(scores: FloatArray) -> Estimate:
    """Return the mean of independent scores with its 95 % interval."""
    if len(scores) < 2:
        return Estimate(*[float("nan")] * 4)
    value = float(scores.mean())
    error = float(scores.std(ddof=1) / np.sqrt(len(scores)))
    return normal_estimate(value, error)


def normal_estimate(value: float, error: float) -> Estimate:
    """Return an estimate with its normal 95 % interval and p-value."""
    p = float(2 * stats.norm.sf(abs(value) / error)) if error > 0 else float("nan")
    return Estimate(value, error, value - _Z * error, value + _Z * error, p)


def curve(
    compute: Callable[..., tuple[FloatArray, FloatArray]],
    effects: FloatArray,
    scores: FloatArray,
    random_state: int,
) -> Curve:
    """Compute a curve on a grid, with pointwise intervals from half-samples."""
    order = np.argsort(-effects, kind="stable")
    effects, scores = effects[order], scores[order]

    def on_grid(rows: Any) -> FloatArray:
        share, value = compute(effects[rows], scores=scores[rows])
        return np.interp(_GRID, share, value)

    value = on_grid(slice(None))
    replicates = half_sample_replicates(
        on_grid, len(scores), n_bootstrap=200, random_state=random_state
    )
    half = _Z * np.std(replicates, axis=0, ddof=1)
    return Curve(
        share=tuple(_GRID.tolist()),
        value=tuple(value.tolist()),
        lower=tuple((value - half).tolist()),
        upper=tuple((value + half).tolist()),
    )


def gain_and_toc(
    effects: FloatArray, scores: FloatArray, random_state: int
) -> tuple[Curve, Curve]:
    """Return the gain (Qini) curve and the TOC."""
    return (
        curve(qini_curve, effects, scores, random_state),
        curve(toc_curve, effects, scores, random_state),
    )


def rate(
    effects: FloatArray, scores: FloatArray, weighting: str, random_state: int
) -> Estimate:
    """Return AUTOC or the Qini coefficient with interval and p-value."""
    found = rate_score(
        effects, scores=scores, weighting=weighting, random_state=random_state
    )
    estimate = normal_estimate(float(found.value), float(found.standard_error))
    if estimate.standard_error == 0:  # a constant effect ranks nothing
        return Estimate(0.0, 0.0, 0.0, 0.0, 1.0)
    return estimate


def permutation_importance(
    predict: Callable[[pd.DataFrame], FloatArray], X: pd.DataFrame, random_state: int
) -> FloatArray:
    """Measure how much the predicted effect moves when one column is shuffled.

    Parameters
    ----------
    predict : callable
        Returns the effects of a frame, shape (n, n_contrasts).
    X : pandas.DataFrame of shape (n, n_features)
        Evaluation rows.
    random_state : int
        Seed of the permutations.

    Returns
    -------
    ndarray of shape (n_features, n_contrasts)
        Mean squared change of the effect, as shares that sum to 1 per contrast
        (0 everywhere if nothing moves it).
    """
    rng = np.random.default_rng(random_state)
    if len(X) > _DRIVER_ROWS:
        X = X.iloc[np.sort(rng.choice(len(X), _DRIVER_ROWS, replace=False))]
    base = predict(X)
    change = np.zeros((X.shape[1], base.shape[1]))
    for position, name in enumerate(X.columns):
        for _ in range(_DRIVER_REPEATS):
            shuffled = X.copy()
            shuffled[name] = X[name].array[rng.permutation(len(X))]
            change[position] += np.mean((predict(shuffled) - base) ** 2, axis=0)
    total = change.sum(axis=0)
    return change / np.where(total > 0, total, 1.0)


def drivers(
    importance: FloatArray, X: pd.DataFrame, scores: FloatArray, most: int = 8
) -> tuple[Driver, ...]:
    """Describe the columns that move the effect most, and the effect along them."""
    order = np.argsort(-importance, kind="stable")[:most]
    return tuple(
        Driver(
            column=str(X.columns[position]),
            importance=float(importance[position]),
            parts=tuple(
                GroupEffect(label, int(rows.sum()), mean_estimate(scores[rows]))
                for label, rows in _parts(X.iloc[:, position])
                if rows.sum() > 1
            ),
        )
        for position in order
        if importance[position] > 0
    )


def _parts(column: "pd.Series[Any]") -> Iterator[tuple[str, BoolArray]]:
    """Cut a column in a few parts: its most frequent levels, or thirds."""
    counts = column.value_counts()
    categorical = isinstance(column.dtype, pd.CategoricalDtype)
    if categorical or len(counts) <= _MOST_PARTS:
        levels = counts[counts > 0].index[:_MOST_PARTS]
        for level in levels if categorical else sorted(levels):
            shown = f"{level:g}" if isinstance(level, float) else str(level)
            yield f"{column.name} = {shown}", (column == level).to_numpy(dtype=bool)
        return
    values = column.to_numpy(dtype=float)
    low, high = np.nanquantile(values, [1 / 3, 2 / 3])
    yield f"{column.name} \u2264 {threshold(low)}", values <= low
    if low < high:
        between = (values > low) & (values <= high)
        yield f"{column.name} {threshold(low)} to {threshold(high)}", between
    yield f"{column.name} > {threshold(high)}", values > high
