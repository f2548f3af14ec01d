"""Coverage of the 95 % intervals that skcausal prints, on designs with known truth.

A cell passes if the 99 % Clopper-Pearson interval of its coverage meets [.93, .97].
Nuisances are shared in the process by the learners of one draw (integer random_state).
"""

import json
import warnings
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from scipy import stats
from tqdm import tqdm

from benchmarks import average_designs, coverage_tables, environments, problems

LEVEL = 0.95
LEARNERS = ("S", "T", "X", "R", "DR")
TARGETS = ("all", "treated")
SIZES = (1000, 4000)
POINTS = np.zeros((5, problems.N_FEATURES))  # where pointwise intervals are checked
POINTS[1, 0], POINTS[2, 0], POINTS[3, 3], POINTS[4, [0, 3]] = 1.0, -1.0, 1.0, [1.5, -1]


@dataclass(frozen=True)
class Table:
    """One table: a function of a seed that gives the rows of one draw."""

    kind: str
    name: str
    draw: object


def learner_of(name, nuisances, seed, **parameters):
    """Return a learner with default nuisances, or linear and logistic ones."""
    from sklearn.linear_model import LinearRegression, LogisticRegression

    from skcausal import estimation

    if nuisances == "linear":
        parameters["outcome_model"] = LinearRegression()
        propensity = "treatment_model" if name == "R" else "propensity_model"
        parameters[propensity] = LogisticRegression(C=np.inf)
        if name in ("X", "R", "DR"):
            parameters.setdefault("effect_model", LinearRegression())
    class_ = getattr(estimation, f"{name}Learner")
    return class_(**parameters, random_state=seed % 2**31)


def average_draw(seed, n, nuisances):
    """ATE and ATT of the five learners on one sample."""
    data = problems.confounded(n, seed)
    rows = []
    for name in LEARNERS:
        learner = learner_of(name, nuisances, seed)
        learner.fit(data.X, data.y, treatment=data.treatment)
        for target in TARGETS:
            found = learner.average_effect(target=target)
            lower, upper = found.interval(LEVEL)
            rows.append(
                {
                    "cell": f"{name} {target}",
                    "value": float(found.value),
                    "se": float(found.standard_error),
                    "lower": float(lower),
                    "upper": float(upper),
                    "truth": problems.true_average(target),
                }
            )
    return rows


def interval_draw(seed, n, clusters):
    """Pointwise intervals of R and DR with a linear effect model, and their centre."""
    from sklearn.linear_model import LinearRegression

    make = problems.clustered if clusters else problems.confounded
    data = make(n, seed, problems.linear_effect)
    truth = problems.linear_effect(POINTS)
    rows = []
    for name in ("R", "DR"):
        learner = learner_of(name, "default", seed, effect_model=LinearRegression())
        learner.fit(data.X, data.y, treatment=data.treatment, groups=data.groups)
        values = learner.effect(POINTS)
        lower, upper = learner.effect_interval(POINTS, level=LEVEL)
        se = (upper - lower) / (2 * stats.norm.ppf(0.5 + LEVEL / 2))
        rows += [
            {
                "cell": f"{name} point {k + 1}",
                "value": float(values[k]),
                "se": float(se[k]),
                "lower": float(lower[k]),
                "upper": float(upper[k]),
                "truth": float(truth[k]),
            }
            for k in range(len(POINTS))
        ]
    return rows


def autoc_draw(seed, n):
    """AUTOC on rows that neither fit saw, where every effect is the same."""
    from skcausal.estimation._evaluation import effect_scores
    from skcausal.validation import rate_score

    data = problems.confounded(n, seed, problems.constant_effect)
    half = n // 2
    scores = effect_scores(
        data.X[half:], data.y[half:], treatment=data.treatment[half:]
    )
    rows = []
    for name in ("T", "DR"):
        learner = learner_of(name, "default", seed)
        learner.fit(data.X[:half], data.y[:half], treatment=data.treatment[:half])
        rate = rate_score(
            learner.effect(data.X[half:]), scores=scores, random_state=seed % 2**31
        )
        lower, upper = rate.interval(LEVEL)
        rows.append(
            {
                "cell": f"{name}, {half} rows held out",
                "value": float(rate.value),
                "se": float(rate.standard_error),
                "lower": float(lower),
                "upper": float(upper),
                "truth": 0.0,
                "p_value": float(rate.p_value),
            }
        )
    return rows


