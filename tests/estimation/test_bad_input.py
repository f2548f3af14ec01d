"""What cannot work is refused with a message that names it and the way out."""

import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LinearRegression

from skcausal import causal_target
from skcausal.estimation import BootstrapEffect, DRLearner, EffectStacking, TLearner
from tests.estimation.helpers import LEARNERS, learner_of, logit, make_table

DISCRETE_ONLY = ("T", "X", "DR")


@pytest.fixture
def table():
    return make_table()


@pytest.fixture
def frame(table):
    return pd.DataFrame(table.X, columns=["age", "income"])


def refuse(message, X, y, treatment, learner=None, error=ValueError, **metadata):
    learner = learner_of("T") if learner is None else learner
    with pytest.raises(error, match=f"(?s){message}"):
        learner.fit(X, y, treatment=treatment, **metadata)


# ------------------------------------------------------------------------ treatment
@pytest.mark.parametrize("name", LEARNERS)
def test_no_treatment_names_both_ways(name, table):
    both = rf"{name}Learner.fit: no treatment arrived.*causal_target.*metadata_routing"
    refuse(both, table.X, table.y, None, learner_of(name))


def test_wrappers_name_themselves(table):
    learner = learner_of("T")
    for wrapper in (BootstrapEffect(learner), EffectStacking([("t", learner)])):
        message = f"{type(wrapper).__name__}.fit: no treatment arrived"
        refuse(message, table.X, table.y, None, wrapper)


@pytest.mark.parametrize("name", LEARNERS)
def test_one_arm(name, table):
    message = r"fit: treatment has one arm \('mail': 90 rows\); at least two"
    refuse(message, table.X, table.y, np.full(90, "mail"), learner_of(name))


@pytest.mark.parametrize("name", LEARNERS)
def test_control_arm_has_no_default_for_labels(name, table):
    labels = np.where(table.treatment == 1, "mail", "none")
    treated = int(table.treatment.sum())
    message = (
        f"control_arm has a default for treatments 0/1 and False/True only.*"
        f"'mail': {treated} rows, 'none': {90 - treated} rows.*control_arm='mail'"
    )
    refuse(message, table.X, table.y, labels, learner_of(name))
    refuse("control_arm has a default", table.X, table.y, table.treatment + 1)


@pytest.mark.parametrize("control", ["text", 2, None, "0"])
def test_unknown_control_arm(control, table):
    labels = np.where(table.treatment == 1, "mail", "none")
    if control is None:
        labels, control = table.treatment, -1
    message = f"control_arm={control!r} is not among the arms"
    refuse(message, table.X, table.y, labels, learner_of("T", control_arm=control))


MISSING = {
    "float": lambda t: np.where(np.arange(90) < 2, np.nan, t),
    "inf": lambda t: np.where(np.arange(90) < 2, np.inf, t),
    "object": lambda t: [None, None, *t[2:].tolist()],
    "text": lambda t: np.array(
        [np.nan, np.nan, *("ab"[i] for i in t[2:])], dtype=object
    ),
    "pandas": lambda t: pd.Series(t).where(np.arange(90) > 1),
    "str": lambda t: pd.Series(t).map({0: "a", 1: "b"}).where(np.arange(90) > 1),
    "string": lambda t: pd.array([pd.NA, pd.NA, *("ab"[i] for i in t[2:])], "string"),
    "Int64": lambda t: pd.array([pd.NA, pd.NA, *t[2:].tolist()], "Int64"),
    "boolean": lambda t: pd.array([pd.NA, pd.NA, *(t[2:] > 0).tolist()], "boolean"),
    "category": lambda t: pd.Series(t).where(np.arange(90) > 1).astype("category"),
}


@pytest.mark.parametrize("kind", MISSING)
def test_missing_treatment(kind, table):
    message = r"treatment has 2 missing or infinite values \(NaN\) among 90 rows"
    refuse(message, table.X, table.y, MISSING[kind](table.treatment))


