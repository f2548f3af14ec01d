"""Parts of an audit: intervals of shifts, gaps, other assumptions, fit."""

from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import clone

from skcausal.analysis._audit_input import AuditInput
from skcausal.fairness import (
    CounterfactualFairnessAuditor,
    FairnessAudit,
    compare_models,
    decompose_disparity,
)
from skcausal.fairness._predictor import AuditedPredictor
from skcausal.graphs import CausalGraph
from skcausal.structural import AdditiveNoiseModel, StructuralModel
from skcausal.structural._choosing import default_classifiers, default_regressors

_NORMAL = 1.959963984540054
_FEW_DRAWS = 20  # in audits under other assumptions
_MOST_GROUPS = 6
_OWNER = "audit"
_PARTS = {"direct": 1, "reverse indirect": -1, "reverse spurious": -1}


def shifts(audit: FairnessAudit) -> pd.DataFrame:
    """Return the mean difference of each pair of groups with its 95 % interval."""
    lines = {}
    for start, end in audit.pairs.index:
        rows = (audit.rows["group"] == start).to_numpy()
        delta = (audit.scores.loc[rows, end] - audit.rows.loc[rows, "score"]).to_numpy()
        mean = float(delta.mean())
        error = float(delta.std(ddof=1) / np.sqrt(len(delta)))
        lines[start, end] = {
            "value": mean,
            "standard_error": error,
            "lower": mean - _NORMAL * error,
            "upper": mean + _NORMAL * error,
        }
    table = pd.DataFrame.from_dict(lines, orient="index")
    table.index = audit.pairs.index
    table = table.join(audit.pairs)
    if audit.bounds.empty:  # numbers do not flip
        return table
    return table.join(audit.bounds.add_prefix("flips_"))


def gap_parts(
    auditor: CounterfactualFairnessAuditor, given: AuditInput, audit: FairnessAudit
) -> pd.DataFrame:
    """Tell what the gap of each group to the largest one is made of.

    Returns
    -------
    DataFrame
        One row per group and part (``total variation``, ``direct``, ``indirect``,
        ``spurious``): ``effect``, ``lower`` and ``upper``.
    """
    asked = AuditedPredictor(given.model, None, given.derived, _OWNER)
    nodes = list(given.graph.nodes)
    dtypes = given.frame[nodes].dtypes
    labels = {n: t for n, t in dtypes.items() if isinstance(t, pd.CategoricalDtype)}

    def score(rows: pd.DataFrame) -> Any:
        return asked(rows.astype(labels))[0]

    values = list(audit.scores.columns)
    sizes = audit.rows["group"].value_counts()
    present = sorted((v for v in values if v in sizes), key=lambda v: -sizes[v])
    others = [node for node in nodes if node != auditor.sensitive]
    if not others or len(present) < 2:
        return pd.DataFrame()
    found = {}
    for value in present[1 : _MOST_GROUPS + 1]:
        table = decompose_disparity(
            auditor.model_,
            given.frame,
            auditor.sensitive,
            others[0],  # a predictor's scores take the place of this node
            reference=present[0],
            compared=value,
            predictor=score,
            features=nodes,
            random_state=auditor.random_state,
        ).table
        found[value] = _signed(table)
    return pd.concat(found, names=["group", "part"]).assign(reference=present[0])


def _signed(table: pd.DataFrame) -> pd.DataFrame:
    """Return the parts that add up to the gap, each with its interval."""
    ends = table[["effect", "lower", "upper"]]
    lines = {"total variation": ends.loc["total variation"]}
    for name, sign in _PARTS.items():
        row = ends.loc[name]
        if sign < 0:
            row = pd.Series(-row.to_numpy()[[0, 2, 1]], index=row.index)
        lines[name.removeprefix("reverse ")] = row
    return pd.DataFrame(lines).T


def other_assumptions(
    auditor: CounterfactualFairnessAuditor, given: AuditInput, audit: FairnessAudit
) -> pd.DataFrame:
    """Audit under other mechanisms, another graph and other couplings.

    Returns
    -------
    DataFrame
        One row per assumption, as asked first: ``unfairness`` and
        ``flip_probability``.
    """
    values = list(audit.scores.columns)
    few = min(auditor.n_counterfactuals, _FEW_DRAWS)
    again = clone(auditor).set_params(n_counterfactuals=few)
    names = ["unfairness", "flip_probability"]

    def numbers(model: Any, coupling: str = auditor.coupling) -> dict[str, float]:
        one = clone(again).set_params(coupling=coupling)
        one.model = model  # fitted
        found = one.fit(given.frame).audit(given.model, given.frame, values=values)
        return {name: float(found.summary[name]) for name in names}

    table = compare_models(_models(auditor, given), numbers, given.frame).table
    lines = {"as asked": audit.summary[names], **dict(table.iterrows())}
    if not audit.exact:
        for coupling in ("shared_noise", "gumbel_max", "monotone"):
            if coupling != auditor.coupling:
                name = f"coupling {coupling}"
                lines[name] = pd.Series(numbers(auditor.model_, coupling))
    return pd.DataFrame(lines).T


def _models(
    auditor: CounterfactualFairnessAuditor, given: AuditInput
) -> dict[str, Any]:
    """Return structural models with other mechanisms, and with another graph."""
    regressors = default_regressors(given.frame)
    classifiers = default_classifiers(given.frame)
    seed = auditor.random_state
    models = {
        f"{kind} mechanisms, additive noise": AdditiveNoiseModel(
            given.graph, regressor=r, classifier=c, random_state=seed
        )
        for kind, r, c in zip(
            ("linear", "boosted"), regressors, classifiers, strict=True
        )
    }
    graph, sensitive = given.graph, auditor.sensitive
    targets = [n for n in given.features if n != sensitive]
    arrows = [(sensitive, n) for n in targets if sensitive not in graph.parents(n)]
    if arrows:
        wider = CausalGraph([*graph.directed, *arrows], nodes=graph.nodes)
        name = f"{sensitive} causes each column of the model"
        models[name] = StructuralModel(wider, random_state=seed)
    return models


def evaluated(model: Any, given: AuditInput) -> pd.DataFrame:
    """Tell how well mechanisms fit; empty if no node has causes."""
    if not any(model.parents_of(node) for node in model.mechanisms_):
        return pd.DataFrame()
    found: pd.DataFrame = model.evaluate(given.frame)
    return found
