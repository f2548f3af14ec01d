"""causal_target and the resolver: both ways in which a treatment travels."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import KFold, train_test_split
from sklearn.utils import shuffle

from skcausal import causal_target
from skcausal.utils._target import (
    fields_of,
    is_causal_target,
    pack,
    resolve_target,
    with_nuisances,
)

OUTCOME = np.array([1.0, 2.0, 3.0, 4.0])
ARMS = np.array(["b", "a", "b", "a"])


# ---------------------------------------------------------------------- causal_target
def test_fields_and_dtypes():
    target = causal_target(
        OUTCOME,
        ARMS,
        sample_weight=[1, 2, 3, 4],
        groups=["x", "x", "y", "y"],
        propensity=[0.2, 0.3, 0.4, 0.5],
    )
    names = ("outcome", "treatment", "sample_weight", "groups", "propensity")
    assert target.dtype.names == names
    assert target.shape == (4,)
    assert target["treatment"].tolist() == ["b", "a", "b", "a"]
    assert target["groups"].tolist() == [0, 0, 1, 1]
    # Columns follow the sorted labels: the number given belongs to "b".
    np.testing.assert_allclose(target["propensity"][0], [0.8, 0.2])
    assert causal_target(OUTCOME, ARMS).dtype.names == names[:2]


@pytest.mark.parametrize(
    "outcome", [np.array([0, 1, 1, 0]), np.array([True, False, True, False]), OUTCOME]
)
@pytest.mark.parametrize(
    "treatment",
    [
        ARMS,
        np.array([0, 1, 0, 1]),
        np.array([True, False, True, False]),
        np.array([0.5, 1.5, 2.5, 3.5]),
        ["a", "b", "a", "b"],
        pd.Series(["a", "b", "a", "b"], index=[9, 8, 7, 6]),
        pd.Categorical(["a", "b", "a", "b"]),
        pl.Series(["a", "b", "a", "b"], dtype=pl.Categorical),
        np.array([[0], [1], [0], [1]]),
    ],
)
def test_values_survive(outcome, treatment):
    target = causal_target(outcome, treatment)
    assert target["outcome"].dtype == outcome.dtype
    np.testing.assert_array_equal(target["outcome"], outcome)
    labels = (
        np.asarray(treatment).ravel() if not hasattr(treatment, "to_list") else None
    )
    expected = treatment.to_list() if labels is None else labels.tolist()
    assert target["treatment"].tolist() == expected


def test_scikit_learn_slices_it_like_any_target(rng):
    X = rng.normal(size=(40, 2))
    target = causal_target(rng.normal(size=40), np.arange(40) % 2, groups=np.arange(40))
    _, X_test, _, test = train_test_split(X, target, random_state=0)
    np.testing.assert_array_equal(X[test["groups"]], X_test)
    mixed_X, mixed = shuffle(X, target, random_state=0)
    np.testing.assert_array_equal(X[mixed["groups"]], mixed_X)
    train, _ = next(KFold(4).split(X, target))
    assert is_causal_target(target[train])


def test_models_that_are_not_causal_fail_on_it_loudly():
    target = causal_target(OUTCOME, ARMS)
    with pytest.raises((TypeError, ValueError)):
        LinearRegression().fit(np.zeros((4, 1)), target)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"outcome": OUTCOME[:3]}, r"same number of rows.*outcome: 3, treatment: 4"),
        ({"outcome": ["x", "y", "x", "y"]}, "the outcome y must be numeric, got dtype"),
        ({"outcome": [1, 2, np.nan, 4]}, "y contains NaN"),
        ({"outcome": None}, "causal_target requires y to be passed"),
        ({"treatment": ["a", None, "b", "b"]}, "treatment has 1 missing or infinite"),
        ({"treatment": ["a", np.nan, "b", "b"]}, "treatment has 1 missing or infinite"),
        ({"treatment": ["a", 1, "b", 2]}, "treatment mixes text and numbers"),
        ({"sample_weight": [1, 2]}, r"sample_weight.shape == \(2,\), expected \(4,\)"),
        (
            {"sample_weight": 0},
            "sample_weight must be finite, non-negative and not all",
        ),
        ({"groups": [1, 2]}, "groups must have one label per row"),
        ({"propensity": [0.5, 0.5]}, r"propensity must have shape \(n,\) for two arms"),
        ({"propensity": np.full((4, 3), 1 / 3)}, r"= \(4, 2\), got \(4, 3\)"),
        ({"propensity": [0, 0.5, 0.5, 0.5]}, "must lie strictly between 0 and 1"),
        ({"propensity": np.full((4, 2), 0.4)}, "add up to 1 over the arms"),
        ({"propensity": [np.nan, 0.5, 0.5, 0.5]}, "must lie strictly between 0 and 1"),
    ],
)
def test_bad_input(arguments, message):
    with pytest.raises(ValueError, match=f"(?s){message}"):
        causal_target(**({"outcome": OUTCOME, "treatment": ARMS} | arguments))


# -------------------------------------------------------------------- resolve_target
def test_both_ways_resolve_to_the_same():
    metadata = {"sample_weight": [1, 2, 3, 4], "groups": ["x", "x", "y", "y"]}
    keywords = resolve_target("test", OUTCOME, ARMS, **metadata)
    packed = resolve_target("test", causal_target(OUTCOME, ARMS, **metadata))
    mixed = resolve_target("test", causal_target(OUTCOME, ARMS), **metadata)
    for parts in (packed, mixed):
        for name in ("outcome", "treatment", "sample_weight", "groups"):
            np.testing.assert_array_equal(getattr(parts, name), getattr(keywords, name))
        assert parts.propensity is None
        assert parts.nuisances == {}


@pytest.mark.parametrize("field", ["treatment", "sample_weight", "groups"])
def test_nothing_twice(field):
    values = {"treatment": ARMS, "sample_weight": [1, 2, 3, 4], "groups": [1, 1, 2, 2]}
    target = causal_target(OUTCOME, **values)
    with pytest.raises(
        ValueError, match=rf"test: {field} is given twice.*Give it once"
    ):
        resolve_target("test", target, **{field: values[field]})


def test_missing_treatment_names_both_ways():
    message = (
        r"^test: no treatment arrived.*\(a\) y=skcausal.causal_target.*\(b\) the k"
    )
    with pytest.raises(ValueError, match=message):
        resolve_target("test", OUTCOME)


def test_nuisances_travel_as_fields():
    by_arm = np.arange(8.0).reshape(4, 2)
    target = with_nuisances(
        causal_target(OUTCOME, ARMS), {"outcome": OUTCOME, "propensity": by_arm}
    )
    parts = resolve_target("test", target[[2, 0]])
    assert set(parts.nuisances) == {"outcome", "propensity"}
    np.testing.assert_array_equal(parts.nuisances["propensity"], by_arm[[2, 0]])
    again = with_nuisances(target, {"outcome": -OUTCOME})
    np.testing.assert_array_equal(
        resolve_target("test", again).nuisances["outcome"], -OUTCOME
    )


def test_pack_and_fields_of_are_inverse():
    fields = {"outcome": OUTCOME, "treatment": ARMS, "propensity": np.ones((4, 2))}
    assert fields_of(pack(fields)).keys() == fields.keys()
    for name, values in fields_of(pack(fields)).items():
        np.testing.assert_array_equal(values, fields[name])


@pytest.mark.parametrize("y", [OUTCOME, pd.Series(OUTCOME), None, "text", [1, 2]])
def test_other_targets_are_not_causal(y):
    assert not is_causal_target(y)
    assert not is_causal_target(np.zeros(2, dtype=[("outcome", float)]))
