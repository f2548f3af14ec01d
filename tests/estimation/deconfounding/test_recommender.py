"""Ratings that users chose to give, and what they would give to items at random."""

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning, NotFittedError

pytest.importorskip("pyro")

from skcausal.datasets import make_ratings
from skcausal.estimation.deconfounding import (
    BernoulliFactorModel,
    ConstantCauseWarning,
    DeconfoundedRecommender,
    PoissonFactorModel,
)
from skcausal.estimation.deconfounding import _ranking as ranking

OPTIONS = {"n_components": 3, "heldout_fraction": 0, "random_state": 0}


@pytest.fixture(scope="module")
def data():
    return make_ratings(random_state=0)


@pytest.fixture(scope="module")
def model(data):
    return DeconfoundedRecommender(**OPTIONS).fit(data.ratings)


def differences(confounding, seeds, part):
    """Measures of the adjusted model less those of plain factorisation, by seed."""
    found = []
    for seed in seeds:
        drawn = make_ratings(confounding=confounding, random_state=seed)
        measures = [
            DeconfoundedRecommender(adjust=adjust, **OPTIONS)
            .fit(drawn.ratings)
            .evaluate(drawn[part])
            for adjust in ("exposure", "none")
        ]
        found.append(measures[0] - measures[1])
    return pd.DataFrame(found)


def test_adjustment_beats_plain_factorisation_on_random_items_in_every_draw():
    found = differences(1.0, range(10), "random")
    error = found["mse"].std() / np.sqrt(len(found))
    assert found["mse"].mean() < -10 * error
    assert (found["mse"] < 0).all()
    assert found["ndcg"].mean() > 0
    assert found["recall"].mean() > 0


def test_adjustment_costs_little_where_choices_do_not_matter():
    found = differences(0.0, range(4), "random")
    assert (found["mse"] > 0).all()  # nothing to gain, something to estimate
    assert found["mse"].mean() < 0.04  # of about .8


def test_plain_factorisation_is_the_ridge_solution_of_its_ratings(data):
    plain = DeconfoundedRecommender(adjust="none", tol=1e-12, max_iter=3000, **OPTIONS)
    plain.fit(data.ratings)
    assert (plain.exposure_weights_ == 0).all()
    assert plain.exposure_model_ is None
    users, items = plain.user_factors_.to_numpy(), plain.item_factors_.to_numpy()
    rest = np.nan_to_num(data.ratings - plain.predict().to_numpy())
    # At a minimum the penalty balances the gradient of the squares.
    assert np.allclose(rest @ items, plain.alpha * users, atol=1e-3)
    assert np.allclose(rest.T @ users, plain.alpha * items, atol=1e-3)


def test_slopes_are_the_ridge_solution_around_their_mean(data):
    model = DeconfoundedRecommender(tol=1e-12, max_iter=3000, **OPTIONS)
    model.fit(data.ratings)
    offset = (model.exposure_ - model.exposure_.mean()) / model.exposure_.std()
    rest = np.nan_to_num(data.ratings - model.predict().to_numpy())
    slopes = model.exposure_weights_
    gradient = (rest * offset).sum(axis=1)
    assert np.allclose(gradient, model.alpha * (slopes - slopes.mean()), atol=1e-3)
    assert slopes.mean() > 0.3  # the truth is 1, on the scale of the true propensity


def test_loss_never_rises(model):
    assert (np.diff(model.loss_) <= 1e-9 * model.loss_[0]).all()


def test_values_of_the_ratings_do_not_reach_the_exposure(data, model):
    random = np.random.default_rng(1)
    shuffled = data.ratings.copy()
    observed = ~np.isnan(shuffled)
    shuffled[observed] = random.permutation(shuffled[observed])
    other = DeconfoundedRecommender(**OPTIONS).fit(shuffled)
    assert np.array_equal(other.exposure_, model.exposure_)


def test_dense_sparse_and_named_ratings_agree(data, model):
    rows, columns = np.nonzero(~np.isnan(data.ratings))
    sparse = sp.csr_matrix(
        (data.ratings[rows, columns], (rows, columns)), shape=data.ratings.shape
    )
    frame = pd.DataFrame(data.ratings)
    frame.index = [f"user {i}" for i in frame.index]
    frame.columns = [f"item {i}" for i in frame.columns]
    expected = model.predict().to_numpy()
    assert np.allclose(clone(model).fit(sparse).predict(), expected)
    named = clone(model).fit(frame)
    assert np.allclose(named.predict(), expected)
    assert named.predict("user 3", "item 5") == pytest.approx(expected[3, 5])
    assert named.recommend("user 3", 2).index[0].startswith("item")
    assert named.score(frame) == pytest.approx(model.score(data.ratings))


def test_predict_takes_pairs_users_or_items(model):
    table = model.predict()
    assert table.shape == (200, 150)
    pairs = model.predict([0, 1], [5, 7])
    assert np.allclose(pairs, [table.loc[0, 5], table.loc[1, 7]])
    assert model.predict([2, 4]).equals(table.loc[[2, 4]])
    assert model.predict(items=[2]).equals(table[[2]])


