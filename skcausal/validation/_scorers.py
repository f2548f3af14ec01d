"""Scorer objects: causal scores as ``scoring=`` of scikit-learn's own searches."""

from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.utils.metadata_routing import MetadataRequest

from skcausal.estimation._evaluation import Evaluation, EvaluationOptions
from skcausal.validation._calibration import calibration_score
from skcausal.validation._ranking import resolve_ranking
from skcausal.validation._rate import autoc_area
from skcausal.validation._uplift import auuc_score, qini_score

_Metric = Callable[[Evaluation, np.ndarray], float]


def _ranked(function: Callable[..., Any]) -> _Metric:
    """Turn a function of (effects, scores) into a metric, averaged over contrasts."""

    def metric(evaluation: Evaluation, effects: np.ndarray) -> float:
        columns = evaluation.checked(effects)
        weight = evaluation.data.sample_weight
        values = [
            function(column, scores=scores, sample_weight=weight)
            for column, scores in zip(columns.T, evaluation.scores.T, strict=True)
        ]
        return float(np.mean(values))

    return metric


def _autoc(effects: np.ndarray, *, scores: np.ndarray, sample_weight: Any) -> float:
    ranking = resolve_ranking("autoc", effects, scores=scores, weights=sample_weight)
    return autoc_area(ranking)


_METRICS: dict[str, _Metric] = {
    "r_score": lambda evaluation, effects: evaluation.r_score(effects),
    "dr_score": lambda evaluation, effects: evaluation.dr_score(effects),
    "qini": _ranked(qini_score),
    "auuc": _ranked(auuc_score),
    "autoc": _ranked(_autoc),
    "calibration": _ranked(calibration_score),
}


class CausalScorer:
    """Score the effects a fitted estimator predicts for rows it has not seen.

    Made by :func:`get_scorer`. Callable as scikit-learn's scorers are,
    ``scorer(estimator, X, y)``; the treatment travels in ``y`` (``causal_target``) or
    as ``treatment=`` through metadata routing. Higher is better.

    Parameters
    ----------
    name : str
        Name of the metric.
    options : EvaluationOptions
        How nuisances of the scored rows are estimated.

    Notes
    -----
    Assumes no unmeasured confounding given X, and overlap. Nuisances are cross-fitted
    on the scored rows, whatever the candidate, and shared by all candidates of a
    search: in memory within a process, and across processes when the target carries
    them (``add_nuisances``).

    References
    ----------
    Schuler, A., Baiocchi, M., Tibshirani, R., & Shah, N. (2018). A comparison of
    methods for model selection when estimating individual treatment effects.
    https://arxiv.org/abs/1804.05146

    Examples
    --------
    >>> from skcausal.validation import get_scorer
    >>> get_scorer("qini")
    CausalScorer('qini')
    """

    def __init__(self, name: str, options: EvaluationOptions) -> None:
        self.name = name
        self.options = options

    def __call__(
        self,
        estimator: Any,
        X: Any,
        y: Any,
        treatment: Any = None,
        sample_weight: Any = None,
        event: Any = None,
    ) -> float:
        """Score a fitted estimator on rows.

        Parameters
        ----------
        estimator : estimator
            Fitted learner, Pipeline or search.
        X : array-like or DataFrame of shape (n, n_features)
            Covariates as the estimator takes them.
        y : array-like of shape (n,)
            Outcome, or a ``causal_target``.
        treatment : array-like of shape (n,), default=None
            Treatment, unless it travels in ``y``.
        sample_weight : array-like of shape (n,), default=None
            Weights of the rows.
        event : array-like of shape (n,), default=None
            Whether the event was seen, for learners of survival times.

        Returns
        -------
        score : float
            Higher is better; never NaN.

        Raises
        ------
        ValueError
            If no treatment arrives; the message says how to pass it.
        """
        evaluation = Evaluation.of(
            estimator, X, y, treatment, sample_weight, self.options, event
        )
        score = _METRICS[self.name](evaluation, estimator.predict(X))
        if np.isnan(score):
            raise ValueError(
                f"{self!r}: the score is NaN on {evaluation.data.n_rows} rows."
            )
        return score

    def get_metadata_routing(self) -> MetadataRequest:
        """Ask scikit-learn's metadata routing for treatment and weights.

        Returns
        -------
        request : MetadataRequest
            What ``score`` wants routed.
        """
        request = MetadataRequest(owner=self)
        request.score.add_request(param="treatment", alias=True)
        request.score.add_request(param="sample_weight", alias=True)
        request.score.add_request(param="event", alias=True)
        return request

    def _accept_sample_weight(self) -> bool:
        """Tell scikit-learn's multi-metric scoring that weights are welcome."""
        return True

    def __repr__(self) -> str:
        """Show the name."""
        return f"CausalScorer({self.name!r})"


def get_scorer(
    name: str,
    *,
    outcome_model: Any = None,
    propensity_model: Any = None,
    cv: Any = 5,
    random_state: int = 0,
    n_jobs: int | None = None,
) -> CausalScorer:
    """Return a causal scorer for ``scoring=`` in scikit-learn's searches.

    Parameters
    ----------
    name : {"r_score", "dr_score", "qini", "auuc", "autoc", "calibration"}
        What to score. ``"r_score"`` and ``"dr_score"`` judge the size of effects (0 for
        a constant effect), ``"qini"``, ``"auuc"`` and ``"autoc"`` their ranking,
        ``"calibration"`` whether groups gain what was predicted.
    outcome_model, propensity_model : estimator, default=None
        Base models of the nuisances on the scored rows; None is LightGBM sized by the
        data, ``KnownPropensity`` the design of an experiment.
    cv : int, splitter or list, default=5
        Folds of the nuisances on the scored rows.
    random_state : int, default=0
        Seed of the nuisances: the same for all candidates.
    n_jobs : int, default=None
        Parallel fits of the nuisances.

    Returns
    -------
    scorer : CausalScorer
        Callable ``scorer(estimator, X, y)``.

    Raises
    ------
    ValueError
        If the name is unknown.

    Notes
    -----
    With more than two arms the score is averaged over the arms but the control.
    Pass ``error_score="raise"`` to scikit-learn's tools: by default they turn the
    error of a scorer into NaN with a warning.

    Examples
    --------
    >>> from sklearn.linear_model import LinearRegression
    >>> from sklearn.model_selection import cross_val_score
    >>> from skcausal import causal_target
    >>> from skcausal.datasets import make_observational
    >>> from skcausal.estimation import TLearner
    >>> from skcausal.validation import get_scorer
    >>> data = make_observational(600, effect="linear", noise=0.1, random_state=0)
    >>> target = causal_target(data.y, data.treatment)
    >>> scorer = get_scorer("r_score")
    >>> scores = cross_val_score(
    ...     TLearner(LinearRegression()), data.X, target, scoring=scorer, cv=2
    ... )
    >>> bool((scores > 0).all())
    True
    """
    if name not in _METRICS:
        raise ValueError(
            f"get_scorer: name must be one of {', '.join(map(repr, _METRICS))}, got "
            f"{name!r}."
        )
    options = EvaluationOptions(
        outcome_model, propensity_model, cv, random_state, n_jobs
    )
    return CausalScorer(name, options)
