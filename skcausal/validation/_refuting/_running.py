"""Run all simulations of all refuters as one flat list of parallel jobs."""

import sys
import time
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from joblib import Parallel, delayed

from skcausal.estimation._cache import bypassed
from skcausal.estimation._delegation import effect_of, final_learner
from skcausal.estimation._models import fresh_copy
from skcausal.inference import EffectEstimate
from skcausal.utils._target import fields_of
from skcausal.validation._refuting._base import Refuter, Simulation
from skcausal.validation._refuting._data import RefutationData

MANY_ROWS = 10_000  # from which on half of the rows train nuisances as well as most


@dataclass(frozen=True, eq=False)
class Job:
    """One refit: which refuter changes which table, how, and with which seeds."""

    refuter: Refuter
    data: RefutationData
    setting: Any
    position: int  # of the refuter
    seed: np.random.SeedSequence
    model_seed: int


def run_jobs(
    estimator: Any, jobs: list[Job], *, n_jobs: int | None, progress: bool
) -> list[list[Simulation]]:
    """Run the jobs; return the simulations of each refuter, in their order."""
    results: list[list[tuple[int, Simulation]]] = [[] for _ in range(n_refuters(jobs))]
    runs = Parallel(n_jobs=n_jobs, return_as="generator_unordered")(
        delayed(_numbered)(number, estimator, job) for number, job in enumerate(jobs)
    )
    for number, simulation in _with_progress(runs, len(jobs), progress):
        results[jobs[number].position].append((number, simulation))
    return [
        [simulation for _, simulation in sorted(part, key=lambda pair: pair[0])]
        for part in results
    ]


def n_refuters(jobs: list[Job]) -> int:
    """Return how many refuters the jobs belong to."""
    return max((job.position for job in jobs), default=-1) + 1


def _with_progress(runs: Any, total: int, progress: bool) -> Iterator[Any]:
    if not progress:
        yield from runs
        return
    from tqdm.auto import tqdm

    yield from tqdm(runs, total=total, desc="refute", unit="fit")


def _numbered(number: int, estimator: Any, job: Job) -> tuple[int, Simulation]:
    return number, simulate(estimator, job)


def simulate(estimator: Any, job: Job) -> Simulation:
    """Change the table, refit and estimate; an error is reported, not raised."""
    start = time.perf_counter()
    random = np.random.default_rng(job.seed)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            data = job.refuter._alter(job.data, job.setting, random)
            adapted = job.refuter._adapted(estimator)
            estimate = fitted_estimate(adapted, data, job.model_seed)[1]
            found = _as_simulation(job.setting, data, estimate)
        except Exception as error:
            found = {"failure": f"{type(error).__name__}: {error}"}
    names = tuple(sorted({item.category.__name__ for item in caught}))
    seconds = time.perf_counter() - start
    return Simulation(setting=job.setting, seconds=seconds, warnings=names, **found)


def _as_simulation(
    setting: Any, data: RefutationData, estimate: EffectEstimate
) -> dict[str, Any]:
    """Return the numbers of an estimate beside those that were expected."""
    value = np.atleast_1d(estimate.value)
    if not np.isfinite(value).all():
        return {"failure": f"the estimated effect is {value.tolist()}"}
    return {
        "value": value,
        "standard_error": np.atleast_1d(estimate.standard_error),
        "expected": np.broadcast_to(data.expected, value.shape),
        "labels": labels_of(estimate),
    }


def with_refit_folds(estimator: Any, cv: Any, n_rows: int) -> tuple[Any, str]:
    """Return the estimator with the folds of refits, and a note if they are others."""
    if cv is None or (cv == "auto" and n_rows < MANY_ROWS):
        return estimator, ""
    wanted = 2 if cv == "auto" else int(cv)
    parts = {"": estimator} | estimator.get_params(deep=True)
    changes = {}
    for name, part in parts.items():
        own = getattr(part, "cv", None) if hasattr(part, "effect") else None
        if isinstance(own, (int, np.integer)) and (own > wanted or cv != "auto"):
            changes[f"{name}__cv" if name else "cv"] = wanted
    if not changes:
        return estimator, ""
    note = (
        f"Refits use cv={wanted} folds of cross-fitting to save time, and are compared "
        "with such a fit of the unchanged table; cv=None keeps those of the estimator."
    )
    return fresh_copy(estimator, None).set_params(**changes), note


