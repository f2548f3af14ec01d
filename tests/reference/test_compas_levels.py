"""COMPAS: what each level of fairness costs, and under which model it is fair."""

import pandas as pd
import pytest
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.metrics import accuracy_score, roc_auc_score
from sklearn.model_selection import StratifiedShuffleSplit
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from skcausal.datasets import fetch_compas
from skcausal.datasets._fetch import DatasetNotFoundError
from skcausal.fairness import (
    CounterfactualFairnessAuditor,
    CounterfactuallyFairClassifier,
)
from skcausal.graphs import CausalGraph
from skcausal.structural import AdditiveNoise, AdditiveNoiseModel, LatentVariableModel

pytestmark = [pytest.mark.reference, pytest.mark.slow, pytest.mark.timeout(600)]

ROOTS = ["race", "sex", "age"]
FOLLOWS = ["juvenile", "priors", "felony"]
ARROWS = [(cause, node) for cause in ROOTS for node in FOLLOWS]
N_SPLITS = 3


@pytest.fixture(scope="module")
def defendants():
    try:
        rows = fetch_compas().frame
    except DatasetNotFoundError as error:
        pytest.skip(str(error))
    rows = rows[rows["race"].isin(["African-American", "Caucasian"])]
    juvenile = ["juv_fel_count", "juv_misd_count", "juv_other_count"]
    X = pd.DataFrame(
        {
            "race": rows["race"].cat.remove_unused_categories(),
            "sex": rows["sex"],
            "age": rows["age"].astype(float),
            "juvenile": rows[juvenile].sum(axis=1).astype(float),
            "priors": rows["priors_count"].astype(float),
            "felony": (rows["c_charge_degree"] == "F").astype(float),
        }
    )
    return X, rows["two_year_recid"]


def encoded(final):
    categories = make_column_selector(dtype_include="category")
    numbers = make_column_selector(dtype_exclude="category")
    labels = OneHotEncoder(drop="if_binary")
    columns = make_column_transformer((labels, categories), (StandardScaler(), numbers))
    return make_pipeline(columns, final)


def logistic():
    return encoded(LogisticRegression(max_iter=1000))


def models():
    """Return models with added errors, with places in distributions, with a latent.

    More arrows among what follows from race would be no other model: with linear
    mechanisms what race does in all is the same.
    """
    line = {node: AdditiveNoise(encoded(LinearRegression())) for node in FOLLOWS}
    conduct = [("conduct", node) for node in [*FOLLOWS, "two_year_recid"]]
    outcome = [(cause, "two_year_recid") for cause in ROOTS]
    return {
        "added": AdditiveNoiseModel(CausalGraph(ARROWS), line),
        "ranks": AdditiveNoiseModel(CausalGraph(ARROWS), classifier=logistic()),
        "latent": LatentVariableModel(
            CausalGraph([*ARROWS, *conduct, *outcome], latent=["conduct"]),
            {"juvenile": "poisson", "priors": "poisson"},
        ),
    }


def predictors():
    found = {"full": logistic(), "unaware": None}
    for level, name in ((1, "added"), (2, "latent"), (3, "added")):
        found[f"level {level}"] = CounterfactuallyFairClassifier(
            models()[name], "race", level=level, base_estimator=logistic()
        )
    columns = make_column_transformer(("passthrough", [*ROOTS[1:], *FOLLOWS]))
    columns.set_output(transform="pandas")
    found["unaware"] = make_pipeline(columns, logistic())
    return found


@pytest.fixture(scope="module")
def table(defendants):
    """Return accuracy and AUC over splits, and unfairness under models on one."""
    X, y = defendants
    splits = StratifiedShuffleSplit(N_SPLITS, test_size=0.2, random_state=0)
    scores = []
    for train, test in splits.split(X, y):
        given = X.iloc[train], y.iloc[train]
        fitted = {name: p.fit(*given) for name, p in predictors().items()}
        for name, predictor in fitted.items():
            chance = predictor.predict_proba(X.iloc[test])[:, 1]
            accuracy = accuracy_score(y.iloc[test], chance > 0.5)
            scores.append((name, accuracy, roc_auc_score(y.iloc[test], chance)))
    found = pd.DataFrame(scores, columns=["predictor", "accuracy", "auc"])
    found = found.groupby("predictor", sort=False).mean()
    known = {"added": fitted["level 3"].model_, "latent": fitted["level 2"].model_}
    rows = X.iloc[test][:400]
    for kind, model in models().items():
        auditor = CounterfactualFairnessAuditor(
            known.get(kind, model), "race", n_counterfactuals=10, random_state=0
        ).fit(X.iloc[train])
        found[kind] = {n: auditor.unfairness(p, rows) for n, p in fitted.items()}
    return found


def test_fairness_costs_accuracy(table, capsys):
    with capsys.disabled():
        print(f"\n{table.round(4).to_string()}")
    assert table.loc["full", "auc"] == pytest.approx(0.73, abs=0.02)
    assert table.loc["unaware", "auc"] == pytest.approx(0.729, abs=0.02)
    assert table.loc["level 3", "auc"] >= 0.65
    assert table.loc["level 1", "auc"] < table.loc["level 3", "auc"]
    assert table.loc["level 3", "auc"] < table.loc["full", "auc"]


def test_levels_are_fair_under_their_own_model_and_audited_under_others(table):
    unfairness = table[list(models())]
    assert (unfairness.loc["level 1"] == 0).all()
    assert unfairness.loc["level 3", "added"] < 1e-9
    # Under models that it was not made with, level 3 is nearer to fair, but not fair.
    others = unfairness.loc["level 3", ["ranks", "latent"]]
    assert (others > 0.01).all()
    assert (others < unfairness.loc[["full", "unaware"], others.index].min()).all()
    # Level 2 is the fairest that sees charges under its own model, and no other.
    assert unfairness.loc["level 2", "latent"] < 0.4 * others["latent"]
    assert unfairness.loc["level 2", "ranks"] > others["ranks"]
