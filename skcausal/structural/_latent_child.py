"""Mechanisms of a model with a latent node: of the node itself, and of its children."""

from typing import Any

import numpy as np
import pandas as pd
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from skcausal.structural._latent_families import (
    FAMILIES,
    noise_of_value,
    value_of_noise,
)
from skcausal.structural._latent_fit import Child, Weights
from skcausal.structural._mechanism import Mechanism


class StandardNormal(Mechanism):
    """The latent node: its noise is its value."""

    def draw_noise(self, n: int, random: np.random.Generator) -> np.ndarray:
        """Draw standard normal numbers."""
        return random.standard_normal(n)

    def apply(self, parents: Any, noise: np.ndarray) -> np.ndarray:
        """Return the noise."""
        return noise

    def noise(
        self, parents: Any, values: Any, random: np.random.Generator
    ) -> np.ndarray:
        """Return the values."""
        return np.asarray(values, dtype=float)

    def log_density(self, parents: Any, values: Any) -> np.ndarray:
        """Return the standard normal log density."""
        values = np.asarray(values, dtype=float)
        return -0.5 * values**2 - 0.5 * np.log(2 * np.pi)


class LatentChild(Mechanism):
    """A generalised linear mechanism with the latent node among its parents.

    Gaussian children are fitted in units of their standard deviation; ``centre_`` and
    ``spread_`` turn values into these units. A known standard deviation is given as
    ``scale``, in the units of the node.
    """

    invertible = False  # noise depends on the latent node, which no row shows

    def __init__(self, family: str, latent: Any, scale: float | None = None) -> None:
        self.family = family
        self.latent = latent
        self.scale = scale

    def prepare(self, parents: pd.DataFrame, values: Any) -> Child:
        """Learn units of values and covariates, and return what is to be fitted."""
        numbers = np.asarray(values, dtype=float)
        gaussian = self.family == "gaussian"
        self.centre_ = float(numbers.mean()) if gaussian else 0.0
        self.spread_ = float(numbers.std()) if gaussian else 1.0
        observed = self._observed(parents)
        self.encoder_ = None
        if observed.shape[1]:
            self.encoder_ = _encoder().fit(observed)
        return self.child(parents, values)

    def child(self, parents: pd.DataFrame, values: Any) -> Child:
        """Return values and covariates in the units of the fit."""
        numbers = np.asarray(values, dtype=float)
        standard = (numbers - self.centre_) / self.spread_
        scale = None if self.scale is None else self.scale / self.spread_
        return Child(FAMILIES[self.family], standard, self._design(parents), scale)

    def set_weights(self, weights: Weights) -> None:
        """Keep the fitted parameters."""
        self.weights_ = weights

    def _observed(self, parents: pd.DataFrame) -> pd.DataFrame:
        return parents.drop(columns=self.latent, errors="ignore")

    def _design(self, parents: pd.DataFrame) -> np.ndarray:
        if self.encoder_ is None:
            return np.empty((len(parents), 0))
        found = self.encoder_.transform(self._observed(parents))
        return np.asarray(found, dtype=float)

    def _predictor(self, parents: pd.DataFrame) -> np.ndarray:
        own = self.weights_
        latent = np.asarray(parents[self.latent], dtype=float)
        fixed = own.intercept + self._design(parents) @ own.slopes
        return np.asarray(fixed + own.loading * latent)

    def draw_noise(self, n: int, random: np.random.Generator) -> np.ndarray:
        """Draw normal noise if Gaussian, else uniform."""
        gaussian = self.family == "gaussian"
        return random.standard_normal(n) if gaussian else 1 - random.random(n)

    def apply(self, parents: Any, noise: np.ndarray) -> np.ndarray:
        """Return the values that noise gives: by the inverse distribution function."""
        eta = self._predictor(parents)
        family = FAMILIES[self.family]
        found = value_of_noise(family, eta, self.weights_.scale, np.asarray(noise))
        return self.centre_ + self.spread_ * found

    def noise(
        self, parents: Any, values: Any, random: np.random.Generator
    ) -> np.ndarray:
        """Return the standardised error; of counts a draw between its bounds."""
        child, eta = self.child(parents, values), self._predictor(parents)
        scale = self.weights_.scale
        return noise_of_value(child.family, eta, scale, child.values, random)

    def log_density(self, parents: Any, values: Any) -> np.ndarray:
        """Return the log density given the parents, the latent node among them."""
        child, eta = self.child(parents, values), self._predictor(parents)
        density = child.family.log_density(child.values, eta, self.weights_.scale)
        return density - np.log(self.spread_)


def _encoder() -> Any:
    """Return a transformer that makes indicators, and standardises numbers."""
    labels = OneHotEncoder(drop="first", sparse_output=False)
    categories = make_column_selector(dtype_include="category")
    return make_column_transformer(
        (labels, categories),
        remainder=StandardScaler(),
        verbose_feature_names_out=False,
    )
