"""scikit-learn's own checks on every public estimator; exceptions with reasons."""

import pytest
from sklearn.utils.estimator_checks import check_estimator

from skcausal.estimation import KnownPropensity
from skcausal.testing import all_effect_learners, as_plain_estimator

# LightGBM counts rows, not weights, for its smallest leaf, so a weight of two is not a
# repeated row; learners with linear base models pass.
LIGHTGBM_COUNTS_ROWS = {
    "check_sample_weight_equivalence_on_dense_data": "LightGBM counts rows per leaf",
    "check_sample_weight_equivalence_on_sparse_data": "LightGBM counts rows per leaf",
}

# A forest draws rows: one of weight two is drawn or left out as a whole.
ROWS_ARE_DRAWN = dict.fromkeys(
    LIGHTGBM_COUNTS_ROWS, "trees draw rows, whatever they weigh"
)

# Tables of ten or thirty columns, or whose equal rows have one arm: no stratum of
# coarsened values holds both arms, which is an error by design.
NOTHING_MATCHES = dict.fromkeys(
    (
        "check_dtype_object",
        "check_sample_weights_shape",
        "check_sample_weight_equivalence_on_dense_data",
    ),
    "no stratum holds both arms",
)


def checked(learner, expected):
    if type(learner).__name__.endswith("Forest"):
        expected = ROWS_ARE_DRAWN
    if type(learner).__name__ == "CoarsenedExactMatching":
        expected = NOTHING_MATCHES
    results = check_estimator(
        as_plain_estimator(learner),
        expected_failed_checks=expected,
        on_fail=None,
        on_skip=None,
    )
    return {
        one["check_name"]: one["exception"]
        for one in results
        if one["status"] == "failed"
    }


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    "learner",
    all_effect_learners()
    + all_effect_learners(instrumental=True)
    + all_effect_learners(survival=True),
    ids=lambda one: type(one).__name__,
)
def test_check_estimator_with_linear_models(learner):
    assert checked(learner, {}) == {}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    "learner",
    all_effect_learners(default_models=True),
    ids=lambda one: type(one).__name__,
)
def test_check_estimator_with_default_models(learner):
    assert checked(learner, LIGHTGBM_COUNTS_ROWS) == {}


def test_discovery_finds_every_learner():
    names = {type(learner).__name__ for learner in all_effect_learners()}
    assert names >= {"SLearner", "TLearner", "XLearner", "RLearner", "DRLearner"}
    assert names >= {"BootstrapEffect", "EffectStacking"}


def test_known_propensity_clones():
    assert KnownPropensity({"a": 0.3, "b": 0.7}).get_params() == {
        "probability": {"a": 0.3, "b": 0.7}
    }
