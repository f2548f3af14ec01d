"""Clustered errors in one and several ways, against statsmodels and known truth."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
import statsmodels.api as sm
from scipy import stats
from statsmodels.stats.sandwich_covariance import cov_cluster_2groups

from skcausal.inference import EffectEstimate, best_linear_projection


def mean_of(values, **options):
    center = values.mean(axis=0)
    return EffectEstimate.from_influence(center, values - center, **options)


def crossed(rng, n_rows=300, n_firms=12, n_years=9, spread=1.0):
    """Make rows that share a firm's and a year's deviation."""
    firm, year = rng.integers(n_firms, size=n_rows), rng.integers(n_years, size=n_rows)
    shared = rng.normal(size=n_firms)[firm] + rng.normal(size=n_years)[year]
    return spread * shared + rng.normal(size=n_rows), np.column_stack([firm, year])


def one_way_variance(values, labels):
    sums = pd.Series(values - values.mean()).groupby(labels).sum()
    return (sums**2).sum() / len(values) ** 2 * len(sums) / (len(sums) - 1)


def test_two_ways_equal_statsmodels(rng):
    y, groups = crossed(rng)
    fit = sm.OLS(y, np.ones(len(y))).fit()
    expected = cov_cluster_2groups(fit, groups)[0][0, 0]
    estimate = mean_of(y, groups=groups)
    assert estimate.standard_error == pytest.approx(np.sqrt(expected))
    assert estimate.standard_error > mean_of(y, groups=groups[:, 0]).standard_error
    lower, upper = estimate.interval()
    smallest = len(np.unique(groups[:, 1])) - 1
    width = 2 * stats.t(smallest).ppf(0.975) * np.sqrt(expected)
    assert upper - lower == pytest.approx(width)


def test_regression_coefficients_equal_statsmodels(rng):
    """Coefficients have influence too: a linear model without our own code."""
    y, groups = crossed(rng)
    X = sm.add_constant(rng.normal(size=(300, 2)) + 0.3 * y[:, None])
    fit = sm.OLS(y, X).fit()
    influence = 300 * (X * fit.resid[:, None]) @ np.linalg.inv(X.T @ X)
    estimate = EffectEstimate.from_influence(
        fit.params, influence, labels=("a", "b", "c"), groups=groups
    )
    total, *one_way = [np.diag(v) for v in cov_cluster_2groups(fit, groups)]
    # statsmodels multiplies with (n - 1) / (n - k) besides.
    expected = np.maximum(total, np.max(one_way, axis=0)) * (300 - 3) / 299
    np.testing.assert_allclose(estimate.standard_error**2, expected)


def test_three_ways_are_inclusion_and_exclusion(rng):
    y, groups = crossed(rng)
    groups = np.column_stack([groups, rng.integers(7, size=300)])
    labels = groups.astype(str)

    def variance(*ways):
        return one_way_variance(y, ["/".join(row) for row in labels[:, ways]])

    expected = sum(variance(a) for a in range(3))
    expected -= variance(0, 1) + variance(0, 2) + variance(1, 2)
    expected += variance(0, 1, 2)
    assert mean_of(y, groups=groups).standard_error ** 2 == pytest.approx(expected)


def test_one_column_is_one_way_and_nested_groups_are_the_coarse_ones(rng):
    y, groups = crossed(rng)
    plain = mean_of(y, groups=groups[:, 0])
    column = mean_of(y, groups=groups[:, :1])
    assert column.standard_error == plain.standard_error
    nested = np.column_stack([groups[:, 0] // 2, groups[:, 0]])
    coarse = mean_of(y, groups=groups[:, 0] // 2)
    both = mean_of(y, groups=nested)
    assert both.standard_error == pytest.approx(
        max(coarse.standard_error, plain.standard_error)
    )


def test_a_variance_below_zero_becomes_the_largest_single_way():
    """Sums of single ways vanish, those of the intersections do not."""
    rows = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
    y = np.array([1.0, -1.0, -1.0, 1.0])
    total = -one_way_variance(y, np.arange(4))
    assert total < 0
    assert mean_of(y, groups=rows).standard_error == 0
    assert mean_of(y + 0.1 * rows[:, 0], groups=rows).standard_error == pytest.approx(
        mean_of(y + 0.1 * rows[:, 0], groups=rows[:, 0]).standard_error
    )


@pytest.mark.parametrize("kind", ["pandas", "polars", "list"])
def test_frames_and_lists_of_labels(kind, rng):
    y, groups = crossed(rng)
    expected = mean_of(y, groups=groups).standard_error
    columns = {"firm": [f"f{g}" for g in groups[:, 0]], "year": groups[:, 1]}
    given = {
        "pandas": pd.DataFrame(columns),
        "polars": pl.DataFrame(columns),
        "list": groups.tolist(),
    }[kind]
    assert mean_of(y).with_groups(given).standard_error == pytest.approx(expected)


def test_bad_groups(rng):
    estimate = mean_of(rng.normal(size=30))
    with pytest.raises(ValueError, match=r"each of the 30 rows.*got shape \(29, 2\)"):
        estimate.with_groups(np.zeros((29, 2)))
    with pytest.raises(ValueError, match=r"got shape \(30, 0\)"):
        estimate.with_groups(np.zeros((30, 0)))
    with pytest.raises(ValueError, match="groups has 2 missing value"):
        estimate.with_groups([None, np.nan, *range(28)])
    scores = rng.normal(size=30)
    with pytest.raises(ValueError, match=r"groups must have shape \(n,\), got \(30, 2"):
        best_linear_projection(scores, scores[:, None], groups=np.zeros((30, 2)))


def covers(draw, rng, n_draws):
    """Return shares of draws whose (unclustered, clustered) interval holds zero."""
    hits = np.zeros((n_draws, 2))
    for hit in hits:
        y, groups = draw(rng)
        for column, one in enumerate((mean_of(y), mean_of(y, groups=groups))):
            lower, upper = one.interval()
            hit[column] = lower <= 0 <= upper
    return hits.mean(axis=0)


def test_forty_clusters_cover_where_rows_do_not(rng):
    def draw(rng):
        group = np.repeat(np.arange(40), 15)
        treated = rng.permutation(np.arange(40) % 2)[group]
        y = 0.5 * rng.normal(size=40)[group] + rng.normal(size=600)
        # The influence of a difference in means.
        residual = y - np.array([y[treated == arm].mean() for arm in (0, 1)])[treated]
        gap = y[treated == 1].mean() - y[treated == 0].mean()
        return gap + residual * (2 * treated - 1) / 0.5, group

    rows, clusters = covers(draw, rng, 600)
    assert rows < 0.80
    assert clusters >= 0.92


def test_two_ways_cover_where_one_does_not(rng):
    hits = np.zeros((300, 2))
    for hit in hits:
        y, groups = crossed(rng, 800, 30, 30)
        for column, labels in enumerate((groups[:, 0], groups)):
            lower, upper = mean_of(y, groups=labels).interval()
            hit[column] = lower <= 0 <= upper
    one, two = hits.mean(axis=0)
    assert one < 0.90
    assert two >= 0.91
