"""Whether the arms are comparable, and what the report warns about."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from skcausal.analysis import _checks as checks
from skcausal.analysis import _judgements as judge
from skcausal.analysis._design import observed_shares, shares_to_test
from skcausal.analysis._result import (
    Attacks,
    BalanceRow,
    Check,
    Contrast,
    Overlap,
    Question,
    SampleRatio,
    Sensitivity,
)
from skcausal.analysis._tables import Table

FloatArray = npt.NDArray[np.float64]

_ROWS_PER_ARM_AND_GROUP = 20


@dataclass(frozen=True)
class Comparison:
    """How the arms compare in their features."""

    overlap: Overlap | None
    balance: tuple[BalanceRow, ...]
    sample_ratio: SampleRatio | None
    imbalanced: tuple[tuple[str, float], ...]
    leaking: tuple[str, ...]


def compare_arms(
    table: Table, question: Question, propensity: FloatArray
) -> Comparison:
    """Compare the features of the arms; `propensity` has shape (n, n_arms)."""
    codes = table.codes
    weights = None if question.randomised else checks.arm_weights(propensity, codes)
    expected = None
    if question.randomised:
        given = question.shares if question.shares_given else None
        expected = shares_to_test(given, observed_shares(table))
    return Comparison(
        overlap=None if question.randomised else checks.overlap(propensity, codes),
        balance=checks.balance(table.X, codes, weights, table.labels),
        sample_ratio=None if expected is None else checks.sample_ratio(codes, expected),
        imbalanced=tuple(checks.imbalanced_columns(table.X, codes)),
        leaking=tuple(checks.leaking_columns(table.X, table.y)),
    )


def run_checks(
    table: Table,
    question: Question,
    comparison: Comparison,
    contrasts: tuple[Contrast, ...],
    attacks: Attacks | None,
    hidden: tuple[Sensitivity, ...],
) -> tuple[Check, ...]:
    """Judge what the report shows as badges."""
    suspicious = set(comparison.leaking)
    if question.randomised:
        suspicious |= {name for name, _ in comparison.imbalanced}
    return (
        judge.overlap_check(comparison.overlap, question),
        judge.balance_check(comparison.balance, comparison.imbalanced, question),
        judge.ratio_check(comparison.sample_ratio, question),
        judge.heterogeneity_check(contrasts),
        judge.calibration_check(contrasts),
        judge.features_check(question, len(table.warnings), len(suspicious)),
        judge.attacks_check(attacks),
        *((judge.confounder_check(hidden),) if hidden else ()),
    )


def collect_warnings(
    table: Table, question: Question, comparison: Comparison, messages: Sequence[str]
) -> tuple[str, ...]:
    """List what the reader should worry about."""
    found = list(table.warnings)
    found += [
        f'The column "{name}" nearly repeats the outcome. If it was measured '
        "afterwards, leave it out with --features."
        for name in comparison.leaking
    ]
    if question.randomised:
        found += [
            f'The column "{name}" differs between the randomised arms more than chance '
            "allows. If it was measured after the treatment, leave it out with "
            "--features; if not, the assignment was not random."
            for name, _ in comparison.imbalanced
        ]
    if table.by is not None:
        small = table.by.value_counts()
        found += [
            f'The group "{name}" of "{question.by}" has only {count} rows: do not '
            "trust its interval."
            for name, count in small.items()
            if count < _ROWS_PER_ARM_AND_GROUP * len(table.arms)
        ]
    return (*found, *messages)
