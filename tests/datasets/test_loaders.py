"""Published figures of every data set; a file that is not here skips its tests."""

import numpy as np
import pandas as pd
import pytest

from skcausal import datasets
from skcausal.datasets import (
    _fetch,
    _loaders_simulated,
    _loaders_training,
    fetch_acic2016,
    fetch_criteo,
    fetch_hillstrom,
    fetch_ihdp,
    fetch_jobs,
    fetch_lalonde,
    fetch_twins,
)


@pytest.fixture(autouse=True)
def no_download(monkeypatch):
    """Skip with the reason where a file would have to be downloaded."""

    def skip(remote, owner):
        names = " or ".join(source.name for source in remote.sources)
        pytest.skip(
            f"{owner} needs {remote.folder}/{names}, not in {_fetch.data_folder()}; "
            f"set {_fetch.DATA_VARIABLE}"
        )

    monkeypatch.setattr(_fetch, "download", skip)


LOADS = [
    (fetch_hillstrom, {}),
    (fetch_hillstrom, {"outcome": "spend", "arms": ["No E-Mail", "Womens E-Mail"]}),
    (fetch_criteo, {}),
    (fetch_lalonde, {}),
    (fetch_lalonde, {"sample": "nsw", "controls": "psid"}),
    (fetch_jobs, {}),
    (fetch_jobs, {"replication": 10, "subset": "test"}),
]
LOADS_WITH_TRUTH = [
    (fetch_ihdp, {}),
    (fetch_acic2016, {}),
    (fetch_acic2016, {"setting": 3, "replication": 100}),
    (fetch_twins, {"random_state": 0}),
    (fetch_twins, {"assignment": "pairs"}),
]


@pytest.mark.parametrize(("fetch", "options"), LOADS + LOADS_WITH_TRUTH)
def test_shape_of_the_bunch(fetch, options):
    data = fetch(**options)
    columns = [*data.feature_names, data.treatment_name, data.outcome_name]
    assert sorted(data.frame.columns) == sorted(columns)
    pd.testing.assert_frame_equal(data.X, data.frame[data.feature_names])
    pd.testing.assert_series_equal(data.y, data.frame[data.outcome_name])
    pd.testing.assert_series_equal(data.treatment, data.frame[data.treatment_name])
    assert data.frame.index.equals(pd.RangeIndex(len(data.frame)))
    assert set(data.treatment) == set(data.arms)
    assert data.control_arm == data.arms[0]
    assert data.y.notna().all()
    kinds = {kind.kind if hasattr(kind, "kind") else "?" for kind in data.X.dtypes}
    assert kinds <= {"i", "f", "O"}
    assert all(
        isinstance(kind, pd.CategoricalDtype) or kind.kind in "if"
        for kind in data.X.dtypes
    )
    assert str(len(data.frame)) in data.description
    assert "\n" not in data.description


@pytest.mark.parametrize(("fetch", "options"), LOADS_WITH_TRUTH)
def test_known_effects_agree_with_their_parts(fetch, options):
    data = fetch(**options)
    assert data.average_effect == pytest.approx(data.effect.mean())
    treated = (data.treatment == 1).to_numpy()
    assert data.average_effect_treated == pytest.approx(data.effect[treated].mean())
    assert data.average_effect_control == pytest.approx(data.effect[~treated].mean())
    if data.get("propensity") is not None:
        surprise = treated - data.propensity
        error = np.sqrt(np.mean(data.propensity * (1 - data.propensity)) / len(treated))
        assert abs(surprise.mean()) < 4 * error


def test_hillstrom_published_means():
    data = fetch_hillstrom()
    assert data.X.shape == (64_000, 8)
    counts = data.treatment.value_counts()
    assert counts[list(data.arms)].tolist() == [21_306, 21_307, 21_387]
    means = data.outcomes.groupby(data.treatment).mean().loc[data.arms]
    published = [
        [0.10617, 0.00573, 0.6528],
        [0.18276, 0.01253, 1.4226],
        [0.15140, 0.00884, 1.0772],
    ]
    np.testing.assert_allclose(means, published, atol=6e-5)
    visits = data.y.groupby(data.treatment).mean()
    gain = visits - visits["No E-Mail"]
    assert gain["Mens E-Mail"] == pytest.approx(0.07659, abs=1e-5)
    assert gain["Womens E-Mail"] == pytest.approx(0.04523, abs=1e-5)


