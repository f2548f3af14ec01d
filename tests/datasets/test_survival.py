"""The truth of make_survival is the truth of what it drew."""

import numpy as np
import pytest

from skcausal.datasets import make_survival

TARGETS = ["restricted_mean", "survival_probability"]


@pytest.mark.parametrize("setting", [1, 2, 3, 4])
@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("horizon", [None, 0.7, 2.5])
def test_outcome_means_are_those_of_complete_times(setting, target, horizon):
    data = make_survival(
        60_000,
        setting=setting,
        target=target,
        horizon=horizon,
        censoring_scale=1e9,
        random_state=0,
    )
    assert data.event.all()
    time = data.y.to_numpy()
    if target == "restricted_mean":
        outcome = np.minimum(time, data.horizon)
    else:
        outcome = (time > data.horizon).astype(float)
    arm = data.treatment.to_numpy()
    error = outcome - data.outcome_means[np.arange(len(arm)), arm]
    low = data.X["x1"].to_numpy() < 0.5
    for part in (arm == 0, arm == 1, low & (arm == 1), ~low & (arm == 1)):
        spread = error[part].std() / np.sqrt(part.sum())
        assert abs(error[part].mean()) <= 4 * spread + 1e-12


@pytest.mark.parametrize("setting", [1, 2, 3, 4])
def test_treatment_censoring_and_population(setting):
    data = make_survival(40_000, 4, setting=setting, random_state=0)
    arm, event = data.treatment.to_numpy(), data.event.to_numpy()
    error = arm - data.propensity
    assert abs(error.mean()) < 4 * error.std() / np.sqrt(40_000)
    censored = np.mean((event == 0) & (data.y < data.horizon))
    documented = {1: 0.06, 2: 0.17, 3: 0.08, 4: 0.20}
    assert censored == pytest.approx(documented[setting], abs=0.01)
    assert (data.y >= data.horizon).any()
    for name in ("", "_treated", "_control", "_overlap"):
        sample = data[f"average_effect{name}"]
        population = data.population[f"average_effect{name}"]
        assert abs(sample - population) < 5 * data.effect.std() / np.sqrt(10_000)
    scaled = make_survival(40_000, setting=setting, censoring_scale=0.5, random_state=0)
    assert np.mean((scaled.event == 0) & (scaled.y < scaled.horizon)) > censored


def test_the_same_seed_gives_the_same_table_in_the_common_shape():
    one, two = (make_survival(50, 6, setting=2, random_state=3) for _ in range(2))
    assert one.frame.equals(two.frame)
    names = [f"x{j}" for j in range(1, 7)]
    assert one.frame.columns.tolist() == [*names, "treatment", "time", "event"]
    assert one.X.columns.tolist() == one.feature_names == names
    assert (one.treatment_name, one.outcome_name, one.event_name) == (
        "treatment",
        "time",
        "event",
    )
    assert one.arms == [0, 1]
    assert one.outcome_means.shape == (50, 2)
    assert one.event.equals(one.frame["event"])
    assert not one.frame.equals(make_survival(50, 6, setting=2, random_state=4).frame)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"setting": 5}, "setting must be one of 1, 2, 3, 4, got 5"),
        ({"target": "median"}, "target must be one of 'restricted_mean'"),
        ({"horizon": 0.0}, r"horizon must be a number in \(0"),
        ({"n_features": 2}, "n_features must be an integer at least 3, got 2"),
        ({"n_rows": 0}, "n_rows must be an integer at least 1"),
        ({"censoring_scale": -1.0}, "censoring_scale must be a number in"),
    ],
)
def test_bad_options(options, message):
    with pytest.raises(ValueError, match=message):
        make_survival(**options)
