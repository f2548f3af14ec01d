"""Causal forests against EconML's: speed, memory, accuracy, intervals."""

import hashlib
import json
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd
from tqdm import tqdm

from benchmarks import accuracy, environments, problems, report
from benchmarks.forest_designs import COVERED, DESIGNS

HERE = Path(__file__).resolve().parent

# What the R package grf took for the same fit where EconML took 20 and 138 s.
GRF_SECONDS = {10_000: 6.7, 50_000: 54.6}
ASKED = {10_000: 35, 50_000: 50}
LARGE = ((200_000, 20), (1_000_000, 30))
# Rows, draws of skcausal, draws of others (they are slow); errors are compared on the
# first size, on the draws that all have.
DRAWS = ((4000, 100, 20), (16_000, 100, 4), (50_000, 100, 1))


def child(python, n_threads, *arguments):
    """Run one measurement in a process of its own; return what it printed."""
    arguments = ["-m", *arguments]
    answer = subprocess.run(
        [str(python), *map(str, arguments)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=environments.ROOT,
        env=environments.worker_variables(n_threads),
    )
    if answer.returncode != 0:
        print(f"forest: {arguments[2:]} ended with {answer.returncode}")
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
        rows += child(
            pythons[library], 2, "benchmarks.forest_child", library, "speed", n, p
        )
    return rows


def measure_draws(options, pythons):
    """Two workers, each a library, a size and a design; finished ones are kept."""
    sizes = ((1000, 2, 2),) if options.quick else DRAWS
    jobs = [
        (library, n, ours if library == "skcausal" else theirs, name)
        for n, ours, theirs in sizes
        for library in pythons
        for name in (DESIGNS if n == sizes[0][0] else COVERED)
    ]
    designs = hashlib.sha256((HERE / "forest_designs.py").read_bytes()).hexdigest()
    keys = {"skcausal": environments.source_hash()}

    def run_one(job):
        library = job[0]
        key = keys.get(library, environments.PINNED.get(library, [""])[0])
        name = "-".join(map(str, (key, designs[:8], *job))) + ".json"
        path = Path(options.cache) / "forest" / name
        if options.finished and not path.exists():
            return []
        if not path.exists():
            library, n, n_draws, design = job
            rows = child(
                pythons[library],
                1,
                "benchmarks.forest_child",
                library,
                "draws",
                n,
                n_draws,
                design,
            )
            if len(rows) <= n_draws:
                return []
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(rows))
        return json.loads(path.read_text())

    with ThreadPoolExecutor(options.workers) as pool:
        answers = tqdm(pool.map(run_one, jobs), total=len(jobs), desc="draws")
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
    """Compare errors draw by draw, and the intervals of the first size."""
    frame = pd.DataFrame([row for row in rows if "seed" in row])
    frame = frame[frame["n"] == frame["n"].min()]
    lines = []
    for design, own in frame.groupby("design", sort=False):
        wide = own.pivot(index="seed", columns="library", values="rmse").dropna()
        line = {"design": design, "draws": str(len(wide))}
        line |= {f"{name} RMSE": float(wide[name].mean()) for name in wide.columns}
        if "econml" in wide:
            line["ratio (se)"] = report.mean_text(wide["skcausal"] / wide["econml"])
        lines.append(line)
    return (
        f"n = {frame['n'].iloc[0]}, residuals centred by the truth, 3,000 new rows, "
        "the same draws for both.\n\n" + report.markdown(pd.DataFrame(lines))
    )


def coverage_text(rows):
    frame = pd.DataFrame([row for row in rows if "coverage" in row])
    frame = frame.sort_values(["n", "design", "library"])
    names = {
        "of_mean": "of the forest's own mean",
        "se_over_sd": "se / sd",
        "bias": "mean absolute bias",
    }
    keys = ["n", "design", "library", "draws", "coverage", *names, "length"]
    covered = frame[frame["design"].isin(COVERED)]
    far = (covered["coverage"] - 0.95).abs().groupby(covered["library"]).mean()
    means = "; ".join(f"{name} {value:.3f}" for name, value in far.items())
    return (
        "Share of 3,000 new rows whose 95 % interval holds the true effect, averaged "
        "over draws. Intervals of forests ignore bias: the column of the forest's own "
        "mean shows what they are made for.\n\n"
        + report.markdown(
            frame[keys].astype({"n": str, "draws": str}).rename(columns=names)
        )
        + f"\n\nMean distance of coverage from .95 over sizes and designs: {means}."
    )