def all_tables():
    tables = []
    for nuisances in ("linear", "default"):
        for n in SIZES:
            draw = partial(average_draw, n=n, nuisances=nuisances)
            tables.append(Table("average", f"average-{nuisances}-{n}", draw))
    for clusters in (False, True):
        for n in SIZES:
            draw = partial(interval_draw, n=n, clusters=clusters)
            name = f"interval-{'clusters' if clusters else 'rows'}-{n}"
            tables.append(Table("interval", name, draw))
    for n in SIZES:
        tables.append(Table("autoc", f"autoc-{n}", partial(autoc_draw, n=n)))
    pairs = average_designs.tables(SIZES[0])
    return tables + [Table("one number", name, draw) for name, draw in pairs]


def one_draw(table, seed):
    """Rows of one draw, or its error; nothing is left out silently."""
    from skcausal.estimation._cache import clear_cache

    warnings.simplefilter("ignore")
    clear_cache()
    try:
        return {"seed": seed, "rows": table.draw(seed)}
    except Exception as error:
        return {"seed": seed, "error": f"{type(error).__name__}: {error}"[:300]}


def file_of(table, options):
    """Where finished draws of a table lie; a changed source starts another file."""
    name = f"{table.name}-{options.identity}.jsonl"
    return Path(options.cache) / "coverage" / name


def finished(table, options):
    path = file_of(table, options)
    lines = path.read_text().splitlines() if path.exists() else []
    results = [json.loads(line) for line in lines]
    return [result for result in results if result["seed"] < options.draws]


def run_table(table, options):
    """Run the draws that are missing; keep each as a line of a file."""
    path = file_of(table, options)
    path.parent.mkdir(parents=True, exist_ok=True)
    if not options.resume:
        path.unlink(missing_ok=True)
    done = {result["seed"] for result in finished(table, options)}
    seeds = [seed for seed in range(options.draws) if seed not in done]
    parallel = Parallel(n_jobs=options.workers, return_as="generator_unordered")
    fresh = parallel(delayed(one_draw)(table, seed) for seed in seeds)
    with path.open("a") as file:
        for result in tqdm(fresh, total=len(seeds), desc=table.name, unit="draw"):
            file.write(json.dumps(result) + "\n")
            file.flush()


def gather(table, results):
    """Return one row per cell of a table."""
    rows = [row for result in results for row in result.get("rows", [])]
    errors = [result["error"] for result in results if "error" in result]
    if not rows:
        print(f"coverage: every draw of {table.name} failed: {errors[0]}")
        return []
    cells = []
    for cell, group in pd.DataFrame(rows).groupby("cell", sort=False):
        summary = coverage_tables.summarise(group)
        cells.append({"table": table.name, "kind": table.kind, "cell": cell} | summary)
    for cell in cells:
        cell["failed_draws"] = len(errors)
    return cells


def run(options):
    """Run the tables asked for; write all that this source has draws of."""
    if options.quick:
        options.draws = min(options.draws, 20)
    options.identity = environments.source_hash()
    for table in all_tables():
        if options.only in table.name:
            run_table(table, options)
    cells = []
    for table in all_tables():
        results = finished(table, options)
        if results:
            cells += gather(table, results)
    if not cells:
        raise SystemExit(
            f"coverage: no table is called *{options.only}*, or all failed"
        )
    coverage_tables.save(pd.DataFrame(cells), options)
