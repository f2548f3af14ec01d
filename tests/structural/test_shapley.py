"""The Shapley engine: brute force, axioms, sampled orders and their errors."""

import itertools

import numpy as np
import pytest

from skcausal.structural._shapley import (
    batch_means,
    check_permutations,
    exact_shapley,
    sampled_shapley,
    shapley,
    shapley_of_mean,
    subsets,
)


def table_game(n_players, seed=0, n_outputs=3):
    """Return a game with random worths, by subset."""
    worth = np.random.default_rng(seed).normal(size=(1 << n_players, n_outputs))
    powers = 1 << np.arange(n_players)
    return lambda masks: worth[(masks * powers).sum(axis=1)]


def brute_force(value, n_players):
    """Average what players add over all orders, one by one."""
    orders = list(itertools.permutations(range(n_players)))
    total = np.zeros((n_players, value(np.zeros((1, n_players), bool)).shape[1]))
    for order in orders:
        mask = np.zeros((1, n_players), dtype=bool)
        before = value(mask)[0]
        for player in order:
            mask[0, player] = True
            after = value(mask)[0]
            total[player] += after - before
            before = after
    return total / len(orders)


@pytest.mark.parametrize("n_players", [1, 2, 3, 5])
def test_exact_values_are_those_of_all_orders(n_players):
    game = table_game(n_players)
    np.testing.assert_allclose(
        exact_shapley(game, n_players), brute_force(game, n_players), atol=1e-12
    )


@pytest.mark.parametrize("n_permutations", [None, 6])
def test_efficiency(n_permutations):
    game, random = table_game(4), np.random.default_rng(0)
    values, _ = shapley(game, 4, n_permutations, random)
    ends = game(np.array([[False] * 4, [True] * 4]))
    np.testing.assert_allclose(values.sum(axis=0), ends[1] - ends[0])


def test_symmetry_and_null_player():
    """Players 0 and 1 are alike, player 2 adds nothing."""

    def game(masks):
        size = masks[:, 0].astype(int) + masks[:, 1]
        return (size**2 * (1 + masks[:, 3]))[:, None].astype(float)

    exact = exact_shapley(game, 4)
    assert exact[0] == exact[1]
    assert exact[2] == 0
    sampled = sampled_shapley(game, 4, 10, np.random.default_rng(0))
    assert (sampled[:, 2] == 0).all()


def test_additivity():
    one, two = table_game(5, 0), table_game(5, 1)
    both = exact_shapley(lambda masks: one(masks) + two(masks), 5)
    np.testing.assert_allclose(both, exact_shapley(one, 5) + exact_shapley(two, 5))


def test_a_sum_is_divided_by_one_pair_of_orders():
    sizes = np.arange(12.0)
    values, variance = shapley(
        lambda masks: (masks @ sizes)[:, None], 12, 4, np.random.default_rng(0)
    )
    np.testing.assert_allclose(values[:, 0], sizes)
    np.testing.assert_allclose(variance, 0)


def test_standard_errors_of_sampled_orders():
    """Errors over seeds have the size that the engine reports."""
    game = table_game(5, n_outputs=1)
    truth = exact_shapley(game, 5)[:, 0]
    ratios = []
    for seed in range(60):
        values, variance = shapley(game, 5, 40, np.random.default_rng(seed))
        ratios.append((values[:, 0] - truth) / np.sqrt(variance[:, 0]))
    # 20 pairs: Student's variance is 19 / 17; 60 seeds of 5 dependent players.
    assert np.mean(np.square(ratios)) == pytest.approx(19 / 17, abs=0.45)


def test_standard_errors_of_draws():
    """With all orders the error is that of the mean over batches."""
    rng = np.random.default_rng(0)
    ratios = []
    for _ in range(200):
        draws = rng.normal(2.0, 1.0, size=400)
        values, errors = shapley_of_mean(
            lambda masks, draws=draws: batch_means(masks.sum(1)[:, None] * draws),
            2,
            None,
            rng,
        )
        ratios.append((values[0] - 2.0) / errors[0])
    expected = 19 / 17
    assert np.mean(np.square(ratios)) == pytest.approx(
        expected, abs=4 * expected * np.sqrt(2 / 200)
    )


def test_more_than_ten_players_are_sampled():
    calls = []

    def game(masks):
        calls.append(len(masks))
        return masks.sum(axis=1)[:, None].astype(float)

    shapley(game, 11, None, np.random.default_rng(0))
    assert sum(calls) == 200 * 12
    calls.clear()
    shapley(game, 10, None, np.random.default_rng(0))
    assert sum(calls) == 1024


def test_subsets_are_all_different():
    masks = subsets(6)
    assert len(np.unique(masks, axis=0)) == 64


@pytest.mark.parametrize("n_permutations", [3, 0, 2.5, True, "all"])
def test_bad_numbers_of_orders(n_permutations):
    with pytest.raises(ValueError, match="n_permutations must be"):
        check_permutations(n_permutations, "owner")
