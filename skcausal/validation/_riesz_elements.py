"""What the bias of an omitted confounder is made of, for a fitted learner or arrays."""

from typing import Any

import numpy as np

from skcausal.estimation._average import TARGETS
from skcausal.estimation._base import EffectLearner
from skcausal.estimation._scores import ratio_of_means, target_terms
from skcausal.inference import EffectEstimate
from skcausal.utils._validation import check_groups, check_same_length, check_weights
from skcausal.validation._sensitivity_inputs import residuals

ELEMENTS = ("effect", "residual_variance", "riesz_variance")
Terms = tuple[float, np.ndarray]


def checked_target(learner: EffectLearner, target: str | None, owner: str) -> str:
    """Return the target population; by default that of ``average_effect``."""
    discrete = learner._data.is_discrete
    if target is None:
        target = getattr(learner, "_target", "all") if discrete else "overlap"
    if target not in TARGETS:
        raise ValueError(
            f"{owner}: target must be one of {', '.join(map(repr, TARGETS))}, got "
            f"{target!r}."
        )
    if not discrete and target != "overlap":
        raise ValueError(
            f"{owner}: target={target!r} needs arms, but the treatment is continuous. "
            "Use 'overlap', the partially linear coefficient."
        )
    return target


def elements_of(
    learner: EffectLearner, target: str, arm: Any, owner: str
) -> EffectEstimate:
    """Return effect, residual variance and variance of the Riesz representer."""
    data = learner._data
    if target == "overlap":
        pairs = zip(*residuals(learner, owner), strict=True)
        repeats = [linear_terms(u, v, data.weights) for u, v in pairs]
    else:
        code = _arm_code(learner, arm, owner)
        means, propensity = learner._means_and_propensity(owner)
        e = np.maximum(propensity, learner.min_propensity)
        repeats = [
            _interactive(data, mu, p, target, code)
            for mu, p in zip(means, e, strict=True)
        ]
    return assembled(repeats, data.groups, data.row_key, owner)


def _arm_code(learner: EffectLearner, arm: Any, owner: str) -> int:
    """Return the position of the arm that is compared with the control."""
    arms = np.asarray(learner._data.arms)
    if arm is None and len(arms) == 2:
        return 1
    position = np.flatnonzero(arms == arm)
    if position.shape[0] != 1 or position[0] == 0:
        raise ValueError(
            f"{owner}: arm must be one of {arms[1:].tolist()}, the arms compared with "
            f"{arms[:1].tolist()[0]!r}, got {arm!r}."
        )
    return int(position[0])


def _interactive(
    data: Any, mu: np.ndarray, e: np.ndarray, target: str, a: int
) -> list[Terms]:
    """Return the three terms of a contrast of arms, whose effect may vary with X."""
    weight, ones = data.weights, np.ones(data.n_rows)
    terms = target_terms(target, a, data.outcome, data.treatment, mu, e)
    effect = ratio_of_means(terms.treated - terms.control, terms.denominator, weight)
    treated, control = data.treatment == a, data.treatment == 0
    share = float(np.average(terms.denominator, weights=weight))
    mean_weight = {"all": ones, "treated": e[:, a], "control": e[:, 0]}[target] / share
    riesz = mean_weight * (treated / e[:, a] - control / e[:, 0])
    moment = terms.denominator / share * mean_weight * (1 / e[:, a] + 1 / e[:, 0])
    fitted = mu[np.arange(data.n_rows), data.treatment]
    residual = (data.outcome - fitted) * (treated | control)
    return [
        effect,
        ratio_of_means(residual**2, ones, weight),
        ratio_of_means(2 * moment - riesz**2, ones, weight),
    ]


def linear_terms(u: np.ndarray, v: np.ndarray, weight: np.ndarray) -> list[Terms]:
    """Return the three terms of the partially linear coefficient of residuals."""
    ones = np.ones(u.shape[0])
    slope, influence = ratio_of_means(u * v, v**2, weight)
    square, of_square = ratio_of_means(v**2, ones, weight)
    return [
        (slope, influence),
        ratio_of_means((u - slope * v) ** 2, ones, weight),
        (1 / square, -of_square / square**2),
    ]


def elements_of_arrays(
    given: dict[str, Any], sample_weight: Any, groups: Any, owner: str
) -> EffectEstimate:
    """Return the three numbers from arrays that somebody else estimated."""
    arrays = {name: np.asarray(x, dtype=float) for name, x in given.items()}
    check_same_length(owner, **arrays)
    for name, values in arrays.items():
        if values.ndim != 1 or not np.isfinite(values).all():
            raise ValueError(
                f"{owner}: {name} must be one finite number per row, got shape "
                f"{values.shape}."
            )
    n = arrays["scores"].shape[0]
    weight = check_weights(sample_weight, n, owner)
    weight = np.ones(n) if weight is None else weight
    square = arrays["riesz"] ** 2
    if "riesz_moment" in arrays:
        square = 2 * arrays["riesz_moment"] - square
    columns = (arrays["scores"], arrays["residuals"] ** 2, square)
    terms = [ratio_of_means(column, np.ones(n), weight) for column in columns]
    return assembled([terms], check_groups(groups, n, owner), "", owner)


def assembled(
    repeats: list[list[Terms]], groups: np.ndarray | None, row_key: str, owner: str
) -> EffectEstimate:
    """Stack the terms of all repetitions into one estimate of three numbers."""
    values = np.array([[value for value, _ in terms] for terms in repeats])
    if (values[:, 1:] <= 0).any():
        raise ValueError(
            f"{owner}: the variance of outcome residuals or of the Riesz representer "
            "is not positive: propensities near 0 or 1 make it unreliable, residuals "
            "of zero make it meaningless. Raise min_propensity, trim the rows, or use "
            "target='overlap'."
        )
    influences = [np.column_stack([one for _, one in terms]) for terms in repeats]
    return EffectEstimate(
        values, np.stack(influences), ELEMENTS, groups, row_key, name="elements"
    )


def omitted_gains(short: EffectEstimate, long: EffectEstimate) -> dict[str, float]:
    """Return what leaving covariates out (``short``) loses, as strengths.

    They are gains per residual variance left, as if a confounder came on top of all
    covariates and did once more what these covariates do.
    """
    gone, kept = np.median(short.values, axis=0), np.median(long.values, axis=0)
    change = float(gone[0] - kept[0])
    lost_outcome, lost_riesz = gone[1] - kept[1], kept[2] - gone[2]
    cauchy = np.sqrt(max(lost_outcome, 0.0) * max(lost_riesz, 0.0))
    return {
        "outcome": float(lost_outcome / kept[1]),
        "treatment": float(lost_riesz / gone[2]),
        "rho": float(np.clip(change / cauchy, -1, 1)) if cauchy > 0 else np.nan,
        "estimate": float(gone[0]),
        "change": change,
    }
