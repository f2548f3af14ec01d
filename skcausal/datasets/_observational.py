"""Observational data whose confounding, overlap and effects are set and known."""

from copy import deepcopy
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from scipy.special import expit, softmax
from scipy.stats import norm, qmc
from sklearn.utils import Bunch, check_random_state

from skcausal.datasets._bunch import average_effects, make_bunch, truth_from_means
from skcausal.datasets._checks import check_integer, check_number, check_option

_OWNER = "make_observational"
_SLOPE = 2.0  # change of the log-odds of treatment per unit of confounding
_LOWEST_PROPENSITY = {"good": 0.2, "weak": 0.02}  # times 1 / n_arms
_TREATMENT_SCALE = {"good": 1.0, "weak": 0.3}
_POPULATION_POINTS = 1 << 16


class _Design(NamedTuple):
    """Everything that fixes the distribution (hashable, so that truth is cached)."""

    n_features: int
    strength: float
    shape: str
    effect: str
    overlap: float
    outcome: str
    n_arms: int | None  # None: continuous treatment


def make_observational(
    n_rows: int = 2000,
    n_features: int = 10,
    *,
    confounding: str | float = "linear",
    effect: str = "linear",
    overlap: str | float = "good",
    noise: float = 1.0,
    outcome: str = "continuous",
    treatment: str = "binary",
    n_arms: int = 3,
    random_state: Any = None,
) -> Bunch:
    """Make an observational table with a chosen confounding, effect and overlap.

    Parameters
    ----------
    n_rows : int, default=2000
        Number of rows.
    n_features : int, default=10
        Number of independent standard normal features; the first few matter.
    confounding : {"none", "linear", "nonlinear"} or float, default="linear"
        Shape of the baseline that drives both treatment and outcome; a float is the
        strength of linear confounding. ``"none"`` or 0 randomises the treatment, the
        named shapes have strength 1.
    effect : {"none", "constant", "linear", "nonlinear"}, default="linear"
        Shape of the effect. The mean over the population is 1 for the first treated
        arm (0 with ``"none"``), 1.5 for the second, and so on. For a binary outcome
        the shape holds on the scale of log-odds.
    overlap : {"good", "weak"} or float, default="good"
        A float is the smallest probability any arm can have, in (0, 1 / n_arms);
        ``"good"`` is 0.2 / n_arms, ``"weak"`` is 0.02 / n_arms. For a continuous
        treatment a float is its standard deviation given the features; ``"good"`` is
        1.0 and ``"weak"`` is 0.3.
    noise : float, default=1.0
        Standard deviation of a continuous outcome given features and treatment; a
        binary outcome does not use it.
    outcome : {"continuous", "binary"}, default="continuous"
        Kind of outcome.
    treatment : {"binary", "multi", "continuous"}, default="binary"
        Kind of treatment; arms are 0, 1, ..., with 0 as control.
    n_arms : int, default=3
        Number of arms, control included, of a ``"multi"`` treatment.
    random_state : int, RandomState instance or None, default=None
        Seed; the same integer gives the same table.

    Returns
    -------
    Bunch
        ``frame`` (``x1``, ``x2``, ..., ``treatment``, ``outcome``), ``X``, ``y``,
        ``treatment``, ``description``, ``feature_names``, ``treatment_name``,
        ``outcome_name``, ``arms``, ``control_arm``, and the truth of the drawn rows:
        ``outcome_means`` (n_rows, n_arms), ``effect``, ``average_effect``,
        ``average_effect_treated``, ``average_effect_control``, ``propensity``,
        ``average_effect_overlap`` (two arms only). With two arms effects are scalars
        or (n_rows,) and the propensity is that of arm 1; with more, effects have an
        entry for each arm but control and ``propensity`` is (n_rows, n_arms).

        A continuous treatment has ``effect`` (the difference from level 0 to level 1;
        the slope for a continuous outcome), ``average_effect``, ``outcome_means``
        (n_rows, 2) at these levels, ``treatment_mean`` and ``treatment_scale``.

        ``population`` holds the same averages over the distribution of the features
        instead of the drawn rows: the truth that a confidence interval for the
        population must cover.

    Raises
    ------
    ValueError
        If an option is out of its range.

    Notes
    -----
    Assumptions: no confounder is hidden, overlap holds, rows are independent.

    With baseline ``b(x)`` of mean 0 and variance 1, strength ``s`` and lowest
    probability ``o``, arm ``a`` of ``K`` is drawn with probability
    ``o + (1 - K o) softmax_a(2 s d_a b(x))``, ``d_a`` equally spaced from -1/2 to
    1/2; a continuous treatment is normal around ``s b(x)``. The outcome has mean
    ``b(x) + tau_a(x)`` or probability ``expit(b(x) + tau_a(x))``, with
    ``tau_a(x) = tau(x) t`` for a continuous treatment ``t``.

    ``population`` comes from 65,536 Sobol points; its error is below 0.002.

    Examples
    --------
    >>> from skcausal.datasets import make_observational
    >>> data = make_observational(500, n_features=4, random_state=0)
    >>> data.frame.columns.tolist()
    ['x1', 'x2', 'x3', 'x4', 'treatment', 'outcome']
    >>> data.effect.shape, round(data.population.average_effect, 3)
    ((500,), 1.0)
    """
    design = _check_design(
        n_features, confounding, effect, overlap, outcome, treatment, n_arms
    )
    check_integer(_OWNER, "n_rows", n_rows, 1)
    check_number(_OWNER, "noise", noise, 0.0, np.inf, closed="left")
    generator = check_random_state(random_state)
    features = generator.normal(size=(n_rows, n_features))
    draw = _draw_continuous if design.n_arms is None else _draw_arms
    received, means, truth = draw(features, design, generator)
    if outcome == "binary":
        y = (generator.uniform(size=n_rows) < means).astype(np.int64)
    else:
        y = means + noise * generator.normal(size=n_rows)
    frame = pd.DataFrame(features, columns=[f"x{j + 1}" for j in range(n_features)])
    return make_bunch(
        frame.assign(treatment=received, outcome=y),
        treatment="treatment",
        outcome="outcome",
        arms=None if design.n_arms is None else range(design.n_arms),
        population=Bunch(**deepcopy(_population_truth(design))),
        description=f"""Made-up observational data: {n_rows} rows, {n_features}
            features, {treatment} treatment, {outcome} outcome, confounding
            {confounding}, effect {effect}, overlap {overlap}; true effects known.""",
        **truth,
    )


