"""AdjustmentSelector: which columns, in which tables, inside scikit-learn's tools."""

import pickle

import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse as sp
import sklearn
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.utils.estimator_checks import check_estimator

from skcausal import causal_target, effect_of
from skcausal.estimation import DRLearner
from skcausal.graphs import CausalGraph, UnknownNodeError
from skcausal.identification import (
    AdjustmentSelector,
    IdentificationError,
    NoAdjustmentSetError,
)
from skcausal.validation import get_scorer

# cause -> nurse -> treatment; cause -> health -> outcome; two consequences.
GRAPH = CausalGraph(
    [
        ("cause", "nurse"),
        ("nurse", "treatment"),
        ("cause", "health"),
        ("health", "outcome"),
        ("site", "outcome"),
        ("treatment", "dose"),
        ("dose", "outcome"),
        ("treatment", "visit"),
        ("outcome", "visit"),
        ("treatment", "outcome"),
    ]
)
NAMES = ["visit", "site", "nurse", "health", "dose", "cause"]
EFFECT = 2.0 + 0.5  # the arrow, and the path through the dose


def make_table(n_rows, seed):
    rng = np.random.default_rng(seed)
    noise = lambda: rng.normal(size=n_rows)  # noqa: E731
    cause, site = noise(), noise()
    nurse, health = cause + noise(), cause + noise()
    treatment = (nurse + 2 * noise() > 0).astype(int)
    dose = treatment + 2 * noise()
    outcome = 2 * treatment + 0.5 * dose + 2 * health + site + noise()
    visit = treatment + outcome + noise()
    columns = {
        "visit": visit,
        "site": site,
        "nurse": nurse,
        "health": health,
        "dose": dose,
        "cause": cause,
    }
    return pd.DataFrame(columns), outcome, treatment


def selector(**options):
    return AdjustmentSelector(GRAPH, "treatment", "outcome", **options)


FRAME, OUTCOME, TREATMENT = make_table(400, 0)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("optimal", ("site", "health")),
        ("optimal_minimal", ("health",)),
        ("minimal", ("nurse",)),
        ("canonical", ("site", "nurse", "health", "cause")),
    ],
)
def test_kinds(kind, expected):
    fitted = selector(kind=kind).fit(FRAME)
    assert fitted.adjustment_set_ == expected
    assert fitted.get_feature_names_out().tolist() == list(expected)
    pd.testing.assert_frame_equal(fitted.transform(FRAME), FRAME[list(expected)])


def test_effect_modifiers_are_kept():
    fitted = selector(kind="minimal", effect_modifiers="site").fit(FRAME)
    assert fitted.adjustment_set_ == ("site", "nurse")
    with pytest.raises(IdentificationError, match="include names dose"):
        selector(effect_modifiers=["dose"]).fit(FRAME)
    with pytest.raises(IdentificationError, match="modifier site is not a column"):
        selector(effect_modifiers=["site"]).fit(FRAME.drop(columns="site"))


def test_frames_of_every_kind():
    fitted = selector().fit(FRAME)
    frame = pl.DataFrame(dict(FRAME))
    polars = selector().fit(frame)
    assert polars.transform(frame).columns == ["site", "health"]
    np.testing.assert_array_equal(
        polars.transform(frame).to_numpy(), fitted.transform(FRAME).to_numpy()
    )
    as_polars = selector().set_output(transform="polars").fit(FRAME)
    assert isinstance(as_polars.transform(FRAME), pl.DataFrame)
    text = FRAME.assign(site="north")
    assert (selector().fit_transform(text)["site"] == "north").all()


def test_columns_of_arrays_are_nodes_by_position():
    graph = CausalGraph([(1, "t"), (1, "y"), ("t", 0), (0, "y"), ("t", "y")])
    fitted = AdjustmentSelector(graph, "t", "y").fit(FRAME.to_numpy())
    assert fitted.adjustment_set_ == (1,)
    assert fitted.get_feature_names_out().tolist() == ["x1"]
    sparse = sp.csr_matrix(FRAME.to_numpy())
    kept = AdjustmentSelector(graph, "t", "y").fit_transform(sparse)
    np.testing.assert_array_equal(kept.toarray()[:, 0], FRAME["site"])


def test_a_missing_column_is_replaced_with_a_warning():
    table = FRAME.drop(columns="health")
    with pytest.warns(
        UserWarning, match=r"no column cause, health.*instead: {nurse, site}"
    ):
        fitted = selector(kind="canonical").fit(table.drop(columns="cause"))
    assert fitted.adjustment_set_ == ("site", "nurse")
    with pytest.warns(UserWarning, match="no column health"):
        assert selector().fit(table).adjustment_set_ == ("site", "cause")


