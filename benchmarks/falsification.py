"""falsify_graph on graphs whose truth is known: how often it is right, what it costs.

Graphs have ten nodes, each pair joined with probability 0.3; data are linear with
normal noise and slopes of absolute size 0.4 to 1.2. A wrong graph lacks a share of the
true edges and has as many edges between pairs that have none.
"""

import itertools
import time

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from tqdm import tqdm

from benchmarks import environments, report

NODES, ROWS, EDGE_SHARE = 10, 1000, 0.3
SHARES = (0.0, 0.1, 0.2, 0.3, 0.5)
UNRELATED = "unrelated"
COSTS = (  # test, nodes, rows, permutations, seconds that the project allows itself
    ("partial_correlation", 15, 2000, 20, 5),
    ("kernel", 15, 2000, 20, 60),
)


def random_pairs(rng, n_nodes=NODES):
    """Return edges of a random acyclic graph, and the order of its nodes."""
    order = rng.permutation(n_nodes).tolist()
    pairs = list(itertools.combinations(order, 2))
    return [pair for pair in pairs if rng.random() < EDGE_SHARE], pairs


def linear_frame(edges, order, n_rows, rng):
    values = {}
    for node in order:
        value = rng.normal(size=n_rows)
        for cause, effect in edges:
            if effect == node:
                value += rng.choice([-1, 1]) * rng.uniform(0.4, 1.2) * values[cause]
        values[node] = value
    return pd.DataFrame(values)[sorted(values)]


def order_of(pairs):
    """Return the order of which these are all pairs."""
    return [pairs[0][0], *(b for a, b in pairs if a == pairs[0][0])]


def with_wrong_edges(edges, pairs, share, rng):
    """Replace a share of the edges by edges between pairs that have none."""
    absent = [pair for pair in pairs if pair not in edges]
    n_wrong = min(round(share * len(edges)), len(absent))
    gone = set(rng.choice(len(edges), n_wrong, replace=False).tolist())
    new = rng.choice(len(absent), n_wrong, replace=False).tolist()
    kept = [edge for k, edge in enumerate(edges) if k not in gone]
    return kept + [absent[k] for k in new]


def suggestion_counts(result, edges, drawn):
    """Count suggestions, those that are right, and what there was to find."""
    true, given = ({frozenset(edge) for edge in some} for some in (edges, drawn))
    truth = {"add": true - given, "remove": given - true}
    row = {}
    for action, wanted in truth.items():
        own = result.suggestions[result.suggestions["action"] == action]
        said = {frozenset(ends) for ends in zip(own["node"], own["other"], strict=True)}
        row |= {f"{action}_said": len(said), f"{action}_right": len(said & wanted)}
        row[f"{action}_wanted"] = len(wanted)
    return row


def draw(seed):
    """Return one row per share of wrong edges for one true graph."""
    from skcausal.graphs import CausalGraph
    from skcausal.validation import falsify_graph

    rng = np.random.default_rng(seed)
    edges, pairs = random_pairs(rng)
    frame = linear_frame(edges, order_of(pairs), ROWS, rng)
    rows = []
    for share in (*SHARES, UNRELATED):
        if share == UNRELATED:
            drawn = random_pairs(rng)[0]
        else:
            drawn = with_wrong_edges(edges, pairs, share, rng)
        graph = CausalGraph(drawn, nodes=range(NODES))
        found = falsify_graph(graph, frame, random_state=seed)
        row = {
            "seed": seed,
            "wrong": str(share),
            "tests": found.n_tests,
            "violations": found.n_violations,
            "p_lmc": found.p_lmc,
            "p_tpa": found.p_tpa,
            "falsifiable": found.falsifiable,
            "falsified": found.falsified,
            "single_rejected": found.n_adjusted_violations > 0,
        }
        rows.append(row | suggestion_counts(found, edges, drawn))
    return rows


