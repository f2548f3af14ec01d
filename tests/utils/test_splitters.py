"""TreatmentStratifiedKFold keeps every arm, and rare outcomes, in every fold."""

import numpy as np
import pytest
from sklearn import config_context
from sklearn.base import clone
from sklearn.model_selection import check_cv, cross_validate

from skcausal import causal_target
from skcausal.utils._splitters import fold_strata, is_binary
from skcausal.validation import TreatmentStratifiedKFold
from tests.estimation.helpers import learner_of, make_table


def folds_of(splitter, n_rows, *arguments, **keywords):
    fold = np.full(n_rows, -1)
    for number, (train, test) in enumerate(splitter.split(*arguments, **keywords)):
        assert (fold[test] == -1).all()
        np.testing.assert_array_equal(np.union1d(train, test), np.arange(n_rows))
        fold[test] = number
    assert (fold >= 0).all()
    return fold


@pytest.mark.parametrize("way", ["target", "keyword"])
def test_arms_have_equal_shares(way, rng):
    treatment = rng.choice(["a", "b", "c"], size=200, p=[0.1, 0.3, 0.6])
    y = rng.normal(size=200)
    splitter = TreatmentStratifiedKFold(5, random_state=0)
    if way == "target":
        target = causal_target(y, treatment)
        folds = folds_of(splitter, 200, target, target)
    else:
        folds = folds_of(splitter, 200, y, y, treatment=treatment)
    for arm in "abc":
        counts = np.bincount(folds[treatment == arm], minlength=5)
        assert counts.max() - counts.min() <= 1


def test_rare_events_are_shared_out_within_arms(rng):
    treatment, y = np.arange(400) % 2, np.zeros(400)
    y[:20] = 1
    folds = folds_of(
        TreatmentStratifiedKFold(5, random_state=0), 400, y, y, None, treatment
    )
    for arm in (0, 1):
        assert np.bincount(folds[(treatment == arm) & (y == 1)]).tolist() == [2] * 5


def test_groups_are_kept_together(rng):
    groups = rng.integers(30, size=200)
    target = causal_target(np.zeros(200), np.arange(200) % 2, groups=groups)
    splitter = TreatmentStratifiedKFold(4, random_state=0)
    packed = folds_of(splitter, 200, target, target)
    for group in np.unique(groups):
        assert len(set(packed[groups == group])) == 1
    names = np.array([f"g{g}" for g in groups])
    keyword = folds_of(
        splitter, 200, target, np.zeros(200), names, treatment=target["treatment"]
    )
    for group in np.unique(groups):
        assert len(set(keyword[groups == group])) == 1


def test_continuous_treatments_are_split_at_random(rng):
    treatment = rng.normal(size=100)
    splitter = TreatmentStratifiedKFold(4, random_state=0)
    folds = folds_of(splitter, 100, treatment, None, None, treatment)
    assert np.bincount(folds).tolist() == [25] * 4


def test_seeds():
    treatment = np.arange(50) % 2

    def split(state):
        splitter = TreatmentStratifiedKFold(5, random_state=state)
        return folds_of(splitter, 50, treatment, treatment, None, treatment)

    np.testing.assert_array_equal(split(0), split(0))
    assert (split(0) != split(1)).any()


def test_it_is_a_splitter_of_scikit_learn():
    splitter = TreatmentStratifiedKFold(3, random_state=0)
    assert splitter.get_n_splits() == 3
    assert check_cv(splitter) is splitter
    assert repr(splitter) == "TreatmentStratifiedKFold(n_splits=3, random_state=0)"
    assert clone(splitter, safe=False).n_splits == 3


@pytest.mark.parametrize("routing", [False, True])
def test_in_cross_validation(routing):
    table = make_table()
    splitter = TreatmentStratifiedKFold(3, random_state=0)
    y, metadata = causal_target(table.y, table.treatment), {}
    if routing:
        y, metadata = table.y, {"params": {"treatment": table.treatment}}
    with config_context(enable_metadata_routing=routing):
        result = cross_validate(
            learner_of("T"),
            table.X,
            y,
            cv=splitter,
            error_score="raise",
            return_indices=True,
            **metadata,
        )
    assert np.isfinite(result["test_score"]).all()
    for test in result["indices"]["test"]:
        share = table.treatment[test].mean()
        assert share == pytest.approx(table.treatment.mean(), abs=0.04)


def test_bad_input():
    splitter = TreatmentStratifiedKFold(5)
    with pytest.raises(
        ValueError, match=r"TreatmentStratifiedKFold.split: no treatment"
    ):
        list(splitter.split(np.zeros(10), np.zeros(10)))
    with pytest.raises(ValueError, match="treatment has 1 missing"):
        list(splitter.split(np.zeros(2), np.zeros(2), None, [np.nan, 1]))
    treatment = np.arange(8) % 2
    with pytest.raises(ValueError, match=r"n_splits=5 cannot be greater than .* \(4\)"):
        list(splitter.split(treatment, None, None, treatment))


@pytest.mark.parametrize(
    ("treatment", "n_strata"),
    [
        (np.array([0, 1] * 10), 4),
        (np.array(["a", "b"] * 10), 4),
        (np.arange(20.0) / 3, None),
        (np.arange(20), 40),
    ],
)
def test_strata(treatment, n_strata):
    outcome = np.repeat([0, 1], 10)
    strata = fold_strata(outcome, treatment)
    if n_strata is None:
        assert strata is None
    else:
        assert len(set(strata)) <= n_strata
        assert set(strata % 2) == {0, 1}
    assert len(set(fold_strata(np.arange(20.0), np.array([0, 1] * 10)))) == 2


@pytest.mark.parametrize(
    ("outcome", "binary"),
    [
        (np.array([True, False]), True),
        (np.array([0, 1]), True),
        (np.array([1, 1]), True),
        (np.array([0, 1], dtype=np.uint8), True),
        (np.array([0.0, 1.0]), False),
        (np.array([0, 2]), False),
        (np.array([-1, 1]), False),
    ],
)
def test_is_binary(outcome, binary):
    assert is_binary(outcome) is binary
