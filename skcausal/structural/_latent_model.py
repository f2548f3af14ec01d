"""LatentVariableModel: a structural model with one latent number, fitted as a whole."""

import warnings
from typing import Any, Self

import numpy as np
import pandas as pd
from sklearn.utils.validation import check_is_fitted

from skcausal.structural._inputs import (
    check_count,
    check_frame,
    check_mechanisms,
    fitted,
    kept_dtype,
)
from skcausal.structural._latent_checks import (
    check_families,
    check_latent_graph,
    check_scales,
)
from skcausal.structural._latent_child import LatentChild, StandardNormal
from skcausal.structural._latent_fit import Child, Weights, draw, fit, posterior
from skcausal.structural._model import AdditiveNoiseModel

_OWNER = "LatentVariableModel"
_MAX_ITER = 500


class LatentVariableModel(AdditiveNoiseModel):
    r"""A structural model with one latent number that several nodes share.

    Such as knowledge behind grades and test scores. Children of the latent node are
    Gaussian, Poisson or Bernoulli given it and their other parents; all other nodes
    have mechanisms as in `AdditiveNoiseModel`. What is inferred of the latent node
    for a row rests on the children in the table: one that is missing there, such as
    an outcome not yet known, is left out.

    Parameters
    ----------
    graph : CausalGraph
        Who causes whom; exactly one latent node, without causes, with at least two
        children that are measured. No hidden common causes beyond it.
    families : dict of node to {"gaussian", "poisson", "bernoulli"}, default=None
        Distributions of children of the latent node. The others are Bernoulli if they
        are bools or 0 and 1, else Gaussian.
    mechanisms : dict of node to Mechanism, default=None
        Mechanisms of nodes that are not children of the latent node.
    scales : dict of node to float, default=None
        Standard deviations of Gaussian children given their causes, where they are
        known and not to be learned.
    prior_scale : float, default=1.0
        Standard deviation of the normal prior of slopes and loadings, with Gaussian
        children and numbers among the causes in units of their standard deviation.
    n_points : int, default=9
        Points of the quadrature per row.
    regressor, classifier : estimator, default=None
        As in `AdditiveNoiseModel`, for nodes that are not children of the latent one.
    random_state : int, Generator, RandomState or None, default=None
        Seed of all draws.

    Attributes
    ----------
    latent_ : node
        The latent node.
    loadings_ : Series
        What one standard deviation of the latent node adds to each child's predictor:
        a mean in units of the child, the log of a Poisson mean, a log odds.
    log_likelihood_ : float
        Of the children given their causes, the latent node integrated out.
    mechanisms_ : dict of node to Mechanism
        The fitted mechanisms, causes first.
    dtypes_ : dict of node to dtype
        Types of the columns that methods return.

    Notes
    -----
    Assumes that the latent node :math:`K \sim N(0, 1)` is independent of all nodes
    that it does not cause, that children are independent given it and their causes,
    and predictors :math:`\eta_j = b_j + w_j^\top x_{pa(j)} + \lambda_j K`: a mean, the
    log of a mean, log odds. Parameters maximise :math:`\sum_i \log \int \prod_j
    p(x_{ij} \mid \eta_j) \phi(k) dk` plus normal log priors of slopes and loadings
    and inverse-gamma(1, 1) log priors of the variances; the integral is taken by
    Gauss-Hermite quadrature around the mode of each row. The sign of the latent node
    is a convention: the first child has a positive loading.

    References
    ----------
    Kusner, M. J., Loftus, J., Russell, C., & Silva, R. (2017). Counterfactual
    fairness. NeurIPS 30, section 5. https://arxiv.org/abs/1703.06856

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> from skcausal.graphs import CausalGraph
    >>> from skcausal.structural import LatentVariableModel
    >>> rng = np.random.default_rng(0)
    >>> skill = rng.normal(size=800)
    >>> frame = pd.DataFrame(
    ...     {
    ...         "grade": skill + rng.normal(size=800),
    ...         "test": rng.poisson(np.exp(3 + 0.3 * skill)),
    ...     }
    ... )
    >>> graph = CausalGraph([("skill", "grade"), ("skill", "test")], latent=["skill"])
    >>> model = LatentVariableModel(graph, {"test": "poisson"}).fit(frame)
    >>> found = model.infer_latent(frame)
    >>> bool(np.corrcoef(found["mean"], skill)[0, 1] > 0.8)
    True
    """

    latent_: Any
    loadings_: pd.Series
    log_likelihood_: float

    def __init__(
        self,
        graph: Any,
        families: Any = None,
        mechanisms: Any = None,
        *,
        scales: Any = None,
        prior_scale: float = 1.0,
        n_points: int = 9,
        regressor: Any = None,
        classifier: Any = None,
        random_state: Any = None,
    ) -> None:
        super().__init__(
            graph,
            mechanisms,
            regressor=regressor,
            classifier=classifier,
            random_state=random_state,
        )
        self.families = families
        self.scales = scales
        self.prior_scale = prior_scale
        self.n_points = n_points

    def fit(self, frame: Any, y: None = None) -> Self:
        """Learn the children of the latent node together, the others one by one.

        Parameters
        ----------
        frame : DataFrame of shape (n, n_columns)
            One column per node that is not latent, others are ignored.
        y : None
            Not used; there for scikit-learn.

        Returns
        -------
        self : LatentVariableModel
            The fitted model.

        Raises
        ------
        ValueError
            If the graph has not one latent root with two children, a column is
            missing, has gaps or text, or does not suit its family.

        Warns
        -----
        UserWarning
            If the optimiser did not converge.
        """
        owner = f"{_OWNER}.fit"
        latent = check_latent_graph(self.graph, owner)
        check_count(self.n_points, "n_points", owner, least=3)
        observed = tuple(n for n in self.graph.nodes if n != latent)
        if not self.prior_scale > 0:
            raise ValueError(
                f"{owner}: prior_scale must be positive, got {self.prior_scale!r}."
            )
        table = check_frame(frame, observed, owner)
        self.latent_ = latent
        self.dtypes_ = {node: kept_dtype(table[node]) for node in observed}
        self.dtypes_[latent] = np.dtype(float)
        table = self.known(table, observed, owner)
        children = [n for n in observed if n in self.graph.children(latent)]
        families = check_families(self.families, children, table, owner)
        scales = check_scales(self.scales, families, owner)
        given = check_mechanisms(self.mechanisms, self.graph, owner)
        self.mechanisms_ = {}
        for node in self.graph.topological_order():
            if node == latent:
                self.mechanisms_[node] = StandardNormal()
            elif node in children:
                self.mechanisms_[node] = LatentChild(
                    families[node], latent, scales.get(node)
                )
            else:
                parents = table[self.parents_of(node)]
                own = given.get(node)
                own = own or self._default(table[node], root=not parents.shape[1])
                self.mechanisms_[node] = fitted(own, parents, table[node], owner)
        self._fit_children(children, table, owner)
        return self

    def _fit_children(
        self, children: list[Any], table: pd.DataFrame, owner: str
    ) -> None:
        """Maximise the posterior of all parameters of the latent node's children."""
        parts = [
            self._child(node).prepare(table[self._given(node)], table[node])
            for node in children
        ]
        weights, likelihood, converged = fit(
            parts, float(self.prior_scale), self.n_points, _MAX_ITER
        )
        if not converged:
            warnings.warn(
                f"{owner}: the optimiser did not converge in {_MAX_ITER} iterations; "
                "loadings are doubtful. Are there outliers, or a child that tells "
                "nothing of the latent node?",
                UserWarning,
                stacklevel=3,
            )
        loadings = {}
        for node, own in zip(children, weights, strict=True):
            self._child(node).set_weights(own)
            loadings[node] = own.loading * self._child(node).spread_
        self.loadings_ = pd.Series(loadings, name="loading")
        spreads = [np.log(self._child(node).spread_) for node in children]
        self.log_likelihood_ = likelihood - len(table) * float(np.sum(spreads))

    def _child(self, node: Any) -> LatentChild:
        mechanism = self.mechanisms_[node]
        assert isinstance(mechanism, LatentChild)
        return mechanism

    def _given(self, node: Any) -> list[Any]:
        """Return the observed parents of a node."""
        return [parent for parent in self.parents_of(node) if parent != self.latent_]

    def known(
        self, frame: Any, nodes: Any = None, owner: str | None = None
    ) -> pd.DataFrame:
        """Return columns of nodes in the types that the model knows, checked.

        Parameters
        ----------
        frame : DataFrame of shape (n, n_columns)
            Rows; pandas or polars.
        nodes : sequence of node, default=None
            Which columns. None for all nodes, the latent one only if it is there.
        owner : str, default=None
            Whom errors name.

        Returns
        -------
        table : DataFrame of shape (n, n_nodes)
            Without gaps, infinity or categories that the model has not seen.
        """
        if nodes is None:
            columns = getattr(frame, "columns", ())
            nodes = tuple(
                n for n in self.graph.nodes if n != self.latent_ or n in columns
            )
        return super().known(frame, nodes, owner or _OWNER)

    def infer_latent(self, frame: Any) -> pd.DataFrame:
        """Return what is known of the latent node of each row.

        Parameters
        ----------
        frame : DataFrame of shape (n, n_columns)
            Rows with at least one child of the latent node, and all causes of the
            children that are there. Children without a column are left out.

        Returns
        -------
        posterior : DataFrame of shape (n, 2)
            ``mean`` and ``standard_deviation``.

        Raises
        ------
        ValueError
            If no child is there, or a cause of one is missing.
        """
        check_is_fitted(self, "mechanisms_")
        parts, weights, index = self._evidence(frame, f"{_OWNER}.infer_latent")
        found, _ = posterior(parts, weights, len(index), self.n_points)
        columns = {
            "mean": found.mean,
            "standard_deviation": found.standard_deviation,
        }
        return pd.DataFrame(columns, index=index)

    def draw_latent(self, frame: Any, *, random_state: Any = None) -> np.ndarray:
        """Draw the latent node of each row from its posterior.

        Parameters
        ----------
        frame : DataFrame of shape (n, n_columns)
            As for `infer_latent`.
        random_state : int, Generator, RandomState or None, default=None
            Seed; None takes that of the model.

        Returns
        -------
        values : ndarray of shape (n,)
            One draw per row.
        """
        check_is_fitted(self, "mechanisms_")
        parts, weights, index = self._evidence(frame, f"{_OWNER}.draw_latent")
        return draw(parts, weights, len(index), self._random(random_state))

    def _evidence(
        self, frame: Any, owner: str
    ) -> tuple[list[Child], list[Weights], pd.Index]:
        """Return the children of the latent node that a table holds."""
        columns = set(getattr(frame, "columns", ()))
        there = [node for node in self.loadings_.index if node in columns]
        if not there:
            raise ValueError(
                f"{owner}: frame has no child of the latent node {self.latent_!r}; "
                f"at least one of {', '.join(map(str, self.loadings_.index))} is "
                "needed."
            )
        needed = dict.fromkeys([*there, *(p for n in there for p in self._given(n))])
        table = self.known(frame, tuple(needed), owner)
        parts = [self._child(n).child(table[self._given(n)], table[n]) for n in there]
        return parts, [self._child(n).weights_ for n in there], table.index

    def noise(self, frame: Any, *, random_state: Any = None) -> pd.DataFrame:
        """Recover the latent node and the noise that made each row what it is.

        Parameters
        ----------
        frame : DataFrame of shape (n, n_columns)
            Rows with a value for each node that is not latent.
        random_state : int, Generator, RandomState or None, default=None
            Seed: the latent node is drawn from its posterior, noise of counts and
            categories between its bounds. None takes that of the model.

        Returns
        -------
        noise : DataFrame of shape (n, n_nodes)
            For which `from_noise` gives ``frame`` back; of the latent node its value.
        """
        check_is_fitted(self, "mechanisms_")
        random = self._random(random_state)
        table = self.known(frame, self.graph.observed, f"{_OWNER}.noise")
        table[self.latent_] = self.draw_latent(table, random_state=random)
        return super().noise(table, random_state=random)
