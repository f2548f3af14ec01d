"""The best linear projection equals least squares with HC3 or CR3 by hand."""

import numpy as np
import pytest
import statsmodels.api as sm

from skcausal.inference import best_linear_projection


def make_scores(seed=0, n=200):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 2))
    scores = 1 + x[:, 0] + x[:, 1] ** 2 + (1 + x[:, 0] ** 2) * rng.normal(size=n)
    return scores, x, rng.uniform(0.5, 3, n)


@pytest.mark.parametrize("weighted", [False, True])
def test_it_is_least_squares_with_hc3(weighted):
    scores, x, weight = make_scores()
    weight = weight if weighted else np.ones(200)
    expected = sm.WLS(scores, sm.add_constant(x), weights=weight).fit(cov_type="HC3")
    ours = best_linear_projection(
        scores, x, weights=weight if weighted else None, labels=("a", "b")
    )
    np.testing.assert_allclose(ours.value, expected.params)
    error = expected.bse * np.sqrt(199 / 200)  # the jackknife's factor
    np.testing.assert_allclose(ours.standard_error, error, rtol=1e-3)
    np.testing.assert_allclose(ours.influence.mean(axis=0), 0, atol=1e-10)
    assert ours.labels == ("intercept", "a", "b")


@pytest.mark.parametrize("clustered", [False, True])
def test_coverage(clustered):
    """Over 1,000 draws of 120 rows, within four standard errors of 95 %."""
    truth, groups = np.array([2.0, 1.0, 0.0]), np.arange(120) // 4
    covered = []
    for seed in range(1000):
        scores, x, _ = make_scores(seed, 120)
        if clustered:
            scores = scores + np.random.default_rng(seed).normal(size=30)[groups]
        estimate = best_linear_projection(
            scores, x, groups=groups if clustered else None
        )
        lower, upper = estimate.interval()
        covered.append((lower < truth) & (truth < upper))
    assert np.abs(np.mean(covered, axis=0) - 0.95).max() < 4 * 0.0069


def test_clusters_are_left_out_whole():
    scores, x, weight = make_scores()
    groups = np.sort(np.random.default_rng(1).integers(0, 15, 200))
    scores = scores + np.random.default_rng(2).normal(size=15)[groups]
    ours = best_linear_projection(scores, x, weights=weight, groups=groups)
    design = sm.add_constant(x)
    full = sm.WLS(scores, design, weights=weight).fit().params
    moves = []
    for group in range(15):
        kept = groups != group
        part = sm.WLS(scores[kept], design[kept], weights=weight[kept]).fit()
        moves.append(part.params - full)
    # Centring the influence of rows is all that differs.
    error = np.sqrt(14 / 15 * np.sum(np.square(moves), axis=0))
    np.testing.assert_allclose(ours.standard_error, error, rtol=0.02)
    moved = np.array(moves)
    influence = [ours.influence[groups == g].sum(axis=0) for g in range(15)]
    assert np.corrcoef(np.ravel(influence), -moved.ravel())[0, 1] > 0.999


def test_denominators_are_those_of_the_moment_equation():
    """Residual on residual: the coefficients of interactions in least squares."""
    rng = np.random.default_rng(0)
    x, v = rng.normal(size=(300, 2)), rng.normal(size=300)
    u = v * (1 + x[:, 0]) + rng.normal(size=300)
    ours = best_linear_projection(u * v, x, denominator=v**2)
    result = sm.OLS(u, sm.add_constant(x) * v[:, None]).fit(cov_type="HC3")
    np.testing.assert_allclose(ours.value, result.params)
    error = result.bse * np.sqrt(299 / 300)
    np.testing.assert_allclose(ours.standard_error, error, rtol=2e-3)


def test_bad_input():
    scores, x, _ = make_scores()
    with pytest.raises(ValueError, match=r"collinear \(rank 2 of 3 columns\)"):
        best_linear_projection(scores, np.column_stack([x[:, 0], 2 * x[:, 0]]))
    with pytest.raises(ValueError, match="features hold NaN"):
        best_linear_projection(scores, np.where(x > 2, np.nan, x))
    with pytest.raises(ValueError, match=r"features \(n, d\), got \(200,\)"):
        best_linear_projection(scores, x[:7])
    with pytest.raises(ValueError, match="labels must name all 2 features, got 1"):
        best_linear_projection(scores, x, labels=("a",))
