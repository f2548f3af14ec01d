"""FrontDoorEffect: the average effect through mediators, by doubly robust scores."""

import warnings
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.utils.validation import check_is_fitted, check_random_state

from skcausal.estimation._average import effect_label
from skcausal.estimation._crossfit import FitSettings, cross_fit
from skcausal.estimation._data import CausalData, make_data
from skcausal.estimation._folds import Folds, make_folds
from skcausal.estimation._nuisances import OUTCOME_BY_ARM, PROPENSITY
from skcausal.inference import EffectEstimate
from skcausal.utils._target import resolve_target
from skcausal.utils._validation import OverlapWarning, check_features


def front_door_scores(
    treatment: np.ndarray,
    outcome: np.ndarray,
    means: np.ndarray,
    averages: np.ndarray,
    propensity: np.ndarray,
    given_mediators: np.ndarray,
) -> np.ndarray:
    r"""Return scores whose means are the average outcomes under each arm.

    With :math:`\mu_b(m, c) = E[Y | b, m, c]`, :math:`e_a(c) = P(a | c)`,
    :math:`\kappa_{b,a}(c) = E[\mu_b(M, c) | a, c]` and :math:`A` the arm of the row,

    .. math::
        \psi_a = \frac{f(M|a,C)}{f(M|A,C)} (Y - \mu_A(M, C))
        + \frac{1[A=a]}{e_a(C)} \sum_b e_b(C) (\mu_b(M, C) - \kappa_{b,a}(C))
        + \kappa_{A,a}(C),

    and by Bayes' rule the ratio of densities is :math:`P(a|M,C) e_A(C)` over
    :math:`P(A|M,C) e_a(C)` (Fulcher et al. 2020, theorem 1).

    Parameters
    ----------
    treatment : ndarray of shape (n,)
        Codes of the arms.
    outcome : ndarray of shape (n,)
        Outcomes.
    means : ndarray of shape (n, n_arms)
        Outcome means at each arm b, given mediators and covariates.
    averages : ndarray of shape (n, n_arms, n_arms)
        Their averages over the mediators of arm a: entry (i, b, a).
    propensity : ndarray of shape (n, n_arms)
        Chances of the arms given covariates.
    given_mediators : ndarray of shape (n, n_arms)
        Chances of the arms given mediators and covariates.

    Returns
    -------
    ndarray of shape (n, n_arms)
        Scores.
    """
    rows = np.arange(len(outcome))
    residual = outcome - means[rows, treatment]
    odds = given_mediators / propensity
    ratio = odds / odds[rows, treatment][:, None]
    inner = np.einsum("ib,iba->ia", propensity, means[:, :, None] - averages)
    own_arm = np.eye(means.shape[1])[treatment]
    scores: np.ndarray = (
        ratio * residual[:, None]
        + own_arm / propensity * inner
        + averages[rows, treatment]
    )
    return scores


