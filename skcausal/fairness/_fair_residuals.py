"""Residuals at level 3: what of a node does not follow from its causes."""

from typing import Any, Self

import numpy as np
import pandas as pd

from skcausal.structural import AdditiveNoise, CategoricalNoise

LARGEST_ATOM = 0.2  # share of rows with one value above which it is no number
_N_CLASSES = 100  # quantiles that bound the classes of a count


class RankNoise(CategoricalNoise):
    """A count in ordered classes of at least about one row in a hundred.

    Its noise is uniform: where in the distribution given its causes the value is. What
    ``apply`` gives back is the smallest value of the class.
    """

    edges_: np.ndarray

    def fit(self, parents: Any, values: Any) -> Self:
        """Make the classes, and fit the classifier."""
        numbers = np.asarray(values, dtype=float)
        shares = np.linspace(0, 1, _N_CLASSES, endpoint=False)
        self.edges_ = np.unique(np.quantile(numbers, shares, method="lower"))
        return super().fit(parents, self._edge(numbers))

    def codes(self, values: Any) -> np.ndarray:
        """Return the class of each value; those below all seen are in the first."""
        return super().codes(self._edge(np.asarray(values, dtype=float)))

    def _edge(self, numbers: np.ndarray) -> np.ndarray:
        found = np.searchsorted(self.edges_, numbers, side="right") - 1
        return self.edges_[np.maximum(found, 0)]


def has_atoms(values: pd.Series) -> bool:
    """Tell whether many rows share one value, as they do in counts."""
    return bool(values.value_counts(normalize=True).iloc[0] > LARGEST_ATOM)


def residual_mechanisms(
    X: pd.DataFrame, nodes: list[Any], given: dict[Any, Any], model: Any
) -> dict[Any, Any]:
    """Return mechanisms with rank noise for counts, beside those that were given."""
    counts = [
        node
        for node in nodes
        if node not in given and _is_number(X[node]) and has_atoms(X[node])
    ]
    classifier = getattr(model, "classifier", None)
    return given | {node: RankNoise(classifier) for node in counts}


def _is_number(values: pd.Series) -> bool:
    is_label = isinstance(values.dtype, pd.CategoricalDtype) or values.dtype == bool
    return not is_label and not values.isin([0, 1]).all()


def check_residuals(
    model: Any, X: pd.DataFrame, nodes: list[Any], given: dict[Any, Any], chosen: Any
) -> None:
    """Refuse nodes that have no additive error, unless ranks are asked for."""
    if not nodes:
        raise ValueError(
            f"{chosen.owner}: at level 3 no column of X follows from the sensitive "
            "attributes, so there is no residual to take. Take level 1."
        )
    if chosen.residuals == "rank":
        return
    doubtful = [
        node
        for node in nodes
        if not model.mechanisms_[node].invertible
        or (
            node not in given
            and isinstance(model.mechanisms_[node], AdditiveNoise)
            and has_atoms(X[node])
        )
    ]
    if doubtful:
        raise ValueError(
            f"{chosen.owner}: at level 3 errors are assumed to be added, which cannot "
            f"hold for {', '.join(map(repr, doubtful))}: categories, bools, or "
            f"numbers of which one value makes up more than {LARGEST_ATOM:.0%} of "
            "rows. Say residuals='rank', or give a mechanism whose noise follows "
            "from the row."
        )


def expected_noise(mechanism: Any, parents: Any, values: Any) -> np.ndarray | None:
    """Return the mean of the uniform noise that explains each row, where known."""
    if not isinstance(mechanism, CategoricalNoise):
        return None
    probabilities = mechanism.probabilities(parents)
    rows, codes = np.arange(len(probabilities)), mechanism.codes(values)
    upper = np.cumsum(probabilities, axis=1)[rows, codes]
    return np.asarray(upper - probabilities[rows, codes] / 2)