def _check_design(
    n_features: int,
    confounding: str | float,
    effect: str,
    overlap: str | float,
    outcome: str,
    treatment: str,
    n_arms: int,
) -> _Design:
    check_integer(_OWNER, "n_features", n_features, 1)
    check_option(_OWNER, "effect", effect, ("none", "constant", "linear", "nonlinear"))
    check_option(_OWNER, "outcome", outcome, ("continuous", "binary"))
    check_option(_OWNER, "treatment", treatment, ("binary", "multi", "continuous"))
    check_integer(_OWNER, "n_arms", n_arms, 2)
    strength, shape = _confounding(confounding)
    arms = {"binary": 2, "multi": n_arms, "continuous": None}[treatment]
    # The population does not depend on features that no formula uses.
    used = min(n_features, max(5, (arms or 2) + 1))
    return _Design(
        used, strength, shape, effect, _overlap(overlap, arms), outcome, arms
    )


def _confounding(confounding: str | float) -> tuple[float, str]:
    if isinstance(confounding, str):
        names = ("none", "linear", "nonlinear")
        check_option(_OWNER, "confounding", confounding, names)
        shape = "nonlinear" if confounding == "nonlinear" else "linear"
        return float(confounding != "none"), shape
    check_number(_OWNER, "confounding", confounding, 0.0, np.inf, closed="left")
    return float(confounding), "linear"


def _overlap(overlap: str | float, n_arms: int | None) -> float:
    if isinstance(overlap, str):
        check_option(_OWNER, "overlap", overlap, tuple(_LOWEST_PROPENSITY))
        if n_arms is None:
            return _TREATMENT_SCALE[overlap]
        return _LOWEST_PROPENSITY[overlap] / n_arms
    high = np.inf if n_arms is None else 1.0 / n_arms
    check_number(_OWNER, "overlap", overlap, 0.0, high, closed="neither")
    return float(overlap)


def _column(features: np.ndarray, position: int) -> np.ndarray:
    return features[:, position % features.shape[1]]


