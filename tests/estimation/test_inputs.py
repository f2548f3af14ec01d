"""Kinds of input: frames, categories, NaN, sparse matrices, labels, weights, groups."""

import subprocess
import sys
import textwrap

import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse as sp
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from skcausal import causal_target
from skcausal.estimation import (
    DRLearner,
    RLearner,
    SLearner,
    TLearner,
    XLearner,
    default_classifier,
    default_regressor,
)
from tests.estimation.helpers import LEARNERS, learner_of, make_table

DEFAULTS = {"S": SLearner, "T": TLearner, "X": XLearner, "R": RLearner, "DR": DRLearner}


@pytest.fixture
def table():
    return make_table()


def fit(name, X, y, treatment, **metadata):
    learner = learner_of(name, random_state=0, cv=3)
    return learner.fit(X, y, treatment=treatment, **metadata)


def small_defaults(name, **options):
    """Make a learner of the default models, but with few trees."""
    trees = {"n_estimators": 10, "min_child_samples": 5}
    regressor = default_regressor(100).set_params(**trees)
    classifier = default_classifier(100).set_params(**trees)
    parameters = {
        parameter: classifier if parameter.startswith(("p", "t")) else regressor
        for parameter in DEFAULTS[name]().get_params(deep=False)
        if parameter.endswith("_model")
    }
    return DEFAULTS[name](**parameters, cv=2, random_state=0, **options)


# ---------------------------------------------------------------- the same everywhere
@pytest.mark.parametrize("name", LEARNERS)
def test_numpy_pandas_polars_and_lists_agree(name, table):
    columns = {"x1": table.X[:, 0], "x2": table.X[:, 1]}
    odd = pd.Index(np.arange(90)[::-1] * 7)
    kinds = {
        "numpy": (table.X, table.y, table.treatment),
        "pandas": (
            pd.DataFrame(columns, index=odd),
            pd.Series(table.y, index=odd[::-1]),
            pd.Series(table.treatment, index=np.zeros(90)),
        ),
        "polars": (
            pl.DataFrame(columns),
            pl.Series(table.y),
            pl.Series(table.treatment),
        ),
        "lists": (table.X.tolist(), table.y.tolist(), table.treatment.tolist()),
    }
    expected = None
    for X, y, treatment in kinds.values():
        learner = fit(name, X, y, treatment)
        values = learner.effect(X), learner.average_effect().influence
        expected = values if expected is None else expected
        np.testing.assert_allclose(values[0], expected[0])
        np.testing.assert_allclose(values[1], expected[1])


@pytest.mark.parametrize("name", LEARNERS)
def test_inputs_are_never_modified(name, table):
    frame = pd.DataFrame(table.X, columns=["a", "b"])
    weight, groups = np.ones(90), np.arange(90) // 2
    before = [v.copy() for v in (frame, table.y, table.treatment, weight, groups)]
    learner = small_defaults(name)
    learner.fit(
        frame, table.y, treatment=table.treatment, sample_weight=weight, groups=groups
    )
    learner.effect(frame)
    learner.average_effect(by=groups > 20)
    pd.testing.assert_frame_equal(frame, before[0])
    for now, then in zip(
        (table.y, table.treatment, weight, groups), before[1:], strict=True
    ):
        np.testing.assert_array_equal(now, then)


@pytest.mark.parametrize(
    "labels",
    [
        np.array(["no", "yes"]),
        np.array(["no", "yes"], dtype=object),
        np.array([False, True]),
        np.array([7, 3]),
        np.array([0.0, 1.0]),
        np.array([np.str_("no"), np.str_("yes")], dtype=object),
    ],
)
@pytest.mark.parametrize("name", LEARNERS)
def test_labels_of_any_kind(labels, name, table):
    expected = fit(name, table.X, table.y, table.treatment)
    learner = learner_of(name, control_arm=labels[0], random_state=0, cv=3)
    learner.fit(table.X, table.y, treatment=labels[table.treatment])
    assert learner.arms_.tolist() == labels.tolist()
    assert learner.control_arm_ == labels[0]
    np.testing.assert_allclose(learner.effect(table.X), expected.effect(table.X))
    one = learner.effect(table.X, treated=labels[1], control=labels[0])
    np.testing.assert_allclose(one, expected.effect(table.X))
    estimate = learner.average_effect()
    assert estimate.value == pytest.approx(expected.average_effect().value)
    assert estimate.labels == (f"{labels[1]} vs {labels[0]}",)


