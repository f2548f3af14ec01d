"""The smoking simulation of the deconfounder: which adjustment is closer to the truth.

Published errors (times 100; mean-field approximations) are 1.63 for the oracle, 27.36
and 27.27 for one linear factor, 21.75 and 22.26 for one quadratic factor and 29.86
without adjustment. With exact posteriors the oracle has .05, none 24.0 and one linear
factor 24.1: given the causes, draws of a linear factor are noise, so it cannot beat
none and the published order of these two does not hold here. It holds for one
quadratic factor. No file, no test.
"""

import numpy as np
import pytest

pytest.importorskip("pyro")

from benchmarks import deconfounder_smoking as smoking
from benchmarks.r_random import RRandom
from skcausal.estimation.deconfounding import CollinearCausesWarning, PPCAFactorModel

pytestmark = pytest.mark.reference


def test_generator_draws_what_r_draws():
    assert np.allclose(RRandom(123).normal(3), [-0.56047565, -0.23017749, 1.55870831])
    assert np.allclose(RRandom(42).uniform(2), [0.914806, 0.9370754])
    # sample(1:10) after set.seed(1), before R 3.6.
    expected = [3, 4, 5, 7, 2, 8, 9, 6, 10, 1]
    assert (RRandom(1).permutation(10) + 1).tolist() == expected


@pytest.fixture(scope="module")
def frame():
    try:
        return smoking.load()
    except FileNotFoundError:
        pytest.skip("no nmes_smoking/nmes_data.csv.gz in the folder SKCAUSAL_DATA")


def test_survey_is_the_one_described(frame):
    assert frame.shape == (9708, 13)
    assert frame["TOTALEXP"].mean() == pytest.approx(2042.0, abs=0.05)
    A, C, effects, outcomes = smoking.simulate(frame, "dependent")
    assert np.allclose(A.std(axis=0, ddof=1), 1)
    assert C.std(ddof=1) == pytest.approx(1)
    assert np.corrcoef(A.T)[1, 2] > 0.99
    assert effects.shape == (100, 3)
    assert outcomes.shape == (9708, 100)


def errors_of(draws, effects):
    """Return the squared error of each outcome, over draws."""
    return ((draws - effects) ** 2).sum(axis=2).mean(axis=0)


def z_value(differences):
    return differences.mean() / (differences.std(ddof=1) / np.sqrt(len(differences)))


@pytest.mark.slow
def test_independent_causes_order_oracle_quadratic_factor_none(frame):
    A, C, effects, outcomes = smoking.simulate(frame, "independent")
    random = np.random.RandomState(0)
    rows = {
        name: errors_of(draws, effects)
        for name, draws in smoking.exact_rows(A, C, outcomes, random)
    }
    none, oracle = rows["none"], rows["oracle"]
    quadratic = rows["quadratic, substitute"]
    assert oracle.mean() < 0.001
    assert z_value(oracle - quadratic) < -3
    assert z_value(quadratic - none) < -3
    assert quadratic.mean() == pytest.approx(0.2175, rel=0.15)  # the published cell
    # One linear factor adds noise and takes nothing away.
    assert abs(rows["linear, substitute"].mean() / none.mean() - 1) < 0.02


@pytest.mark.slow
def test_intervals_of_the_substitute_hardly_ever_hold_the_effect(frame):
    A, C, effects, outcomes = smoking.simulate(frame, "independent")
    random = np.random.RandomState(0)
    linear = PPCAFactorModel(1).fit(A).sample_posterior(A, 10, random_state=0)
    draws = smoking.over_confounders(A, linear, outcomes, random)
    found = smoking.measures(draws, effects)
    assert max(found["covered 1"], found["covered 2"]) < 0.2  # published: .19 to .44
    oracle = smoking.posterior_draws(A, C, outcomes, 10, random)
    found = smoking.measures(oracle, effects)
    assert min(found["covered 1"], found["covered 2"]) > 0.6  # at best .8 with 10


@pytest.mark.slow
def test_adjusting_is_worse_than_not_for_dependent_causes(frame):
    """As published: 89.62 and 70.46 with one linear factor, 66.07 without."""
    A, C, effects, outcomes = smoking.simulate(frame, "dependent")
    with pytest.warns(CollinearCausesWarning):  # one cause is nearly a copy
        naive, substitute, reconstruction = (
            smoking.own_measures(A, adjust, effects, outcomes)[0]
            for adjust in ("none", "substitute", "reconstruction")
        )
    oracle = smoking.posterior_draws(A, C, outcomes, 10, np.random.RandomState(0))
    assert z_value(errors_of(oracle, effects) - naive) < -3
    assert z_value(substitute - naive) > 3
    assert z_value(reconstruction - naive) > 3
