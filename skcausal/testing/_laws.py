"""The laws of effect learners: one function each, on data with known effects.

A law takes an unfitted learner and raises AssertionError where it is broken. Laws that
only hold up to the randomness of folds say so in their tolerance.
"""

import warnings
from collections.abc import Callable
from functools import wraps
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, clone
from sklearn.exceptions import NotFittedError

from skcausal.datasets import make_observational
from skcausal.estimation._average import TARGETS
from skcausal.estimation._delegation import final_learner
from skcausal.utils._target import causal_target
from skcausal.utils._validation import OverlapWarning

_N_ROWS = 400


def _data(effect: str = "linear", seed: int = 0) -> tuple[np.ndarray, ...]:
    """Return covariates, outcome and 0/1 treatment as arrays."""
    bunch = make_observational(_N_ROWS, n_features=4, effect=effect, random_state=seed)
    return np.asarray(bunch.X), np.asarray(bunch.y), np.asarray(bunch.treatment)


def _close(actual: Any, expected: Any, message: str, tolerance: float = 1e-6) -> None:
    """Assert equality up to a tolerance relative to the spread of the expected."""
    scale = max(float(np.abs(expected).max()), 1e-12)
    difference = float(np.abs(np.asarray(actual) - np.asarray(expected)).max())
    if not difference <= tolerance * scale:
        raise AssertionError(f"{message}: differs by {difference:.3g}")


def check_predict_is_effect(learner: Any) -> None:
    """``predict`` and ``effect`` are the same numbers, one per row."""
    X, y, treatment = _data()
    fitted = clone(learner).fit(X, y, treatment=treatment)
    _close(fitted.predict(X), fitted.effect(X), "predict is not effect", 0)
    if fitted.predict(X[:7]).shape != (7,):
        raise AssertionError("predict must return one number per row")


def check_swapping_arms_flips_sign(learner: Any) -> None:
    """With the arms swapped, effects and averages change sign."""
    X, y, treatment = _data()
    fitted = clone(learner).fit(X, y, treatment=treatment)
    swapped = clone(learner).fit(X, y, treatment=1 - treatment)
    flipped, effects = -swapped.effect(X), fitted.effect(X)
    distance = np.sqrt(np.mean((flipped - effects) ** 2))
    if distance > 0.3 * np.sqrt(np.mean(effects**2)):
        raise AssertionError("swapping arms must flip the sign of effects")
    one, other = fitted.average_effect(), swapped.average_effect()
    error = np.hypot(one.standard_error, other.standard_error)
    if abs(one.value + other.value) > 0.5 * error:
        raise AssertionError("swapping arms must flip the sign of the average")


def check_shifting_outcome_changes_nothing(learner: Any) -> None:
    """Check that a constant added to the outcome changes no effect or average."""
    X, y, treatment = _data()
    fitted = clone(learner).fit(X, y, treatment=treatment)
    shifted = clone(learner).fit(X, y + 7.0, treatment=treatment)
    _close(shifted.effect(X), fitted.effect(X), "shifting y changed effects", 1e-5)
    averages = shifted.average_effect().value, fitted.average_effect().value
    _close(*averages, "shifting y changed the average", 1e-5)


def check_scaling_outcome_scales_effects(learner: Any) -> None:
    """Check that an outcome in other units gives the same effects in these."""
    X, y, treatment = _data()
    fitted = clone(learner).fit(X, y, treatment=treatment)
    scaled = clone(learner).fit(X, 4.0 * y, treatment=treatment)
    _close(scaled.effect(X), 4.0 * fitted.effect(X), "effects do not scale", 1e-5)
    one, other = scaled.average_effect(), fitted.average_effect()
    _close(one.standard_error, 4 * other.standard_error, "errors do not scale", 1e-5)


def check_permuting_rows_changes_little(learner: Any) -> None:
    """Another order of the rows changes folds, but nothing beyond noise."""
    X, y, treatment = _data()
    order = np.random.default_rng(1).permutation(_N_ROWS)
    fitted = clone(learner).fit(X, y, treatment=treatment)
    other = clone(learner).fit(X[order], y[order], treatment=treatment[order])
    distance = np.sqrt(np.mean((fitted.effect(X) - other.effect(X)) ** 2))
    if distance > 0.3 * np.sqrt(np.mean(fitted.effect(X) ** 2)):
        raise AssertionError("permuted rows: effects moved by more than 30 %")
    one, two = fitted.average_effect(), other.average_effect()
    # Two folds of 200 rows move by about half an error; a whole one would be a bug.
    if abs(one.value - two.value) > one.standard_error:
        raise AssertionError("permuted rows: the average moved by a standard error")