def labels_of(estimate: EffectEstimate) -> tuple[str, ...]:
    """Return the names of the effects as text."""
    return tuple(map(str, estimate.labels or (estimate.name,)))


def fitted_estimate(
    estimator: Any, data: RefutationData, seed: int
) -> tuple[Any, EffectEstimate]:
    """Fit a copy on the table; return it with its average effect.

    The cache is left alone: changed tables would only fill it.
    """
    with bypassed():
        fitted = fresh_copy(estimator, seed).fit(data.X, data.fit_target())
        return fitted, effect_of(fitted).average_effect()


@dataclass(frozen=True, eq=False)
class FirstFit:
    """What the fit of the unchanged table says."""

    estimate: EffectEstimate
    arms: np.ndarray | None
    propensity: np.ndarray | None
    seconds: float
    warnings: tuple[tuple[str, type[Warning]], ...]


def first_fit(
    estimator: Any, data: RefutationData, seed: int, n_jobs: int | None
) -> FirstFit:
    """Fit the unchanged table where refits will run, with the threads they will have.

    Warnings of a worker are repeated here.
    """
    job = delayed(_first_fit)(estimator, data, seed)
    (first,) = Parallel(n_jobs=n_jobs)([job])
    for message, category in first.warnings:
        warnings.warn(f"{message}", category, stacklevel=3)
    return first


def _first_fit(estimator: Any, data: RefutationData, seed: int) -> FirstFit:
    start = time.perf_counter()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        fitted, estimate = fitted_estimate(estimator, data, seed)
    learner = final_learner(fitted)
    return FirstFit(
        estimate=estimate,
        arms=getattr(learner, "arms_", None),
        propensity=_shareable(learner, data),
        seconds=time.perf_counter() - start,
        warnings=tuple((str(item.message), item.category) for item in caught),
    )


def _shareable(learner: Any, data: RefutationData) -> np.ndarray | None:
    """Return out-of-fold propensities, where taking them as known changes no method.

    That is so for doubly robust estimators, whose error is of second order in the
    propensity; an estimator that has a propensity only accounts for its estimation.
    """
    nuisances = getattr(learner, "nuisances_", None)
    names = set(getattr(nuisances, "fits", {}))
    propensity = names & {"propensity", "treatment_mean"}
    is_robust = any(name.startswith("outcome") for name in names)
    fields = fields_of(data.target)
    given = "propensity" in fields or "instrument" in fields
    if not propensity or not is_robust or given or learner.arms_ is None:
        return None
    assert nuisances is not None
    values = nuisances[propensity.pop()]
    if values.shape[:2] != (1, data.n_rows) or not ((values > 0) & (values < 1)).all():
        return None
    return values[0][:, np.argsort(learner.arms_)]


def announce(estimator_name: str, n_fits: int, seconds: float, jobs: int) -> None:
    """Say before the work how long it will take."""
    expected = in_words(n_fits * seconds / min(jobs, max(n_fits, 1)))
    plural = "job" if jobs == 1 else "jobs"
    sys.stderr.write(
        f"refute: {n_fits} fits of {estimator_name}, {seconds:.2g} s each, {jobs} "
        f"{plural}: about {expected}\n"
    )


def in_words(seconds: float) -> str:
    """Write a duration."""
    if seconds < 120:
        return f"{max(seconds, 1):.0f} s"
    minutes = seconds / 60
    return f"{minutes:.0f} min" if minutes < 120 else f"{minutes / 60:.1f} h"
