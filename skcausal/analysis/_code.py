"""The Python code that repeats an analysis."""

import textwrap
from collections.abc import Iterator

from skcausal.analysis._attacks import FOLDS, MOST_ROWS, REFUTERS
from skcausal.analysis._candidates import Design
from skcausal.analysis._tables import Table

_EVALUATION_SHARE = 0.4
_REFUTERS = [refuter.partition("(")[0] for refuter in REFUTERS]


def reproducing_code(
    table: Table,
    design: Design,
    learner: str,
    loading: tuple[str, str],
    simulations: int = 0,
) -> str:
    """Write code that repeats the estimates of an analysis.

    Parameters
    ----------
    table : Table
        The checked table.
    design : Design
        How learners are told about the treatment.
    learner : str
        The name of the chosen candidate.
    loading : tuple of str
        An import line (may be empty) and the expression that makes the table.
    simulations : int
        Refits per refuter; 0 leaves the attacks out.

    Returns
    -------
    str
        A script.
    """
    parts = [
        "\n".join(_imports(table, design, learner, loading[0], simulations)),
        "\n".join(_data(table, loading[1])),
        f"# The best of the candidates.\n{design.learner_code(learner)}",
        _averages(table),
        _other_outcomes(table),
        _confounders(design),
        _attacks(design, simulations),
        _evaluation(design),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _imports(
    table: Table, design: Design, learner: str, extra: str, simulations: int
) -> Iterator[str]:
    others, names = design.import_lines(learner)
    two = len(design.arms) == 2
    theirs = ["import pandas as pd", *others]
    theirs.append("from sklearn.model_selection import train_test_split")
    if simulations or table.other_outcomes:
        theirs.append("from sklearn.base import clone")
    yield from sorted(theirs, key=lambda line: (line.startswith("from sk"), line))
    yield ""
    tools = [
        *(["get_scorer"] if two else []),
        *(["RieszSensitivity"] if design.shares is None else []),
        *(["refute", *_REFUTERS] if simulations else []),
    ]
    ours = [
        extra,
        "from skcausal.inference import join_estimates" if table.other_outcomes else "",
        f"from skcausal.estimation import {', '.join(names)}",
        "from skcausal import causal_target" if two else "",
        f"from skcausal.validation import {', '.join(sorted(tools))}" if tools else "",
    ]
    yield from sorted(line for line in ours if line)


def _data(table: Table, expression: str) -> Iterator[str]:
    features = [str(name) for name in table.X.columns]
    listed = textwrap.fill(
        ", ".join(map(repr, features)),
        width=76,
        initial_indent="    ",
        subsequent_indent="    ",
        break_long_words=False,
        break_on_hyphens=False,
    )
    yield f"frame = {expression}"
    for name, conversion in table.conversions.items():
        yield f"frame[{name!r}] = frame[{name!r}]{conversion}"
    yield f"X = frame[[\n{listed}\n]]"
    yield f"y = frame[{table.columns.outcome!r}]"
    yield f"treatment = frame[{table.columns.treatment!r}]"


def _averages(table: Table) -> str:
    lines = [
        "# Average effects, on all rows.",
        "learner.fit(X, y, treatment=treatment)",
        'for target in ("all", "treated", "control"):',
        "    print(target)",
        "    print(learner.average_effect(target=target).summary())",
    ]
    by = table.columns.by
    if table.by is not None and by is not None:
        distinct = table.by.nunique()
        groups = f"frame[{by!r}]"
        if distinct <= 4 and any("quarters" in note for note in table.notes):
            groups = f'pd.qcut({groups}, 4, duplicates="drop")'
        lines.append(
            f"print(learner.average_effect(by={groups}.astype(str)).summary())"
        )
    return "\n".join(lines)


def _other_outcomes(table: Table) -> str:
    if not table.other_outcomes:
        return ""
    return "\n".join(
        [
            "# All outcomes, with p-values adjusted for all outcomes and arms.",
            "effects = {",
            "    name: clone(learner).fit(X, frame[name], treatment=treatment)",
            f"    for name in {list(table.outcomes)!r}",
            "}",
            "joined = join_estimates(",
            "    {name: fitted.average_effect() for name, fitted in effects.items()}",
            ")",
            "print(joined.summary())",
            "print(joined.adjusted_p_value(random_state=0))",
        ]
    )


def _confounders(design: Design) -> str:
    if design.shares is not None:
        return ""
    lines = ["# What unobserved confounders it would take."]
    for arm in design.arms[1:]:
        chosen = "" if len(design.arms) == 2 else f", arm={arm!r}"
        lines.append(
            "print(RieszSensitivity.from_estimator("
            f'learner, target="all"{chosen}).summary())'
        )
    return "\n".join(lines)


def _attacks(design: Design, simulations: int) -> str:
    if not simulations:
        return ""
    return "\n".join(
        [
            f"# Attacks; the report draws {MOST_ROWS:,} rows of larger tables.",
            "found = refute(",
            f"    clone(learner).set_params(cv={FOLDS}),",
            "    X,",
            "    y,",
            "    treatment=treatment,",
            f"    refuters=[{', '.join(REFUTERS)}],",
            f"    n_simulations={simulations},",
            "    cv=None,",
            f"    random_state={design.random_state},",
            "    progress=False,",
            ")",
            "print(found)",
        ]
    )


def _evaluation(design: Design) -> str:
    lines = [
        "# For whom: fitted on one part of the rows, judged on the other.",
        "fit, evaluation = train_test_split(",
        "    frame.index,",
        f"    test_size={_EVALUATION_SHARE},",
        "    stratify=treatment,",
        f"    random_state={design.random_state},",
        ")",
        "fit, evaluation = sorted(fit), sorted(evaluation)",
        "learner.fit(X.loc[fit], y.loc[fit], treatment=treatment.loc[fit])",
        "effects = learner.effect(X.loc[evaluation])",
        "print(pd.DataFrame(effects).describe())",
    ]
    if len(design.arms) == 2:
        lines += [
            "target = causal_target(y.loc[evaluation], treatment.loc[evaluation])",
            'print("AUTOC", get_scorer("autoc")(learner, X.loc[evaluation], target))',
        ]
    return "\n".join(lines)
