"""StructuralModel: a graph with mechanisms, and everything that can be asked of it."""

import copy
from collections.abc import Mapping
from typing import Any

import pandas as pd
from sklearn.utils.validation import check_is_fitted

from skcausal.structural._abduction import (
    BY_PROGRAM,
    METHODS,
    Abduction,
    abduction,
)
from skcausal.structural._conditioning import ConditionedModel
from skcausal.structural._counterfactual_errors import UnidentifiedCounterfactualError
from skcausal.structural._counterfactual_rows import OtherWorlds
from skcausal.structural._couplings import SHARED, check_coupling, coupled_model
from skcausal.structural._inputs import check_count, check_graph
from skcausal.structural._interventions import (
    mechanism_set_to,
    refuse_other_worlds,
    settings,
)
from skcausal.structural._mechanism import Mechanism
from skcausal.structural._mechanism_choice import choose_mechanism
from skcausal.structural._model import AdditiveNoiseModel
from skcausal.structural._posterior import rows_with_gaps
from skcausal.structural._pyro_program import ProgramModel
from skcausal.structural._structural_effects import SimulatedEffects
from skcausal.utils._optional import require

_OWNER = "StructuralModel"


class StructuralModel(OtherWorlds, SimulatedEffects, AdditiveNoiseModel):
    r"""A graph with a mechanism per node: what is, what if, what would have been.

    Parameters
    ----------
    graph : CausalGraph
        Who causes whom: no latent nodes, no hidden common causes.
    mechanisms : dict of node to Mechanism, default=None
        Mechanisms for some nodes; for the others one is chosen.
    candidates : list of str or Mechanism, default=None
        Among which `choose_mechanism` chooses by cross-validation; see there.
    regressor : estimator, default=None
        Regressor of numbers, where the mechanism uses one. None chooses.
    classifier : estimator, default=None
        Classifier of categories, where the mechanism uses one. None chooses.
    coupling : str, default="shared_noise"
        What ties categories in two worlds: "shared_noise" (the noise of each
        mechanism), "monotone" (one noise, classes in order) or "gumbel_max" (a noise
        per class). "bounds" makes `counterfactual` return what holds for any.
    random_state : int, Generator, RandomState or None, default=None
        Seed of all draws for which a method is given none of its own.

    Attributes
    ----------
    mechanisms_ : dict of node to Mechanism
        The fitted mechanisms, causes first.
    choices_ : dict of node to DataFrame
        Per node whose mechanism was chosen, how the candidates did.
    dtypes_ : dict of node to dtype
        Types of the columns that methods return; numbers are float.

    Notes
    -----
    Assumes that the graph is right and that noises are independent of one another (no
    hidden common causes): :math:`x_j = f_j(x_{pa(j)}, u_j)`. A counterfactual recovers
    :math:`u` from the row (abduction), sets nodes (action), and computes what follows
    from the same :math:`u` (prediction). Where a category or a count changes, its
    noise is not known, and the answer rests on the coupling, which no data can test.

    References
    ----------
    Pearl, J. (2009). Causality, 2nd ed., chapter 7. Cambridge University Press.
    https://doi.org/10.1017/CBO9780511803161

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> from sklearn.linear_model import LinearRegression
    >>> from skcausal.graphs import CausalGraph
    >>> from skcausal.structural import AdditiveNoise, StructuralModel
    >>> rng = np.random.default_rng(0)
    >>> price = rng.normal(10, 2, size=500)
    >>> frame = pd.DataFrame({"price": price, "sales": 99 - price})
    >>> graph, linear = CausalGraph([("price", "sales")]), LinearRegression()
    >>> model = StructuralModel(graph, {"sales": AdditiveNoise(linear)}, random_state=0)
    >>> cheap = model.fit(frame).do(price=5.0)
    >>> bool(abs(cheap.sample(1000)["sales"].mean() - 94) < 1e-6)
    True
    >>> row = frame[:1]
    >>> other = model.counterfactual(row, {"price": row["price"] - 1})
    >>> round(float(other["sales"].iloc[0] - row["sales"].iloc[0]), 1)
    1.0
    """

    choices_: dict[Any, pd.DataFrame]

    def __init__(
        self,
        graph: Any,
        mechanisms: Any = None,
        *,
        candidates: Any = None,
        regressor: Any = None,
        classifier: Any = None,
        coupling: str = "shared_noise",
        random_state: Any = None,
    ) -> None:
        super().__init__(
            graph,
            mechanisms,
            regressor=regressor,
            classifier=classifier,
            random_state=random_state,
        )
        self.candidates = candidates
        self.coupling = coupling

    @classmethod
    def from_program(cls, program: Any, **options: Any) -> ProgramModel:
        """Return the model that a Pyro program of one row is.

        Parameters
        ----------
        program : callable
            A Pyro program of one row; see `ProgramModel`.
        **options : value
            Other parameters of `ProgramModel`.

        Returns
        -------
        model : ProgramModel
            The same verbs; without parameters to learn it needs no `fit`.
        """
        require("pyro", "deep", f"{_OWNER}.from_program")
        return ProgramModel(program, **options)

    def fit(self, frame: Any, y: None = None) -> "StructuralModel":
        """Learn a mechanism for each node, chosen by cross-validation.

        Parameters
        ----------
        frame : DataFrame of shape (n, n_columns)
            One column per node, others are ignored; pandas or polars.
        y : None
            Not used; there for scikit-learn.

        Returns
        -------
        self : StructuralModel
            The fitted model.

        Raises
        ------
        UnidentifiedCounterfactualError
            If the graph has hidden causes.
        ValueError
            If a column is missing, has gaps or text.
        """
        check_coupling(self.coupling, f"{_OWNER}.fit", (*SHARED, "bounds"))
        try:
            check_graph(self.graph, f"{_OWNER}.fit")
        except ValueError as error:
            raise UnidentifiedCounterfactualError(str(error)) from None
        self.choices_ = {}
        return super().fit(frame)

    def _learned(
        self, given: Mechanism | None, parents: pd.DataFrame, values: Any, owner: str
    ) -> Mechanism:
        """Return the fitted mechanism of a node, chosen if none is given."""
        if given is not None:
            return super()._learned(given, parents, values, owner)
        names = ("candidates", "regressor", "classifier", "random_state")
        options = {name: getattr(self, name) for name in names}
        try:
            chosen, table = choose_mechanism(parents, values, **options)
        except (TypeError, ValueError) as error:
            raise ValueError(f"{owner}: of node {values.name!r}: {error}") from error
        self.choices_[values.name] = table
        return chosen

    def do(
        self, interventions: Mapping[Any, Any] | None = None, **values: Any
    ) -> "StructuralModel":
        """Return the model in which nodes are set.

        Parameters
        ----------
        interventions : dict of node to value or function, default=None
            What nodes are set to: a value, or a function of a frame that holds the
            node's causes and what the node would have been.
        **values : value or function
            The same, for nodes whose names are words.

        Returns
        -------
        model : StructuralModel
            A fitted model with the same methods. Arrows into nodes that are set to a
            value are cut; under a function they stay.
        """
        check_is_fitted(self, "mechanisms_")
        owner = f"{_OWNER}.do"
        do = settings(interventions, values, self, owner)
        new = copy.copy(self)
        set_ = {node: mechanism_set_to(self, node, do[node], owner) for node in do}
        new.mechanisms_ = {**self.mechanisms_, **set_}
        new.mechanisms = {**(self.mechanisms or {}), **set_}
        new.graph = self.graph.do([node for node in do if not callable(do[node])])
        return new

    def condition(
        self,
        evidence: Mapping[Any, Any] | None = None,
        *,
        n_draws: int = 50_000,
        random_state: Any = None,
        **values: Any,
    ) -> ConditionedModel:
        """Return the model given what is known of a row.

        Parameters
        ----------
        evidence : dict of node to value or function, default=None
            What is known: a value, or a function that takes a Series of values of the
            node and tells which agree, such as ``lambda price: price > 3``.
        n_draws : int, default=50000
            Rows that are drawn and weighted.
        random_state : int, Generator, RandomState or None, default=None
            Seed; None takes that of the model.
        **values : value or function
            As ``evidence``, for nodes whose names are words.

        Returns
        -------
        model : ConditionedModel
            Which samples rows, as they are or as they would have been.
        """
        check_is_fitted(self, "mechanisms_")
        owner = f"{_OWNER}.condition"
        given = settings(evidence, values, self, owner)
        points = {node: [x] for node, x in given.items() if not callable(x)}
        refuse_other_worlds(self, points, {}, owner)
        model, random = coupled_model(self, self.coupling), self._random(random_state)
        return ConditionedModel(model, given, n_draws=n_draws, random_state=random)

    def abduct(
        self,
        frame: Any,
        *,
        n_samples: int = 1,
        method: str = "auto",
        n_draws: int = 1000,
        random_state: Any = None,
    ) -> Abduction:
        """Find the noise of rows, some of whose nodes may be unknown.

        Parameters
        ----------
        frame : DataFrame of shape (n, n_columns)
            One column per node, missing values where a node is unknown.
        n_samples : int, default=1
            Draws per row.
        method : {"auto", "exact", "importance", "svi", "nuts"}, default="auto"
            How unknown nodes are drawn. "auto" weighs draws only for rows that need
            it, "exact" refuses them. "svi" and "nuts" are Pyro's inference on
            `program_of` the model: linear mechanisms and normal noise only.
        n_draws : int, default=1000
            Draws per row that are weighted; not used by "svi" and "nuts".
        random_state : int, Generator, RandomState or None, default=None
            Seed; None takes that of the model.

        Returns
        -------
        abduction : Abduction
            The noise, how it was found, and ``predict(do)``.

        Raises
        ------
        UnidentifiedCounterfactualError
            If "exact" does not suffice, or a mechanism has no density.
        ImpossibleEvidenceError
            If the model cannot explain a row.
        TypeError
            If "svi" or "nuts" meets a mechanism that is not linear.

        Warns
        -----
        EffectiveSampleSizeWarning
            If few draws of a row count.
        ConvergenceWarning
            If NUTS diverged or did not mix.
        """
        check_is_fitted(self, "mechanisms_")
        owner = f"{_OWNER}.abduct"
        if method not in (*METHODS, *BY_PROGRAM):
            raise ValueError(
                f"{owner}: method must be one of {', '.join((*METHODS, *BY_PROGRAM))}, "
                f"got {method!r}."
            )
        check_count(n_samples, "n_samples", owner, least=1)
        check_count(n_draws, "n_draws", owner, least=100)
        rows = rows_with_gaps(self, frame, owner)
        known = dict(zip(self.graph.nodes, ~rows[1].T, strict=True))
        refuse_other_worlds(self, rows[0], known, owner)
        model, random = coupled_model(self, self.coupling), self._random(random_state)
        if method in BY_PROGRAM:
            from skcausal.structural._pyro_from_model import abduct_by_program

            return abduct_by_program(model, frame, method, n_samples, random)
        return abduction(model, rows, (n_samples, n_draws), method, random, owner)
