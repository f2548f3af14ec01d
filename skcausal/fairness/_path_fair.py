"""PathSpecificFair: a classifier without the effect along some paths."""

from typing import Any, Self

import numpy as np
import pandas as pd
from scipy.special import expit, logit
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from skcausal.fairness._constrained import Contrast, fit_constrained
from skcausal.fairness._fair_graphs import structural_model
from skcausal.fairness._path_question import (
    PathQuestion,
    check_binary,
    check_options,
    named_outcome,
)
from skcausal.inference._bootstrap import generator_of
from skcausal.utils._validation import as_vector

_OWNER = "PathSpecificFair"


def _constrains(estimator: Any) -> bool:
    return bool(estimator.mode == "constrain")


class PathSpecificFair(ClassifierMixin, BaseEstimator):
    r"""A classifier that a sensitive attribute does not move along unfair paths.

    Other paths may stay: a university may hold that the choice of a department is fair
    and that sex itself is not.

    Parameters
    ----------
    model : StructuralModel, AdditiveNoiseModel or CausalGraph
        A structural model whose graph holds the outcome as a node that causes nothing;
        a copy is fitted on the other nodes. A graph becomes a `StructuralModel`.
    sensitive : node
        The sensitive attribute.
    unfair_paths : sequence of sequence of node
        Paths from the sensitive attribute to the outcome, such as
        ``[("race", "label"), ("race", "priors", "label")]``.
    mode : {"constrain", "correct"}, default="constrain"
        ``"constrain"`` fits a logistic regression under the constraint that the effect
        along unfair paths is inside ``bounds``. ``"correct"`` fits any classifier, and
        asks it about rows in which what unfair paths carry is as under the reference.
    reference : level, default=None
        Value of the sensitive attribute that others are compared with, or set to. None
        takes 0 or False; other labels must be given.
    bounds : (float, float), default=(0.95, 1.05)
        Bounds of the odds ratio, with 1 between them; for ``"constrain"`` only.
    base_estimator : classifier, default=None
        With ``"correct"``, any classifier with ``predict_proba``. None takes logistic
        regression on scaled numbers and one column per category.
    transformer : transformer, default=None
        With ``"constrain"``, what makes columns of the outcome's causes before the
        logistic regression. None scales numbers and makes one column per category.
    average_mediators : bool, default=False
        With ``"constrain"``, predict with the mean over the marginal distribution of
        mediators on unfair paths instead of the row's own values.
    n_draws : int, default=20
        Draws over which predictions are averaged, of the noise of categories and of
        averaged mediators.
    random_state : int, Generator, RandomState or None, default=None
        Seed.

    Attributes
    ----------
    classes_ : ndarray of shape (2,)
        Labels.
    model_ : StructuralModel or AdditiveNoiseModel
        The model of all nodes but the outcome.
    estimator_ : estimator
        The classifier before correction, or without constraint a logistic regression.
    edges_ : frozenset of (node, node)
        The arrows of unfair paths.
    reference_ : level
        The reference.
    coefficients_ : ndarray of shape (n_columns,)
        With ``"constrain"``: intercept and slopes.
    feature_names_in_ : ndarray of shape (n_features,)
        The columns that are used.

    Notes
    -----
    Assumes that the model is right. With the probability :math:`p_\theta` of the
    outcome given its causes X, the constraint is on :math:`g(\theta) =
    \mathrm{odds}(E\,p_\theta(X_{a'})) / \mathrm{odds}(E\,p_\theta(X_a))`, where unfair
    arrows carry a' and all others the reference a; the likelihood of the outcome is
    maximal given :math:`\epsilon_l \le g(\theta) \le \epsilon_u` for each a'. Bounds
    are tightened by the sampling error of the rows, so that they hold on new ones too.
    Mechanisms of other nodes are left as they are. A corrected prediction is
    :math:`p(X_i)` with the row's own noise, where arrows of fair paths carry the row's
    own value of the sensitive attribute and others the reference.

    References
    ----------
    Nabi, R., & Shpitser, I. (2018). Fair inference on outcomes. AAAI.
    https://doi.org/10.1609/aaai.v32i1.11553

    Chiappa, S. (2019). Path-specific counterfactual fairness. AAAI.
    https://doi.org/10.1609/aaai.v33i01.33017801

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> from skcausal.fairness import PathSpecificFair
    >>> from skcausal.graphs import CausalGraph
    >>> from skcausal.structural import AdditiveNoiseModel
    >>> rng = np.random.default_rng(0)
    >>> a = rng.integers(2, size=1000)
    >>> w = a + rng.normal(size=1000)
    >>> X = pd.DataFrame({"a": a, "w": w})
    >>> y = pd.Series((a + w + rng.logistic(size=1000) > 1).astype(int), name="y")
    >>> graph = CausalGraph([("a", "w"), ("w", "y"), ("a", "y")])
    >>> model = AdditiveNoiseModel(graph)
    >>> fair = PathSpecificFair(model, "a", [("a", "y")], random_state=0).fit(X, y)
    >>> ratio = fair.unfair_effect(X)["odds_ratio"]
    >>> bool(ratio.between(0.95, 1.05).all())
    True
    """

    classes_: np.ndarray
    model_: Any
    estimator_: Any
    edges_: frozenset[Any]
    reference_: Any
    coefficients_: np.ndarray
    feature_names_in_: np.ndarray

    def __init__(
        self,
        model: Any,
        sensitive: Any,
        unfair_paths: Any,
        *,
        mode: str = "constrain",
        reference: Any = None,
        bounds: tuple[float, float] = (0.95, 1.05),
        base_estimator: Any = None,
        transformer: Any = None,
        average_mediators: bool = False,
        n_draws: int = 20,
        random_state: Any = None,
    ) -> None:
        self.model = model
        self.sensitive = sensitive
        self.unfair_paths = unfair_paths
        self.mode = mode
        self.reference = reference
        self.bounds = bounds
        self.base_estimator = base_estimator
        self.transformer = transformer
        self.average_mediators = average_mediators
        self.n_draws = n_draws
        self.random_state = random_state

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Fit the structural model, then the classifier.

        Parameters
        ----------
        X : DataFrame of shape (n, n_columns)
            A column for each node but the outcome; others are ignored.
        y : array-like of shape (n,)
            Outcome with two labels; the second of the sorted ones is the positive.
        sample_weight : array-like of shape (n,), default=None
            Weights of the rows in the classifier; mechanisms of other nodes are
            fitted without.

        Returns
        -------
        self : PathSpecificFair
            The fitted classifier.

        Raises
        ------
        ValueError
            If a path is none, an option is unknown, or y does not have two labels.
        RecantingWitnessError
            If arrows cannot tell unfair paths from others.
        RuntimeError
            If no coefficients keep the odds ratios inside the bounds.
        """
        check_options(self, _OWNER)
        codes = check_binary(self, y, len(X), _OWNER)
        weight = np.ones(len(codes))
        if sample_weight is not None:
            weight = as_vector(sample_weight, "sample_weight").astype(float)
        self.seed_ = int(generator_of(self.random_state).integers(2**31))
        owner = f"{_OWNER}.fit"
        model = structural_model(self.model, owner, self.seed_)
        outcome = named_outcome(model, X, y, owner)
        self.question_ = PathQuestion.fitted(self, model, X, outcome, owner)
        self.model_ = self.question_.model
        self.edges_ = self.question_.unfair_edges
        self.reference_ = self.question_.reference
        self.feature_names_in_ = np.array(self.model_.graph.nodes, dtype=object)
        self.n_features_in_ = len(self.feature_names_in_)
        causes = self.question_.causes_in(self.model_.known(X))
        if self.mode == "correct":
            base = self.base_estimator
            base = _default_classifier() if base is None else clone(base)
            options = {} if sample_weight is None else {"sample_weight": weight}
            self.estimator_ = base.fit(causes, codes, **options)
        else:
            self._fit_constrained(X, causes, codes, weight)
        return self

    def _fit_constrained(
        self, X: Any, causes: pd.DataFrame, codes: np.ndarray, weight: np.ndarray
    ) -> None:
        chosen = self.transformer
        chosen = _default_transformer() if chosen is None else clone(chosen)
        self.estimator_ = chosen.fit(causes)
        contrasts = list(self._contrasts(X).values())
        arrays = (self._design(causes), codes, contrasts)
        low, high = self.bounds
        self.free_coefficients_ = fit_constrained(*arrays, None, weight)
        self.coefficients_ = fit_constrained(*arrays, (low, high), weight)
        if self.average_mediators:
            self.marginal_ = causes[self.question_.unfair_mediators]

    def _design(self, causes: pd.DataFrame) -> np.ndarray:
        columns = self.estimator_.transform(causes)
        columns = columns.toarray() if hasattr(columns, "toarray") else columns
        return np.column_stack([np.ones(len(causes)), np.asarray(columns, float)])

    def _contrasts(self, X: Any) -> dict[Any, Contrast]:
        """Return designs along unfair paths, for each level but the reference."""
        random = np.random.default_rng(self.seed_)
        noise = self.model_.noise(X, random_state=random)
        found = {}
        for level in self.question_.levels:
            base, moved = self.question_.along_unfair_paths(noise, level)
            found[level] = Contrast(self._design(moved), self._design(base))
        return found

    @available_if(_constrains)
    def unfair_effect(self, X: Any) -> pd.DataFrame:
        """Return the effect along unfair paths on predictions for rows.

        Parameters
        ----------
        X : DataFrame of shape (n, n_columns)
            A column for each node but the outcome.

        Returns
        -------
        table : DataFrame
            Per level of the sensitive attribute but the reference: ``odds_ratio``, and
            ``without_constraint`` that of logistic regression.
        """
        check_is_fitted(self, "classes_")
        rows = {}
        for level, contrast in self._contrasts(X).items():
            pair = (self.coefficients_, self.free_coefficients_)
            rows[level] = [np.exp(contrast.log_odds_ratio(theta)[0]) for theta in pair]
        table = pd.DataFrame.from_dict(rows, orient="index")
        table.columns = ["odds_ratio", "without_constraint"]
        return table.rename_axis(str(self.sensitive))

    def predict_proba(self, X: Any) -> np.ndarray:
        """Return probabilities of both labels.

        Parameters
        ----------
        X : DataFrame of shape (n, n_columns)
            A column for each node but the outcome.

        Returns
        -------
        probabilities : ndarray of shape (n, 2)
            In the order of ``classes_``.
        """
        check_is_fitted(self, "classes_")
        random = np.random.default_rng(self.seed_)
        table = self.model_.known(X, owner=f"{_OWNER}.predict_proba")
        draw = self._averaged if self.mode == "constrain" else self._corrected
        positive = draw(table, random)
        return np.column_stack([1 - positive, positive])

    def _averaged(self, table: pd.DataFrame, random: np.random.Generator) -> np.ndarray:
        causes = self.question_.causes_in(table)
        if not self.average_mediators or not self.question_.unfair_mediators:
            return np.asarray(expit(self._design(causes) @ self.coefficients_))
        found = np.zeros(len(causes))
        for row in random.integers(len(self.marginal_), size=self.n_draws):
            drawn = causes.copy()
            for node in self.marginal_:
                value = pd.Series(self.marginal_[node].iloc[row], causes.index)
                drawn[node] = value.astype(causes[node].dtype)
            design = self._design(drawn)
            found += expit(design @ self.coefficients_) / self.n_draws
        return found

    def _corrected(
        self, table: pd.DataFrame, random: np.random.Generator
    ) -> np.ndarray:
        n_draws = self.n_draws if self.question_.is_random else 1
        found = np.zeros(len(table))
        for _ in range(n_draws):
            noise = self.model_.noise(table, random_state=random)
            causes = self.question_.corrected(noise, table)
            found += self.estimator_.predict_proba(causes)[:, 1] / n_draws
        return found

    def predict(self, X: Any) -> np.ndarray:
        """Return the likelier label of each row.

        Parameters
        ----------
        X : DataFrame of shape (n, n_columns)
            A column for each node but the outcome.

        Returns
        -------
        labels : ndarray of shape (n,)
            Labels among ``classes_``.
        """
        positive = self.predict_proba(X)[:, 1] > 0.5
        return np.asarray(self.classes_[positive.astype(int)])

    def decision_function(self, X: Any) -> np.ndarray:
        """Return the log odds of the second label.

        Parameters
        ----------
        X : DataFrame of shape (n, n_columns)
            A column for each node but the outcome.

        Returns
        -------
        log_odds : ndarray of shape (n,)
            Positive where the second label is the likelier.
        """
        return np.asarray(logit(self.predict_proba(X)[:, 1]))


def _default_transformer() -> Any:
    encoder = OneHotEncoder(drop="first", sparse_output=False)
    return make_column_transformer(
        (encoder, make_column_selector(dtype_include="category")),
        (StandardScaler(), make_column_selector(dtype_exclude="category")),
    )


def _default_classifier() -> Any:
    return make_pipeline(_default_transformer(), LogisticRegression(C=1e4))