def _baseline(features: np.ndarray, shape: str) -> np.ndarray:
    """Confounder of mean 0 and variance 1 (the latter for two features or more)."""
    if shape == "linear":
        used = features[:, :5]
        weights = 1.0 / np.arange(1, used.shape[1] + 1)
        return used @ (weights / np.linalg.norm(weights))
    first, second, third = (_column(features, j) for j in range(3))
    # Variances: (1 - exp(-2 * 1.5 ** 2)) / 2, 2 / 9 and 1 / 4.
    bend = np.sin(1.5 * first)
    bowl = (second**2 - 1.0) / 3.0
    step = (third > 0.0) - 0.5
    variance = (1.0 - np.exp(-4.5)) / 2.0 + 2.0 / 9.0 + 0.25
    return (bend + bowl + step) / np.sqrt(variance)


def _effect(features: np.ndarray, shape: str, arm: int) -> np.ndarray:
    """Effect of ``arm`` on the scale of the linear predictor, of mean (arm + 1) / 2."""
    first, second = _column(features, arm - 1), _column(features, arm)
    size = (arm + 1.0) / 2.0
    if shape == "none":
        return np.zeros(features.shape[0])
    if shape == "constant":
        return np.full(features.shape[0], size)
    if shape == "linear":
        return size * (1.0 + 0.6 * first - 0.4 * second)
    return size * (0.5 + np.tanh(2.0 * first) + (second > 0.0))


def _means(linear: np.ndarray, outcome: str) -> np.ndarray:
    return expit(linear) if outcome == "binary" else linear


def _arm_means(features: np.ndarray, design: _Design) -> np.ndarray:
    baseline = _baseline(features, design.shape)
    n_arms = design.n_arms or 2
    effects = [_effect(features, design.effect, arm) for arm in range(1, n_arms)]
    linear = [baseline] + [baseline + effect for effect in effects]
    return _means(np.column_stack(linear), design.outcome)


def _propensity(features: np.ndarray, design: _Design) -> np.ndarray:
    n_arms = int(design.n_arms or 2)
    directions = np.linspace(-0.5, 0.5, n_arms)
    index = _SLOPE * design.strength * _baseline(features, design.shape)
    probabilities = softmax(index[:, None] * directions, axis=1)
    return design.overlap + (1.0 - n_arms * design.overlap) * probabilities


def _draw_arms(
    features: np.ndarray, design: _Design, generator: np.random.RandomState
) -> tuple[np.ndarray, np.ndarray, dict[str, Any]]:
    propensity = _propensity(features, design)
    means = _arm_means(features, design)
    thresholds = propensity.cumsum(axis=1)[:, :-1]
    codes = (generator.uniform(size=(len(features), 1)) > thresholds).sum(axis=1)
    truth = truth_from_means(means, codes, propensity)
    return codes, means[np.arange(len(codes)), codes], truth


def _draw_continuous(
    features: np.ndarray, design: _Design, generator: np.random.RandomState
) -> tuple[np.ndarray, np.ndarray, dict[str, Any]]:
    baseline = _baseline(features, design.shape)
    center = design.strength * baseline
    received = center + design.overlap * generator.normal(size=len(features))
    slope = _effect(features, design.effect, 1)
    levels = _arm_means(features, design)
    effect = levels[:, 1] - levels[:, 0]
    truth = {
        "effect": effect,
        "outcome_means": levels,
        "average_effect": float(effect.mean()),
        "treatment_mean": center,
        "treatment_scale": design.overlap,
    }
    return received, _means(baseline + slope * received, design.outcome), truth


@lru_cache(maxsize=128)
def _population_truth(design: _Design) -> dict[str, Any]:
    """Average effects over the distribution of the features."""
    grid = qmc.Sobol(design.n_features, scramble=False).random(_POPULATION_POINTS)
    # Points are multiples of 1 / n: half a step in, none is at 0 or 1.
    features = norm.ppf(grid + 0.5 / _POPULATION_POINTS)
    means = _arm_means(features, design)
    effect = means[:, 1:] - means[:, :1]
    if design.n_arms is None:
        return {"average_effect": float(effect.mean())}
    propensity = _propensity(features, design)
    averages = average_effects(effect, propensity)
    if design.n_arms > 2:
        return averages
    overlap = propensity.prod(axis=1)
    averages["average_effect_overlap"] = np.average(effect, axis=0, weights=overlap)
    return {name: float(value[0]) for name, value in averages.items()}
