"""CausalSurvivalForest: effects on survival times that may be censored."""

from typing import Any, ClassVar

import numpy as np

from skcausal.estimation._data import CausalData
from skcausal.estimation._nuisances import (
    TREATMENT_MEAN,
    Nuisance,
    NuisanceEstimates,
)
from skcausal.estimation._survival import Endpoint, check_times
from skcausal.estimation._uncensoring import hazard_nuisances, uncensored
from skcausal.estimation.forests._base_forest import EffectForest
from skcausal.estimation.forests._parameters import check_parameters
from skcausal.utils._target import resolve_target


class CausalSurvivalForest(EffectForest):
    r"""Learn effects on survival times under right-censoring."""

    _model_parameters: ClassVar[tuple[str, ...]] = (
        "survival_model",
        "censoring_model",
        "treatment_model",
    )
    _allows_continuous: ClassVar[bool] = False
    treatment_type = "auto"
    outcome_type = "continuous"

    def __init__(
        self,
        horizon: float,
        *,
        target: str = "restricted_mean",
        survival_model: Any = None,
        censoring_model: Any = None,
        treatment_model: Any = None,
        n_times: int = 20,
        n_estimators: int = 500,
        min_samples_leaf: int = 5,
        min_samples_arm: int = 0,
        max_depth: int | None = None,
        max_features: Any = None,
        max_samples: Any = 0.45,
        honest: bool = True,
        honest_fraction: float = 0.5,
        max_bins: int = 255,
        min_balance: float = 0.05,
        imbalance_penalty: float = 0.0,
        n_groups: int | None = None,
        cv: Any = 5,
        n_repeats: int = 1,
        control_arm: Any = None,
        min_propensity: float = 0.01,
        min_uncensored: float = 0.05,
        memory: Any = None,
        warm_start: bool = False,
        n_jobs: int | None = None,
        verbose: int = 0,
        random_state: Any = None,
    ) -> None:
        self.horizon = horizon
        self.target = target
        self.survival_model = survival_model
        self.censoring_model = censoring_model
        self.treatment_model = treatment_model
        self.n_times = n_times
        self.n_estimators = n_estimators
        self.min_samples_leaf = min_samples_leaf
        self.min_samples_arm = min_samples_arm
        self.max_depth = max_depth
        self.max_features = max_features
        self.max_samples = max_samples
        self.honest = honest
        self.honest_fraction = honest_fraction
        self.max_bins = max_bins
        self.min_balance = min_balance
        self.imbalance_penalty = imbalance_penalty
        self.n_groups = n_groups
        self.cv = cv
        self.n_repeats = n_repeats
        self.control_arm = control_arm
        self.min_propensity = min_propensity
        self.min_uncensored = min_uncensored
        self.memory = memory
        self.warm_start = warm_start
        self.n_jobs = n_jobs
        self.verbose = verbose
        self.random_state = random_state

    def fit(self, X, y, *, treatment=None, event=None, sample_weight=None, groups=None):
        """Fit."""
        owner = f"{type(self).__name__}.fit"
        parts = resolve_target(owner, y, treatment, sample_weight, groups, event=event)
        return self._fit(X, parts, owner)

    @property
    def _endpoint(self) -> Endpoint:
        return Endpoint(self.horizon, self.target, self.n_times, self.min_uncensored)

    def _nuisances_for(self, data: CausalData) -> tuple[Nuisance, ...]:
        check_parameters(self)
        return (*hazard_nuisances(data, self._endpoint), TREATMENT_MEAN)

    def _fit_effect(self, data: CausalData, nuisances: NuisanceEstimates) -> None:
        from skcausal.estimation.forests._relabelling import CAUSAL, RATIO

        owner = self._settings.owner
        self._uncensored = uncensored(data, nuisances, self._endpoint, owner)
        e = nuisances["treatment_mean"]
        u = self._uncensored.data.outcome - self._uncensored.pooled_mean(e)
        v = data.treatment - e[:, :, 1].mean(axis=0)
        self._residuals = u, v
        ratio = getattr(self, "_kind", "causal") == "ratio"
        self._grow(
            RATIO if ratio else CAUSAL,
            data.X,
            np.column_stack([v * u, v * v] if ratio else [u, v]),
            data.weights,
            data.groups,
            self._settings.seed,
        )

    def _arm_means(self) -> np.ndarray:
        return self._uncensored.means
