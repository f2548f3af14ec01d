"""Designs for forests: covariates, residuals that an oracle centred, true effects.

Given the residuals, libraries differ by their forests only.
"""

from dataclasses import dataclass

import numpy as np
from scipy import stats


def ridge(x):
    """Rise smoothly from 1 to 2 around a third (Wager & Athey 2018, section 5)."""
    return 1 + 1 / (1 + np.exp(-20 * (x - 1 / 3)))


def smooth_effect(X):
    return ridge(X[:, 0]) * ridge(X[:, 1])


def step_effect(X):
    return 1.0 * (X[:, 0] > 0.5) + 1.0 * (X[:, 1] > 0.5)


def no_effect(X):
    return np.zeros(len(X))


def beta_propensity(X):
    return (1 + stats.beta(2, 4).pdf(X[:, 0])) / 4


def strong_propensity(X):
    return 1 / (1 + np.exp(-6 * (X[:, 0] - 0.5) - 3 * (X[:, 1] - 0.5)))


def half_propensity(X):
    return np.full(len(X), 0.5)


@dataclass(frozen=True)
class Design:
    """Effect, propensity, number of covariates and kind of outcome noise."""

    effect: object = smooth_effect
    propensity: object = beta_propensity
    n_features: int = 20
    noise: str = "normal"

    def draw(self, n, seed):
        """Return covariates, centred outcome and centred treatment."""
        rng = np.random.default_rng([seed, n])
        X = rng.uniform(size=(n, self.n_features))
        e, tau = self.propensity(X), self.effect(X)
        w = (rng.uniform(size=n) < e).astype(float)
        if self.noise == "rare":  # an event of 3 to 7 %
            chance = 0.03 + 0.01 * tau * w
            y = (rng.uniform(size=n) < chance).astype(float)
            return X, y - (0.03 + 0.01 * tau * e), w - e
        noise = rng.standard_t(2.5, n) if self.noise == "heavy" else rng.normal(size=n)
        return X, tau * (w - e) + noise, w - e

    def truth(self, X):
        tau = self.effect(X)
        return 0.01 * tau if self.noise == "rare" else tau

    def new_rows(self, n, seed=1):
        return np.random.default_rng([seed, 99]).uniform(size=(n, self.n_features))


DESIGNS = {
    "smooth": Design(),
    "sparse, p = 100": Design(n_features=100),
    "strong confounding": Design(propensity=strong_propensity),
    "no effect": Design(effect=no_effect),
    "step": Design(effect=step_effect),
    "rare binary outcome": Design(noise="rare"),
    "heavy tails": Design(noise="heavy"),
    "constant propensity": Design(propensity=half_propensity),
}
COVERED = ("smooth", "step", "no effect", "heavy tails", "constant propensity")