def cost(test, n_nodes, n_rows, n_permutations, limit):
    from skcausal.graphs import CausalGraph
    from skcausal.validation import falsify_graph

    rng = np.random.default_rng(0)
    edges, pairs = random_pairs(rng, n_nodes)
    frame = linear_frame(edges, order_of(pairs), n_rows, rng)
    graph = CausalGraph(edges, nodes=range(n_nodes))
    options = {"test": test, "n_permutations": n_permutations, "random_state": 0}
    start, start_cpu = time.perf_counter(), time.process_time()
    found = falsify_graph(graph, frame, **options)
    return {
        "test": test,
        "nodes": n_nodes,
        "rows": n_rows,
        "permutations": n_permutations,
        "independencies": found.n_tests,
        "seconds": time.perf_counter() - start,
        "CPU seconds": time.process_time() - start_cpu,
        "seconds asked": limit,
    }


def rate_text(values):
    """Write a share with its standard error."""
    share = float(np.mean(values))
    return f"{share:.3f} ({np.sqrt(share * (1 - share) / len(values)):.3f})"


def curve(frame):
    rows = []
    for wrong, group in frame.groupby("wrong", sort=False):
        sums = group.sum(numeric_only=True)
        row = {
            "share of wrong edges": wrong,
            "falsifiable": rate_text(group["falsifiable"]),
            "falsified": rate_text(group["falsified"]),
            "an independence rejected": rate_text(group["single_rejected"]),
        }
        for action in ("add", "remove"):
            said, right = sums[f"{action}_said"], sums[f"{action}_right"]
            wanted = sums[f"{action}_wanted"]
            row[f"{action}: precision"] = right / said if said else np.nan
            row[f"{action}: recall"] = right / wanted if wanted else np.nan
        rows.append(row)
    return pd.DataFrame(rows)


def verdict(frame):
    """Say what was asked for and what was found."""
    rates = frame.groupby("wrong")["falsified"].mean()
    type_one, power, third = rates["0.0"], rates[UNRELATED], rates["0.3"]
    return (
        f"A true graph is falsified in {100 * type_one:.1f} % of draws (asked: at most "
        f"6 %), an unrelated one in {100 * power:.1f} % (asked: at least 90 %), and "
        f"one with 30 % wrong edges in {100 * third:.1f} %: the permutation test asks "
        "whether a graph is better than its drawing with the names at random, and such "
        "a graph is. A rejected independence after adjustment finds it."
    )


def page(frame, costs):
    n_graphs = frame["seed"].nunique()
    parts = [
        " ".join(__doc__.split("\n\n", 1)[1].split()),
        f"{n_graphs} graphs, {ROWS} rows, 100 permutations, partial correlation, level "
        "0.05; shares with standard errors. `an independence rejected`: at least one "
        "after adjustment (Benjamini and Hochberg), which calls for a look at single "
        "edges. Precision and recall of suggestions do not ask for direction.",
        verdict(frame),
        report.markdown(curve(frame)),
        "### Cost\n\nOne process, one thread; the machine may have been shared.\n\n"
        + report.markdown(costs),
    ]
    return "\n\n".join(parts)


def run(options):
    """Measure, and write falsification.csv, falsification.json and the page."""
    identity = environments.source_hash()
    n_draws = min(options.draws, 10) if options.quick else options.draws
    costs = pd.DataFrame([cost(*one) for one in COSTS])
    parallel = Parallel(n_jobs=options.workers, return_as="generator")
    fresh = parallel(delayed(draw)(seed) for seed in range(n_draws))
    rows = [row for rows in tqdm(fresh, total=n_draws, unit="graph") for row in rows]
    frame = pd.DataFrame(rows)
    report.RESULTS.mkdir(exist_ok=True)
    frame.round(5).to_csv(report.RESULTS / "falsification.csv", index=False)
    facts = {"quick": bool(options.quick), "draws": n_draws}
    report.save_section("falsification", page(frame, costs), facts, identity)
