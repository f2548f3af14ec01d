"""refute: attack an estimate from all sides."""

import time
from dataclasses import replace
from typing import Any

import numpy as np
from joblib import effective_n_jobs

from skcausal.estimation._delegation import final_learner
from skcausal.estimation._known_propensity import KnownPropensity
from skcausal.estimation._wrapping import target_of
from skcausal.utils._target import check_treatment_values, fields_of, resolve_target
from skcausal.utils._validation import check_outcome
from skcausal.validation._refuting._base import Refuter
from skcausal.validation._refuting._confounders import SimulatedConfounder
from skcausal.validation._refuting._data import RefutationData
from skcausal.validation._refuting._left_out import LeaveOneConfounderOut
from skcausal.validation._refuting._null import (
    DummyOutcome,
    NegativeControlOutcome,
    NegativeControlTreatment,
    PlaceboTreatment,
)
from skcausal.validation._refuting._result import Refutation, refutation_of
from skcausal.validation._refuting._running import (
    FirstFit,
    Job,
    announce,
    first_fit,
    fitted_estimate,
    labels_of,
    run_jobs,
    with_refit_folds,
)
from skcausal.validation._refuting._stability import (
    BootstrapSample,
    DataSubset,
    RandomCommonCause,
)

_OWNER = "refute"


def refute(
    estimator: Any,
    X: Any,
    y: Any,
    *,
    treatment: Any = None,
    sample_weight: Any = None,
    groups: Any = None,
    refuters: Any = "all",
    n_simulations: int = 20,
    cv: Any = "auto",
    negative_outcome: Any = None,
    negative_treatment: Any = None,
    n_jobs: int | None = None,
    random_state: int | None = None,
    progress: bool = True,
) -> Refutation:
    r"""Attack an estimate: refit it on changed tables whose answer is known.

    Parameters
    ----------
    estimator : estimator
        Any effect estimator, fitted or not, or a Pipeline or search that ends in one;
        copies are fitted, the estimator itself stays as it is.
    X : array-like, sparse matrix or DataFrame of shape (n, n_features)
        Covariates, as the estimator takes them.
    y : array-like of shape (n,)
        Outcome, or a ``causal_target``, which may hold instrument, propensity or event.
    treatment : array-like of shape (n,), default=None
        Treatment, unless it travels in ``y``.
    sample_weight, groups : array-like of shape (n,), default=None
        Weights and clusters of the rows.
    refuters : "all" or list of Refuter, default="all"
        "all" runs every refuter of this module with its default parameters that suits
        the table; the others are named in ``notes``.
    n_simulations : int, default=20
        Refits per refuter; 100 or more for p-values that do not rest on normality.
    cv : "auto", int or None, default="auto"
        Folds of cross-fitting in refits, where the estimator has an integer ``cv``.
        "auto" is 2 for tables of 10,000 rows or more, which is three times faster than
        5 and named in ``notes``; None keeps those of the estimator.
    negative_outcome : array-like of shape (n,), default=None
        Outcome that the treatment cannot affect, for :class:`NegativeControlOutcome`.
    negative_treatment : array-like of shape (n,), default=None
        Treatment that cannot affect the outcome, for
        :class:`NegativeControlTreatment`.
    n_jobs : int, default=None
        Refits in parallel; None is 1 unless in a joblib context.
    random_state : int, default=None
        Seed of all simulations, and of estimators that have none.
    progress : bool, default=True
        Say the expected time first, then show a progress bar (both on standard error).

    Returns
    -------
    refutation : Refutation
        Table of verdicts, all simulations, details and notes.

    Raises
    ------
    ValueError
        If a parameter is out of range, or a refuter that was asked for by name cannot
        run on this table.
    TypeError
        If the estimator has no effect, or ``refuters`` holds something else.

    See Also
    --------
    RefutationDisplay : The same as a picture.

    Notes
    -----
    Assumes what the estimator assumes; passing is no proof of it. Refuters find
    estimators that make up effects, depend on irrelevant things or cannot remove the
    confounding they see. Hidden confounding leaves no trace in a table: only the
    simulated confounder and negative controls speak about it. A p-value belongs to the
    hypothesis that the expected effect is right; see the classes for each statistic.

    Refits whose treatment and covariates stay (invented outcomes, negative outcomes)
    reuse the out-of-fold propensities of the first fit where the estimator is doubly
    robust with arms and has one repetition.

    References
    ----------
    Sharma, A., Syrgkanis, V., Zhang, C., & Kiciman, E. (2021). DoWhy: addressing
    challenges in expressing and validating causal assumptions.
    https://arxiv.org/abs/2108.13518

    Examples
    --------
    >>> from sklearn.linear_model import LinearRegression, LogisticRegression
    >>> from skcausal.datasets import make_observational
    >>> from skcausal.estimation import AIPW
    >>> from skcausal.validation import PlaceboTreatment, RandomCommonCause, refute
    >>> data = make_observational(400, effect="constant", random_state=0)
    >>> aipw = AIPW(LinearRegression(), LogisticRegression(), cv=2, random_state=0)
    >>> found = refute(
    ...     aipw, data.X, data.y, treatment=data.treatment, n_simulations=5,
    ...     refuters=[PlaceboTreatment(), RandomCommonCause()], random_state=0,
    ...     progress=False,
    ... )
    >>> found.table["passed"].tolist()
    [True, True]
    """
    start = time.perf_counter()
    name = _learner_name(estimator)
    asked = _checked(refuters, n_simulations, cv)
    root = np.random.SeedSequence(random_state)
    seed = _integer(root)
    parts = resolve_target(_OWNER, y, treatment, sample_weight, groups)
    X = X if hasattr(X, "shape") else np.asarray(X)
    data = _unchanged(
        X, target_of(parts), estimator, negative_outcome, negative_treatment
    )
    refitted, note = with_refit_folds(estimator, cv, data.n_rows)
    first = first_fit(refitted, data, seed, n_jobs)
    estimate = first.estimate
    if note:
        estimate = fitted_estimate(estimator, data, seed)[1]
    data = _with_first_fit(data, first)
    ready, notes = _ready(asked, data, seed, is_choice=refuters != "all")
    jobs = _jobs(ready, n_simulations, root, seed)
    if progress:
        announce(name, len(jobs), first.seconds, effective_n_jobs(n_jobs))
    simulations = run_jobs(refitted, jobs, n_jobs=n_jobs, progress=progress)
    return refutation_of(
        name,
        estimate,
        list(zip(ready, simulations, strict=True)),
        notes=[note, *notes] if note else notes,
        seconds=time.perf_counter() - start,
    )


