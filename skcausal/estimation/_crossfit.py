"""The only fold loop of the library: nuisances x folds in one flat parallel call."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from joblib import Memory, Parallel, delayed
from sklearn.utils.validation import check_memory

from skcausal.estimation._cache import cached, content_key, lookup, store
from skcausal.estimation._data import CausalData
from skcausal.estimation._defaults import (
    default_classifier,
    default_hazard_classifier,
    default_regressor,
)
from skcausal.estimation._folds import Folds
from skcausal.estimation._hazards import HazardModel, HazardNuisance
from skcausal.estimation._known_propensity import KnownPropensity
from skcausal.estimation._models import (
    ConstantModel,
    arm_probabilities,
    fit_model,
    fresh_copy,
    is_classifier_model,
    is_estimator,
    predict_mean,
)
from skcausal.estimation._nuisances import (
    Nuisance,
    NuisanceEstimates,
    NuisanceFit,
    with_treatment,
)
from skcausal.utils._validation import take_rows


@dataclass(frozen=True)
class FitSettings:
    """How base models are fitted: seed, parallelism and sharing.

    Parameters
    ----------
    owner : str
        Named in errors.
    seed : int
        Seeds are derived from it per repetition, fold and column.
    share : bool
        Whether results may be reused; only true for an integer random_state.
    n_jobs : int or None
        Number of parallel jobs.
    memory : str, joblib.Memory or None
        Where results persist on disk.
    """

    owner: str
    seed: int
    share: bool = False
    n_jobs: int | None = None
    memory: Any = None


@dataclass(frozen=True, eq=False)
class _Job:
    """One base model to fit: on which rows, and where its predictions go."""

    nuisance: Nuisance
    model: Any
    column: int
    repeat: int
    train: np.ndarray
    test: np.ndarray | None
    seed: int


def cross_fit(
    nuisances: tuple[Nuisance, ...],
    models: dict[str, Any],
    data: CausalData,
    folds: Folds,
    settings: FitSettings,
) -> NuisanceEstimates:
    """Estimate nuisances out of fold.

    Parameters
    ----------
    nuisances : tuple of Nuisance
        What to estimate.
    models : dict of str to estimator or None
        Base model by constructor parameter; None means the default.
    data : CausalData
        Rows to predict and to train on.
    folds : Folds
        Which rows are held out together.
    settings : FitSettings
        Seeds, parallelism, sharing.

    Returns
    -------
    estimates : NuisanceEstimates
        Out-of-fold predictions by name.
    """
    fits: dict[str, NuisanceFit] = {}
    pending: dict[str, tuple[Nuisance, str | None]] = {}
    for nuisance in nuisances:
        model = models[nuisance.parameter]
        known = _known_propensity(nuisance, model, data, folds)
        key = _key(nuisance, model, data, settings, folds.content_hash)
        fit = known if known is not None else lookup(key)
        if fit is not None:
            fits[nuisance.name] = fit
        else:
            check_model(nuisance, model, data, settings.owner)
            pending[nuisance.name] = (nuisance, key)
    if pending:
        todo = [nuisance for nuisance, _ in pending.values()]
        for name, fit in _computed(todo, models, data, folds, settings).items():
            store(pending[name][1], fit)
            fits[name] = fit
    return NuisanceEstimates(
        {nuisance.name: fits[nuisance.name] for nuisance in nuisances}
    )


def fit_in_full(
    nuisance: Nuisance, model: Any, data: CausalData, settings: FitSettings
) -> list[Any]:
    """Fit the model(s) of a nuisance on all their rows; return one per column."""
    check_model(nuisance, model, data, settings.owner)
    key = _key(nuisance, model, data, settings, "full")
    jobs = [
        _Job(
            nuisance=nuisance,
            model=model,
            column=column,
            repeat=0,
            train=nuisance.training_rows(data, column),
            test=None,
            seed=_job_seed(settings.seed, nuisance, 0, -1, column),
        )
        for column in nuisance.columns(data)
    ]
    return cached(key, lambda: [r[0] for r in _run(jobs, data, settings)])


def _key(
    nuisance: Nuisance, model: Any, data: CausalData, settings: FitSettings, rows: str
) -> str | None:
    """Return the content key of a nuisance, or None if it must not be shared."""
    if not settings.share:
        return None
    return content_key(nuisance.kind, model, data.content_hash, settings.seed, rows)


def _known_propensity(
    nuisance: Nuisance, model: Any, data: CausalData, folds: Folds
) -> NuisanceFit | None:
    """Return propensities known by design, if there are any."""
    predicts_arms = nuisance.target == "treatment" and nuisance.predicts_arms(data)
    if data.arms is None or not predicts_arms:
        return None
    if data.known_propensity is not None:
        table = data.known_propensity
    elif isinstance(model, KnownPropensity):
        table = model.for_rows(data.arms, data.n_rows)
    else:
        return None
    values = np.broadcast_to(table, (folds.n_repeats, *table.shape))
    losses = -np.log(table[np.arange(data.n_rows), data.treatment]).mean(keepdims=True)
    return NuisanceFit(values, losses)


def _computed(
    nuisances: list[Nuisance],
    models: dict[str, Any],
    data: CausalData,
    folds: Folds,
    settings: FitSettings,
) -> dict[str, NuisanceFit]:
    """Fit what is not cached: all at once, or one by one through a joblib.Memory."""
    arguments = (models, data, folds, settings)
    if settings.memory is None:
        return _fit_jobs(nuisances, *arguments)
    memory: Memory = check_memory(settings.memory)
    remembered = memory.cache(_fit_one_nuisance, ignore=["n_jobs"])
    return {
        n.name: remembered(
            n,
            models[n.parameter],
            data,
            folds.assignment,
            settings.seed,
            settings.n_jobs,
        )
        for n in nuisances
    }


def _fit_one_nuisance(
    nuisance: Nuisance,
    model: Any,
    data: CausalData,
    assignment: np.ndarray,
    seed: int,
    n_jobs: int | None,
) -> NuisanceFit:
    """Fit one nuisance; a function of plain arguments, as joblib.Memory needs."""
    settings = FitSettings("cross_fit", seed, n_jobs=n_jobs)
    models = {nuisance.parameter: model}
    return _fit_jobs([nuisance], models, data, Folds(assignment), settings)[
        nuisance.name
    ]


def _fit_jobs(
    nuisances: list[Nuisance],
    models: dict[str, Any],
    data: CausalData,
    folds: Folds,
    settings: FitSettings,
) -> dict[str, NuisanceFit]:
    """Fit every nuisance x fold x column and gather the out-of-fold predictions."""
    jobs = [
        _Job(
            nuisance=nuisance,
            model=models[nuisance.parameter],
            column=column,
            repeat=repeat,
            train=nuisance.training_rows(data, column) & ~held_out,
            test=held_out,
            seed=_job_seed(settings.seed, nuisance, repeat, fold, column),
        )
        for repeat, fold, held_out in folds.splits()
        for nuisance in nuisances
        for column in nuisance.columns(data)
    ]
    results = _run(jobs, data, settings)
    return {n.name: _gathered(n, jobs, results, data, folds) for n in nuisances}


def _gathered(
    nuisance: Nuisance,
    jobs: list[_Job],
    results: list[tuple[Any, Any, float]],
    data: CausalData,
    folds: Folds,
) -> NuisanceFit:
    """Put the predictions of one nuisance into one array."""
    columns = nuisance.columns(data)
    is_table = nuisance.predicts_arms(data)
    width = data.n_arms if is_table else len(columns)
    if isinstance(nuisance, HazardNuisance):
        width *= len(nuisance.grid)
    values = np.empty((folds.n_repeats, data.n_rows, width))
    losses, models = [], []
    for job, (model, prediction, loss) in zip(jobs, results, strict=True):
        if job.nuisance.name != nuisance.name:
            continue
        place = slice(None) if is_table else slice(*_one(columns.index(job.column)))
        rows = np.flatnonzero(np.asarray(job.test))
        values[job.repeat, rows, place] = prediction.reshape(rows.shape[0], -1)
        losses.append(loss)
        models.append(model)
    values.setflags(write=False)
    return NuisanceFit(values, np.array(losses), tuple(models))


def _one(position: int) -> tuple[int, int]:
    """Return the bounds of a slice of length one."""
    return position, position + 1


def _run(
    jobs: list[_Job], data: CausalData, settings: FitSettings
) -> list[tuple[Any, Any, float]]:
    """Run the jobs, in parallel where asked."""
    return Parallel(n_jobs=settings.n_jobs)(
        delayed(_fit_and_predict)(job, data, settings.owner) for job in jobs
    )


def _fit_and_predict(job: _Job, data: CausalData, owner: str) -> tuple[Any, Any, float]:
    """Fit one base model; return it, its held-out predictions and their loss."""
    nuisance = job.nuisance
    target = _target(nuisance, data)
    rows = np.flatnonzero(job.train)
    model = _unfitted(job, data, rows.shape[0])
    role = f"{owner}: {nuisance.parameter}"
    weight = None if data.sample_weight is None else data.sample_weight[rows]
    y_train = target[rows]
    if nuisance.may_be_constant and np.ptp(y_train) == 0:
        model = ConstantModel(float(y_train[0]))
    else:
        X_train = nuisance.features(take_rows(data.X, rows), data, rows)
        model = fit_model(model, X_train, y_train, weight, role)
    if job.test is None:
        return model, None, np.nan
    prediction = predict_nuisance(nuisance, model, take_rows(data.X, job.test), data)
    return model, prediction, _loss(nuisance, prediction, job, data)


def _unfitted(job: _Job, data: CausalData, n_rows: int) -> Any:
    """Return a seeded copy of the model, or the default for that many rows."""
    nuisance, model = job.nuisance, job.model
    if isinstance(nuisance, HazardNuisance):
        model = default_hazard_classifier(n_rows) if model is None else model
        model = HazardModel(model, nuisance.times, nuisance.parameter)
    elif model is None:
        classifies = nuisance.uses_classifier(data)
        model = (default_classifier if classifies else default_regressor)(n_rows)
    return fresh_copy(model, job.seed)


def _target(nuisance: Nuisance, data: CausalData) -> np.ndarray:
    """Return what the base model has to predict."""
    if nuisance.target == "treatment":
        return data.treatment
    if isinstance(nuisance, HazardNuisance):
        return nuisance.spells(data)
    if nuisance.target == "instrument":
        assert data.instrument is not None
        values = data.instrument
        return values.astype(int) if data.binary_instrument else values
    return data.outcome.astype(int) if data.binary_outcome else data.outcome


def predict_nuisance(
    nuisance: Nuisance, model: Any, X: Any, data: CausalData
) -> np.ndarray:
    """Predict a nuisance: class probabilities, means at each arm, or a mean."""
    if nuisance.rows == "pooled" and data.is_discrete:
        tables = [with_treatment(X, arm, data.n_arms) for arm in range(data.n_arms)]
        if isinstance(nuisance, HazardNuisance):
            return np.hstack([model.predict(table) for table in tables])
        return np.column_stack([predict_mean(model, table) for table in tables])
    if nuisance.target == "treatment" and nuisance.predicts_arms(data):
        assert data.arms is not None
        return arm_probabilities(model, X, data.arms, nuisance.parameter)
    return predict_mean(model, X)


def _loss(
    nuisance: Nuisance, prediction: np.ndarray, job: _Job, data: CausalData
) -> float:
    """Return the held-out loss: log-loss of arms, mean squared error of means."""
    held_out = np.flatnonzero(np.asarray(job.test))
    if isinstance(nuisance, HazardNuisance):
        return nuisance.loss(prediction, data.take(held_out))
    if prediction.ndim == 2:
        chosen = prediction[np.arange(held_out.shape[0]), data.treatment[held_out]]
        if nuisance.target == "outcome":
            return float(((data.outcome[held_out] - chosen) ** 2).mean())
        return float(-np.log(np.clip(chosen, 1e-15, 1)).mean())
    trainable = nuisance.training_rows(data, job.column)[held_out]
    if not trainable.any():
        return np.nan
    actual = _target(nuisance, data)[held_out]
    return float(((actual - prediction)[trainable] ** 2).mean())


def _job_seed(
    seed: int, nuisance: Nuisance, repeat: int, fold: int, column: int
) -> int:
    """Derive a seed that depends on the job only, not on the order of jobs."""
    kind = sum(nuisance.kind.encode())
    sequence = np.random.SeedSequence([seed, kind, repeat, fold + 1, column])
    return int(sequence.generate_state(1)[0] >> 1)


def check_model(nuisance: Nuisance, model: Any, data: CausalData, owner: str) -> None:
    """Refuse a base model that cannot predict this nuisance."""
    if model is None:
        return
    role = f"{owner}: {nuisance.parameter}={model!r}"
    if not is_estimator(model):
        is_number = nuisance.target == "treatment" and not isinstance(model, type)
        known = "; known probabilities go into KnownPropensity" if is_number else ""
        raise TypeError(
            f"{role} must be a scikit-learn estimator instance or None (the default)"
            f"{known}."
        )
    classifies = is_classifier_model(model)
    if nuisance.target == "treatment":
        if data.is_discrete and not (classifies or hasattr(model, "predict_proba")):
            raise ValueError(
                f"{role} must be a classifier with predict_proba, because the "
                "treatment has arms. Use a classifier, or treatment_type='continuous'."
            )
        if not data.is_discrete and classifies:
            raise ValueError(
                f"{role} is a classifier, but the treatment is continuous. Use a "
                "regressor, or treatment_type='discrete'."
            )
    elif classifies and not nuisance.uses_classifier(data):
        hint = ", or outcome_type='binary' for an outcome of 0 and 1"
        raise ValueError(
            f"{role} is a classifier, but the {nuisance.target} is not binary. Use a "
            f"regressor{hint if nuisance.target == 'outcome' else ''}."
        )
