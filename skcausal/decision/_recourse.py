"""StructuralRecourse: what to do to get another decision."""

from typing import Any, Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from skcausal.decision._actions import Action, actions_of
from skcausal.decision._decisions import Decision, decision_of
from skcausal.decision._recourse_result import Recourse, RecourseResult
from skcausal.decision._recourse_search import RowSearch
from skcausal.inference._bootstrap import generator_of
from skcausal.structural._couplings import in_own_coupling
from skcausal.structural._replay import RowNoise, columns_of

_OWNER = "StructuralRecourse"


class StructuralRecourse(BaseEstimator):
    r"""The fewest actions after which a model would decide otherwise.

    A counterfactual explanation names features that, edited, flip a decision. But
    features follow from one another: who earns more also saves more, and nobody can set
    savings and leave everything else. This search sets nodes of a structural model,
    lets the consequences follow with the row's own noise, and asks the predictor about
    the row that results.

    Parameters
    ----------
    model : AdditiveNoiseModel or StructuralModel
        Fitted structural model whose nodes hold the predictor's columns.
    predictor : estimator
        Fitted classifier, regressor or Pipeline that decides.
    actionable : list of node, or dict of node to rule
        What a person can change. Rules for numbers: ``"any"``, ``"increase"``,
        ``"decrease"``, or a range ``(low, high)``; for categories ``"any"`` or a list
        of labels. All others change as a consequence only.
    immutable : list of node, default=()
        What must not change, not even as a consequence.
    desired : label or {"above", "below"}, default=None
        The answer that is wanted; None for the last class, ``"above"`` for regressors.
    threshold : float, default=None
        Probability of the desired class from which it is granted (None for 0.5), or
        the value that a regressor must reach.
    features : list of node, default=None
        Columns of the predictor; None for its ``feature_names_in_``.
    max_actions : int, default=3
        Most nodes that are set at once.
    n_alternatives : int, default=3
        Most ways per row. They set different nodes, and none sets what another sets
        and more.
    objective : {"fewest", "cheapest"}, default="fewest"
        Whether fewer actions come before lower cost.
    n_samples : int, default=100
        Draws of the noise where the row does not settle it (categories, counts).
    confidence : float, default=0.95
        Share of these draws in which the decision must be as desired.
    random_state : int, Generator or None, default=None
        Seed of these draws.

    Attributes
    ----------
    actions_ : list of Action
        The checked rules with the values seen.
    decision_ : Decision
        The predictor with the answer that is wanted.

    Notes
    -----
    Assumes that the structural model is right and that the predictor stays as it is.
    For a row :math:`x` with noise :math:`u` it looks for

    .. math:: \min_{I, a} \left(|I|, \sum_{i \in I} |F_i(a_i) - F_i(x_i)|\right)
              \quad\text{with}\quad h\left(x_{do(x_I = a)}(u)\right) \text{ as desired},

    where :math:`F_i` is the distribution function of node :math:`i` among the rows of
    `fit`: a cost of 0.1 is a move past a tenth of the people. Another category costs
    one half. Sets of nodes are tried from the smallest on, each on a grid of up to
    1,000 settings in the order of their cost, then numbers are pulled back toward the
    row until just before the decision flips. An action may also keep a node as it is,
    at no cost, where it would follow from another action. Between grid points the
    search may miss a cheaper way. Where noise is drawn, a StructuralModel draws by its
    ``coupling``, and the share of draws that succeed is that of the draws searched: a
    little too good for new ones. What is promised holds for the model as it is: a
    structural model with an arrow too many or too few promises what it cannot keep.

    References
    ----------
    Karimi, A.-H., Schölkopf, B., & Valera, I. (2021). Algorithmic recourse: from
    counterfactual explanations to interventions. FAccT.
    https://arxiv.org/abs/2002.06278

    Karimi, A.-H., von Kügelgen, J., Schölkopf, B., & Valera, I. (2020). Algorithmic
    recourse under imperfect causal knowledge: a probabilistic approach. NeurIPS 33.
    https://arxiv.org/abs/2006.06831

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> from sklearn.linear_model import LinearRegression, LogisticRegression
    >>> from skcausal.decision import StructuralRecourse
    >>> from skcausal.graphs import CausalGraph
    >>> from skcausal.structural import AdditiveNoiseModel
    >>> rng = np.random.default_rng(0)
    >>> income = rng.normal(3, 1, size=500)
    >>> savings = 2 * income + rng.normal(size=500)
    >>> frame = pd.DataFrame({"income": income, "savings": savings})
    >>> paid = income + savings + rng.normal(size=500) > 9
    >>> credit = LogisticRegression().fit(frame, paid)
    >>> graph = CausalGraph([("income", "savings")])
    >>> model = AdditiveNoiseModel(graph, regressor=LinearRegression()).fit(frame)
    >>> recourse = StructuralRecourse(model, credit, ["income", "savings"]).fit(frame)
    >>> refused = frame[~credit.predict(frame)].iloc[:1]
    >>> ways = recourse.explain(refused).to_frame()
    >>> ways[["actions", "feature_edit_suffices"]].to_numpy().tolist()
    [['income = 3.267', False], ['savings = 5.94361', True]]
    """

    actions_: list[Action]
    decision_: Decision

    def __init__(
        self,
        model: Any,
        predictor: Any,
        actionable: Any,
        *,
        immutable: Any = (),
        desired: Any = None,
        threshold: float | None = None,
        features: Any = None,
        max_actions: int = 3,
        n_alternatives: int = 3,
        objective: str = "fewest",
        n_samples: int = 100,
        confidence: float = 0.95,
        random_state: Any = None,
    ) -> None:
        self.model = model
        self.predictor = predictor
        self.actionable = actionable
        self.immutable = immutable
        self.desired = desired
        self.threshold = threshold
        self.features = features
        self.max_actions = max_actions
        self.n_alternatives = n_alternatives
        self.objective = objective
        self.n_samples = n_samples
        self.confidence = confidence
        self.random_state = random_state

    def fit(self, frame: Any, y: None = None) -> Self:
        """Check the rules, and learn what values people have.

        Parameters
        ----------
        frame : DataFrame of shape (n, n_columns)
            A population, with a column for each node.
        y : None
            Not used; there for scikit-learn.

        Returns
        -------
        self : StructuralRecourse
            Ready to explain.

        Raises
        ------
        ValueError
            If a rule, a column or a parameter makes no sense.
        """
        check_is_fitted(self.model, "mechanisms_")
        self._check_parameters()
        table = self.model.known(frame, owner=f"{_OWNER}.fit")
        self.actions_ = actions_of(self.actionable, self.immutable, self.model, table)
        self.decision_ = decision_of(
            self.predictor,
            self.features,
            self.desired,
            self.threshold,
            self.model.graph,
        )
        return self

    def _check_parameters(self) -> None:
        for name in ("max_actions", "n_alternatives", "n_samples"):
            value = getattr(self, name)
            whole = isinstance(value, int | np.integer) and not isinstance(value, bool)
            if not whole or value < 1:
                raise ValueError(
                    f"{_OWNER}.fit: {name} must be an integer of at least 1, got "
                    f"{value!r}."
                )
        if self.objective not in ("fewest", "cheapest"):
            raise ValueError(
                f"{_OWNER}.fit: objective must be 'fewest' or 'cheapest', got "
                f"{self.objective!r}."
            )
        if not 0 < self.confidence <= 1:
            raise ValueError(
                f"{_OWNER}.fit: confidence must lie in (0, 1], got {self.confidence!r}."
            )

    def explain(self, frame: Any) -> RecourseResult:
        """Return what each of some rows could do.

        Parameters
        ----------
        frame : DataFrame of shape (n, n_columns)
            Rows as they are, with a column for each node.

        Returns
        -------
        RecourseResult
            Ways per row; none for rows that are granted what they want already, or
            for which no setting that is allowed leads there.
        """
        check_is_fitted(self, "decision_")
        table = self.model.known(frame, owner=f"{_OWNER}.explain")
        if table.index.has_duplicates:
            twice = table.index[table.index.duplicated()][0]
            raise ValueError(
                f"{_OWNER}.explain: frame has several rows with the label {twice}, "
                "so that answers could not be told apart. Take "
                "frame.reset_index(drop=True)."
            )
        scores = self.decision_.score(table)
        granted = self.decision_.granted(scores)
        random = generator_of(self.random_state)
        alternatives = {
            label: () if granted[k] else self._ways(table.iloc[[k]], random)
            for k, label in enumerate(table.index)
        }
        index = table.index
        return RecourseResult(
            alternatives,
            pd.Series(scores, index=index),
            pd.Series(granted, index=index),
        )

    def _ways(
        self, row: pd.DataFrame, random: np.random.Generator
    ) -> tuple[Recourse, ...]:
        model = in_own_coupling(self.model)
        below = model.graph.descendants
        useful = set(model.graph.ancestors(self.decision_.features))
        actions = [action for action in self.actions_ if action.node in useful]
        # What no action reaches keeps its value, so its noise need not be known.
        reached = {node for a in actions for node in below(a.node) - {a.node}}
        hidden = set(model.graph.nodes) - set(row.columns)
        settled = not hidden and all(
            model.mechanisms_[node].invertible for node in reached & useful
        )
        rows = row.iloc[np.zeros(1 if settled else self.n_samples, dtype=int)]
        values = columns_of(rows)
        for node in hidden:
            values[node] = model.draw_latent(rows, random_state=random)
        noise = RowNoise(model, values, random)
        search = RowSearch(
            model, self.decision_, actions, row, values, noise, self.confidence
        )
        most = min(self.max_actions, len(actions))
        return search.ways(most, self.objective, self.n_alternatives)
