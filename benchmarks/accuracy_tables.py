"""The tables of the accuracy benchmark, and where skcausal loses in words."""

import numpy as np
import pandas as pd

from benchmarks import report
from benchmarks.accuracy import EXTRA, SINGLE
from benchmarks.libraries import _models, causalml, econml, skcausal

PEERS = ("econml", "causalml")
NAMES = {"skcausal": "skcausal", "econml": "EconML", "causalml": "CausalML"}
TITLES = {"same": "the same LightGBM base", "default": "each library's own defaults"}
BETTER = ("DR", "R")  # judged "better than both"; S, T, X "no worse"


def wide(frame, collection, mode, part, value="root_pehe"):
    """Problems x (library, learner), only of one collection, mode and part."""
    chosen = frame[
        (frame["collection"] == collection)
        & (frame["mode"] == mode)
        & (frame["part"] == part)
    ]
    return chosen.pivot_table(
        index="problem", columns=["library", "learner"], values=value, sort=False
    )


def ihdp_table(frame, mode):
    rows = []
    values = {
        (part, value): wide(frame, "ihdp", mode, part, value)
        for part in ("train", "test")
        for value in ("root_pehe", "ate_error")
    }
    for learner in SINGLE:
        for library in NAMES:
            row = {"learner": learner, "library": NAMES[library]}
            for part in ("train", "test"):
                table = values[part, "root_pehe"]
                if (library, learner) not in table:
                    continue
                pehe = table[library, learner].dropna()
                ate = values[part, "ate_error"][library, learner].dropna()
                row["n"] = str(len(pehe))
                row[f"{part} mean (se)"] = report.mean_text(pehe)
                row[f"{part} median"] = f"{pehe.median():.3f}"
                row[f"{part} ATE error (se)"] = report.mean_text(ate)
            if len(row) > 2:
                rows.append(row)
    return pd.DataFrame(rows)


def acic_table(table):
    """Median and mean of sqrt PEHE per learner and library."""
    rows = []
    for learner in SINGLE:
        row = {"learner": learner}
        for library in NAMES:
            if (library, learner) in table:
                values = table[library, learner].dropna()
                row[f"{NAMES[library]} median"] = f"{values.median():.3f}"
                row[f"{NAMES[library]} mean (se)"] = report.mean_text(values)
        rows.append(row)
    return pd.DataFrame(rows)


def ratios_of(table, learner):
    """Paired ratios of skcausal to each peer, and to the better one per problem."""
    ours = table["skcausal", learner]
    peers = [name for name in PEERS if (name, learner) in table]
    both = table[[(name, learner) for name in peers]]
    ratios = {name: (ours / table[name, learner]).dropna() for name in peers}
    ratios["better"] = (ours / both.min(axis=1)).dropna()
    return {name: ratio.round(6) for name, ratio in ratios.items()}  # 1 + 1e-16 is 1


def verdict(intervals, must_be_better):
    """Judge by the peer that skcausal does worse against.

    Better: the whole interval below 1. Worse: the whole interval above 1. A loss
    of less than 1 % in the median is called so.
    """
    median, lower, upper = max(intervals[name] for name in intervals)
    if upper < 1:
        return "better than both"
    if lower > 1:
        return f"loses by {100 * (median - 1):.1f} %"
    return "no clear difference" if must_be_better else "no worse"


def ratio_table(table, mode):
    rows = []
    for learner in SINGLE:
        if ("skcausal", learner) not in table:
            continue
        ratios = ratios_of(table, learner)
        intervals = {name: report.median_ratio(r) for name, r in ratios.items()}
        against = {name: intervals[name] for name in intervals if name != "better"}
        better = mode == "default" or learner in BETTER
        row = {"learner": learner, "n": str(len(ratios["better"]))}
        for name in against:
            row[f"/ {NAMES[name]}"] = report.interval_text(intervals[name])
        row["/ better peer of each setting"] = report.interval_text(intervals["better"])
        row["settings won"] = f"{100 * (ratios['better'] < 1).mean():.0f} %"
        row["asked"] = "better" if better else "no worse"
        row["found"] = verdict(against, better)
        rows.append(row)
    return pd.DataFrame(rows)


def best_peer_table(table):
    """Own defaults: the best of ours against the best of all peers' learners."""
    ours = table["skcausal"][list(SINGLE)].median()
    peers = table[list(PEERS)].median()
    return (
        f"Best single learner by median: skcausal {ours.idxmin()} {ours.min():.3f}; "
        f"of the peers {NAMES[peers.idxmin()[0]]} {peers.idxmin()[1]} "
        f"{peers.min():.3f}."
    )


def selection_table(frame, table):
    """Ratio of what selection gives to the best single learner in hindsight."""
    ours = table["skcausal"]
    best = ours[list(SINGLE)].min(axis=1)
    one = ours[list(SINGLE)].median().idxmin()
    rows = []
    for name in (*SINGLE, *EXTRA):
        if name not in ours:
            continue
        ratio = (ours[name] / best).dropna()
        row = {"choice": name, "n": str(len(ratio))}
        row["/ best of each setting"] = report.interval_text(report.median_ratio(ratio))
        row["90th percentile"] = f"{ratio.quantile(0.9):.3f}"
        overall = (ours[name] / ours[one]).dropna()
        row[f"/ {one} (best overall)"] = report.interval_text(
            report.median_ratio(overall)
        )
        rows.append(row)
    picked = frame[(frame["learner"] == "selected") & (frame["note"] != "")]
    counts = picked["note"].value_counts()
    text = ", ".join(f"{name} {count}" for name, count in counts.items())
    return pd.DataFrame(rows), text


