"""Audits, decompositions and fair predictors under any structural model of a graph."""

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LinearRegression, LogisticRegression

from skcausal.fairness import (
    CounterfactualFairnessAuditor,
    CounterfactuallyFairRegressor,
    PathSpecificFair,
    compare_models,
    decompose_disparity,
)
from skcausal.graphs import CausalGraph
from skcausal.structural import (
    AdditiveNoise,
    AdditiveNoiseModel,
    CategoricalNoise,
    GeneralizedLinear,
    GumbelMax,
    ProgramModel,
    StructuralModel,
)
from tests.fairness.helpers import SHIFT, Above, line, shifted
from tests.fairness.path_helpers import A_W, A_Y, FAIRNESS, W_Y, fairness_frame

SWAP = {"reference": 0, "compared": 1}
LINE = AdditiveNoise(LinearRegression())
# Shares of three labels in the two groups.
SHARES = np.array([[0.4, 0.4, 0.2], [0.4, 0.1, 0.5]])
KINDS = [AdditiveNoiseModel, StructuralModel]


def labelled(n=1000):
    """Return rows in which label has exactly the SHARES in each group."""
    group = np.repeat([0.0, 1.0], n)
    counts = (SHARES * n).round().astype(int)
    label = np.concatenate([np.repeat(list("abc"), row) for row in counts])
    return pd.DataFrame({"group": group, "label": pd.Categorical(label)})


def label_model(mechanism, frame, kind=StructuralModel, **options):
    graph = CausalGraph([("group", "label")])
    return kind(graph, {"label": mechanism}, **options).fit(frame)


class IsA(Above):
    """Say yes to label a."""

    def _sum(self, X):
        return np.where(X["label"] == "a", 1.0, -1.0)


def flips(model, frame, coupling="shared_noise"):
    auditor = CounterfactualFairnessAuditor(
        model, "group", coupling=coupling, n_counterfactuals=100, random_state=0
    )
    audit = auditor.fit(frame).audit(IsA(label=1.0), frame)
    return audit, audit.flip_matrix.loc[0.0, 1.0]


@pytest.mark.parametrize("kind", KINDS)
def test_linear_audit_has_the_closed_form(kind):
    frame, plain = shifted()
    model = kind(plain.graph, {"x": LINE}, random_state=0)
    auditor = CounterfactualFairnessAuditor(model, "group").fit(frame)
    audit = auditor.audit(line(frame, x=2.0, group=-0.5), frame)
    assert audit.exact
    assert audit.unfairness == pytest.approx(2 * SHIFT - 0.5, abs=1e-9)


def test_a_graph_becomes_a_model_with_chosen_mechanisms():
    rng = np.random.default_rng(0)
    group = np.repeat([0.0, 1.0], 150)
    frame = pd.DataFrame({"group": group, "n": rng.poisson(np.exp(group)) * 1.0})
    graph = CausalGraph([("group", "n")])
    auditor = CounterfactualFairnessAuditor(graph, "group", n_counterfactuals=5)
    audit = auditor.fit(frame).audit(line(frame, n=1.0), frame)
    assert isinstance(auditor.model_, StructuralModel)
    assert auditor.model_.mechanisms_["n"].family == "poisson"
    assert not audit.exact  # a count leaves several noises possible
    assert audit.unfairness == pytest.approx(np.e - 1, abs=0.5)


@pytest.mark.parametrize(
    ("own", "mechanism"),
    [
        ("gumbel_max", CategoricalNoise(LogisticRegression(C=1e8, tol=1e-8))),
        ("shared_noise", GumbelMax(LogisticRegression(C=1e8, tol=1e-8))),
    ],
)
def test_the_coupling_of_the_model_is_that_of_the_audit(own, mechanism):
    """P(a in both worlds) = 1 / (1 + sum of the larger odds against a)."""
    frame = labelled()
    model = label_model(mechanism, frame, coupling=own, random_state=0)
    audit, share = flips(model, frame)
    assert audit.coupling == own
    odds = (SHARES / SHARES[:, :1])[:, 1:]
    both = 1 / (1 + odds.max(axis=0).sum())
    assert share == pytest.approx(SHARES[:, 0].sum() - 2 * both, abs=0.01)
    # In the order of the labels nobody leaves a, whose share is the same.
    monotone, least = flips(model, frame, "monotone")
    assert monotone.coupling == "monotone"
    assert least == pytest.approx(0, abs=0.001)