@pytest.mark.parametrize(
    "series",
    [
        lambda t: pd.Series(t).map({0: "a", 1: "b"}),
        lambda t: pd.Series(t).map({0: "a", 1: "b"}).astype("category"),
        lambda t: pd.Series(t).map({0: "a", 1: "b"}).astype("string"),
        lambda t: pd.Categorical.from_codes(t, ["a", "b"]),
        lambda t: pl.Series(["ab"[i] for i in t]),
        lambda t: pl.Series(["ab"[i] for i in t], dtype=pl.Categorical),
        lambda t: pl.Series(["ab"[i] for i in t], dtype=pl.Enum(["b", "a"])),
        lambda t: tuple("ab"[i] for i in t),
    ],
)
def test_text_labels_from_any_container(series, table):
    learner = learner_of("T", control_arm="a")
    learner.fit(table.X, table.y, treatment=series(table.treatment))
    expected = fit("T", table.X, table.y, table.treatment)
    np.testing.assert_allclose(learner.effect(table.X), expected.effect(table.X))


@pytest.mark.parametrize(
    "series",
    [
        lambda t: pd.array(t, "Int64"),
        lambda t: pd.array(t > 0, "boolean"),
        lambda t: pd.Series(t).astype("category"),
        lambda t: pl.Series(t > 0),
        lambda t: t.astype(object),
        lambda t: t.astype(np.uint8),
    ],
)
def test_zero_one_labels_from_any_container(series, table):
    learner = fit("T", table.X, table.y, series(table.treatment))
    expected = fit("T", table.X, table.y, table.treatment)
    np.testing.assert_allclose(learner.effect(table.X), expected.effect(table.X))


@pytest.mark.parametrize("dtype", ["Int64", "boolean", "UInt8", "int8", "bool"])
def test_binary_outcomes_from_any_dtype(dtype, table):
    y = pd.Series((table.y > 0).astype(int)).astype(dtype)
    learner = small_defaults("T").set_params(outcome_model=None)
    learner.fit(table.X, y, treatment=table.treatment)
    assert learner.outcome_models_[0].classes_.tolist() == [0, 1]
    assert np.abs(learner.effect(table.X)).max() <= 1


# -------------------------------------------------------------- categories, NaN, sparse
def category_frame(table, rng):
    level = rng.choice(["old", "new", "lapsed"], size=90)
    y = table.y + 3 * (level == "new") * table.treatment
    frame = pd.DataFrame({"x": table.X[:, 0], "level": pd.Categorical(level)})
    return frame, level, y


@pytest.mark.parametrize("name", LEARNERS)
def test_pandas_categories_reach_the_models(name, table, rng):
    frame, level, y = category_frame(table, rng)
    learner = small_defaults(name)
    learner.fit(frame, y, treatment=table.treatment)
    effects = learner.effect(frame)
    assert np.isfinite(effects).all()
    # Some rows only: same categories, other codes.
    rows = frame.loc[level == "new"]
    shrunk = rows.assign(level=rows["level"].cat.remove_unused_categories())
    np.testing.assert_allclose(learner.effect(shrunk), effects[level == "new"])
    assert np.isfinite(learner.average_effect(by=frame["level"]).value).all()


