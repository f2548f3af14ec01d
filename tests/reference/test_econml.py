"""Agreement with EconML: the same base models and folds give the same effects.

The X-learner's propensity differs for more than two arms (EconML fits one model per
pair of arms, ours one for all), and so does the R-learner (EconML stacks the arms into
one residual problem); those are compared for two arms only.
"""

import numpy as np
import pytest
from lightgbm import LGBMRegressor
from sklearn.base import BaseEstimator, RegressorMixin, clone
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures
from sklearn.tree import DecisionTreeRegressor

from skcausal.datasets import make_observational
from skcausal.estimation import (
    DRLearner,
    RLearner,
    SLearner,
    TLearner,
    XLearner,
)

econml_metalearners = pytest.importorskip("econml.metalearners")
econml_dml = pytest.importorskip("econml.dml")
econml_dr = pytest.importorskip("econml.dr")

pytestmark = [
    pytest.mark.reference,
    pytest.mark.filterwarnings("ignore:::econml"),
    pytest.mark.filterwarnings("ignore:::sklearn"),
]

LINE = LinearRegression()
PROPENSITY = LinearDiscriminantAnalysis()  # closed form: row order does not matter
MODELS = [
    LINE,
    make_pipeline(PolynomialFeatures(2), LinearRegression()),
    DecisionTreeRegressor(max_depth=4, random_state=0),
    LGBMRegressor(
        n_estimators=20, num_leaves=7, verbose=-1, n_jobs=1, deterministic=True
    ),
]
IDS = ["line", "curve", "tree", "lightgbm"]


@pytest.fixture(scope="module")
def data():
    return make_observational(1000, 4, confounding="nonlinear", random_state=0)


@pytest.fixture(scope="module")
def multi():
    return make_observational(1500, 4, treatment="multi", random_state=0)


def arrays(data):
    return data.X.to_numpy(), data.y.to_numpy(), data.treatment.to_numpy()


def splits_of(data):
    X, _, treatment = arrays(data)
    return list(StratifiedKFold(3, shuffle=True, random_state=0).split(X, treatment))


def fitted(learner, data):
    X, y, treatment = arrays(data)
    return learner.set_params(control_arm=0).fit(X, y, treatment=treatment)


def contrasts(estimator, X, n_arms=2):
    columns = [estimator.effect(X, T0=0, T1=arm) for arm in range(1, n_arms)]
    return columns[0] if n_arms == 2 else np.column_stack(columns)


# ---------------------------------------------------------------------- S, T and X
@pytest.mark.parametrize("n_arms", [2, 3])
def test_s_learner(n_arms, data, multi):
    """Linear only: EconML adds an indicator of the control arm, which trees may use."""
    data = data if n_arms == 2 else multi
    X, y, treatment = arrays(data)
    peer = econml_metalearners.SLearner(overall_model=clone(LINE))
    peer.fit(y, treatment, X=X)
    ours = fitted(SLearner(LINE), data)
    np.testing.assert_allclose(
        ours.effect(X), contrasts(peer, X, n_arms), rtol=1e-8, atol=1e-8
    )


@pytest.mark.parametrize("model", MODELS, ids=IDS)
@pytest.mark.parametrize("n_arms", [2, 3])
def test_t_learner(model, n_arms, data, multi):
    data = data if n_arms == 2 else multi
    X, y, treatment = arrays(data)
    peer = econml_metalearners.TLearner(models=clone(model)).fit(y, treatment, X=X)
    ours = fitted(TLearner(model), data)
    np.testing.assert_allclose(
        ours.effect(X), contrasts(peer, X, n_arms), rtol=1e-8, atol=1e-8
    )


@pytest.mark.parametrize("model", MODELS, ids=IDS)
def test_x_learner(model, data):
    X, y, treatment = arrays(data)
    peer = econml_metalearners.XLearner(
        models=clone(model), cate_models=clone(model), propensity_model=PROPENSITY
    ).fit(y, treatment, X=X)
    ours = fitted(XLearner(model, PROPENSITY, model), data)
    np.testing.assert_allclose(ours.effect(X), contrasts(peer, X), rtol=1e-6, atol=1e-8)


# ---------------------------------------------------------------------------- R and DR
@pytest.mark.parametrize("model", MODELS, ids=IDS)
def test_r_learner_is_nonparametric_dml(model, data):
    X, y, treatment = arrays(data)
    splits = splits_of(data)
    peer = econml_dml.NonParamDML(
        model_y=clone(model),
        model_t=clone(PROPENSITY),
        model_final=clone(model) if model is not MODELS[1] else clone(LINE),
        discrete_treatment=True,
        cv=splits,
    ).fit(y, treatment, X=X)
    final = model if model is not MODELS[1] else LINE
    ours = RLearner(model, PROPENSITY, final, outcome_mean="direct", cv=splits)
    fitted(ours, data)
    np.testing.assert_allclose(ours.effect(X), contrasts(peer, X), rtol=1e-6, atol=1e-8)