@pytest.mark.parametrize(
    ("treatment", "message"),
    [
        (["a", 1] * 45, "treatment mixes text and numbers"),
        (np.zeros((90, 2)), "should be a 1d array"),
        (np.arange(80) % 2, r"same number of rows.*y: 90, treatment: 80"),
        (pd.date_range("2024", periods=90), "treatment holds dates"),
    ],
)
def test_odd_treatments(treatment, message, table):
    refuse(message, table.X, table.y, treatment)


@pytest.mark.parametrize("name", DISCRETE_ONLY)
def test_continuous_treatment_needs_s_or_r(name):
    table = make_table("continuous")
    message = f"{name}Learner.fit: a continuous treatment needs an SLearner or an RLea"
    refuse(message, table.X, table.y, table.treatment, learner_of(name))


def test_many_integers_are_continuous(table):
    dose = np.arange(90) % 12
    refuse("continuous treatment needs", table.X, table.y, dose)
    as_arms = learner_of("T", treatment_type="discrete", control_arm=0)
    assert as_arms.fit(table.X, table.y, treatment=dose).arms_.tolist() == [*range(12)]
    line = LinearRegression()
    slope = learner_of("R", treatment_model=line, treatment_type="continuous")
    assert slope.fit(table.X, table.y, treatment=table.treatment).arms_ is None


@pytest.mark.parametrize("kind", ["outcome_type", "treatment_type"])
def test_types_are_checked(kind, table):
    message = f"{kind} must be 'auto', .* got 'ordinal'"
    learner = learner_of("T").set_params(**{kind: "ordinal"})
    refuse(message, table.X, table.y, table.treatment, learner)


def test_text_is_no_dose(table):
    labels = np.where(table.treatment == 1, "mail", "none")
    learner = learner_of("S", treatment_type="continuous")
    message = "treatment_type='continuous' needs a numeric treatment, got dtype <U4"
    refuse(message, table.X, table.y, labels, learner)


# -------------------------------------------------------------------------- outcome
@pytest.mark.parametrize(
    ("y", "message"),
    [
        (np.r_[np.nan, np.zeros(89)], "y contains NaN"),
        (np.r_[np.inf, np.zeros(89)], "y contains infinity"),
        (pd.array([pd.NA, *[1.5] * 89], "Float64"), "y contains NaN"),
        ([None, *[1.5] * 89], "y contains NaN"),
        (
            ["yes", "no"] * 45,
            r"outcome y must be numeric, got dtype <U3 \(e.g. \['yes'",
        ),
        (np.full(90, 1j), "Complex data not supported"),
        (np.zeros(80), r"y: 80, treatment: 90"),
        (np.zeros((90, 2)), "1d array"),
        (None, "requires y to be passed, but the target y is None"),
        (pd.Series(pd.date_range("2024", periods=90)), "outcome y must be numeric"),
    ],
)
def test_bad_outcomes(y, message, table):
    refuse(message, table.X, y, table.treatment)


def test_binary_outcomes_are_zero_and_one(table):
    learner = learner_of("T", outcome_type="binary")
    message = r"outcome_type='binary' needs an outcome of 0 and 1, got values such as"
    refuse(message, table.X, table.y, table.treatment, learner)


# ------------------------------------------------------------------------- features
@pytest.mark.parametrize(
    ("column", "message"),
    [
        (["a", "b"] * 45, r"column 'income' of X holds text .*astype\('category'\)"),
        (np.array(["a", 1.0] * 45, dtype=object), "column 'income' of X holds text"),
        (pd.array(["a", None] * 45, "string"), "column 'income' of X holds text"),
        (pd.date_range("2024", periods=90), "column 'income' of X holds dates"),
        (pd.to_timedelta(np.arange(90), "D"), "column 'income' of X holds dates"),
        (
            pd.date_range("2024", periods=90, tz="UTC"),
            "column 'income' of X holds dates",
        ),
        (
            pd.period_range("2024", periods=90, freq="D"),
            "column 'income' of X holds dates",
        ),
        (np.r_[np.inf, np.zeros(89)], "column 'income' of X contains infinity"),
    ],
)
def test_columns_that_no_model_reads(column, message, frame, table):
    message = f"TLearner.fit: {message}"
    refuse(message, frame.assign(income=column), table.y, table.treatment)


