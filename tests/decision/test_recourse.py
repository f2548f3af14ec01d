"""Recourse: closed forms, consequences, limits, and bad input."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin, clone
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from skcausal.decision import StructuralRecourse
from skcausal.graphs import CausalGraph
from skcausal.structural import (
    AdditiveNoiseModel,
    CategoricalNoise,
    LatentVariableModel,
    StructuralModel,
)


class Sum(RegressorMixin, BaseEstimator):
    """Adds up its columns."""

    def fit(self, X, y=None):
        self.feature_names_in_ = np.asarray(X.columns, dtype=object)
        self.n_features_in_ = X.shape[1]
        return self

    def predict(self, X):
        return X.to_numpy(dtype=float).sum(axis=1)


class Above(ClassifierMixin, BaseEstimator):
    """Says yes where a sum is above a limit; has no probabilities."""

    def __init__(self, limit=0.0):
        self.limit = limit

    def fit(self, X, y=None):
        self.feature_names_in_ = np.asarray(X.columns, dtype=object)
        self.classes_ = np.array(["no", "yes"])
        return self

    def predict(self, X):
        return np.where(X.to_numpy(dtype=float).sum(axis=1) >= self.limit, "yes", "no")


GRAPH = CausalGraph([("income", "savings"), ("age", "income")])


@pytest.fixture(scope="module")
def table():
    rng = np.random.default_rng(0)
    age = rng.normal(40, 10, size=2000)
    income = 0.1 * age + rng.normal(size=2000)
    savings = 2 * income + rng.normal(size=2000)
    return pd.DataFrame({"age": age, "income": income, "savings": savings})


@pytest.fixture(scope="module")
def model(table):
    return AdditiveNoiseModel(GRAPH, regressor=LinearRegression()).fit(table)


@pytest.fixture(scope="module")
def total(table):
    return Sum().fit(table[["income", "savings"]])


def recourse(model, predictor, actionable, table, **options):
    return StructuralRecourse(model, predictor, actionable, **options).fit(table)


def test_one_action_with_consequences_has_a_closed_form(model, total, table):
    """One more of income is 1 + slope more of the sum."""
    found = recourse(model, total, ["income"], table, threshold=15.0)
    rows = table[total.predict(table[["income", "savings"]]) < 14].head(5)
    result = found.explain(rows)
    slope = model.mechanisms_["savings"].regressor_.coef_[0]
    for label, row in rows.iterrows():
        (way,) = result.alternatives[label]
        gap = 15 - row["income"] - row["savings"]
        expected = row["income"] + gap / (1 + slope)
        steps = (32 + 1) ** -2  # what the refinement leaves of the way
        assert expected <= way.actions["income"] < expected + steps * gap
        after = way.consequences.iloc[0]
        moved = after["savings"] - row["savings"]
        assert moved == pytest.approx(slope * (after["income"] - row["income"]))
        assert after["age"] == row["age"]
        assert not way.feature_edit_suffices
        assert way.probability == 1


def test_a_leaf_has_no_consequences(model, total, table):
    found = recourse(model, total, ["savings"], table, threshold=15.0)
    rows = table[total.predict(table[["income", "savings"]]) < 14].head(3)
    for label, (way,) in found.explain(rows).alternatives.items():
        assert way.feature_edit_suffices
        assert way.consequences["income"].iloc[0] == rows.loc[label, "income"]


def test_fewest_actions_come_first_and_alternatives_differ(model, total, table):
    found = recourse(model, total, ["income", "savings"], table, threshold=16.0)
    rows = table[total.predict(table[["income", "savings"]]) < 14].head(4)
    result = found.explain(rows)
    for ways in result.alternatives.values():
        sets = [set(way.actions) for way in ways]
        assert [len(one) for one in sets] == sorted(len(one) for one in sets)
        for k, one in enumerate(sets):
            assert not any(one <= other or other <= one for other in sets[:k])
        assert all(way.score >= 16 for way in ways)
    listed = result.to_frame()
    assert listed.index.names == ["row", "alternative"]
    assert (listed["score_before"] < 16).all()


def test_cheapest_may_take_more_actions(model, total, table):
    """Percentiles are steep in the middle, so two small moves may be cheaper."""
    options = {"threshold": 16.0, "n_alternatives": 1}
    rows = table[total.predict(table[["income", "savings"]]) < 13].head(4)
    costs = {}
    for objective in ("fewest", "cheapest"):
        found = recourse(
            model, total, ["income", "savings"], table, objective=objective, **options
        )
        costs[objective] = found.explain(rows).to_frame()["cost"]
    assert (costs["cheapest"] <= costs["fewest"] + 1e-12).all()


def test_two_actions_where_one_is_not_enough(model, table, total):
    limits = {"income": (0.0, 5.5), "savings": (0.0, 12.0)}
    row = table.iloc[[0]].assign(age=20.0, income=2.0, savings=4.0)
    found = recourse(model, total, limits, table, threshold=17.0)
    (way,) = found.explain(row).alternatives[row.index[0]]
    assert set(way.actions) == {"income", "savings"}
    assert way.score >= 17
    assert 0 <= way.actions["income"] <= 5.5
    assert 0 <= way.actions["savings"] <= 12
    impossible = recourse(model, total, limits, table, threshold=19.0).explain(row)
    assert impossible.alternatives[row.index[0]] == ()
    assert impossible.without == [row.index[0]]


@pytest.mark.parametrize("direction", ["increase", "decrease"])
def test_directions(model, total, table, direction):
    desired = "below" if direction == "increase" else "above"
    found = recourse(
        model, total, {"income": direction}, table, threshold=12.0, desired=desired
    )
    result = found.explain(table.head(12))
    assert all(not ways for ways in result.alternatives.values())
    assert result.granted.any()
    other = "above" if desired == "below" else "below"
    found.set_params(desired=other).fit(table)
    result = found.explain(table.head(12))
    sign = 1 if direction == "increase" else -1
    assert result.without == []
    for label, ways in result.alternatives.items():
        for way in ways:
            assert sign * (way.actions["income"] - table.loc[label, "income"]) > 0


def test_a_classifier_without_probabilities(model, table):
    predictor = Above(16.0).fit(table[["income", "savings"]])
    found = recourse(model, predictor, ["income"], table, desired="yes")
    result = found.explain(table.head(20))
    for label, ways in result.alternatives.items():
        assert result.granted[label] or ways[0].score == 1


@pytest.fixture(scope="module")
def mixed():
    rng = np.random.default_rng(1)
    n = 1500
    job = pd.Categorical(rng.choice(["low", "mid", "high"], size=n))
    base = pd.Series(job).map({"low": 0.0, "mid": 1.0, "high": 2.0}).to_numpy()
    income = np.round(3 + base + rng.normal(size=n), 0)
    lent = rng.random(n) < 1 / (1 + np.exp(4 - income.astype(float)))
    table = pd.DataFrame({"job": job, "income": income, "guarantor": lent})
    graph = CausalGraph([("job", "income"), ("income", "guarantor")])
    model = AdditiveNoiseModel(graph, random_state=0).fit(table)
    encoder = make_column_transformer(
        (OneHotEncoder(), ["job"]), remainder="passthrough"
    )
    good = rng.random(n) < 1 / (1 + np.exp(5 - income - 2 * lent))
    return table, model, make_pipeline(encoder, LogisticRegression()).fit(table, good)


def test_categories_and_uncertain_consequences(mixed):
    """What a category below would become is a draw, so the answer has a probability."""
    table, model, bank = mixed
    options = {"random_state": 0, "n_samples": 30, "confidence": 0.9}
    actionable = {"job": ["mid", "high"], "income": "any"}
    found = recourse(model, bank, actionable, table, **options)
    refused = table[~bank.predict(table)].head(6)
    result = found.explain(refused)
    ways = [way for ways in result.alternatives.values() for way in ways]
    assert ways
    for way in ways:
        assert len(way.consequences) == 30
        assert 0.9 <= way.probability <= 1
        assert way.actions.get("job") in (None, "mid", "high")
        if "income" in way.actions:  # whole numbers stay whole
            assert way.actions["income"] == round(way.actions["income"])
    again = recourse(model, bank, actionable, table, **options).explain(refused)
    pd.testing.assert_frame_equal(result.to_frame(), again.to_frame())


def test_a_category_costs_one_half(mixed):
    table, model, bank = mixed
    found = recourse(model, bank, {"guarantor": "any"}, table, random_state=0)
    ways = found.explain(table[~bank.predict(table)].head(30)).to_frame()
    assert len(ways)
    assert (ways["cost"] == 0.5).all()
    assert ways["feature_edit_suffices"].all()


def test_what_is_not_reached_stays(mixed):
    table, model, bank = mixed
    found = recourse(model, bank, ["income"], table, random_state=0)
    refused = table[~bank.predict(table)].head(4)
    for label, ways in found.explain(refused).alternatives.items():
        for way in ways:
            assert (way.consequences["job"] == refused.loc[label, "job"]).all()


def test_granted_rows_need_nothing(model, total, table):
    found = recourse(model, total, ["income"], table, threshold=-100.0)
    result = found.explain(table.head(3))
    assert result.granted.all()
    assert len(result.to_frame()) == 0
    assert result.without == []


def test_clone_and_parameters(model, total):
    one = StructuralRecourse(model, total, ["income"], threshold=3.0)
    assert clone(one).get_params()["threshold"] == 3.0


@pytest.mark.parametrize(
    ("actionable", "options", "message"),
    [
        ([], {}, "at least one node"),
        (["wealth"], {}, "'wealth' in actionable or immutable is not a node"),
        (["income"], {"immutable": ["savings"]}, "causes the immutable 'savings'"),
        (["income"], {"immutable": ["income"]}, "'income' is immutable"),
        ({"income": (3.0, 1.0)}, {}, r"pair \(low, high\) with low < high"),
        ({"income": "up"}, {}, "must be one of 'any', 'increase', 'decrease'"),
        (["income"], {"threshold": None}, "a regressor needs a threshold"),
        (["income"], {"max_actions": 0}, "max_actions must be an integer"),
        (["income"], {"confidence": 1.5}, r"confidence must lie in \(0, 1\]"),
        (["income"], {"objective": "best"}, "objective must be"),
        (["income"], {"features": ["height"]}, "'height', which is not a node"),
    ],
)
def test_bad_input(model, total, table, actionable, options, message):
    options = {"threshold": 1.0, **options}
    with pytest.raises(ValueError, match=message):
        recourse(model, total, actionable, table, **options)


def test_bad_rules_for_categories(mixed):
    table, model, bank = mixed
    with pytest.raises(ValueError, match="must be 'any' or a list of its categories"):
        recourse(model, bank, {"job": ["boss"]}, table)
    with pytest.raises(ValueError, match="desired must be one of the classes"):
        recourse(model, bank, ["income"], table, desired="yes")
    with pytest.raises(ValueError, match="threshold must lie between 0 and 1"):
        recourse(model, bank, ["income"], table, threshold=2.0)


def test_labels_that_are_there_twice_are_refused(model, total, table):
    found = recourse(model, total, ["income"], table, threshold=300.0)
    rows = table.head(2).set_axis([5, 5])
    with pytest.raises(ValueError, match="several rows with the label 5"):
        found.explain(rows)


@pytest.mark.parametrize("option", ["actionable", "immutable"])
def test_one_node_is_given_as_a_list(model, total, table, option):
    options = {"actionable": ["income"], option: "age"}
    with pytest.raises(TypeError, match=rf"{option} must be a list .* \['age'\]"):
        recourse(model, total, options.pop("actionable"), table, threshold=1, **options)


def test_a_predictor_fitted_on_an_array(model, table):
    names = ["income", "savings"]
    rich = table["savings"] > table["savings"].median()
    by_place = LogisticRegression().fit(table[names].to_numpy(), rich)
    by_name = LogisticRegression().fit(table[names], rich)
    refused = table[~by_name.predict(table[names])].head(2)
    one = recourse(model, by_place, ["income"], table, features=names)
    two = recourse(model, by_name, ["income"], table)
    pd.testing.assert_frame_equal(
        one.explain(refused).to_frame(), two.explain(refused).to_frame()
    )


def test_actions_that_change_no_column_of_the_predictor_are_not_named(model, table):
    rich = table["income"] > table["income"].median()
    bank = LogisticRegression().fit(table[["income"]], rich)
    found = recourse(model, bank, ["savings", "age", "income"], table)
    ways = found.explain(table[~bank.predict(table[["income"]])].head(5)).to_frame()
    assert not ways["actions"].str.contains("savings").any()


def test_an_action_may_keep_what_another_would_change():
    """Work raises pay and costs health; both count alike: health is to be kept."""
    rng = np.random.default_rng(0)
    work = rng.normal(size=500)
    frame = pd.DataFrame({"work": work, "health": -work + rng.normal(size=500)})
    graph = CausalGraph([("work", "health")])
    model = AdditiveNoiseModel(graph, regressor=LinearRegression()).fit(frame)
    row = pd.DataFrame({"work": [0.0], "health": [0.0]})
    rules = {"work": "any", "health": (-5.0, 0.0)}
    total = Sum().fit(frame)
    found = StructuralRecourse(model, total, rules, threshold=1.0).fit(frame)
    (way,) = found.explain(row).alternatives[0]
    assert way.actions["health"] == 0.0
    assert way.actions["work"] == pytest.approx(1.0, abs=0.01)
    assert way.cost == pytest.approx(
        found.actions_[0].cost(0.0, np.array([1.0]))[0], abs=0.01
    )


def test_actions_that_are_not_needed_are_left_out(model, total, table):
    options = {"threshold": 20.0, "objective": "cheapest", "n_alternatives": 5}
    found = recourse(model, total, ["age", "income", "savings"], table, **options)
    rows = table[total.predict(table[["income", "savings"]]) < 14].head(5)
    n_several = 0
    for label, ways in found.explain(rows).alternatives.items():
        for way in ways:
            several = list(way.actions) if len(way.actions) > 1 else []
            n_several += bool(several)
            for left_out in several:
                rest = {k: v for k, v in way.actions.items() if k != left_out}
                after = model.counterfactual(rows.loc[[label]], rest)
                assert total.predict(after[total.feature_names_in_])[0] < 20
    assert n_several


def test_a_latent_cause_is_drawn():
    rng = np.random.default_rng(0)
    skill = rng.normal(size=400)
    frame = pd.DataFrame(
        {f"t{k}": skill + 0.5 * rng.normal(size=400) for k in range(3)}
    ).assign(hours=rng.normal(size=400))
    frame["t0"] += frame["hours"]
    arrows = [*(("skill", f"t{k}") for k in range(3)), ("hours", "t0")]
    graph = CausalGraph(arrows, latent=["skill"])
    model = LatentVariableModel(graph, random_state=0).fit(frame)
    total = Sum().fit(frame[["t0", "t1", "t2"]])
    options = {"threshold": 2.0, "n_samples": 20, "random_state": 0}
    found = recourse(model, total, ["hours"], frame, **options)
    score = total.predict(frame[["t0", "t1", "t2"]])
    row = frame[(score > 0) & (score < 1) & (frame["hours"] < 0)].head(1)
    (way,) = found.explain(row).alternatives[row.index[0]]
    assert len(way.consequences) == 20
    assert way.consequences["skill"].std() > 0.1
    assert way.consequences["t0"].std() < 1e-6


class NotA(ClassifierMixin, BaseEstimator):
    """Says yes to all labels but a."""

    def fit(self, X, y=None):
        self.feature_names_in_ = np.asarray(X.columns, dtype=object)
        self.classes_ = np.array(["no", "yes"])
        return self

    def predict(self, X):
        return np.where(X["label"] == "a", "no", "yes")


@pytest.mark.parametrize(("coupling", "n_ways"), [("monotone", 0), ("gumbel_max", 1)])
def test_the_coupling_of_the_model_decides_what_an_action_does(coupling, n_ways):
    """a keeps its share: nobody leaves it in order, by Gumbel noise 23 in 100 do."""
    counts = [[400, 400, 200], [400, 100, 500]]
    table = pd.DataFrame(
        {
            "group": pd.Categorical(np.repeat(["u", "v"], 1000)),
            "label": pd.Categorical(
                np.concatenate([np.repeat(list("abc"), row) for row in counts])
            ),
        }
    )
    encode = make_column_transformer((OneHotEncoder(), ["group"]))
    logit = make_pipeline(encode, LogisticRegression(C=1e8, tol=1e-8))
    model = StructuralModel(
        CausalGraph([("group", "label")]),
        {"label": CategoricalNoise(logit)},
        coupling=coupling,
    ).fit(table)
    predictor = NotA().fit(table[["label"]])
    search = recourse(
        model, predictor, ["group"], table, confidence=0.1, random_state=0
    )
    assert len(search.explain(table[:1]).alternatives[0]) == n_ways
