"""Refuters that know the truth: shuffled treatments and invented outcomes."""

from dataclasses import replace
from typing import Any, ClassVar

import numpy as np

from skcausal.estimation._defaults import default_regressor
from skcausal.estimation._evaluation import text_as_categories
from skcausal.estimation._models import fit_model, fresh_copy
from skcausal.utils._target import fields_of
from skcausal.validation._refuting._base import Conclusion, Refuter, Simulation
from skcausal.validation._refuting._data import RefutationData, with_columns


class PlaceboTreatment(Refuter):
    r"""Shuffle the treatment: an estimator should find nothing.

    Whole groups are shuffled where the treatment was given to groups. Instruments and
    known propensities move along with the treatment, so that an instrumental estimate
    keeps its first stage.

    Notes
    -----
    Assumes nothing: a shuffled treatment is independent of covariates and outcome, so
    the truth is :math:`0`. With estimates :math:`\hat\theta_b` the statistic is
    :math:`\sqrt{B}\, \bar\theta / s(\hat\theta_b)`, Student with :math:`B - 1` degrees
    of freedom. It detects estimators that make up effects (leaks, overfitting, models
    of one kind per arm); it cannot detect confounding.

    Examples
    --------
    >>> from skcausal.validation import PlaceboTreatment
    >>> PlaceboTreatment()
    PlaceboTreatment()
    """

    _knows_truth: ClassVar[bool] = True
    _expectation: ClassVar[str] = "no effect"
    _failing_means: ClassVar[str] = "it finds effects of a shuffled treatment"

    def _alter(
        self, data: RefutationData, setting: Any, random: np.random.Generator
    ) -> RefutationData:
        units = data.units
        first = np.unique(units, return_index=True)[1]
        source = first[random.permutation(first.shape[0])][units]
        fields = fields_of(data.target)
        moved = {
            name: fields[name][source]
            for name in ("treatment", "instrument", "propensity")
            if name in fields
        }
        return data.changed(expected=np.array([data.null]), **moved)


class DummyOutcome(Refuter):
    r"""Invent an outcome whose effect is known, and see whether it is found.

    Parameters
    ----------
    kind : {"noise", "learned"}, default="noise"
        "noise" draws outcomes of other rows at random, so the effect is zero.
        "learned" adds a known effect and resampled noise to what covariates explain of
        the outcome, so that confounding is as in the table.
    effect : float, default=None
        Known effect of "learned", in units of the outcome; None is the estimate.
    model : regressor, default=None
        Learns what covariates explain; None is LightGBM sized by the data.

    Notes
    -----
    Assumes for "learned" that what a model learns of the outcome resembles the true
    confounding; hidden confounders are not in it. The outcome is
    :math:`Y^* = f(X) + \tau T + \varepsilon^*` with f fitted to
    :math:`Y - \hat\tau T` and noise drawn from its residuals; an outcome of 0 and 1 is
    drawn with that mean, cut to [0, 1], and the effect of the cut mean is expected.
    Judged as :class:`PlaceboTreatment`. The treatment and the covariates stay, so
    doubly robust estimators reuse their propensities.

    Examples
    --------
    >>> from skcausal.validation import DummyOutcome
    >>> DummyOutcome("learned", effect=2.0)
    DummyOutcome(effect=2.0, kind='learned')
    """

    _knows_truth: ClassVar[bool] = True

    def __init__(
        self, kind: str = "noise", *, effect: float | None = None, model: Any = None
    ) -> None:
        self.kind = kind
        self.effect = effect
        self.model = model

    @property
    def _name(self) -> str:
        return f"DummyOutcome ({self.kind})"

    @property
    def _expectation(self) -> str:  # type: ignore[override]
        return "no effect" if self.kind == "noise" else "planted effect"

    @property
    def _failing_means(self) -> str:  # type: ignore[override]
        if self.kind == "noise":
            return "it finds effects on noise"
        return "its models do not remove confounding by the covariates it has"

    def _check(self) -> None:
        if self.kind not in ("noise", "learned"):
            raise ValueError(
                f"DummyOutcome: kind must be 'noise' or 'learned', got {self.kind!r}."
            )

    def _unavailable(self, data: RefutationData) -> str | None:
        if self.kind == "noise":
            return None
        if "event" in fields_of(data.target):
            return "outcomes are censored times, which no regressor learns"
        if not data.one_effect_per_arm or data.null != 0:
            return "the estimator has no single difference per arm to plant"
        return None

    def _prepared(self, data: RefutationData, seed: int) -> RefutationData:
        if self.kind == "noise":
            return data
        return with_baseline(data, self.model, seed)

    def _alter(
        self, data: RefutationData, setting: Any, random: np.random.Generator
    ) -> RefutationData:
        if self.kind == "noise":
            rows = random.integers(data.n_rows, size=data.n_rows)
            fields = fields_of(data.target)
            drawn = {n: fields[n][rows] for n in ("outcome", "event") if n in fields}
            return data.changed(expected=np.array([data.null]), **drawn)
        effect = data.effect
        if self.effect is not None:
            effect = np.full_like(effect, self.effect)
        if data.binary_outcome:
            outcome, expected = binary_outcome(data, effect, 0.0, random)
            return data.changed(outcome=outcome, expected=expected)
        assert data.baseline is not None
        treatment = treatment_numbers(data)
        noise = data.outcome - data.baseline - data.response(treatment, data.effect)
        outcome = data.baseline + data.response(treatment, effect)
        outcome = outcome + random.choice(noise, size=data.n_rows)
        return data.changed(outcome=outcome, expected=effect)


