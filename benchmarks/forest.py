"""Causal forests against EconML's: speed, memory, accuracy, intervals."""

import json
import subprocess
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
from tqdm import tqdm

from benchmarks import environments, report

# What the R package grf took for the same fit where EconML took 20 and 138 s.
GRF_SECONDS = {10_000: 6.7, 50_000: 54.6}
ASKED = {10_000: 35, 50_000: 50}
LARGE = ((200_000, 20), (1_000_000, 30))
LIMITS = {"fit 200000": 20.0, "fit 1000000": 150.0, "peak_gb": 2.5}
N_ACCURACY = 4000
COVERAGE = ((4000, 100, 20), (16_000, 100, 20), (50_000, 100, 2))  # n, draws of each


def child(python, library, part, n, argument, n_threads):
    """Run one measurement in a process of its own; return what it printed."""
    arguments = ["-m", "benchmarks.forest_child", library, part, n, argument]
    answer = subprocess.run(
        [str(python), *map(str, arguments)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=environments.ROOT,
        env=environments.worker_variables(n_threads),
    )
    if answer.returncode != 0:
        print(f"forest: {library} {part} {n} ended with {answer.returncode}")
    lines = [line for line in answer.stdout.splitlines() if line.startswith("{")]
    return [json.loads(line) for line in lines]


def measure_speed(options, pythons):
    """Libraries take turns; ours alone where the other would take hours."""
    sizes = (5000,) if options.quick else tuple(ASKED)
    turns = [
        (name, n, 20) for n in sizes for _ in range(options.repeats) for name in pythons
    ]
    if not options.quick:
        turns += [("skcausal", n, p) for n, p in LARGE for _ in range(options.repeats)]
    rows = []
    for library, n, p in tqdm(turns, desc="speed", unit="process"):
        rows += child(pythons[library], library, "speed", n, p, 2)
    return rows


def measure_accuracy(options, pythons):
    n = 1000 if options.quick else N_ACCURACY
    rows = []
    for library in tqdm(pythons, desc="accuracy", unit="library"):
        rows += child(pythons[library], library, "accuracy", n, options.draws, 1)
    return rows


def measure_coverage(options, pythons):
    """Two workers, each a library and a size; fewer draws for EconML: it is slow."""
    jobs = [
        (library, n, draws)
        for n, ours, theirs in (COVERAGE[:1] if options.quick else COVERAGE)
        for library, draws in (("econml", theirs), ("skcausal", ours))
        if library in pythons
    ]
    if options.quick:
        jobs = [(library, 1000, 2) for library, _, _ in jobs]

    def run_one(job):
        library, n, draws = job
        return child(pythons[library], library, "coverage", n, draws, 1)

    with ThreadPoolExecutor(options.workers) as pool:
        answers = tqdm(pool.map(run_one, jobs), total=len(jobs), desc="coverage")
        return [row for rows in answers for row in rows]


def speed_text(rows):
    frame = pd.DataFrame(rows)
    for column in ("fit", "predict", "warm_up"):
        frame[[column, f"{column}_cpu"]] = frame[column].tolist()
    frame["extra_gb"] = frame["peak_gb"] - frame["before_gb"]
    keys = ["n", "n_features", "library"]
    table = frame.groupby(keys).median(numeric_only=True).reset_index()
    warm = table.groupby("library")["warm_up"].max()
    columns = {
        "fit": "fit, s",
        "fit_cpu": "fit, CPU s",
        "predict": "10,000 rows with variance, s",
        "one_row": "one row, s",
        "pickle_mb": "pickle, MB",
        "extra_gb": "memory of fit, GB",
        "peak_gb": "peak, GB",
    }
    text = report.markdown(
        table[keys + list(columns)].astype({"n": str}).rename(columns=columns)
    )
    lines = [text, ""]
    wide = table.pivot(index="n", columns="library")
    for n, asked in ASKED.items():
        if n in wide.index and "econml" in wide["fit"]:
            row = wide.loc[n]
            ratio = row["fit"]["econml"] / row["fit"]["skcausal"]
            grf = GRF_SECONDS[n] / row["fit"]["skcausal"]
            pickles = row["pickle_mb"]["econml"] / row["pickle_mb"]["skcausal"]
            memory = row["extra_gb"]["econml"] / max(row["extra_gb"]["skcausal"], 1e-3)
            lines.append(
                f"- n = {n}: {ratio:.0f} x faster than EconML (asked: {asked} x); "
                f"implied against grf's {GRF_SECONDS[n]} s elsewhere: {grf:.0f} x "
                f"(goal: 20 x); pickle {pickles:.1f} x smaller (asked: 5 x), memory of "
                f"fit {memory:.1f} x smaller (asked: 3 x)."
            )
    lines.append(
        "- First, small forest of a process (JIT from the cache, or compiled): "
        + ", ".join(f"{name} {seconds:.1f} s" for name, seconds in warm.items())
        + "."
    )
    lines += growth_lines(table)
    return "\n".join(lines)


def growth_lines(table):
    """Compare the growth of time per row with that of the depth of trees."""
    ours = table[table["library"] == "skcausal"].set_index("n")
    lines = []
    for n, limit in ((200_000, 20.0), (1_000_000, 150.0)):
        if n in ours.index:
            seconds, peak = ours.loc[n, "fit"], ours.loc[n, "peak_gb"]
            lines.append(
                f"- n = {n}: {seconds:.1f} s (limit {limit:.0f}), {peak:.2f} GB."
            )
    if {50_000, 1_000_000} <= set(ours.index):
        per_row = ours["fit_cpu"] / ours.index / ours["n_features"]
        depth = {n: np.log2(n * 0.45 / 10) for n in (50_000, 1_000_000)}
        growth = per_row[1_000_000] / per_row[50_000]
        expected = depth[1_000_000] / depth[50_000]
        lines.append(
            f"- CPU time per row and feature grows {growth:.2f} x from 50,000 to "
            f"1,000,000 rows, the depth of trees {expected:.2f} x (asked: at most "
            f"1.1 x that: {1.1 * expected:.2f})."
        )
    return lines


def accuracy_text(rows):
    frame = pd.DataFrame(rows)
    table = frame.groupby(["design", "library"], sort=False)[
        ["rmse", "coverage", "length"]
    ].mean()
    wide = table.unstack()
    lines = []
    for design in frame["design"].drop_duplicates():
        line = {"design": design}
        for library in wide["rmse"].columns:
            line[f"{library} RMSE"] = float(wide.loc[design, ("rmse", library)])
        if "econml" in wide["rmse"].columns:
            own = frame[frame["design"] == design]
            pairs = own.pivot(index="seed", columns="library", values="rmse")
            ratio = (pairs["skcausal"] / pairs["econml"]).mean()
            line["ratio"] = f"{ratio:.3f}"
        for library in wide["rmse"].columns:
            cover = wide.loc[design, ("coverage", library)]
            length = wide.loc[design, ("length", library)]
            line[f"{library} coverage / length"] = f"{cover:.2f} / {length:.2f}"
        lines.append(line)
    n, draws = frame["n"].iloc[0], frame["seed"].nunique()
    return (
        f"n = {n}, residuals centred by the truth, {draws} draws, 5,000 new rows.\n\n"
        + report.markdown(pd.DataFrame(lines))
    )


def coverage_text(rows):
    frame = pd.DataFrame(rows)
    names = {
        "of_mean": "of the forest's own mean",
        "se_over_sd": "se / sd",
        "bias": "mean absolute bias",
    }
    return (
        "Share of 2,000 new rows whose 95 % interval holds the true effect, averaged "
        "over draws. Intervals of forests ignore bias: the column of the forest's own "
        "mean shows what they are made for.\n\n"
        + report.markdown(frame.astype({"n": str, "draws": str}).rename(columns=names))
    )


PARTS = {
    "speed": ("Speed and memory", measure_speed, speed_text),
    "accuracy": ("Accuracy", measure_accuracy, accuracy_text),
    "coverage": ("Coverage of intervals", measure_coverage, coverage_text),
}


def run(options, pythons, versions):
    """Measure the parts asked for; keep the others of the same source."""
    path, identity = report.RESULTS / "forest.json", environments.source_hash()
    old = json.loads(path.read_text()) if path.exists() else {}
    same = old.get("skcausal_source") == identity and options.only
    raw = old.get("raw", {}) if same else {}
    if options.quick:
        options.repeats, options.draws = 1, 1
    for part, (_, measure, _) in PARTS.items():
        if options.only in part:
            print(f"forest: {part}", flush=True)
            raw[part] = measure(options, pythons)
    text = [
        f"{report.versions_line(versions)}.\n\n500 honest trees in bags of two, 45 % "
        "of the rows per tree, at least five growing rows per leaf, all features "
        f"tried, two threads; medians of {options.repeats}, each in its own process."
    ]
    for part, (title, _, describe) in PARTS.items():
        if raw.get(part):
            text.append(f"### {title}\n\n{describe(raw[part])}")
    facts = {"quick": options.quick, "versions": versions, "raw": raw}
    report.save_section("forest", "\n\n".join(text), facts, identity)
