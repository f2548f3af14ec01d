"""The substitute confounder in a Pipeline, before any learner."""

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import make_column_selector
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import Pipeline
from sklearn.utils.estimator_checks import check_estimator

pytest.importorskip("pyro")

from skcausal import causal_target, effect_of
from skcausal.estimation import DRLearner
from skcausal.estimation.deconfounding import PPCAFactorModel, SubstituteConfounder


def table(seed=0, n=2000, m=30):
    """Confounder z moves all causes, a binary treatment among them, and y."""
    random = np.random.default_rng(seed)
    z = random.normal(size=n)
    A = z[:, None] + random.normal(size=(n, m))
    treatment = (random.normal(size=n) < z).astype(int)
    y = treatment + 2 * z + random.normal(size=n)
    return pd.DataFrame(A, columns=[f"cause {j}" for j in range(m)]), treatment, y


def test_any_learner_can_adjust_for_it():
    """Without it a learner on no other covariate is off by more than one."""
    errors, naive = [], []
    for seed in range(5):
        X, treatment, y = table(seed)
        pipeline = Pipeline(
            [
                ("confounder", SubstituteConfounder(keep_causes=False)),
                ("learner", DRLearner(LinearRegression(), random_state=0)),
            ]
        ).set_params(confounder__factor_model=PPCAFactorModel(1))
        pipeline.fit(X, causal_target(y, treatment))
        estimate = effect_of(pipeline).average_effect()
        errors.append(estimate.value - 1)
        naive.append(y[treatment == 1].mean() - y[treatment == 0].mean() - 1)
    assert abs(np.mean(errors)) < 0.25
    assert np.mean(naive) > 1


def test_columns_and_names():
    X, _, _ = table(n=200, m=8)
    frame = X.assign(genre=pd.Categorical(["a", "b"] * 100), age=1.0)
    selector = make_column_selector(pattern="^cause")
    beside = SubstituteConfounder(PPCAFactorModel(2), causes=selector)
    wide = beside.fit_transform(frame)
    assert list(wide.columns) == [*frame.columns, "substitute_0", "substitute_1"]
    assert list(beside.get_feature_names_out()) == list(wide.columns)
    assert wide["genre"].dtype == "category"
    beside.set_params(keep_causes=False)
    narrow = beside.fit_transform(frame)
    assert list(narrow.columns) == ["genre", "age", "substitute_0", "substitute_1"]
    own = PPCAFactorModel(2).fit_transform(X.to_numpy())
    np.testing.assert_allclose(narrow[["substitute_0", "substitute_1"]], own)
    array = SubstituteConfounder(PPCAFactorModel(2)).fit_transform(X.to_numpy())
    np.testing.assert_allclose(array, np.hstack([X, own]))


def test_the_outcome_does_not_enter():
    X, _, y = table(n=200, m=8)
    first = SubstituteConfounder().fit(X, y).transform(X)
    second = SubstituteConfounder().fit(X, -y).transform(X)
    assert first.to_numpy().tobytes() == second.to_numpy().tobytes()


@pytest.mark.filterwarnings("ignore")
def test_check_estimator():
    check_estimator(SubstituteConfounder())


def test_bad_causes_are_named():
    X, _, _ = table(n=50, m=4)
    with pytest.raises(ValueError, match=r"^SubstituteConfounder.fit: causes must be"):
        SubstituteConfounder(causes=["cause 0"]).fit(X)
    with pytest.raises(ValueError, match=r"^SubstituteConfounder.fit: causes must var"):
        SubstituteConfounder().fit(X.assign(idle=2.0))