def test_hillstrom_columns_and_design():
    data = fetch_hillstrom()
    categories = data.X.select_dtypes("category").columns.tolist()
    assert categories == ["history_segment", "zip_code", "channel"]
    assert data.X["history_segment"].cat.ordered
    assert data.propensity.shape == (64_000, 3)
    assert data.arm_probabilities["No E-Mail"] == pytest.approx(1 / 3)


def test_hillstrom_two_arms_in_the_order_given():
    data = fetch_hillstrom(outcome="conversion", arms=["Womens E-Mail", "Mens E-Mail"])
    assert len(data.y) == 21_387 + 21_307
    assert data.control_arm == "Womens E-Mail"
    assert data.outcome_name == "conversion"
    assert "visit" not in data.frame
    np.testing.assert_array_equal(data.propensity, np.full(len(data.y), 0.5))


def test_criteo_sample():
    data = fetch_criteo(subset="sample")
    assert data.X.shape == (1000, 12)
    assert data.is_sample
    assert "excerpt" in data.description
    assert data.treatment.mean() == pytest.approx(0.863)
    assert data.y.mean() == pytest.approx(0.035)
    assert data.outcomes["conversion"].mean() == pytest.approx(0.002)
    assert data.exposure.mean() == pytest.approx(0.024)
    assert fetch_criteo(outcome="conversion").outcome_name == "conversion"


@pytest.mark.parametrize(
    ("sample", "treated", "control", "effect"),
    [("nsw", 297, 425, 886.30), ("nsw_dw", 185, 260, 1794.34)],
)
def test_lalonde_experiments(sample, treated, control, effect):
    data = fetch_lalonde(sample=sample)
    assert data.treatment.value_counts().to_dict() == {1: treated, 0: control}
    means = data.y.groupby(data.treatment).mean()
    assert means[1] - means[0] == pytest.approx(effect, abs=0.005)
    assert data.benchmark_effect == pytest.approx(effect, abs=0.005)
    assert 450 < data.benchmark_standard_error < 700
    assert ("re74" in data.X) == (sample == "nsw_dw")


@pytest.mark.parametrize(
    ("controls", "rows"),
    [
        ("psid", 2490),
        ("psid2", 253),
        ("psid3", 128),
        ("cps", 15_992),
        ("cps2", 2369),
        ("cps3", 429),
    ],
)
@pytest.mark.parametrize(("sample", "treated"), [("nsw_dw", 185), ("nsw", 297)])
def test_lalonde_surveys(sample, treated, controls, rows):
    data = fetch_lalonde(sample=sample, controls=controls)
    assert data.treatment.value_counts().to_dict() == {0: rows, 1: treated}
    experiment = fetch_lalonde(sample=sample)
    assert data.benchmark_effect == experiment.benchmark_effect
    pd.testing.assert_frame_equal(
        data.frame.iloc[:treated],
        experiment.frame[experiment.treatment == 1].reset_index(drop=True),
    )
    assert data.X.notna().all(axis=None)


def test_lalonde_content_hash_is_that_of_the_table():
    training = _loaders_training
    files = {**training.LALONDE_EXPERIMENTS, **training.LALONDE_CONTROLS}
    for remote in files.values():
        table, _ = _fetch.load(remote, "test")
        digest = _fetch.content_digest(table, remote.columns)
        assert digest == remote.content_sha256


def test_jobs_single_split():
    data = fetch_jobs()
    assert data.X.shape == (3212, 17)
    assert data.treatment.sum() == 297
    assert data.experimental.sum() == 722
    trial = data.frame[data.experimental]
    means = trial["employed"].groupby(trial["treatment"]).mean()
    assert means[1] - means[0] == pytest.approx(0.07794, abs=1e-5)
    assert data.benchmark_effect == pytest.approx(means[1] - means[0])
    assert len(fetch_jobs(subset="train").y) == 2891
    assert len(fetch_jobs(subset="test").y) == 321


