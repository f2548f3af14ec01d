"""The tables of the agreement benchmark, from its rows; nothing is measured here."""

import numpy as np
import pandas as pd

from benchmarks import report

LIMIT = 0.02  # of the standard error
NAMES = {
    "doubleml": "DoubleML",
    "statsmodels": "statsmodels",
    "causallib": "causallib",
    "linearmodels": "linearmodels",
}
REASONS = {
    "frozen": "The score is the same, so is the value. Our error takes the frozen "
    "models as given, theirs carries their estimation through.",
    "cross-fitting": "Theirs fits and predicts on the same rows, ours never does. That "
    "is all: ours on models fitted on all rows has their value.",
    "another estimator": "Another doubly robust estimator: least squares weighted by "
    "the inverse propensity. Right under the same conditions, not the same number.",
    "clipping": "The values are equal. Inside its errors statsmodels clips "
    "propensities to [.01, .99]; without it (next row) the errors are equal too.",
    "ties": "Rows at the same distance: ours averages all of them, theirs takes one. "
    "Of rows of one arm that are equal, theirs may also take another's outcome for a "
    "row's own. Without equal rows (NHEFS) the values are the same.",
    "covariance": "Mahalanobis by another covariance: ours of all rows, theirs the "
    "mean of the arms'. The row with our distance (whitened) shows the rest.",
}


def compare(row):
    """Return the difference in our standard errors, and the ratio of both errors."""
    difference = (row["value"] - row["peer_value"]) / row["error"]
    ratio = row["error"] / row["peer_error"]
    return difference, ratio


def verdict(row):
    """Say whether a row is within 2 %, or else the number of its reason."""
    difference, ratio = compare(row)
    failed = row["failure"] or row["peer_failure"]
    if failed:
        return f"failed: {failed}"
    near = np.isnan(ratio) or abs(ratio - 1) <= LIMIT
    if abs(difference) <= LIMIT and near:
        return "yes"
    if not row["reason"]:
        return "NO"
    return f"no ({list(REASONS).index(row['reason']) + 1})"


def number(value):
    """Write a number with as many digits as tell its neighbours apart."""
    if np.isnan(value):
        return "none"
    return f"{value:,.2f}" if abs(value) >= 100 else f"{value:.5f}"


def percent(difference):
    size = 100 * abs(difference)
    return "< 0.001 %" if size < 0.001 else f"{size:.3g} %"


def comparison_table(rows):
    lines = []
    for row in rows:
        difference, ratio = compare(row)
        theirs = f"{NAMES[row['peer']]} {row['theirs']}"
        if row["peer_mode"]:
            theirs += f", errors {row['peer_mode']}"
        lines.append(
            {
                "data": row["problem"],
                "models": row["mode"],
                "ours": row["ours"],
                "theirs": theirs,
                "our value": number(row["value"]),
                "their value": number(row["peer_value"]),
                "difference, of our se": percent(difference),
                "our se": number(row["error"]),
                "their se": number(row["peer_error"]),
                "se / theirs": "" if np.isnan(ratio) else f"{ratio:.5f}",
                "within 2 %": verdict(row),
            }
        )
    return report.markdown(pd.DataFrame(lines))


def summary(rows):
    """Count what agrees, and name the reasons that were needed."""
    verdicts = [verdict(row) for row in rows]
    good = [row for row, said in zip(rows, verdicts, strict=True) if said == "yes"]
    lines = [
        f"**{len(good)} of {len(rows)} rows are within 2 % of the standard error.**"
    ]
    if good:
        pairs = [compare(row) for row in good]
        differences = [abs(difference) for difference, _ in pairs]
        ratios = [abs(ratio - 1) for _, ratio in pairs if not np.isnan(ratio)]
        text = f"Largest difference among these: {percent(max(differences))}"
        if ratios:
            text += f" of the standard error, {percent(max(ratios))} between the errors"
        lines[0] += f" {text}."
    for place, reason in enumerate(REASONS.values(), 1):
        if f"no ({place})" in verdicts:
            lines.append(f"- ({place}) {reason}")
    unexplained = verdicts.count("NO")
    if unexplained:
        lines.append(f"- **{unexplained} rows differ and no reason is known.**")
    return "\n".join(lines)


def comparison_text(introduction, rows):
    return f"{introduction}\n\n{summary(rows)}\n\n{comparison_table(rows)}"


def dollars(value):
    return "none" if np.isnan(value) else f"{value:,.0f}"


def interval(row):
    if np.isnan(row["error"]):
        return "none"
    return f"[{dollars(row['lower'])}, {dollars(row['upper'])}]"


def holds(row, benchmark):
    """Say whether the interval holds the experiment's value."""
    if row["failure"] or np.isnan(row["error"]):
        return ""
    return "yes" if row["lower"] <= benchmark <= row["upper"] else "no"


