"""Effects of a structural model, computed from draws: methods of StructuralModel."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from sklearn.utils.validation import check_is_fitted

from skcausal.structural._causation import causation_table
from skcausal.structural._couplings import (
    SHARED,
    check_coupling,
    coupled_model,
    warn_of_coupling,
)
from skcausal.structural._effects import (
    TARGETS,
    Worlds,
    check_nodes,
    check_numeric,
    natural_effects,
    shared_witnesses,
    treatment_effect,
)
from skcausal.structural._inputs import cast, check_count, check_interventions
from skcausal.structural._path_effects import active_edges, path_effect


class SimulatedEffects:
    """Effects that are means over draws of both worlds of a row."""

    graph: Any
    coupling: Any
    dtypes_: Any
    mechanisms_: Any
    _random: Any

    def treatment_effect(
        self,
        treatment: Any,
        outcome: Any,
        *,
        treated: Any = 1,
        control: Any = 0,
        target: str = "all",
        n_samples: int = 100_000,
        random_state: Any = None,
    ) -> pd.DataFrame:
        """Return the mean effect of a treatment: for all, the treated or the control.

        Parameters
        ----------
        treatment : node
            What is set.
        outcome : node
            A number, bool or 0/1.
        treated, control : value, default=1, 0
            Values of the treatment that are compared.
        target : {"all", "treated", "control"}, default="all"
            Whose mean: everybody, or rows that have one of the two values of their
            own.
        n_samples : int, default=100000
            Number of draws.
        random_state : int, Generator, RandomState or None, default=None
            Seed; None takes that of the model.

        Returns
        -------
        table : DataFrame of shape (1, 2)
            ``value`` and ``standard_error`` by simulation, in units of the outcome.
            Errors of the fitted mechanisms are not in it.
        """
        owner = "StructuralModel.treatment_effect"
        if target not in TARGETS:
            raise ValueError(
                f"{owner}: target must be one of {', '.join(TARGETS)}, got {target!r}."
            )
        check_is_fitted(self, "mechanisms_")
        check_numeric(self, treatment, outcome, owner)
        arms = self._arms(treatment, treated, control, owner)
        worlds = self._worlds(n_samples, random_state, owner)
        return treatment_effect(worlds, treatment, outcome, arms, target)

    def causation_probabilities(
        self,
        treatment: Any,
        outcome: Any,
        *,
        treated: Any = 1,
        control: Any = 0,
        event: Any = 1,
        coupling: str | None = None,
        n_samples: int = 100_000,
        random_state: Any = None,
    ) -> pd.DataFrame:
        r"""Tell how often the treatment was what made the event happen, or would be.

        Parameters
        ----------
        treatment : node
            What is set.
        outcome : node
            Where the event is seen.
        treated, control : value, default=1, 0
            Values of the treatment that are compared.
        event : value, default=1
            The value of the outcome that is the event.
        coupling : str, default=None
            As in `counterfactual`; None takes that of the model. With "bounds" the
            values are left out.
        n_samples : int, default=100000
            Number of draws.
        random_state : int, Generator, RandomState or None, default=None
            Seed; None takes that of the model.

        Returns
        -------
        table : DataFrame of shape (3, 4)
            Rows ``PN`` (necessity: of those treated with the event, who would not
            have it under control), ``PS`` (sufficiency: of those under control
            without the event, who would have it if treated) and ``PNS`` (who has the
            event if and only if treated), columns ``value`` under the coupling,
            ``standard_error`` by simulation, ``lower`` and ``upper``.

        Warns
        -----
        CouplingWarning
            If the outcome or a node on the way changes with a noise that is not known.

        Notes
        -----
        Assumes that the model is right. The bounds are those of Tian and Pearl, from
        the model's probabilities with and without intervention, such as
        :math:`\max\{0, P(y) - P(y_{x'})\} / P(x, y) \le PN`; they hold for every
        coupling.

        References
        ----------
        Tian, J., & Pearl, J. (2000). Probabilities of causation: bounds and
        identification. Annals of Mathematics and Artificial Intelligence 28.
        https://doi.org/10.1023/A:1018912507879
        """
        owner = "StructuralModel.causation_probabilities"
        check_is_fitted(self, "mechanisms_")
        check_nodes(self, treatment, outcome, owner)
        coupling = check_coupling(coupling or self.coupling, owner, (*SHARED, "bounds"))
        arms = self._arms(treatment, treated, control, owner)
        event = self._event(outcome, event, owner)
        worlds = self._worlds(n_samples, random_state, owner, coupling)
        under = worlds.under({treatment: arms[0]})
        unsure = list(worlds.replay.unsure)
        without = worlds.under({treatment: arms[1]})
        happens = [worlds.has(outcome, event, w) for w in (None, under, without)]
        if not np.any(happens):
            raise ValueError(
                f"{owner}: in no draw {outcome!r} is {event!r}. Name an event that "
                "happens, or make the outcome 0 and 1."
            )
        table = causation_table(
            (worlds.has(treatment, arms[0]), worlds.has(treatment, arms[1])),
            happens[0],
            (happens[1], happens[2]),
        )
        if coupling == "bounds":
            table[["value", "standard_error"]] = np.nan
        else:
            relevant = self.graph.ancestors(outcome)
            unsure = [node for node in unsure if node in relevant]
            warn_of_coupling(unsure, coupling, owner)
        return table

    def natural_effects(
        self,
        treatment: Any,
        outcome: Any,
        mediators: Any,
        *,
        treated: Any = 1,
        control: Any = 0,
        at: Mapping[Any, Any] | None = None,
        n_samples: int = 100_000,
        random_state: Any = None,
    ) -> pd.DataFrame:
        r"""Divide an effect into what goes through mediators and what goes past them.

        Parameters
        ----------
        treatment : node
            What is set.
        outcome : node
            A number, bool or 0/1.
        mediators : node or list of node
            Through which nodes.
        treated, control : value, default=1, 0
            Values of the treatment that are compared.
        at : dict of mediator to value, default=None
            Where the mediators are held for the controlled direct effect; None
            leaves it out.
        n_samples : int, default=100000
            Number of draws.
        random_state : int, Generator, RandomState or None, default=None
            Seed; None takes that of the model.

        Returns
        -------
        table : DataFrame of shape (3, 2) or (4, 2)
            Rows ``total``, ``natural direct``, ``natural indirect`` and ``controlled
            direct``, columns ``value`` and ``standard_error`` by simulation.

        Warns
        -----
        CouplingWarning
            If a node that the treatment changes acts both through and past the
            mediators: it is then in two worlds at once.

        Notes
        -----
        Assumes that the model is right. With :math:`Y(x, m)` and :math:`M(x)` the
        values under interventions and the row's own noise, the direct effect is
        :math:`E[Y(x, M(x')) - Y(x', M(x'))]`, the indirect one :math:`E[Y(x', M(x)) -
        Y(x', M(x'))]`. They sum to the total only without interaction.

        References
        ----------
        Pearl, J. (2001). Direct and indirect effects. UAI.
        https://arxiv.org/abs/1301.2300
        """
        owner = "StructuralModel.natural_effects"
        check_is_fitted(self, "mechanisms_")
        check_numeric(self, treatment, outcome, owner)
        between = self._mediators(mediators, treatment, outcome, owner)
        if at is not None:
            at = check_interventions(at, self.graph, owner)
            if set(at) != set(between):
                raise ValueError(
                    f"{owner}: at must have a value for each mediator, "
                    f"{', '.join(map(str, between))}, got {', '.join(map(str, at))}."
                )
        arms = self._arms(treatment, treated, control, owner)
        worlds = self._worlds(n_samples, random_state, owner)
        witnesses = shared_witnesses(self.graph, treatment, outcome, between)
        warn_of_coupling(witnesses, self.coupling, owner)
        return natural_effects(worlds, (treatment, outcome, between), arms, at)

    def path_specific_effect(
        self,
        treatment: Any,
        outcome: Any,
        active: Any,
        *,
        treated: Any = 1,
        control: Any = 0,
        n_samples: int = 100_000,
        random_state: Any = None,
    ) -> pd.DataFrame:
        """Return the mean effect along some paths, all other arrows at the baseline.

        Parameters
        ----------
        treatment : node
            What is set.
        outcome : node
            A number, bool or 0/1.
        active : list of tuple of node
            Arrows that carry the treated value, such as ``("x", "m")``, or whole paths
            from the treatment to the outcome, such as ``("x", "m", "y")``.
        treated, control : value, default=1, 0
            Values of the treatment that are compared.
        n_samples : int, default=100000
            Number of draws.
        random_state : int, Generator, RandomState or None, default=None
            Seed; None takes that of the model.

        Returns
        -------
        table : DataFrame of shape (1, 2)
            ``value`` and ``standard_error`` by simulation, in units of the outcome.

        Raises
        ------
        RecantingWitnessError
            If a node would have to be as under both treatments at once.

        Notes
        -----
        Assumes that the model is right. Each node is computed from its own noise, and
        from its causes as under the treated value where the arrow is active, as under
        the control value elsewhere.

        References
        ----------
        Avin, C., Shpitser, I., & Pearl, J. (2005). Identifiability of path-specific
        effects. IJCAI. https://www.ijcai.org/Proceedings/05/Papers/0886.pdf
        """
        owner = "StructuralModel.path_specific_effect"
        check_is_fitted(self, "mechanisms_")
        check_numeric(self, treatment, outcome, owner)
        edges = active_edges(self.graph, treatment, outcome, active, owner)
        arms = self._arms(treatment, treated, control, owner)
        worlds = self._worlds(n_samples, random_state, owner)
        return path_effect(worlds, (treatment, outcome), arms, edges)

    def _arms(self, node: Any, treated: Any, control: Any, owner: str) -> Any:
        """Return the two values of a treatment in its type, refusing equal ones."""
        try:
            one, two = cast([treated, control], self.dtypes_[node], node, owner)
        except ValueError as error:
            raise ValueError(
                f"{error} Give treated and control as values of {node!r}."
            ) from None
        if one == two:
            raise ValueError(
                f"{owner}: treated and control are both {one}. Give two values of "
                f"{node!r}."
            )
        return one, two

    def _event(self, node: Any, event: Any, owner: str) -> Any:
        """Return the event in the type of its node."""
        try:
            return cast([event], self.dtypes_[node], node, owner)[0]
        except ValueError as error:
            message = f"{error} Give event as a value of {node!r}."
            raise ValueError(message) from None

    def _worlds(
        self, n: int, random_state: Any, owner: str, coupling: str = ""
    ) -> Worlds:
        check_count(n, "n_samples", owner, least=100)
        model = coupled_model(self, coupling or self.coupling)
        return Worlds(model, n, self._random(random_state), owner)

    def _mediators(
        self, mediators: Any, treatment: Any, outcome: Any, owner: str
    ) -> list[Any]:
        several = isinstance(mediators, list | set) or (
            isinstance(mediators, tuple) and mediators not in self.graph
        )
        named = list(mediators) if several else [mediators]
        for node in named:
            if node not in self.graph or node in (treatment, outcome):
                raise ValueError(
                    f"{owner}: mediators must be nodes of the graph other than "
                    f"treatment and outcome, got {node!r}."
                )
        if not named:
            raise ValueError(f"{owner}: mediators is empty. Name at least one node.")
        return list(self.graph.ordered(named))
