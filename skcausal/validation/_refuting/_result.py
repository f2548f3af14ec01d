"""Refutation: verdicts on an estimate, and everything they rest on."""

from collections import Counter
from dataclasses import asdict, dataclass, field, replace
from html import escape
from typing import Any

import numpy as np
import pandas as pd

from skcausal.inference import EffectEstimate
from skcausal.validation._refuting._base import (
    ENOUGH_FOR_QUANTILES,
    Conclusion,
    Refuter,
    Simulation,
)
from skcausal.validation._refuting._data import RefutationData
from skcausal.validation._refuting._running import in_words, labels_of

_SHOWN = ["expectation", "expected", "original", "refuted", "lower", "upper", "p_value"]


@dataclass(frozen=True, eq=False)
class Refutation:
    """What refuters found: a table of verdicts, and everything it rests on.

    Made by :func:`refute`.

    Parameters
    ----------
    estimator : str
        Class of the estimator.
    estimate : EffectEstimate
        Effect of the unchanged table.
    table : pandas.DataFrame
        One row per refuter (and effect): what was expected in words and as a number,
        the original and the refuted effect, a 95 % interval, the p-value of the
        expected effect, number of simulations and of those that failed, ``passed``
        (missing where no simulation succeeded) and the verdict in words.
    simulations : pandas.DataFrame
        Each refit: refuter, setting, effect, value, standard error, what was expected,
        seconds and the error message where it failed.
    details : dict of str to pandas.DataFrame, default={}
        ``confounder_grid`` and ``tipping_points`` of :class:`SimulatedConfounder`,
        ``left_out`` of :class:`LeaveOneConfounderOut`.
    notes : tuple of str, default=()
        Refuters that could not run, warnings of refits, how p-values were made.
    seconds : float, default=nan
        How long all of it took.

    Notes
    -----
    Assumes what :func:`refute` assumes. The interval is that of the mean simulated
    effect where the truth is known, and the range of single refits where the effect
    should stay.

    Examples
    --------
    >>> from skcausal.validation import Refutation
    >>> Refutation.__name__
    'Refutation'
    """

    estimator: str
    estimate: EffectEstimate
    table: pd.DataFrame
    simulations: pd.DataFrame
    details: dict[str, pd.DataFrame] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    seconds: float = np.nan

    @property
    def passed(self) -> bool:
        """Whether every refuter ran and passed."""
        return bool(self.table["passed"].fillna(False).all())

    def __repr__(self) -> str:
        """Show the verdicts."""
        lines = [f"Refutation of {self.estimator}: {self._summary()}"]
        for name, row in self.table.iterrows():
            lines.append(f"  {_row_name(name)}: {row['verdict']}")
        lines += [f"  note: {note}" for note in self.notes]
        return "\n".join(lines)

    def _summary(self) -> str:
        n_passed = int(self.table["passed"].fillna(False).sum())
        total = len(self.table)
        return f"{n_passed} of {total} passed, {in_words(self.seconds)}"

    def _repr_html_(self) -> str:
        shown = self.table[[*_SHOWN, "verdict"]]
        with pd.option_context("display.max_colwidth", None):  # verdicts are long
            table = shown.to_html(float_format="{:.4g}".format, na_rep="")
        notes = "".join(f"<li>{escape(note)}</li>" for note in self.notes)
        title = escape(f"Refutation of {self.estimator}: {self._summary()}")
        return f"<div><strong>{title}</strong>{table}<ul>{notes}</ul></div>"


def _row_name(name: Any) -> str:
    return ", ".join(map(str, name)) if isinstance(name, tuple) else str(name)


Run = tuple[tuple[Refuter, RefutationData], list[Simulation]]


def refutation_of(
    estimator: str,
    estimate: EffectEstimate,
    runs: list[Run],
    *,
    notes: list[str],
    seconds: float,
) -> Refutation:
    """Draw the conclusions of all refuters."""
    values = np.atleast_1d(estimate.value)
    original = dict(zip(labels_of(estimate), values.tolist(), strict=True))
    n_tests = max(1, len(values) * sum(r._has_p_value for (r, _), _ in runs))
    rows: list[dict[str, Any]] = []
    details: dict[str, pd.DataFrame] = {}
    listed = []
    names = _distinct([refuter._name for (refuter, _), _ in runs])
    for name, ((refuter, data), simulations) in zip(names, runs, strict=True):
        data = replace(data, n_tests=n_tests)
        rows += _rows(name, refuter, data, simulations, original)
        listed += [r for s in simulations for r in _simulation_rows(name, s)]
        good = [s for s in simulations if not s.failure]
        if good:
            found = refuter._details(data, good)
            details |= {_free(key, details): frame for key, frame in found.items()}
        notes = notes + _warning_notes(name, simulations)
    return Refutation(
        estimator=estimator,
        estimate=estimate,
        table=_as_table(rows, several=len(labels_of(estimate)) > 1),
        simulations=pd.DataFrame(listed),
        details=details,
        notes=tuple(notes + _p_value_note(rows)),
        seconds=seconds,
    )


