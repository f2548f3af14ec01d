"""CounterfactualFairnessAuditor: predictions for the same people, had they differed."""

from collections.abc import Callable
from typing import Any, Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, clone
from sklearn.utils.validation import check_is_fitted

from skcausal.fairness._audit import FairnessAudit
from skcausal.fairness._comparing import Predictions, largest
from skcausal.fairness._fair_graphs import structural_model
from skcausal.fairness._group_metrics import SMALL_GROUP, in_order, warn_of_small
from skcausal.fairness._predictor import AuditedPredictor
from skcausal.fairness._reporting import Case, report
from skcausal.fairness._spread import refitted, resampled
from skcausal.fairness._support import outside_support
from skcausal.fairness._worlds import (
    COUPLINGS,
    Worlds,
    check_sensitive,
    restricted,
)
from skcausal.inference._bootstrap import generator_of
from skcausal.structural._inputs import check_count
from skcausal.utils._validation import is_polars, pandas_from_polars

_OWNER = "CounterfactualFairnessAuditor"
_MOST_VALUES = 20
_DRAWS_OF_REFITS = 20


class CounterfactualFairnessAuditor(BaseEstimator):
    r"""Ask what a predictor would have said of the same people, had they been others.

    A structural model says what each person's columns would have been with another
    value of the sensitive attribute and the same noise: the same luck, talent or
    temper. The predictor, any fitted scikit-learn model, is asked about both.

    Parameters
    ----------
    model : StructuralModel, AdditiveNoiseModel, LatentVariableModel or CausalGraph
        Structural model. Fitted ones are used as they are, others are cloned and
        fitted by `fit`; a graph becomes a `StructuralModel`.
    sensitive : node
        The attribute, a node without causes in the graph.
    n_counterfactuals : int, default=200
        Draws per row and value, where a row leaves several noises possible. Where it
        does not, one is enough and one is made.
    coupling : {"shared_noise", "gumbel_max", "monotone", "independent"}, default=\
            "shared_noise"
        How the noise of a category is shared between worlds: as the model itself
        does, by one Gumbel variable per class, or by one uniform variable
        along the order of the classes. "independent" draws fresh noise below the
        attribute, so that another person is compared: it is there to show the error.
    derived : callable, default=None
        Makes the predictor's columns from the nodes, frame to frame and row by row,
        such as an age group from an age; called anew in each world.
    random_state : int, Generator, RandomState or None, default=None
        Seed of the draws.

    Attributes
    ----------
    model_ : StructuralModel or model
        The fitted structural model.
    frame_ : DataFrame
        The rows of `fit`: support and refits come from them.
    counts_ : dict of value to int
        Rows of each value of the attribute.

    Notes
    -----
    Assumes that the structural model is right: the graph (no hidden common causes,
    nothing that causes the attribute) and the mechanisms. A predictor is fair if
    :math:`P(\hat Y_{a'}(U) \mid x, a) = P(\hat Y_a(U) \mid x, a)` for all a'. Each row
    is replayed in three steps: noise :math:`u \sim P(U \mid x, a)`, attribute
    :math:`a'`, then all that follows from it; what does not follow stays. No data tell
    how the noise of a category is shared between worlds, so its flips rest on
    ``coupling``; `FairnessAudit.bounds` do not.

    References
    ----------
    Kusner, M. J., Loftus, J., Russell, C., & Silva, R. (2017). Counterfactual
    fairness. NeurIPS 30. https://arxiv.org/abs/1703.06856
    Oberst, M., & Sontag, D. (2019). Counterfactual off-policy evaluation with
    Gumbel-max structural causal models. ICML. https://arxiv.org/abs/1905.05824

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> from sklearn.linear_model import LogisticRegression
    >>> from skcausal.fairness import CounterfactualFairnessAuditor
    >>> from skcausal.graphs import CausalGraph
    >>> rng = np.random.default_rng(0)
    >>> group, talent = rng.integers(2, size=500), rng.normal(size=500)
    >>> frame = pd.DataFrame({"group": group, "test": talent + group, "art": talent})
    >>> graph = CausalGraph([("group", "test")], nodes=["art"])
    >>> auditor = CounterfactualFairnessAuditor(graph, "group").fit(frame)
    >>> passed = talent + rng.normal(size=500) > 0
    >>> fair = LogisticRegression().fit(frame[["art"]], passed)
    >>> auditor.audit(fair, frame).unfairness
    0.0
    >>> unfair = LogisticRegression().fit(frame[["test"]], passed)
    >>> auditor.audit(unfair, frame).unfairness > 0.1
    True
    """

    model_: Any
    frame_: pd.DataFrame
    counts_: dict[Any, int]

    def __init__(
        self,
        model: Any,
        sensitive: Any,
        *,
        n_counterfactuals: int = 200,
        coupling: str = "shared_noise",
        derived: Callable[[pd.DataFrame], pd.DataFrame] | None = None,
        random_state: Any = None,
    ) -> None:
        self.model = model
        self.sensitive = sensitive
        self.n_counterfactuals = n_counterfactuals
        self.coupling = coupling
        self.derived = derived
        self.random_state = random_state

    def fit(self, frame: Any, y: None = None) -> Self:
        """Fit the structural model, unless it is, and count the groups.

        Parameters
        ----------
        frame : DataFrame of shape (n, n_columns)
            Rows with a column per node, pandas or polars.
        y : None
            Not used; there for scikit-learn.

        Returns
        -------
        self : CounterfactualFairnessAuditor
            The auditor.

        Raises
        ------
        SensitiveAttributeError
            If the attribute is no node, or has causes in the graph.
        ValueError
            If an option is out of its range, or the structural model cannot be fitted.

        Warns
        -----
        SmallGroupWarning
            If a value has fewer than 50 rows: nothing will be said of its rows.
        """
        owner = f"{_OWNER}.fit"
        self._check_options(owner)
        model = self._structural(owner)
        check_sensitive(model.graph, self.sensitive, owner)
        self.frame_ = _pandas(frame, owner)
        if self.sensitive not in self.frame_:
            raise ValueError(f"{owner}: frame has no column {self.sensitive!r}.")
        fitted = hasattr(model, "mechanisms_")
        self.model_ = model if fitted else clone(model).fit(self.frame_)
        known = self.model_.known(self.frame_, [self.sensitive], owner)
        counts = known[self.sensitive].value_counts().to_dict()
        self.counts_ = {value: counts[value] for value in in_order(counts)}
        warn_of_small(self.counts_, owner, "claims on single people")
        return self

    def audit(
        self,
        predictor: Any,
        frame: Any,
        *,
        values: Any = None,
        outcome: Any = None,
        features: Any = None,
        n_bootstrap: int = 0,
    ) -> FairnessAudit:
        """Compare predictions as they are with those in each counterfactual world.

        Parameters
        ----------
        predictor : estimator
            Any fitted classifier with two classes, regressor or Pipeline. The score is
            the probability of its second class, else its decision function, else its
            prediction.
        frame : DataFrame of shape (n, n_columns)
            Rows to audit, with the columns of the nodes.
        values : sequence, default=None
            Values to set the attribute to. None takes all with at least 50 rows in
            `fit`.
        outcome : str or array-like of shape (n,), default=None
            What happened, 0 or 1, or the name of its column: adds error rates to the
            table of groups. A node of this name is not given to ``derived``.
        features : sequence of str, default=None
            Columns that the predictor takes; None takes ``feature_names_in_``.
        n_bootstrap : int, default=0
            Number of structural models that are fitted to resampled rows of `fit`, so
            that standard errors include theirs; 0 resamples audited rows only.

        Returns
        -------
        audit : FairnessAudit
            Rows, pairs, groups, summary, and displays.

        Raises
        ------
        ValueError
            If the predictor takes a column that the model does not explain, or a value
            is not known to the model.
        """
        owner = f"{_OWNER}.audit"
        if n_bootstrap == 1:
            raise ValueError(
                f"{owner}: n_bootstrap must be 0 or at least 2, got 1: one refit has "
                "no spread."
            )
        check_count(n_bootstrap, "n_bootstrap", owner, least=0)
        case = self._case(predictor, frame, values, outcome, features, owner)
        random = generator_of(self.random_state)
        worlds = self._worlds(self.model_, case)
        n_draws = 1 if worlds.exact else self.n_counterfactuals
        found = case.compare(worlds, n_draws, random)
        if n_bootstrap:
            spread = refitted(
                found, lambda: self._refit(case, random), n_bootstrap, random
            )
        else:
            spread = resampled(found, random)
        outside = outside_support(worlds, case, self.frame_, random)
        return report(case, worlds, found, spread, outside, n_draws)

    def unfairness(self, predictor: Any, frame: Any, *, values: Any = None) -> float:
        """Return the unfairness only, of less work than `audit`.

        Parameters
        ----------
        predictor : estimator
            See `audit`.
        frame : DataFrame of shape (n, n_columns)
            Rows to audit, with the columns of the nodes.
        values : sequence, default=None
            See `audit`.

        Returns
        -------
        unfairness : float
            Mean over rows of the largest absolute difference.
        """
        owner = f"{_OWNER}.unfairness"
        case = self._case(predictor, frame, values, None, None, owner)
        worlds = self._worlds(self.model_, case)
        n_draws = 1 if worlds.exact else self.n_counterfactuals
        found = case.compare(worlds, n_draws, generator_of(self.random_state))
        return float(largest(found.differences).mean())

    def _case(
        self,
        predictor: Any,
        frame: Any,
        values: Any,
        outcome: Any,
        features: Any,
        owner: str,
    ) -> Case:
        check_is_fitted(self, "model_")
        self._check_options(owner)
        frame = _pandas(frame, owner)
        return Case(
            asked=AuditedPredictor(predictor, features, self.derived, owner),
            frame=frame,
            group=self.model_.known(frame, [self.sensitive], owner)[self.sensitive],
            values=self._values(values, owner),
            small=[v for v, n in self.counts_.items() if n < SMALL_GROUP],
            outcome=outcome,
            owner=owner,
        )

    def _check_options(self, owner: str) -> None:
        check_count(self.n_counterfactuals, "n_counterfactuals", owner, least=1)
        if self.coupling not in COUPLINGS:
            raise ValueError(
                f"{owner}: coupling must be one of {', '.join(map(repr, COUPLINGS))}, "
                f"got {self.coupling!r}."
            )
        if self.derived is not None and not callable(self.derived):
            raise TypeError(
                f"{owner}: derived must be a function of a frame, got "
                f"{type(self.derived).__name__}."
            )

    def _structural(self, owner: str) -> Any:
        return structural_model(self.model, owner, self.random_state)

    def _values(self, values: Any, owner: str) -> list[Any]:
        """Return the values to set, checked."""
        large = [v for v, n in self.counts_.items() if n >= SMALL_GROUP]
        chosen = large if values is None else list(values)
        unknown = [value for value in chosen if value not in self.counts_]
        rule = "at least two different values of the attribute that fit has seen"
        if unknown or len(set(chosen)) < 2:
            raise ValueError(
                f"{owner}: values must be {rule}, got {chosen!r}. Seen: "
                f"{', '.join(f'{v} ({n} rows)' for v, n in self.counts_.items())}."
            )
        if len(chosen) > _MOST_VALUES:
            raise ValueError(
                f"{owner}: {len(chosen)} values are too many to compare. Choose some "
                "in values."
            )
        return chosen

    def _worlds(self, model: Any, case: Case) -> Worlds:
        nodes = case.nodes(model.graph)
        small = restricted(model, {*nodes, self.sensitive})
        return Worlds.of(small, self.sensitive, self.coupling)

    def _refit(self, case: Case, random: np.random.Generator) -> Predictions:
        """Fit the structural model to resampled rows, each group by itself."""
        labels = self.frame_[self.sensitive].to_numpy()
        places = [np.flatnonzero(labels == value) for value in self.counts_]
        drawn = np.concatenate([random.choice(p, size=len(p)) for p in places])
        table = self.frame_.iloc[drawn].reset_index(drop=True)
        model = clone(self._structural(_OWNER)).fit(table)
        worlds = self._worlds(model, case)
        most = min(self.n_counterfactuals, _DRAWS_OF_REFITS)
        return case.compare(worlds, 1 if worlds.exact else most, random)


def _pandas(frame: Any, owner: str) -> pd.DataFrame:
    if is_polars(frame):
        frame = pandas_from_polars(frame)
    if not isinstance(frame, pd.DataFrame):
        raise TypeError(
            f"{owner}: frame must be a DataFrame with a column per node, got "
            f"{type(frame).__name__}."
        )
    return frame
