"""Shapley values: what each player adds, averaged over all orders of joining."""

from collections.abc import Callable
from math import factorial

import numpy as np

MOST_EXACT = 10  # players up to which all subsets are evaluated
DEFAULT_PERMUTATIONS = 200
N_BATCHES = 20  # batches of draws, whose spread is the Monte Carlo error
_BLOCK = 256  # subsets evaluated at once

# Subsets as a bool array of shape (m, n_players) -> values of shape (m, n_outputs).
Value = Callable[[np.ndarray], np.ndarray]


def subsets(n_players: int) -> np.ndarray:
    """Return all subsets as rows of bools; row k has the bits of k."""
    codes = np.arange(1 << n_players)
    return (codes[:, None] >> np.arange(n_players)) % 2 == 1


def exact_shapley(value: Value, n_players: int) -> np.ndarray:
    """Return Shapley values of shape (n_players, n_outputs) from all subsets."""
    masks = subsets(n_players)
    worth = np.concatenate(
        [value(masks[at : at + _BLOCK]) for at in range(0, len(masks), _BLOCK)]
    )
    return exact_weights(masks) @ worth


def exact_weights(masks: np.ndarray) -> np.ndarray:
    """Return the weight of each subset's worth for each player."""
    n = masks.shape[1]
    size = masks.sum(axis=1)
    share = np.array(
        [factorial(s) * factorial(n - 1 - s) / factorial(n) for s in range(n)]
    )
    joined = share[np.maximum(size - 1, 0)]
    absent = share[np.minimum(size, n - 1)]
    return np.where(masks.T, joined, -absent)


def sampled_shapley(
    value: Value, n_players: int, n_permutations: int, random: np.random.Generator
) -> np.ndarray:
    """Return what each player adds in each of several orders.

    Each order comes with its reverse, and they are averaged: the shape is
    (n_permutations // 2, n_players, n_outputs), with independent first entries. The
    sum over players is the same in each.
    """
    found = []
    for _ in range(max(1, n_permutations // 2)):
        order = random.permutation(n_players)
        pair = [_joining(value, one) for one in (order, order[::-1])]
        found.append((pair[0] + pair[1]) / 2)
    return np.stack(found)


def _joining(value: Value, order: np.ndarray) -> np.ndarray:
    """Return what each player adds when all join in the given order."""
    place = np.empty(len(order), dtype=int)
    place[order] = np.arange(len(order))
    masks = place[None, :] < np.arange(len(order) + 1)[:, None]
    return np.diff(value(masks), axis=0)[place]


def shapley(
    value: Value,
    n_players: int,
    n_permutations: int | None,
    random: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray]:
    """Return Shapley values and their variance due to sampled orders.

    Both have shape (n_players, n_outputs). With ``n_permutations=None`` they are exact
    up to ``MOST_EXACT`` players.
    """
    if n_permutations is None and n_players <= MOST_EXACT:
        values = exact_shapley(value, n_players)
        return values, np.zeros_like(values)
    drawn = sampled_shapley(
        value, n_players, n_permutations or DEFAULT_PERMUTATIONS, random
    )
    return drawn.mean(axis=0), drawn.var(axis=0, ddof=1) / len(drawn)


def batch_means(rows: np.ndarray) -> np.ndarray:
    """Return means over successive draws, of shape (m, N_BATCHES)."""
    parts = np.array_split(rows, N_BATCHES, axis=1)
    return np.column_stack([part.mean(axis=1) for part in parts])


def shapley_of_mean(
    value: Value,
    n_players: int,
    n_permutations: int | None,
    random: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray]:
    """Return Shapley values of the mean over outputs, and their standard errors.

    Outputs are independent batches of draws, so their spread is the Monte Carlo
    error; the spread over sampled orders is added.
    """
    if n_permutations is None and n_players <= MOST_EXACT:
        drawn = exact_shapley(value, n_players)[None]
    else:
        drawn = sampled_shapley(
            value, n_players, n_permutations or DEFAULT_PERMUTATIONS, random
        )
    batches = drawn.mean(axis=0)
    variance = batches.var(axis=1, ddof=1) / batches.shape[1]
    if len(drawn) > 1:
        variance = variance + drawn.mean(axis=2).var(axis=0, ddof=1) / len(drawn)
    return batches.mean(axis=1), np.sqrt(variance)


def check_permutations(n_permutations: int | None, owner: str) -> None:
    """Refuse what is not None or an even number of at least 4 orders."""
    if n_permutations is None:
        return
    whole = isinstance(n_permutations, int | np.integer)
    if not whole or isinstance(n_permutations, bool) or n_permutations < 4:
        raise ValueError(
            f"{owner}: n_permutations must be None or an integer of at least 4, got "
            f"{n_permutations!r}."
        )