def _distinct(names: list[str]) -> list[str]:
    """Give numbers to names that occur more than once."""
    total, seen = Counter(names), Counter[str]()
    distinct = []
    for name in names:
        seen[name] += 1
        distinct.append(f"{name} {seen[name]}" if total[name] > 1 else name)
    return distinct


def _free(key: str, taken: dict[str, Any]) -> str:
    number = sum(name.rsplit(" ", 1)[0] == key for name in taken)
    return key if number == 0 else f"{key} {number + 1}"


def _rows(
    name: str,
    refuter: Refuter,
    data: RefutationData,
    simulations: list[Simulation],
    original: dict[str, float],
) -> list[dict[str, Any]]:
    """Return the rows of one refuter; failures are counted and quoted."""
    good = [s for s in simulations if not s.failure]
    failures = Counter(s.failure for s in simulations if s.failure)
    n_failed = len(simulations) - len(good)
    counts = {"n_simulations": len(simulations), "n_failed": n_failed}
    reason = failures.most_common(1)[0][0] if failures else ""
    if not good:
        conclusions = [
            _no_conclusion(refuter, data, k, reason) for k in range(len(data.labels))
        ]
    else:
        conclusions = refuter._conclude(data, good)
    rows = []
    for conclusion in conclusions:
        row = {"refuter": name} | asdict(conclusion) | counts
        row["original"] = original.get(conclusion.effect, np.nan)
        if good and n_failed:
            row["verdict"] += f"; {n_failed} of {len(simulations)} failed ({reason})"
        rows.append(row)
    return rows


def _no_conclusion(
    refuter: Refuter, data: RefutationData, k: int, reason: str
) -> Conclusion:
    unknown = dict.fromkeys(("refuted", "lower", "upper", "p_value"), np.nan)
    return Conclusion(
        effect=data.labels[k],
        expectation=refuter._expectation,
        expected=np.nan,
        passed=None,
        verdict=f"no verdict: every simulation failed ({reason})",
        **unknown,
    )


def _as_table(rows: list[dict[str, Any]], *, several: bool) -> pd.DataFrame:
    order = [*_SHOWN, "n_simulations", "n_failed", "passed", "verdict"]
    keys = ["refuter", "effect"] if several else ["refuter"]
    table = pd.DataFrame(rows, columns=["refuter", "effect", *order])
    return table.astype({"passed": "boolean"}).set_index(keys)[order]


def _simulation_rows(name: str, simulation: Simulation) -> list[dict[str, Any]]:
    common = {"refuter": name, "setting": str(simulation.setting)}
    last = {"seconds": simulation.seconds, "failure": simulation.failure}
    if simulation.failure:
        empty = {"effect": "", "value": np.nan, "standard_error": np.nan}
        return [common | empty | {"expected": np.nan} | last]
    columns = (
        simulation.labels,
        simulation.value,
        simulation.standard_error,
        simulation.expected,
    )
    return [
        common
        | {"effect": label, "value": value, "standard_error": error}
        | {"expected": expected}
        | last
        for label, value, error, expected in zip(*columns, strict=True)
    ]


def _warning_notes(name: str, simulations: list[Simulation]) -> list[str]:
    counts = Counter(warning for s in simulations for warning in s.warnings)
    return [
        f"{name}: {warning} in {count} of {len(simulations)} simulations."
        for warning, count in sorted(counts.items())
    ]


def _p_value_note(rows: list[dict[str, Any]]) -> list[str]:
    few = [r for r in rows if 1 < r["n_simulations"] < ENOUGH_FOR_QUANTILES]
    few = [r for r in few if np.isfinite(r["p_value"])]
    if not few:
        return []
    return [
        f"p-values and intervals rest on a normal approximation, because there are "
        f"fewer than {ENOUGH_FOR_QUANTILES} simulations (n_simulations="
        f"{min(r['n_simulations'] for r in few)})."
    ]
