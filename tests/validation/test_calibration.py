"""Calibration of predicted effects."""

import numpy as np
import pytest

from skcausal.validation import calibration_curve, calibration_score

EFFECTS = [1.0, 4.0, 2.0, 3.0]
SCORES = [-4.0, 8.0, 0.0, 4.0]


def test_curve_by_hand():
    predicted, observed = calibration_curve(EFFECTS, scores=SCORES, n_bins=2)
    assert predicted.tolist() == [1.5, 3.5]
    assert observed.tolist() == [-2, 6]


def test_score_by_hand():
    # Distances 3.5 and 2.5 against 4 and 4 from the overall mean 2.
    found = calibration_score(EFFECTS, scores=SCORES, n_bins=2)
    assert found == pytest.approx(1 - 6 / 8)


def test_score_with_ties_and_weights_by_hand():
    # Bins {2}, {1, 1, 1}: shares 1/2, 1/2; means 6 and 0, overall 3.
    found = calibration_score(
        [2, 1, 1, 1],
        scores=[6.0, 1.0, 1.0, -1.0],
        sample_weight=[4, 1, 1, 2],
        n_bins=2,
    )
    assert found == pytest.approx(1 - (4 + 1) / (3 + 3))


def test_exact_effects_score_one():
    effects = np.random.default_rng(0).normal(size=500)
    assert calibration_score(effects, scores=effects) == pytest.approx(1)
    predicted, observed = calibration_curve(effects, scores=effects)
    assert predicted == pytest.approx(observed)
    assert (np.diff(predicted) > 0).all()


@pytest.mark.parametrize("factor", [0.5, 2, -1])
def test_score_of_scaled_effects(factor):
    """Centred effects times f miss by |1 - f| of the distance to the mean."""
    effects = np.random.default_rng(1).normal(size=1000)
    effects -= effects.mean()
    found = calibration_score(factor * effects, scores=effects)
    assert found == pytest.approx(1 - abs(1 - factor))


def test_noisy_scores_of_true_effects_come_near_one():
    rng = np.random.default_rng(2)
    effects = rng.uniform(size=50_000)
    scores = effects + rng.normal(size=50_000)
    assert 0.9 < calibration_score(effects, scores=scores) < 1
    assert calibration_score(3 * effects, scores=scores) < 0


@pytest.mark.parametrize("constant", [0.0, 2.0, 100.0])
def test_constant_effects_explain_nothing(constant):
    assert calibration_score(np.full(4, constant), scores=SCORES) == 0.0


def test_equal_scores_give_a_finite_score():
    assert calibration_score(EFFECTS, scores=np.ones(4)) == 0.0


@pytest.mark.parametrize("function", [calibration_curve, calibration_score])
def test_bad_bins(function):
    with pytest.raises(ValueError, match=f"{function.__name__}: n_bins must be"):
        function(EFFECTS, scores=SCORES, n_bins=1.5)