def test_arrays_of_features(table):
    y, t = table.y, table.treatment
    refuse("contains infinity", np.where(table.X > 2, np.inf, table.X), y, t)
    refuse("Expected 2D array", table.X[:, 0], y, t)
    refuse("Found array with 0 feature", table.X[:, :0], y, t)
    refuse("Found array with 0 sample", table.X[:0], y[:0], t[:0])
    refuse("arrays of bytes/strings", np.full((90, 1), "a"), y, t)
    refuse(r"X and y must have the same number of rows.* 80 and 90", table.X[:80], y, t)
    refuse("minimum of 1 is required by TLearner.fit", pd.DataFrame(), y, t)


@pytest.mark.parametrize("name", LEARNERS)
def test_effect_checks_its_rows(name, frame, table):
    learner = learner_of(name)
    with pytest.raises(NotFittedError):
        learner.effect(table.X)
    with pytest.raises(NotFittedError):
        learner.average_effect()
    learner.fit(frame, table.y, treatment=table.treatment)
    with pytest.raises(ValueError, match="feature names should match"):
        learner.effect(frame.rename(columns={"age": "years"}))
    text = frame.assign(age="old")
    with pytest.raises(ValueError, match=r"Learner.effect: column 'age' of X holds te"):
        learner.effect(text)
    learner.fit(table.X, table.y, treatment=table.treatment)
    with pytest.raises(ValueError, match=r"X has 1 features, but .* expecting 2"):
        learner.effect(table.X[:, :1])


@pytest.mark.parametrize("features", [["height"], [5], ["age", "height"]])
def test_unknown_effect_features(features, frame, table):
    learner = DRLearner(LinearRegression(), logit(), effect_features=features)
    message = "effect_features=.* must name columns of X"
    refuse(message, frame, table.y, table.treatment, learner)


def test_names_need_a_frame(table):
    learner = DRLearner(LinearRegression(), logit(), effect_features=["age"])
    message = "are names, but X has none. Pass a DataFrame"
    refuse(message, table.X, table.y, table.treatment, learner)


# ------------------------------------------------------------------ weights, groups
@pytest.mark.parametrize(
    ("weight", "message"),
    [
        (np.ones(80), r"sample_weight.shape == \(80,\), expected \(90,\)"),
        (np.ones((90, 2)), "must be 1D array or scalar, got 2D"),
        (np.zeros(90), "finite, non-negative and not all zero"),
        (np.r_[-1, np.ones(89)], "finite, non-negative and not all zero"),
        (np.r_[np.nan, np.ones(89)], "finite, non-negative and not all zero"),
        (np.full(90, "heavy"), "sample_weight must be numeric"),
    ],
)
def test_bad_weights(weight, message, table):
    refuse(message, table.X, table.y, table.treatment, sample_weight=weight)


@pytest.mark.parametrize(
    ("groups", "message"),
    [
        (np.arange(80), "groups must have one label per row, got 80 labels for 90"),
        (np.zeros(90), "groups holds one group only"),
        (np.r_[np.nan, np.arange(89.0)], "groups has 1 missing value"),
        ([None, *"ab" * 44, "a"], "groups has 1 missing value"),
        (pd.array([pd.NA, *range(89)], "Int64"), "groups has 1 missing value"),
    ],
)
def test_bad_groups(groups, message, table):
    refuse(message, table.X, table.y, table.treatment, groups=groups)


@pytest.mark.parametrize("field", ["treatment", "sample_weight", "groups"])
def test_nothing_is_given_twice(field, table):
    values = {
        "treatment": table.treatment,
        "sample_weight": np.ones(90),
        "groups": np.arange(90),
    }
    target = causal_target(table.y, **values)
    with pytest.raises(ValueError, match=f"{field} is given twice, inside y"):
        TLearner().fit(table.X, target, **{field: values[field]})


