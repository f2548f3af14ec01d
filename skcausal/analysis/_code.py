"""The Python code that repeats an analysis."""

import textwrap
from collections.abc import Iterator

from skcausal.analysis._result import Question, Settings
from skcausal.analysis._tables import Table

_EVALUATION_SHARE = 0.4


def reproducing_code(
    table: Table,
    question: Question,
    settings: Settings,
    learner: str,
    loading: tuple[str, str],
) -> str:
    """Write code that repeats the estimates of an analysis.

    Parameters
    ----------
    table : Table
        The checked table.
    question : Question
        What was asked.
    settings : Settings
        How the numbers came about.
    learner : str
        The name of the chosen learner.
    loading : tuple of str
        An import line (may be empty) and the expression that makes the table.

    Returns
    -------
    str
        A script.
    """
    parts = [
        "\n".join(_imports(question, learner, loading[0])),
        "\n".join(_data(table, loading[1])),
        _learner(table, question, settings, learner),
        _averages(table),
        _evaluation(question, settings),
    ]
    return "\n\n".join(parts) + "\n"


def _imports(question: Question, learner: str, extra: str) -> Iterator[str]:
    names = f"{learner}, KnownPropensity" if question.randomised else learner
    yield "import pandas as pd"
    yield "from sklearn.model_selection import train_test_split"
    yield ""
    if len(question.labels) == 2:
        yield "from skcausal import causal_target"
    if extra:
        yield extra
    yield f"from skcausal.estimation import {names}"
    if len(question.labels) == 2:
        yield "from skcausal.validation import get_scorer"


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


def _learner(table: Table, question: Question, settings: Settings, learner: str) -> str:
    lines = [f"learner = {learner}("]
    if question.shares is not None and learner not in ("SLearner", "TLearner"):
        name = "treatment_model" if learner == "RLearner" else "propensity_model"
        shares = dict(zip(table.arms, question.shares, strict=True))
        lines.append(f"    {name}=KnownPropensity({shares!r}),")
    lines.append(f"    control_arm={table.arms[0]!r},")
    lines.append(f"    random_state={settings.random_state},")
    return "\n".join([*lines, ")"])


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


def _evaluation(question: Question, settings: Settings) -> str:
    lines = [
        "# For whom: fitted on one part of the rows, judged on the other.",
        "fit, evaluation = train_test_split(",
        "    frame.index,",
        f"    test_size={_EVALUATION_SHARE},",
        "    stratify=treatment,",
        f"    random_state={settings.random_state},",
        ")",
        "fit, evaluation = sorted(fit), sorted(evaluation)",
        "learner.fit(X.loc[fit], y.loc[fit], treatment=treatment.loc[fit])",
        "effects = learner.effect(X.loc[evaluation])",
        "print(pd.DataFrame(effects).describe())",
    ]
    if len(question.labels) == 2:
        lines += [
            "target = causal_target(y.loc[evaluation], treatment.loc[evaluation])",
            'print("AUTOC", get_scorer("autoc")(learner, X.loc[evaluation], target))',
        ]
    return "\n".join(lines)