def losses(table, mode):
    found = []
    for learner in SINGLE:
        if ("skcausal", learner) not in table:
            continue
        for name, ratio in ratios_of(table, learner).items():
            triple = report.median_ratio(ratio)
            if name != "better" and triple[1] > 1:
                found.append(
                    f"{learner}, {TITLES[mode]}: {100 * (triple[0] - 1):.1f} % worse "
                    f"than {NAMES[name]} in the median ({report.interval_text(triple)})"
                )
    return found


def errors_text(frame):
    failed = frame[frame["error"] != ""]
    if failed.empty:
        return "Every fit finished."
    groups = failed.groupby(["library", "learner", "mode", "error"]).size()
    lines = [f"- {' '.join(key)}: {count}" for key, count in groups.items()]
    return "Fits that failed (left out of the pairs):\n" + "\n".join(lines)


def seconds_table(frame):
    table = frame[frame["part"].isin(["train", "all"])].pivot_table(
        index=["collection", "mode", "learner"],
        columns="library",
        values="fit_seconds",
        aggfunc="median",
        sort=False,
    )
    return table.reset_index()


def introduction(versions):
    parameters = ", ".join(f"{k}={v}" for k, v in _models.LIGHTGBM.items())
    own = [
        {"learner": learner, "EconML": e, "CausalML": c, "skcausal": s}
        for learner, e, c, s in zip(
            SINGLE,
            (econml.DEFAULTS[name] for name in SINGLE),
            (causalml.DEFAULTS[name] for name in SINGLE),
            (skcausal.DEFAULTS[name] for name in SINGLE),
            strict=True,
        )
    ]
    return (
        f"{report.versions_line(versions)}.\n\n"
        f"Same base: LightGBM ({parameters}) for outcome, effect and propensity, one "
        "seed and one list of five folds (stratified on treatment) per problem. "
        "Shared with EconML's R and DR as `cv=`; CausalML's R makes the same folds "
        "from the seed; CausalML's X, R and DR get the propensity cross-fitted on "
        "these folds, since they would fit it in sample. Not shared: CausalML's DR "
        "splits in three by itself, and S, T and X of both peers do not cross-fit. "
        "Categorical columns are one-hot for all. EconML's R is NonParamDML.\n\n"
        "Own defaults, where a library requires a model the one its own pages show:\n\n"
        f"{report.markdown(pd.DataFrame(own))}"
    )


def page(frame, versions):
    """Return the text of the section."""
    parts, lost = [introduction(versions)], []
    for mode in ("same", "default"):
        table = wide(frame, "acic", mode, "all")
        parts.append(f"### ACIC 2016, {TITLES[mode]} ({len(table)} settings)")
        parts.append(
            "sqrt PEHE on the rows fitted.\n\n" + report.markdown(acic_table(table))
        )
        parts.append(
            "Paired ratio of sqrt PEHE, skcausal / peer: median with 95 % bootstrap "
            "interval over settings; below 1 skcausal is better. Judged against the "
            "peer that it does worse against.\n\n"
            + report.markdown(ratio_table(table, mode))
        )
        lost += losses(table, mode)
        if mode == "default":
            parts.append(best_peer_table(table))
            chosen, picks = selection_table(frame, table)
            parts.append(
                "Selection without the truth, own defaults: `compare_learners` picks "
                "(selected), `EffectStacking` (stacking).\n\n"
                + report.markdown(chosen)
                + f"\n\nPicked: {picks}."
            )
        parts.append(f"### IHDP, {TITLES[mode]}")
        parts.append(
            "sqrt PEHE and |error of ATE|; 672 rows to fit, 75 held out. Its mean "
            "hangs on a few replications.\n\n"
            + report.markdown(ihdp_table(frame, mode))
        )
    words = "\n".join(f"- {line}" for line in lost) or "- nowhere beyond chance"
    parts.append(f"### Where skcausal loses (ACIC 2016)\n\n{words}")
    parts.append(
        "### CPU seconds per fit (median, one thread)\n\n"
        + report.markdown(seconds_table(frame))
    )
    parts.append(errors_text(frame))
    return "\n\n".join(parts)


def save(frame, versions, options, identity):
    """Write accuracy.csv, accuracy.json and the page."""
    for name in ("root_pehe", "ate_error", "seconds", "fit_seconds"):
        frame[name] = pd.to_numeric(frame[name]).map(
            lambda v: v if np.isnan(v) else float(f"{v:.5g}")
        )
    report.RESULTS.mkdir(exist_ok=True)
    frame.to_csv(report.RESULTS / "accuracy.csv", index=False)
    facts = {"quick": options.quick, "versions": versions}
    text = page(frame, versions)
    if options.reuse_peers:
        text = "Peers' figures may come from an earlier run of equal code.\n\n" + text
    report.save_section("accuracy", text, facts, identity)
