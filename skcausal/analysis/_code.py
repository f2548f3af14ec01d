"""The Python code that repeats an analysis."""

import textwrap
from collections.abc import Iterator

from skcausal.analysis._candidates import Design
from skcausal.analysis._tables import Table

_EVALUATION_SHARE = 0.4


def reproducing_code(
    table: Table, design: Design, learner: str, loading: tuple[str, str]
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

    Returns
    -------
    str
        A script.
    """
    parts = [
        "\n".join(_imports(design, learner, loading[0])),
        "\n".join(_data(table, loading[1])),
        f"# The best of the candidates.\n{design.learner_code(learner)}",
        _averages(table),
        _evaluation(design),
    ]
    return "\n\n".join(parts) + "\n"


def _imports(design: Design, learner: str, extra: str) -> Iterator[str]:
    others, names = design.import_lines(learner)
    two = len(design.arms) == 2
    theirs = ["import pandas as pd", *others]
    theirs.append("from sklearn.model_selection import train_test_split")
    yield from sorted(theirs, key=lambda line: (line.startswith("from sk"), line))
    yield ""
    ours = [
        extra,
        f"from skcausal.estimation import {', '.join(names)}",
        "from skcausal import causal_target" if two else "",
        "from skcausal.validation import get_scorer" if two else "",
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
