"""Gain curve, its areas, uplift at k and uplift by bins of the predicted effect."""

import numpy as np
import pytest

from skcausal.validation import (
    auuc_score,
    qini_curve,
    qini_score,
    uplift_at_k,
    uplift_by_decile,
)

EFFECTS = [1.0, 4.0, 2.0, 3.0]
SCORES = [-4.0, 8.0, 0.0, 4.0]


def test_curve_by_hand():
    fractions, gains = qini_curve(EFFECTS, scores=SCORES)
    assert fractions.tolist() == [0, 0.25, 0.5, 0.75, 1]
    assert gains.tolist() == [0, 2, 3, 3, 2]


def test_curve_from_outcomes_by_hand():
    # p = 1/2, means 5 and 1, c = 3: scores are 2 (y - 3) treated, -2 (y - 3) control.
    fractions, gains = qini_curve([4, 3, 2, 1], [8, 0, 2, 2], [1, 0, 1, 0])
    assert fractions.tolist() == [0, 0.25, 0.5, 0.75, 1]
    assert gains.tolist() == [0, 2.5, 4, 3.5, 4]


def test_areas_by_hand():
    assert auuc_score(EFFECTS, scores=SCORES) == 2.25
    assert qini_score(EFFECTS, scores=SCORES) == 1.25
    # Weighted sums 0, 16, 24, 24, 20 after 0, 2, 4, 5, 6 of 6 units of weight.
    weighted = (2 * 8 + 2 * 20 + 1 * 24 + 1 * 22) / 36
    arguments = {"scores": SCORES, "sample_weight": [1, 2, 1, 2]}
    assert auuc_score(EFFECTS, **arguments) == pytest.approx(weighted)
    assert qini_score(EFFECTS, **arguments) == pytest.approx(weighted - 20 / 12)


@pytest.mark.parametrize(
    ("k", "uplift"), [(0.25, 8), (0.5, 6), (1, 2), (0.375, 20 / 3), (0.1, 8)]
)
def test_uplift_at_k_by_hand(k, uplift):
    assert uplift_at_k(EFFECTS, scores=SCORES, k=k) == pytest.approx(uplift)


@pytest.mark.parametrize("k", [0, -0.1, 1.01, 20, np.nan])
def test_uplift_at_k_rejects_other_fractions(k):
    with pytest.raises(ValueError, match=r"k must be a fraction in \(0, 1\]"):
        uplift_at_k(EFFECTS, scores=SCORES, k=k)


def test_ties_share_their_scores():
    fractions, gains = qini_curve([2, 1, 1, 1], scores=[4.0, 3.0, 0.0, -3.0])
    assert fractions.tolist() == [0, 0.25, 1]
    assert gains.tolist() == [0, 1, 1]
    assert uplift_at_k([2, 1, 1, 1], scores=[4.0, 9.0, 0.0, 0.0], k=0.5) == 3.5


def test_all_tied_is_random_targeting():
    scores = np.random.default_rng(0).normal(size=101)
    fractions, gains = qini_curve(np.full(101, 0.3), scores=scores)
    assert fractions.tolist() == [0, 1]
    assert gains[1] == pytest.approx(scores.mean())
    assert qini_score(np.full(101, 0.3), scores=scores) == 0.0
    assert uplift_at_k(np.full(101, 0.3), scores=scores, k=0.2) == pytest.approx(
        scores.mean()
    )


def test_equal_scores_have_no_order_to_find():
    assert qini_score(np.arange(50), scores=np.full(50, 0.1)) == 0.0


def test_auuc_is_qini_plus_half_the_average_effect():
    rng = np.random.default_rng(1)
    effects, scores, weights = rng.normal(size=(3, 200))
    weights = np.abs(weights)
    arguments = {"scores": scores, "sample_weight": weights}
    average = np.average(scores, weights=weights)
    assert auuc_score(effects, **arguments) == pytest.approx(
        qini_score(effects, **arguments) + average / 2
    )


def test_reversing_the_order_flips_qini():
    effects, scores = np.random.default_rng(2).normal(size=(2, 99))
    forward = qini_score(effects, scores=scores)
    assert qini_score(-effects, scores=scores) == pytest.approx(-forward)