class FrontDoorEffect(BaseEstimator):
    r"""Estimate the average effect of a treatment that works through mediators only.

    Treatment and outcome may share causes that nobody measured, if the whole effect
    passes through measured mediators that are not confounded in turn. Built from
    cross-fitted models with doubly robust scores, for mediators of any kind.

    Parameters
    ----------
    mediators : name, index or list of them
        The columns of ``X`` that carry the effect; the others are covariates.
    outcome_model : estimator, default=None
        Model of the outcome given mediators and covariates, fitted once per arm; a
        classifier for binary outcomes. None is LightGBM sized by the data.
    propensity_model : classifier, default=None
        Model of the treatment, given covariates and, fitted again, given mediators
        too. None is LightGBM sized by the data.
    averaging_model : regressor, default=None
        Model of the expected outcome given covariates once mediators are averaged
        out. None is LightGBM sized by the data.
    cv : int, splitter or list of (train, test), default=5
        Folds of cross-fitting.
    n_repeats : int, default=1
        Repetitions of cross-fitting with other folds; averages take the median.
    control_arm : label, default=None
        Reference arm. The default is 0 or False; other labels need to be told.
    outcome_type : {"auto", "binary", "continuous"}, default="auto"
        Booleans and the integers 0/1 are binary under "auto".
    min_propensity : float, default=0.01
        Chances of an arm below this are raised to it, with an ``OverlapWarning``.
    n_jobs : int, default=None
        Parallel fits of base models; None is 1 unless in a joblib context.
    random_state : int, RandomState instance or None, default=None
        Seed of folds and base models.

    Attributes
    ----------
    average_effect_ : EffectEstimate
        One effect per arm but the control.
    outcome_means_ : EffectEstimate
        The average outcome if everybody were in an arm, one per arm.
    arms_ : ndarray of shape (n_arms,)
        Labels of the arms, control first.
    n_raised_ : int
        Rows with a chance of some arm below ``min_propensity``.

    Notes
    -----
    Assumes that all directed paths from the treatment to the outcome pass through the
    mediators, that nothing unmeasured confounds treatment and mediators or mediators
    and outcome given treatment and covariates, and overlap: each arm may come with
    any mediators and covariates that occur. Then

    .. math::
        E[Y | do(a)] = E_C \Big[\int f(m | a, C) \sum_b E[Y | b, m, C] P(b | C)\,
        dm \Big].

    The scores (see `front_door_scores` in the source) have a product bias: the value
    is right if the models of the mediators (here: of the treatment with and without
    mediators), or those of outcome and treatment, are right. Densities of the
    mediators are never fitted.

    References
    ----------
    Pearl, J. (1995). Causal diagrams for empirical research. Biometrika, 82(4).
    https://doi.org/10.1093/biomet/82.4.669

    Fulcher, I. R., Shpitser, I., Marealle, S., & Tchetgen Tchetgen, E. J. (2020).
    Robust inference on population indirect causal effects: the generalized front door
    criterion. Journal of the Royal Statistical Society B, 82(1).
    https://doi.org/10.1111/rssb.12345

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LinearRegression, LogisticRegression
    >>> from skcausal.estimation import FrontDoorEffect
    >>> rng = np.random.default_rng(0)
    >>> hidden = rng.normal(size=4000)
    >>> smokes = (hidden + rng.normal(size=4000) > 0).astype(int)
    >>> tar = smokes + 2 * rng.normal(size=4000)
    >>> damage = 2 * tar + 3 * hidden + rng.normal(size=4000)
    >>> learner = FrontDoorEffect(0, LinearRegression(), LogisticRegression())
    >>> _ = learner.fit(tar[:, None], damage, treatment=smokes)
    >>> lower, upper = learner.average_effect().interval()
    >>> bool(lower < 2 < upper)
    True
    """

    def __init__(
        self,
        mediators: Any,
        outcome_model: Any = None,
        propensity_model: Any = None,
        averaging_model: Any = None,
        *,
        cv: Any = 5,
        n_repeats: int = 1,
        control_arm: Any = None,
        outcome_type: str = "auto",
        min_propensity: float = 0.01,
        n_jobs: int | None = None,
        random_state: Any = None,
    ) -> None:
        self.mediators = mediators
        self.outcome_model = outcome_model
        self.propensity_model = propensity_model
        self.averaging_model = averaging_model
        self.cv = cv
        self.n_repeats = n_repeats
        self.control_arm = control_arm
        self.outcome_type = outcome_type
        self.min_propensity = min_propensity
        self.n_jobs = n_jobs
        self.random_state = random_state

    def fit(
        self,
        X: Any,
        y: Any,
        *,
        treatment: Any = None,
        sample_weight: Any = None,
        groups: Any = None,
    ) -> "FrontDoorEffect":
        """Estimate the effect.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n, n_features)
            Mediators and covariates.
        y : array-like of shape (n,)
            Outcome, or a ``causal_target`` that also holds the treatment.
        treatment : array-like of shape (n,), default=None
            Labels of two or more arms.
        sample_weight : array-like of shape (n,), default=None
            Weights of the rows.
        groups : array-like of shape (n,), default=None
            Cluster of each row.

        Returns
        -------
        self : FrontDoorEffect
            The fitted estimator.

        Raises
        ------
        ValueError
            If ``mediators`` names no column of ``X``, or the treatment does not vary.
        """
        owner = "FrontDoorEffect.fit"
        parts = resolve_target(owner, y, treatment, sample_weight, groups)
        data = make_data(
            check_features(X, owner),
            parts,
            owner=owner,
            control_arm=self.control_arm,
            treatment_type="discrete",
            outcome_type=self.outcome_type,
        )
        self.arms_ = data.arms
        seed = check_random_state(self.random_state).randint(2**31 - 1)
        settings = FitSettings(owner, seed, n_jobs=self.n_jobs)
        folds = make_folds(
            data, self.cv, n_repeats=self.n_repeats, seed=settings.seed, owner=owner
        )
        covariates, given_covariates = self._covariates(data, owner)
        scores = self._scores(
            data, replace(data, X=covariates), given_covariates, folds, settings
        )
        self.outcome_means_ = _means(scores, data)
        self.average_effect_ = _contrasts(scores, data)
        return self

    def average_effect(self) -> EffectEstimate:
        """Return the average effect with its inference.

        Returns
        -------
        EffectEstimate
            One value per arm but the control; clustered when ``fit`` had groups.
        """
        check_is_fitted(self, "average_effect_")
        return self.average_effect_

    def _covariates(self, data: CausalData, owner: str) -> tuple[Any, dict[str, Any]]:
        """Return what is left of X without mediators, and the models given that."""
        wanted = self.mediators
        single = isinstance(wanted, (str, int, np.integer))
        chosen = [wanted] if single else list(wanted)
        is_frame = isinstance(data.X, pd.DataFrame)
        known = list(data.X.columns) if is_frame else list(range(data.X.shape[1]))
        missing = [name for name in chosen if name not in known]
        if missing or not chosen:
            raise ValueError(
                f"{owner}: mediators must name columns of X, got {wanted!r}. Columns: "
                f"{known[:20]}."
            )
        rest = [name for name in known if name not in chosen]
        if not rest:
            models = {
                "propensity_model": DummyClassifier(strategy="prior"),
                "outcome_model": DummyRegressor(),
            }
            return np.zeros((data.n_rows, 1)), models
        left = data.X[rest] if is_frame else data.X[:, rest]
        models = {
            "propensity_model": self.propensity_model,
            "outcome_model": self.averaging_model,
        }
        return left, models

    def _scores(
        self,
        data: CausalData,
        without: CausalData,
        given_covariates: dict[str, Any],
        folds: Folds,
        settings: FitSettings,
    ) -> list[np.ndarray]:
        """Return the scores of each repetition, shape (n, n_arms)."""
        both = (OUTCOME_BY_ARM, PROPENSITY)
        own = {
            "outcome_model": self.outcome_model,
            "propensity_model": self.propensity_model,
        }
        full = cross_fit(both, own, data, folds, settings)
        chances = cross_fit((PROPENSITY,), given_covariates, without, folds, settings)
        means = full[OUTCOME_BY_ARM.name]
        raised = self._raised([chances[PROPENSITY.name], full[PROPENSITY.name]])
        found = []
        for repeat in range(folds.n_repeats):
            one = Folds(folds.assignment[repeat : repeat + 1])
            averages = [
                cross_fit(
                    (OUTCOME_BY_ARM,),
                    given_covariates,
                    replace(
                        without, outcome=means[repeat, :, arm], binary_outcome=False
                    ),
                    one,
                    settings,
                )[OUTCOME_BY_ARM.name][0]
                for arm in range(data.n_arms)
            ]
            scores = front_door_scores(
                data.treatment,
                data.outcome,
                means[repeat],
                np.stack(averages, axis=1),
                raised[0][repeat],
                raised[1][repeat],
            )
            found.append(scores)
        return found

    def _raised(self, chances: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Raise small chances, record how many rows have them, and warn."""
        low = np.any([(e < self.min_propensity).any(axis=(0, 2)) for e in chances], 0)
        self.n_raised_ = int(low.sum())
        if self.n_raised_:
            warnings.warn(
                f"FrontDoorEffect.fit: {self.n_raised_} of {len(low)} rows have a "
                f"chance of some arm below min_propensity={self.min_propensity}, given "
                "covariates or mediators too, which was raised to it: the mediators "
                "or covariates nearly tell the arm. Look at their overlap.",
                OverlapWarning,
                stacklevel=4,
            )
        return [np.maximum(e, self.min_propensity) for e in chances]


def _means(scores: list[np.ndarray], data: CausalData) -> EffectEstimate:
    """Return the weighted means of the columns of the scores."""
    assert data.arms is not None
    return _estimate(scores, data, tuple(data.arms.tolist()), "average outcome")


def _contrasts(scores: list[np.ndarray], data: CausalData) -> EffectEstimate:
    """Return the means of the arms against the control."""
    assert data.arms is not None
    labels = tuple(effect_label(data, arm, None) for arm in range(1, data.n_arms))
    differences = [part[:, 1:] - part[:, :1] for part in scores]
    return _estimate(differences, data, labels, "average effect (all)")


def _estimate(
    scores: list[np.ndarray], data: CausalData, labels: tuple[Any, ...], name: str
) -> EffectEstimate:
    weight = data.weights / data.weights.mean()
    values = np.array([np.average(part, axis=0, weights=weight) for part in scores])
    influences = np.stack(
        [
            weight[:, None] * (part - value)
            for part, value in zip(scores, values, strict=True)
        ]
    )
    return EffectEstimate(
        values,
        influences,
        labels=labels,
        groups=data.groups,
        row_key=data.row_key,
        name=name,
    )
