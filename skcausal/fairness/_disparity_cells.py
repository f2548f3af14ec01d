"""Decompose a gap between groups by formulas, from the shares of few levels."""

from typing import Any

import numpy as np
import pandas as pd

from skcausal.estimation import estimate_mediation
from skcausal.estimation.functionals._plug_in import (
    mean_outcomes,
    nodes_of,
    observed_shares,
)
from skcausal.fairness._disparity_result import LABELS, MEANS, effects_of
from skcausal.graphs import CausalGraph
from skcausal.identification import (
    Variable,
    identify_counterfactual,
    mediation_effects,
)
from skcausal.inference import EffectEstimate

_NATURAL = ("total effect", "natural direct", "natural indirect")


def cell_estimate(
    roles: Any, table: pd.DataFrame, levels: tuple[Any, Any]
) -> EffectEstimate:
    """Return all effects with the influence of each row."""
    reference, compared = levels
    graph = _graph(roles)
    values, influence = np.zeros(len(MEANS)), np.zeros((len(table), len(MEANS)))
    for k, mean in enumerate(MEANS):
        if mean[2] is not None:
            values[k], influence[:, k] = _mean(roles, graph, table, levels, mean)
    effects, slopes = effects_of(values), effects_of(influence)
    natural = estimate_mediation(
        mediation_effects(graph, roles.sensitive, roles.outcome, roles.mediators),
        table,
        treated=compared,
        control=reference,
    )
    for place, label in enumerate(_NATURAL):
        effects[LABELS.index(label)] = natural.values[0, place]
        slopes[:, LABELS.index(label)] = natural.influences[0, :, place]
    return EffectEstimate(effects[None], slopes[None], labels=LABELS)


def _graph(roles: Any) -> CausalGraph:
    """Return the standard fairness model; arrows within a role do not matter."""
    order = [*roles.confounders, roles.sensitive, *roles.mediators, roles.outcome]
    arrows = [(a, b) for k, a in enumerate(order) for b in order[k + 1 :]]
    return CausalGraph(arrows)


def _mean(
    roles: Any,
    graph: CausalGraph,
    table: pd.DataFrame,
    levels: tuple[Any, Any],
    mean: tuple[int, int, int | None],
) -> tuple[float, np.ndarray]:
    """Return E[Y_{direct, W_{through}} | group] and the influence of each row."""
    values = (Variable(roles.sensitive, 1), Variable(roles.sensitive))
    direct, through = values[mean[0]], values[mean[1]]
    group = () if mean[2] is None else (values[mean[2]],)
    if mean[0] == mean[1] == mean[2]:
        own = (table[roles.sensitive] == levels[mean[0]]).to_numpy()
        y = table[roles.outcome].to_numpy(dtype=float)
        value = y[own].mean()
        return float(value), own / own.mean() * (y - value)
    kept = [Variable(node, world=(through,)) for node in roles.mediators]
    world = (direct,) if direct == through else (direct, *kept)
    estimand = identify_counterfactual(
        graph, Variable(roles.outcome, world=world), group
    )
    columns = sorted(
        {*nodes_of(estimand.expression), roles.sensitive, roles.outcome}, key=str
    )
    shares = observed_shares(table, columns, roles.outcome, np.ones(len(table)))
    level_of = dict(zip(values, levels, strict=True))
    found, slopes = mean_outcomes(
        estimand.expression, shares, roles.outcome, [level_of]
    )
    return float(found[0]), slopes[:, 0]
