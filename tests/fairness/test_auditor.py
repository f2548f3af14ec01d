"""Audits with a known answer, and what the auditor refuses."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy.stats import norm
from sklearn.base import clone
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.svm import LinearSVC

from skcausal.fairness import (
    CounterfactualFairnessAuditor,
    SensitiveAttributeError,
    SmallGroupWarning,
)
from skcausal.graphs import CausalGraph
from skcausal.structural import AdditiveNoiseModel
from tests.fairness.helpers import SHIFT, Above, chosen, line, shifted

COUPLINGS = ["shared_noise", "gumbel_max", "monotone", "independent"]


def audited(frame, model, predictor, *, audit=(), **options):
    options = {"random_state": 0, "n_counterfactuals": 50} | options
    auditor = CounterfactualFairnessAuditor(model, "group", **options).fit(frame)
    return auditor.audit(predictor, frame, **dict(audit))


# --------------------------------------------------------------------- known answers
@pytest.mark.parametrize("coupling", COUPLINGS)
def test_what_the_attribute_does_not_cause_is_fair_exactly(coupling):
    frame, model = shifted()
    predictor = LogisticRegression().fit(frame[["art"]], frame["art"] > 0.2)
    audit = audited(frame, model, predictor, coupling=coupling)
    assert audit.unfairness == 0
    assert (audit.pairs["flip_probability"] == 0).all()
    assert audit.summary["total_variation"] == 0
    assert audit.summary["noise_floor"] == 0


@pytest.mark.parametrize("coupling", COUPLINGS)
def test_a_constant_is_fair(coupling):
    frame, model = shifted()
    constant = DummyClassifier(strategy="prior").fit(frame[["x"]], frame["x"] > 0)
    audit = audited(frame, model, constant, coupling=coupling, audit={"n_bootstrap": 3})
    assert audit.unfairness == 0
    assert audit.summary["p_value"] == 1
    assert audit.plot().ax_.get_xlabel() == "Score"


def test_linear_predictor_has_the_closed_form():
    """The score changes by w_x * shift + w_group in every row."""
    frame, model = shifted()
    audit = audited(frame, model, line(frame, x=2.0, group=-0.5, art=3.0))
    assert audit.exact
    assert audit.n_counterfactuals == 1
    assert audit.unfairness == pytest.approx(2 * SHIFT - 0.5, abs=1e-9)
    assert audit.summary["standard_error"] == pytest.approx(0, abs=1e-9)
    assert audit.summary["noise_floor"] == pytest.approx(0, abs=1e-12)
    shifts = audit.pairs["mean_difference"]
    assert shifts[0.0, 1.0] == pytest.approx(2.5, abs=1e-9)
    assert shifts[1.0, 0.0] == pytest.approx(-2.5, abs=1e-9)
    assert audit.bounds.empty
    assert audit.rows["flip_probability"].isna().all()


def test_residuals_of_the_attribute_are_fair():
    """A predictor that undoes the shift is fair though it sees the attribute."""
    frame, model = shifted()
    audit = audited(frame, model, line(frame, x=1.0, group=-SHIFT))
    assert audit.unfairness < 1e-9


def test_flip_probability_has_the_closed_form():
    """Rows flip whose noise lies within the shift below the threshold."""
    frame, model = shifted(10_000)
    audit = audited(frame, model, Above(x=1.0))
    expected = norm.cdf(0) - norm.cdf(-SHIFT)
    assert audit.flip_matrix.loc[0.0, 1.0] == pytest.approx(expected, abs=1e-3)
    assert audit.flip_matrix.loc[1.0, 0.0] == pytest.approx(expected, abs=1e-3)
    assert np.isnan(audit.flip_matrix.loc[0.0, 0.0])
    # Everyone moves the same way, so no fewer rows could flip.
    pd.testing.assert_series_equal(
        audit.bounds["lower"], audit.pairs["flip_probability"], check_names=False
    )


def test_rows_of_a_linear_model():
    frame, model = shifted()
    audit = audited(frame, model, Above(x=1.0))
    table = audit.to_frame()
    assert table.index.equals(frame.index)
    expected = 1 / (1 + np.exp(-(frame["x"] + SHIFT * (1 - 2 * frame["group"]))))
    after = table["score"] + table["largest_difference"]
    np.testing.assert_allclose(after, expected, atol=1e-9)
    np.testing.assert_allclose(table["lower"], expected, atol=1e-9)
    own = np.where(frame["group"] == 1, table["score_if_1.0"], table["score_if_0.0"])
    np.testing.assert_allclose(own, table["score"], atol=1e-12)
    assert (table["world"] == 1 - frame["group"]).all()


@pytest.mark.parametrize(
    ("coupling", "flips"),
    [
        ("shared_noise", 0.3),
        ("monotone", 0.3),
        ("gumbel_max", 0.3),
        ("independent", 0.3 * 0.4 + 0.7 * 0.6),
    ],
)
def test_flips_of_a_category(coupling, flips):
    """With two classes all couplings of shared noise are one; none is fresh noise."""
    frame, model = chosen()
    options = {"coupling": coupling, "n_counterfactuals": 200}
    audit = audited(frame, model, Above(label=1.0), **options)
    assert not audit.exact
    found = audit.flip_matrix
    error = 5 / np.sqrt(1000 * 200)
    assert found.loc[0.0, 1.0] == pytest.approx(flips, abs=error)
    bounds = audit.bounds.loc[(0.0, 1.0)]
    assert bounds["lower"] == pytest.approx(0.3, abs=2 * error)
    assert bounds["upper"] == pytest.approx(0.9, abs=2 * error)
    assert audit.pairs.loc[(0.0, 1.0), "n"] == 1000


def test_fresh_noise_makes_a_fair_predictor_look_unfair():
    """The attribute moves nothing; a coin tossed anew flips half of the rows."""
    frame, model = shifted(2000, shift=0.0)
    shared = audited(frame, model, Above(x=1.0))
    fresh = audited(frame, model, Above(x=1.0), coupling="independent")
    assert shared.summary["flip_probability"] == 0
    assert shared.unfairness < 1e-12
    assert fresh.summary["flip_probability"] == pytest.approx(0.5, abs=0.02)
    assert fresh.unfairness > 0.1
    assert fresh.summary["noise_floor"] == pytest.approx(fresh.unfairness, rel=0.05)


def test_three_values_and_the_largest_difference():
    rng = np.random.default_rng(1)
    labels = rng.permutation(np.repeat(["a", "b", "c"], 100))
    group = pd.Categorical(labels)
    frame = pd.DataFrame({"group": group, "art": rng.normal(size=300)})
    score = frame["art"] + pd.Series(labels).map({"a": 0.0, "b": 1.0, "c": 3.0})
    dummies = frame.assign(b=labels == "b", c=labels == "c")[["art", "b", "c"]]
    predictor = LinearRegression().fit(dummies.astype(float), score)

    def derived(table):
        return table.assign(b=table["group"] == "b", c=table["group"] == "c")

    graph = CausalGraph(nodes=["group", "art"])
    audit = audited(frame, graph, predictor, derived=derived)
    largest = audit.rows.groupby("group", observed=True)["largest_difference"].mean()
    assert largest.to_dict() == pytest.approx({"a": 3.0, "b": 2.0, "c": -3.0})
    assert audit.unfairness == pytest.approx(8 / 3)
    only = audited(
        frame, graph, predictor, derived=derived, audit={"values": ["a", "b"]}
    )
    assert only.scores.columns.tolist() == ["a", "b"]
    assert only.unfairness == pytest.approx((1 + 1 + 3) / 3)


# ------------------------------------------------------------------------- spread
def test_refits_add_the_error_of_the_structural_model():
    rng = np.random.default_rng(0)
    group = rng.integers(2, size=300).astype(float)
    frame = pd.DataFrame({"group": group, "x": group + rng.normal(size=300)})
    model = AdditiveNoiseModel(
        CausalGraph([("group", "x")]), regressor=LinearRegression()
    )
    audit = audited(frame, model, line(frame, x=1.0), audit={"n_bootstrap": 40})
    assert audit.n_refits == 40
    # The shift is a difference of two means of 150 rows with variance 1.
    assert audit.summary["standard_error"] == pytest.approx(2 / 300**0.5, rel=0.35)
    assert audit.summary["p_value"] == pytest.approx(1 / 41)
    lower, upper = audit.interval()
    assert lower < 1 < upper
    assert np.isnan(audited(frame, model, line(frame, x=1.0)).summary["p_value"])


@pytest.mark.slow
def test_p_value_is_small_in_few_draws_without_an_effect():
    """Each is below .05 in 1 of 21 draws; of 15 more than 4 are once in 1700."""
    below = 0
    for seed in range(15):
        rng = np.random.default_rng(seed)
        group = rng.integers(2, size=200).astype(float)
        frame = pd.DataFrame({"group": group, "x": rng.normal(size=200)})
        model = AdditiveNoiseModel(
            CausalGraph([("group", "x")]), regressor=LinearRegression()
        )
        predictor = line(frame, x=1.0)
        audit = audited(frame, model, predictor, audit={"n_bootstrap": 20})
        below += audit.summary["p_value"] < 0.05
    assert below <= 4


# ------------------------------------------------------------------ kinds of input
def test_outcome_adds_error_rates_and_needs_no_column_otherwise():
    frame, _ = shifted()
    frame["passed"] = frame["x"] > 0
    graph = CausalGraph([("group", "x"), ("x", "passed")], nodes=["art"])
    model = AdditiveNoiseModel(graph, regressor=LinearRegression()).fit(frame)
    auditor = CounterfactualFairnessAuditor(model, "group").fit(frame)
    whole = auditor.audit(Above(x=1.0), frame, outcome="passed")
    assert whole.groups["accuracy"].tolist() == [1.0, 1.0]
    assert whole.exact
    less = auditor.audit(Above(x=1.0), frame.drop(columns=["passed", "art"]))
    assert less.unfairness == whole.unfairness
    assert "accuracy" not in less.groups
    with pytest.raises(ValueError, match="outcome needs a classifier"):
        auditor.audit(line(frame, x=1.0), frame, outcome="passed")


def test_decision_function_arrays_and_polars():
    frame, model = shifted()
    target = frame["x"] + 0.1 * frame["art"] > 0
    machine = LinearSVC().fit(frame[["x", "art"]].to_numpy(), target)
    with pytest.raises(ValueError, match="name them in features"):
        audited(frame, model, machine)
    found = audited(frame, model, machine, audit={"features": ["x", "art"]})
    weight = machine.coef_[0, 0]
    assert found.unfairness == pytest.approx(abs(weight) * SHIFT, rel=1e-9)
    again = audited(
        pl.from_pandas(frame), model, machine, audit={"features": ["x", "art"]}
    )
    pd.testing.assert_frame_equal(again.rows, found.rows)


def test_derived_columns_are_made_anew():
    frame, model = shifted()
    band = pd.DataFrame({"band": (frame["x"] > 1).astype(float)})
    predictor = LinearRegression().fit(band, band["band"])
    audit = audited(
        frame, model, predictor, derived=lambda t: t.assign(band=1.0 * (t["x"] > 1))
    )
    flips = (frame["x"] > 1) != (frame["x"] + SHIFT * (1 - 2 * frame["group"]) > 1)
    assert audit.unfairness == pytest.approx(flips.mean())


def test_support_flags_rows_that_nobody_resembles():
    frame, model = shifted()
    near = audited(frame, model, Above(x=1.0))
    assert near.summary["outside_support"] < 0.05
    model.fit(frame)
    model.mechanisms_["x"].regressor_.coef_ += 50
    far = audited(frame, model, Above(x=1.0))
    assert far.summary["outside_support"] == 1


def test_small_groups_get_no_claims():
    frame, model = shifted()
    few = frame.iloc[:20].assign(group=2.0)
    frame = pd.concat([frame, few], ignore_index=True)
    auditor = CounterfactualFairnessAuditor(model, "group")
    with pytest.warns(SmallGroupWarning, match=r"2.0 \(20\)"):
        auditor.fit(frame)
    audit = auditor.audit(Above(x=1.0), frame)
    small = frame["group"] == 2
    assert audit.rows.index.equals(frame.index)
    assert audit.rows.loc[small, "score"].notna().all()
    assert audit.rows.loc[small, "largest_difference"].isna().all()
    assert audit.rows.loc[~small, "largest_difference"].notna().all()
    assert audit.scores.columns.tolist() == [0.0, 1.0]
    assert np.isnan(audit.groups.loc[2.0, "unfairness"])
    counted = audit.rows.loc[~small, "largest_difference"].abs().mean()
    assert audit.unfairness == pytest.approx(counted)


def test_same_seed_same_answer_and_input_untouched():
    frame, model = chosen(300)
    before = frame.copy()
    one = audited(frame, model, Above(label=1.0))
    two = audited(frame, model, Above(label=1.0))
    pd.testing.assert_frame_equal(one.to_frame(), two.to_frame())
    pd.testing.assert_frame_equal(frame, before)
    assert "coupling 'shared_noise'" in repr(one)
    clone(CounterfactualFairnessAuditor(model, "group"))


# -------------------------------------------------------------------------- errors
def test_attribute_with_causes_or_not_in_the_graph():
    frame, _ = shifted()
    graph = CausalGraph([("art", "group"), ("group", "x")])
    with pytest.raises(SensitiveAttributeError, match=r"has the cause\(s\) art"):
        CounterfactualFairnessAuditor(graph, "group").fit(frame)
    with pytest.raises(SensitiveAttributeError, match="must be one node"):
        CounterfactualFairnessAuditor(graph, "colour").fit(frame)
    with pytest.raises(SensitiveAttributeError, match="must be one node"):
        CounterfactualFairnessAuditor(graph, ["group", "x"]).fit(frame)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"coupling": "same"}, ValueError, "coupling must be one of"),
        ({"n_counterfactuals": 0}, ValueError, "n_counterfactuals must be"),
        ({"derived": "age"}, TypeError, "derived must be a function"),
        ({"model": LinearRegression()}, TypeError, "model must be a CausalGraph or"),
    ],
)
def test_bad_options(options, error, message):
    frame, model = shifted()
    auditor = CounterfactualFairnessAuditor(
        **({"model": model} | options), sensitive="group"
    )
    with pytest.raises(error, match=message):
        auditor.fit(frame)


def test_bad_audits():
    frame, model = shifted()
    auditor = CounterfactualFairnessAuditor(model, "group").fit(frame)
    stranger = LinearRegression().fit(frame[["x"]].assign(city=1.0), frame["x"])
    with pytest.raises(ValueError, match="'city', which is neither a node"):
        auditor.audit(stranger, frame)
    three = LogisticRegression().fit(frame[["x"]], np.digitize(frame["x"], [0, 1]))
    with pytest.raises(ValueError, match="must have two classes, got 3"):
        auditor.audit(three, frame)
    with pytest.raises(ValueError, match="values must be at least two"):
        auditor.audit(Above(x=1.0), frame, values=[0.0])
    with pytest.raises(ValueError, match="values must be at least two"):
        auditor.audit(Above(x=1.0), frame, values=[0.0, 7.0])
    few = frame[frame["group"] == 0].assign(group=2.0)
    three = CounterfactualFairnessAuditor(model, "group").fit(pd.concat([frame, few]))
    with pytest.raises(ValueError, match="no row has one of the values"):
        three.audit(Above(x=1.0), few, values=[0.0, 1.0])
    with pytest.raises(ValueError, match="n_bootstrap must be 0 or at least 2"):
        auditor.audit(Above(x=1.0), frame, n_bootstrap=1)
    with pytest.raises(TypeError, match="frame must be a DataFrame"):
        auditor.audit(Above(x=1.0), frame.to_numpy())
    with pytest.raises(TypeError, match="derived must return a DataFrame"):
        auditor.set_params(derived=lambda table: None).audit(Above(x=1.0), frame)
    with pytest.raises(ValueError, match="'nothing', which is no column"):
        auditor.set_params(derived=None).audit(Above(x=1.0), frame, outcome="nothing")