class _Control(Refuter):
    """What negative controls share: one fit, judged by its own standard error."""

    _knows_truth: ClassVar[bool] = True
    _expectation: ClassVar[str] = "no effect"
    _tolerance: ClassVar[float] = 0.0

    def _settings(
        self, data: RefutationData, n_simulations: int, seed: int
    ) -> list[Any]:
        return ["control"]

    def _conclude(
        self, data: RefutationData, simulations: list[Simulation]
    ) -> list[Conclusion]:
        """Measure deviations by the standard errors of the control's own effects."""
        (only,) = simulations
        own = replace(data, labels=only.labels, standard_error=only.standard_error)
        return super()._conclude(own, simulations)


class NegativeControlOutcome(_Control):
    """Put an outcome in place that the treatment cannot affect.

    Pass it as ``negative_outcome`` of :func:`refute`: an outcome from before the
    treatment, or one with the same hidden causes that the treatment cannot reach. An
    effect on it is confounding or selection.

    Notes
    -----
    Assumes the treatment does not affect the control outcome, and that hidden causes of
    the outcome are causes of the control as well: then an estimate other than zero
    reveals them. One fit, judged by its own standard error; if its interval is wide, it
    shows little.

    References
    ----------
    Lipsitch, M., Tchetgen Tchetgen, E., & Cohen, T. (2010). Negative controls: a tool
    for detecting confounding and bias in observational studies. Epidemiology, 21(3).
    https://doi.org/10.1097/EDE.0b013e3181d61eeb

    Examples
    --------
    >>> from skcausal.validation import NegativeControlOutcome
    >>> NegativeControlOutcome()
    NegativeControlOutcome()
    """

    _failing_means: ClassVar[str] = (
        "an outcome out of reach of the treatment moves with it, so there is "
        "confounding or selection"
    )

    def _unavailable(self, data: RefutationData) -> str | None:
        if data.controls.get("outcome") is None:
            return "there is no negative_outcome"
        return None

    def _alter(
        self, data: RefutationData, setting: Any, random: np.random.Generator
    ) -> RefutationData:
        none = np.array([data.null])
        return data.changed(outcome=data.controls["outcome"], event=None, expected=none)


