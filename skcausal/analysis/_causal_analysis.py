"""CausalAnalysis: from a graph to an estimate that has been attacked."""

from typing import TYPE_CHECKING, Any

from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

if TYPE_CHECKING:
    from skcausal.graphs import CausalGraph
    from skcausal.identification import Estimand
    from skcausal.inference import EffectEstimate
    from skcausal.validation import (
        GraphFalsification,
        Refutation,
        RieszSensitivity,
    )

_LEARNER_KINDS = ("adjustment", "front-door", "instrument")


class CausalAnalysis(BaseEstimator):
    r"""Take a question through four steps: identify, estimate, refute, doubt.

    Each step is a method, is made of public parts that can be used alone, and may be
    asked for again with other options. ``fit`` does the first two.

    Parameters
    ----------
    graph : CausalGraph
        What is assumed.
    treatment, outcome : node
        What is set, and what is asked for: columns of the table.
    learner : estimator, default=None
        What estimates the effect; None is the default of
        `skcausal.estimation.estimate` for the formula that is found.
    kind : {"adjustment", "front-door", "instrument", "general"}, default=None
        How to identify the effect; None takes the first that the graph allows, apart
        from an instrument, which must be asked for.
    control : label, default=None
        Arm to compare with; needed unless arms are 0 and 1.
    random_state : int or None, default=None
        Seed of all steps.

    Attributes
    ----------
    estimand_ : Estimand
        The formula, with `explain`, `assumptions` and `latex`.
    effect_ : EffectEstimate
        The estimate.
    learner_ : estimator or None
        The fitted learner, with ``effect``; None if the formula was estimated as it
        stands.

    Notes
    -----
    Assumes the graph, which `falsify` holds against the table, and independent rows.

    References
    ----------
    Sharma, A., & Kiciman, E. (2020). DoWhy: an end-to-end library for causal
    inference. https://arxiv.org/abs/2011.04216

    Examples
    --------
    >>> from sklearn.linear_model import LinearRegression, LogisticRegression
    >>> from skcausal.analysis import CausalAnalysis
    >>> from skcausal.datasets import make_observational
    >>> from skcausal.estimation import AIPW
    >>> from skcausal.graphs import CausalGraph
    >>> data = make_observational(1000, effect="constant", random_state=0)
    >>> edges = [(x, y) for x in data.X for y in ("treatment", "outcome")]
    >>> graph = CausalGraph([*edges, ("treatment", "outcome")])
    >>> aipw = AIPW(LinearRegression(), LogisticRegression(), random_state=0)
    >>> analysis = CausalAnalysis(graph, "treatment", "outcome", learner=aipw)
    >>> lower, upper = analysis.fit(data.frame).effect_.interval()
    >>> bool(lower < data.average_effect < upper)
    True
    """

    def __init__(
        self,
        graph: "CausalGraph",
        treatment: Any,
        outcome: Any,
        *,
        learner: Any = None,
        kind: str | None = None,
        control: Any = None,
        random_state: int | None = None,
    ) -> None:
        self.graph = graph
        self.treatment = treatment
        self.outcome = outcome
        self.learner = learner
        self.kind = kind
        self.control = control
        self.random_state = random_state

    def identify(self) -> "Estimand":
        """Return the effect as a formula of what is observed; needs no data.

        Returns
        -------
        Estimand
            The formula.

        Raises
        ------
        NotIdentifiedError
            If the graph allows no formula.
        """
        from skcausal.identification import identify

        return identify(self.graph, self.treatment, self.outcome, kind=self.kind)

    def fit(
        self, frame: Any, *, sample_weight: Any = None, groups: Any = None
    ) -> "CausalAnalysis":
        """Identify the effect and estimate it.

        Parameters
        ----------
        frame : DataFrame
            With a column for each node that the formula names.
        sample_weight, groups : array-like of shape (n,), default=None
            Weight and cluster of each row.

        Returns
        -------
        self : CausalAnalysis
            With ``estimand_`` and ``effect_``.

        Raises
        ------
        NotIdentifiedError
            If the graph allows no formula.
        MissingColumnError
            If the table lacks a column.
        """
        self.estimand_ = self.identify()
        self._frame = frame
        given = {"sample_weight": sample_weight, "groups": groups}
        self._rows = {name: v for name, v in given.items() if v is not None}
        self._estimate(self.learner, keep=True)
        return self

    def estimate(self, learner: Any = None) -> "EffectEstimate":
        """Estimate the same formula from the same table with another learner.

        Parameters
        ----------
        learner : estimator, default=None
            As in the constructor.

        Returns
        -------
        EffectEstimate
            The estimate; ``effect_`` stays what it was.
        """
        check_is_fitted(self, "effect_")
        return self._estimate(learner, keep=False)

    def _estimate(self, learner: Any, *, keep: bool) -> "EffectEstimate":
        from skcausal.estimation import estimate

        fitted, found = None, None
        if self.estimand_.kind in _LEARNER_KINDS:
            task = self._task(learner)
            task.parameters.update(self._rows)
            fitted = task.fitted()
            found = fitted.average_effect()
        else:
            found = estimate(
                self.estimand_,
                self._frame,
                learner,
                control=self.control,
                random_state=self.random_state,
                **self._rows,
            )
        if keep:
            self.learner_, self.effect_ = fitted, found
        return found

    def _task(self, learner: Any) -> Any:
        from skcausal.estimation.functionals._estimate import task_of

        return task_of(
            self.estimand_,
            self._frame,
            learner,
            control=self.control,
            random_state=self.random_state,
        )

    def falsify(self, **options: Any) -> "GraphFalsification":
        """Hold the graph against the table.

        Parameters
        ----------
        **options
            For `skcausal.validation.falsify_graph`.

        Returns
        -------
        GraphFalsification
            Verdict, tests and suggestions.
        """
        from skcausal.validation import falsify_graph

        check_is_fitted(self, "effect_")
        options = {"random_state": self.random_state} | options
        return falsify_graph(self.graph, self._frame, **options)

    def refute(self, **options: Any) -> "Refutation":
        """Attack the estimate by refits on changed tables.

        Parameters
        ----------
        **options
            For `skcausal.validation.refute`.

        Returns
        -------
        Refutation
            A table with one verdict per attack.

        Raises
        ------
        ValueError
            If the formula is not one of adjustment or an instrument: the attacks
            refit a learner.
        """
        from skcausal import causal_target
        from skcausal.validation import refute

        task = self._task_to_attack("refute")
        instrument = task.parameters.get("instrument")
        y = task.y
        given = {"treatment": task.parameters["treatment"]}
        if instrument is not None:
            y = causal_target(y, given.pop("treatment"), instrument=instrument)
        options = {"random_state": self.random_state} | self._rows | options
        return refute(task.learner, task.X, y, **given, **options)

    def sensitivity(self, **options: Any) -> "RieszSensitivity":
        """Ask how strong a confounder that is not in the graph would have to be.

        Parameters
        ----------
        **options
            For `skcausal.validation.RieszSensitivity.from_estimator`: ``target``,
            ``arm``.

        Returns
        -------
        RieszSensitivity
            With ``robustness_value``, ``bounds`` and ``benchmarks``.

        Raises
        ------
        ValueError
            If the formula is not one of adjustment.
        """
        from skcausal.validation import RieszSensitivity

        self._task_to_attack("sensitivity", kinds=("adjustment",))
        return RieszSensitivity.from_estimator(self.learner_, **options)

    def _task_to_attack(
        self, verb: str, kinds: tuple[str, ...] = ("adjustment", "instrument")
    ) -> Any:
        check_is_fitted(self, "effect_")
        if self.estimand_.kind not in kinds:
            raise ValueError(
                f"CausalAnalysis.{verb}: the formula is of the kind "
                f"{self.estimand_.kind!r}, and {verb} needs "
                f"{' or '.join(map(repr, kinds))}. falsify() holds the graph itself "
                "against the data."
            )
        return self._task(self.learner)

    def report(self, path: Any, **options: Any) -> None:
        """Write the whole story as one HTML page.

        The page compares learners and describes heterogeneity, balance, attacks and
        sensitivity as ``skcausal analyze`` does, with the graph, the formula and the
        test of the graph.

        Parameters
        ----------
        path : str or Path
            The file to write.
        **options
            ``time_budget`` (seconds, default 45), ``simulations`` (refits per attack,
            default 5), ``randomised``.

        Raises
        ------
        ValueError
            If the formula is not one of adjustment.
        InputError
            If the table cannot be analysed.
        """
        from skcausal.analysis._graph_report import write_report

        self._task_to_attack("report", kinds=("adjustment",))
        write_report(self, self._frame, path, options)
