"""RosenbaumBounds: scipy's test without bias, enumeration with it, known effects."""

from itertools import product

import numpy as np
import pytest
from scipy import stats
from sklearn.linear_model import LinearRegression, LogisticRegression

from skcausal.estimation import AIPW
from skcausal.validation import RosenbaumBounds


@pytest.fixture
def differences():
    return np.random.default_rng(0).normal(0.6, 1.0, 40)


@pytest.mark.parametrize("alternative", ["greater", "less", "two-sided"])
def test_without_hidden_bias_it_is_wilcoxons_test(differences, alternative):
    exact = RosenbaumBounds(differences, alternative=alternative)
    same = stats.wilcoxon(differences, alternative=alternative, method="exact")
    assert exact.p_value() == pytest.approx(same.pvalue)
    normal = RosenbaumBounds(differences, alternative=alternative, method="normal")
    same = stats.wilcoxon(differences, alternative=alternative, method="asymptotic")
    assert normal.p_value() == pytest.approx(same.pvalue)


@pytest.mark.parametrize("gamma", [1.0, 1.5, 4.0])
def test_p_values_are_those_of_all_signs(gamma):
    """With ties and a pair without a difference."""
    one = RosenbaumBounds([2.0, -1.0, 1.0, 3.0, 0.0, 1.0, 4.0])
    ranks = stats.rankdata([2, 1, 1, 3, 1, 4])
    p = gamma / (1 + gamma)
    total = sum(
        p ** sum(signs) * (1 - p) ** (6 - sum(signs))
        for signs in product((0, 1), repeat=6)
        if np.dot(signs, ranks) >= one.statistic - 1e-9
    )
    assert (one.n_pairs, one.n_ties) == (6, 1)
    assert one.p_value(gamma) == pytest.approx(total)


@pytest.mark.parametrize("gamma", [1.0, 2.0, 6.0])
def test_normal_p_values_follow_the_formula(differences, gamma):
    ranks = stats.rankdata(np.abs(differences))
    p = gamma / (1 + gamma)
    z = ranks[differences > 0].sum() - p * ranks.sum()
    z /= np.sqrt(p * (1 - p) * (ranks**2).sum())
    one = RosenbaumBounds(differences, method="normal")
    assert one.p_value(gamma) == pytest.approx(stats.norm.sf(z))


def test_normal_and_exact_agree_for_many_pairs():
    values = np.random.default_rng(1).normal(0.4, 1.0, 150)
    exact = RosenbaumBounds(values, method="exact")
    normal = RosenbaumBounds(values)
    for gamma in (1.2, 1.6, 2.0):
        assert normal.p_value(gamma) == pytest.approx(exact.p_value(gamma), abs=0.005)


def test_largest_gamma_has_the_level_as_its_p_value(differences):
    for alternative in ("greater", "two-sided"):
        one = RosenbaumBounds(differences, alternative=alternative)
        for level in (0.01, 0.05):
            gamma = one.largest_gamma(level)
            assert one.p_value(gamma) == pytest.approx(level, abs=1e-6)
    assert RosenbaumBounds(-differences).largest_gamma() == 1


def test_p_values_grow_with_gamma_and_signs_mirror(differences):
    one = RosenbaumBounds(differences)
    mirrored = RosenbaumBounds(-3 * differences, alternative="less")
    values = [one.p_value(gamma) for gamma in (1, 1.3, 2, 5, 100)]
    assert (np.diff(values) > 0).all()
    assert mirrored.p_value(2) == pytest.approx(one.p_value(2))


def test_estimates_are_the_hodges_lehmann_estimate_and_its_bounds(differences):
    one = RosenbaumBounds(differences)
    lower, upper = one.estimate_bounds(1)
    walsh = np.add.outer(differences, differences)[np.triu_indices(40)] / 2
    assert lower == pytest.approx(np.median(walsh), abs=0.02)
    assert upper == pytest.approx(lower, abs=0.02)
    low, high = one.estimate_bounds(2)
    assert low < lower <= upper < high
    shifted = RosenbaumBounds(differences + 5).estimate_bounds(2)
    assert shifted == pytest.approx((low + 5, high + 5), abs=1e-6)
    left = RosenbaumBounds(differences - low)
    share = left.statistic / (40 * 41 / 2)
    assert share == pytest.approx(2 / 3, abs=0.03)


def test_table_and_summary(differences):
    one = RosenbaumBounds(differences)
    table = one.table([1, 2])
    assert table.loc[2.0, "p_value"] == one.p_value(2)
    assert tuple(table.loc[2.0, ["lower", "upper"]]) == one.estimate_bounds(2)
    assert f"{one.largest_gamma():.2f} times as likely" in one.summary()
    assert "no significant effect" in RosenbaumBounds(-differences).summary()


def test_pairs_are_differences():
    treated, control = [3.0, 2.0, 5.0], [1.0, 2.5, 1.0]
    one = RosenbaumBounds.from_pairs(treated, control, alternative="less")
    assert one.differences.tolist() == [2.0, -0.5, 4.0]
    assert one.alternative == "less"


def observational(effect, seed, n=1500):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 2))
    t = (rng.random(n) < 1 / (1 + np.exp(-0.7 * X[:, 0]))).astype(int)
    y = 2 * X[:, 0] + effect * t + rng.normal(size=n)
    fit = AIPW(LinearRegression(), LogisticRegression(), cv=2, random_state=0)
    return fit.fit(X, y, treatment=t)


def test_pairs_of_a_learner_find_its_effect():
    for adjust in (True, False):
        one = RosenbaumBounds.from_estimator(observational(1.0, 0), adjust=adjust)
        assert one.n_pairs > 250
        lower, upper = one.estimate_bounds(1)
        assert (lower + upper) / 2 == pytest.approx(1.0, abs=0.35)
        assert one.largest_gamma() > 1.5


def test_pairs_of_a_learner_reject_no_effect_at_most_as_often_as_they_may():
    p_values = [
        RosenbaumBounds.from_estimator(observational(0.0, seed, 300)).p_value()
        for seed in range(40)
    ]
    # At a true level of .1, 10 or more of 40 happen in 0.5 % of cases.
    assert sum(p < 0.1 for p in p_values) < 10


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: RosenbaumBounds([0.0, 0.0]), "all zero"),
        (lambda: RosenbaumBounds([1.0, np.nan]), "finite"),
        (lambda: RosenbaumBounds([[1.0]]), "one finite number per pair"),
        (lambda: RosenbaumBounds([1.0], alternative="more"), "alternative"),
        (lambda: RosenbaumBounds([1.0], method="bootstrap"), "method"),
        (lambda: RosenbaumBounds([1.0]).p_value(0.5), "gamma must be"),
        (lambda: RosenbaumBounds([1.0]).largest_gamma(5), "level"),
        (lambda: RosenbaumBounds.from_pairs([1.0], [1.0, 2.0]), "same number"),
    ],
)
def test_bad_input_gets_an_error(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_a_learner_with_weights_is_refused():
    fit = observational(1.0, 0, 200)
    data = fit._data
    fit.fit(data.X, data.outcome, treatment=data.treatment, sample_weight=np.ones(200))
    with pytest.raises(ValueError, match="sample_weight"):
        RosenbaumBounds.from_estimator(fit)
