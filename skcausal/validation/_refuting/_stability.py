"""Refuters that change what should not matter: noise columns and fewer rows."""

from dataclasses import replace
from typing import Any, ClassVar

import numpy as np

from skcausal.estimation._wrapping import resample
from skcausal.utils._target import fields_of, pack
from skcausal.validation._refuting._base import Conclusion, Refuter, Simulation
from skcausal.validation._refuting._data import RefutationData, with_columns


class RandomCommonCause(Refuter):
    r"""Add covariates of pure noise: the effect should stay.

    Parameters
    ----------
    n_causes : int, default=1
        Number of normal columns to add.

    Notes
    -----
    Assumes nothing: independent noise is no confounder. The original effect should be
    an ordinary draw among the effects :math:`\hat\theta_b`: the p-value is
    :math:`2 \min(F(\hat\theta), 1 - F(\hat\theta))` with F their distribution, taken
    as normal below 100 simulations. Folds and seeds are those of the original fit.

    Examples
    --------
    >>> from skcausal.validation import RandomCommonCause
    >>> RandomCommonCause(n_causes=3)
    RandomCommonCause(n_causes=3)
    """

    _paired: ClassVar[bool] = True
    _failing_means: ClassVar[str] = "irrelevant covariates move it"

    def __init__(self, n_causes: int = 1) -> None:
        self.n_causes = n_causes

    def _check(self) -> None:
        if self.n_causes < 1:
            raise ValueError(
                f"RandomCommonCause: n_causes must be at least 1, got {self.n_causes}."
            )

    def _alter(
        self, data: RefutationData, setting: Any, random: np.random.Generator
    ) -> RefutationData:
        noise = random.normal(size=(data.n_rows, self.n_causes))
        return data.changed(X=with_columns(data.X, noise, "random_common_cause"))


class DataSubset(Refuter):
    r"""Keep a random part of the rows: the effect should stay within its noise.

    Parameters
    ----------
    fraction : float, default=0.8
        Share of the rows (of each arm, or of the groups) that is kept.

    Notes
    -----
    Assumes rows (or groups) are independent. Subsets share a fraction q of the rows
    with the table, so their estimates spread around the original with the variance
    :math:`\sigma^2 (1 / q - 1)`, where :math:`\sigma^2` is that of the original.
    Judged as :class:`RandomCommonCause`.

    Examples
    --------
    >>> from skcausal.validation import DataSubset
    >>> DataSubset(fraction=0.5)
    DataSubset(fraction=0.5)
    """

    _failing_means: ClassVar[str] = "it depends on the number of rows"

    def __init__(self, fraction: float = 0.8) -> None:
        self.fraction = fraction

    def _check(self) -> None:
        if not 0 < self.fraction < 1:
            raise ValueError(
                "DataSubset: fraction must lie strictly between 0 and 1, got "
                f"{self.fraction}."
            )

    def _alter(
        self, data: RefutationData, setting: Any, random: np.random.Generator
    ) -> RefutationData:
        return data.taken(*resample(data.target, random, self.fraction))


class BootstrapSample(Refuter):
    r"""Draw rows with replacement: the effect should stay within its noise.

    Parameters
    ----------
    as_weights : bool, default=True
        Keep each drawn row once and weight it by its number of draws. False repeats
        rows, for base models that take no weights; copies form a group then.

    Notes
    -----
    Assumes rows (or groups) are independent. The spread of the refitted effects is a
    second opinion on the standard error, models included; the verdict names their
    ratio. Judged as :class:`RandomCommonCause`.

    Examples
    --------
    >>> from skcausal.validation import BootstrapSample
    >>> BootstrapSample(as_weights=False)
    BootstrapSample(as_weights=False)
    """

    _failing_means: ClassVar[str] = "a few rows carry it, or it is biased"

    def __init__(self, *, as_weights: bool = True) -> None:
        self.as_weights = as_weights

    def _conclude(
        self, data: RefutationData, simulations: list[Simulation]
    ) -> list[Conclusion]:
        conclusions = super()._conclude(data, simulations)
        if len(simulations) < 2:
            return conclusions
        spread = np.stack([s.value for s in simulations]).std(axis=0, ddof=1)
        words = [f"{r:.2f} of the standard error" for r in spread / data.standard_error]
        return [
            replace(c, verdict=f"{c.verdict}; spread {word}")
            for c, word in zip(conclusions, words, strict=True)
        ]

    def _alter(
        self, data: RefutationData, setting: Any, random: np.random.Generator
    ) -> RefutationData:
        rows, target = resample(data.target, random)
        if not self.as_weights:
            return data.taken(rows, target)
        rows, draws = np.unique(rows, return_counts=True)
        fields = fields_of(data.target[rows])
        weight = fields.get("sample_weight", 1.0) * draws
        return data.taken(rows, pack(fields | {"sample_weight": weight}))
