"""How well a mechanism of any kind fits, by its log density, noise and draws."""

from collections.abc import Iterable
from typing import Any

import numpy as np
from scipy import stats
from sklearn.base import clone

from skcausal.structural._additive import AdditiveNoise
from skcausal.structural._choosing import holds_labels, splits
from skcausal.structural._density import SmoothDensity
from skcausal.structural._mechanism import EmpiricalDistribution, Mechanism

_MOST_VALUES = 2_000_000  # drawn to find what is expected
_N_DRAWS = (10, 100)
_N_NOISE = 20  # draws of noise per row, to compare held-out noise with


def has_density(mechanism: Any) -> bool:
    """Tell whether a mechanism can be judged: not one that repeats what it saw."""
    own = type(mechanism).log_density is not Mechanism.log_density
    return own and not isinstance(mechanism, EmpiricalDistribution)


def folds_of(parents: Any, values: Any, cv: int | None) -> Any:
    """Return the folds to judge by; None for fitted mechanisms: all rows at once."""
    if cv is None:
        return [(None, np.arange(len(parents)))]
    return splits(values, holds_labels(values, root=False), cv, 0)


def unseen_residual_scores(residuals: np.ndarray, folds: Any) -> np.ndarray:
    """Return the log density of each residual by those of the other folds."""
    scores = np.empty(len(residuals))
    for train, test in folds:
        scores[test] = SmoothDensity(residuals[train]).log_density(residuals[test])
    return scores


def judge_residuals(
    mechanism: AdditiveNoise, residuals: np.ndarray, folds: Any, random: Any
) -> dict[str, float]:
    """Return log score and p-value of residuals, by the errors of other rows."""
    if folds[0][0] is None:
        density = SmoothDensity(mechanism.noise_)
        score = density.log_density(residuals).mean()
        return {
            "log_score": float(score),
            "p_uniform": same_distribution([residuals], [mechanism.noise_]),
        }
    places = np.empty(len(residuals))
    for train, test in folds:
        other = np.sort(residuals[train])
        first = np.searchsorted(other, residuals[test], side="left")
        last = np.searchsorted(other, residuals[test], side="right")
        share = random.random(len(test))
        places[test] = (first + share * (last - first + 1)) / (len(other) + 1)
    return {
        "log_score": float(unseen_residual_scores(residuals, folds).mean()),
        "p_uniform": uniform_p_value(places),
    }


def n_fresh(n_rows: int, folds: Any) -> int:
    """Return how much noise to draw to compare that of rows with.

    Of a mechanism judged on new rows as many as rows: so errors of its estimates, from
    at least as many rows, do not look like noise of another distribution.
    """
    return n_rows if folds[0][0] is None else _N_NOISE * n_rows


def uniform_p_value(places: np.ndarray) -> float:
    """Return the p-value of values of a distribution function being uniform."""
    return float(stats.kstest(places, "uniform").pvalue)


def same_distribution(one: Iterable[Any], other: Iterable[Any]) -> float:
    """Return the smallest p-value of pairs of samples, times their number."""
    found = [
        stats.ks_2samp(a, b, method="asymp").pvalue
        for a, b in zip(one, other, strict=True)
    ]
    return float(min(1.0, min(found) * len(found)))


def judge_any(
    judged: tuple[Any, Any, Any], folds: Any, random: np.random.Generator
) -> tuple[dict[str, Any], np.ndarray]:
    """Return what is said of a mechanism, and noise of shape (n, n_noise)."""
    mechanism, parents, values = judged
    labels = holds_labels(values, root=not parents.shape[1])
    scores, noises, drawn, errors = np.empty(len(parents)), [], [], []
    for train, test in folds:
        one = mechanism
        if train is not None:
            one = clone(mechanism).fit(parents.iloc[train], values[train])
        seen = parents.iloc[test], values[test]
        scores[test] = one.log_density(*seen)
        noises.append(np.reshape(one.noise(*seen, random), (len(test), -1)))
        fresh = one.draw_noise(n_fresh(len(test), folds), random)
        drawn.append(np.reshape(fresh, (len(fresh), -1)))
        if not labels:
            errors.append(_errors_of_draws(one, *seen, random))
    noise = np.concatenate(noises)
    row = {
        "log_score": float(scores.mean()),
        "p_uniform": same_distribution(noise.T, np.concatenate(drawn).T),
    }
    row |= _of_labels(values, scores) if labels else _of_numbers(values, errors)
    ordered = np.empty_like(noise)
    ordered[np.concatenate([test for _, test in folds])] = noise
    return row, ordered


def _of_labels(values: Any, scores: np.ndarray) -> dict[str, float]:
    shares = np.unique(np.asarray(values), return_counts=True)[1] / len(scores)
    entropy = -float((shares * np.log(shares)).sum())
    loss = -float(scores.mean())
    return {"log_loss": loss, "r2": 1 - loss / entropy if entropy > 0 else np.nan}


def _of_numbers(values: Any, errors: list[Any]) -> dict[str, float]:
    squared, crps = (np.concatenate(parts) for parts in zip(*errors, strict=True))
    spread = np.asarray(values, dtype=float).var()
    r2 = 1 - squared.mean() / spread if spread > 0 else np.nan
    return {"r2": float(r2), "crps": float(crps.mean())}


def _errors_of_draws(
    mechanism: Any, parents: Any, values: Any, random: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Return, per row, squared errors of the mean and the score of the distribution.

    Both from draws, without the bias that few draws would bring.
    """
    n = len(parents)
    n_draws = int(np.clip(_MOST_VALUES // n, *_N_DRAWS))
    values = np.asarray(values, dtype=float)
    drawn = np.stack(
        [
            np.asarray(mechanism.apply(parents, mechanism.draw_noise(n, random)), float)
            for _ in range(n_draws)
        ]
    )
    drawn.sort(axis=0)
    squared = (values - drawn.mean(axis=0)) ** 2 - drawn.var(axis=0, ddof=1) / n_draws
    weights = 2 * np.arange(n_draws) + 1 - n_draws
    within = (weights[:, None] * drawn).sum(axis=0) / (n_draws * (n_draws - 1))
    return squared, np.abs(values - drawn).mean(axis=0) - within
