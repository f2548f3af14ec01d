"""Every public effect learner obeys every causal law."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.base import clone
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LinearRegression
from sklearn.utils import get_tags

from skcausal.datasets import make_observational
from skcausal.estimation import TLearner
from skcausal.testing import LAWS, all_effect_learners

LEARNERS = all_effect_learners()
NAMES = [type(learner).__name__ for learner in LEARNERS]


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("learner", LEARNERS, ids=NAMES)
def test_law(learner, law):
    LAWS[law](learner)


# LightGBM keeps outcomes in single precision, so the law of shifts holds only roughly.
@pytest.mark.parametrize("learner", all_effect_learners(default_models=True), ids=NAMES)
@pytest.mark.parametrize(
    "law",
    [
        "same_seed_same_numbers",
        "unit_weights_are_no_weights",
        "constant_effect_is_recovered",
    ],
)
def test_law_with_default_models(learner, law):
    LAWS[law](learner)


@pytest.mark.filterwarnings("ignore::skcausal.OverlapWarning")
@pytest.mark.parametrize("learner", all_effect_learners(default_models=True), ids=NAMES)
def test_pandas_polars_and_numpy_give_the_same_effects(learner):
    data = make_observational(300, n_features=3, random_state=0)
    array = np.array(data.X, dtype=float)
    if get_tags(learner).input_tags.allow_nan:
        array[::7, 1] = np.nan
    frame = pd.DataFrame(array, columns=["a", "b", "c"], index=np.arange(300)[::-1])
    outcome, treatment = np.asarray(data.y), np.asarray(data.treatment)
    expected = clone(learner).fit(array, outcome, treatment=treatment).effect(array)
    pandas = clone(learner).fit(
        frame,
        pd.Series(outcome, index=frame.index),
        treatment=pd.Series(treatment, index=frame.index),
    )
    np.testing.assert_allclose(pandas.effect(frame), expected, rtol=1e-9)
    polars_frame = pl.DataFrame(dict(frame))
    polars = clone(learner).fit(
        polars_frame, pl.Series(outcome), treatment=pl.Series(treatment)
    )
    np.testing.assert_allclose(polars.effect(polars_frame), expected, rtol=1e-9)


@pytest.mark.filterwarnings("ignore::skcausal.OverlapWarning")
@pytest.mark.parametrize("learner", all_effect_learners(default_models=True), ids=NAMES)
def test_several_arms_with_labels(learner):
    data = make_observational(300, treatment="multi", random_state=0)
    labels = np.array(["none", "mail", "call"])[np.asarray(data.treatment)]
    parameters = learner.get_params(deep=False)
    if not getattr(learner, "_allows_several_arms", True):
        with pytest.raises(ValueError, match="3 arms; this learner compares two"):
            clone(learner).set_params(control_arm="none").fit(
                data.X, data.y, treatment=labels
            )
        return
    if "control_arm" in parameters:
        learner = clone(learner).set_params(control_arm="none")
    elif "estimator" in parameters:
        learner = clone(learner).set_params(estimator__control_arm="none")
    else:
        learner = clone(learner).set_params(
            s__control_arm="none", t__control_arm="none"
        )
    fitted = learner.fit(data.X, data.y, treatment=labels)
    assert fitted.arms_.tolist() == ["none", "call", "mail"]
    effects = fitted.effect(data.X)
    assert effects.shape == (300, 2)
    mail = fitted.effect(data.X, treated="mail")
    np.testing.assert_allclose(mail, effects[:, 1])
    between = fitted.effect(data.X, treated="mail", control="call")
    np.testing.assert_allclose(between, effects[:, 1] - effects[:, 0], atol=1e-12)
    estimate = fitted.average_effect()
    assert estimate.labels == ("call vs none", "mail vs none")


def test_frozen_base_models_equal_refitted_ones():
    """A frozen model is used as it is: refitting on the same rows gives the same."""
    data = make_observational(300, random_state=0)
    frozen = FrozenEstimator(LinearRegression().fit(data.X, data.y))
    from skcausal.estimation import RLearner

    linear = LinearRegression()
    one = RLearner(frozen, effect_model=linear, outcome_mean="direct", random_state=0)
    one.fit(data.X, data.y, treatment=data.treatment)
    expected = frozen.predict(data.X)
    np.testing.assert_allclose(one.nuisances_["outcome"][0, :, 0], expected)


def test_laws_can_fail():
    """A learner that breaks a law is caught."""

    class Shifty(TLearner):
        def _contrast_effects(self, X):
            return super()._contrast_effects(X) + self._data.outcome.mean()

    with pytest.raises(AssertionError, match="shifting y"):
        LAWS["shifting_outcome_changes_nothing"](Shifty(LinearRegression()))