def test_categories_are_one_hot_encoded_by_a_pipeline(table, rng):
    frame, level, y = category_frame(table, rng)
    model = make_pipeline(OneHotEncoder(drop="first"), LinearRegression())
    learner = TLearner(model).fit(frame[["level"]], y, treatment=table.treatment)
    for one in ("old", "new", "lapsed"):
        means = [y[(level == one) & (table.treatment == arm)].mean() for arm in (0, 1)]
        effect = learner.effect(frame[["level"]])[level == one]
        np.testing.assert_allclose(effect, means[1] - means[0])


def test_polars_categories_do_not_abort_the_interpreter():
    """LightGBM aborts on polars categoricals: tried out in a process of its own."""
    script = """
        import numpy as np, polars as pl
        from skcausal.estimation import DRLearner, SLearner, XLearner
        from skcausal.estimation import default_regressor
        rng = np.random.default_rng(0)
        level, treatment = rng.choice(["a", "b"], 60), np.arange(60) % 2
        y = rng.normal(size=60) + 5 * treatment * (level == "b")
        few = default_regressor(60).set_params(n_estimators=15)
        for dtype in (pl.Categorical, pl.Enum(["b", "a"])):
            X = pl.DataFrame({"level": pl.Series(level, dtype=dtype), "x": y * 0})
            for learner in (DRLearner(few, cv=2), SLearner(few), XLearner(few)):
                learner.fit(X, y, treatment=treatment)
                high = learner.effect(X.filter(pl.col("level") == "b"))
                low = learner.effect(X.filter(pl.col("level") == "a"))
                assert high.mean() > low.mean() + 1, type(learner)
        print("alive")
    """
    run = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)],
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert run.returncode == 0, run.stderr[-2000:]
    assert run.stdout.strip() == "alive"


@pytest.mark.parametrize("name", LEARNERS)
@pytest.mark.parametrize("frame", [False, True])
def test_missing_values_reach_models_that_take_them(name, frame, table):
    X = np.where(np.arange(180).reshape(90, 2) % 7 == 0, np.nan, table.X)
    X = pd.DataFrame(X, columns=["a", "b"]) if frame else X
    learner = small_defaults(name).fit(X, table.y, treatment=table.treatment)
    assert np.isfinite(learner.effect(X)).all()
    assert np.isfinite(learner.average_effect().value)
    with pytest.raises(ValueError, match="contains NaN"):
        fit(name, X, table.y, table.treatment)


@pytest.mark.parametrize("name", LEARNERS)
def test_nullable_columns_of_pandas(name, table):
    frame = pd.DataFrame(
        {
            "a": pd.array([None, *range(89)], "Int64"),
            "b": pd.array(table.X[:, 0], "Float64"),
            "c": pd.array([None, *[True, False] * 44, True], "boolean"),
        }
    )
    learner = small_defaults(name).fit(frame, table.y, treatment=table.treatment)
    assert np.isfinite(learner.effect(frame)).all()


@pytest.mark.parametrize("name", LEARNERS)
@pytest.mark.parametrize(
    "kind", [sp.csr_matrix, sp.csr_array, sp.csc_matrix, sp.coo_array]
)
def test_sparse_equals_dense(name, kind, table):
    X = np.where(np.abs(table.X) < 0.3, 0, table.X)
    dense = fit(name, X, table.y, table.treatment)
    sparse = fit(name, kind(X), table.y, table.treatment)
    np.testing.assert_allclose(
        sparse.effect(kind(X)), dense.effect(X), rtol=1e-4, atol=1e-6
    )
    expected = dense.average_effect().value
    assert sparse.average_effect().value == pytest.approx(expected, rel=1e-4)


def test_sparse_categories_of_the_treatment():
    table = make_table("multi", 120)
    learner = learner_of("S", control_arm="none")
    sparse = learner.fit(sp.csr_array(table.X), table.y, treatment=table.treatment)
    expected = learner_of("S", control_arm="none")
    expected.fit(table.X, table.y, treatment=table.treatment)
    np.testing.assert_allclose(
        sparse.effect(table.X), expected.effect(table.X), rtol=1e-4
    )


