"""Unfairness as a score, so that a search trades accuracy against it."""

import warnings
from collections.abc import Callable
from typing import Any

import pandas as pd
from sklearn.base import BaseEstimator

from skcausal.fairness._auditor import CounterfactualFairnessAuditor
from skcausal.fairness._group_metrics import SmallGroupWarning


class CounterfactualUnfairnessScorer(BaseEstimator):
    r"""Minus the unfairness of a fitted estimator on rows: 0 is best.

    Made by `counterfactual_unfairness_scorer`; called as scikit-learn's scorers are,
    ``scorer(estimator, X, y)``.

    Parameters
    ----------
    model : StructuralModel or AdditiveNoiseModel
        Fitted structural model: the same for all candidates.
    sensitive : node
        The attribute, a node without causes.
    values : sequence, default=None
        Values to set it to; None takes those with at least 50 of the scored rows.
    n_counterfactuals : int, default=20
        Draws per row and value, where a row leaves several noises possible.
    coupling : str, default="shared_noise"
        See `CounterfactualFairnessAuditor`.
    derived : callable, default=None
        See `CounterfactualFairnessAuditor`.
    random_state : int, default=0
        Seed: the same for all candidates.

    Notes
    -----
    Assumes the structural model. Rows of values with fewer than 50 scored rows do not
    count. With :math:`\delta_i(a')` as in `FairnessAudit`, the score is :math:`-n^{-1}
    \sum_i \max_{a'} |\delta_i(a')|`.

    References
    ----------
    Kusner, M. J., Loftus, J., Russell, C., & Silva, R. (2017). Counterfactual
    fairness. NeurIPS 30. https://arxiv.org/abs/1703.06856

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> from sklearn.linear_model import LinearRegression
    >>> from skcausal.fairness import CounterfactualUnfairnessScorer
    >>> from skcausal.graphs import CausalGraph
    >>> from skcausal.structural import AdditiveNoiseModel
    >>> rng = np.random.default_rng(0)
    >>> group, art = rng.integers(2, size=400), rng.normal(size=400)
    >>> X = pd.DataFrame({"group": group, "art": art})
    >>> model = AdditiveNoiseModel(CausalGraph(nodes=["group", "art"])).fit(X)
    >>> scorer = CounterfactualUnfairnessScorer(model, "group")
    >>> predictor = LinearRegression().fit(X, art + 3 * group)
    >>> round(scorer(predictor, X, None), 6)
    -3.0
    """

    def __init__(
        self,
        model: Any,
        sensitive: Any,
        *,
        values: Any = None,
        n_counterfactuals: int = 20,
        coupling: str = "shared_noise",
        derived: Callable[[pd.DataFrame], pd.DataFrame] | None = None,
        random_state: Any = 0,
    ) -> None:
        self.model = model
        self.sensitive = sensitive
        self.values = values
        self.n_counterfactuals = n_counterfactuals
        self.coupling = coupling
        self.derived = derived
        self.random_state = random_state

    def __call__(self, estimator: Any, X: Any, y: Any = None) -> float:
        """Score a fitted estimator on rows.

        Parameters
        ----------
        estimator : estimator
            Fitted classifier, regressor, Pipeline or search.
        X : DataFrame of shape (n, n_columns)
            Rows with the columns of the nodes.
        y : array-like of shape (n,), default=None
            Not used; there for scikit-learn.

        Returns
        -------
        score : float
            Minus the unfairness.

        Raises
        ------
        ValueError
            If the structural model is not fitted.
        """
        if not hasattr(self.model, "mechanisms_"):
            raise ValueError(
                "CounterfactualUnfairnessScorer: model must be a fitted structural "
                f"model, got {type(self.model).__name__}. Call model.fit(frame) first: "
                "all candidates are judged by the same model."
            )
        auditor = CounterfactualFairnessAuditor(
            self.model,
            self.sensitive,
            n_counterfactuals=self.n_counterfactuals,
            coupling=self.coupling,
            derived=self.derived,
            random_state=self.random_state,
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SmallGroupWarning)  # see Notes
            auditor.fit(X)
        return -auditor.unfairness(estimator, X, values=self.values)


def counterfactual_unfairness_scorer(
    model: Any,
    sensitive: Any,
    *,
    values: Any = None,
    n_counterfactuals: int = 20,
    coupling: str = "shared_noise",
    derived: Callable[[pd.DataFrame], pd.DataFrame] | None = None,
    random_state: Any = 0,
) -> CounterfactualUnfairnessScorer:
    """Return a scorer for ``scoring=`` in scikit-learn's searches.

    Parameters
    ----------
    model : StructuralModel or AdditiveNoiseModel
        Fitted structural model: the same for all candidates.
    sensitive : node
        The attribute, a node without causes.
    values : sequence, default=None
        Values to set it to; None takes those with at least 50 of the scored rows.
    n_counterfactuals : int, default=20
        Draws per row and value, where a row leaves several noises possible.
    coupling : str, default="shared_noise"
        See `CounterfactualFairnessAuditor`.
    derived : callable, default=None
        See `CounterfactualFairnessAuditor`.
    random_state : int, default=0
        Seed: the same for all candidates.

    Returns
    -------
    scorer : CounterfactualUnfairnessScorer
        Callable ``scorer(estimator, X, y)``; X must be a DataFrame with the columns of
        the nodes.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> from sklearn.linear_model import Ridge
    >>> from sklearn.model_selection import cross_validate
    >>> from skcausal.fairness import counterfactual_unfairness_scorer
    >>> from skcausal.graphs import CausalGraph
    >>> from skcausal.structural import AdditiveNoiseModel
    >>> rng = np.random.default_rng(0)
    >>> group = rng.integers(2, size=400)
    >>> X = pd.DataFrame({"group": group, "test": group + rng.normal(size=400)})
    >>> model = AdditiveNoiseModel(CausalGraph([("group", "test")])).fit(X)
    >>> scoring = {"r2": "r2", "fair": counterfactual_unfairness_scorer(model, "group")}
    >>> found = cross_validate(Ridge(), X, 2 * X["test"], scoring=scoring, cv=2)
    >>> found["test_fair"].mean().round(1)
    np.float64(-2.2)
    """
    return CounterfactualUnfairnessScorer(
        model,
        sensitive,
        values=values,
        n_counterfactuals=n_counterfactuals,
        coupling=coupling,
        derived=derived,
        random_state=random_state,
    )