def test_a_table_without_a_valid_set_is_refused():
    with pytest.raises(NoAdjustmentSetError, match=r"no column health, site.*no valid"):
        selector().fit(FRAME[["visit", "dose"]])


def test_graphs_that_do_not_allow_adjustment_are_refused():
    hidden = CausalGraph([("t", "y")], [("t", "y")])
    with pytest.raises(NoAdjustmentSetError, match="t <-> y stays open"):
        AdjustmentSelector(hidden, "t", "y").fit(FRAME)
    with pytest.raises(UnknownNodeError, match="'nobody'"):
        AdjustmentSelector(GRAPH, "nobody", "outcome").fit(FRAME)
    with pytest.raises(IdentificationError, match="no arrows lead"):
        AdjustmentSelector(GRAPH, "outcome", "treatment").fit(FRAME)
    with pytest.raises(ValueError, match="the empty set is valid"):
        AdjustmentSelector(CausalGraph([("t", "y")]), "t", "y").fit(FRAME)


def test_bad_input():
    with pytest.raises(ValueError, match="kind must be one of"):
        selector(kind="best").fit(FRAME)
    with pytest.raises(IdentificationError, match="must be a CausalGraph, got str"):
        AdjustmentSelector("t -> y", "t", "y").fit(FRAME)
    with pytest.raises(IdentificationError, match="Make X a DataFrame"):
        selector().fit(FRAME.to_numpy())
    with pytest.raises(NotFittedError):
        selector().transform(FRAME)
    twice = pd.concat([FRAME, FRAME[["site"]]], axis=1)
    with pytest.raises(ValueError, match="unique column names"):
        selector().fit(twice)
    with pytest.raises(ValueError, match="feature names"):
        selector().fit(FRAME).transform(FRAME.drop(columns="cause"))


def test_clone_pickle_and_display():
    fitted = clone(selector(kind="minimal", effect_modifiers=["site"])).fit(FRAME)
    copy = pickle.loads(pickle.dumps(fitted))
    pd.testing.assert_frame_equal(copy.transform(FRAME), fitted.transform(FRAME))
    assert "AdjustmentSelector" in fitted._repr_html_()
    assert "minimal" in repr(fitted)


@pytest.mark.filterwarnings("ignore")
def test_check_estimator():
    graph = CausalGraph([(0, "t"), (0, "y"), ("t", "y")])
    results = check_estimator(
        AdjustmentSelector(graph, "t", "y"), on_fail=None, on_skip=None
    )
    assert [one for one in results if one["status"] == "failed"] == []


def learner():
    return DRLearner(
        LinearRegression(), LogisticRegression(), LinearRegression(), random_state=0
    )


def test_a_pipeline_that_begins_with_the_graph_is_unbiased():
    errors = []
    for seed in range(6):
        table, outcome, treatment = make_table(2000, seed)
        target = causal_target(outcome, treatment)
        mediated = table[["health", "dose"]]
        pipeline = make_pipeline(selector(), learner()).fit(table, target)
        estimate = effect_of(pipeline).average_effect()
        errors.append((estimate.value - EFFECT) / estimate.standard_error)
        biased = learner().fit(mediated, outcome, treatment=treatment).average_effect()
        assert abs(biased.value - EFFECT) > 4 * biased.standard_error
    assert abs(np.mean(errors)) * np.sqrt(len(errors)) < 3
    assert np.abs(errors).max() < 4


def test_treatment_as_keyword_passes_by_the_selector():
    pipeline = make_pipeline(selector(), learner())
    with sklearn.config_context(enable_metadata_routing=True):
        routed = clone(pipeline).fit(FRAME, OUTCOME, treatment=TREATMENT)
    packed = pipeline.fit(FRAME, causal_target(OUTCOME, TREATMENT))
    np.testing.assert_array_equal(routed.predict(FRAME), packed.predict(FRAME))


def test_a_search_over_kinds():
    search = GridSearchCV(
        make_pipeline(selector(effect_modifiers=["health"]), learner()),
        {"adjustmentselector__kind": ["optimal", "minimal"]},
        scoring=get_scorer("r_score", outcome_model=LinearRegression(), cv=2),
        cv=2,
        error_score="raise",
    ).fit(FRAME, causal_target(OUTCOME, TREATMENT))
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    assert effect_of(search).effect(FRAME).shape == (400,)