def test_a_column_named_treatment_is_kept_apart(table):
    frame = pd.DataFrame(table.X, columns=["treatment", "treatment_1"])
    learner = fit("S", frame, table.y, table.treatment)
    expected = fit("S", table.X, table.y, table.treatment)
    np.testing.assert_allclose(learner.effect(frame), expected.effect(table.X))


# -------------------------------------------------------------------- weights, groups
@pytest.mark.parametrize("name", LEARNERS)
def test_unit_weights_equal_no_weights(name, table):
    expected = fit(name, table.X, table.y, table.treatment)
    for weight in (np.ones(90), 1.0, [1] * 90, pd.Series(np.ones(90))):
        learner = fit(name, table.X, table.y, table.treatment, sample_weight=weight)
        np.testing.assert_allclose(learner.effect(table.X), expected.effect(table.X))
        assert learner.average_effect().standard_error == pytest.approx(
            expected.average_effect().standard_error
        )


@pytest.mark.parametrize("name", LEARNERS)
def test_weight_two_equals_a_row_twice(name, table, rng):
    """With folds that keep copies together, least squares cannot tell."""
    weight = rng.integers(1, 3, size=90)
    rows = np.repeat(np.arange(90), weight)
    fold = np.empty(90, dtype=int)
    for number, (_, test) in enumerate(table.splits):
        fold[test] = number
    copies = fold[rows]
    splits = [
        (np.flatnonzero(copies != number), np.flatnonzero(copies == number))
        for number in range(3)
    ]
    weighted = learner_of(name, cv=table.splits).fit(
        table.X, table.y, treatment=table.treatment, sample_weight=weight
    )
    doubled = learner_of(name, cv=splits).fit(
        table.X[rows], table.y[rows], treatment=table.treatment[rows]
    )
    np.testing.assert_allclose(
        weighted.effect(table.X), doubled.effect(table.X), rtol=1e-5
    )
    for target in ("all", "treated", "control", "overlap"):
        assert weighted.average_effect(target=target).value == pytest.approx(
            doubled.average_effect(target=target).value, rel=1e-5
        )


@pytest.mark.parametrize("name", LEARNERS)
def test_scale_of_weights_does_not_matter(name, table, rng):
    weight = rng.uniform(0.5, 2, 90)
    one = fit(name, table.X, table.y, table.treatment, sample_weight=weight)
    ten = fit(name, table.X, table.y, table.treatment, sample_weight=10 * weight)
    np.testing.assert_allclose(one.effect(table.X), ten.effect(table.X), rtol=1e-6)
    errors = [one.average_effect().standard_error, ten.average_effect().standard_error]
    assert errors[0] == pytest.approx(errors[1])


def test_groups_of_any_kind(table, rng):
    groups = rng.integers(20, size=90)
    names = np.array([f"city {g}" for g in groups])
    errors = []
    for kind in (groups, names, pd.Series(names), pl.Series(names), names.tolist()):
        learner = learner_of("DR", cv=table.splits, random_state=0)
        learner.fit(table.X, table.y, treatment=table.treatment, groups=kind)
        errors.append(learner.average_effect().standard_error)
    np.testing.assert_allclose(errors, errors[0])


@pytest.mark.parametrize("name", LEARNERS)
def test_causal_target_equals_keywords(name, table, rng):
    weight, groups = rng.uniform(0.5, 2, 90), rng.integers(20, size=90)
    metadata = {"sample_weight": weight, "groups": groups}
    keywords = fit(name, table.X, table.y, table.treatment, **metadata)
    target = causal_target(table.y, table.treatment, **metadata)
    packed = learner_of(name, random_state=0, cv=3).fit(table.X, target)
    np.testing.assert_array_equal(packed.effect(table.X), keywords.effect(table.X))
    mixed = learner_of(name, random_state=0, cv=3)
    mixed.fit(table.X, causal_target(table.y, table.treatment), **metadata)
    errors = [one.average_effect().standard_error for one in (packed, keywords, mixed)]
    np.testing.assert_allclose(errors, errors[0])
