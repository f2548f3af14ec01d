"""Folds: stratified, groups intact, from any source, and never an arm missing."""

import numpy as np
import pytest
from sklearn.model_selection import (
    GroupKFold,
    KFold,
    LeaveOneGroupOut,
    ShuffleSplit,
    StratifiedKFold,
    TimeSeriesSplit,
)

from skcausal.estimation._data import make_data
from skcausal.estimation._folds import make_folds
from skcausal.utils._target import resolve_target
from skcausal.validation import TreatmentStratifiedKFold
from tests.estimation.helpers import learner_of, make_table


def data_of(table, **metadata):
    parts = resolve_target("test", table.y, table.treatment, **metadata)
    control = "none" if table.treatment.dtype.kind == "U" else None
    return make_data(table.X, parts, owner="test", control_arm=control)


def assignment(data, cv=5, n_repeats=1, seed=0):
    return make_folds(data, cv, n_repeats=n_repeats, seed=seed, owner="test").assignment


def spread(counts):
    return np.max(counts) - np.min(counts)


def test_folds_are_stratified_on_arms():
    table = make_table("multi", 120)
    folds = assignment(data_of(table))[0]
    assert sorted(set(folds)) == [0, 1, 2, 3, 4]
    for arm in range(3):
        counts = np.bincount(folds[table.codes == arm], minlength=5)
        assert spread(counts) <= 1


def test_folds_are_stratified_on_arm_and_binary_outcome(rng):
    """Ten events per arm in 400 rows: each of five folds must get two."""
    table = make_table(n_rows=400)
    table.y = np.zeros(400, dtype=int)
    for arm in (0, 1):
        table.y[rng.choice(np.flatnonzero(table.treatment == arm), 10, False)] = 1
    folds = assignment(data_of(table))[0]
    for arm in (0, 1):
        events = folds[(table.treatment == arm) & (table.y == 1)]
        assert np.bincount(events).tolist() == [2] * 5


def test_events_rarer_than_folds_are_spread_as_far_as_they_go():
    table = make_table(n_rows=200)
    table.y = np.zeros(200, dtype=int)
    events = np.flatnonzero(table.treatment == 1)[:3]
    table.y[events] = 1
    folds = assignment(data_of(table))[0]  # without a warning of scikit-learn's
    assert len(set(folds[events])) == 3


def test_groups_are_never_split(rng):
    table = make_table(n_rows=200)
    groups = rng.integers(30, size=200)
    folds = assignment(data_of(table, groups=groups))[0]
    for group in range(30):
        assert len(set(folds[groups == group])) <= 1
    continuous = make_table("continuous", 200)
    folds = assignment(data_of(continuous, groups=groups))[0]
    for group in range(30):
        assert len(set(folds[groups == group])) <= 1


def test_repeats_differ_and_seeds_reproduce():
    data = data_of(make_table())
    first = assignment(data, n_repeats=2)
    assert first.shape == (2, 90)
    assert (first[0] != first[1]).any()
    np.testing.assert_array_equal(first, assignment(data, n_repeats=2))
    assert (first[0] != assignment(data, seed=7)[0]).any()


def test_numpy_integer_is_an_integer():
    data = data_of(make_table())
    expected = assignment(data, cv=3, n_repeats=2)
    np.testing.assert_array_equal(
        assignment(data, cv=np.int64(3), n_repeats=2), expected
    )


@pytest.mark.parametrize(
    "splitter",
    [
        KFold(3),
        KFold(3, shuffle=True, random_state=0),
        StratifiedKFold(3),
        TreatmentStratifiedKFold(3, random_state=0),
    ],
)
def test_splitters(splitter):
    table = make_table()
    folds = assignment(data_of(table), splitter)[0]
    assert np.bincount(folds).tolist() == [30, 30, 30]
    if not isinstance(splitter, KFold):
        for fold in range(3):
            share = table.treatment[folds == fold].mean()
            assert share == pytest.approx(table.treatment.mean(), abs=0.04)


@pytest.mark.parametrize("splitter", [GroupKFold(3), LeaveOneGroupOut()])
def test_group_splitters_get_the_groups(splitter, rng):
    groups = rng.integers(4, size=90)
    folds = assignment(data_of(make_table(), groups=groups), splitter)[0]
    for group in range(4):
        assert len(set(folds[groups == group])) == 1


def test_list_of_splits_of_positions_or_masks():
    table = make_table()
    expected = np.empty(90, dtype=int)
    masks = []
    for fold, (train, test) in enumerate(table.splits):
        expected[test] = fold
        masks.append((np.isin(np.arange(90), train), np.isin(np.arange(90), test)))
    data = data_of(table)
    np.testing.assert_array_equal(assignment(data, table.splits)[0], expected)
    np.testing.assert_array_equal(assignment(data, tuple(masks))[0], expected)


@pytest.mark.parametrize(
    ("cv", "message"),
    [
        (1, "cv must be at least 2, got 1"),
        (0, "cv must be at least 2, got 0"),
        (None, "must be an int, a splitter or a list .* got NoneType"),
        ("5", "must be an int, a splitter or a list .* got str"),
        (2.5, "must be an int, a splitter or a list .* got float"),
        (91, "rows, fewer than the cv=91 folds, so some folds would lack it"),
        ([], "90 rows are never held out"),
        (TimeSeriesSplit(3), r"hold out each row exactly once.*not time series"),
        (ShuffleSplit(3, random_state=0), "hold out each row exactly once"),
        ([(np.arange(45), np.arange(45, 90))], "45 rows are never held out"),
        ([(np.arange(90), np.arange(90))], "train on all others"),
        ([(np.arange(40, 90), np.arange(30))], "train on all others"),
        ([(np.arange(45, 135), np.arange(45))], "positions of the 90 rows"),
    ],
)
def test_bad_folds(cv, message):
    with pytest.raises(ValueError, match=rf"(?s)test: .*{message}"):
        assignment(data_of(make_table()), cv)


def test_a_fold_without_an_arm_in_its_training_part():
    table = make_table("multi", 120)
    mail = np.flatnonzero(table.treatment == "mail")
    others = np.setdiff1d(np.arange(120), mail)
    splits = [(others, mail), (mail, others)]
    message = r"training part of fold 0 lacks the arm\(s\) \['mail'\]"
    with pytest.raises(ValueError, match=message):
        assignment(data_of(table), splits)


def test_too_few_groups_and_groups_that_are_arms():
    table = make_table()
    with pytest.raises(ValueError, match=r"cv=5 folds need at least 5 groups, got 3"):
        assignment(data_of(table, groups=np.arange(90) % 3))
    with pytest.raises(ValueError, match=r"lacks the arm\(s\) .* groups that mix arms"):
        assignment(data_of(table, groups=table.treatment), cv=2)


def test_repeats_need_an_integer():
    data = data_of(make_table())
    with pytest.raises(ValueError, match="n_repeats=2 needs an integer cv"):
        assignment(data, KFold(3), n_repeats=2)
    with pytest.raises(ValueError, match="n_repeats must be at least 1, got 0"):
        assignment(data, n_repeats=0)


def test_small_arm_names_itself():
    table = make_table()
    table.treatment = (np.arange(90) < 3).astype(int)
    with pytest.raises(ValueError, match=r"arm 1 has 3 rows, fewer than the cv=5"):
        learner_of("DR").fit(table.X, table.y, treatment=table.treatment)
