"""Counterfactuals of single rows on ten nodes, beside DoWhy's gcm on the same rows."""

import json
import subprocess
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
from tqdm import tqdm

from benchmarks import environments, report

LIBRARIES = ("skcausal", "dowhy")
MODELS = {"linear": LIBRARIES, "boosting": LIBRARIES, "chosen": ("skcausal",)}
LIMIT = 5.0  # seconds that 100,000 counterfactuals may take
N_ROWS, N_FIT = 100_000, 5000
DO = {"x2": 1.0}
ARROWS = (
    *(("x0", "x1"), ("x0", "x2"), ("x1", "x3"), ("x2", "x3"), ("x2", "x4")),
    *(("x3", "x5"), ("x4", "x5"), ("x1", "x6"), ("x5", "x6"), ("x4", "x7")),
    *(("x6", "x7"), ("x5", "x8"), ("x7", "x8"), ("x0", "x9"), ("x8", "x9")),
)
INTRODUCTION = """\
Ten nodes, 15 arrows, additive noise; {fit:,} rows to learn from, with the same \
regressor for each node in both libraries (least squares, or scikit-learn's histogram \
gradient boosting, 100 trees of 13 leaves), then {rows:,} rows whose counterfactual \
under do(x2 = 1) is asked for: the noise of each row is recovered and the row computed \
anew. Chosen: what skcausal takes by itself, mostly LightGBM here. CPU seconds on one \
thread, the best of three runs (trees: one run); for draws, as many rows are drawn \
from the model under the intervention. DoWhy: `gcm.counterfactual_samples` and \
`gcm.interventional_samples`. Counterfactuals must agree to the last digits. Means of \
draws agree within simulation error for least squares; for boosting skcausal draws \
errors of rows that a copy of the model did not see, and DoWhy errors of rows that it \
did, which are smaller."""


def rows(n, seed):
    """Return rows of the ten nodes; half of the arrows are curved."""
    rng = np.random.default_rng(seed)
    frame = {}
    for k in range(10):
        total = rng.normal(size=n)
        causes = [a for a, b in ARROWS if b == f"x{k}"]
        for place, cause in enumerate(causes):
            values = frame[cause]
            total = total + (0.8 * values if place % 2 else np.tanh(2 * values))
        frame[f"x{k}"] = total
    return pd.DataFrame(frame)


def child(python, library, job):
    """Run one library; return its record, and its rows in both worlds."""
    adapter = {"skcausal": "skcausal_structural", "dowhy": "dowhy_structural"}[library]
    answer = subprocess.run(
        environments.adapter_command(python, adapter, json.dumps(job)),
        capture_output=True,
        text=True,
        cwd=environments.ROOT,
        env=environments.worker_variables(),
    )
    if answer.returncode != 0:
        raise SystemExit(f"structural: {library} ended: {answer.stderr[-600:]}")
    with np.load(job["out"]) as found:
        worlds = {name: found[name] for name in found.files}
    return json.loads(answer.stdout.splitlines()[-1]), worlds


def compare(model, records, worlds):
    """Return one line of the table: times, and how far the answers are apart."""
    line = {"regressor": model}
    for what in ("fit", "counterfactual", "draws"):
        for library in LIBRARIES:
            line[f"{what}, {library}"] = records.get(library, {}).get(what, np.nan)
    if len(worlds) == 1:
        return line
    ours, theirs = (worlds[name] for name in LIBRARIES)
    apart = np.abs(ours["counterfactual"] - theirs["counterfactual"])
    one, two = (world["draws"] for world in (ours, theirs))
    error = np.sqrt(one.var(axis=0) / len(one) + two.var(axis=0) / len(two))
    gap = np.abs(one.mean(axis=0) - two.mean(axis=0))
    z = np.divide(gap, error, out=np.zeros_like(gap), where=error > 0)
    line["largest difference of a counterfactual"] = float(apart.max())
    line["largest difference of a mean, in standard errors"] = float(z.max())
    return line


def note(line, n):
    """Say in words whether the limit was kept, and how DoWhy did."""
    taken = line["counterfactual, skcausal"]
    verdict = "kept" if taken < LIMIT else "MISSED"
    ratio = line["counterfactual, dowhy"] / taken
    peer = "" if np.isnan(ratio) else f"; DoWhy takes {ratio:.2f} times as long"
    return (
        f"- {line['regressor']}: {n:,} counterfactuals in {taken:.2f} s of {LIMIT:.0f} "
        f"s: {verdict}{peer}."
    )


def run(options, pythons, versions):
    """Measure, and write the section."""
    identity = environments.source_hash()
    lines, raw = [], []
    n = N_ROWS // 10 if options.quick else N_ROWS
    with tempfile.TemporaryDirectory() as folder:
        past, now = Path(folder, "past.csv"), Path(folder, "now.csv")
        rows(N_FIT, 0).to_csv(past, index=False)
        rows(n, 1).to_csv(now, index=False)
        for model, libraries in tqdm(MODELS.items(), desc="structural"):
            records, worlds = {}, {}
            for library in libraries:
                job = {
                    "model": model,
                    "arrows": ARROWS,
                    "do": DO,
                    "past": str(past),
                    "now": str(now),
                    "out": str(Path(folder, f"{library}.npz")),
                }
                found = child(pythons[library], library, job)
                records[library], worlds[library] = found
            lines.append(compare(model, records, worlds))
            raw.append({"model": model, **records})
    table = pd.DataFrame(lines)
    notes = [note(line, n) for line in lines]
    introduction = INTRODUCTION.format(fit=N_FIT, rows=n)
    parts = [
        report.versions_line(versions) + ".",
        introduction,
        report.markdown(table.set_index("regressor").T.reset_index(names="seconds")),
        "\n".join(notes),
    ]
    facts = {
        "quick": bool(options.quick),
        "versions": versions,
        "raw": raw,
        "table": json.loads(table.to_json(orient="records")),
    }
    report.save_section("structural", "\n\n".join(parts), facts, identity)