def test_recommend_leaves_out_what_was_rated(data, model):
    found = model.recommend(3, 5)
    assert found.is_monotonic_decreasing
    assert np.isnan(data.ratings[3, found.index]).all()
    everything = model.recommend(3, 1000, exclude_seen=False)
    assert len(everything) == 150
    assert everything.iloc[0] == model.predict(3).to_numpy().max()


def test_evaluate_agrees_with_the_definitions(data, model):
    found = model.evaluate(data.random)
    errors = (data.random - model.predict().to_numpy())[~np.isnan(data.random)]
    assert found["mse"] == pytest.approx((errors**2).mean())
    assert found["mae"] == pytest.approx(np.abs(errors).mean())
    observed = np.nanvar(data.random)
    assert model.score(data.random) == pytest.approx(1 - found["mse"] / observed)


def test_measures_of_the_order_by_hand():
    observed = np.array([[True, True, True, False], [True, True, False, False]])
    truth = np.array([[3.0, 1.0, 2.0, 9.0], [1.0, 1.0, 9.0, 9.0]])
    predicted = np.array([[1.0, 2.0, 3.0, 9.0], [1.0, 2.0, 9.0, 9.0]])
    # Only the first user has gains (2, 0, 1); the order is third, second, first.
    wanted = (1 / np.log2(2) + 0 / np.log2(3)) / (2 / np.log2(2) + 1 / np.log2(3))
    gain = ranking.normalised_gain(observed, truth, predicted, k=2)
    assert gain == pytest.approx(wanted)
    assert ranking.recall(observed, truth >= 2, predicted, k=1) == 1
    assert ranking.recall(observed, truth >= 3, predicted, k=2) == 0
    assert np.isnan(ranking.recall(observed, truth > 9, predicted, k=2))


def test_exposure_is_checked_on_held_out_entries(data):
    options = OPTIONS | {"heldout_fraction": 0.2}
    checked = DeconfoundedRecommender(**options).fit(data.ratings)
    assert 0.3 < checked.predictive_check_.p_value < 0.7
    assert isinstance(checked.predictive_check_.model, PoissonFactorModel)


def test_any_factor_model_of_zeros_and_ones_can_stand_for_the_exposure(data):
    other = DeconfoundedRecommender(BernoulliFactorModel(2), **OPTIONS)
    other.fit(data.ratings)
    assert ((other.exposure_ > 0) & (other.exposure_ < 1)).all()
    assert other.exposure_model_.n_components == 2


def test_same_seed_same_predictions(data, model):
    again = clone(model).fit(data.ratings)
    assert np.array_equal(again.predict(), model.predict())


def test_an_item_that_nobody_rated_is_named(data):
    ratings = data.ratings.copy()
    ratings[:, 7] = np.nan
    with pytest.warns(ConstantCauseWarning, match=r"1 item\(s\) .* 7\. Nothing tells"):
        DeconfoundedRecommender(**OPTIONS).fit(ratings)


def test_too_few_sweeps_are_told(data):
    with pytest.warns(ConvergenceWarning, match="did not converge in 2 sweeps"):
        DeconfoundedRecommender(max_iter=2, **OPTIONS).fit(data.ratings)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"adjust": "z"}, "adjust must be one of exposure, none"),
        ({"alpha": 0}, "alpha must be positive"),
        ({"n_components": 0}, "n_components must be a positive integer"),
        ({"max_iter": 1.5}, "max_iter must be a positive integer"),
        ({"heldout_fraction": 1}, "heldout_fraction must be at least 0"),
    ],
)
def test_bad_settings_are_errors(data, change, message):
    with pytest.raises(ValueError, match=f"DeconfoundedRecommender.fit: {message}"):
        DeconfoundedRecommender(**(OPTIONS | change)).fit(data.ratings)


@pytest.mark.parametrize(
    ("ratings", "message"),
    [
        (np.full((3, 3), np.nan), "at least two ratings"),
        (np.ones((3, 3)), "some entries of R must be unobserved"),
        (pd.DataFrame([[1, np.nan], [2, 3]], index=["a", "a"]), "users .* once"),
        (np.array([[1.0, np.inf], [1.0, np.nan]]), "infinity"),
        (sp.csr_matrix([[1.0, np.nan], [0.0, 2.0]]), "no NaN where it is sparse"),
    ],
)
def test_bad_ratings_are_errors(ratings, message):
    with pytest.raises(ValueError, match=message):
        DeconfoundedRecommender(**OPTIONS).fit(ratings)


def test_unknown_users_items_and_tables_are_errors(data, model):
    with pytest.raises(ValueError, match=r"users must be known from fit, got \[999\]"):
        model.predict(999, 0)
    with pytest.raises(ValueError, match="items must be known from fit"):
        model.predict(items=["a"])
    with pytest.raises(ValueError, match="user must be known"):
        model.recommend(-1)
    with pytest.raises(ValueError, match="n must be a positive integer"):
        model.recommend(0, 0)
    with pytest.raises(ValueError, match="must have the 200 users and 150 items"):
        model.score(data.random[:5])
    with pytest.raises(NotFittedError):
        DeconfoundedRecommender().recommend(0)
