"""compare_learners: a cross-validated leaderboard of learners."""

from typing import Any

import numpy as np
import pandas as pd
from sklearn.model_selection import cross_validate

from skcausal.estimation._evaluation import add_nuisances
from skcausal.estimation._models import fresh_copy
from skcausal.estimation._wrapping import named_learners, target_of
from skcausal.utils._splitters import TreatmentStratifiedKFold
from skcausal.utils._target import fields_of, resolve_target
from skcausal.validation._scorers import get_scorer


def compare_learners(
    learners: Any,
    X: Any,
    y: Any,
    *,
    treatment: Any = None,
    sample_weight: Any = None,
    groups: Any = None,
    scoring: Any = "r_score",
    cv: Any = 5,
    n_jobs: int | None = None,
    random_state: int = 0,
    progress: bool = False,
) -> pd.DataFrame:
    """Compare learners by cross-validated causal scores.

    Parameters
    ----------
    learners : list of (name, learner) or dict of name to learner
        Candidates: learners, or Pipelines that end in one.
    X : array-like or DataFrame of shape (n, n_features)
        Covariates, as the candidates take them.
    y : array-like of shape (n,)
        Outcome, or a ``causal_target``.
    treatment : array-like of shape (n,), default=None
        Treatment, unless it travels in ``y``.
    sample_weight, groups : array-like of shape (n,), default=None
        Weights and clusters of the rows; groups are never split.
    scoring : str or list of str, default="r_score"
        Names for :func:`get_scorer`; the first one ranks.
    cv : int, splitter or list of (train, test), default=5
        Folds, the same for all candidates; integers keep arms in proportion.
    n_jobs : int, default=None
        Parallel folds per candidate.
    random_state : int, default=0
        Seed of folds and nuisances, and of candidates that have none.
    progress : bool, default=False
        Show a progress bar.

    Returns
    -------
    leaderboard : pandas.DataFrame
        One row per learner, best first: for each score its mean over folds and its
        standard error; for the first score ``difference`` to the best learner with its
        paired standard error; ``fit_seconds`` per fold.

    Raises
    ------
    ValueError
        If names repeat, a score is unknown, or a candidate refuses the data.

    Notes
    -----
    Assumes no unmeasured confounding given X, and overlap. All candidates are scored on
    the same folds with the same nuisances, estimated once, so differences are paired:
    their standard error over folds is far smaller than that of each score. Standard
    errors take folds as independent, which is slightly optimistic because their
    training rows overlap.

    Examples
    --------
    >>> from sklearn.linear_model import LinearRegression
    >>> from skcausal.datasets import make_observational
    >>> from skcausal.estimation import SLearner, TLearner
    >>> from skcausal.validation import compare_learners
    >>> data = make_observational(600, effect="linear", noise=0.1, random_state=0)
    >>> model = LinearRegression()
    >>> table = compare_learners(
    ...     [("s", SLearner(model)), ("t", TLearner(model))],
    ...     data.X, data.y, treatment=data.treatment,
    ... )
    >>> table.index[0]
    't'
    """
    owner = "compare_learners"
    learners = named_learners(learners, owner)
    scores = [scoring] if isinstance(scoring, str) else list(scoring)
    scorers = {name: get_scorer(name, random_state=random_state) for name in scores}
    parts = resolve_target(owner, y, treatment, sample_weight, groups)
    splits = _splits(cv, target_of(parts), random_state)
    target = add_nuisances(
        X, target_of(parts), cv=splits, random_state=random_state, n_jobs=n_jobs
    )
    results = {}
    for name, learner in _with_progress(learners, progress):
        results[name] = cross_validate(
            fresh_copy(learner, random_state),
            X,
            target,
            scoring=scorers,
            cv=splits,
            n_jobs=n_jobs,
            error_score="raise",
        )
    return _leaderboard(results, scores)


def _splits(cv: Any, target: np.ndarray, random_state: int) -> list[Any]:
    """Return the folds as a list, so that every candidate gets the same."""
    if isinstance(cv, (int, np.integer)):
        cv = TreatmentStratifiedKFold(int(cv), random_state=random_state)
    if not hasattr(cv, "split"):
        return list(cv)
    groups = fields_of(target).get("groups")
    return list(cv.split(target, target, groups))


def _with_progress(learners: list[tuple[str, Any]], progress: bool) -> Any:
    if not progress:
        return learners
    from tqdm.auto import tqdm

    return tqdm(learners, desc="compare_learners")


def _leaderboard(results: dict[str, Any], scores: list[str]) -> pd.DataFrame:
    """Turn the fold scores into means, standard errors and paired differences."""

    def error(values: np.ndarray) -> float:
        return float(values.std(ddof=1) / np.sqrt(values.shape[0]))

    main = f"test_{scores[0]}"
    best = max(results, key=lambda name: float(results[name][main].mean()))
    rows = {}
    for name, result in results.items():
        row = {}
        for score in scores:
            values = result[f"test_{score}"]
            row[score] = float(values.mean())
            row[f"{score}_standard_error"] = error(values)
        difference = result[main] - results[best][main]
        row["difference"] = float(difference.mean())
        row["difference_standard_error"] = error(difference)
        row["fit_seconds"] = float(result["fit_time"].mean())
        rows[name] = row
    table = pd.DataFrame.from_dict(rows, orient="index")
    return table.sort_values(scores[0], ascending=False)
