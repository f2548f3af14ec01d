"""AdditiveNoiseModel: a causal graph with a mechanism for each node."""

from collections.abc import Mapping
from typing import Any, Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from skcausal.inference._bootstrap import generator_of
from skcausal.structural._additive import AdditiveNoise
from skcausal.structural._categorical import CategoricalNoise
from skcausal.structural._design import frame_of
from skcausal.structural._evaluation import evaluate
from skcausal.structural._goodness import has_density
from skcausal.structural._inputs import (
    as_frame,
    cast,
    check_count,
    check_frame,
    check_graph,
    check_interventions,
    check_mechanisms,
    fitted,
    is_categorical,
    kept_dtype,
    refuse_gaps,
    set_to,
)
from skcausal.structural._mechanism import EmpiricalDistribution, Mechanism
from skcausal.structural._noise_frame import noise_arrays, noise_columns_of, noise_frame


class AdditiveNoiseModel(BaseEstimator):
    r"""A graph with a mechanism per node, learned by any scikit-learn models.

    Numbers are a function of their causes plus noise (`AdditiveNoise`); categories,
    bools and 0/1 columns that have causes are drawn with probabilities that their
    causes decide (`CategoricalNoise`); nodes without causes have the distribution
    seen (`EmpiricalDistribution`). Because the noise of a row can be recovered, the
    model answers what would have happened to this very row.

    Parameters
    ----------
    graph : CausalGraph
        Who causes whom: no latent nodes, no hidden common causes.
    mechanisms : dict of node to Mechanism, default=None
        Mechanisms for some nodes; the others get one by their kind.
    regressor : estimator, default=None
        Regressor of all numbers. None chooses per node between a linear model and
        boosted trees by cross-validation.
    classifier : estimator, default=None
        Classifier of all categories. None chooses likewise.
    random_state : int, Generator, RandomState or None, default=None
        Seed of all draws for which a method is given none of its own.

    Attributes
    ----------
    mechanisms_ : dict of node to Mechanism
        The fitted mechanisms, causes first.
    dtypes_ : dict of node to dtype
        Types of the columns that methods return; numbers are float.

    Notes
    -----
    Assumes that the graph is right, that noises are independent of one another (no
    hidden common causes), and that numbers follow :math:`x_j = f_j(x_{pa(j)}) + u_j`.
    A counterfactual is computed in three steps: recover :math:`u_j = x_j -
    f_j(x_{pa(j)})` from the row, set the nodes of the intervention, compute all other
    nodes anew, with the same noise. It is exact if the mechanisms are right;
    `evaluate` shows where they are not.

    References
    ----------
    Peters, J., Janzing, D., & Schölkopf, B. (2017). Elements of Causal Inference. MIT
    Press, chapters 3 and 6. https://mitpress.mit.edu/9780262037310

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> from skcausal.graphs import CausalGraph
    >>> from skcausal.structural import AdditiveNoiseModel
    >>> rng = np.random.default_rng(0)
    >>> price = rng.normal(10, 2, size=500)
    >>> sales = 100 - 3 * price + rng.normal(size=500)
    >>> frame = pd.DataFrame({"price": price, "sales": sales})
    >>> model = AdditiveNoiseModel(CausalGraph([("price", "sales")])).fit(frame)
    >>> cheaper = model.counterfactual(frame, do={"price": price - 1})
    >>> round((cheaper["sales"] - sales).mean(), 1)
    np.float64(3.0)
    """

    mechanisms_: dict[Any, Mechanism]
    dtypes_: dict[Any, Any]

    def __init__(
        self,
        graph: Any,
        mechanisms: Any = None,
        *,
        regressor: Any = None,
        classifier: Any = None,
        random_state: Any = None,
    ) -> None:
        self.graph = graph
        self.mechanisms = mechanisms
        self.regressor = regressor
        self.classifier = classifier
        self.random_state = random_state

    def fit(self, frame: Any, y: None = None) -> Self:
        """Learn a mechanism for each node.

        Parameters
        ----------
        frame : DataFrame of shape (n, n_columns)
            One column per node, others are ignored; pandas or polars.
        y : None
            Not used; there for scikit-learn.

        Returns
        -------
        self : AdditiveNoiseModel
            The fitted model.

        Raises
        ------
        ValueError
            If the graph has hidden causes, or a column is missing, has gaps or text.
        """
        owner = f"{self._owner}.fit"
        graph = check_graph(self.graph, owner)
        table = check_frame(frame, graph.nodes, owner)
        given = check_mechanisms(self.mechanisms, graph, owner)
        self.dtypes_ = {node: kept_dtype(table[node]) for node in graph.nodes}
        table = self.known(table, owner=owner)
        self.mechanisms_ = {}
        for node in graph.topological_order():
            parents, own = self._parent_frame(table, node), given.get(node)
            self.mechanisms_[node] = self._learned(own, parents, table[node], owner)
        return self

    def _learned(
        self, given: Mechanism | None, parents: pd.DataFrame, values: Any, owner: str
    ) -> Mechanism:
        """Return the fitted mechanism of a node."""
        if given is None:
            given = self._default(values, root=parents.shape[1] == 0)
        return fitted(given, parents, values, owner)

    def _default(self, values: pd.Series, *, root: bool) -> Mechanism:
        if root:
            return EmpiricalDistribution()
        if is_categorical(values, root=root):
            return CategoricalNoise(self.classifier)
        return AdditiveNoise(self.regressor)

    def parents_of(self, node: Any) -> list[Any]:
        """Return the columns that a node's mechanism takes, in order.

        Parameters
        ----------
        node : node
            A node of the graph.

        Returns
        -------
        parents : list of node
            Its direct causes, in the order of the graph.
        """
        return list(self.graph.ordered(self.graph.parents(node)))

    def _parent_frame(self, table: pd.DataFrame, node: Any) -> pd.DataFrame:
        return table[self.parents_of(node)]

    def apply(self, node: Any, values: Mapping[Any, Any], noise: Any) -> Any:
        """Compute one node from its parents and its noise.

        Parameters
        ----------
        node : node
            Which to compute.
        values : mapping of node to array of shape (n,)
            Values of its parents at least.
        noise : array of shape (n,)
            Its noise.

        Returns
        -------
        values : ndarray or Categorical of shape (n,)
            Its values, in the type of its column.
        """
        causes = {name: values[name] for name in self.parents_of(node)}
        parents = frame_of(causes, len(noise))
        found = self.mechanisms_[node].apply(parents, np.asarray(noise))
        return cast(found, self.dtypes_[node], node, self._owner)

    def draw_noise(self, n: int, *, random_state: Any = None) -> pd.DataFrame:
        """Draw noise of new rows.

        Parameters
        ----------
        n : int
            Number of rows.
        random_state : int, Generator, RandomState or None, default=None
            Seed; None takes that of the model.

        Returns
        -------
        noise : DataFrame of shape (n, n_nodes)
            What `from_noise` takes; ``node[0]``, ``node[1]``, ... are the columns of
            a node with several numbers of noise.
        """
        check_is_fitted(self, "mechanisms_")
        check_count(n, "n", self._owner, least=1)
        random = self._random(random_state)
        drawn = [one.draw_noise(n, random) for one in self.mechanisms_.values()]
        return noise_frame(dict(zip(self.mechanisms_, drawn, strict=True)))

    def sample(
        self, n: int, *, do: Mapping[Any, Any] | None = None, random_state: Any = None
    ) -> pd.DataFrame:
        """Draw new rows, under an intervention or none.

        Parameters
        ----------
        n : int
            Number of rows.
        do : dict of node to value, array or function, default=None
            See `from_noise`.
        random_state : int, Generator, RandomState or None, default=None
            Seed; None takes that of the model.

        Returns
        -------
        frame : DataFrame of shape (n, n_nodes)
            Rows drawn from the model.
        """
        return self.from_noise(self.draw_noise(n, random_state=random_state), do=do)

    def noise(self, frame: Any, *, random_state: Any = None) -> pd.DataFrame:
        """Recover the noise that made each row what it is.

        Parameters
        ----------
        frame : DataFrame of shape (n, n_columns)
            Rows with a value for each node.
        random_state : int, Generator, RandomState or None, default=None
            Seed for categories, whose noise is an interval; None: that of the model.

        Returns
        -------
        noise : DataFrame of shape (n, n_nodes)
            For which `from_noise` gives ``frame`` back; of roots it is their value.
        """
        check_is_fitted(self, "mechanisms_")
        table = self.known(frame, owner=f"{self._owner}.noise")
        random = self._random(random_state)
        found = {
            node: one.noise(self._parent_frame(table, node), table[node].array, random)
            for node, one in self.mechanisms_.items()
        }
        return noise_frame(found, table.index)

    def known(
        self, frame: Any, nodes: Any = None, owner: str | None = None
    ) -> pd.DataFrame:
        """Return columns of nodes in the types that the model knows, checked.

        Parameters
        ----------
        frame : DataFrame of shape (n, n_columns)
            Rows.
        nodes : sequence of node, default=None
            Which columns. None for all nodes.
        owner : str, default=None
            Whom errors name.

        Returns
        -------
        table : DataFrame of shape (n, n_nodes)
            Without gaps, infinity or categories that the model has not seen.
        """
        owner = owner or self._owner
        nodes = self.graph.nodes if nodes is None else tuple(nodes)
        chosen = as_frame(frame, nodes, owner)
        refuse_gaps(chosen, owner)
        columns = {
            node: cast(chosen[node], self.dtypes_[node], node, owner) for node in nodes
        }
        return pd.DataFrame(columns, index=chosen.index)

    def from_noise(
        self, noise: Any, *, do: Mapping[Any, Any] | None = None
    ) -> pd.DataFrame:
        """Compute rows from their noise, under an intervention or none.

        Parameters
        ----------
        noise : DataFrame of shape (n, n_nodes)
            From `noise` or `draw_noise`.
        do : dict of node to value, array or function, default=None
            What nodes are set to: one value, one per row, or a function of a frame of
            its causes and what it would have been: ``lambda row: row["price"] * 0.9``.

        Returns
        -------
        frame : DataFrame of shape (n, n_nodes)
            A value for each node.
        """
        check_is_fitted(self, "mechanisms_")
        owner = f"{self._owner}.from_noise"
        table = as_frame(noise, noise_columns_of(self.mechanisms_), owner)
        refuse_gaps(table, owner)
        arrays = noise_arrays(table, self.mechanisms_)
        do = check_interventions(do, self.graph, owner)
        values: dict[Any, Any] = {}
        for node in self.mechanisms_:
            if callable(setting := do.get(node)) or node not in do:
                values[node] = self.apply(node, values, arrays[node])
            if node in do:
                values[node] = self._set(node, setting, values, len(table))
        return pd.DataFrame(values, index=table.index)[list(self.graph.nodes)]

    def _set(self, node: Any, setting: Any, values: dict[Any, Any], n: int) -> Any:
        """Return what an intervention makes of a node."""
        seen = [*self.parents_of(node), node] if callable(setting) else []
        row = {name: values[name] for name in seen}
        return set_to(setting, row, n, self.dtypes_[node], node, self._owner)

    def counterfactual(
        self, frame: Any, do: Mapping[Any, Any], *, random_state: Any = None
    ) -> pd.DataFrame:
        """Compute what these very rows would have been under an intervention.

        Parameters
        ----------
        frame : DataFrame of shape (n, n_columns)
            Rows as they were.
        do : dict of node to value, array or function
            See `from_noise`.
        random_state : int, Generator, RandomState or None, default=None
            Seed for categories, whose noise is an interval; None: that of the model.

        Returns
        -------
        frame : DataFrame of shape (n, n_nodes)
            Rows as they would have been: exact for additive noise, else a draw.
        """
        return self.from_noise(self.noise(frame, random_state=random_state), do=do)

    def evaluate(
        self, frame: Any, *, cv: int | str = 5, random_state: Any = None
    ) -> pd.DataFrame:
        """Tell how well each mechanism fits, on rows that it has not seen.

        Parameters
        ----------
        frame : DataFrame of shape (n, n_columns)
            Rows to judge by; those of `fit` may be among them, unless ``cv`` is
            ``"prefit"``.
        cv : int or "prefit", default=5
            Number of folds in which copies of the mechanisms are fitted again, or
            ``"prefit"`` to judge the fitted mechanisms themselves on new rows.
        random_state : int, Generator, RandomState or None, default=None
            Seed of the permutations; None takes that of the model.

        Returns
        -------
        table : DataFrame
            One row per node whose mechanism has a log density, those drawn from what
            was seen apart: ``mechanism``, ``r2`` (share of the variance explained; of
            categories, of the log loss of the frequencies), ``crps`` (continuous
            ranked probability score, in units of the node) or ``log_loss``,
            ``p_independent`` (p-value of noise that is independent of the causes),
            ``log_score`` (mean log density), ``p_uniform`` (p-value of ranks of the
            noise in its distribution that are uniform) and ``verdict``.

        Warns
        -----
        MisfitWarning
            If a mechanism predicts worse than no cause at all, or its noise depends
            on the causes or is not distributed so, at 5 % by the number of nodes.
        """
        check_is_fitted(self, "mechanisms_")
        table = self.known(frame, owner=f"{self._owner}.evaluate")
        judged = {
            node: (mechanism, self._parent_frame(table, node), table[node].array)
            for node, mechanism in self.mechanisms_.items()
            if has_density(mechanism)
        }
        return evaluate(judged, cv, self._random(random_state))

    @property
    def _owner(self) -> str:
        return type(self).__name__

    def _random(self, random_state: Any) -> np.random.Generator:
        return generator_of(self.random_state if random_state is None else random_state)
