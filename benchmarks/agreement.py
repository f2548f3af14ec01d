"""Average effects on real data: other libraries' numbers, and an experiment's."""

import json
import pickle
import subprocess
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path

import numpy as np
from tqdm import tqdm

from benchmarks import agreement_problems, agreement_tables, environments, report
from benchmarks.accuracy import read_records

MODELS = ("linear", "lasso", "forest", "boosting")


@dataclass(frozen=True)
class Comparison:
    """One of our estimates beside one of a peer's, on the same rows and models."""

    problem: str
    mode: str
    ours: str
    peer: str
    theirs: str
    reason: str = ""  # key of agreement_tables.REASONS, where they need not be equal
    peer_mode: str = ""


def double_learning(modes=MODELS):
    """Compare with DoubleML: the same learners, the same folds."""
    exogenous = (
        ("PartiallyLinear, residual", "PLR", ""),
        ("PartiallyLinear, instrument", "PLR, IV-type", ""),
        ("AIPW", "IRM, ATE", ""),
        ("AIPW, treated", "IRM, ATTE", ""),
    )
    endogenous = (("PartiallyLinearIV", "PLIV", ""), ("InteractiveIV", "IIVM", ""))
    problems = {
        "401(k), e401": exogenous,
        "401(k), p401": endogenous,
        "bonus": exogenous,
    }
    return [
        Comparison(name, mode, ours, "doubleml", theirs, reason)
        for name, methods in problems.items()
        for mode in modes
        for ours, theirs, reason in methods
    ]


IN_SAMPLE = "scores of models fitted on all rows"
TREATMENT_EFFECT = (
    ("PropensityWeighting", "ipw", ""),
    ("RegressionAdjustment", "ra", ""),
    (IN_SAMPLE, "aipw", "frozen"),
    ("AIPW", "aipw", "cross-fitting"),
    (IN_SAMPLE, "aipw_wls", "another estimator"),
    (IN_SAMPLE, "ipw_ra", "another estimator"),
    ("PropensityWeighting, treated", "ipw, treated", ""),
    ("RegressionAdjustment, treated", "ra, treated", ""),
)
CAUSALLIB = (
    ("PropensityWeighting", "IPW", ""),
    ("RegressionAdjustment", "Standardization", ""),
    (IN_SAMPLE, "AIPW", ""),
    ("NearestNeighbourMatching, mahalanobis", "Matching, whitened", "ties"),
    ("NearestNeighbourMatching, euclidean", "Matching, standardised", "ties"),
    ("NearestNeighbourMatching, propensity", "Matching, propensity", "ties"),
    ("NearestNeighbourMatching, mahalanobis", "Matching, Mahalanobis", "covariance"),
)


def weighting():
    """Logit and least squares on all rows: statsmodels and causallib."""
    rows = []
    for name in ("NHEFS", "NSW experiment"):
        for peer, methods in (
            ("statsmodels", TREATMENT_EFFECT),
            ("causallib", CAUSALLIB),
        ):
            rows += [
                Comparison(name, "linear", ours, peer, theirs, reason)
                for ours, theirs, reason in methods
            ]
    experiment, all_but_one = "NSW experiment", "AIPW, leave one out"
    psid, treated = "NSW against PSID", "PropensityWeighting, treated"
    regression = ("RegressionAdjustment, treated", "statsmodels", "ra, treated")
    return [
        *rows,
        Comparison(
            experiment, "linear", all_but_one, "statsmodels", "aipw", "cross-fitting"
        ),
        Comparison(psid, "linear", *regression),
        Comparison(psid, "linear", treated, "statsmodels", "ipw, treated", "clipping"),
        Comparison(
            psid, "linear", treated, "statsmodels", "ipw, treated", "", "unclipped"
        ),
    ]


def two_stages():
    """Compare with linearmodels: partialling out by least squares is 2SLS."""
    frozen = "PartiallyLinearIV, models fitted on all rows"
    line = ("linearmodels", "2SLS")
    return [
        Comparison("Card", "linear", frozen, *line),
        Comparison("Card", "linear", "PartiallyLinearIV", *line, "cross-fitting"),
    ]


def make_problems():
    made = (
        agreement_problems.savings("e401"),
        agreement_problems.savings("p401"),
        agreement_problems.bonus(),
        agreement_problems.smoking(),
        agreement_problems.training(),
        agreement_problems.training("psid"),
        agreement_problems.training("cps"),
        agreement_problems.schooling(),
    )
    return {problem["name"]: problem for problem in made}


def make_jobs(comparisons):
    """Return {(adapter, problem): (method, mode) pairs}, each pair once."""
    jobs = {}
    for row in comparisons:
        ours = ("skcausal_averages", row.ours, row.mode)
        theirs = (row.peer, row.theirs, row.peer_mode or row.mode)
        for adapter, method, mode in (ours, theirs):
            jobs.setdefault((adapter, row.problem), {})[method, mode] = None
    return {key: list(runs) for key, runs in jobs.items()}


