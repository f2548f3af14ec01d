"""EffectStacking: a convex combination of learners chosen by a causal loss."""

from typing import Any

import numpy as np
from joblib import Parallel, delayed
from scipy.optimize import minimize
from sklearn.utils.metaestimators import _BaseComposition
from sklearn.utils.validation import check_is_fitted, check_random_state

from skcausal.estimation._delegation import effect_of
from skcausal.estimation._evaluation import Evaluation, EvaluationOptions
from skcausal.estimation._models import fresh_copy
from skcausal.estimation._wrapping import (
    EffectWrapper,
    named_learners,
    rows_of,
    slim,
    target_of,
)
from skcausal.utils._splitters import TreatmentStratifiedKFold
from skcausal.utils._target import fields_of, resolve_target

_METHODS = ("q_aggregation", "convex")


class EffectStacking(_BaseComposition, EffectWrapper):
    r"""Combine learners with the weights that minimise the R-loss on held-out rows.

    For those who do not know which learner suits their data: candidates compete on
    out-of-fold effects, and the ensemble is hardly worse than the best of them.

    Parameters
    ----------
    learners : list of (name, learner)
        Candidates: learners, or Pipelines that end in one.
    method : {"q_aggregation", "convex"}, default="q_aggregation"
        Whether the loss of the ensemble is minimised alone ("convex") or together with
        the weighted losses of its members, which favours single good candidates.
    cv : int, splitter or list of (train, test), default=5
        Folds for the out-of-fold effects.
    outcome_model, propensity_model : estimator, default=None
        Base models of the nuisances of the loss; None is LightGBM sized by the data.
    n_jobs : int, default=None
        Parallel fits of candidates and folds.
    random_state : int, RandomState instance or None, default=None
        Seed of folds, and of the candidates where they have none.

    Attributes
    ----------
    weights_ : ndarray of shape (n_learners,)
        Weights of the candidates, non-negative with sum 1.
    learners_ : list
        Candidates fitted on all rows.
    losses_ : ndarray of shape (n_learners,)
        Held-out R-loss of each candidate.

    Notes
    -----
    Assumes no unmeasured confounding given X, and overlap. With out-of-fold effects
    :math:`\tau_k` and residuals u, v, the weights minimise
    :math:`(1 - \nu) L(\sum_k \alpha_k \tau_k) + \nu \sum_k \alpha_k L(\tau_k)` over the
    simplex, where L is the R-loss and :math:`\nu` is 1/2 for Q-aggregation, 0 for
    convex stacking. Averages come from the doubly robust scores of the heaviest
    candidate.

    References
    ----------
    Lan, H., & Syrgkanis, V. (2024). Causal Q-aggregation for CATE model selection.
    AISTATS. https://arxiv.org/abs/2310.16945

    Nie, X., & Wager, S. (2021). Quasi-oracle estimation of heterogeneous treatment
    effects. Biometrika, 108(2), section 3.1. https://doi.org/10.1093/biomet/asaa076

    Examples
    --------
    >>> from sklearn.linear_model import LinearRegression
    >>> from skcausal.datasets import make_observational
    >>> from skcausal.estimation import EffectStacking, SLearner, TLearner
    >>> data = make_observational(400, effect="linear", random_state=0)
    >>> model = LinearRegression()
    >>> stacking = EffectStacking(
    ...     [("s", SLearner(model)), ("t", TLearner(model))], random_state=0
    ... ).fit(data.X, data.y, treatment=data.treatment)
    >>> round(float(stacking.weights_.sum()), 6)
    1.0
    """

    def __init__(
        self,
        learners: Any,
        *,
        method: str = "q_aggregation",
        cv: Any = 5,
        outcome_model: Any = None,
        propensity_model: Any = None,
        n_jobs: int | None = None,
        random_state: Any = None,
    ) -> None:
        self.learners = learners
        self.method = method
        self.cv = cv
        self.outcome_model = outcome_model
        self.propensity_model = propensity_model
        self.n_jobs = n_jobs
        self.random_state = random_state

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return the parameters, those of the candidates included.

        Parameters
        ----------
        deep : bool, default=True
            Whether to include the candidates' own parameters as ``name__parameter``.

        Returns
        -------
        parameters : dict
            Parameter names mapped to values.
        """
        return self._get_params("learners", deep=deep)

    def set_params(self, **parameters: Any) -> "EffectStacking":
        """Set parameters, those of a candidate as ``name__parameter``.

        Parameters
        ----------
        **parameters : dict
            New values.

        Returns
        -------
        self : EffectStacking
            The ensemble.
        """
        self._set_params("learners", **parameters)
        return self

    def fit(
        self,
        X: Any,
        y: Any,
        *,
        treatment: Any = None,
        sample_weight: Any = None,
        groups: Any = None,
    ) -> "EffectStacking":
        """Fit the candidates, out of fold and in full, and their weights.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n, n_features)
            Covariates.
        y : array-like of shape (n,)
            Outcome, or a ``causal_target``.
        treatment : array-like of shape (n,), default=None
            Treatment, unless it travels in ``y``.
        sample_weight, groups : array-like of shape (n,), default=None
            Weights and clusters of the rows.

        Returns
        -------
        self : EffectStacking
            The fitted ensemble.

        Raises
        ------
        ValueError
            If a parameter is out of range, or a candidate refuses the data.
        """
        self._check_parameters()
        parts = resolve_target(
            "EffectStacking.fit", y, treatment, sample_weight, groups
        )
        target = target_of(parts)
        seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        candidates = [fresh_copy(learner, seed) for _, learner in self.learners]
        splits = self._splits(target, seed)
        everything = np.arange(target.shape[0])
        plan = [(everything, None), *splits]
        results = Parallel(n_jobs=self.n_jobs)(
            delayed(_fit_candidate)(candidate, X, target, train, test)
            for train, test in plan
            for candidate in candidates
        )
        n_learners = len(candidates)
        self.learners_ = [learner for learner, _ in results[:n_learners]]
        held_out = [effects for _, effects in results[n_learners:]]
        effects = _gather(held_out, splits, n_learners, target.shape[0])
        options = EvaluationOptions(
            self.outcome_model, self.propensity_model, splits, seed, self.n_jobs
        )
        evaluation = Evaluation.of(self.learners_[0], X, target, options=options)
        self.weights_, self.losses_ = _aggregate(evaluation, effects, self.method)
        self._adopt(self.learners_[int(self.weights_.argmax())])
        return self

    def _splits(self, target: np.ndarray, seed: int) -> list[Any]:
        """Return the folds of the out-of-fold effects."""
        if isinstance(self.cv, (int, np.integer)):
            if target.shape[0] < self.cv:
                raise ValueError(
                    f"EffectStacking.fit: cv={self.cv} folds need at least {self.cv} "
                    f"rows, got n_samples={target.shape[0]}."
                )
            splitter = TreatmentStratifiedKFold(int(self.cv), random_state=seed)
            return list(splitter.split(target, target))
        if hasattr(self.cv, "split"):
            groups = fields_of(target).get("groups")
            return list(self.cv.split(target, target, groups))
        return list(self.cv)

    def _check_parameters(self) -> None:
        """Refuse an unknown method and an empty or unnamed list."""
        if self.method not in _METHODS:
            raise ValueError(
                f"EffectStacking: method must be one of "
                f"{', '.join(map(repr, _METHODS))}, got {self.method!r}."
            )
        pairs = named_learners(self.learners, "EffectStacking.fit")
        self._validate_names([name for name, _ in pairs])

    def effect(self, X: Any, *, treated: Any = None, control: Any = None) -> np.ndarray:
        """Return the weighted effect of the candidates for each row.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n, n_features)
            Covariates.
        treated, control : label or float, default=None
            Arms (or levels) to compare, by default all arms against the control arm.

        Returns
        -------
        effects : ndarray of shape (n,) or (n, n_arms - 1)
            Effects in units of the outcome.
        """
        check_is_fitted(self, "weights_")
        weighted = [
            weight * effect_of(learner).effect(X, treated=treated, control=control)
            for weight, learner in zip(self.weights_, self.learners_, strict=True)
            if weight > 0
        ]
        return np.sum(weighted, axis=0)

    def _wrapped(self) -> Any:
        return self.learners[0][1]


def _fit_candidate(
    candidate: Any, X: Any, target: np.ndarray, train: np.ndarray, test: Any
) -> tuple[Any, np.ndarray | None]:
    """Fit a copy on the training rows; return it or its effects on held-out rows."""
    copy = fresh_copy(candidate, None)
    if test is None:
        return copy.fit(X, target), None
    copy.fit(rows_of(X, train), target[train])
    return None, np.asarray(slim(copy).predict(rows_of(X, test)))


def _gather(
    held_out: list[Any], splits: list[Any], n_learners: int, n_rows: int
) -> np.ndarray:
    """Put out-of-fold effects into one array (n_learners, n, n_contrasts)."""
    width = held_out[0].reshape(held_out[0].shape[0], -1).shape[1]
    effects = np.full((n_learners, n_rows, width), np.nan)
    for position, predicted in enumerate(held_out):
        fold, learner = divmod(position, n_learners)
        effects[learner, splits[fold][1]] = predicted.reshape(-1, width)
    if np.isnan(effects).any():
        raise ValueError("EffectStacking: cv must hold out each row exactly once.")
    return effects


def _aggregate(
    evaluation: Evaluation, effects: np.ndarray, method: str
) -> tuple[np.ndarray, np.ndarray]:
    """Return the weights on the simplex and the R-loss of each candidate."""
    u, v = evaluation.residuals
    weight = evaluation.data.weights / evaluation.data.weights.sum()
    explained = np.einsum("kna,na->nk", effects, v)
    gram = explained.T @ (explained * weight[:, None])
    cross = explained.T @ (u * weight)
    total = float(weight @ u**2)
    losses = total - 2 * cross + np.diag(gram)
    nu = 0.5 if method == "q_aggregation" else 0.0
    scale = max(float(np.ptp(losses)), 1e-12 * max(total, 1e-12))

    def objective(alpha: np.ndarray) -> tuple[float, np.ndarray]:
        ensemble = alpha @ gram @ alpha - 2 * cross @ alpha
        value = (1 - nu) * ensemble + nu * (losses - total) @ alpha
        slope = (1 - nu) * 2 * (gram @ alpha - cross) + nu * (losses - total)
        return value / scale, slope / scale

    n_learners = effects.shape[0]
    result = minimize(
        objective,
        np.full(n_learners, 1 / n_learners),
        jac=True,
        bounds=[(0, 1)] * n_learners,
        constraints={"type": "eq", "fun": lambda a: a.sum() - 1},
        method="SLSQP",
        options={"maxiter": 500, "ftol": 1e-10},
    )
    alpha = np.where(result.x < 1e-4, 0.0, result.x)
    return alpha / alpha.sum(), losses