def all_refuters() -> list[Refuter]:
    """Return one of each refuter, with default parameters."""
    return [
        PlaceboTreatment(),
        DummyOutcome("noise"),
        DummyOutcome("learned"),
        RandomCommonCause(),
        DataSubset(),
        BootstrapSample(),
        SimulatedConfounder(),
        LeaveOneConfounderOut(),
        NegativeControlOutcome(),
        NegativeControlTreatment(),
    ]


def _learner_name(estimator: Any) -> str:
    """Return the class of the learner at the end; refuse anything else."""
    learner = final_learner(estimator)
    if not hasattr(learner, "average_effect"):
        raise TypeError(
            f"{_OWNER}: the final step must be an effect learner, which has "
            f"average_effect, got {type(learner).__name__}."
        )
    return type(learner).__name__


def _checked(refuters: Any, n_simulations: int, cv: Any) -> list[Refuter]:
    """Return the refuters asked for, after checking all parameters."""
    if isinstance(refuters, str) and refuters == "all":
        asked = all_refuters()
    else:
        asked = list(refuters) if isinstance(refuters, (list, tuple)) else []
        if not asked or not all(isinstance(one, Refuter) for one in asked):
            raise TypeError(
                f"{_OWNER}: refuters must be 'all' or a list of refuters, such as "
                f"[PlaceboTreatment(), DataSubset(fraction=0.5)], got {refuters!r}."
            )
    is_number = isinstance(n_simulations, (int, np.integer))
    if not is_number or isinstance(n_simulations, bool) or n_simulations < 2:
        raise ValueError(
            f"{_OWNER}: n_simulations must be an integer of at least 2, got "
            f"{n_simulations!r}."
        )
    is_folds = isinstance(cv, (int, np.integer)) and cv >= 2
    if not (cv is None or cv == "auto" or is_folds):
        raise ValueError(
            f"{_OWNER}: cv must be 'auto', None or an integer of at least 2, got "
            f"{cv!r}."
        )
    for one in asked:
        one._check()
    return asked


