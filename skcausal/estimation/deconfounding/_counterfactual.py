"""What a row's outcome would have been under other causes of its own."""

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from skcausal.estimation.deconfounding._bayes_linear import BayesianLinear
from skcausal.estimation.deconfounding._effects import FittedModels
from skcausal.estimation.deconfounding._outcome import Rows
from skcausal.estimation.deconfounding._warnings import CoverageWarning

TRANSFORMS: dict[str | None, Callable[[Any], Any]] = {
    None: lambda y: y,
    "exp": np.exp,
    "expm1": np.expm1,
}


@dataclass(frozen=True)
class CounterfactualOutcome:
    """The outcome of one row, as it was and as it would have been.

    Parameters
    ----------
    observed : float
        The outcome that the row had.
    value : float
        The outcome that it would have had.
    difference : float
        ``value - observed``: 0 if nothing is changed.
    draws : ndarray of shape (n_draws,)
        The difference under draws of coefficients and substitute confounder from
        their posteriors; one entry where the outcome model has no posterior.

    Notes
    -----
    Assumes that the deconfounder's outcome model holds for this very row.

    Examples
    --------
    >>> import numpy as np
    >>> from skcausal.estimation.deconfounding import CounterfactualOutcome
    >>> CounterfactualOutcome(2.0, 5.0, 3.0, np.array([2.5, 3.5])).difference
    3.0
    """

    observed: float
    value: float
    difference: float
    draws: np.ndarray

    def interval(self, level: float = 0.95) -> tuple[float, float]:
        """Return quantiles of the posterior of the difference.

        Parameters
        ----------
        level : float, default=0.95
            Posterior probability between the two.

        Returns
        -------
        lower, upper : float
            Quantiles. A `CoverageWarning` says why not to trust them.
        """
        warn_of_coverage("CounterfactualOutcome.interval")
        lower, upper = np.quantile(self.draws, [(1 - level) / 2, (1 + level) / 2])
        return float(lower), float(upper)


def warn_of_coverage(owner: str) -> None:
    """Warn that the substitute confounder is taken as known."""
    warnings.warn(
        f"{owner}: the interval takes the factor model and its substitute confounder "
        "as right; in published simulations intervals of 95 % cover the truth in 19 % "
        "to 44 % of draws. Read it as a lower bound of what is not known.",
        CoverageWarning,
        stacklevel=3,
    )


def changed_causes(
    models: FittedModels, row: int, do: dict[Any, float], owner: str
) -> np.ndarray:
    """Return the causes of a row after the intervention, (1, n_causes)."""
    changed = models.rows.causes[[row]].copy()
    for cause, value in do.items():
        position = models.position(cause, owner)
        if value == 0 and changed[0, position] == 0:
            raise ValueError(
                f"{owner}: do must not take away a cause that the row does not have, "
                f"got {{{cause!r}: 0}}. Name a cause that is present."
            )
        changed[0, position] = value
    return changed


def counterfactual_outcome(
    models: FittedModels, row: int, causes: np.ndarray, transform: Any, n_draws: int
) -> CounterfactualOutcome:
    """Keep the row's residual and confounder, change its causes.

    The change is added to the observed outcome, which is the same as adding the
    residual to the new expectation, but exact where nothing changes.
    """
    back = TRANSFORMS[transform]
    only = np.array([row])
    rows = models.rows
    own = Rows(rows.causes[only], rows.covariates[only], rows.confounder[only])
    new = own.with_causes(causes)
    y = models.y[row]
    shift = float((models.fit.expected(new) - models.fit.expected(own))[0])
    shifts = _shifts(models, own, new, n_draws)
    observed, value = float(back(y)), float(back(y + shift))
    draws = back(y + shifts) - observed
    return CounterfactualOutcome(observed, value, value - observed, draws)


def _shifts(models: FittedModels, own: Rows, new: Rows, n_draws: int) -> np.ndarray:
    """Draw the change of the outcome from the posterior, (n_draws,)."""
    fit = models.fit
    if isinstance(fit.model, BayesianLinear):
        random = np.random.RandomState(models.seed)
        slopes = fit.slopes(fit.model.draw(n_draws, random))[:, : fit.n_causes]
        return np.asarray(slopes @ (new.causes - own.causes)[0])
    if fit.adjust != "substitute":
        return fit.expected(new) - fit.expected(own)
    draws = models.factor_model.sample_posterior(own.causes, n_draws, models.seed)
    return np.array(
        [
            (
                fit.expected(new.with_confounder(z))
                - fit.expected(own.with_confounder(z))
            )
            for z in draws
        ]
    ).ravel()
