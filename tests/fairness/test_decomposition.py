"""Direct, indirect and spurious effects by replays of a structural model."""

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from skcausal.fairness import (
    SmallGroupWarning,
    decompose_disparity,
    decompose_error_rates,
)
from skcausal.graphs import CausalGraph
from skcausal.structural import AdditiveNoiseModel
from tests.fairness.path_helpers import (
    A_W,
    A_Y,
    C_W,
    C_Y,
    FAIRNESS,
    W_Y,
    fairness_frame,
    linear_model,
)

SWAP = {"reference": 0, "compared": 1}


def identity_error(found):
    reverse = found["reverse indirect"] + found["reverse spurious"]
    return abs(found["total variation"] - (found["direct"] - reverse))


@pytest.fixture(scope="module")
def linear():
    frame = fairness_frame(20_000, noise=0.3)
    return linear_model(frame), frame


def test_closed_forms_of_a_linear_model(linear):
    model, frame = linear
    found = decompose_disparity(model, frame, "a", "y", **SWAP)
    known = {
        "natural direct": A_Y,
        "natural indirect": A_W * W_Y,
        "total effect": A_Y + A_W * W_Y,
        "direct": A_Y,
        "indirect": A_W * W_Y,
        "reverse indirect": -A_W * W_Y,
        "effect on the group": A_Y + A_W * W_Y,
    }
    for label, value in known.items():
        assert abs(found[label] - value) < 0.01, label
    gap = frame["c"][frame["a"] == 1].mean() - frame["c"][frame["a"] == 0].mean()
    spurious = (C_Y + C_W * W_Y) * gap
    within = 3 * found.table.loc["spurious", "standard_error"]
    assert abs(found["spurious"] - spurious) < within


def test_parts_add_up_to_the_gap_in_the_data(linear):
    model, frame = linear
    found = decompose_disparity(model, frame, "a", "y", **SWAP)
    gap = frame["y"][frame["a"] == 1].mean() - frame["y"][frame["a"] == 0].mean()
    assert found["total variation"] == pytest.approx(gap, abs=1e-10)
    assert identity_error(found) < 1e-10
    assert found.parts.sum() == pytest.approx(gap, abs=1e-10)


def test_the_other_way_round_is_minus_the_total_variation(linear):
    model, frame = linear
    one = decompose_disparity(model, frame, "a", "y", **SWAP)
    other = decompose_disparity(model, frame, "a", "y", reference=1, compared=0)
    assert one["total variation"] == pytest.approx(-other["total variation"])
    assert one["total effect"] == pytest.approx(-other["total effect"])


def test_a_prediction_is_moved_through_its_columns():
    frame = fairness_frame(2000)
    frame["y"] = (frame["y"] > 0).astype(int)
    model = linear_model(frame, random_state=0)
    columns = ["a", "w", "c"]
    aware = LogisticRegression().fit(frame[columns], frame["y"])
    blind = LogisticRegression().fit(frame[["w", "c"]], frame["y"])
    for predictor, sees in ((aware, True), (blind, False)):
        found = decompose_disparity(model, frame, "a", "y", predictor=predictor, **SWAP)
        assert (abs(found["direct"]) > 0.01) == sees
        assert abs(found["reverse indirect"]) > 0.01
        assert identity_error(found) < 1e-10
        scores = predictor.predict_proba(frame[predictor.feature_names_in_])[:, 1]
        groups = pd.Series(scores).groupby(frame["a"]).mean()
        assert found["total variation"] == pytest.approx(groups[1] - groups[0])


def test_error_rates_are_those_of_the_data_and_add_up():
    frame = fairness_frame(4000, seed=1)
    frame["y"] = (frame["y"] > 0).astype(int)
    model = linear_model(frame, random_state=0)
    predictor = LogisticRegression().fit(frame[["a", "w", "c"]], frame["y"])
    rates = decompose_error_rates(model, frame, "a", "y", predictor, **SWAP)
    said = pd.Series(predictor.predict(frame[["a", "w", "c"]]))
    wrong = {"false positive rate": (0, said), "false negative rate": (1, 1 - said)}
    for name, (truth, errors) in wrong.items():
        rows = frame["y"] == truth
        by_group = errors[rows].groupby(frame["a"][rows]).mean()
        found = rates[name]
        assert found["total variation"] == pytest.approx(by_group[1] - by_group[0])
        assert identity_error(found) < 1e-10
    assert rates["false positive rate"]["direct"] > 0
    assert rates["false negative rate"]["direct"] < 0