def test_r_learner_of_a_dose_is_linear_dml():
    """Also the standard errors: EconML's are HC1 of the same final regression."""
    data = make_observational(1000, 4, treatment="continuous", random_state=0)
    X, y, dose = data.X.to_numpy(), data.y.to_numpy(), data.treatment.to_numpy()
    folds = StratifiedKFold(3, shuffle=True, random_state=0)
    splits = list(folds.split(X, np.arange(1000) % 2))
    curve = MODELS[1]
    peer = econml_dml.LinearDML(
        model_y=clone(curve), model_t=clone(LINE), cv=splits
    ).fit(y, dose, X=X)
    ours = RLearner(curve, LINE, LINE, cv=splits).fit(X, y, treatment=dose)
    np.testing.assert_allclose(ours.effect(X), peer.effect(X), rtol=1e-7, atol=1e-9)
    lower, upper = ours.effect_interval(X, level=0.9)
    peer_lower, peer_upper = peer.effect_interval(X, alpha=0.1)
    # EconML divides by n, ours by n - p as HC1 does.
    ratio = (upper - lower) / (peer_upper - peer_lower)
    np.testing.assert_allclose(ratio, ratio[0], rtol=1e-6)
    assert 0.99 < ratio[0] < 1.01


class PerArm(RegressorMixin, BaseEstimator):
    """One model per arm, behind EconML's single model of [X, indicators]."""

    def __init__(self, model, n_arms=2):
        self.model = model
        self.n_arms = n_arms

    def fit(self, XT, y, sample_weight=None):
        X, arm = self._split(XT)
        self.models_ = [
            clone(self.model).fit(X[arm == a], y[arm == a]) for a in range(self.n_arms)
        ]
        return self

    def predict(self, XT):
        X, arm = self._split(XT)
        every = np.column_stack([model.predict(X) for model in self.models_])
        return every[np.arange(len(X)), arm]

    def _split(self, XT):
        indicators = XT[:, 1 - self.n_arms :]
        return XT[:, : 1 - self.n_arms], (
            indicators @ np.arange(1, self.n_arms)
        ).astype(int)


@pytest.mark.parametrize("by_arm", [False, True], ids=["pooled", "by_arm"])
@pytest.mark.parametrize("model", MODELS, ids=IDS)
@pytest.mark.parametrize("n_arms", [2, 3])
def test_dr_learner(model, n_arms, by_arm, data, multi):
    """EconML's outcome model is one of [X, indicators]; PerArm treats arms apart."""
    data = data if n_arms == 2 else multi
    X, y, treatment = arrays(data)
    splits = splits_of(data)
    final = clone(LINE) if model is MODELS[1] else clone(model)
    peer = econml_dr.DRLearner(
        model_propensity=clone(PROPENSITY),
        model_regression=PerArm(clone(model), n_arms) if by_arm else clone(model),
        model_final=final,
        min_propensity=0.01,
        cv=splits,
    ).fit(y, treatment, X=X)
    ours = DRLearner(
        model,
        PROPENSITY,
        final,
        outcome_by_arm=by_arm,
        n_effect_parts=1,
        weighting="uniform",
        cv=splits,
    )
    fitted(ours, data)
    np.testing.assert_allclose(
        ours.effect(X), contrasts(peer, X, n_arms), rtol=1e-6, atol=1e-8
    )


def test_linear_dr_learner_has_the_same_intervals(data):
    X, y, treatment = arrays(data)
    splits = splits_of(data)
    peer = econml_dr.LinearDRLearner(
        model_propensity=clone(PROPENSITY),
        model_regression=clone(LINE),
        min_propensity=0.01,
        cv=splits,
    ).fit(y, treatment, X=X)
    ours = DRLearner(LINE, PROPENSITY, LINE, weighting="uniform", cv=splits)
    fitted(ours, data)
    np.testing.assert_allclose(ours.effect(X), contrasts(peer, X), rtol=1e-8)
    bounds = np.column_stack(ours.effect_interval(X))
    peer_bounds = np.column_stack(peer.effect_interval(X, T0=0, T1=1, alpha=0.05))
    width = np.diff(bounds, axis=1)
    np.testing.assert_allclose(np.diff(peer_bounds, axis=1), width, rtol=0.01)


# ----------------------------------------------------------------------------- averages
@pytest.mark.parametrize("name", ["S", "T", "DR"])
def test_average_effects(name):
    """EconML's is the mean of regressed scores, which is the mean of the scores."""
    data = make_observational(2000, 4, confounding=0.5, random_state=0)
    X, y, treatment = arrays(data)
    splits = splits_of(data)
    peer = econml_dr.LinearDRLearner(
        model_propensity=clone(PROPENSITY),
        model_regression=PerArm(clone(LINE)),
        min_propensity=0.01,
        cv=splits,
    ).fit(y, treatment, X=X)
    learner = {
        "S": SLearner(LINE, PROPENSITY),
        "T": TLearner(LINE, PROPENSITY),
        "DR": DRLearner(LINE, PROPENSITY, LINE, outcome_by_arm=True),
    }[name].set_params(cv=splits)
    learner.fit(X, y, treatment=treatment)
    estimate = learner.average_effect()
    assert estimate.value == pytest.approx(float(peer.ate(X, T0=0, T1=1)), rel=1e-8)
    # Theirs averages linear effects over the treated, ours is doubly robust.
    att = learner.average_effect(target="treated")
    difference = att.value - float(peer.ate(X[treatment == 1], T0=0, T1=1))
    assert abs(difference) < 0.3 * att.standard_error
