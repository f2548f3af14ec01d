"""COMPAS: the effect of race along unfair paths, before and after."""

import pandas as pd
import pytest
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.model_selection import train_test_split

from skcausal.datasets import fetch_compas
from skcausal.datasets._fetch import DatasetNotFoundError
from skcausal.fairness import PathSpecificFair
from skcausal.graphs import CausalGraph
from skcausal.structural import AdditiveNoiseModel

DIRECT = ("race", "recid")
THROUGH = [("race", m, "recid") for m in ("priors", "felony", "juvenile")]
ALL = [DIRECT, *THROUGH, ("race", "juvenile", "priors", "recid")]


def compas():
    """Return features and outcome of black and white defendants, or skip."""
    try:
        rows = fetch_compas().frame
    except DatasetNotFoundError as error:
        pytest.skip(str(error))
    rows = rows[rows["race"].isin(["African-American", "Caucasian"])]
    rows = rows.reset_index(drop=True)
    juvenile = ["juv_fel_count", "juv_misd_count", "juv_other_count"]
    frame = pd.DataFrame(
        {
            "race": (rows["race"] == "African-American").astype(int),
            "male": (rows["sex"] == "Male").astype(int),
            "age": rows["age"].astype(float),
            "priors": rows["priors_count"].astype(float),
            "felony": (rows["c_charge_degree"] == "F").astype(int),
            "juvenile": rows[juvenile].sum(axis=1).astype(float),
        }
    )
    return frame, rows["two_year_recid"].rename("recid")


def compas_model():
    roots = ("race", "male", "age")
    arrows = [(a, m) for a in roots for m in ("priors", "felony", "juvenile")]
    arrows += [(a, "recid") for a in (*roots, "priors", "felony", "juvenile")]
    return AdditiveNoiseModel(
        CausalGraph([*arrows, ("juvenile", "priors")]),
        regressor=LinearRegression(),
        classifier=LogisticRegression(C=1e4, max_iter=1000),
        random_state=0,
    )


@pytest.mark.parametrize("paths", [[DIRECT], ALL], ids=["direct", "all"])
@pytest.mark.parametrize("seed", range(3))
def test_odds_ratio_of_race_is_inside_bounds_on_test_rows(paths, seed):
    """Row B-16: inside [.95, 1.05], at most two points of accuracy lost."""
    X, y = compas()
    train, test, y_train, y_test = train_test_split(
        X, y, test_size=0.3, random_state=seed, stratify=y
    )
    options = {"random_state": 0}
    fair = PathSpecificFair(compas_model(), "race", paths, **options)
    fair.fit(train, y_train)
    free = PathSpecificFair(
        compas_model(), "race", paths, bounds=(1e-3, 1e3), **options
    ).fit(train, y_train)
    found = fair.unfair_effect(test).loc[1]
    accuracies = [one.score(test, y_test) for one in (free, fair)]
    print(
        f"odds ratio {found['without_constraint']:.3f} -> {found['odds_ratio']:.3f}, "
        f"accuracy {accuracies[0]:.3f} -> {accuracies[1]:.3f}"
    )
    assert 0.95 <= found["odds_ratio"] <= 1.05
    assert accuracies[0] - accuracies[1] <= 0.02