def _integer(sequence: np.random.SeedSequence) -> int:
    return int(sequence.generate_state(1)[0] >> 1)


def _unchanged(
    X: Any, target: np.ndarray, estimator: Any, outcome: Any, treatment: Any
) -> RefutationData:
    """Return the table as it is, with negative controls, before any estimate."""
    controls: dict[str, Any] = {}
    if outcome is not None:
        owner = f"{_OWNER}: negative_outcome"
        controls["outcome"] = check_outcome(outcome, owner)
    if treatment is not None:
        owner = f"{_OWNER}: negative_treatment"
        controls["treatment"] = check_treatment_values(treatment, owner)
    for name, values in controls.items():
        if values.shape[0] != target.shape[0]:
            raise ValueError(
                f"{_OWNER}: negative_{name} must have one value for each of the "
                f"{target.shape[0]} rows, got {values.shape[0]}."
            )
    none = np.empty(0)
    data = RefutationData(X, target, none, none, none, (), controls=controls)
    return _with_known_propensity(data, estimator)


def _with_known_propensity(data: RefutationData, estimator: Any) -> RefutationData:
    """Move propensities known by design into the target, where they follow the rows."""
    parameters = estimator.get_params(deep=True)
    known = [v for v in parameters.values() if isinstance(v, KnownPropensity)]
    if not known or "propensity" in fields_of(data.target):
        return data
    labels = np.unique(data.treatment)
    controls = [v for k, v in parameters.items() if k.endswith("control_arm")]
    control = next((v for v in controls if v is not None), labels[0])
    order = np.argsort(labels != control, kind="stable")  # control first, then sorted
    table = known[0].for_rows(labels[order], data.n_rows)
    return data.changed(propensity=table[:, np.argsort(order)])


def _with_first_fit(data: RefutationData, first: FirstFit) -> RefutationData:
    """Add what the first fit says: effects, arms, propensities to share."""
    value = np.atleast_1d(first.estimate.value)
    return replace(
        data,
        effect=value,
        standard_error=np.atleast_1d(first.estimate.standard_error),
        expected=value,
        labels=labels_of(first.estimate),
        arms=None if first.arms is None else np.asarray(first.arms),
        null=float(first.estimate.null),
        shared_propensity=first.propensity,
    )


def _ready(
    asked: list[Refuter], data: RefutationData, seed: int, *, is_choice: bool
) -> tuple[list[tuple[Refuter, RefutationData]], list[str]]:
    """Return the refuters that can run, each with its table, and why others cannot."""
    ready, notes = [], []
    for refuter in asked:
        reason = refuter._unavailable(data)
        if reason is None:
            try:
                ready.append((refuter, refuter._prepared(data, seed)))
                continue
            except Exception as error:  # whatever a model raises on such columns
                reason = (
                    f"its model could not learn the outcome from X ({error}); give a "
                    "Pipeline that can as model="
                )
        message = f"{refuter._name} cannot run: {reason}."
        if is_choice:
            raise ValueError(f"{_OWNER}: {message}")
        notes.append(message)
    return ready, notes


def _jobs(
    ready: list[tuple[Refuter, RefutationData]],
    n_simulations: int,
    root: np.random.SeedSequence,
    seed: int,
) -> list[Job]:
    """List all refits, each with seeds of its own."""
    jobs = []
    for position, (refuter, data) in enumerate(ready):
        (branch,) = root.spawn(1)
        settings = refuter._settings(data, n_simulations, _integer(branch))
        for setting, leaf in zip(settings, branch.spawn(len(settings)), strict=True):
            model_seed = seed if refuter._paired else _integer(leaf)
            jobs.append(Job(refuter, data, setting, position, leaf, model_seed))
    return jobs
