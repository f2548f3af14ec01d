"""Speed of the search for sets and formulas in graphs, beside other libraries."""

import json
import statistics
import subprocess

import pandas as pd
from tqdm import tqdm

from benchmarks import environments, report
from benchmarks.identification_graphs import KINDS

N_GRAPHS = 5  # small enough for time-outs, odd for medians
MODULES = {"skcausal": "skcausal_graphs"}
ALL, BOTH = environments.GRAPHS, ("skcausal", "networkx")
SMALL = (10, 20, 40)
# Task, kind of graph, nodes, libraries that have the task.
CELLS = (
    ("any", "random", 1000, BOTH),
    ("any", "random", 10_000, BOTH),
    *(("minimal", "random", n, ALL) for n in (*SMALL, 1000)),
    ("minimal", "random", 10_000, BOTH),
    ("minimal", "confounders", 27, ALL),
    *(("optimal", "random", n, ("skcausal", "dowhy")) for n in (*SMALL, 1000)),
    ("first 100 minimal", "random", 200, ("skcausal",)),
    # pgmpy lists all sets and then compares them, which at 20 nodes does not end.
    ("front door", "front door", 10, ("skcausal", "pgmpy", "dowhy")),
    *(("front door", "front door", n, ("skcausal", "dowhy")) for n in SMALL[1:]),
    ("front door", "front door", 1000, ("skcausal",)),
    ("front door", "front door", 10_000, ("skcausal",)),
    ("instruments", "mixed", 100, ("skcausal",)),
    *(("identify", "random", n, ("skcausal", "dowhy")) for n in SMALL),
    ("identify", "confounders", 27, ("skcausal", "dowhy")),
    ("ID", "mixed", 100, ("skcausal",)),
)
# What was asked of skcausal, in milliseconds.
ASKED = {
    ("any", "random", 1000): 5,
    ("any", "random", 10_000): 100,
    ("minimal", "random", 1000): 20,
    ("optimal", "random", 1000): 20,
    ("front door", "front door", 1000): 20,
    ("first 100 minimal", "random", 200): 2000,
    ("ID", "mixed", 100): 2000,
}
CHECKED = ("any", "minimal", "optimal", "front door", "identify")


def child(python, library, job):
    """Ask a library about all graphs of a cell; return a record per graph."""
    module = MODULES.get(library, library)
    answer = subprocess.run(
        environments.adapter_command(python, module, json.dumps(job)),
        capture_output=True,
        text=True,
        cwd=environments.ROOT,
        env=environments.worker_variables(),
    )
    lines = [line for line in answer.stdout.splitlines() if line.startswith("{")]
    if answer.returncode != 0:
        print(f"identification: {library} {job} ended: {answer.stderr[-300:]}")
    return [json.loads(line) for line in lines]


def is_right(task, kind, n, record):
    """Tell whether the set that a library found is valid; True where there is none."""
    from skcausal.graphs import CausalGraph
    from skcausal.identification import AdjustmentSets, FrontDoorSets

    if task not in CHECKED or record["seconds"] is None:
        return True
    if not isinstance(record["answer"], list):
        return record["answer"] is not None  # each of these graphs has a set
    question = KINDS[kind](n, record["seed"])
    graph = CausalGraph(question.directed, question.bidirected, question.nodes)
    sets = FrontDoorSets if task == "front door" else AdjustmentSets
    return sets(graph, question.treatment, question.outcome).is_valid(record["answer"])


def measure(options, pythons):
    cells = [cell for cell in CELLS if options.only in cell[0]]
    cells = [cell for cell in cells if not options.quick or cell[2] <= 1000]
    records = []
    for task, kind, n, libraries in tqdm(cells, desc="identification", unit="cell"):
        job = {
            "task": task,
            "kind": kind,
            "n": n,
            "seeds": list(range(2 if options.quick else N_GRAPHS)),
            "repeats": options.repeats,
            "limit": options.limit,
        }
        for library in libraries:
            cell = {"task": task, "kind": kind, "n": n, "library": library}
            for record in child(pythons[library], library, job):
                right = is_right(task, kind, n, record)
                answer = record["answer"]
                size = len(answer) if isinstance(answer, list) else answer
                records.append({**cell, **record, "answer": size, "right": right})
    return records


