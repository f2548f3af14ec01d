"""How the noise of a category is shared between the world seen and another one."""

from typing import Any

import numpy as np
import pandas as pd

from skcausal.structural._categorical import uniform_noise

COUPLINGS = ("shared_noise", "gumbel_max", "monotone", "independent")


class SharedChoice:
    """A category in another world, by noise that explains the category seen.

    Called with the causes in that world, as an intervention of the structural model.
    """

    def __init__(
        self, mechanism: Any, parents: list[Any], noise: np.ndarray, *, gumbel: bool
    ) -> None:
        self.mechanism = mechanism
        self.parents = parents
        self.noise = noise
        self.gumbel = gumbel

    def __call__(self, row: pd.DataFrame) -> np.ndarray:
        """Return the category of each row, given its causes in the other world."""
        probabilities = self.mechanism.probabilities(row[self.parents])
        if self.gumbel:
            chosen = np.argmax(_log(probabilities) + self.noise, axis=1)
        else:
            below = np.cumsum(probabilities, axis=1)[:, :-1]
            chosen = (self.noise[:, None] > below).sum(axis=1)
        return np.asarray(self.mechanism.classes_)[chosen]


def shared_choice(
    model: Any,
    node: Any,
    table: pd.DataFrame,
    random: np.random.Generator,
    *,
    gumbel: bool,
) -> SharedChoice:
    """Draw noise that explains the category of each row."""
    mechanism, parents = model.mechanisms_[node], model.parents_of(node)
    probabilities = mechanism.probabilities(table[parents])
    labels = pd.Index(np.asarray(mechanism.classes_))
    codes = labels.get_indexer(pd.Index(np.asarray(table[node].array)))
    draw = gumbel_noise if gumbel else uniform_noise
    return SharedChoice(
        mechanism, parents, draw(probabilities, codes, random), gumbel=gumbel
    )


def gumbel_noise(
    probabilities: np.ndarray, codes: np.ndarray, random: np.random.Generator
) -> np.ndarray:
    r"""Draw Gumbel noise given which class won: from the top down.

    The greatest of :math:`\log p_k + g_k` has a Gumbel distribution whoever wins; the
    others are Gumbel below it.
    """
    rows = np.arange(len(codes))
    location = _log(probabilities)
    top = random.gumbel(size=(len(codes), 1))
    others = location + random.gumbel(size=location.shape)
    values = -np.logaddexp(-top, -others)
    values[rows, codes] = top[:, 0]
    return values - location


def _log(probabilities: np.ndarray) -> np.ndarray:
    """Return logarithms; a class that is impossible stays finite and never wins."""
    return np.log(np.maximum(probabilities, np.finfo(float).tiny))
