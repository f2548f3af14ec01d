"""Speed and memory, as ratios within one run; every time is a median of repeats."""

import json
import pickle
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

import pandas as pd
from tqdm import tqdm

from benchmarks import environments, problems, report
from benchmarks.accuracy import SINGLE, read_records

LARGE = ("T", "R", "DR")
NAMES = {"skcausal": "skcausal", "econml": "EconML", "causalml": "CausalML"}
LIMITS = {"overhead": 1.15, "search": 5.0, "import": 1.0, "memory": 24.0}
# Rows handed to base-model fits, in units of all rows: what the method itself asks for.
WORK = {
    "skcausal": {"S": 1, "T": 1, "X": 3, "R": 9, "DR": 9},
    "econml": {"S": 1, "T": 1, "X": 3, "R": 9, "DR": 9},
    "causalml": {"S": 1, "T": 1, "X": 3, "R": 10, "DR": 3},
}


def child(python, part, size, argument, n_threads=1):
    """Start a measurement and yield what it prints."""
    arguments = ["-m", "benchmarks.speed_child", part, size, argument]
    answer = subprocess.run(
        [str(python), *map(str, arguments)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=environments.ROOT,
        env=environments.worker_variables(n_threads),
    )
    lines = [line for line in answer.stdout.splitlines() if line.startswith("{")]
    if answer.returncode != 0:
        print(f"speed: {part} {size} {argument} ended with {answer.returncode}")
    return [json.loads(line) for line in lines]


IMPORTS = {
    "sklearn": "import sklearn",
    "skcausal": "import skcausal",
    "learners": "import skcausal.estimation, skcausal.validation",
    "models": "import lightgbm, pandas, sklearn.ensemble, sklearn.linear_model",
}


def measure_import(options, pythons):
    """Time fresh processes that import something; the first round only warms up."""
    rows = []
    for _ in range(1 + max(5, options.repeats)):
        row = {}
        for name, statement in IMPORTS.items():
            start = time.perf_counter()
            subprocess.run(
                [str(pythons["skcausal"]), "-c", statement],
                check=True,
                cwd=environments.ROOT,
                env=environments.worker_variables(),
            )
            row[name] = time.perf_counter() - start
        rows.append(row)
    return rows[1:]


def measure_overhead(options, pythons):
    sizes = (2000,) if options.quick else (10_000, 50_000)
    rows = []
    for n in tqdm(sizes, desc="overhead", unit="size"):
        rows += child(pythons["skcausal"], "overhead", n, options.repeats)
    return rows


def measure_search(options, pythons):
    n = 1000 if options.quick else 5000
    return child(pythons["skcausal"], "search", n, options.repeats)


def measure_large(options, pythons):
    n = 20_000 if options.quick else 1_000_000
    rows = []
    for learner in tqdm(LARGE, desc="large", unit="learner"):
        rows += child(pythons["skcausal"], "large", n, learner, n_threads=2)
    return rows


def run_adapter(python, library, sizes, folder):
    """One process per library and repeat; its first, small problem warms it up."""
    chosen = [problems.timing(n) for n in (1000, *sizes)]
    runs = [(learner, "speed") for learner in SINGLE]
    job, out = Path(folder, "job"), Path(folder, "out")
    out.unlink(missing_ok=True)
    job.write_bytes(pickle.dumps({"problems": chosen, "runs": runs}))
    subprocess.run(
        environments.adapter_command(python, library, job, out),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd=environments.ROOT,
        env=environments.worker_variables(),
    )
    return [
        {
            "library": library,
            "learner": record["learner"],
            "n": int(record["problem"].split("-")[1]),
            "seconds": record.get("fit_seconds"),
            "error": record.get("error", ""),
        }
        for record in read_records(out)[len(SINGLE) :]
    ]


def measure_peers(options, pythons):
    """Libraries take turns, so that a slow minute of the machine hits all of them."""
    sizes = (2000,) if options.quick else (10_000, 50_000)
    rows = []
    turns = [name for _ in range(options.repeats) for name in pythons]
    with tempfile.TemporaryDirectory() as folder:
        for library in tqdm(turns, desc="peers", unit="process"):
            rows += run_adapter(pythons[library], library, sizes, folder)
    return rows


def judged(good):
    return "yes" if good else "NO"


def import_text(rows):
    medians = {name: statistics.median(r[name] for r in rows) for name in rows[0]}
    more = medians["skcausal"] - medians["sklearn"]
    return (
        f"Wall time of a whole process, median of {len(rows)}: `import sklearn` "
        f"{medians['sklearn']:.2f} s, `import skcausal` {medians['skcausal']:.2f} s, "
        f"so {more:+.2f} s (at most {LIMITS['import']:.1f} s: "
        f"{judged(more <= LIMITS['import'])}). `{IMPORTS['learners']}` takes "
        f"{medians['learners']:.2f} s; `{IMPORTS['models']}` alone, most of which it "
        f"needs, {medians['models']:.2f} s."
    )


def overhead_text(rows):
    frame = pd.DataFrame(rows)
    frame["ratio"] = frame["fit"] / frame["alone"]
    table = frame.groupby(["n", "learner"], sort=False).median().reset_index()
    table = table.assign(
        n=table["n"].astype(str),
        fits=table["fits"].astype(int).astype(str),
        ratio=table["ratio"].map("{:.3f}".format),
        passes=[judged(r <= LIMITS["overhead"]) for r in table["ratio"]],
    )
    names = {"fit": "fit, s", "alone": "its base-model fits, s", "fits": "base fits"}
    return (
        "Base models refitted with the arrays they were given, one thread.\n\n"
        + report.markdown(table.rename(columns=names))
    )


def peers_text(rows):
    frame = pd.DataFrame(rows)
    failed = frame[frame["error"] != ""]
    table = frame.pivot_table(
        index=["n", "learner"], columns="library", values="seconds", aggfunc="median"
    )
    lines = []
    for n in sorted({n for n, _ in table.index}):
        for learner in SINGLE:
            times = table.loc[n, learner]
            line = {"n": str(n), "learner": learner}
            line |= {f"{NAMES[name]}, s": float(times[name]) for name in NAMES}
            for name in ("econml", "causalml"):
                ratio = times["skcausal"] / times[name]
                work = WORK["skcausal"][learner] / WORK[name][learner]
                line[f"/ {NAMES[name]}"] = f"{ratio:.2f}"
                line[f"work / {NAMES[name]}"] = f"{work:.2f}"
            lines.append(line)
    errors = "".join(f"\n- failed: {row}" for row in failed.to_dict("records"))
    return (
        "Same LightGBM base, one thread, five folds. Ratios below 1: skcausal is "
        "faster. Work is the ratio of rows handed to base-model fits, which the method "
        "fixes: CausalML's DR fits on thirds of the rows and so does a third of the "
        "work of five folds. CausalML's X gets one propensity fit and its DR one per "
        "third by the shared classifier, its R a cross-fitted one, all timed.\n\n"
        f"{report.markdown(pd.DataFrame(lines))}{errors}"
    )


def search_text(rows):
    shared = statistics.median(row["shared"] for row in rows)
    refitted = statistics.median(row["refitted"] for row in rows)
    ratio = statistics.median(row["refitted"] / row["shared"] for row in rows)
    return (
        f"GridSearchCV over 30 LightGBM effect models of a DRLearner, three folds, "
        f"n = {rows[0]['n']}: {shared:.1f} s with shared nuisances, {refitted:.1f} s "
        f"with each candidate fitting its own: {ratio:.1f} x (at least "
        f"{LIMITS['search']:.0f} x: {judged(ratio >= LIMITS['search'])})."
    )


def large_text(rows):
    frame = pd.DataFrame(rows)
    table = pd.DataFrame(
        {
            "learner": frame["learner"],
            "n": frame["n"].astype(str),
            "minutes": frame["seconds"] / 60,
            "peak memory, GB": frame["peak_gb"],
            "with the data alone, GB": frame["before_gb"],
            "passes": [judged(peak <= LIMITS["memory"]) for peak in frame["peak_gb"]],
        }
    )
    return (
        "20 features, default models, two threads, one run in a process of its own; "
        "minutes of wall time."
        f"\n\n{report.markdown(table)}"
    )


PARTS = {
    "import": ("Import", measure_import, import_text),
    "overhead": (
        "A learner's fit against its base-model fits alone",
        measure_overhead,
        overhead_text,
    ),
    "peers": (
        "Against the same learner of other libraries",
        measure_peers,
        peers_text,
    ),
    "search": ("A search with shared nuisances", measure_search, search_text),
    "large": ("Many rows", measure_large, large_text),
}


def run(options, pythons, versions):
    """Measure the parts asked for; keep the others as they were measured before."""
    path, identity = report.RESULTS / "speed.json", environments.source_hash()
    old = json.loads(path.read_text()) if path.exists() else {}
    same_code = old.get("skcausal_source") == identity
    raw = old.get("raw", {}) if same_code and options.only else {}
    if options.quick:
        options.repeats = 1
    for part, (_, measure, _) in PARTS.items():
        if options.only in part:
            print(f"speed: {part}", flush=True)
            raw[part] = measure(options, pythons)
    text = [
        f"{report.versions_line(versions)}.\n\nMedians of {options.repeats} repeats "
        "unless stated. Times with one thread are CPU seconds of the process: what "
        "an idle machine takes, whatever else this one did."
    ]
    for part, (title, _, describe) in PARTS.items():
        if raw.get(part):
            text.append(f"### {title}\n\n{describe(raw[part])}")
    facts = {"quick": options.quick, "versions": versions, "raw": raw}
    report.save_section("speed", "\n\n".join(text), facts, identity)
