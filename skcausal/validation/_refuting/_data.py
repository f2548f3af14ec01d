"""RefutationData: the table that refuters change, and what is known about it."""

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from skcausal.estimation._wrapping import rows_of
from skcausal.utils._target import fields_of, pack
from skcausal.utils._validation import append_columns, is_pandas, is_polars


@dataclass(frozen=True, eq=False)
class RefutationData:
    """A table, the effects estimated from it, and what refuters may need to know.

    Parameters
    ----------
    X : array-like, sparse matrix or DataFrame of shape (n, n_features)
        Covariates, as the estimator takes them.
    target : structured ndarray of shape (n,)
        Outcome, treatment and the optional fields of a ``causal_target``.
    effect : ndarray of shape (n_effects,)
        Effects estimated from the unchanged table, with the folds that refits have.
    standard_error : ndarray of shape (n_effects,)
        Their standard errors.
    expected : ndarray of shape (n_effects,) or (1,)
        Effects that the estimator should find in this table; one stands for all.
    labels : tuple of str
        Names of the effects.
    arms : ndarray of shape (n_arms,) or None, default=None
        Labels of the arms, control first; None for a continuous treatment.
    null : float, default=0.0
        Value of an effect that is absent.
    n_tests : int, default=1
        Number of p-values in the table of verdicts, for which failures are adjusted.
    baseline : ndarray of shape (n,) or None, default=None
        Part of the outcome that covariates explain, where a refuter needs it.
    shared_propensity : ndarray of shape (n, n_arms) or None, default=None
        Out-of-fold propensities of the unchanged table, arms in sorted order, for
        refits in which rows, covariates and treatment stay as they are.
    controls : dict, default={}
        Negative controls: ``"outcome"`` and ``"treatment"``.

    Notes
    -----
    Assumes that rows of ``X`` and ``target`` belong together. Tables are never edited
    in place: :meth:`changed` and :meth:`taken` return new ones.

    Examples
    --------
    >>> import numpy as np
    >>> from skcausal import causal_target
    >>> from skcausal.validation import RefutationData
    >>> one = np.ones(1)
    >>> target = causal_target([1.0, 2.0, 3.0], [0, 1, 1])
    >>> data = RefutationData(np.eye(3), target, one, one, one, ("1 vs 0",))
    >>> data.changed(outcome=np.zeros(3)).outcome.tolist()
    [0.0, 0.0, 0.0]
    """

    X: Any
    target: np.ndarray
    effect: np.ndarray
    standard_error: np.ndarray
    expected: np.ndarray
    labels: tuple[str, ...]
    arms: np.ndarray | None = None
    null: float = 0.0
    n_tests: int = 1
    baseline: np.ndarray | None = None
    shared_propensity: np.ndarray | None = None
    controls: dict[str, Any] = field(default_factory=dict)

    @property
    def n_rows(self) -> int:
        """Number of rows."""
        return int(self.target.shape[0])

    @property
    def outcome(self) -> np.ndarray:
        """Outcome of each row."""
        return self.target["outcome"]

    @property
    def treatment(self) -> np.ndarray:
        """Treatment of each row, as the user labels it."""
        return self.target["treatment"]

    @property
    def codes(self) -> np.ndarray:
        """Arm of each row, the control counted as 0."""
        assert self.arms is not None
        order = np.argsort(self.arms)
        return order[np.searchsorted(self.arms[order], self.treatment)]

    @property
    def binary_outcome(self) -> bool:
        """Whether the outcome takes the values 0 and 1 only."""
        return bool(np.isin(self.outcome, (0, 1)).all())

    @property
    def one_effect_per_arm(self) -> bool:
        """Whether the effects are those of the arms against control, or one slope."""
        expected = 1 if self.arms is None else len(self.arms) - 1
        return self.effect.shape[0] == expected

    @property
    def units(self) -> np.ndarray:
        """What was assigned to a treatment: codes of whole groups, else of rows."""
        fields = fields_of(self.target)
        if "groups" in fields:
            groups, first = np.unique(fields["groups"], return_index=True)
            codes = np.searchsorted(groups, fields["groups"])
            if (self.treatment[first][codes] == self.treatment).all():
                return codes
        return np.arange(self.n_rows)

    def response(self, treatment: np.ndarray, effect: np.ndarray) -> np.ndarray:
        """Return what treatments (codes or levels) add to the outcome of each row.

        Parameters
        ----------
        treatment : ndarray of shape (n,)
            Codes of the arms, or levels of a continuous treatment.
        effect : ndarray of shape (n_effects,)
            Effect of each arm but the control, or the slope.

        Returns
        -------
        response : ndarray of shape (n,)
            Effect of the treatment against control (or against 0).
        """
        if self.arms is None:
            return effect[0] * treatment.astype(float)
        return np.concatenate([[0.0], effect])[treatment]

    def changed(
        self, *, X: Any = None, expected: Any = None, **fields: Any
    ) -> "RefutationData":
        """Return a table with other covariates or other fields of the target.

        Parameters
        ----------
        X : array-like of shape (n, n_features), default=None
            New covariates.
        expected : ndarray of shape (n_effects,) or (1,), default=None
            Effects that the estimator should find now.
        **fields : ndarray of shape (n,) or None
            New fields of the target, such as ``outcome=``; None takes a field out.

        Returns
        -------
        data : RefutationData
            The new table.
        """
        columns = fields_of(self.target) | fields
        target = pack({name: v for name, v in columns.items() if v is not None})
        same_design = X is None and fields.keys() <= {"outcome", "event"}
        return replace(
            self,
            X=self.X if X is None else X,
            target=target,
            expected=self.expected if expected is None else expected,
            shared_propensity=self.shared_propensity if same_design else None,
        )

    def taken(self, rows: np.ndarray, target: np.ndarray) -> "RefutationData":
        """Return some rows, with the target that goes with them.

        Parameters
        ----------
        rows : ndarray of int
            Positions of the rows.
        target : structured ndarray
            Target of these rows.

        Returns
        -------
        data : RefutationData
            The new table.
        """
        X = rows_of(self.X, rows)
        return replace(self, X=X, target=target, baseline=None, shared_propensity=None)

    def fit_target(self) -> np.ndarray:
        """Return what the estimator is fitted on: the target, with shared propensities.

        Returns
        -------
        target : structured ndarray of shape (n,)
            The target.
        """
        if self.shared_propensity is None:
            return self.target
        return pack(fields_of(self.target) | {"propensity": self.shared_propensity})