@pytest.mark.parametrize("replication", [1, 10])
def test_jobs_ten_splits_hold_the_same_men(replication):
    train, test, both = (
        fetch_jobs(replication=replication, subset=subset)
        for subset in ("train", "test", "all")
    )
    assert (len(train.y), len(test.y), len(both.y)) == (2570, 642, 3212)
    columns = both.frame.columns.tolist()
    single = fetch_jobs().frame[columns].sort_values(columns, ignore_index=True)
    same = both.frame.sort_values(columns, ignore_index=True)
    np.testing.assert_allclose(same, single)


def test_ihdp_first_replication():
    train, test, both = (
        fetch_ihdp(subset=subset) for subset in ("train", "test", "all")
    )
    assert train.X.shape == (672, 25)
    assert test.X.shape == (75, 25)
    assert len(both.y) == 747
    assert both.treatment.sum() == 139
    assert both.average_effect == pytest.approx(4.0161, abs=5e-5)


def test_ihdp_all_replications():
    data = [fetch_ihdp(replication=k, subset="all") for k in (1, 2, 50, 100)]
    for item in data:
        assert item.average_effect_treated == pytest.approx(4.0, abs=1e-9)
        own = np.where(item.treatment == 1, item.mu1, item.mu0)
        assert np.std(item.y - own) == pytest.approx(1.0, abs=0.1)
    assert not data[0].y.equals(data[1].y)


def test_ihdp_mean_effect_over_replications():
    pieces = [
        _fetch.load(remote, "test")[0] for remote in _loaders_simulated.IHDP.values()
    ]
    effects = np.concatenate([piece["mu1"] - piece["mu0"] for piece in pieces])
    assert effects.mean() == pytest.approx(4.516, abs=5e-4)


def test_ihdp_content_hash_is_that_of_the_arrays():
    remote = _loaders_simulated.IHDP["train"]
    arrays, _ = _fetch.load(remote, "test")
    assert _fetch.content_digest(arrays, remote.columns) == remote.content_sha256


def test_acic_features_and_settings():
    data = fetch_acic2016(setting=77)
    assert data.X.shape == (4802, 58)
    categories = data.X.select_dtypes("category").columns.tolist()
    assert categories == ["x_2", "x_21", "x_24"]
    np.testing.assert_allclose(data.effect, data.mu1 - data.mu0)
    received = data.potential_outcomes[np.arange(4802), data.treatment]
    np.testing.assert_array_equal(data.y, received)


def test_acic_mean_effect_on_the_treated_over_settings():
    arrays, _ = _fetch.load(_loaders_simulated.ACIC_ALL_SETTINGS, "test")
    effect, treated = arrays["mu1"] - arrays["mu0"], arrays["z"] == 1
    by_setting = np.average(effect, axis=1, weights=treated)
    assert by_setting.mean() == pytest.approx(3.60, abs=0.005)
    for setting in (1, 40, 77):
        data = fetch_acic2016(setting=setting)
        assert data.average_effect_treated == pytest.approx(by_setting[setting - 1])


@pytest.mark.parametrize("setting", [1, 2, 5, 6, 7, 8, 9, 10])
def test_acic_published_file_agrees_with_the_regenerated_one(setting, monkeypatch):
    simulated = _loaders_simulated
    regenerated = fetch_acic2016(setting=setting)
    if regenerated.propensity is None:
        pytest.skip("acic2016_77settings_rep1.npz is not here")
    find = _fetch.find
    monkeypatch.setattr(
        simulated,
        "find",
        lambda remote: None if remote is simulated.ACIC_ALL_SETTINGS else find(remote),
    )
    published = fetch_acic2016(setting=setting)
    assert published.propensity is None
    assert published.average_effect_overlap is None
    np.testing.assert_array_equal(published.treatment, regenerated.treatment)
    for name in ("y", "mu0", "mu1", "potential_outcomes"):
        np.testing.assert_allclose(published[name], regenerated[name], atol=1e-8)