def time_text(rows, limit):
    """Median over graphs, or what came instead of an answer."""
    failed = (rows["error"] != "") & (rows["error"] != "time-out")
    wrong = ~rows["right"].astype(bool)
    notes = [
        f"{int(count)} of {len(rows)} {what}"
        for count, what in ((wrong.sum(), "wrong"), (failed.sum(), "fail"))
        if count
    ]
    seconds = rows["seconds"][~failed].fillna(float("inf"))
    if len(seconds):
        median = statistics.median(seconds)
        none = median == float("inf")
        notes.insert(0, f"> {limit:.0f} s" if none else _duration(median))
    return ", ".join(notes)


def _duration(seconds):
    return f"{seconds * 1000:.3g} ms" if seconds < 1 else f"{seconds:.3g} s"


def table(frame, limit):
    lines = []
    for (task, kind, n), cell in frame.groupby(["task", "kind", "n"], sort=False):
        ours = cell[cell["library"] == "skcausal"]
        asked = ASKED.get((task, kind, n))
        line = {"task": task, "graph": kind, "nodes": str(n)}
        for library in environments.GRAPHS:
            rows = cell[cell["library"] == library]
            line[library] = time_text(rows, limit) if len(rows) else ""
        line["skcausal, slowest graph"] = _duration(ours["seconds"].max())
        line["asked"] = _duration(asked / 1000) if asked else ""
        lines.append(line)
    return report.markdown(pd.DataFrame(lines))


def gate_lines(frame):
    lines = []
    ours = frame[frame["library"] == "skcausal"]
    for (task, kind, n), limit in ASKED.items():
        rows = ours[(ours[["task", "kind", "n"]] == [task, kind, n]).all(axis=1)]
        if len(rows):
            median = statistics.median(rows["seconds"].fillna(float("inf")))
            verdict = "kept" if median * 1000 <= limit else "MISSED"
            lines.append(
                f"- {task}, {n} nodes: {_duration(median)} of {_duration(limit / 1000)}"
                f": {verdict}."
            )
    found = ours[ours["task"] == "ID"]["answer"]
    if len(found):
        lines.append(
            f"- Graphs with 20 hidden common causes: the effect is identified in "
            f"{int((found == 'yes').sum())} of {len(found)}."
        )
    return "\n".join(lines)


DESCRIPTION = """CPU time: median over graphs of the median of repeated calls, each on a
graph made anew (making it is not timed). Random: arrows among random pairs, mean degree
5, all observed. Confounders: 25 causes of treatment and outcome, as in IHDP. Front
door: treatment and outcome share a hidden cause, a third of the nodes mediates. Mixed:
20 hidden common causes, one of treatment and a mediator, so that no adjustment set
exists.

`any` finds a set and checks it. `identify` is DoWhy's `identify_effect_auto` with its
defaults and skcausal's `identify`, `ID` the latter with `kind="general"`. DoWhy's
`minimal` is its general adjustment criterion alone; networkx has no criterion, so the
proper back-door graph is made by hand. A cell ends when most of its calls ran out of
time. Sets that libraries found are checked with `is_valid`, and what is wrong is
counted."""


def kept_records(options, identity):
    """Return what an earlier run of the same source measured of the other tasks."""
    path = report.RESULTS / "identification.json"
    old = json.loads(path.read_text()) if path.exists() else {}
    same = old.get("skcausal_source") == identity and old["quick"] == options.quick
    records = old["raw"] if same and options.only else []
    return [record for record in records if options.only not in record["task"]]


def run(options, pythons, versions):
    identity = environments.source_hash()
    records = kept_records(options, identity) + measure(options, pythons)
    order = [cell[:3] for cell in CELLS]
    records.sort(key=lambda one: order.index((one["task"], one["kind"], one["n"])))
    frame = pd.DataFrame(records)
    text = "\n\n".join(
        [
            report.versions_line(versions) + ".",
            DESCRIPTION,
            table(frame, options.limit),
            gate_lines(frame),
        ]
    )
    raw = json.loads(frame.to_json(orient="records"))
    facts = {"quick": options.quick, "versions": versions, "raw": raw}
    report.save_section("identification", text, facts, identity)
