"""How strong an unobserved confounder must be to change a conclusion."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import clone

from skcausal.graphs import CausalGraph
from skcausal.inference._bootstrap import generator_of
from skcausal.structural import EmpiricalDistribution
from skcausal.structural._inputs import check_model

_OWNER = "confounder_tipping"
_HIDDEN = "hidden confounder"
_MOST = np.sqrt(0.5)  # two correlations with independent numbers: their squares add up
_STRENGTHS = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6)


@dataclass(frozen=True, repr=False)
class ConfounderTipping:
    """A metric by the strength of an unobserved confounder.

    `confounder_tipping` makes it.

    Parameters
    ----------
    table : DataFrame
        Index: strength, the partial correlation of the confounder with sensitive
        attribute and outcome; columns ``lower`` and ``upper``, the metric with a
        confounder that lowers it and with one that raises it.
    null : float
        Where the conclusion changes.

    Attributes
    ----------
    tipping_point : float
        The least strength at which ``lower`` or ``upper`` reaches the null, between
        those of the table; infinity if none does.

    Notes
    -----
    Assumes what `confounder_tipping` does.

    Examples
    --------
    >>> import pandas as pd
    >>> from skcausal.fairness import ConfounderTipping
    >>> table = pd.DataFrame({"lower": [1.0, -1.0], "upper": [1.0, 3.0]}, [0.0, 0.5])
    >>> ConfounderTipping(table, 0.0).tipping_point
    0.25
    """

    table: pd.DataFrame
    null: float = 0.0

    def __repr__(self) -> str:
        """Show the tipping point and the table."""
        shown = self.table.to_string(float_format="{:.4f}".format)
        return f"Reaches {self.null:g} at strength {self.tipping_point:.3g}:\n{shown}"

    @property
    def tipping_point(self) -> float:
        """Least strength at which an end reaches the null."""
        strengths = self.table.index.to_numpy(dtype=float)
        found = [np.inf]
        for name in ("lower", "upper"):
            apart = self.table[name].to_numpy() - self.null
            for k in range(1, len(apart)):
                if apart[k - 1] * apart[k] <= 0 and apart[k - 1] != apart[k]:
                    share = apart[k - 1] / (apart[k - 1] - apart[k])
                    step = strengths[k] - strengths[k - 1]
                    found.append(float(strengths[k - 1] + share * step))
        return min(found)


def confounder_tipping(
    model: Any,
    frame: Any,
    sensitive: Any,
    outcome: Any,
    metric: Callable[[Any, pd.DataFrame], float],
    *,
    strengths: Sequence[float] = _STRENGTHS,
    null: float = 0.0,
    random_state: Any = None,
) -> ConfounderTipping:
    r"""Add a simulated confounder, ever stronger, until the conclusion changes.

    Parameters
    ----------
    model : StructuralModel or AdditiveNoiseModel
        A fitted structural model.
    frame : DataFrame of shape (n, n_columns)
        Rows, with a value for each node.
    sensitive, outcome : node
        What the confounder moves: numbers, or nodes of two values. For a predictor,
        the sensitive attribute and the mediator in doubt.
    metric : callable
        Takes the model with the confounder and the rows with its column, and returns a
        number, such as a natural direct effect.
    strengths : sequence of float
        Partial correlations with both, increasing from 0 to less than .7.
    null : float, default=0.0
        Where the conclusion changes.
    random_state : int, Generator, RandomState or None, default=None
        Seed.

    Returns
    -------
    ConfounderTipping
        The metric per strength, and where it tips.

    Raises
    ------
    ValueError
        If a strength is out of range, or a node has more than two categories.

    Notes
    -----
    Assumes that the model without the confounder describes the rows. With the
    standardised residuals of the sensitive attribute, :math:`z_a`, and of the outcome,
    :math:`z_y`, given their causes by least squares, the confounder is :math:`u = s z_a
    \pm s z_y + \sqrt{1 - 2 s^2} \varepsilon`: it agrees with all that is observed, so
    no test could reveal it. Then the model is fitted again with u as a cause of both.
    In a linear model that moves the effect of a by :math:`\mp \frac{\sigma_y}{\sigma_a}
    \frac{s^2}{1 - s^2}`. The sensitive attribute then has a cause, so metrics that
    forbid that cannot be used.

    References
    ----------
    Kilbertus, N., Ball, P. J., Kusner, M. J., Weller, A., & Silva, R. (2019). The
    sensitivity of counterfactual fairness to unmeasured confounding. UAI.
    https://arxiv.org/abs/1907.01040

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> from sklearn.linear_model import LinearRegression
    >>> from skcausal.fairness import confounder_tipping
    >>> from skcausal.graphs import CausalGraph
    >>> from skcausal.structural import AdditiveNoiseModel
    >>> rng = np.random.default_rng(0)
    >>> a = rng.normal(size=500)
    >>> frame = pd.DataFrame({"a": a, "y": a / 3 + rng.normal(size=500)})
    >>> graph = CausalGraph([("a", "y")])
    >>> model = AdditiveNoiseModel(graph, regressor=LinearRegression()).fit(frame)
    >>> def effect(model, rows):
    ...     worlds = [model.counterfactual(rows, {"a": x})["y"] for x in (0.0, 1.0)]
    ...     return (worlds[1] - worlds[0]).mean()
    >>> found = confounder_tipping(
    ...     model, frame, "a", "y", effect, strengths=(0, 0.4, 0.6), random_state=0
    ... )
    >>> round(found.tipping_point, 1)  # where s^2 / (1 - s^2) is a third
    0.5
    """
    check_model(model, _OWNER)
    levels = _checked(strengths)
    for node in (sensitive, outcome):
        if node not in model.graph:
            raise ValueError(f"{_OWNER}: {node!r} is not a node of the model.")
    if _HIDDEN in model.graph:
        raise ValueError(f"{_OWNER}: the graph already has a node {_HIDDEN!r}.")
    table = model.known(frame, owner=_OWNER).reset_index(drop=True)
    z = [_residual(model, table, node) for node in (sensitive, outcome)]
    # A stream of its own: rows may have been simulated with the same seed.
    (random,) = generator_of(random_state).spawn(1)
    fresh = random.normal(size=len(table))
    rows = {}
    for strength in levels:
        found = []
        for sign in (1, -1) if strength else (1,):
            rest = np.sqrt(1 - 2 * strength**2)
            hidden = strength * (z[0] + sign * z[1]) + rest * fresh
            wider = table.assign(**{_HIDDEN: hidden})
            refitted = _with_hidden(model, sensitive, outcome).fit(wider)
            found.append(float(metric(refitted, wider)))
        rows[strength] = {"lower": min(found), "upper": max(found)}
    result = pd.DataFrame.from_dict(rows, orient="index").rename_axis("strength")
    return ConfounderTipping(result, null)


def _checked(strengths: Sequence[float]) -> list[float]:
    levels = [float(level) for level in strengths]
    rising = all(a < b for a, b in pairwise(levels))
    if len(levels) < 2 or not rising or levels[0] < 0 or levels[-1] >= _MOST:
        raise ValueError(
            f"{_OWNER}: strengths must be two or more correlations that increase from "
            f"0 to less than {_MOST:.3f}, got {list(strengths)!r}."
        )
    return levels


def _residual(model: Any, table: pd.DataFrame, node: Any) -> np.ndarray:
    """Return what least squares on its causes leaves of a node, standardised."""
    values = table[node]
    if isinstance(values.dtype, pd.CategoricalDtype):
        if len(values.cat.categories) != 2:
            raise ValueError(
                f"{_OWNER}: {node!r} has {len(values.cat.categories)} categories; a "
                "number or two categories are needed. Keep two, or make it 0 and 1."
            )
        values = values.cat.codes
    y = values.to_numpy(dtype=float)
    causes = table[model.parents_of(node)].assign(one=1.0)
    design = pd.get_dummies(causes, drop_first=True).to_numpy(dtype=float)
    left = y - design @ np.linalg.lstsq(design, y, rcond=None)[0]
    if left.std() < 1e-12 * max(1.0, np.abs(y).max()):
        raise ValueError(
            f"{_OWNER}: {node!r} follows from its causes, so nothing hidden moves it."
        )
    return np.asarray(left / left.std())


def _with_hidden(model: Any, sensitive: Any, outcome: Any) -> Any:
    """Return a copy of a model with the confounder in its graph, not fitted."""
    graph = model.graph
    arrows = [*graph.directed, (_HIDDEN, sensitive), (_HIDDEN, outcome)]
    wider = CausalGraph(arrows, nodes=[*graph.nodes, _HIDDEN])
    given = dict(model.mechanisms or {})
    for node in (sensitive, outcome):
        if isinstance(given.get(node), EmpiricalDistribution):
            del given[node]  # it has a cause now
    return clone(model).set_params(graph=wider, mechanisms=given or None)