@pytest.mark.parametrize("kind", KINDS)
def test_decomposition_of_a_linear_model(kind):
    frame = fairness_frame(3000)
    mechanisms = {"w": LINE, "y": LINE, "a": GeneralizedLinear("bernoulli")}
    model = kind(FAIRNESS, mechanisms, random_state=0).fit(frame)
    found = decompose_disparity(model, frame, "a", "y", **SWAP)
    assert found["natural direct"] == pytest.approx(A_Y, abs=0.1)
    assert found["total effect"] == pytest.approx(A_Y + A_W * W_Y, abs=0.15)


def test_decomposition_through_a_label_with_several_noises():
    """The whole effect is that of the shares, whichever coupling ties the labels."""
    frame = labelled()
    worth = frame["label"].cat.codes.astype(float)
    frame["y"] = worth + 0.5 * np.random.default_rng(0).normal(size=len(frame))
    graph = CausalGraph([("group", "label"), ("label", "y")])
    logit = CategoricalNoise(LogisticRegression(C=1e8, tol=1e-8))
    truth = (SHARES[1] - SHARES[0]) @ [0, 1, 2]
    for coupling in ("monotone", "gumbel_max"):
        model = StructuralModel(
            graph,
            {"label": logit, "y": GeneralizedLinear()},
            coupling=coupling,
            random_state=0,
        ).fit(frame)
        found = decompose_disparity(
            model, frame, "group", "y", n_draws=5, random_state=0, **SWAP
        )
        assert found["natural indirect"] == pytest.approx(truth, abs=0.05)
        assert found["natural direct"] == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize("mode", ["constrain", "correct"])
@pytest.mark.parametrize("coupling", ["shared_noise", "gumbel_max"])
def test_unfair_paths_through_a_label(mode, coupling):
    frame = labelled(400)
    rng = np.random.default_rng(0)
    y = pd.Series(frame["label"].cat.codes + rng.logistic(size=len(frame)) > 1)
    graph = CausalGraph([("group", "label"), ("label", "y"), ("group", "y")])
    logit = CategoricalNoise(LogisticRegression())
    model = StructuralModel(graph, {"label": logit}, coupling=coupling)
    path = [("group", "label", "y")]
    fair = PathSpecificFair(model, "group", path, mode=mode, random_state=0)
    fair.fit(frame, y.rename("y"))
    assert fair.model_.mechanisms_["label"].n_noise == (
        3 if coupling == "gumbel_max" else 1
    )
    if mode == "constrain":
        assert 0.95 <= fair.unfair_effect(frame).loc[1.0, "odds_ratio"] <= 1.05
    else:
        # Labels as they would be in group 0, where the best one is rarer.
        plain = fair.estimator_.predict_proba(frame[["group", "label"]])[:, 1]
        better = frame["group"] == 1
        assert fair.predict_proba(frame)[better, 1].mean() < plain[better].mean() - 0.02


def test_a_graph_is_a_model_of_unfair_paths():
    frame = fairness_frame(300)
    y = (frame.pop("y") > 0).rename("y")
    graph = CausalGraph([("c", "w"), ("c", "y"), ("a", "w"), ("a", "y"), ("w", "y")])
    fair = PathSpecificFair(graph, "a", [("a", "y")], random_state=0).fit(frame, y)
    assert isinstance(fair.model_, StructuralModel)
    assert fair.unfair_effect(frame).loc[1.0, "odds_ratio"] <= 1.05


@pytest.mark.parametrize("kind", KINDS)
def test_residuals_of_any_model_do_not_follow_the_attribute(kind):
    frame, plain = shifted()
    y = frame["x"] + frame["art"]
    fair = CounterfactuallyFairRegressor(
        kind(plain.graph, {"x": LINE}, random_state=0),
        "group",
        base_estimator=LinearRegression(),
    ).fit(frame, y)
    other = fair.model_.counterfactual(frame, {"group": 1 - frame["group"]})
    np.testing.assert_allclose(fair.predict(other), fair.predict(frame), atol=1e-9)


def test_programs_have_no_graph_to_audit():
    program = ProgramModel(lambda: None)
    frame = fairness_frame(100)
    words = "got ProgramModel. A program has no graph"
    with pytest.raises(TypeError, match=words):
        CounterfactualFairnessAuditor(program, "a").fit(frame)
    with pytest.raises(TypeError, match=words):
        compare_models({"one": program, "two": program}, len, frame)
    with pytest.raises(TypeError, match=words):
        PathSpecificFair(program, "a", [("a", "y")]).fit(frame, frame["y"] > 0)
    with pytest.raises(TypeError, match=r"model of a graph.*got ProgramModel"):
        decompose_disparity(program, frame, "a", "y", **SWAP)
    with pytest.raises(TypeError, match="must be a CausalGraph or a structural"):
        CounterfactuallyFairRegressor(program, "a").fit(frame, frame["y"])
