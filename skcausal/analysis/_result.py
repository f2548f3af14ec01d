"""What an analysis found: frozen data classes that the report and JSON read."""

from dataclasses import dataclass, field
from typing import Any

from skcausal.analysis._graph_facts import GraphFacts


@dataclass(frozen=True)
class Estimate:
    """A number with its standard error and 95 % interval.

    ``adjusted_p_value`` accounts for all numbers that were asked for together.
    """

    value: float
    standard_error: float
    lower: float
    upper: float
    p_value: float | None = None
    adjusted_p_value: float | None = None


@dataclass(frozen=True)
class Question:
    """What was asked of which table.

    `shares` holds the share of rows the design gives each arm, control first;
    None if the treatment was not randomised.
    """

    source: str
    rows: int
    outcome: str
    treatment: str
    labels: tuple[str, ...]
    binary_outcome: bool
    features: tuple[str, ...]
    by: str | None = None
    other_outcomes: tuple[str, ...] = ()
    shares: tuple[float, ...] | None = None
    shares_given: bool = False

    @property
    def randomised(self) -> bool:
        """Whether the user declared an experiment."""
        return self.shares is not None


@dataclass(frozen=True)
class ArmSummary:
    """The rows of one arm and their mean outcome, unadjusted."""

    label: str
    rows: int
    share: float
    mean_outcome: float


@dataclass(frozen=True)
class AverageEffect:
    """The average effect of one arm against control in a target population."""

    treated: str
    control: str
    target: str
    estimate: Estimate
    group: str | None = None
    rows: int | None = None


@dataclass(frozen=True)
class GroupEffect:
    """The effect in one part of the evaluation rows."""

    label: str
    rows: int
    estimate: Estimate
    predicted: float = float("nan")


@dataclass(frozen=True)
class Curve:
    """A curve over the treated share, with pointwise intervals."""

    share: tuple[float, ...]
    value: tuple[float, ...]
    lower: tuple[float, ...]
    upper: tuple[float, ...]


@dataclass(frozen=True)
class Driver:
    """A column the predicted effect depends on, and the effect along it."""

    column: str
    importance: float
    parts: tuple[GroupEffect, ...]


@dataclass(frozen=True)
class ClanRow:
    """A feature's mean in the most and the least affected group.

    `standardised` is their difference in standard deviations over all rows.
    """

    feature: str
    most: float
    least: float
    difference: Estimate
    standardised: float


@dataclass(frozen=True)
class Heterogeneity:
    """Tests of whether effects differ between rows as predicted.

    `slope` is the loading of the best linear predictor, `difference` the effect in
    the most less that in the least affected group, the other two are the coefficients
    of the calibration test. What cannot be computed is NaN.
    """

    slope: Estimate
    difference: Estimate
    mean_prediction: Estimate
    differential_prediction: Estimate
    clan: tuple[ClanRow, ...]


@dataclass(frozen=True)
class Contrast:
    """Who gains from one arm against control, on the evaluation rows."""

    treated: str
    control: str
    overall: Estimate
    groups: tuple[GroupEffect, ...]
    toc: Curve
    gain: Curve
    autoc: Estimate
    qini: Estimate
    heterogeneity: Heterogeneity
    drivers: tuple[Driver, ...]
    predicted_quantiles: tuple[float, ...]


@dataclass(frozen=True)
class LeaderboardRow:
    """One candidate of the search; the score is the larger the better."""

    learner: str
    score: float
    standard_error: float
    difference: float
    difference_error: float
    seconds: float
    chosen: bool


@dataclass(frozen=True)
class Overlap:
    """How comparable the arms are in the chance of being treated."""

    edges: tuple[float, ...]
    counts: tuple[tuple[int, ...], ...]
    share_outside: float
    effective_sizes: tuple[float, ...]
    sizes: tuple[int, ...]


@dataclass(frozen=True)
class BalanceRow:
    """Standardised mean difference of a feature between an arm and control."""

    feature: str
    treated: str
    before: float
    after: float


@dataclass(frozen=True)
class SampleRatio:
    """A chi-square test of the counts of the arms against the design."""

    expected: tuple[float, ...]
    observed: tuple[int, ...]
    statistic: float
    p_value: float


@dataclass(frozen=True)
class OutcomeEffects:
    """Average effects on a further outcome, and its mean in the control arm."""

    outcome: str
    binary: bool
    control_mean: float
    average_effects: tuple[AverageEffect, ...]


@dataclass(frozen=True)
class RefuterRow:
    """What one refuter concludes about the effect of one arm.

    `passed` is None if no simulation succeeded.
    """

    refuter: str
    treated: str
    expectation: str
    expected: float
    original: float
    refuted: float
    lower: float
    upper: float
    p_value: float
    passed: bool | None
    verdict: str


@dataclass(frozen=True)
class Attacks:
    """The estimate refitted on changed tables whose answer is known."""

    rows: tuple[RefuterRow, ...]
    simulations: int
    table_rows: int
    folds: int
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Benchmark:
    """A feature as a measure of confounders, from a fit without it.

    `outcome` and `treatment` are the shares of variance that it explains, out of fold
    (hence below zero where it does not help); `times_to_zero` and `times_to_doubt` say
    how many times as strong a confounder must be to bring the effect, or the nearer
    limit of its interval, to zero.
    """

    feature: str
    outcome: float
    treatment: float
    without: float
    times_to_zero: float
    times_to_doubt: float


@dataclass(frozen=True)
class Sensitivity:
    """What unobserved confounders would have to be like to overturn an effect.

    The robustness values are shares of variance of outcome and treatment; E-values are
    None unless the outcome is binary.
    """

    treated: str
    robustness_to_zero: float
    robustness_to_doubt: float
    benchmarks: tuple[Benchmark, ...] = ()
    e_value: float | None = None
    e_value_limit: float | None = None
    sentence: str = ""


@dataclass(frozen=True)
class Check:
    """A verdict on one point of trust.

    `status` is "good", "caution", "bad" or "open" (not tested or no answer).
    """

    name: str
    status: str
    summary: str
    sentence: str


@dataclass(frozen=True)
class Settings:
    """How the numbers came about."""

    fit_rows: int
    evaluation_rows: int
    search_rows: int
    search_folds: int
    random_state: int
    time_budget: float
    seconds: float
    version: str
    created: str


@dataclass(frozen=True)
class AnalysisResult:
    """Everything a report says, as data."""

    question: Question
    arms: tuple[ArmSummary, ...]
    average_effects: tuple[AverageEffect, ...]
    contrasts: tuple[Contrast, ...]
    leaderboard: tuple[LeaderboardRow, ...]
    balance: tuple[BalanceRow, ...]
    checks: tuple[Check, ...]
    settings: Settings
    code: str
    overlap: Overlap | None = None
    sample_ratio: SampleRatio | None = None
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    other_outcomes: tuple[OutcomeEffects, ...] = ()
    attacks: Attacks | None = None
    sensitivity: tuple[Sensitivity, ...] = ()
    graph: GraphFacts | None = None
    truth: dict[str, Any] = field(default_factory=dict)

    @property
    def learner(self) -> str:
        """The name of the learner that was chosen."""
        return next(row.learner for row in self.leaderboard if row.chosen)

    def average(self, treated: str, target: str = "all") -> AverageEffect:
        """Return the average effect of an arm over a target, not by group."""
        return next(
            entry
            for entry in self.average_effects
            if entry.group is None
            and entry.treated == treated
            and entry.target == target
        )