class NegativeControlTreatment(_Control):
    """Put a treatment in place that cannot affect the outcome.

    Pass it as ``negative_treatment`` of :func:`refute`: an exposure with the same
    hidden causes as the treatment that cannot reach the outcome, such as the treatment
    of a later period. An effect of it is confounding or selection.

    Parameters
    ----------
    adjust : bool, default=True
        Add the actual treatment to the covariates, so that an association of both
        treatments is no effect of the control.
    control_arm : label, default=None
        Reference arm of the negative treatment; needed for labels other than 0/1.

    Notes
    -----
    Assumes the control treatment does not affect the outcome, and that hidden causes of
    the treatment are causes of the control as well: then an estimate other than zero,
    given the actual treatment and the covariates, reveals them. One fit, judged by its
    own standard error.

    References
    ----------
    Lipsitch, M., Tchetgen Tchetgen, E., & Cohen, T. (2010). Negative controls: a tool
    for detecting confounding and bias in observational studies. Epidemiology, 21(3).
    https://doi.org/10.1097/EDE.0b013e3181d61eeb

    Examples
    --------
    >>> from skcausal.validation import NegativeControlTreatment
    >>> NegativeControlTreatment(adjust=False)
    NegativeControlTreatment(adjust=False)
    """

    _failing_means: ClassVar[str] = (
        "a treatment that cannot reach the outcome moves with it, so there is "
        "confounding or selection"
    )

    def __init__(self, *, adjust: bool = True, control_arm: Any = None) -> None:
        self.adjust = adjust
        self.control_arm = control_arm

    def _unavailable(self, data: RefutationData) -> str | None:
        if data.controls.get("treatment") is None:
            return "there is no negative_treatment"
        fields = fields_of(data.target)
        if "propensity" in fields:
            return "propensities are known for the treatment only, not for its control"
        if "instrument" in fields:
            return "the instrument is one of the treatment, not of its control"
        return None

    def _adapted(self, estimator: Any) -> Any:
        names = [
            name
            for name in estimator.get_params(deep=True)
            if name.rsplit("__", 1)[-1] == "control_arm"
        ]
        return fresh_copy(estimator, None).set_params(
            **dict.fromkeys(names, self.control_arm)
        )

    def _alter(
        self, data: RefutationData, setting: Any, random: np.random.Generator
    ) -> RefutationData:
        X = data.X
        if self.adjust:
            X = with_columns(X, treatment_columns(data), "actual_treatment")
        return data.changed(
            X=X,
            treatment=data.controls["treatment"],
            expected=np.array([data.null]),
        )


def treatment_numbers(data: RefutationData) -> np.ndarray:
    """Return codes of the arms, or levels of a continuous treatment."""
    return data.treatment if data.arms is None else data.codes


def treatment_columns(data: RefutationData) -> np.ndarray:
    """Return indicators of the arms but the control, or levels, as columns."""
    if data.arms is None:
        return data.treatment.astype(float)[:, None]
    return np.eye(len(data.arms))[data.codes][:, 1:]


def with_baseline(data: RefutationData, model: Any, seed: int) -> RefutationData:
    """Learn what covariates explain of the outcome less the effect of the treatment."""
    X = text_as_categories(data.X)
    target = data.outcome - data.response(treatment_numbers(data), data.effect)
    unfitted = default_regressor(data.n_rows) if model is None else model
    weight = fields_of(data.target).get("sample_weight")
    fitted = fit_model(
        fresh_copy(unfitted, seed), X, target, weight, "refute: model of the outcome"
    )
    return replace(data, baseline=np.asarray(fitted.predict(X), dtype=float))


def binary_outcome(
    data: RefutationData,
    effect: np.ndarray,
    shift: np.ndarray | float,
    random: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray]:
    """Draw outcomes of 0 and 1 around the baseline; return them and their effects.

    Means are cut to [0, 1]; the effects are those of the cut means.
    """
    assert data.baseline is not None
    base = data.baseline + shift
    treatment = treatment_numbers(data)

    def mean(levels: np.ndarray) -> np.ndarray:
        return np.clip(base + data.response(levels, effect), 0, 1)

    drawn = random.random(data.n_rows) < mean(treatment)
    if data.arms is None:
        change = mean(treatment + 0.5) - mean(treatment - 0.5)
        return drawn.astype(data.outcome.dtype), np.array([change.mean()])
    control = mean(np.zeros(data.n_rows, dtype=int))
    changes = [
        float((mean(np.full(data.n_rows, arm)) - control).mean())
        for arm in range(1, len(data.arms))
    ]
    return drawn.astype(data.outcome.dtype), np.array(changes)