def test_perfect_order_of_uniform_effects():
    """Effects uniform on [0, 1]: gain(q) = q - q^2 / 2, Qini = 1 / 12."""
    effects = (np.arange(2000) + 0.5) / 2000
    fractions, gains = qini_curve(effects, scores=effects)
    assert gains == pytest.approx(fractions - fractions**2 / 2, abs=1e-6)
    assert qini_score(effects, scores=effects) == pytest.approx(1 / 12, abs=1e-6)
    assert auuc_score(effects, scores=effects) == pytest.approx(1 / 3, abs=1e-6)


def test_deciles_by_hand():
    table = uplift_by_decile(EFFECTS, scores=SCORES, n_bins=2, level=0.9)
    assert table.index.tolist() == [1, 2]
    assert table.index.name == "bin"
    assert table["estimate"].tolist() == [6, -2]
    assert table["predicted"].tolist() == [3.5, 1.5]
    assert table["standard_error"].tolist() == pytest.approx([2, 2])
    assert table["share"].tolist() == [0.5, 0.5]
    assert table["n_rows"].tolist() == [2, 2]
    assert (table["upper"] - table["estimate"]).tolist() == pytest.approx(
        [2 * 1.6448536] * 2
    )


def test_deciles_have_equal_share_and_average_to_the_whole():
    effects, scores = np.random.default_rng(3).normal(size=(2, 1000))
    table = uplift_by_decile(effects, scores=scores)
    assert table["n_rows"].tolist() == [100] * 10
    assert table["share"] @ table["estimate"] == pytest.approx(scores.mean())
    assert (np.diff(table["predicted"]) < 0).all()


def test_weighted_deciles_have_equal_share_of_weight():
    effects, scores, weights = np.random.default_rng(4).uniform(size=(3, 20_000))
    table = uplift_by_decile(effects, scores=scores, sample_weight=weights)
    assert table["share"].to_numpy() == pytest.approx(np.full(10, 0.1), abs=1e-3)


def test_ties_stay_in_one_bin():
    effects = np.repeat([2.0, 1.0, 0.0], [10, 60, 30])
    table = uplift_by_decile(effects, scores=np.arange(100.0))
    assert table["n_rows"].tolist() == [10, 60, 30]
    assert table["predicted"].tolist() == [2, 1, 0]
    assert table.index.tolist() == [1, 5, 9]


def test_one_row_bins_have_no_standard_error():
    table = uplift_by_decile(EFFECTS, scores=SCORES)
    assert len(table) == 4
    assert table[["standard_error", "lower", "upper"]].isna().all(axis=None)
    assert table["estimate"].notna().all()


def test_standard_error_is_that_of_a_mean():
    effects, scores = np.random.default_rng(5).normal(size=(2, 300))
    table = uplift_by_decile(effects, scores=scores, n_bins=1)
    expected = scores.std(ddof=1) / 300**0.5
    assert table["standard_error"].item() == pytest.approx(expected)


def test_standard_error_of_clusters():
    rng = np.random.default_rng(6)
    groups = np.repeat(np.arange(50), 4)
    scores = np.repeat(rng.normal(size=50), 4)
    arguments = {"scores": scores, "n_bins": 1}
    effects = rng.normal(size=200)
    alone = uplift_by_decile(effects, **arguments)["standard_error"].item()
    clustered = uplift_by_decile(effects, **arguments, groups=groups)
    expected = scores[::4].std(ddof=1) / 50**0.5
    assert clustered["standard_error"].item() == pytest.approx(expected)
    assert clustered["standard_error"].item() > 1.9 * alone


@pytest.mark.parametrize("n_bins", [0, -1, 2.5, True, None])
def test_deciles_reject_bad_bins(n_bins):
    with pytest.raises(ValueError, match="n_bins must be a positive integer"):
        uplift_by_decile(EFFECTS, scores=SCORES, n_bins=n_bins)


def test_deciles_reject_bad_level():
    with pytest.raises(ValueError, match="uplift_by_decile: level must lie strictly"):
        uplift_by_decile(EFFECTS, scores=SCORES, level=95)
