"""CoarsenedExactMatching: bins, strata, weights and variance."""

import pickle

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

from skcausal import OverlapWarning
from skcausal.datasets import make_observational
from skcausal.estimation import CoarsenedExactMatching, NoMatchError
from tests.estimation.helpers import hand_error
from tests.estimation.matching.by_hand import matching

TARGETS = ("all", "treated", "control")

AGE = np.array([[21.0], [24.0], [28.0], [63.0], [65.0], [67.0], [99.0]])
AGE_T = np.array([0, 0, 1, 0, 1, 1, 0])
AGE_Y = np.array([1.0, 2.0, 3.5, 5.0, 9.0, 8.0, 70.0])


def fitted(X, y, t, **options):
    options = {"bias_correction": False} | options
    metadata = {k: options.pop(k) for k in ("sample_weight", "groups") if k in options}
    learner = CoarsenedExactMatching(**options)
    return learner.fit(X, y, treatment=t, **metadata)


def grid(n_rows=200, seed=0):
    """Make covariates of nine cells, so that nothing is lost by coarsening."""
    rng = np.random.default_rng(seed)
    X = rng.integers(0, 3, size=(n_rows, 2)).astype(float)
    t = (rng.uniform(size=n_rows) < 0.3 + 0.2 * X[:, 0]).astype(int)
    y = X @ [1.0, 2.0] + t * (1 + X[:, 1]) + rng.normal(size=n_rows)
    return X, y, t


def test_seven_rows_by_hand():
    """Below 30: 3.5 against 1.5; from 60: 8.5 against 5; above 90: one arm only."""
    cuts = {0: [30, 60, 90]}
    with pytest.warns(OverlapWarning, match=r"1 of 7 rows .*\(rows 6; all"):
        one = fitted(AGE, AGE_Y, AGE_T, cut_points=cuts)
    assert one.average_effect().value == pytest.approx((3 * 2.0 + 3 * 3.5) / 6)
    treated = one.average_effect(target="treated")
    assert treated.value == pytest.approx((2.0 + 2 * 3.5) / 3)
    with pytest.warns(OverlapWarning, match=r"1 of 4 rows of target='control'"):
        control = one.average_effect(target="control")
    assert control.value == pytest.approx((2 * 2.0 + 3.5) / 3)
    assert one.strata_.tolist() == [0, 0, 0, 1, 1, 1, -1]
    assert one.matching_weights_.tolist() == [1.5, 1.5, 3, 3, 1.5, 1.5, 0]
    assert one.unmatched_.tolist() == [6]


def test_weights_of_the_treated_are_those_published():
    """Iacus, King & Porro (2012): m_T^s / m_C^s, up to a constant."""
    X, y, t = grid()
    one = fitted(X, y, t, target="treated", cut_points={0: [1, 2], 1: [1, 2]})
    cells = pd.DataFrame({"s": one.strata_, "t": t})
    size = cells.groupby(["s", "t"]).size().unstack()
    ratio = (size[1] / size[0]).loc[one.strata_].to_numpy()
    np.testing.assert_allclose(one.matching_weights_, np.where(t == 1, 1, ratio))


@pytest.mark.parametrize("target", TARGETS)
def test_estimate_and_variance_are_those_of_matching_with_ties(target):
    X, y, t = grid()
    value, variance = matching(
        np.abs(X[:, None] - X).sum(axis=2), X, y, t, target=target, n_noise=1
    )
    one = fitted(X, y, t, target=target)
    estimate = one.average_effect()
    assert estimate.value == pytest.approx(value)
    assert estimate.standard_error == pytest.approx(np.sqrt(variance))
    assert estimate.standard_error == pytest.approx(hand_error(estimate.influence))
    assert abs(estimate.influence.mean()) < 1e-12


