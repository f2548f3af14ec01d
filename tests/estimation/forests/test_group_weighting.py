"""Groups of unlike sizes: every row or every group counts the same."""

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression

from skcausal.estimation import (
    CausalForest,
    InstrumentalForest,
    KnownPropensity,
    RegressionForest,
)

SMALL, LARGE = 4, 36  # rows; effects 2 and 0, so that the means are 1 and 0.2
OVER_ROWS, OVER_GROUPS = 0.2, 1.0


def make_clusters(seed, n_pairs=40):
    rng = np.random.default_rng(seed)
    sizes = np.tile([SMALL, LARGE], n_pairs)
    groups = np.repeat(np.arange(2 * n_pairs), sizes)
    treatment = rng.integers(0, 2, len(groups))
    effect = np.where(sizes == SMALL, 2.0, 0.0)[groups]
    y = effect * treatment + rng.normal(size=len(groups))
    return rng.normal(size=(len(groups), 2)), y, treatment, groups


def forest_of(**options):
    options = {"n_estimators": 50, "cv": 2, "random_state": 0} | options
    options = {"min_samples_leaf": 100} | options  # small groups are in every leaf
    return CausalForest(LinearRegression(), KnownPropensity(0.5), **options)


@pytest.mark.parametrize(
    ("weighting", "truth"), [("size", OVER_ROWS), ("equal", OVER_GROUPS)]
)
def test_means_over_rows_or_groups(weighting, truth):
    """Both the average and the mean of effects, over eight draws."""
    averages, distances, means = [], [], []
    for seed in range(8):
        X, y, treatment, groups = make_clusters(seed)
        forest = forest_of(group_weighting=weighting)
        forest.fit(X, y, treatment=treatment, groups=groups)
        estimate = forest.average_effect()
        averages.append(estimate.value)
        distances.append((estimate.value - truth) / estimate.standard_error)
        means.append(forest.effect(X).mean())
    for values in (averages, means):
        error = np.std(values, ddof=1) / np.sqrt(8)
        assert abs(np.mean(values) - truth) < 4 * error
        assert error < 0.06  # so that 0.2 and 1 are told apart
    assert np.abs(distances).max() < 4


def test_equal_weighting_is_a_weight():
    """One over the size of the group, on top of sample weights."""
    X, y, treatment, groups = make_clusters(0)
    weight = np.random.default_rng(1).uniform(0.5, 2, len(y))
    sizes = np.bincount(groups)[groups]
    known = {"treatment": treatment, "groups": groups}
    ours = forest_of(group_weighting="equal").fit(X, y, sample_weight=weight, **known)
    plain = forest_of().fit(X, y, sample_weight=20 * weight / sizes, **known)
    np.testing.assert_allclose(ours.effect(X), plain.effect(X), rtol=1e-4)
    one, two = ours.average_effect(), plain.average_effect()
    assert one.value == pytest.approx(two.value)
    assert one.standard_error == pytest.approx(two.standard_error)
    forest = RegressionForest(50, group_weighting="equal", random_state=0)
    expected = RegressionForest(50, random_state=0)
    forest.fit(X, y, weight, groups=groups)
    expected.fit(X, y, weight / sizes, groups=groups)
    np.testing.assert_allclose(forest.predict(X), expected.predict(X), rtol=1e-4)


def test_bad_weightings():
    X, y, treatment, groups = make_clusters(0, 5)
    regression = RegressionForest(20, group_weighting="equal")
    with pytest.raises(ValueError, match=r"RegressionForest\.fit: .*needs groups"):
        regression.fit(X, y)
    with pytest.raises(ValueError, match=r"'equal' needs groups, got none\. Pass"):
        forest_of(group_weighting="equal").fit(X, y, treatment=treatment)
    with pytest.raises(ValueError, match=r"must be 'size' or 'equal', got 'rows'"):
        forest_of(group_weighting="rows").fit(X, y, treatment=treatment, groups=groups)
    instrumental = InstrumentalForest(group_weighting="equal")
    with pytest.raises(ValueError, match="'equal' needs groups"):
        instrumental.fit(X, y, treatment=treatment, instrument=treatment)
