"""The predictive check: p-values of right and wrong models, and its golden number."""

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from sklearn.datasets import load_breast_cancer

pytest.importorskip("pyro")

from skcausal.estimation.deconfounding import (
    BernoulliFactorModel,
    PoissonFactorModel,
    PPCAFactorModel,
    PredictiveCheckWarning,
    predictive_check,
)

mpl.use("Agg")


def many_factors(seed=0):
    """Eight factors behind thirty causes, with noise of .3."""
    random = np.random.default_rng(seed)
    A = random.normal(size=(600, 8)) @ random.normal(size=(8, 30))
    return A + 0.3 * random.normal(size=(600, 30))


def breast_cancer():
    """Return the tutorial's eight causes, standardised."""
    table = load_breast_cancer(as_frame=True).data.iloc[:, :10]
    table = table.drop(columns=["mean perimeter", "mean area"])
    return (table - table.mean()) / table.std()


@pytest.mark.filterwarnings(
    "ignore::skcausal.estimation.deconfounding.PredictiveCheckWarning"
)
@pytest.mark.parametrize("seed", range(3))
def test_breast_cancer_as_in_the_authors_tutorial(seed):
    # They report .102 for one draw of the held-out entries.
    model = PPCAFactorModel(2, noise_std=0.1)
    found = predictive_check(model, breast_cancer(), random_state=seed)
    assert 0.05 < found.p_value < 0.3
    assert len(found.cause_p_values) == 8


def test_too_few_factors_fail_and_enough_pass():
    A = many_factors()
    with pytest.warns(PredictiveCheckWarning, match="do not describe the causes"):
        wrong = predictive_check(PPCAFactorModel(2, noise_std=0.3), A, random_state=0)
    assert wrong.p_value < 0.05
    assert not wrong.passed
    right = predictive_check(PPCAFactorModel(8, noise_std=0.3), A, random_state=0)
    assert right.passed
    assert right.p_value == pytest.approx(0.5, abs=0.06)


def test_binary_causes_under_their_own_model_and_counts_under_a_wrong_one():
    random = np.random.default_rng(0)
    odds = random.normal(size=(400, 2)) @ random.normal(size=(2, 30))
    A = (random.uniform(size=odds.shape) < 1 / (1 + np.exp(-odds))).astype(float)
    found = predictive_check(BernoulliFactorModel(2), A, random_state=0)
    assert 0.4 < found.p_value < 0.65
    overdispersed = random.negative_binomial(0.2, 0.02, size=(400, 30))
    with pytest.warns(PredictiveCheckWarning):
        predictive_check(PoissonFactorModel(1), overdispersed, random_state=0)


def test_reproducible_sparse_and_named():
    random = np.random.default_rng(0)
    A = random.poisson(random.gamma(1, size=(200, 2)) @ random.gamma(1, size=(2, 12)))
    first = predictive_check(PoissonFactorModel(2), A, random_state=3)
    again = predictive_check(PoissonFactorModel(2), sp.csr_matrix(A), random_state=3)
    pd.testing.assert_series_equal(first.p_values, again.p_values)
    frame = pd.DataFrame(A, index=np.arange(200) + 1000, columns=list("abcdefghijkl"))
    named = predictive_check(PoissonFactorModel(2), frame, random_state=3)
    assert named.p_value == first.p_value
    assert list(named.cause_p_values.index) == list("abcdefghijkl")
    assert named.p_values.index.min() >= 1000
    assert first.p_values.between(0, 1).all()
    assert first.log_prob.lt(0).all()


def test_model_is_not_changed_and_mask_has_the_share():
    model = PPCAFactorModel(8)
    found = predictive_check(
        model, many_factors(), heldout_fraction=0.3, random_state=0
    )
    assert not hasattr(model, "components_")
    assert found.n_heldout / (600 * 30) == pytest.approx(0.3, abs=0.02)


def test_plot():
    found = predictive_check(PPCAFactorModel(8), many_factors(), random_state=0)
    display = found.plot()
    heights = [bar.get_height() for bar in display.ax_.patches]
    assert sum(heights) == len(found.p_values)
    assert display.figure_ is display.ax_.figure


@pytest.mark.parametrize("share", [0, 1, -0.1])
def test_bad_share(share):
    with pytest.raises(ValueError, match="heldout_fraction must be between 0 and 1"):
        predictive_check(PPCAFactorModel(2), many_factors(), heldout_fraction=share)