def test_effect_is_that_of_a_saturated_regression():
    """With cells for strata: statsmodels, interacted, averaged over the rows."""
    X, y, t = grid(400)
    one = fitted(X, y, t)
    cells = pd.get_dummies(one.strata_).to_numpy(dtype=float)
    line = sm.OLS(y, np.column_stack([cells, cells * t[:, None]])).fit()
    share = cells.mean(axis=0)
    contrast = np.concatenate([np.zeros_like(share), share])
    assert one.average_effect().value == pytest.approx(contrast @ line.params)


def test_weights_are_repetitions():
    X, y, t = grid(600)
    weight = np.random.default_rng(1).integers(0, 4, 600)
    again = np.repeat(np.arange(600), weight)
    one = fitted(X, y, t, n_bins=3, sample_weight=weight.astype(float))
    other = fitted(X[again], y[again], t[again], n_bins=3)
    assert one.average_effect().value == pytest.approx(other.average_effect().value)


# ------------------------------------------------------------------------- coarsening
def test_given_bins_hold_equally_many_rows():
    X = np.random.default_rng(0).exponential(size=(400, 1))
    t = np.tile([0, 1], 200)
    one = fitted(X, X[:, 0], t, cut_points={0: 4})
    bins = np.searchsorted(one.cut_points_[0], X[:, 0])
    assert np.bincount(bins).tolist() == [100, 100, 100, 100]
    np.testing.assert_allclose(
        one.cut_points_[0], np.sort(X[:, 0])[[99, 199, 299]], rtol=0.05
    )


def test_automatic_bins_let_half_of_the_target_match():
    X, t = np.random.default_rng(0).normal(size=(500, 4)), np.tile([0, 1], 250)
    with pytest.warns(OverlapWarning):
        one = fitted(X, X[:, 0], t)
    assert one.unmatched_.shape[0] <= 250
    with pytest.warns(OverlapWarning):
        finer = fitted(X, X[:, 0], t, n_bins=one.n_bins_ + 1)
    assert finer.unmatched_.shape[0] > 250
    assert set(one.cut_points_) == {0, 1, 2, 3}


def test_categories_missing_values_and_columns_taken_out():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"age": rng.normal(size=300), "noise": rng.normal(size=300)})
    frame["site"] = pd.Categorical(rng.choice(["n", "s"], 300))
    frame.loc[::10, "age"] = np.nan
    t = rng.integers(0, 2, 300)
    one = fitted(frame, rng.normal(size=300), t, cut_points={"age": [0.0], "noise": []})
    age = frame["age"].to_numpy()
    cell = np.where(np.isnan(age), 2, age >= 0) * 2 + frame["site"].cat.codes
    assert len(np.unique(one.strata_)) == 6
    assert len(pd.DataFrame({"cell": cell, "s": one.strata_}).drop_duplicates()) == 6


def test_balance_is_exact_within_cells():
    X, y, t = grid()
    one = fitted(X, y, t)
    assert (one.balance_["after"].abs() < 1e-12).all()
    assert one.balance_.loc["x0", "before"] > 0.2
    scale = np.sqrt((X[t == 1, 0].var() + X[t == 0, 0].var()) / 2)
    gap = (X[t == 1, 0].mean() - X[t == 0, 0].mean()) / scale
    assert one.balance_.loc["x0", "before"] == pytest.approx(gap)


# --------------------------------------------------------------------------- bad input
def test_nothing_in_common_is_an_error():
    X = np.arange(20.0)[:, None]
    t = (X[:, 0] >= 10).astype(int)
    with pytest.raises(NoMatchError, match=r"nothing can be compared.*fewer columns"):
        fitted(X, X[:, 0], t, cut_points={0: [10]})


@pytest.mark.parametrize(
    ("error", "message", "options"),
    [
        (ValueError, "n_bins must be 'auto' or an integer", {"n_bins": 1}),
        (ValueError, "n_bins must be 'auto'", {"n_bins": "sturges"}),
        (TypeError, "cut_points must map columns", {"cut_points": [1, 2]}),
        (ValueError, "must be increasing", {"cut_points": {0: [2, 1]}}),
        (ValueError, "must be increasing points or a number", {"cut_points": {0: 1.5}}),
        (ValueError, "cut_points names column 'age'", {"cut_points": {"age": [1]}}),
        (ValueError, "target must be one of", {"target": "overlap"}),
    ],
)
def test_parameters_are_checked(error, message, options):
    X, y, t = grid()
    with pytest.raises(error, match=message):
        fitted(X, y, t, **options)


