"""Evidence: rows with unknown nodes, and models given what is known."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from skcausal.graphs import CausalGraph
from skcausal.structural import (
    EffectiveSampleSizeWarning,
    ImpossibleEvidenceError,
    Mechanism,
    UnidentifiedCounterfactualError,
)
from tests.structural.true_models import (
    Known,
    class_model,
    class_probabilities,
    fitted,
    linear_model,
    linear_truth,
)

PAIR = CausalGraph([("x", "y")])


def pair_model(**options):
    """Return x ~ N(0, 1), y = x + 0.5 N(0, 1)."""
    mechanisms = {"x": Known(lambda row: 0.0), "y": Known(lambda row: row["x"], 0.5)}
    return fitted(PAIR, mechanisms, {"x": [0.0, 1.0], "y": [0.0, 1.0]}, **options)


def test_complete_rows_are_exact():
    frame, u = linear_truth(50)
    abduction = linear_model().abduct(frame)
    assert abduction.method == "exact"
    assert (abduction.diagnostics["method"] == "exact").all()
    np.testing.assert_allclose(abduction.noise[list("zxmy")], pd.DataFrame(u))
    found = abduction.predict()
    pd.testing.assert_frame_equal(found[list("zxmy")], frame)
    assert "50 row(s)" in repr(abduction)


def test_posterior_of_an_unknown_cause_is_the_closed_form():
    """x | y is normal with mean y / 1.25 and variance 1 - 1 / 1.25."""
    rows = pd.DataFrame({"x": np.nan, "y": [-1.0, 0.0, 2.0]}, index=list("abc"))
    model = pair_model()
    abduction = model.abduct(rows, n_samples=2000, n_draws=20_000, random_state=0)
    assert abduction.method == "importance"
    assert (abduction.diagnostics["effective_sample_size"] > 1000).all()
    found = abduction.predict()
    assert found.index.names == ["row", "sample"]
    for row, y in rows["y"].items():
        drawn = found.loc[row, "x"]
        assert drawn.mean() == pytest.approx(y / 1.25, abs=0.05)
        assert drawn.std() == pytest.approx(np.sqrt(0.2), abs=0.03)
        # y is as it was in every draw.
        assert (found.loc[row, "y"] == y).all()
    # Under do(x = 0), y is its own noise: y - x.
    other = abduction.predict({"x": 0.0})
    np.testing.assert_allclose(other["y"], found["y"] - found["x"])


def test_unknown_effects_are_drawn_without_weights():
    rows = pd.DataFrame({"x": [0.0, 3.0], "y": [np.nan, np.nan]})
    abduction = pair_model().abduct(rows, n_samples=4000, random_state=0)
    assert abduction.method == "exact"
    found = abduction.predict()["y"].to_numpy().reshape(2, -1)
    np.testing.assert_allclose(found.mean(axis=1), [0, 3], atol=4 * 0.5 / 4000**0.5)


def test_patterns_of_unknown_nodes_keep_their_rows():
    frame, _ = linear_truth(40)
    rng = np.random.default_rng(0)
    gaps = rng.random(frame.shape) < 0.2
    rows = frame.mask(gaps).set_axis([f"r{k}" for k in range(40)])
    model = linear_model()
    with pytest.warns(EffectiveSampleSizeWarning):
        abduction = model.abduct(rows, n_samples=3, n_draws=500, random_state=0)
    found = abduction.predict()[list("zxmy")]
    assert found.index.get_level_values("row").unique().tolist() == rows.index.tolist()
    for k in range(3):
        part = found.xs(k, level="sample")
        known = ~gaps
        np.testing.assert_array_equal(part.to_numpy()[known], frame.to_numpy()[known])
    again = model.from_noise(abduction.noise)
    np.testing.assert_allclose(again[list("zxmy")], found, atol=1e-9)
    unknown = abduction.diagnostics["unknown"]
    np.testing.assert_array_equal(unknown, gaps.sum(axis=1))


def test_unknown_class_by_bayes():
    """x given the colour, x a coin."""
    model = class_model(n=20_000)
    share = (model.mechanisms_["x"].values_ == 1).mean()
    rows = pd.DataFrame({"x": [np.nan], "colour": ["green"]})
    found = model.abduct(rows, n_samples=20_000, n_draws=40_000, random_state=0)
    likelihood = np.array([(1 - share), share]) * [
        class_probabilities(x)[1] for x in (0, 1)
    ]
    truth = likelihood[1] / likelihood.sum()
    assert found.predict()["x"].mean() == pytest.approx(truth, abs=0.015)
    given = model.condition(colour="green", random_state=0)
    assert given.method_ == "importance"
    assert given.sample(50_000)["x"].mean() == pytest.approx(truth, abs=0.01)


def test_exact_refuses_weights():
    rows = pd.DataFrame({"x": [0.0, np.nan], "y": [1.0, 1.0]})
    with pytest.raises(UnidentifiedCounterfactualError, match=r"1 row\(s\) lack"):
        pair_model().abduct(rows, method="exact")


def test_condition_on_a_value_and_on_a_range():
    model = pair_model()
    given = model.condition(y=2.0, random_state=0)
    drawn = given.sample(20_000)
    assert drawn["x"].mean() == pytest.approx(1.6, abs=0.03)
    assert drawn["x"].std() == pytest.approx(np.sqrt(0.2), abs=0.02)
    high = model.condition(y=lambda y: y > 1, random_state=0)
    assert high.method_ == "rejection"
    spread = np.sqrt(1.25)
    mills = stats.norm.pdf(1 / spread) / stats.norm.sf(1 / spread) / spread
    found = high.sample(10_000)
    assert (found["y"] > 1).all()
    assert found["x"].mean() == pytest.approx(mills, abs=0.03)
    root = model.condition({"x": 1.0}, random_state=0)
    assert root.method_ == "exact"
    assert root.effective_sample_size_ == pytest.approx(50_000)
    assert "effective sample size 50000" in repr(root)


def test_evidence_first_then_action():
    """Those with y > 1, had x been 0: y is the noise that they were selected by."""
    given = pair_model().condition(y=lambda y: y > 1, random_state=0)
    found = given.sample(20_000, do={"x": 0.0}, random_state=1)
    spread = np.sqrt(1.25)
    mills = stats.norm.pdf(1 / spread) / stats.norm.sf(1 / spread) / spread
    # E[u | x + u > 1] with variance .25 of u: its share of the whole.
    assert found["y"].mean() == pytest.approx(0.25 * mills, abs=0.02)
    intervened = pair_model().do(x=0.0).sample(20_000)["y"].mean()
    assert abs(intervened) < 0.02


def test_few_draws_that_count():
    with pytest.warns(EffectiveSampleSizeWarning, match="only"):
        pair_model().condition(y=lambda y: y > 4.2, random_state=0)
    with pytest.raises(ImpossibleEvidenceError, match="probability zero"):
        pair_model().condition(y=lambda y: y > 40, random_state=0)


class Silent(Known):
    """A mechanism without a density."""

    log_density = Mechanism.log_density


def test_a_mechanism_without_density():
    mechanisms = {"x": Known(lambda row: 0.0), "y": Silent(lambda row: row["x"])}
    model = fitted(PAIR, mechanisms, {"x": [0.0, 1.0], "y": [0.0, 1.0]})
    with pytest.raises(UnidentifiedCounterfactualError, match="has no log_density"):
        model.condition(y=1.0)
    assert (model.condition(y=lambda y: y > 0).sample(100)["y"] > 0).all()


def test_bool_and_category_columns_with_gaps():
    model = class_model()
    rows = pd.DataFrame(
        {"x": [0.0, 1.0], "colour": pd.Categorical([None, "red"], ["blue", "red"])}
    )
    found = model.abduct(rows, random_state=0).predict()
    assert found["colour"].notna().all()
    assert found["colour"].iloc[1] == "red"
