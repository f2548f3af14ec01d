"""Effects of many causes at once, adjusted for what the causes share."""

import warnings
from collections.abc import Iterable, Sequence
from typing import Any, Self

import numpy as np
import pandas as pd
from sklearn.base import RegressorMixin, is_classifier
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from skcausal.estimation._models import fresh_copy
from skcausal.estimation.deconfounding import _checking as checking
from skcausal.estimation.deconfounding._check import predictive_check
from skcausal.estimation.deconfounding._columns import (
    cause_positions,
    check_causes,
    checked_table,
    names_of,
    numbers,
)
from skcausal.estimation.deconfounding._effects import FittedModels
from skcausal.estimation.deconfounding._outcome import (
    ADJUSTMENTS,
    Rows,
    confounder_of,
    fit_outcome,
    make_outcome_model,
)
from skcausal.estimation.deconfounding._queries import DeconfounderQueries
from skcausal.estimation.deconfounding._stability import candidates, stability_table
from skcausal.estimation.deconfounding._substitute_confounder import (
    default_factor_model,
)
from skcausal.utils._validation import check_outcome, check_same_length


class Deconfounder(RegressorMixin, DeconfounderQueries):
    r"""Effects of many causes, adjusted for a confounder that the causes share.

    A factor model is fitted to the causes alone; its factors, the substitute
    confounder, enter the outcome model beside the causes.

    Parameters
    ----------
    factor_model : factor model, default=None
        ``PPCAFactorModel`` and others; None is a ``PPCAFactorModel`` with a quarter as
        many components as causes, at most 10.
    causes : column selector, default=None
        The causes among the columns of X: names, positions, a slice, a boolean mask,
        or a callable of X such as ``sklearn.compose.make_column_selector``; None is
        every column. The other columns are observed covariates.
    outcome_model : str or estimator, default="bayes_linear"
        Outcome given causes, covariates and confounder. "bayes_linear" is closed form;
        "ridge", "logistic", any regressor, or a classifier for an outcome of 0 and 1
        may take its place.
        Columns that are not binary are standardised first.
    adjust : {"substitute", "reconstruction", "residual", "none"}, default="substitute"
        What stands for the confounder: the factors; the expected causes given the
        factors; the expected causes subtracted from the causes; nothing.
    prior_scale : float or None, default=1.0
        Standard deviation of the coefficients under the prior of "bayes_linear", with
        the outcome standardised; None takes the one of largest marginal likelihood,
        which predicts better with hundreds of rare causes and shrinks their effects.
    heldout_fraction : float, default=0.2
        Share of the entries of the causes held out from a copy of the factor model to
        check its predictions; 0 leaves the check out, as a search should.
    n_replicates : int, default=100
        Replicated tables in this check.
    n_draws : int, default=20
        Draws of the substitute confounder from its posterior, for effects that average
        over it.
    random_state : int, RandomState instance or None, default=None
        Seed of all draws, and of models that have none.

    Attributes
    ----------
    effects_ : DataFrame
        One row per cause: ``support`` (rows where it is not 0), ``coefficient`` and
        ``standard_error`` of the outcome model, ``effect`` of one unit by adjustment,
        ``effect_do`` and ``effect_do_error`` by Pyro's do with its Monte Carlo error
        (for the 20 causes that moved most), ``naive`` (same outcome model without the
        confounder), ``contrast`` (no other cause held fixed), ``difference`` (effect
        less naive), ``rank`` and ``rank_naive`` (1 is the largest), ``overlap_r2``,
        ``extreme_share``, ``vif``, ``ignorance_width`` and ``flags``.
    substitute_confounder_ : ndarray of shape (n, n_components)
        Posterior means of the factors; they do not depend on the outcome.
    factor_model_ : factor model
        The fitted one.
    effective_dof_ : float
        Effective number of parameters of the outcome model; NaN if not known.
    predictive_check_ : PredictiveCheck or None
        Whether the factor model predicts held-out causes; None if not checked.
    causes_, covariates_ : list
        Names (or positions) of the columns.
    n_features_in_ : int
        Number of columns seen in ``fit``.
    feature_names_in_ : ndarray of str
        Their names, if they have any.

    Notes
    -----
    Assumes that every hidden confounder affects several causes, that the factor model
    captures it, and that causes do not affect each other. None of this can be tested,
    and with a finite number of causes effects are not identified without a parametric
    outcome model (D'Amour 2019): what ``check`` says belongs to the result.

    .. math::
        \hat z_i = E[z_i \mid a_i], \qquad
        \tau_j = \frac{1}{n} \sum_i E[y \mid a_j = 1, a_{i,-j}, \hat z_i]
        - E[y \mid a_j = 0, a_{i,-j}, \hat z_i].

    ``score`` is the R2 of the outcome, so a search picks what predicts: components,
    priors and outcome models. It cannot tell whether an adjustment is right: the
    confounded model may well predict best.

    References
    ----------
    Wang, Y. and Blei, D. M. (2019). The blessings of multiple causes. Journal of the
    American Statistical Association 114(528). https://arxiv.org/abs/1805.06826

    D'Amour, A. (2019). On multi-cause causal inference with unobserved confounding.
    AISTATS. https://arxiv.org/abs/1902.10286

    Grimmer, J., Knox, D. and Stewart, B. (2023). Naive regression requires weaker
    assumptions than factor models to adjust for multiple cause confounding. JMLR
    24(182). https://arxiv.org/abs/2007.12702

    Examples
    --------
    >>> import numpy as np
    >>> from skcausal.estimation.deconfounding import Deconfounder, PPCAFactorModel
    >>> random = np.random.default_rng(0)
    >>> shared = random.normal(size=500)
    >>> A = shared[:, None] + random.normal(size=(500, 20))
    >>> y = A[:, 0] + 3 * shared + random.normal(size=500)
    >>> model = Deconfounder(PPCAFactorModel(1), random_state=0).fit(A, y)
    >>> model.effects_.loc[0, ["contrast", "effect"]].astype(float).round(1).tolist()
    [2.5, 1.1]
    """

    def __init__(
        self,
        factor_model: Any = None,
        *,
        causes: Any = None,
        outcome_model: Any = "bayes_linear",
        adjust: str = "substitute",
        prior_scale: float | None = 1.0,
        heldout_fraction: float = 0.2,
        n_replicates: int = 100,
        n_draws: int = 20,
        random_state: Any = None,
    ) -> None:
        self.factor_model = factor_model
        self.causes = causes
        self.outcome_model = outcome_model
        self.adjust = adjust
        self.prior_scale = prior_scale
        self.heldout_fraction = heldout_fraction
        self.n_replicates = n_replicates
        self.n_draws = n_draws
        self.random_state = random_state

    def fit(self, X: Any, y: Any) -> Self:
        """Fit the factor model to the causes, then the outcome models.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n, n_features)
            Causes and covariates, all numbers.
        y : array-like of shape (n,)
            Outcome; 0 and 1 with a classifier.

        Returns
        -------
        self : Deconfounder
            The fitted model.

        Raises
        ------
        ValueError
            If there are fewer than two causes, a cause never varies, or a parameter is
            out of range.
        """
        owner = "Deconfounder.fit"
        self._check_settings(owner)
        table = checked_table(self, X, reset=True, numeric=True)
        outcome = check_outcome(y, owner).astype(float)
        check_same_length(owner, X=table, y=outcome)
        self._positions = cause_positions(table, self.causes, owner)
        self._others = np.setdiff1d(np.arange(table.shape[1]), self._positions)
        self.causes_ = names_of(table, self._positions)
        self.covariates_ = names_of(table, self._others)
        A, C = numbers(table, self._positions), numbers(table, self._others)
        check_causes(A, self.causes_, owner)
        self._row_labels = getattr(table, "index", None)
        seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        self._fit_factors(A, seed)
        self._fit_outcomes(Rows(A, C, A[:, :0]), outcome, seed)
        for warning in checking.collinear_warnings(self._models):
            warnings.warn(warning, stacklevel=2)
        return self

    def predict(self, X: Any) -> np.ndarray:
        """Return the expected outcome of rows as they are.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n, n_features)
            Causes and covariates.

        Returns
        -------
        outcome : ndarray of shape (n,)
            Expected outcome, a probability with a classifier. This is no effect: see
            ``effects_``.
        """
        check_is_fitted(self)
        return self._models.fit.expected(self._known_rows(X))

    def check(
        self, *, strict: bool = False, minimum_outcome: float | None = None
    ) -> list[UserWarning]:
        """List the reasons to doubt the effects.

        Parameters
        ----------
        strict : bool, default=False
            Raise the first reason instead.
        minimum_outcome : float, default=None
            Outcomes below it are suspect; None leaves this out.

        Returns
        -------
        reasons : list of UserWarning
            One per reason: a `PredictiveCheckWarning` or a kind of
            `DeconfounderWarning`, in words; they are not emitted.

        Raises
        ------
        UserWarning
            The first reason, with ``strict``.
        """
        check_is_fitted(self)
        models, effects = self._models, self.effects_
        found = [
            *checking.heldout_warnings(self.predictive_check_),
            *checking.collinear_warnings(models),
            *checking.overlap_warnings(models, effects),
            *checking.inflation_warnings(models, effects),
            *checking.unchanged_warnings(effects),
            *checking.covariate_warnings(models, self.covariates_),
            *checking.ignorance_warnings(effects),
            *checking.outcome_warnings(models.y, self._row_labels, minimum_outcome),
        ]
        if strict and found:
            raise found[0]
        return found

    def sensitivity(
        self,
        *,
        seeds: Iterable[int] = range(10),
        n_components: Sequence[int] | None = (5, 20, 50),
        models: Sequence[Any] | None = None,
        n_jobs: int | None = None,
    ) -> pd.DataFrame:
        """Refit with other seeds, numbers of components and factor models.

        Parameters
        ----------
        seeds : iterable of int, default=range(10)
            Seeds of factor models that draw; closed forms are fitted once.
        n_components : sequence of int or None, default=(5, 20, 50)
            Numbers of components below the number of causes; None keeps the model's.
        models : sequence of factor model, default=None
            Factor models in place of the own one.
        n_jobs : int, default=None
            Parallel fits; None is 1 unless in a joblib context.

        Returns
        -------
        stability : DataFrame
            For each cause ``mean``, ``std``, ``min`` and ``max`` of its effect,
            ``rank_mean``, ``rank_std``, and ``sign_flips``: whether its sign differs
            among the fits, of which an `UnstableEffectsWarning` tells.

        Raises
        ------
        ValueError
            If no number of components is below the number of causes.
        """
        check_is_fitted(self)
        if n_components is not None:
            given = n_components
            n_components = [k for k in given if k < len(self.causes_)]
            if not n_components:
                raise ValueError(
                    f"Deconfounder.sensitivity: n_components must be below the number "
                    f"of causes, {len(self.causes_)}, got {list(given)}. Pass smaller "
                    "ones."
                )
        tried = candidates(self._own_factor_model, seeds, n_components, models)
        return stability_table(self._models, tried, n_jobs)

    def _fit_factors(self, A: np.ndarray, seed: int) -> None:
        """Fit the factor model; the outcome is not at hand here."""
        model = self.factor_model
        if model is None:
            model = default_factor_model(A.shape[1])
        self._own_factor_model = model
        self.factor_model_ = fresh_copy(model, seed).fit(A)
        self.substitute_confounder_ = np.asarray(self.factor_model_.transform(A))
        self.predictive_check_ = None
        if self.heldout_fraction > 0:
            self.predictive_check_ = predictive_check(
                model,
                A,
                heldout_fraction=self.heldout_fraction,
                n_replicates=self.n_replicates,
                random_state=seed,
            )

    def _fit_outcomes(self, plain: Rows, y: np.ndarray, seed: int) -> None:
        """Fit the outcome model with the confounder, and without."""
        base = fresh_copy(
            make_outcome_model(self.outcome_model, self.prior_scale, "Deconfounder"),
            seed,
        )
        if is_classifier(base) and not np.isin(y, (0, 1)).all():
            raise ValueError(
                f"Deconfounder.fit: y must be 0 or 1 with a classifier as "
                f"outcome_model, got {np.unique(y)[:5].tolist()}. Code it so."
            )
        confounder = confounder_of(self.adjust, self.factor_model_, plain.causes)
        rows = plain.with_confounder(confounder)
        self._models = FittedModels(
            names=self.causes_,
            rows=rows,
            y=y,
            z=self.substitute_confounder_,
            factor_model=self.factor_model_,
            fit=fit_outcome(base, rows, y, self.adjust),
            naive_rows=plain,
            outcome_model=base,
            seed=seed,
        )
        self.effective_dof_ = self._models.fit.effective_dof
        self._table = None

    def _known_rows(self, X: Any) -> Rows:
        table = checked_table(self, X, reset=False, numeric=True)
        A = numbers(table, self._positions)
        confounder = confounder_of(self.adjust, self.factor_model_, A)
        return Rows(A, numbers(table, self._others), confounder)

    def _check_settings(self, owner: str) -> None:
        """Refuse settings that make no sense."""
        if self.adjust not in ADJUSTMENTS:
            raise ValueError(
                f"{owner}: adjust must be one of {', '.join(ADJUSTMENTS)}, got "
                f"{self.adjust!r}."
            )
        if not 0 <= self.heldout_fraction < 1:
            raise ValueError(
                f"{owner}: heldout_fraction must be at least 0 and below 1, got "
                f"{self.heldout_fraction!r}. 0 leaves the check out."
            )
        for name in ("prior_scale", "n_replicates", "n_draws"):
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise ValueError(f"{owner}: {name} must be positive, got {value!r}.")

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags
