"""A transformer that keeps the columns to adjust for."""

import warnings
from collections.abc import Sequence
from typing import Any, Self

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils import Tags, _safe_indexing
from sklearn.utils.validation import (
    _check_feature_names_in,
    check_is_fitted,
    validate_data,
)

from skcausal.graphs import CausalGraph
from skcausal.graphs._named_graph import Node, Nodes
from skcausal.identification._adjustment import AdjustmentSets
from skcausal.identification._errors import IdentificationError, NoAdjustmentSetError

_KINDS = ("optimal", "optimal_minimal", "minimal", "canonical")


class AdjustmentSelector(TransformerMixin, BaseEstimator):
    r"""Keep the columns that a graph says to adjust for.

    The first step of a Pipeline that begins with a graph: later steps see an adjustment
    set and the effect modifiers, no mediator and no collider. Fitting refuses a graph
    under which no set is valid, and a table that lacks what is needed.

    Parameters
    ----------
    graph : CausalGraph
        What is assumed. Columns are nodes of the same name; those of an array are the
        nodes 0, 1, and so on. Columns that are no nodes are dropped.
    treatment, outcome : node or collection of nodes
        Of what, on what; they need not be columns.
    kind : {"optimal", "optimal_minimal", "minimal", "canonical"}, default="optimal"
        Which set: the one with the most precise estimate, the most precise among those
        from which no node can be left out, the one of these closest to the treatment,
        or all that may be adjusted for. With hidden causes the first may not exist.
    effect_modifiers : collection of nodes, default=()
        Columns that are kept in any case, for effects that vary with them. They must
        be valid to adjust for.

    Attributes
    ----------
    adjustment_set_ : tuple of node
        The set that was found, effect modifiers among it, in the order of the columns.
    n_features_in_ : int
        Number of columns seen in ``fit``.
    feature_names_in_ : ndarray of str
        Their names, if they have any.

    Notes
    -----
    Assumes that the graph is right: data are not looked at, only names of columns. If
    the set :math:`Z` that is kept is valid,
    :math:`E[Y(t)] = E_Z[E[Y \mid T = t, Z]]`. If a column of the set of this kind is
    missing, the same kind of set among the columns present is taken, with a warning.

    References
    ----------
    Perkovic, E., Textor, J., Kalisch, M. and Maathuis, M. H. (2018). Complete graphical
    characterization and construction of adjustment sets in Markov equivalence classes
    of ancestral graphs. JMLR 18. https://jmlr.org/papers/v18/16-319.html

    Examples
    --------
    >>> import pandas as pd
    >>> from skcausal.graphs import CausalGraph
    >>> from skcausal.identification import AdjustmentSelector
    >>> graph = CausalGraph(
    ...     [("age", "drug"), ("age", "pain"), ("drug", "dose"), ("dose", "pain")]
    ... )
    >>> table = pd.DataFrame({"dose": [0.0, 1.0], "age": [30.0, 50.0]})
    >>> AdjustmentSelector(graph, "drug", "pain").fit_transform(table)
        age
    0  30.0
    1  50.0
    """

    def __init__(
        self,
        graph: CausalGraph,
        treatment: Nodes,
        outcome: Nodes,
        *,
        kind: str = "optimal",
        effect_modifiers: Nodes = (),
    ) -> None:
        self.graph = graph
        self.treatment = treatment
        self.outcome = outcome
        self.kind = kind
        self.effect_modifiers = effect_modifiers

    def fit(self, X: Any, y: Any = None) -> Self:
        """Find the columns to keep.

        Parameters
        ----------
        X : array or frame of shape (n_samples, n_features)
            Covariates; of a frame only the names matter.
        y : ignored, default=None
            Not looked at.

        Returns
        -------
        AdjustmentSelector
            The fitted transformer.

        Raises
        ------
        NoAdjustmentSetError
            If no set is valid, or none among the columns of ``X``.
        IdentificationError
            If the graph is asked no question, or there is no set of this kind.
        ValueError
            If ``kind`` is unknown, a column is there twice, or none would be kept.
        """
        X = self._checked(X, reset=True)
        columns = _columns(X)
        self._check_parameters(columns, named=hasattr(X, "columns"))
        kept = self._choose(columns)
        self._support = np.array([name in kept for name in columns], dtype=bool)
        self.adjustment_set_ = tuple(name for name in columns if name in kept)
        self._check_kept()
        return self

    def transform(self, X: Any) -> Any:
        """Keep the adjustment set.

        Parameters
        ----------
        X : array or frame of shape (n_samples, n_features)
            The columns seen in ``fit``.

        Returns
        -------
        array or frame of shape (n_samples, n_kept)
            Of the same type as ``X``, with columns in its order.
        """
        check_is_fitted(self, "adjustment_set_")
        X = self._checked(X, reset=False)
        return _safe_indexing(X, np.flatnonzero(self._support), axis=1)

    def get_feature_names_out(self, input_features: Any = None) -> npt.NDArray[Any]:
        """Return the names of the columns that are kept.

        Parameters
        ----------
        input_features : array of str, default=None
            Names of the columns of an array; those of a frame are known.

        Returns
        -------
        ndarray of str
            Their names.
        """
        check_is_fitted(self, "adjustment_set_")
        return np.asarray(_check_feature_names_in(self, input_features))[self._support]

    def _check_parameters(self, columns: Sequence[Node], *, named: bool) -> None:
        if self.kind not in _KINDS:
            raise ValueError(
                f"AdjustmentSelector: kind must be one of "
                f"{', '.join(map(repr, _KINDS))}, got {self.kind!r}."
            )
        if not isinstance(self.graph, CausalGraph):
            raise IdentificationError(
                f"AdjustmentSelector: graph must be a CausalGraph, got "
                f"{type(self.graph).__name__}. Make one with "
                "CausalGraph(directed=[...]), or read one with read_graph."
            )
        if not named and set(columns).isdisjoint(self.graph.nodes):
            raise IdentificationError(
                "AdjustmentSelector.fit: the columns of an array are the nodes 0, 1, "
                "and so on, and the graph has none of these. Make X a DataFrame with "
                "the names of the nodes."
            )

    def _choose(self, columns: Sequence[Node]) -> frozenset[Node]:
        """Return the set of this kind, or that among the columns present."""
        graph = self.graph
        wanted = self._set_of_kind(graph.observed)
        missing = graph.ordered(wanted.difference(columns))
        if not missing:
            return wanted
        named = ", ".join(map(str, missing))
        modifiers = graph.names(graph.codes(self.effect_modifiers))
        if not modifiers <= set(columns):
            lost = ", ".join(map(str, graph.ordered(modifiers.difference(columns))))
            raise IdentificationError(
                f"AdjustmentSelector.fit: effect modifier {lost} is not a column of X. "
                "Add it to the table, or take it out of effect_modifiers."
            )
        ends = graph.names([*graph.codes(self.treatment), *graph.codes(self.outcome)])
        present = [n for n in graph.observed if n in ends or n in set(columns)]
        try:
            found = self._set_of_kind(present)
        except NoAdjustmentSetError as error:
            raise NoAdjustmentSetError(
                f"AdjustmentSelector.fit: X has no column {named}, and its columns "
                f"hold no valid set. Add what is missing. {error}"
            ) from error
        warnings.warn(
            f"AdjustmentSelector.fit: X has no column {named}; the {self.kind} set "
            f"among the columns present is used instead: "
            f"{{{', '.join(map(str, graph.ordered(found)))}}}.",
            UserWarning,
            stacklevel=3,
        )
        return found

    def _set_of_kind(self, observed: Sequence[Node]) -> frozenset[Node]:
        sets = AdjustmentSets(
            self.graph,
            self.treatment,
            self.outcome,
            observed=observed,
            include=self.effect_modifiers,
        )
        found: frozenset[Node] = getattr(sets, self.kind)()
        return found

    def _check_kept(self) -> None:
        if not self.adjustment_set_:
            raise ValueError(
                "AdjustmentSelector.fit: the empty set is valid, so that no column "
                "would be kept. Name effect_modifiers, or compare the arms without "
                "covariates."
            )

    def _checked(self, X: Any, *, reset: bool) -> Any:
        if hasattr(X, "columns"):
            validate_data(self, X, reset=reset, skip_check_array=True)
            return X
        return validate_data(
            self,
            X,
            reset=reset,
            accept_sparse=("csr", "csc"),
            dtype=None,
            ensure_all_finite="allow-nan",
        )

    def __sklearn_tags__(self) -> Tags:
        """Say what input may be like."""
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.sparse = True
        tags.input_tags.string = True
        tags.input_tags.categorical = True
        return tags


def _columns(X: Any) -> list[Node]:
    """Return names of columns, or their positions."""
    return list(X.columns) if hasattr(X, "columns") else list(range(X.shape[1]))