def training_table(rows, benchmark):
    lines = [
        {
            "estimator": f"`{row['estimator']}`",
            "effect on": row["target"],
            "estimate": dollars(row["value"]),
            "95 % interval": "" if row["failure"] else interval(row),
            f"holds {dollars(benchmark)}": holds(row, benchmark),
            "s": "" if row["failure"] else f"{row['seconds']:.2f}",
            "what it said": row["failure"] or "; ".join(row["warnings"]),
        }
        for row in rows
    ]
    return report.markdown(pd.DataFrame(lines))


def training_summary(rows, benchmark, unadjusted):
    """Count intervals and warnings of those who ask the experiment's question."""
    answered = [row for row in rows if not row["failure"]]
    treated = [row for row in answered if row["target"] == "treated"]
    judged = [row for row in treated if not np.isnan(row["error"])]
    missed = [row for row in judged if holds(row, benchmark) == "no"]
    silent = [f"`{row['estimator']}`" for row in missed if not row["warnings"]]
    both = [row for row in judged if holds(row, 0.0) == "yes"]
    warned = [row for row in answered if row["warnings"]]
    values = [row["value"] for row in treated]
    lower, middle, upper = np.quantile(values, [0.25, 0.5, 0.75])
    return (
        f"The difference in means is {dollars(unadjusted['value'])}. "
        f"{len(rows)} estimators, {len(answered)} answers, {len(treated)} about the "
        f"treated: their median is {dollars(middle)}, half of them lie in "
        f"[{dollars(lower)}, {dollars(upper)}]. Of {len(judged)} intervals for the "
        f"treated, {len(judged) - len(missed)} hold the experiment's "
        f"{dollars(benchmark)}, and {len(both)} hold 0; missed without a warning: "
        f"{', '.join(silent) or 'none'}. {len(warned)} estimators warned."
    )


DOUBLE_LEARNING = """\
Both get one list of five folds (DoubleML: `set_sample_splitting`) and equal models \
with equal seeds: least squares and logistic regression (linear); lasso and penalised \
logistic regression on squares and products (lasso); random forests (forest); LightGBM \
(boosting). DoubleML is told that the 401(k) has no always-takers (`subgroups`), which \
skcausal finds by itself; with PLIV all three models are regressions. Errors differ by \
sqrt(n / (n - 1)): skcausal divides the sum of squared influences by n - 1, DoubleML \
by n. DoubleML clips propensities to [.01, .99]; skcausal raises to .01 those that the \
score divides by and leaves the others, which is all that differs in the values."""
WEIGHTING = """\
Logistic regression and least squares on all rows, as statsmodels and causallib fit \
them; no value is clipped. NHEFS: the effect of quitting smoking on weight, kg, with \
the covariates of Hernán and Robins (their figures are 3.4 for weighting, 3.5 for \
standardisation). causallib has no errors, statsmodels 0.15.0 none for `aipw_wls` and \
`ipw_ra` here (their equations assume six parameters): the unit is then ours."""
STAGES = """\
Schooling and wages, college proximity as instrument. With least squares on all rows \
partialling out is two-stage least squares (Frisch, Waugh and Lovell)."""


def training_introduction(experiment):
    value, error = experiment["value"], experiment["error"]
    lower, upper = value - 1.96 * error, value + 1.96 * error
    return (
        "The 185 treated men of the experiment (Dehejia and Wahba's sample), against "
        "men of a survey instead of the experiment's own controls, on the eight "
        "covariates as they are. The experiment says "
        f"{dollars(value)} dollars, itself with a 95 % interval of [{dollars(lower)}, "
        f"{dollars(upper)}]. Every estimator of one number for an observed treatment "
        "is listed, whatever it gave, with its defaults unless written out; `linear, "
        "logistic` stands for these models. Other targets than the treated (overlap, "
        "rows kept by trimming) ask about other men, whose effect the experiment does "
        "not know. Warnings are all that a user sees: of `fit`, which also answers for "
        "everyone, and of the question. Seconds are CPU seconds, nothing shared "
        "between estimators."
    )


def page(raw, versions):
    benchmark = raw["experiment"]["value"]
    parts = [
        f"{report.versions_line(versions)}.",
        "### DoubleML",
        comparison_text(DOUBLE_LEARNING, raw["doubleml"]),
        "### statsmodels and causallib",
        comparison_text(WEIGHTING, raw["weighting"]),
        "### Two-stage least squares",
        comparison_text(STAGES, raw["stages"]),
        "### Job training against surveys",
        training_introduction(raw["experiment"]),
    ]
    for survey in ("psid", "cps"):
        rows = [row for row in raw["training"] if row["survey"] == survey]
        parts.append(f"#### {survey.upper()}")
        parts.append(training_summary(rows, benchmark, raw["unadjusted"][survey]))
        parts.append(training_table(rows, benchmark))
    return "\n\n".join(parts)
