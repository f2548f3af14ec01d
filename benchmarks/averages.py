"""Times of balancing, matching and refuting, beside the limits we set ourselves."""

import json
import statistics
import time
import warnings

import numpy as np
import pandas as pd
from tqdm import tqdm

from benchmarks import environments, report

REFUTED_ROWS = (12_500, 25_000, 50_000)
REPEATS = 3
INTRODUCTION = """\
Wall seconds, the median of three runs (refuting: one run) on a machine with nothing \
else to do; a warm-up run on few rows comes first. Balancing: entropy balancing of the \
means of 50 covariates. Matching: one neighbour for each row, with \
replacement, 10 covariates, two jobs. Refuting: one `AIPW` with default models and 8 \
covariates, every refuter that needs no column of its own, 20 simulations each, two \
jobs."""


def table(n, n_features, seed=0):
    """Return covariates, outcome and treatment; the logit has a spread of about one."""
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, n_features))
    logit = X @ rng.normal(scale=1 / np.sqrt(n_features), size=n_features)
    treatment = (rng.random(n) < 1 / (1 + np.exp(-logit))).astype(int)
    y = X[:, 0] + np.sin(X[:, 1]) + treatment + rng.standard_normal(n)
    return X, y, treatment


def seconds(work):
    """Return the median wall seconds of a function, and what it returned."""
    taken = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        found = work()
        taken.append(time.perf_counter() - start)
    return statistics.median(taken), found


def balancing():
    from skcausal.estimation import EntropyBalancing

    X, _, treatment = table(1000, 50)
    EntropyBalancing().fit(X, treatment=treatment)
    X, _, treatment = table(100_000, 50)
    taken, fitted = seconds(lambda: EntropyBalancing().fit(X, treatment=treatment))
    worst = float(fitted.balance_["after"].abs().max())
    note = f"largest standardised difference {worst:.1e}"
    return {"task": "entropy balancing", "n": 100_000, "seconds": taken, "note": note}


def matching():
    from skcausal.estimation import NearestNeighbourMatching

    def fit(n):
        X, y, treatment = table(n, 10)
        matcher = NearestNeighbourMatching(n_jobs=2)
        return lambda: matcher.fit(X, y, treatment=treatment).average_effect(
            target="treated"
        )

    fit(1000)()
    taken, found = seconds(fit(50_000))
    note = f"effect {found.value:.3f} (truth 1)"
    return {"task": "matching one to one", "n": 50_000, "seconds": taken, "note": note}


def refuting(n):
    from skcausal.estimation import AIPW
    from skcausal.validation import refute

    X, y, treatment = table(n, 8)
    start = time.perf_counter()
    found = refute(
        AIPW(random_state=0),
        X,
        y,
        treatment=treatment,
        n_jobs=2,
        random_state=0,
        progress=False,
    )
    taken = time.perf_counter() - start
    note = f"{len(found.table)} refuters"
    return {"task": "refuting", "n": n, "seconds": taken, "note": note}


def earlier(fresh, identity):
    """Return the rows that the same source measured and that are not fresh."""
    path = report.RESULTS / "averages.json"
    known = json.loads(path.read_text()) if path.exists() else {}
    if known.get("skcausal_source") != identity or known.get("quick"):
        return []
    done = {(row["task"], row["n"]) for row in fresh}
    return [row for row in known["raw"] if (row["task"], row["n"]) not in done]


def run(options):
    """Measure, and write the section."""
    identity = environments.source_hash()
    sizes = REFUTED_ROWS[:1] if options.quick else REFUTED_ROWS
    jobs = {"entropy balancing": balancing, "matching one to one": matching}
    jobs |= {f"refuting {n}": lambda n=n: refuting(n) for n in sizes}
    jobs = {name: job for name, job in jobs.items() if options.only in name}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fresh = [job() for job in tqdm(jobs.values(), desc="averages")]
    rows = pd.DataFrame(fresh + earlier(fresh, identity))
    rows = rows.sort_values(["task", "n"], ignore_index=True)
    refuted = rows[rows["task"] == "refuting"]
    growth = np.polyfit(np.log(refuted["n"]), np.log(refuted["seconds"]), 1)[0]
    shown = rows.assign(n=rows["n"].map("{:,}".format))
    lines = [
        "- Asked: balancing below 2 s, matching below 10 s, refuting below 300 s.",
        f"- Seconds of refuting grow with the rows to the power of {growth:.2f}.",
    ]
    text = "\n\n".join([INTRODUCTION, report.markdown(shown), "\n".join(lines)])
    facts = {"quick": bool(options.quick), "raw": rows.to_dict("records")}
    report.save_section("averages", text, facts, identity)