def measure_inputs(options, pythons):
    n, draws = (1000, 1) if options.quick else (8000, 6)
    return child(pythons["skcausal"], 1, "benchmarks.forest_inputs", n, draws)


def inputs_text(rows):
    """Tell what holes and categories cost, draw by draw against complete columns."""
    frame = pd.DataFrame(rows)
    n, draws = frame["n"].iloc[0], frame["seed"].nunique()
    lines = []
    for case, own in frame.groupby("case", sort=False):
        own = own.drop(columns=["case", "n", "seed"]).dropna(axis=1)
        against = own.columns[0]
        for name in own.columns:
            ratio = report.mean_text(own[name] / own[against])
            line = {"case": case, "columns": name, "RMSE": own[name].mean()}
            lines.append(line | {"ratio to the first (se)": ratio})
    return (
        f"n = {n}, {draws} draws. Missing: 30 % of the entries of 20 columns, four "
        "measurements (with noise of that size) of each of five causes, two of which "
        "the effect depends on. Category: 50 levels whose effects differ.\n\n"
        + report.markdown(pd.DataFrame(lines))
    )


def measure_data(options, pythons):
    """Run both forests on IHDP and ACIC 2016, with shared nuisances and defaults."""
    ihdp = problems.ihdp(100)[:: 50 if options.quick else 4]
    acic = problems.acic2016(range(0, 77, 38 if options.quick else 10))
    both = [("forest", "same"), ("forest", "default")]
    jobs = [
        (([problem], both), library)
        for problem in [*acic, *ihdp]
        for library in pythons
    ]
    with (
        tqdm(total=2 * len(jobs), desc="data", unit="fit") as progress,
        ThreadPoolExecutor(options.workers) as pool,
    ):

        def run_one(job):
            chunk, library = job
            adapter = f"{library}_forest"
            return accuracy.execute(chunk, pythons[library], adapter, progress)

        return [row for rows in pool.map(run_one, jobs) for row in rows]


def data_text(rows):
    """Compare sqrt PEHE problem by problem."""
    frame = pd.DataFrame(rows)
    frame["collection"] = frame["problem"].str.split("-").str[0]
    lines = []
    keys = ["collection", "part", "mode"]
    for (collection, part, mode), own in frame.groupby(keys, sort=False):
        wide = own.pivot(index="problem", columns="library", values="root_pehe")
        wide.columns = [name.removesuffix("_forest") for name in wide.columns]
        failed = int(wide.isna().any(axis=1).sum())
        wide = wide.dropna()
        line = {"data": collection, "rows": part, "settings": mode}
        line |= {f"{name}, mean": float(wide[name].mean()) for name in wide.columns}
        if "econml" in wide and len(wide) > 1:
            ratio = report.median_ratio(wide["skcausal"] / wide["econml"])
            line["median ratio [95 %]"] = report.interval_text(ratio)
        lines.append(line | {"problems": str(len(wide)), "failed": str(failed)})
    return (
        "sqrt PEHE. Same settings: shared LightGBM nuisances and folds, 500 trees, "
        "five rows per leaf; defaults: each library's own (EconML: 100 trees).\n\n"
        + report.markdown(pd.DataFrame(lines))
    )


def draws_text(rows):
    return f"{accuracy_text(rows)}\n\n#### Coverage\n\n{coverage_text(rows)}"


PARTS = {
    "speed": ("Speed and memory", measure_speed, speed_text),
    "draws": ("Accuracy and intervals", measure_draws, draws_text),
    "data": ("IHDP and ACIC 2016", measure_data, data_text),
    "inputs": ("Missing entries and categories", measure_inputs, inputs_text),
}


def run(options, pythons, versions):
    """Measure the parts asked for; keep the others of the same source."""
    path, identity = report.RESULTS / "forest.json", environments.source_hash()
    old = json.loads(path.read_text()) if path.exists() else {}
    same = old.get("skcausal_source") == identity and options.only
    raw = old.get("raw", {}) if same else {}
    if options.quick:
        options.repeats = 1
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
