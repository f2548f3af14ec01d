"""CounterfactuallyFairRegressor: numbers from what is not due to an attribute."""

from typing import Any, Self

from sklearn.base import RegressorMixin

from skcausal.estimation import default_regressor
from skcausal.fairness._fair_predictor import FairPredictor
from skcausal.utils._validation import check_outcome


class CounterfactuallyFairRegressor(RegressorMixin, FairPredictor):
    r"""A regressor that would say the same had the sensitive attribute been another.

    Parameters
    ----------
    model : CausalGraph or any structural model of one
        Who causes whom. A copy of a model is fitted to the rows of `fit`, with its
        regressors and mechanisms; a graph takes default ones, with added errors at
        level 3. At level 2 also any other estimator with ``graph``, ``latent_``,
        ``infer_latent`` and ``draw_latent``.
    sensitive : node or list of node
        Sensitive attributes: nodes without causes.
    level : {1, 2, 3}, default=3
        Which features are used beside columns that do not follow from the sensitive
        attributes: none (1), the latent node inferred from the row (2), or the noise
        of the columns that follow from them (3).
    base_estimator : estimator, default=None
        Any scikit-learn regressor, fitted on the fair features. None: LightGBM.
    residuals : {"additive", "rank"}, default="additive"
        At level 3: whether all noises must follow from the row, as additive ones do,
        or categories, bools and counts may give the place of the row in their
        distribution given their causes, between 0 and 1.
    outcome : node, default=None
        Node of the graph that ``y`` is. None takes the name of ``y`` if it is a Series
        named after a node.
    n_samples : int, default=None
        Draws that are averaged where a row leaves the latent node or noise open. None
        is their mean; 1 makes rank residuals independent of the sensitive attributes
        if the model is right, at the price of a lottery.
    random_state : int, Generator, RandomState or None, default=None
        Seed of these draws; None is a fixed one.

    Attributes
    ----------
    estimator_ : estimator
        The base estimator, fitted on fair features.
    model_ : structural model or None
        The structural model, fitted on the rows of `fit`; None at level 1.
    excluded_ : dict of column to str
        Columns that are not used as they are, and why.
    fair_feature_names_ : list of str
        Columns of what `transform` returns.
    feature_names_in_ : ndarray of shape (n_columns,)
        Columns of ``X`` in `fit`.
    n_features_in_ : int
        Their number.

    Notes
    -----
    Assumes the graph, and at levels 2 and 3 the structural model. A predictor is
    counterfactually fair if for each row and all values :math:`a, a'` of the sensitive
    attributes :math:`P(\hat Y_{A \leftarrow a}(U) = y \mid X = x, A = a) = P(\hat
    Y_{A \leftarrow a'}(U) = y \mid X = x, A = a)`. It is, if it depends on
    non-descendants of :math:`A` only: observed ones, :math:`\hat K = E[K \mid x, a]`
    (from features, never from ``y``), or noise :math:`\hat u_j = x_j -
    \hat f_j(x_{pa(j)})`. At level 3 this is exact under the fitted model. A latent node
    inferred anew from counterfactual counts, and the mean place of a category, differ
    a little between worlds; the auditor measures it. Mechanisms are fitted on the rows
    of `fit` only, so that no new row changes its own features.

    References
    ----------
    Kusner, M. J., Loftus, J., Russell, C., & Silva, R. (2017). Counterfactual
    fairness. NeurIPS 30. https://arxiv.org/abs/1703.06856

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> from sklearn.linear_model import LinearRegression
    >>> from skcausal.fairness import CounterfactuallyFairRegressor
    >>> from skcausal.graphs import CausalGraph
    >>> from skcausal.structural import AdditiveNoiseModel
    >>> rng = np.random.default_rng(0)
    >>> group, skill = rng.integers(2, size=500), rng.normal(size=500)
    >>> X = pd.DataFrame({"group": group, "test": skill - group})
    >>> line = LinearRegression()
    >>> model = AdditiveNoiseModel(CausalGraph([("group", "test")]), regressor=line)
    >>> fair = CounterfactuallyFairRegressor(model, "group", base_estimator=line)
    >>> fair.fit(X, skill + rng.normal(size=500)).score(X, skill) > 0.9
    True
    >>> other = fair.model_.counterfactual(X, do={"group": 1 - group})
    >>> bool(abs(fair.predict(other) - fair.predict(X)).max() < 1e-9)
    True
    """

    def fit(self, X: Any, y: Any) -> Self:
        """Fit the structural model that the level needs, then the base estimator.

        Parameters
        ----------
        X : DataFrame of shape (n, n_columns)
            A column per node that is neither latent nor the outcome; columns that are
            not in the graph are left out, and listed in ``excluded_``.
        y : array of shape (n,)
            Numbers.

        Returns
        -------
        self : CounterfactuallyFairRegressor
            The fitted predictor.

        Raises
        ------
        SensitiveAttributeError
            If a sensitive attribute is no node, or has causes.
        ValueError
            If level 1 leaves no feature, a node has no column, or at level 3 errors
            cannot be additive.
        """
        target = check_outcome(y, f"{type(self).__name__}.fit")
        return self._fit(X, y, target, default_regressor)
