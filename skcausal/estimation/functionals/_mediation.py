"""Direct and indirect effects from a table."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from skcausal.estimation.functionals._plug_in import (
    mean_outcomes,
    nodes_of,
    observed_shares,
)
from skcausal.identification import (
    CounterfactualEstimand,
    MediationEffects,
    MissingColumnError,
    Variable,
)
from skcausal.inference import EffectEstimate
from skcausal.utils._validation import is_polars

LABELS = ("total", "natural direct", "natural indirect")


def estimate_mediation(
    effects: MediationEffects,
    frame: Any,
    *,
    treated: Any = None,
    control: Any = None,
    sample_weight: Any = None,
    groups: Any = None,
) -> EffectEstimate:
    r"""Estimate what a treatment does past its mediators, and through them.

    Parameters
    ----------
    effects : MediationEffects
        What `skcausal.identification.mediation_effects` returned.
    frame : DataFrame
        With a column for each node that the formulas name; all but the outcome with few
        levels.
    treated, control : level, default=None
        What is compared. None needs a treatment of 0 and 1, or False and True.
    sample_weight : array-like of shape (n,), default=None
        Weights of the rows.
    groups : array-like of shape (n,), default=None
        Cluster of each row.

    Returns
    -------
    EffectEstimate
        With the labels ``"total"``, ``"natural direct"`` and ``"natural indirect"``.

    Raises
    ------
    MissingColumnError
        If the frame lacks a column.
    ValueError
        If a column has missing entries or many levels, a level does not occur, or a
        formula asks for shares among rows that do not occur.

    Notes
    -----
    Assumes what `skcausal.identification.mediation_effects` does. Observed shares take
    the place of probabilities, and influences are those of the delta method, so that
    the interval is as good as the cells are full. With x for treated, x' for control
    and M for the mediators, the effects are :math:`E(Y_x) - E(Y_{x'})`,
    :math:`E(Y_{x M_{x'}}) - E(Y_{x'})` and :math:`E(Y_{x' M_x}) - E(Y_{x'})`. Direct
    and indirect effect add up to the total only where the two do not interact.

    References
    ----------
    Pearl, J. (2001). Direct and indirect effects. UAI.
    https://arxiv.org/abs/1301.2300

    Examples
    --------
    >>> import numpy as np
    >>> import pandas as pd
    >>> from skcausal.estimation import estimate_mediation
    >>> from skcausal.graphs import CausalGraph
    >>> from skcausal.identification import mediation_effects
    >>> rng = np.random.default_rng(1)
    >>> x = rng.integers(2, size=5000)
    >>> m = (rng.random(5000) < 0.2 + 0.5 * x).astype(int)
    >>> y = x + 2 * m + rng.normal(size=5000)
    >>> frame = pd.DataFrame({"x": x, "m": m, "y": y})
    >>> graph = CausalGraph([("x", "m"), ("m", "y"), ("x", "y")])
    >>> found = estimate_mediation(mediation_effects(graph, "x", "y", "m"), frame)
    >>> lower, upper = found.interval()
    >>> [bool(a < b < c) for a, b, c in zip(lower, [2, 1, 1], upper)]
    [True, True, True]
    """
    if is_polars(frame):
        frame = frame.to_pandas()
    worlds = (effects.treated, effects.untreated, effects.direct, effects.indirect)
    columns = _columns(effects, worlds, frame)
    world = _levels(frame[effects.treatment], effects.treatment, treated, control)
    weight = np.ones(len(frame)) if sample_weight is None else sample_weight
    weight = np.asarray(weight, dtype=float)
    shares = observed_shares(frame, columns, effects.outcome, weight)
    pairs = [
        mean_outcomes(one.expression, shares, effects.outcome, [world])
        for one in worlds
    ]
    means = np.concatenate([values for values, _ in pairs])
    slopes = np.concatenate([influence for _, influence in pairs], axis=1)
    slopes = slopes * (weight / weight.mean())[:, None]
    compared = [0, 2, 3]
    return EffectEstimate(
        (means[compared] - means[1])[None],
        (slopes[:, compared] - slopes[:, [1]])[None],
        labels=LABELS,
        groups=None if groups is None else np.asarray(groups),
        name=f"effect of {effects.treatment} on {effects.outcome}",
    )


def _columns(
    effects: MediationEffects,
    worlds: tuple[CounterfactualEstimand, ...],
    frame: pd.DataFrame,
) -> list[Any]:
    """Return the columns that the formulas name, checked."""
    named = {node for one in worlds for node in nodes_of(one.expression)}
    named |= {effects.treatment, effects.outcome}
    columns = sorted(named, key=str)
    for node in columns:
        if node not in frame.columns:
            raise MissingColumnError(
                f"estimate_mediation: the frame has no column {node!r}. Add it, or "
                "rename the node."
            )
        if frame[node].isna().any():
            raise ValueError(
                f"estimate_mediation: column {node!r} has missing entries; formulas "
                "are estimated from complete rows. Drop or impute them."
            )
    return columns


def _levels(
    column: pd.Series, node: Any, treated: Any, control: Any
) -> Mapping[Any, Any]:
    """Return the level of x and of x'."""
    levels = np.unique(column.to_numpy()).tolist()
    if treated is None and control is None and levels == [0, 1]:
        control, treated = levels
    for name, level in (("treated", treated), ("control", control)):
        if level is None or level not in levels:
            raise ValueError(
                f"estimate_mediation: {name} must be a level of {node!r}, got "
                f"{level!r}. Levels: {', '.join(map(repr, levels[:10]))}."
            )
    return {Variable(node): treated, Variable(node, 1): control}
