"""Survival times under right-censoring whose effects are known exactly."""

from copy import deepcopy
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from scipy.special import expit
from scipy.stats import beta, norm, poisson, qmc
from sklearn.utils import Bunch, check_random_state

from skcausal.datasets._bunch import average_effects, make_bunch, truth_from_means
from skcausal.datasets._checks import check_integer, check_number, check_option

_OWNER = "make_survival"
_HORIZONS = {1: 1.5, 2: 2.0, 3: 15.0, 4: 3.0}
_TIMES_ASKED = {1: 0.8, 2: 1.2, 3: 10.0, 4: 2.0}  # for the survival probability
_USED_FEATURES = 3
_POPULATION_POINTS = 1 << 16


class _Question(NamedTuple):
    """What is asked of which setting (hashable, so that truth is cached)."""

    setting: int
    horizon: float
    target: str


def make_survival(
    n_rows: int = 2000,
    n_features: int = 5,
    *,
    setting: int = 1,
    horizon: float | None = None,
    target: str = "restricted_mean",
    censoring_scale: float = 1.0,
    random_state: Any = None,
) -> Bunch:
    """Make a table of censored survival times with known effects of a treatment.

    The four simulation settings of Cui et al. (2023).

    Parameters
    ----------
    n_rows : int, default=2000
        Number of rows.
    n_features : int, default=5
        Number of independent features, uniform on (0, 1); the first three matter.
    setting : {1, 2, 3, 4}, default=1
        1: accelerated failure times, censored by a proportional-hazards model; 2:
        proportional hazards, uniform censoring; 3 and 4: whole numbers of both, from
        Poisson distributions. Of the rows 6, 17, 8 and 20 % are censored before the
        horizon.
    horizon : float, default=None
        Time up to which survival counts. None is 1.5, 2, 15 and 3 in the four settings
        for the restricted mean, and 0.8, 1.2, 10 and 2 for the survival probability.
    target : {"restricted_mean", "survival_probability"}, default="restricted_mean"
        Which effect is the truth: on E[min(T, horizon)] or on P(T > horizon).
    censoring_scale : float, default=1.0
        Censoring times (in settings 3 and 4 their means) are multiplied by it: smaller
        numbers censor more rows.
    random_state : int, RandomState instance or None, default=None
        Seed; the same integer gives the same table.

    Returns
    -------
    Bunch
        ``frame`` (``x1``, ``x2``, ..., ``treatment``, ``time``, ``event``), ``X``,
        ``y`` (the observed time, event or censoring, whichever came first),
        ``treatment``, ``event`` (1 if the event was seen), ``horizon``,
        ``description``, ``feature_names``, ``treatment_name``, ``outcome_name``,
        ``event_name``, ``arms``, ``control_arm``, and the truth of the drawn rows:
        ``outcome_means`` (n_rows, 2), ``effect``, ``propensity``, ``average_effect``,
        ``average_effect_treated``, ``average_effect_control`` and
        ``average_effect_overlap``. ``population`` holds the same averages over the
        distribution of the features.

    Raises
    ------
    ValueError
        If an option is out of its range.

    Notes
    -----
    Assumptions: no confounder is hidden, censoring is independent of the survival time
    given features and treatment, rows are independent.

    With ``p`` the density of the beta distribution with parameters 2 and 4, treatment
    has probability ``(1 + p(x1)) / 4`` in settings 1 to 3 and
    ``expit(x1) expit(x2)`` in setting 4. Survival and censoring times, for treatment
    ``w``, standard normal ``z`` and standard exponential ``a``:

    1. ``log T = -1.85 - 0.8 [x1 < 0.5] + 0.7 sqrt(x2) + 0.2 x3
       + (0.7 - 0.4 [x1 < 0.5] - 0.4 sqrt(x2)) w + z``; ``C = sqrt(a / r)`` with
       ``log r = -1.75 - 0.5 sqrt(x2) + 0.2 x3
       + (1.15 + 0.5 [x1 < 0.5] - 0.3 sqrt(x2)) w``.
    2. ``T = (a / exp(x1 + (x2 - 0.5) w)) ** 2``; C uniform on (0, 3).
    3. T Poisson with mean ``x2 ** 2 + x3 + 6 + 2 (sqrt(x1) - 0.3) w``, C Poisson with
       mean ``12 + log(1 + exp(x3))``.
    4. T Poisson with mean ``x2 + x3 + max(0, x1 - 0.3) w``, C Poisson with mean
       ``1 + log(1 + exp(x3))``.

    Effects of rows are exact. ``population`` comes from 65,536 Sobol points.

    References
    ----------
    Cui, Y., Kosorok, M. R., Sverdrup, E., Wager, S., & Zhu, R. (2023). Estimating
    heterogeneous treatment effects with right-censored data via causal survival
    forests. JRSS B, 85(2), section 4. https://doi.org/10.1093/jrsssb/qkac001

    Examples
    --------
    >>> from skcausal.datasets import make_survival
    >>> data = make_survival(500, random_state=0)
    >>> data.frame.columns.tolist()[-3:]
    ['treatment', 'time', 'event']
    >>> round(float(data.event.mean()), 2), round(data.population.average_effect, 3)
    (0.94, 0.085)
    """
    question = _check_question(setting, horizon, target)
    check_integer(_OWNER, "n_rows", n_rows, 1)
    check_integer(_OWNER, "n_features", n_features, _USED_FEATURES)
    check_number(_OWNER, "censoring_scale", censoring_scale, 0, np.inf, "neither")
    generator = check_random_state(random_state)
    features = generator.uniform(size=(n_rows, n_features))
    propensity = _propensity(features, setting)
    treatment = (generator.uniform(size=n_rows) < propensity[:, 1]).astype(np.int64)
    times = _draw_times(features, treatment, setting, censoring_scale, generator)
    survival, censoring = times
    truth = truth_from_means(_arm_means(features, question), treatment, propensity)
    frame = pd.DataFrame(features, columns=[f"x{j + 1}" for j in range(n_features)])
    bunch = make_bunch(
        frame.assign(treatment=treatment, time=np.minimum(survival, censoring)),
        treatment="treatment",
        outcome="time",
        arms=(0, 1),
        population=Bunch(**deepcopy(_population_truth(question))),
        description=f"""Setting {setting} of Cui et al. (2023): {n_rows} rows,
            {n_features} features, right-censored survival times; true effects known
            (target {target}, horizon {question.horizon}).""",
        horizon=question.horizon,
        event_name="event",
        **truth,
    )
    event = pd.Series((survival <= censoring).astype(np.int64), name="event")
    return Bunch(**bunch | {"frame": bunch.frame.assign(event=event), "event": event})