def test_acic_replication_100_is_another_draw():
    first, other = (fetch_acic2016(setting=4, replication=r) for r in (1, 100))
    assert other.propensity is None
    assert not first.y.equals(other.y)


def test_twins_pairs():
    data = fetch_twins(assignment="pairs")
    assert data.X.shape == (23_968, 49)
    assert len(np.unique(data.groups)) == 11_984
    mortality = data.y.groupby(data.treatment).mean()
    assert mortality[0] == pytest.approx(0.18942, abs=5e-6)
    assert mortality[1] == pytest.approx(0.16422, abs=5e-6)
    assert data.average_effect == pytest.approx(-0.0252, abs=1e-5)
    assert np.all(data.weight[1::2] > data.weight[0::2])
    assert data.weight.max() < 2000


def test_twins_show_one_of_each_pair():
    data = fetch_twins(random_state=0)
    assert data.X.shape == (11_984, 49)
    assert data.average_effect == pytest.approx(-0.0252, abs=1e-5)
    received = data.potential_outcomes[np.arange(11_984), data.treatment]
    np.testing.assert_array_equal(data.y, received)
    assert not {"wt", "infant_id"} & set(data.X)
    mortality = data.y.groupby(data.treatment).mean()
    assert mortality[1] - mortality[0] < -0.08  # longer gestation shows the heavier


def test_twins_randomised_and_seeded():
    data = fetch_twins(assignment="randomised", random_state=1)
    np.testing.assert_array_equal(data.propensity, 0.5)
    mortality = data.y.groupby(data.treatment).mean()
    assert mortality[1] - mortality[0] == pytest.approx(-0.0252, abs=0.03)
    again = fetch_twins(assignment="randomised", random_state=1)
    pd.testing.assert_frame_equal(data.frame, again.frame)
    other = fetch_twins(assignment="randomised", random_state=2)
    assert not data.treatment.equals(other.treatment)


BAD_OPTIONS = [
    (
        fetch_hillstrom,
        {"outcome": "sales"},
        "outcome must be one of 'visit', .*'sales'",
    ),
    (fetch_hillstrom, {"arms": ["No E-Mail"]}, "arms must be two or three different"),
    (
        fetch_hillstrom,
        {"arms": ["No E-Mail", "SMS"]},
        r"arms must .*got \['No.*'SMS'\]",
    ),
    (
        fetch_criteo,
        {"outcome": "spend"},
        "outcome must be one of 'visit', 'conversion'",
    ),
    (fetch_criteo, {"subset": "half"}, "subset must be one of None, 'full', 'sample'"),
    (
        fetch_lalonde,
        {"sample": "dw"},
        "sample must be one of 'nsw_dw', 'nsw', got 'dw'",
    ),
    (fetch_lalonde, {"controls": "psid9"}, "controls must be one of None, 'psid', "),
    (fetch_jobs, {"replication": 11}, "replication must be an integer from 1 to 10"),
    (fetch_jobs, {"subset": "valid"}, "subset must be one of 'train', 'test', 'all'"),
    (fetch_ihdp, {"replication": 0}, "replication must be an integer from 1 to 100"),
    (fetch_ihdp, {"subset": None}, "subset must be one of .* got None"),
    (
        fetch_acic2016,
        {"setting": 78},
        "setting must be an integer from 1 to 77, got 78",
    ),
    (fetch_acic2016, {"replication": 2}, "replication must be one of 1, got 2"),
    (
        fetch_acic2016,
        {"setting": 3, "replication": 2},
        "replication must be one of 1, 100, got 2",
    ),
    (fetch_twins, {"assignment": "random"}, "assignment must be one of 'confounded', "),
]


@pytest.mark.parametrize(("fetch", "options", "message"), BAD_OPTIONS)
def test_unknown_option_names_owner_rule_and_value(fetch, options, message):
    with pytest.raises(ValueError, match=f"^{fetch.__name__}: {message}"):
        fetch(**options)


def test_every_public_name_is_in_the_index():
    for name in datasets.__all__:
        assert f"`{name}`" in datasets.__doc__
