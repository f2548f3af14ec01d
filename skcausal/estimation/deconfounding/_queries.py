"""What a fitted deconfounder answers: effects, potential outcomes, counterfactuals."""

from typing import Any

import numpy as np
import pandas as pd
from scipy import stats
from sklearn.base import BaseEstimator
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from skcausal.estimation.deconfounding._counterfactual import (
    TRANSFORMS,
    CounterfactualOutcome,
    changed_causes,
    counterfactual_outcome,
    warn_of_coverage,
)
from skcausal.estimation.deconfounding._effects import (
    FittedModels,
    adjusted_effect,
    effect_by_do,
    effects_table,
)
from skcausal.estimation.deconfounding._intervention import draw_under, make_program
from skcausal.estimation.deconfounding._outcome import Rows
from skcausal.estimation.deconfounding._single import single_cause_table

# Causes whose effect is computed by do for the table: those that moved most.
MOST_BY_DO = 20


def _has_posterior(self: Any) -> bool:
    return bool(self.outcome_model == "bayes_linear")


class DeconfounderQueries(BaseEstimator):
    """Methods of a fitted `Deconfounder`."""

    _models: FittedModels
    _row_labels: Any
    _table: pd.DataFrame | None
    n_draws: int

    def _known_rows(self, X: Any) -> Rows:
        """Return new rows with the confounder that their causes imply."""
        raise NotImplementedError

    @property
    def effects_(self) -> pd.DataFrame:
        """What is known about each cause, one row per cause; made at first use."""
        check_is_fitted(self)
        if self._table is None:
            models, draws = self._models, self._draws()
            table = effects_table(models, draws)
            order = table["difference"].abs().sort_values(ascending=False)
            columns = ["effect_do", "effect_do_error"]
            for cause in order.index[:MOST_BY_DO]:
                position = models.names.index(cause)
                found = effect_by_do(models, draws, position, (1.0, 0.0))
                table.loc[cause, columns] = found
            self._table = table
        return self._table

    def effect(
        self,
        cause: Any,
        treated: float = 1,
        control: float = 0,
        method: str = "adjust",
    ) -> float:
        """Return the average effect of setting one cause to a level.

        Parameters
        ----------
        cause : str or int
            Name of the cause, or its position in an X without names.
        treated, control : float
            The levels to compare, in units of the cause.
        method : {"adjust", "do"}, default="adjust"
            Average the outcome model over the rows and their substitute confounder;
            or draw outcomes from the generative program under Pyro's ``do``, with the
            confounder drawn from its posterior given the causes of the row. The two
            agree up to Monte Carlo error (``effect_do_error`` of ``effects_``).

        Returns
        -------
        effect : float
            Mean difference of outcomes over all rows of ``fit``.

        Raises
        ------
        ValueError
            If the cause or the method is unknown.
        """
        check_is_fitted(self)
        owner = "Deconfounder.effect"
        position = self._models.position(cause, owner)
        levels = (float(treated), float(control))
        if method == "adjust":
            models = self._models
            draws = models.rows.confounder[None]
            if not models.fit.is_linear:
                draws = self._draws()
            return adjusted_effect(models.fit, models.rows, draws, position, levels)
        if method == "do":
            return effect_by_do(self._models, self._draws(), position, levels)[0]
        raise ValueError(
            f"{owner}: method must be 'adjust' or 'do', got {method!r}. Both estimate "
            "the same effect."
        )

    @available_if(_has_posterior)
    def effect_interval(
        self, cause: Any, *, level: float = 0.95
    ) -> tuple[float, float]:
        """Return the posterior interval of the effect of one unit of a cause.

        Parameters
        ----------
        cause : str or int
            Name of the cause.
        level : float, default=0.95
            Posterior probability of the interval.

        Returns
        -------
        lower, upper : float
            Bounds; a `CoverageWarning` says why not to trust them.

        Raises
        ------
        ValueError
            If the cause is unknown or the level is not between 0 and 1.
        """
        check_is_fitted(self)
        owner = "Deconfounder.effect_interval"
        position = self._models.position(cause, owner)
        if not 0 < level < 1:
            raise ValueError(
                f"{owner}: level must be between 0 and 1, got {level!r}. The usual one "
                "is 0.95."
            )
        warn_of_coverage(owner)
        fit = self._models.fit
        half = stats.norm.isf((1 - level) / 2) * fit.standard_errors[position]
        center = fit.coefficients[position]
        return float(center - half), float(center + half)

    def potential_outcomes(
        self, X: Any, do: dict[Any, float], n_draws: int = 100
    ) -> np.ndarray:
        """Draw outcomes of rows under an intervention on some causes.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n, n_features)
            Rows as they are; their causes tell their substitute confounder.
        do : dict of cause -> level
            The causes to set, and to what.
        n_draws : int, default=100
            Number of draws.

        Returns
        -------
        outcomes : ndarray of shape (n_draws, n)
            Draws of the outcome: confounder from its posterior, noise from its
            distribution.

        Raises
        ------
        ValueError
            If a cause is unknown.
        """
        check_is_fitted(self)
        models, rows = self._models, self._known_rows(X)
        owner = "Deconfounder.potential_outcomes"
        levels = {models.position(name, owner): value for name, value in do.items()}
        draws = models.draws(n_draws, rows)
        expected = models.factor_model.reconstruct(rows.causes)
        program = make_program(models.fit, rows, draws, expected, list(levels))
        return draw_under(program, levels, len(rows.causes), n_draws, models.seed)

    def counterfactual(
        self,
        row: Any,
        do: dict[Any, float],
        *,
        transform: str | None = None,
        n_draws: int = 200,
    ) -> CounterfactualOutcome:
        """Return what the outcome of one row would have been under other causes.

        The row keeps its substitute confounder and its residual (abduction); its
        causes are changed (action); the outcome model predicts.

        Parameters
        ----------
        row : label or int
            Label of a row of the frame given to ``fit``, its position in an array.
        do : dict of cause -> level
            The causes to change: ``{"A": 0, "B": 1}`` takes A out and puts B in.
        transform : {None, "exp", "expm1"}, default=None
            From the scale of the outcome to the one to report, for outcomes that are
            logarithms.
        n_draws : int, default=200
            Posterior draws for the interval.

        Returns
        -------
        outcome : CounterfactualOutcome
            Observed and counterfactual outcome, their difference, and its draws.

        Raises
        ------
        ValueError
            If a cause is to be taken away that the row does not have, the outcome is
            a class, or a name is unknown.
        """
        check_is_fitted(self)
        owner = "Deconfounder.counterfactual"
        if self._models.fit.is_classifier:
            raise ValueError(
                f"{owner}: the outcome must be a number with a residual, got a class. "
                "Use potential_outcomes for its probability."
            )
        if transform not in TRANSFORMS:
            raise ValueError(
                f"{owner}: transform must be None, 'exp' or 'expm1', got {transform!r}."
                " It leads back from the logarithm."
            )
        position = self._row_position(row, owner)
        causes = changed_causes(self._models, position, do, owner)
        return counterfactual_outcome(
            self._models, position, causes, transform, n_draws
        )

    def swap(
        self, row: Any, cause: Any, by: Any, *, transform: str | None = None
    ) -> CounterfactualOutcome:
        """Return what the outcome of a row would have been with one cause for another.

        Parameters
        ----------
        row : label or int
            As in ``counterfactual``.
        cause, by : str or int
            The cause that the row has, and the one in its place.
        transform : {None, "exp", "expm1"}, default=None
            As in ``counterfactual``.

        Returns
        -------
        outcome : CounterfactualOutcome
            The difference is 0 if ``by`` is ``cause``.

        Raises
        ------
        ValueError
            If the row does not have the cause.
        """
        check_is_fitted(self)
        # Levels of both first: taking a cause out must fail where it is absent.
        self.counterfactual(row, {cause: 0}, n_draws=1)
        position = self._row_position(row, "Deconfounder.swap")
        column = self._models.position(cause, "Deconfounder.swap")
        level = float(self._models.rows.causes[position, column])
        return self.counterfactual(row, {cause: 0, by: level}, transform=transform)

    def rank_changes(self, top: int = 20) -> pd.DataFrame:
        """Return the causes whose effect moved most against the naive model.

        Parameters
        ----------
        top : int, default=20
            Number of causes.

        Returns
        -------
        changes : DataFrame
            Rows of ``effects_`` by the size of ``difference``, with ``overvalued``
            (naive less deconfounded effect).
        """
        table = self.effects_
        order = table["difference"].abs().sort_values(ascending=False).index[:top]
        columns = ["support", "naive", "effect", "rank_naive", "rank", "flags"]
        chosen = table.loc[order, columns]
        chosen.insert(3, "overvalued", chosen["naive"] - chosen["effect"])
        return chosen

    def single_cause_effects(self, *, covariates: bool = True) -> pd.DataFrame:
        """Regress the outcome on each cause alone, without and with the confounder.

        This is the published analysis of films and actors: least squares, outcome and
        causes standardised, no other cause in the regression.

        Parameters
        ----------
        covariates : bool, default=True
            Whether the observed covariates are in all regressions.

        Returns
        -------
        effects : DataFrame
            One row per cause: ``support``, coefficients ``naive`` and
            ``deconfounded`` with standard errors, ``difference`` and ranks. A cause
            that the confounder determines has NaN.
        """
        check_is_fitted(self)
        models = self._models
        beside = models.rows.covariates if covariates else models.rows.covariates[:, :0]
        return single_cause_table(
            models.names, models.rows.causes, models.y, beside, models.rows.confounder
        )

    def _draws(self) -> np.ndarray:
        """Return draws of the confounder of the rows of ``fit``."""
        return self._models.draws(self.n_draws, self._models.rows)

    def _row_position(self, row: Any, owner: str) -> int:
        """Return the position of the row with a label, or of a position."""
        n = len(self._models.y)
        labels = self._row_labels
        found = np.arange(n) == row if labels is None else np.asarray(labels == row)
        if found.sum() != 1:
            raise ValueError(
                f"{owner}: row must be the label of one row given to fit (its position "
                f"in an array), got {row!r}, which {int(found.sum())} rows have. Give "
                "rows labels of their own."
            )
        return int(found.argmax())
