"""The tables of the coverage benchmark and the rule they are judged by."""

import numpy as np
import pandas as pd
from scipy import stats

from benchmarks import report

LOWEST, BAND, MAX_FAILED = 0.90, (0.93, 0.97), 0.02
MAX_REJECTED = 0.07
INTRODUCTION = """\
Designs (`benchmarks/problems.py`): 8 standard normal covariates, logit propensity \
0.6 x1 - 0.4 x2 + 0.3 x3, outcome x1 + sin(2 x2) / 2 + 0.4 x3^2 + x5 / 2 + effect + \
unit noise. Averages: effect 1 + x1 / 2 + 1[x4 > 0] / 2. Pointwise: effect 1 + x1 / 2 \
- x4 / 2 at five fixed points, default nuisances, `LinearRegression` as effect model; \
in clusters of ten that share half the variance of covariates, noise and assignment, \
`groups=` given. Linear nuisances: `LinearRegression`, so the outcome model is wrong, \
and `LogisticRegression` without penalty, which is right. S, T and X average the \
same doubly robust scores (outcome models by arm), so they have equal rows; so do R \
and DR (one outcome model with the arm among the features).

Rule: a cell passes if the 99 % Clopper-Pearson interval of its coverage meets \
[.93, .97]; at most 2 % of the cells may fail, none below .90. se / sd is the mean \
standard error over the standard deviation of the estimates; bias is in units of that \
standard deviation. Estimators of one number have spline regressions (a logit for rare \
outcomes) and a logit propensity; cells in parentheses are shown, not judged: errors \
that ignore clusters, and Wald intervals of instruments."""


def clopper_pearson(hits, n, level=0.99):
    tail = (1 - level) / 2
    lower = 0.0 if hits == 0 else stats.beta.ppf(tail, hits, n - hits + 1)
    upper = 1.0 if hits == n else stats.beta.ppf(1 - tail, hits + 1, n - hits)
    return float(lower), float(upper)


def summarise(group):
    """Coverage of one cell over its draws."""
    hits = int(
        ((group["lower"] <= group["truth"]) & (group["truth"] <= group["upper"])).sum()
    )
    n = len(group)
    lower, upper = clopper_pearson(hits, n)
    spread = float(group["value"].std(ddof=1)) if n > 1 else np.nan
    summary = {
        "draws": n,
        "coverage": hits / n,
        "lower": lower,
        "upper": upper,
        "passes": lower <= BAND[1] and upper >= BAND[0],
        "se_over_sd": float(group["se"].mean()) / spread,
        "bias_over_sd": float((group["value"] - group["truth"]).mean()) / spread,
        "sd": spread,
    }
    if "p_value" in group:
        summary["rejected"] = float((group["p_value"] <= 0.05).mean())
        summary["passes"] = summary["rejected"] <= MAX_REJECTED
    return summary


def cell_table(cells):
    return pd.DataFrame(
        {
            "cell": cells["cell"],
            "draws": cells["draws"].astype(str),
            "coverage": cells["coverage"].map("{:.3f}".format),
            "99 % interval": [
                f"[{low:.3f}, {high:.3f}]"
                for low, high in zip(cells["lower"], cells["upper"], strict=True)
            ],
            "se / sd": cells["se_over_sd"].map("{:.2f}".format),
            "bias / sd": cells["bias_over_sd"].map("{:.2f}".format),
            "sd": cells["sd"].map("{:.3f}".format),
            "passes": ["yes" if good else "NO" for good in cells["passes"]],
        }
    )


def autoc_table(cells):
    return pd.DataFrame(
        {
            "learner": cells["cell"],
            "draws": cells["draws"].astype(str),
            "rejected at 5 %": cells["rejected"].map("{:.3f}".format),
            "se / sd": cells["se_over_sd"].map("{:.2f}".format),
            "passes": ["yes" if good else "NO" for good in cells["passes"]],
        }
    )


def verdict(cells):
    shown_only = cells["cell"].str.startswith("(")
    judged = cells[(cells["kind"] != "autoc") & ~shown_only]
    lines = []
    if len(judged):
        failed = judged[~judged["passes"]]
        worst = judged.loc[judged["coverage"].idxmin()]
        share = len(failed) / len(judged)
        good = share <= MAX_FAILED and worst["coverage"] >= LOWEST
        lines.append(
            f"**{'Rule kept' if good else 'Rule broken'}**: {len(failed)} of "
            f"{len(judged)} cells fail ({100 * share:.1f} %); lowest coverage "
            f"{worst['coverage']:.3f} ({worst['table']}, {worst['cell']})."
        )
        lines += [
            f"- fails: {row.table}, {row.cell}: {row.coverage:.3f}"
            for row in failed.itertuples()
        ]
    lost = cells.groupby("table")["failed_draws"].max()
    lines += [f"- {name}: {n} draws raised errors" for name, n in lost.items() if n]
    return "\n".join(lines)


TITLES = {
    "average-linear": "Average effects, linear nuisances",
    "average-default": "Average effects, default nuisances",
    "interval-rows": "Pointwise intervals, independent rows",
    "interval-clusters": "Pointwise intervals, clusters of ten",
    "autoc": "AUTOC without heterogeneity",
}


def page(cells):
    parts = [INTRODUCTION, verdict(cells)]
    for name, group in cells.groupby("table", sort=False):
        stem, n = name.rsplit("-", 1)
        make = autoc_table if stem == "autoc" else cell_table
        title = f"### {TITLES.get(stem, stem.capitalize())}, n = {n}"
        source = f"Measured on source {group['source'].iloc[0]}."
        parts.append(f"{title}\n\n{source}\n\n{report.markdown(make(group))}")
    return "\n\n".join(part for part in parts if part)


def with_earlier(cells, path):
    """Return the cells, and those of tables that only an earlier source measured."""
    if not path.exists():
        return cells
    earlier = pd.read_csv(path)
    kept = earlier[~earlier["table"].isin(cells["table"])]
    return pd.concat([kept, cells], ignore_index=True)


def save(cells, options):
    """Write coverage.csv, coverage.json and the page."""
    report.RESULTS.mkdir(exist_ok=True)
    path = report.RESULTS / "coverage.csv"
    cells = with_earlier(cells.assign(source=options.identity), path)
    cells.round(5).to_csv(path, index=False)
    facts = {"quick": bool(options.quick), "draws": options.draws}
    report.save_section("coverage", page(cells), facts, options.identity)