def _check_average_recovers(learner: Any, effect: str) -> None:
    distances = []
    for seed in range(8):
        bunch = make_observational(
            _N_ROWS, n_features=4, effect=effect, random_state=seed
        )
        fitted = clone(learner).fit(bunch.X, bunch.y, treatment=bunch.treatment)
        estimate = fitted.average_effect()
        error = estimate.value - bunch.average_effect
        distances.append(error / estimate.standard_error)
    z = np.array(distances)
    if np.abs(z).max() > 4 or abs(z.mean()) * np.sqrt(len(z)) > 4:
        raise AssertionError(f"{effect} effect not recovered: z = {z.round(1)}")


def check_zero_effect_is_recovered(learner: Any) -> None:
    """Without an effect, averages are zero within four standard errors."""
    _check_average_recovers(learner, "none")


def check_constant_effect_is_recovered(learner: Any) -> None:
    """Check that a constant effect is recovered within four standard errors."""
    _check_average_recovers(learner, "constant")


def check_influence_has_mean_zero(learner: Any) -> None:
    """Influence values of every average add up to zero."""
    X, y, treatment = _data()
    fitted = clone(learner).fit(X, y, treatment=treatment)
    for target in getattr(fitted, "_targets", TARGETS):
        influence = fitted.average_effect(target=target).influence
        total = abs(influence.mean()) / influence.std()
        if total > 1e-9:
            raise AssertionError(f"influence of {target!r} has mean {total:.2g}")


def check_intervals_nest(learner: Any) -> None:
    """Intervals contain the estimate and grow with the level."""
    X, y, treatment = _data()
    fitted = clone(learner).fit(X, y, treatment=treatment)
    pairs = [(fitted.average_effect().interval, fitted.average_effect().value)]
    if hasattr(fitted, "effect_interval"):
        view = lambda level: fitted.effect_interval(X[:9], level=level)  # noqa: E731
        pairs.append((view, fitted.effect(X[:9])))
    for interval, value in pairs:
        (low_50, high_50), (low_95, high_95) = interval(0.5), interval(0.95)
        ordered = (
            low_95 < low_50,
            low_50 <= value,
            value <= high_50,
            high_50 < high_95,
        )
        if not all(np.all(part) for part in ordered):
            raise AssertionError("intervals do not nest around the estimate")


class _Memoriser(BaseEstimator):
    """Remembers the outcome of every row it has seen; knows nothing else."""

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> "_Memoriser":
        self.table_ = dict(zip(map(bytes, np.ascontiguousarray(X)), y, strict=True))
        self.mean_ = float(np.mean(y))
        return self

    def predict(self, X: Any) -> np.ndarray:
        rows = map(bytes, np.ascontiguousarray(X))
        return np.array([self.table_.get(row, self.mean_) for row in rows])


def check_no_row_sees_itself(learner: Any) -> None:
    """Check that a base model never predicts a row it was trained on.

    In average effects: with memorised outcomes every residual would vanish, and with
    them the standard error.
    """
    if "outcome_model" not in learner.get_params(deep=False):
        return
    X, y, treatment = _data()
    memorising = clone(learner).set_params(outcome_model=_Memoriser())
    if hasattr(memorising, "learners"):
        return
    fitted = memorising.fit(X, y, treatment=treatment)
    fitted.average_effect(target="all")
    estimates = final_learner(fitted).nuisances_
    name = next(n for n in ("outcome_pooled", "outcome_by_arm") if n in estimates)
    values = estimates[name][0]
    leaked = np.isclose(values[np.arange(_N_ROWS), treatment], y)
    if leaked.mean() > 0.02:
        raise AssertionError(f"{leaked.mean():.0%} of rows were predicted by their own")


def check_same_seed_same_numbers(learner: Any) -> None:
    """Equal ``random_state`` gives equal numbers, whatever ``n_jobs``."""
    X, y, treatment = _data()
    parameters = learner.get_params(deep=False)
    one = clone(learner).fit(X, y, treatment=treatment).effect(X)
    copy = clone(learner)
    if "n_jobs" in parameters:
        copy.set_params(n_jobs=2)
    two = copy.fit(X, y, treatment=treatment).effect(X)
    _close(two, one, "same seed, other numbers", 1e-12)


