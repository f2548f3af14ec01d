"""Effects by simulation: both worlds of each draw, computed from the same noise."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from skcausal.structural._inputs import check_number, check_target
from skcausal.structural._replay import Replay, Values, drawn_rows
from skcausal.structural._swapping import as_numbers

TARGETS = ("all", "treated", "control")


class Worlds:
    """Rows drawn from a model, and the same rows under interventions."""

    def __init__(
        self, model: Any, n: int, random: np.random.Generator, owner: str
    ) -> None:
        self.model, self.owner, self.n = model, owner, n
        self.values, self.noise = drawn_rows(model, n, random)
        self.replay = Replay(model, self.values, self.noise)

    def under(self, do: Mapping[Any, Any]) -> Values:
        """Return the rows under an intervention."""
        return self.replay.under(do, self.owner)

    def number(self, node: Any, do: Mapping[Any, Any]) -> np.ndarray:
        """Return one node under an intervention, as numbers."""
        return as_numbers(self.under(do)[node])

    def has(self, node: Any, value: Any, world: Values | None = None) -> np.ndarray:
        """Tell in which rows a node has a value."""
        values = (self.values if world is None else world)[node]
        return np.asarray(np.asarray(values) == value)


def check_nodes(model: Any, treatment: Any, outcome: Any, owner: str) -> None:
    """Refuse nodes that are not in the graph, or the same."""
    for node, name in ((treatment, "treatment"), (outcome, "outcome")):
        if node not in model.graph:
            raise ValueError(
                f"{owner}: {name} must be a node of the graph, got {node!r}. Nodes: "
                f"{', '.join(map(str, model.graph.nodes[:20]))}."
            )
    if treatment == outcome:
        raise ValueError(
            f"{owner}: treatment and outcome are both {outcome!r}. Name two nodes."
        )


def check_numeric(model: Any, treatment: Any, outcome: Any, owner: str) -> None:
    """Refuse what `check_nodes` does, and outcomes that are no numbers."""
    check_nodes(model, treatment, outcome, owner)
    check_target(model.graph, outcome, owner)
    check_number(model, outcome, owner)


def summary(differences: Mapping[str, np.ndarray]) -> pd.DataFrame:
    """Return means and their Monte Carlo standard errors, one row each."""
    rows = {
        name: {
            "value": float(np.mean(drawn)),
            "standard_error": float(np.std(drawn, ddof=1) / np.sqrt(len(drawn)))
            if len(drawn) > 1
            else np.nan,
        }
        for name, drawn in differences.items()
    }
    return pd.DataFrame(rows).T.rename_axis("effect")


def treatment_effect(
    worlds: Worlds, treatment: Any, outcome: Any, arms: tuple[Any, Any], target: str
) -> pd.DataFrame:
    """Return the mean effect for all, or for those with one of the two values."""
    treated, control = arms
    kept = np.ones(worlds.n, dtype=bool)
    if target != "all":
        kept = worlds.has(treatment, treated if target == "treated" else control)
    if kept.sum() < 2:
        raise ValueError(
            f"{worlds.owner}: of {worlds.n} draws {kept.sum()} have {treatment!r} at "
            f"the value of target={target!r}. Take target='all', or condition on a "
            "range of values."
        )
    high = worlds.number(outcome, {treatment: treated})
    low = worlds.number(outcome, {treatment: control})
    return summary({target: (high - low)[kept]})


def natural_effects(
    worlds: Worlds,
    nodes: tuple[Any, Any, list[Any]],
    arms: tuple[Any, Any],
    at: Mapping[Any, Any] | None,
) -> pd.DataFrame:
    """Return total, natural direct and indirect, and controlled direct effects."""
    treatment, outcome, mediators = nodes
    treated, control = arms
    base, active = (
        worlds.under({treatment: control}),
        worlds.under({treatment: treated}),
    )
    y0, y1 = as_numbers(base[outcome]), as_numbers(active[outcome])
    at_base = {node: base[node] for node in mediators}
    at_active = {node: active[node] for node in mediators}
    direct = worlds.number(outcome, {treatment: treated, **at_base})
    indirect = worlds.number(outcome, {treatment: control, **at_active})
    found = {
        "total": y1 - y0,
        "natural direct": direct - y0,
        "natural indirect": indirect - y0,
    }
    if at is not None:
        high = worlds.number(outcome, {treatment: treated, **at})
        low = worlds.number(outcome, {treatment: control, **at})
        found["controlled direct"] = high - low
    return summary(found)


def shared_witnesses(
    graph: Any, treatment: Any, outcome: Any, mediators: list[Any]
) -> list[Any]:
    """Return nodes that an effect reaches and that act both through and past M."""
    past = graph.do(mediators)
    reached = past.descendants(treatment) - {treatment, outcome}
    both = reached & past.ancestors(outcome) & graph.ancestors(mediators)
    return list(graph.ordered(both - set(mediators)))
