"""SimulatedConfounder: one more common cause, which no model sees."""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from scipy import stats

from skcausal.utils._target import fields_of
from skcausal.validation._refuting._base import (
    NORMAL_QUANTILE,
    Conclusion,
    Refuter,
    Simulation,
    in_digits,
)
from skcausal.validation._refuting._data import RefutationData
from skcausal.validation._refuting._null import (
    binary_outcome,
    treatment_numbers,
    with_baseline,
)


@dataclass(frozen=True)
class Strength:
    """How strongly the hidden cause moves treatment and outcome."""

    kappa_treatment: float
    kappa_outcome: float
    seed: tuple[int, ...] = ()  # cells that differ in kappa_outcome only share draws

    def __str__(self) -> str:
        """Name the setting."""
        treatment, outcome = self.kappa_treatment, self.kappa_outcome
        return f"kappa_treatment={treatment:g}, kappa_outcome={outcome:g}"


class SimulatedConfounder(Refuter):
    r"""Add a hidden common cause of growing strength: when does the effect vanish.

    Parameters
    ----------
    kappa_treatment : sequence of float, default=(0.05, 0.1, 0.2, 0.3)
        Strengths on the treatment. Arms: the probability with which a row gets the arm
        that the hidden cause asks for instead of its own. Continuous treatment:
        standard deviations of the treatment per standard deviation of the cause.
    kappa_outcome : sequence of float, default=(0.1, 0.2, 0.3, 0.4, 0.5)
        Strengths on the outcome: standard deviations of the outcome per standard
        deviation of the cause. They push the (first) effect towards zero.
    model : regressor, default=None
        For outcomes of 0 and 1: learns what covariates explain of them; None is
        LightGBM sized by the data.

    Notes
    -----
    Assumes the hidden cause U is normal and acts additively. For arms U asks for the
    arm in whose quantiles it falls, so the shares of the arms stay. The outcome becomes
    :math:`Y^* = Y + \hat\tau (T^* - T) + \kappa_Y\, \mathrm{sd}(Y)\, U`: it responds to
    the changed treatment by the estimated effect, so only confounding moves the
    estimate. With U hidden the error of the effect is proportional to
    :math:`\kappa_Y`; for a continuous treatment and linear models it is
    :math:`\kappa_T \kappa_Y\, \mathrm{sd}(T)\, \mathrm{sd}(Y) /
    (\mathrm{Var}[T | X] + \kappa_T^2 \mathrm{Var}[T])`. The tipping point is the
    strength on the outcome at which that error is as large as the effect, from a least
    squares line for each strength on the treatment. U is drawn uncorrelated with
    treatment and outcome, and shared along each line, so that little noise remains.
    There is one refit for each cell of the grid, more if ``n_simulations`` allows.

    References
    ----------
    Rosenbaum, P. R., & Rubin, D. B. (1983). Assessing sensitivity to an unobserved
    binary covariate in an observational study with binary outcome. Journal of the Royal
    Statistical Society B, 45(2). https://doi.org/10.1111/j.2517-6161.1983.tb01242.x

    Examples
    --------
    >>> from skcausal.validation import SimulatedConfounder
    >>> SimulatedConfounder(kappa_treatment=[0.1, 0.2], kappa_outcome=[0.5])
    SimulatedConfounder(kappa_outcome=[0.5], kappa_treatment=[0.1, 0.2])
    """

    _has_p_value: ClassVar[bool] = False
    _paired: ClassVar[bool] = True
    _expectation: ClassVar[str] = "how much is needed to explain it away"

    def __init__(
        self,
        kappa_treatment: Any = (0.05, 0.1, 0.2, 0.3),
        kappa_outcome: Any = (0.1, 0.2, 0.3, 0.4, 0.5),
        *,
        model: Any = None,
    ) -> None:
        self.kappa_treatment = kappa_treatment
        self.kappa_outcome = kappa_outcome
        self.model = model

    def _check(self) -> None:
        for name in ("kappa_treatment", "kappa_outcome"):
            values = np.atleast_1d(np.asarray(getattr(self, name), dtype=float))
            if values.size == 0 or not (np.isfinite(values) & (values > 0)).all():
                raise ValueError(
                    f"SimulatedConfounder: {name} must hold positive numbers, got "
                    f"{getattr(self, name)!r}."
                )

    def _unavailable(self, data: RefutationData) -> str | None:
        fields = fields_of(data.target)
        if "instrument" in fields:
            return "an instrument is meant to withstand hidden confounders"
        if "event" in fields:
            return "outcomes are censored times, which cannot be shifted"
        if not data.one_effect_per_arm or data.null != 0:
            return "the estimator has no single difference per arm to explain away"
        if data.arms is not None and np.max(self.kappa_treatment) > 1:
            return "kappa_treatment is a probability here and must be at most 1"
        return None

    def _prepared(self, data: RefutationData, seed: int) -> RefutationData:
        return with_baseline(data, self.model, seed) if data.binary_outcome else data

    def _settings(
        self, data: RefutationData, n_simulations: int, seed: int
    ) -> list[Any]:
        treatment = np.atleast_1d(np.asarray(self.kappa_treatment, dtype=float))
        outcome = np.atleast_1d(np.asarray(self.kappa_outcome, dtype=float))
        n_repeats = max(1, n_simulations // (treatment.size * outcome.size))
        return [
            Strength(float(kappa), float(other), (seed, repeat, i))
            for repeat in range(n_repeats)
            for i, kappa in enumerate(treatment)
            for other in outcome
        ]

    def _alter(
        self, data: RefutationData, setting: Any, random: np.random.Generator
    ) -> RefutationData:
        random = np.random.default_rng(setting.seed)
        old, units = treatment_numbers(data), data.units
        hidden = _hidden_cause(units, old, data.outcome, random)[units]
        chance = random.random(size=units.max() + 1)[units]
        fields: dict[str, Any] = {}
        if data.arms is None:
            new = old + setting.kappa_treatment * old.std() * hidden
            fields["treatment"] = new
        else:
            shares = np.bincount(old, minlength=len(data.arms)) / data.n_rows
            asked = np.searchsorted(stats.norm.ppf(np.cumsum(shares)[:-1]), hidden)
            new = np.where(chance < setting.kappa_treatment, asked, old)
            fields["treatment"] = data.arms[new]
            known = fields_of(data.target).get("propensity")
            if known is not None:
                rest = (1 - setting.kappa_treatment) * known
                order = np.argsort(data.arms)
                fields["propensity"] = rest + setting.kappa_treatment * shares[order]
        shift = -self._sign(data) * setting.kappa_outcome * data.outcome.std() * hidden
        if data.binary_outcome:
            moved = data.changed(**fields)
            outcome, expected = binary_outcome(moved, data.effect, shift, random)
            return moved.changed(outcome=outcome, expected=expected)
        change = data.response(new, data.effect) - data.response(old, data.effect)
        return data.changed(outcome=data.outcome + change + shift, **fields)

    @staticmethod
    def _sign(data: RefutationData) -> float:
        return -1.0 if data.effect[0] < 0 else 1.0

    def _details(
        self, data: RefutationData, simulations: list[Simulation]
    ) -> dict[str, pd.DataFrame]:
        rows = [
            {
                "effect": label,
                "kappa_treatment": s.setting.kappa_treatment,
                "kappa_outcome": s.setting.kappa_outcome,
                "refuted": data.effect[k] + s.value[k] - s.expected[k],
                "standard_error": s.standard_error[k],
            }
            for s in simulations
            for k, label in enumerate(data.labels)
        ]
        cells = pd.DataFrame(rows)
        keys = ["effect", "kappa_treatment", "kappa_outcome"]
        grid = cells.groupby(keys, sort=True, as_index=False).mean()
        margin = NORMAL_QUANTILE * grid["standard_error"]
        grid = grid.assign(
            lower=grid["refuted"] - margin, upper=grid["refuted"] + margin
        )
        return {"confounder_grid": grid, "tipping_points": tipping_points(data, grid)}

    def _conclude(
        self, data: RefutationData, simulations: list[Simulation]
    ) -> list[Conclusion]:
        details = self._details(data, simulations)
        grid, points = details["confounder_grid"], details["tipping_points"]
        conclusions = []
        for k, label in enumerate(data.labels):
            last = grid[grid["effect"] == label].iloc[-1]
            tip = points[points["effect"] == label].iloc[-1]
            passed = bool(tip["kappa_outcome"] > last["kappa_outcome"])
            conclusions.append(
                Conclusion(
                    effect=label,
                    expectation=self._expectation,
                    expected=float(data.effect[k]),
                    refuted=float(last["refuted"]),
                    lower=float(last["lower"]),
                    upper=float(last["upper"]),
                    p_value=np.nan,
                    passed=passed,
                    verdict=self._tipping_verdict(data, k, last, tip, passed),
                )
            )
        return conclusions

    def _tipping_verdict(
        self, data: RefutationData, k: int, last: Any, tip: Any, passed: bool
    ) -> str:
        """Say how strong the hidden cause has to be."""
        treatment = last["kappa_treatment"]
        if data.arms is None:
            moves = f"moves the treatment by {treatment:g} standard deviations"
        else:
            moves = f"decides {100 * treatment:g} % of treatments"
        left = in_digits(last["refuted"], float(data.standard_error[k]))
        point, most = tip["kappa_outcome"], last["kappa_outcome"]
        if passed:
            return (
                f"robust: a hidden cause that {moves} and moves the outcome by "
                f"{most:g} standard deviations leaves {left}; it would have to move it "
                f"by {point:.2g} to explain the effect away"
            )
        return (
            f"sensitive: a hidden cause that {moves} and moves the outcome by "
            f"{point:.2g} standard deviations explains the effect away"
        )


def _hidden_cause(
    units: np.ndarray,
    treatment: np.ndarray,
    outcome: np.ndarray,
    random: np.random.Generator,
) -> np.ndarray:
    """Draw a normal cause of each unit that is uncorrelated with both before it acts.

    Chance correlations would be noise in the tipping point.
    """
    sizes = np.bincount(units)
    means = [np.bincount(units, values) / sizes for values in (treatment, outcome)]
    known = np.column_stack([np.ones(sizes.shape[0]), *means])
    drawn = random.normal(size=sizes.shape[0])
    hidden = drawn - known @ np.linalg.lstsq(known, drawn, rcond=None)[0]
    return hidden / hidden.std()


def tipping_points(data: RefutationData, grid: pd.DataFrame) -> pd.DataFrame:
    """Return the strength on the outcome that undoes the effect, per kappa_treatment.

    The error grows linearly with the strength on the outcome. Draws are shared along
    the line, so its intercept takes up the noise of the changed treatments.
    """
    rows = []
    for (label, kappa), cells in grid.groupby(["effect", "kappa_treatment"]):
        effect = float(data.effect[data.labels.index(label)])
        strength = cells["kappa_outcome"].to_numpy()
        error = cells["refuted"].to_numpy() - effect
        if strength.size > 1:
            slope = float(np.polyfit(strength, error, 1)[0])
        else:
            slope = float(error[0] / strength[0])
        tip = abs(effect / slope) if slope != 0 else np.inf
        rows.append((label, kappa, tip, bool(tip <= strength.max())))
    columns = ["effect", "kappa_treatment", "kappa_outcome", "within_grid"]
    return pd.DataFrame(rows, columns=columns)