# ------------------------------------------------------------------------ questions
@pytest.fixture
def fitted(table):
    return learner_of("DR").fit(table.X, table.y, treatment=table.treatment)


@pytest.mark.parametrize("label", [2, "mail", 0.5])
def test_unknown_arms_in_effect(label, fitted, table):
    message = rf"DRLearner.effect: {label!r} is not an arm; the arms are \[0, 1\]"
    with pytest.raises(ValueError, match=message):
        fitted.effect(table.X, treated=label)
    with pytest.raises(ValueError, match=message):
        fitted.effect(table.X, control=label)
    learner = learner_of("T").fit(table.X, table.y, treatment=table.treatment)
    with pytest.raises(ValueError, match="is not an arm"):
        learner.predict_outcome(table.X, label)


def test_control_alone_is_not_enough_with_three_arms():
    table = make_table("multi", 120)
    learner = learner_of("T", control_arm="none")
    learner.fit(table.X, table.y, treatment=table.treatment)
    with pytest.raises(ValueError, match="with 3 arms, control= also needs treated="):
        learner.effect(table.X, control="mail")
    for label in (1, "text", True):
        with pytest.raises(ValueError, match="is not an arm"):
            learner.effect(table.X, treated=label)


@pytest.mark.parametrize(
    ("question", "message"),
    [
        ({"target": "ATT"}, "target must be one of 'all', 'treated', .* got 'ATT'"),
        ({"scale": "log"}, "scale must be 'difference' or 'ratio', got 'log'"),
        ({"scale": "ratio", "target": "overlap"}, "needs mean outcomes of both arms"),
        ({"scale": "ratio"}, "scale='ratio' needs a positive mean outcome"),
        ({"where": np.arange(5)}, "where must be a boolean mask over the 90 rows"),
        ({"where": np.ones(80, bool)}, r"boolean mask over the 90.* shape \(80,\)"),
        ({"where": np.zeros(90, bool)}, "target population is empty"),
        ({"by": np.zeros(80)}, "by must have one label for each of the 90 rows"),
        ({"by": np.r_[np.nan, np.zeros(89)]}, "by has 1 missing value"),
        ({"by": [None, *"a" * 89]}, "by has 1 missing value"),
        ({"weights": np.ones(80)}, r"weights.shape == \(80,\), expected \(90,\)"),
        ({"weights": -np.ones(90)}, "average_effect: weights must be finite"),
    ],
)
def test_bad_questions(question, message, fitted):
    fitted._data.outcome[:] -= 20  # no positive mean outcome
    fitted.nuisances_ = type(fitted.nuisances_)(
        {
            name: type(fit)(fit.values - 20 * name.startswith("outcome"), fit.losses)
            for name, fit in fitted.nuisances_.fits.items()
        }
    )
    with pytest.raises(ValueError, match=message):
        fitted.average_effect(**question)


def test_empty_subgroup_of_treated(fitted, table):
    where = table.treatment == 0
    with pytest.raises(ValueError, match=r"population is empty.* the arms among those"):
        fitted.average_effect(target="treated", where=where)


@pytest.mark.parametrize("target", ["treated", "control"])
def test_continuous_treatments_have_no_treated(target):
    table = make_table("continuous")
    learner = learner_of("R", treatment_model=LinearRegression())
    learner.fit(table.X, table.y, treatment=table.treatment)
    with pytest.raises(
        ValueError, match=f"target='{target}' needs arms, but the treat"
    ):
        learner.average_effect(target=target)
    with pytest.raises(ValueError, match="scale='ratio' needs mean outcomes"):
        learner.average_effect(scale="ratio")


@pytest.mark.parametrize("value", [-0.1, 0.5, 2])
def test_min_propensity_is_checked(value, table):
    learner = learner_of("DR", min_propensity=value)
    message = rf"min_propensity must lie in \[0, 0.5\), got {value}"
    refuse(message, table.X, table.y, table.treatment, learner)


def test_failed_fits_warn_of_nothing_else(table):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        refuse("one arm", table.X, table.y, np.zeros(90))
