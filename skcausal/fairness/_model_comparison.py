"""Does the answer survive another graph? One metric under several models."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import clone

from skcausal.fairness._fair_graphs import structural_model

_OWNER = "compare_models"


@dataclass(frozen=True, repr=False)
class ModelComparison:
    """One metric, or several, under several models.

    `compare_models` makes it.

    Parameters
    ----------
    table : DataFrame
        One row per model, one column per number.
    null : float
        Where a conclusion changes.

    Attributes
    ----------
    summary : DataFrame
        Per number the ``smallest`` and the ``largest`` over models, the ``range``
        between them, and whether models ``agree`` on the side of the null.

    Notes
    -----
    Assumes that one of the models is right; which one, no range can tell.

    Examples
    --------
    >>> import pandas as pd
    >>> from skcausal.fairness import ModelComparison
    >>> table = pd.DataFrame({"unfairness": [0.1, 0.2]}, index=["one", "other"])
    >>> bool(ModelComparison(table, 0.0).summary.loc["unfairness", "agree"])
    True
    """

    table: pd.DataFrame
    null: float = 0.0

    def __repr__(self) -> str:
        """Show the table and the range."""
        ends = self.summary[["smallest", "largest", "range"]].T
        return pd.concat([self.table, ends]).to_string(float_format="{:.4f}".format)

    @property
    def summary(self) -> pd.DataFrame:
        """Smallest, largest, range and agreement of models per number."""
        low, high = self.table.min(), self.table.max()
        above = (self.table > self.null).all()
        below = (self.table < self.null).all()
        columns = {
            "smallest": low,
            "largest": high,
            "range": high - low,
            "agree": above | below,
        }
        return pd.DataFrame(columns)


def compare_models(
    models: Mapping[str, Any],
    metric: Callable[[Any], Any],
    frame: Any = None,
    *,
    null: float = 0.0,
) -> ModelComparison:
    r"""Compute a metric under several models of the world, and show the range.

    A counterfactual is as right as its graph. Whoever acts on one should know what
    other plausible graphs would have said; three at least.

    Parameters
    ----------
    models : dict of str to StructuralModel, AdditiveNoiseModel or CausalGraph
        Models by name, two at least. Those not fitted are fitted, as copies, to
        ``frame``; a graph becomes a `StructuralModel`.
    metric : callable
        Takes a fitted model and returns a number, a dict of str to number, a Series,
        or what `decompose_disparity` returns.
    frame : DataFrame of shape (n, n_columns), default=None
        Rows to fit models to.
    null : float, default=0.0
        Where the conclusion changes.

    Returns
    -------
    ModelComparison
        Numbers per model, and their range.

    Raises
    ------
    ValueError
        If there are fewer than two models, or one is not fitted and there are no rows.
    TypeError
        If the metric returns something else.

    Notes
    -----
    Assumes that one of the models is right. The range :math:`\max_m f(m) - \min_m
    f(m)` is no interval: sampling errors are not in it.

    References
    ----------
    Kilbertus, N., Ball, P. J., Kusner, M. J., Weller, A., & Silva, R. (2019). The
    sensitivity of counterfactual fairness to unmeasured confounding. UAI.
    https://arxiv.org/abs/1907.01040

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> from skcausal.fairness import compare_models, decompose_disparity
    >>> from skcausal.graphs import CausalGraph
    >>> rng = np.random.default_rng(0)
    >>> a = rng.integers(2, size=200).astype(float)
    >>> w = a + rng.normal(size=200)
    >>> frame = pd.DataFrame({"a": a, "w": w, "y": a + w + rng.normal(size=200)})
    >>> chain = [("a", "w"), ("w", "y")]
    >>> both = CausalGraph([*chain, ("a", "y")])
    >>> graphs = {"chain": CausalGraph(chain), "direct too": both}
    >>> compare_models(
    ...     graphs,
    ...     lambda model: decompose_disparity(
    ...         model, frame, "a", "y", reference=0, compared=1
    ...     )["natural direct"],
    ...     frame,
    ... ).table["metric"].gt(0).tolist()
    [False, True]
    """
    if not isinstance(models, Mapping) or len(models) < 2:
        raise ValueError(
            f"{_OWNER}: models must be a dict with two models at least, by name."
        )
    rows = {}
    for name, model in models.items():
        rows[name] = _numbers(metric(_fitted(model, frame, name)), name)
    table = pd.DataFrame.from_dict(rows, orient="index").rename_axis("model")
    return ModelComparison(table, null)


def _fitted(model: Any, frame: Any, name: str) -> Any:
    model = structural_model(model, f"{_OWNER}, model {name!r}", random_state=0)
    if hasattr(model, "mechanisms_"):
        return model
    if frame is None:
        raise ValueError(
            f"{_OWNER}: model {name!r} is not fitted. Fit it, or give rows in frame."
        )
    return clone(model).fit(frame)


def _numbers(found: Any, name: str) -> dict[str, float]:
    """Return what a metric said as numbers by name."""
    if hasattr(found, "parts") and hasattr(found, "table"):
        found = found.table["effect"]
    if isinstance(found, pd.Series):
        found = found.to_dict()
    if isinstance(found, Mapping):
        return {str(key): float(value) for key, value in found.items()}
    if np.ndim(found) != 0 or not np.isreal(found):
        raise TypeError(
            f"{_OWNER}: metric must return a number, a dict or a Series, got "
            f"{type(found).__name__} for model {name!r}."
        )
    return {"metric": float(found)}