def test_categories_are_not_cut():
    frame = pd.DataFrame({"site": pd.Categorical(["n", "s"] * 20)})
    with pytest.raises(ValueError, match="is a category and cannot be cut"):
        fitted(frame, np.arange(40.0), np.arange(40) % 3 % 2, cut_points={"site": 2})


def test_pickle_keeps_answers():
    X, y, t = grid()
    one = fitted(X, y, t, target="treated")
    copy = pickle.loads(pickle.dumps(one))
    assert copy._data.X is None
    assert copy.average_effect().value == one.average_effect().value


# -------------------------------------------------------------------------- statistics
def test_intervals_cover_the_truth():
    """Cells hold all confounding: 80 seeds, .95 less 3 binomial errors."""
    hits, z = [], []
    for seed in range(80):
        X, y, t = grid(300, seed)
        estimate = fitted(X, y, t).average_effect()
        lower, upper = estimate.interval()
        hits.append(lower < 2.0 < upper)  # 1 + the mean of 0, 1, 2
        z.append((estimate.value - 2.0) / estimate.standard_error)
    assert np.mean(hits) >= 0.87
    assert abs(np.mean(z)) < 4 / np.sqrt(80)
    assert 0.75 < np.std(z) < 1.25


def test_pairs_of_one_row_each_have_an_honest_error():
    """Where every row is alone in its arm and stratum, noise is taken from the arm."""
    z = []
    for seed in range(80):
        rng = np.random.default_rng(seed)
        t, pair = np.tile([0, 1], 60), np.repeat(np.arange(60.0), 2)
        y = rng.normal(size=120) + 0.3 * rng.normal(size=60)[pair.astype(int)]
        cuts = {0: np.arange(0.5, 59.5)}
        estimate = fitted(pair[:, None], y, t, cut_points=cuts).average_effect()
        z.append(estimate.value / estimate.standard_error)
    assert 0.7 < np.std(z) < 1.2


def test_coarsening_and_correction_remove_confounding():
    errors = {"raw": [], "coarsened": [], "corrected": []}
    for seed in range(10):
        data = make_observational(1000, 3, effect="constant", random_state=seed)
        treated = np.asarray(data.treatment)
        raw = data.y[treated == 1].mean() - data.y[treated == 0].mean()
        errors["raw"].append(raw - 1.0)
        for name in ("coarsened", "corrected"):
            with pytest.warns(OverlapWarning):
                one = fitted(
                    data.X, data.y, treated, bias_correction=name == "corrected"
                )
            errors[name].append(one.average_effect().value - 1.0)
    bias = {name: abs(np.mean(values)) for name, values in errors.items()}
    assert bias["coarsened"] < 0.3 * bias["raw"]
    assert bias["corrected"] < 0.05


def test_correction_is_a_regression_with_intercepts_of_strata():
    """statsmodels, by arm, with the weights of the matches."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(150, 2))
    t = rng.integers(0, 2, 150)
    y = X @ [1.0, 2.0] + t + rng.normal(size=150)
    cuts = {0: [-0.5, 0.5], 1: [0.0]}
    one = fitted(X, y, t, cut_points=cuts, target="treated", bias_correction=True)
    weight = one.matching_weights_
    Z = np.column_stack([X, pd.get_dummies(one.strata_).to_numpy(dtype=float)])
    line = sm.WLS(y[t == 0], Z[t == 0], weights=weight[t == 0]).fit()
    gap = np.average(y[t == 1]) - np.average(y[t == 0], weights=weight[t == 0])
    rest = Z[t == 1].mean(axis=0) - np.average(Z[t == 0], 0, weight[t == 0])
    assert one.average_effect().value == pytest.approx(gap - rest @ line.params)
