"""Nuisance functions: what is modelled, on which rows, by which parameter."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from skcausal.estimation._data import CausalData
from skcausal.utils._validation import append_columns, n_rows_of


@dataclass(frozen=True)
class Nuisance:
    """One nuisance function that a learner declares.

    Parameters
    ----------
    name : str
        Key of the estimates.
    parameter : str
        Constructor parameter of the learner that holds the model.
    target : {"outcome", "treatment", "instrument", "event", "censoring"}
        What is predicted; the last two are hazards.
    rows : {"all", "by_arm", "by_contrast", "by_instrument", "pooled"}
        On which rows: one model on all; one for each arm; one for each pair
        (arm, control); one for each value of a binary instrument; or one on all with
        the treatment among its features.
    """

    name: str
    parameter: str
    target: str
    rows: str = "all"

    @property
    def kind(self) -> str:
        """What is estimated, whatever the learner calls it: the key for sharing."""
        return f"{self.target}/{self.rows}"

    def columns(self, data: CausalData) -> list[int]:
        """Return the arms whose rows train one model each; [0] for a single model."""
        if self.rows == "by_arm":
            return list(range(data.n_arms))
        if self.rows == "by_contrast" and data.n_arms > 2:
            return list(range(1, data.n_arms))
        return [0, 1] if self.rows == "by_instrument" else [0]

    def features(self, X: Any, data: CausalData, rows: np.ndarray) -> Any:
        """Return what trains the model on some rows of ``data``, given their ``X``."""
        if self.rows != "pooled":
            return X
        return with_treatment(X, data.treatment[rows], data.n_arms)

    def training_rows(self, data: CausalData, column: int) -> np.ndarray:
        """Return the mask of rows that may train the model of a column."""
        if self.rows == "by_arm":
            return data.treatment == column
        if self.rows == "by_contrast" and data.n_arms > 2:
            return (data.treatment == column) | (data.treatment == 0)
        if self.rows == "by_instrument":
            return np.asarray(data.instrument) == column
        return np.ones(data.n_rows, dtype=bool)

    def uses_classifier(self, data: CausalData) -> bool:
        """Tell whether the target is a class."""
        if self.target == "treatment":
            return data.is_discrete
        if self.target == "instrument":
            return data.binary_instrument
        return data.binary_outcome or self.target in ("event", "censoring")

    def predicts_arms(self, data: CausalData) -> bool:
        """Tell whether a prediction has one column per arm."""
        per_arm = self.target == "treatment" and self.rows != "by_instrument"
        return data.is_discrete and (per_arm or self.rows == "pooled")

    @property
    def may_be_constant(self) -> bool:
        """Whether its target may take a single value among the training rows."""
        return self.target == "outcome" or self.rows == "by_instrument"


def with_treatment(X: Any, treatment: Any, n_arms: int) -> Any:
    """Append the treatment to ``X``: indicators of arms but the control, or a number.

    ``treatment`` holds a code (or level) per row, or one for all rows.
    """
    values = np.broadcast_to(np.asarray(treatment), n_rows_of(X))
    if n_arms == 0:
        return append_columns(X, values[:, None].astype(float), ["treatment"])
    names = [f"treatment_{code}" for code in range(1, n_arms)]
    return append_columns(X, np.eye(n_arms)[values][:, 1:], names)


OUTCOME = Nuisance("outcome", "outcome_model", "outcome")
OUTCOME_BY_CONTRAST = Nuisance("outcome", "outcome_model", "outcome", "by_contrast")
OUTCOME_POOLED = Nuisance("outcome_pooled", "outcome_model", "outcome", "pooled")
OUTCOME_BY_ARM = Nuisance("outcome_by_arm", "outcome_model", "outcome", "by_arm")
PROPENSITY = Nuisance("propensity", "propensity_model", "treatment")
TREATMENT_MEAN = Nuisance("treatment_mean", "treatment_model", "treatment")
INSTRUMENT_MEAN = Nuisance("instrument_mean", "instrument_model", "instrument")
OUTCOME_BY_INSTRUMENT = Nuisance(
    "outcome_by_instrument", "outcome_model", "outcome", "by_instrument"
)
TREATMENT_BY_INSTRUMENT = Nuisance(
    "treatment_by_instrument", "treatment_model", "treatment", "by_instrument"
)


@dataclass(frozen=True, eq=False)
class NuisanceFit:
    """Out-of-fold predictions of one nuisance, and how good they were.

    Parameters
    ----------
    values : ndarray of shape (n_repeats, n, n_columns)
        Out-of-fold predictions.
    losses : ndarray of shape (n_splits,)
        Held-out loss per split: log-loss of classes, else mean squared error.
    models : tuple
        Fitted models, one tuple per split.
    """

    values: np.ndarray
    losses: np.ndarray
    models: tuple[Any, ...] = ()


@dataclass(frozen=True, eq=False)
class NuisanceEstimates:
    """All nuisance estimates of a fit, by name.

    Parameters
    ----------
    fits : dict of str to NuisanceFit
        The estimates.
    """

    fits: dict[str, NuisanceFit] = field(default_factory=dict)

    def __contains__(self, name: str) -> bool:
        """Tell whether a nuisance was estimated."""
        return name in self.fits

    def __getitem__(self, name: str) -> np.ndarray:
        """Return the out-of-fold predictions, shape (n_repeats, n, n_columns)."""
        return self.fits[name].values

    def merged(self, other: "NuisanceEstimates") -> "NuisanceEstimates":
        """Return the union of two sets of estimates."""
        return NuisanceEstimates(self.fits | other.fits)

    def losses(self) -> dict[str, float]:
        """Return the mean held-out loss of each nuisance."""
        return {name: float(fit.losses.mean()) for name, fit in self.fits.items()}