def check_unit_weights_are_no_weights(learner: Any) -> None:
    """Weights of one are the same as no weights."""
    X, y, treatment = _data()
    ones = np.ones(_N_ROWS)
    plain = clone(learner).fit(X, y, treatment=treatment)
    weighted = clone(learner).fit(X, y, treatment=treatment, sample_weight=ones)
    _close(weighted.effect(X), plain.effect(X), "unit weights change effects", 1e-6)
    averages = weighted.average_effect().value, plain.average_effect().value
    _close(*averages, "unit weights change the average", 1e-6)


def check_causal_target_is_the_keyword(learner: Any) -> None:
    """Check that a treatment inside ``y`` gives the same fit as the keyword."""
    X, y, treatment = _data()
    keyword = clone(learner).fit(X, y, treatment=treatment)
    packed = clone(learner).fit(X, causal_target(y, treatment))
    _close(packed.effect(X), keyword.effect(X), "causal_target changes the fit", 1e-12)


def check_inputs_are_not_modified(learner: Any) -> None:
    """Fitting and predicting leave the caller's arrays and models as they were."""
    X, y, treatment = _data()
    copies = X.copy(), y.copy(), treatment.copy()
    before = repr(learner)
    clone(learner).fit(X, y, treatment=treatment).effect(X)
    for now, then in zip((X, y, treatment), copies, strict=True):
        _close(now, then, "an input was modified", 0)
    if repr(learner) != before:
        raise AssertionError("a parameter of the learner was modified")


def _expect_error(learner: Any, part: str, *arguments: Any, **keywords: Any) -> None:
    try:
        clone(learner).fit(*arguments, **keywords)
    except ValueError as error:
        if part not in str(error):
            raise AssertionError(
                f"expected {part!r} in the error, got: {error}"
            ) from None
        return
    raise AssertionError(f"bad input was accepted; expected an error with {part!r}")


def check_bad_treatments_are_errors(learner: Any) -> None:
    """No treatment, one arm, missing values, and unnamed controls are told apart."""
    X, y, treatment = _data()
    _expect_error(learner, "causal_target", X, y)
    _expect_error(learner, "one arm", X, y, treatment=np.ones(_N_ROWS, dtype=int))
    missing = treatment.astype(float)
    missing[:3] = np.nan
    _expect_error(learner, "3 missing", X, y, treatment=missing)
    labels = np.array(["none", "mail"])[treatment]
    if "control_arm" in learner.get_params(deep=False):
        _expect_error(learner, "control_arm", X, y, treatment=labels)


def check_unfitted_says_so(learner: Any) -> None:
    """Verbs on an unfitted learner raise NotFittedError."""
    for verb in (lambda one: one.effect(_data()[0]), lambda one: one.average_effect()):
        try:
            verb(clone(learner))
        except NotFittedError:
            continue
        raise AssertionError("an unfitted learner must raise NotFittedError")


def _about_the_law_only(law: Callable[[Any], None]) -> Callable[[Any], None]:
    """Silence warnings of weak overlap, which small samples bring about."""

    @wraps(law)
    def quiet(learner: Any) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", OverlapWarning)
            law(learner)

    return quiet


LAWS: dict[str, Callable[[Any], None]] = {
    name.removeprefix("check_"): _about_the_law_only(law)
    for name, law in list(globals().items())
    if name.startswith("check_")
}


def check_causal_estimator(estimator: Any) -> None:
    """Run every law of effect learners on an estimator.

    Parameters
    ----------
    estimator : estimator
        Unfitted effect learner for arms, with an integer ``random_state`` and fast
        base models; it is cloned, never fitted itself.

    Raises
    ------
    AssertionError
        If a law is broken; the message names it.

    Examples
    --------
    >>> from sklearn.linear_model import LinearRegression, LogisticRegression
    >>> from skcausal.estimation import TLearner
    >>> from skcausal.testing import check_causal_estimator
    >>> learner = TLearner(LinearRegression(), LogisticRegression(), random_state=0)
    >>> check_causal_estimator(learner)
    """
    for name, law in LAWS.items():
        try:
            law(estimator)
        except AssertionError as error:
            raise AssertionError(f"law {name!r}: {error}") from error
