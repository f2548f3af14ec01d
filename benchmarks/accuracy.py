"""Accuracy of effects against EconML and CausalML on IHDP and ACIC 2016."""

import hashlib
import json
import pickle
import subprocess
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd
from tqdm import tqdm

from benchmarks import environments, problems

SINGLE = ("S", "T", "X", "R", "DR")
EXTRA = ("selected", "stacking")
CHUNK = 4  # problems per job: short jobs keep both workers busy to the end


class Cache:
    """Finished records by library, its version and source, learner and problem."""

    def __init__(self, path):
        self.path = Path(path)
        text = self.path.read_text() if self.path.exists() else "{}"
        self.records = json.loads(text)

    def save(self):
        self.path.parent.mkdir(parents=True, exist_ok=True)
        temporary = self.path.with_suffix(".tmp")
        temporary.write_text(json.dumps(self.records))
        temporary.replace(self.path)


def identify(library, versions):
    """Key of the code that makes a result: versions, adapter, and our own source."""
    digest = hashlib.sha256(json.dumps(versions, sort_keys=True).encode())
    folder = environments.ROOT / "benchmarks" / "libraries"
    for name in (f"{library}.py", "_models.py"):
        digest.update((folder / name).read_bytes())
    digest.update((environments.ROOT / "benchmarks/problems.py").read_bytes())
    if library == "skcausal":
        digest.update(environments.source_hash().encode())
    return f"{library}-{digest.hexdigest()[:12]}"


def measure(record, truth, library):
    """Turn predicted effects into one row per part of the problem."""
    common = {name: record[name] for name in ("problem", "learner", "mode", "seconds")}
    common |= {"library": library, "fit_seconds": record.get("fit_seconds")}
    common |= {"note": record.get("note", ""), "error": record.get("error", "")}
    rows = []
    for part, (index, effect) in truth.items():
        row = {**common, "part": part, "root_pehe": None, "ate_error": None}
        if not common["error"]:
            predicted = np.asarray(record["effect"], dtype=float)[index]
            if np.isfinite(predicted).all():
                difference = predicted - effect
                row["root_pehe"] = float(np.sqrt(np.mean(difference**2)))
                row["ate_error"] = float(abs(difference.mean()))
            else:
                row["error"] = "effects that are not finite"
        rows.append(row)
    return rows


def read_records(path):
    records = []
    if Path(path).exists():
        with open(path, "rb") as file:
            while True:
                try:
                    records.append(pickle.load(file))
                except EOFError:
                    break
    return records


def execute(job, python, library, progress):
    """Run one job in a subprocess; rows of all its runs, lost ones with an error."""
    chunk, runs = job
    public = [{k: v for k, v in one.items() if k != "truth"} for one in chunk]
    with tempfile.TemporaryDirectory() as folder:
        job_file, out_file = Path(folder, "job"), Path(folder, "out")
        job_file.write_bytes(pickle.dumps({"problems": public, "runs": runs}))
        process = subprocess.Popen(
            environments.adapter_command(python, library, job_file, out_file),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            cwd=environments.ROOT,
            env=environments.worker_variables(),
        )
        for line in process.stdout:
            if line.startswith("done "):
                progress.update()
        process.wait()
        records = read_records(out_file)
    done = {(r["problem"], r["learner"], r["mode"]): r for r in records}
    rows = []
    for problem in chunk:
        for learner, mode in runs:
            lost = {"problem": problem["name"], "learner": learner, "mode": mode}
            lost |= {"seconds": None, "error": f"exit status {process.returncode}"}
            record = done.get((problem["name"], learner, mode), lost)
            rows += measure(record, problem["truth"], library)
    return rows


def plan(options):
    """Return (collection, mode, problems) of the run."""
    n_ihdp, step = (3, 26) if options.quick else (100, 1)
    ihdp = problems.ihdp(n_ihdp)
    acic = problems.acic2016(range(0, 77, step))
    ihdp_every = 3 if options.quick else options.ihdp_every
    acic_every = 3 if options.quick else options.acic_every
    return [
        ("IHDP", "same", ihdp),
        ("ACIC 2016", "same", acic),
        ("IHDP", "default", ihdp[::ihdp_every]),
        ("ACIC 2016", "default", acic[::acic_every]),
    ]


def make_jobs(plan_, cache, keys, reuse_peers, libraries):
    """Split what is not cached into jobs; return jobs and the rows already known."""
    jobs, known = [], []
    for collection, mode, chosen in plan_:
        for library in libraries:
            names = SINGLE + EXTRA if library == "skcausal" else SINGLE
            if collection == "IHDP" or mode == "same":
                names = SINGLE
            todo = []
            for problem in chosen:
                key = f"{keys[library]}|{mode}|{','.join(names)}|{problem['name']}"
                old = cache.records.get(key, [])
                usable = old and not any(row["error"] for row in old)
                if reuse_peers and library != "skcausal" and usable:
                    known += old
                else:
                    todo.append((key, problem))
            runs = [(name, mode) for name in names]
            for start in range(0, len(todo), CHUNK):
                part = todo[start : start + CHUNK]
                jobs.append((library, runs, part))
    return jobs, known


def run(options, pythons, versions):
    """Run everything and return the rows as a frame."""
    cache = Cache(Path(options.cache) / "accuracy.json")
    keys = {library: identify(library, versions[library]) for library in pythons}
    plan_ = plan(options)
    jobs, rows = make_jobs(plan_, cache, keys, options.reuse_peers, pythons)
    total = sum(len(runs) * len(part) for _, runs, part in jobs)
    with (
        tqdm(total=total, desc="accuracy", unit="fit") as progress,
        ThreadPoolExecutor(options.workers) as pool,
    ):

        def work(job):
            library, runs, part = job
            chunk = [problem for _, problem in part]
            return execute((chunk, runs), pythons[library], library, progress)

        for job, made in zip(jobs, pool.map(work, jobs), strict=True):
            for key, problem in job[2]:
                name = problem["name"]
                cache.records[key] = [row for row in made if row["problem"] == name]
            cache.save()
            rows += made
    frame = pd.DataFrame(rows)
    frame.insert(0, "collection", frame["problem"].str.split("-").str[0])
    return frame
