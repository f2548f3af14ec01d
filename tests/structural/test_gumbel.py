"""Categories with one Gumbel noise each."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sklearn.linear_model import LogisticRegression
from sklearn.tree import DecisionTreeClassifier

from skcausal.structural import CategoricalNoise, GumbelMax
from skcausal.structural._gumbel import gumbel_posterior

BEFORE, AFTER = np.array([0.5, 0.3, 0.2]), np.array([0.2, 0.3, 0.5])


def winners(probabilities, noise):
    return (np.log(probabilities) + noise).argmax(axis=1)


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    parents = pd.DataFrame({"x": rng.normal(size=2000)})
    scores = np.outer(parents["x"], [0, 1, -1]) + rng.gumbel(size=(2000, 3))
    return parents, np.array(["a", "b", "c"])[scores.argmax(axis=1)]


def test_noise_gives_categories_back(data):
    parents, labels = data
    mechanism = GumbelMax(LogisticRegression()).fit(parents, labels)
    noise = mechanism.noise(parents, labels, np.random.default_rng(1))
    assert noise.shape == (2000, mechanism.n_noise) == (2000, 3)
    assert (mechanism.apply(parents, noise) == labels).all()
    assert not mechanism.invertible


def test_probabilities_are_those_of_the_classifier(data):
    parents, labels = data
    mechanism = GumbelMax(LogisticRegression()).fit(parents, labels)
    row = parents.iloc[[0]].loc[[0] * 40_000]
    drawn = mechanism.apply(row, mechanism.draw_noise(40_000, np.random.default_rng(1)))
    shares = (drawn[:, None] == mechanism.classes_).mean(axis=0)
    truth = mechanism.probabilities(row)[0]
    assert (np.abs(shares - truth) < 4 * np.sqrt(truth * (1 - truth) / 40_000)).all()
    other = CategoricalNoise(LogisticRegression()).fit(parents, labels)
    np.testing.assert_array_equal(
        mechanism.log_density(parents, labels), other.log_density(parents, labels)
    )


def test_posterior_mixes_to_the_prior():
    """Noise given categories drawn with their probabilities is standard Gumbel."""
    rng = np.random.default_rng(0)
    n = 20_000
    codes = rng.choice(3, p=BEFORE, size=n)
    noise = gumbel_posterior(np.tile(BEFORE, (n, 1)), codes, rng)
    for column in noise.T:
        assert stats.kstest(column, "gumbel_r").pvalue > 0.001
    off = np.corrcoef(noise.T)[np.triu_indices(3, 1)]
    assert (np.abs(off) < 4 / np.sqrt(n)).all()


@pytest.mark.parametrize("seen", [0, 1, 2])
def test_probability_to_stay(seen):
    """P(stay, seen) = 1 / sum_j max(p_j / p_i, q_j / q_i): independent Gumbels."""
    rng = np.random.default_rng(seen)
    n = 40_000
    noise = gumbel_posterior(np.tile(BEFORE, (n, 1)), np.full(n, seen), rng)
    stays = (winners(AFTER, noise) == seen).mean()
    ratios = np.maximum(BEFORE / BEFORE[seen], AFTER / AFTER[seen])
    truth = 1 / ratios.sum() / BEFORE[seen]
    error = np.sqrt(truth * (1 - truth) / n)
    assert abs(stays - truth) <= 4 * error + 1e-12


def test_counterfactual_stability():
    """None moves to a category whose probability rose by a smaller factor."""
    rng = np.random.default_rng(0)
    for _ in range(20):
        before, after = rng.dirichlet(np.ones(4), size=2)
        codes = rng.choice(4, p=before, size=500)
        noise = gumbel_posterior(np.tile(before, (500, 1)), codes, rng)
        moved = winners(after, noise)
        gain = after / before
        assert (gain[moved] >= gain[codes] - 1e-12).all()


def test_impossible_categories_keep_free_noise():
    rng = np.random.default_rng(0)
    before = np.tile([0.6, 0.4, 0.0], (5000, 1))
    noise = gumbel_posterior(before, np.zeros(5000, dtype=int), rng)
    assert stats.kstest(noise[:, 2], "gumbel_r").pvalue > 0.001


def test_root_and_a_classifier_that_excludes_what_was_seen(data):
    parents, labels = data
    rng = np.random.default_rng(0)
    root = GumbelMax().fit(parents[[]], labels)
    shares = [(labels == label).mean() for label in "abc"]
    np.testing.assert_allclose(root.probabilities(parents[[]])[0], shares)
    noise = root.noise(parents[[]], labels, rng)
    assert (root.apply(parents[[]], noise) == labels).all()
    sure = GumbelMax(DecisionTreeClassifier()).fit(parents, labels)
    with pytest.raises(ValueError, match=r"GumbelMax.noise: .* probability zero"):
        sure.noise(parents, np.roll(labels, 1), rng)
    with pytest.raises(ValueError, match=r"GumbelMax.fit: .* one category only"):
        GumbelMax().fit(parents, np.repeat("a", 2000))