def _check_question(setting: int, horizon: float | None, target: str) -> _Question:
    check_option(_OWNER, "setting", setting, tuple(_HORIZONS))
    targets = ("restricted_mean", "survival_probability")
    check_option(_OWNER, "target", target, targets)
    if horizon is None:
        horizon = (_HORIZONS if target == targets[0] else _TIMES_ASKED)[setting]
    check_number(_OWNER, "horizon", horizon, 0.0, np.inf, closed="neither")
    return _Question(setting, float(horizon), target)


def _propensity(features: np.ndarray, setting: int) -> np.ndarray:
    first, second = features[:, 0], features[:, 1]
    if setting == 4:
        treated = expit(first) * expit(second)
    else:
        treated = (1.0 + beta(2, 4).pdf(first)) / 4.0
    return np.column_stack([1.0 - treated, treated])


def _draw_times(
    features: np.ndarray,
    treatment: np.ndarray,
    setting: int,
    scale: float,
    generator: np.random.RandomState,
) -> tuple[np.ndarray, np.ndarray]:
    """Draw times of the event and of censoring, as if neither hid the other."""
    n_rows, root, third = len(features), np.sqrt(features[:, 1]), features[:, 2]
    parameter = _parameter(features, treatment, setting)
    if setting == 1:
        early = features[:, 0] < 0.5
        index = -1.75 - 0.5 * root + 0.2 * third
        index += (1.15 + 0.5 * early - 0.3 * root) * treatment
        survival = np.exp(parameter + generator.normal(size=n_rows))
        exponential = generator.exponential(size=n_rows)
        return survival, scale * np.sqrt(exponential / np.exp(index))
    if setting == 2:
        survival = (generator.exponential(size=n_rows) / parameter) ** 2
        return survival, scale * 3.0 * generator.uniform(size=n_rows)
    mean = (12.0 if setting == 3 else 1.0) + np.log1p(np.exp(third))
    censoring = generator.poisson(scale * mean)
    return generator.poisson(parameter).astype(float), censoring.astype(float)


def _parameter(features: np.ndarray, treatment: Any, setting: int) -> np.ndarray:
    """Return mean log time (1), hazard rate of the root (2), mean time (3, 4)."""
    first, second, third = features[:, :_USED_FEATURES].T
    if setting == 1:
        early, root = first < 0.5, np.sqrt(second)
        gain = (0.7 - 0.4 * early - 0.4 * root) * treatment
        return -1.85 - 0.8 * early + 0.7 * root + 0.2 * third + gain
    if setting == 2:
        return np.exp(first + (second - 0.5) * treatment)
    if setting == 3:
        return second**2 + third + 6.0 + 2.0 * (np.sqrt(first) - 0.3) * treatment
    return second + third + np.maximum(0.0, first - 0.3) * treatment


def _arm_means(features: np.ndarray, question: _Question) -> np.ndarray:
    setting, horizon, target = question
    mean = _restricted_mean if target == "restricted_mean" else _survival
    arms = [_parameter(features, arm, setting) for arm in (0, 1)]
    return np.column_stack([mean(one, setting, horizon) for one in arms])


def _survival(parameter: np.ndarray, setting: int, time: float) -> np.ndarray:
    """Return P(T > time)."""
    if setting == 1:
        return norm.sf(np.log(time) - parameter)
    if setting == 2:
        return np.exp(-parameter * np.sqrt(time))
    return poisson(parameter).sf(time)


def _restricted_mean(parameter: np.ndarray, setting: int, horizon: float) -> np.ndarray:
    """Return E[min(T, horizon)], the integral of the survival curve."""
    if setting == 1:
        log = np.log(horizon)
        below = np.exp(parameter + 0.5) * norm.cdf(log - parameter - 1.0)
        return below + horizon * norm.sf(log - parameter)
    if setting == 2:
        end = parameter * np.sqrt(horizon)
        return 2.0 / parameter**2 * (1.0 - np.exp(-end) * (1.0 + end))
    whole = np.arange(np.ceil(horizon))
    lengths = np.minimum(whole + 1.0, horizon) - whole
    return poisson(parameter[:, None]).sf(whole) @ lengths


@lru_cache(maxsize=32)
def _population_truth(question: _Question) -> dict[str, Any]:
    """Average effects over the distribution of the features."""
    grid = qmc.Sobol(_USED_FEATURES, scramble=False).random(_POPULATION_POINTS)
    features = grid + 0.5 / _POPULATION_POINTS  # so that none is at 0 or 1
    means = _arm_means(features, question)
    effect = means[:, 1:] - means[:, :1]
    propensity = _propensity(features, question.setting)
    averages = average_effects(effect, propensity)
    averages["average_effect_overlap"] = np.average(
        effect, axis=0, weights=propensity.prod(axis=1)
    )
    return {name: float(value[0]) for name, value in averages.items()}