def column_names(X: Any) -> list[Any]:
    """Return names of columns; positions where they have no name."""
    return list(X.columns) if hasattr(X, "columns") else list(range(X.shape[1]))


def with_columns(X: Any, columns: np.ndarray, name: str) -> Any:
    """Append columns of numbers (n, k) to covariates of any kind."""
    names = [f"{name}_{i + 1}" for i in range(columns.shape[1])]
    if is_polars(X):
        import polars as pl

        series = [pl.Series(n, v) for n, v in zip(names, columns.T, strict=True)]
        return X.with_columns(series)
    return append_columns(X, columns, names)


def with_shuffled(X: Any, position: int, random: np.random.Generator) -> Any:
    """Shuffle one column over rows: what it tells is gone, the format stays."""
    order = random.permutation(X.shape[0])
    if is_polars(X):
        column = X.get_column(X.columns[position])
        return X.with_columns(column.gather(order))
    if is_pandas(X):
        shuffled = X.copy()
        shuffled.isetitem(position, X.iloc[order, position].array)
        return shuffled
    if hasattr(X, "tocsr"):
        from scipy import sparse

        parts = X.tocsc()
        column = parts[:, [position]].tocsr()[order]
        before, after = parts[:, :position], parts[:, position + 1 :]
        return sparse.hstack([before, column, after], format="csr")
    shuffled = X.copy()
    shuffled[:, position] = X[order, position]
    return shuffled