def test_no_path_no_effect():
    frame = fairness_frame(3000)
    graph = CausalGraph([("c", "a"), ("c", "y")])
    found = decompose_disparity(linear_model(frame, graph), frame, "a", "y", **SWAP)
    assert found["direct"] == found["indirect"] == found["total effect"] == 0
    assert found["reverse spurious"] == pytest.approx(-found["total variation"])


def test_refits_give_the_error_of_the_slope():
    frame = fairness_frame(1000)
    found = decompose_disparity(
        linear_model(frame), frame, "a", "y", n_bootstrap=15, random_state=0, **SWAP
    ).table
    # Of least squares: the variance of a given c and w is below .2 here.
    part = frame[["c", "w"]].assign(one=1.0).to_numpy()
    rest = frame["a"] - part @ np.linalg.lstsq(part, frame["a"], rcond=None)[0]
    error = 1 / np.sqrt((rest**2).sum())
    # 15 replicates give a standard error within 19 %; 3 of these are allowed.
    assert found.loc["natural direct", "standard_error"] == pytest.approx(
        error, rel=0.57
    )


@pytest.mark.slow
def test_intervals_cover_when_the_model_is_refitted():
    covered, truth = [], {"natural direct": A_Y, "natural indirect": A_W * W_Y}
    for seed in range(12):
        frame = fairness_frame(400, seed=seed)
        found = decompose_disparity(
            linear_model(frame), frame, "a", "y", n_bootstrap=20, random_state=0, **SWAP
        ).table
        covered += [
            found.loc[name, "lower"] < value < found.loc[name, "upper"]
            for name, value in truth.items()
        ]
    # 24 intervals of 95 %, P(fewer than 18) < .01 even if the pairs were one.
    assert np.sum(covered) >= 18


def test_influence_is_that_of_rows_only(linear):
    model, frame = linear
    found = decompose_disparity(model, frame, "a", "y", **SWAP).table
    assert found.loc["natural direct", "standard_error"] < 1e-9
    by_group = frame.groupby("a")["y"].agg(["var", "size"])
    expected = np.sqrt((by_group["var"] / by_group["size"]).sum())
    error = found.loc["total variation", "standard_error"]
    assert error == pytest.approx(expected, rel=0.02)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"reference": 7}, "reference must be a value of 'a'"),
        ({"reference": 1}, "must differ"),
        ({"predictor": lambda rows: rows["w"]}, "names of its columns"),
        ({"predictor": len, "features": ["zip"]}, "'zip', which is not a node"),
        ({"response": "score"}, "response must be"),
        ({"given": {"zip": 1}}, "'zip' is not a node"),
        ({"n_draws": 0}, "n_draws"),
    ],
)
def test_bad_questions_are_refused(linear, change, message):
    model, frame = linear
    with pytest.raises(ValueError, match=message):
        decompose_disparity(model, frame, "a", "y", **(SWAP | change))


def test_small_groups_warn():
    frame = fairness_frame(60)
    with pytest.warns(SmallGroupWarning, match="fewer than 50 rows"):
        decompose_disparity(linear_model(frame), frame, "a", "y", **SWAP)


def test_categories_and_bools_are_taken():
    frame = fairness_frame(800)
    frame["a"] = pd.Categorical(np.where(frame["a"] == 1, "x", "r"))
    frame["w"] = pd.Categorical(np.where(frame["w"] > 0.5, "high", "low"))
    frame["y"] = frame["y"] > 0
    encoder = make_column_transformer(
        (OneHotEncoder(drop="first"), make_column_selector(dtype_include="category")),
        remainder="passthrough",
    )
    model = AdditiveNoiseModel(
        FAIRNESS,
        classifier=make_pipeline(encoder, LogisticRegression()),
        random_state=0,
    ).fit(frame)
    found = decompose_disparity(
        model, frame, "a", "y", reference="r", compared="x", n_draws=3, random_state=0
    )
    rates = frame.groupby("a", observed=True)["y"].mean()
    assert found["total variation"] == pytest.approx(rates["x"] - rates["r"])
    assert identity_error(found) < 1e-10
    assert found["direct"] > 0
    assert found["indirect"] > 0