def execute(python, adapter, problem, runs):
    """Run methods of one library on one problem in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        job, out = Path(folder, "job"), Path(folder, "out")
        job.write_bytes(pickle.dumps({"problems": [problem], "runs": runs}))
        answer = subprocess.run(
            environments.adapter_command(python, adapter, job, out),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=environments.ROOT,
            env=environments.worker_variables(),
        )
        records = read_records(out)
    done = {(record["learner"], record["mode"]): record for record in records}
    lost = {"error": f"exit status {answer.returncode}"}
    return {run: done.get(run, lost) for run in runs}


def measure(comparisons, problems, pythons, workers):
    """Run all jobs, ours and theirs; return rows of values and errors."""
    jobs = make_jobs(comparisons)

    def work(job):
        (adapter, name), runs = job
        python = pythons["skcausal" if adapter.startswith("skcausal") else adapter]
        records = execute(python, adapter, problems[name], runs)
        return {(adapter, name, *run): record for run, record in records.items()}

    records = {}
    with ThreadPoolExecutor(workers) as pool:
        for found in tqdm(pool.map(work, jobs.items()), total=len(jobs), desc="peers"):
            records |= found
    rows = []
    for row in comparisons:
        ours = records["skcausal_averages", row.problem, row.ours, row.mode]
        mode = row.peer_mode or row.mode
        theirs = records[row.peer, row.problem, row.theirs, mode]
        rows.append(asdict(row) | _numbers(ours, "") | _numbers(theirs, "peer_"))
    return rows


def _numbers(record, prefix):
    value, error = record.get("effect", (np.nan, np.nan))
    return {
        f"{prefix}value": float(value),
        f"{prefix}error": float(error),
        f"{prefix}failure": record.get("error", ""),
    }


def measure_training(problems, pythons, workers):
    """Every estimator on each survey; as many processes as surveys and workers."""
    from benchmarks.libraries.skcausal_training import ESTIMATORS

    names = list(ESTIMATORS)
    parts = [
        (survey, names[start::3]) for survey in ("cps", "psid") for start in range(3)
    ]

    def work(part):
        survey, chosen = part
        problem = problems[f"NSW against {survey.upper()}"]
        runs = [(name, survey) for name in chosen]
        return execute(pythons["skcausal"], "skcausal_training", problem, runs)

    records = {}
    with ThreadPoolExecutor(workers) as pool:
        for found in tqdm(pool.map(work, parts), total=len(parts), desc="training"):
            records |= found
    return [
        _training_row(name, survey, records[name, survey])
        for survey in ("psid", "cps")
        for name in names
    ]


def _training_row(name, survey, record):
    row = {"survey": survey, "estimator": name, "failure": record.get("error", "")}
    row |= dict.fromkeys(("value", "error", "lower", "upper", "seconds"), np.nan)
    row |= {"target": "", "warnings": []}
    if not row["failure"]:
        row |= dict(
            zip(("value", "error", "lower", "upper"), record["effect"], strict=True)
        )
        row |= {"seconds": record["fit_seconds"], **json.loads(record["note"])}
    return row


def kept(options, identity):
    """Return earlier rows of the same source, if only some parts are asked for."""
    path = report.RESULTS / "agreement.json"
    old = json.loads(path.read_text()) if path.exists() else {}
    same = old.get("skcausal_source") == identity and options.only
    return old.get("raw", {}) if same else {}


def run(options, pythons, versions):
    """Measure the parts asked for; keep the others of the same source."""
    identity = environments.source_hash()
    problems, raw = make_problems(), kept(options, identity)
    parts = {
        "doubleml": double_learning(("linear",) if options.quick else MODELS),
        "weighting": weighting(),
        "stages": two_stages(),
    }
    asked = {name: rows for name, rows in parts.items() if options.only in name}
    rows = iter(
        measure(
            [row for part in asked.values() for row in part],
            problems,
            pythons,
            options.workers,
        )
    )
    raw |= {name: list(islice(rows, len(part))) for name, part in asked.items()}
    if options.only in "training":
        raw["training"] = measure_training(problems, pythons, options.workers)
    raw["experiment"] = agreement_problems.experiment()
    raw["unadjusted"] = {
        survey: agreement_problems.difference_in_means(
            problems[f"NSW against {survey.upper()}"]
        )
        for survey in ("psid", "cps")
    }
    text = agreement_tables.page(raw, versions)
    facts = {"quick": options.quick, "versions": versions, "raw": raw}
    report.save_section("agreement", text, facts, identity)
