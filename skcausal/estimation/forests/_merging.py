"""One forest from several that were grown on the same rows."""

from typing import Any

import numpy as np
from sklearn.base import clone
from sklearn.utils.validation import check_is_fitted

from skcausal.estimation.forests._base_forest import ForestMixin

_MAY_DIFFER = {"n_estimators", "n_groups", "n_jobs", "verbose", "random_state"}


def merge_forests(forests: list[Any]) -> Any:
    """Return one forest with the trees of several, for example of several machines.

    Parameters
    ----------
    forests : list of fitted forests
        Of one class and with the same parameters, fitted on the same rows with
        different integers as ``random_state``.

    Returns
    -------
    forest : estimator
        A copy of the first with all trees; nuisance estimates and averages are those of
        the first.

    Raises
    ------
    TypeError
        If something in the list is no forest, or of another class.
    ValueError
        If rows, parameters but the seed, or sizes of bags differ, or seeds do not.

    Examples
    --------
    >>> from skcausal.datasets import make_observational
    >>> from skcausal.estimation import CausalForest, merge_forests
    >>> data = make_observational(500, random_state=0)
    >>> parts = [
    ...     CausalForest(n_estimators=50, random_state=seed).fit(
    ...         data.X, data.y, treatment=data.treatment)
    ...     for seed in (0, 1)
    ... ]
    >>> merge_forests(parts).forest_.n_trees
    100
    """
    from skcausal.estimation.forests._forest import merged

    if not forests or any(
        not isinstance(one, ForestMixin) or type(one) is not type(forests[0])
        for one in forests
    ):
        names = [type(one).__name__ for one in forests]
        raise TypeError(
            f"merge_forests: needs fitted forests of one class, got {names}."
        )
    for one in forests:
        check_is_fitted(one, "forest_")
        _check_equal(forests[0], one)
    seeds = [int(one.forest_.tree_seeds[0]) for one in forests]
    if len(set(seeds)) < len(seeds):
        raise ValueError(
            "merge_forests: forests must differ in random_state: the same seed grows "
            f"the same trees (seeds {seeds})."
        )
    result = clone(forests[0])
    result.__dict__ |= vars(forests[0])  # copy() would leave the training rows out
    result.__dict__.pop("_oob_estimates", None)
    if result._correction is not None:
        others = [one._correction for one in forests[1:]]
        result._correction = result._correction.merged(others)
    result.forest_ = merged([one.forest_ for one in forests])
    result.n_estimators = result.forest_.n_trees
    result.n_groups = result.n_estimators // result.forest_.sampling.bag_size
    return result


def _check_equal(first: Any, other: Any) -> None:
    """Refuse another forest's trees where they would mean something else."""
    ours, theirs = first.get_params(deep=False), other.get_params(deep=False)
    different = [
        name
        for name in ours.keys() - _MAY_DIFFER
        if repr(ours[name]) != repr(theirs[name])
    ]
    if different:
        raise ValueError(f"merge_forests: forests differ in {', '.join(different)}.")
    same_sizes = (
        first.forest_.sampling.n_units == other.forest_.sampling.n_units
        and first.forest_.sampling.bag_size == other.forest_.sampling.bag_size
    )
    pairs = zip(_tables(first), _tables(other), strict=True)
    if not (same_sizes and all(np.array_equal(a, b) for a, b in pairs)):
        raise ValueError(
            "merge_forests: forests must be grown on the same rows (as many of them, "
            "with the same bins) in bags of one size."
        )


def _tables(forest: Any) -> list[np.ndarray]:
    """Return edges or levels of each column."""
    bins = forest._bins
    pairs = zip(bins.edges, bins.levels, strict=True)
    return [edges if edges is not None else levels for edges, levels in pairs]
