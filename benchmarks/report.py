"""results/README.md from the files next to it: tables, and what they say in words."""

import json
import os
import platform
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks import environments

RESULTS = Path(__file__).resolve().parent / "results"
SECTIONS = (
    "accuracy",
    "coverage",
    "speed",
    "forest",
    "averages",
    "identification",
    "falsification",
    "agreement",
    "fairness",
    "structural",
    "deconfounder",
)


def machine():
    try:
        cores = len(os.sched_getaffinity(0))
    except AttributeError:
        cores = os.cpu_count()
    return f"{cores} cores, {platform.system()} {platform.machine()}, " + (
        f"Python {platform.python_version()}"
    )


def markdown(frame):
    """Return a frame as a Markdown table; text to the left, the rest to the right."""
    head = "| " + " | ".join(map(str, frame.columns)) + " |"
    numeric = [pd.api.types.is_numeric_dtype(kind) for kind in frame.dtypes]
    rule = "|" + "|".join("---:" if right else "---" for right in numeric) + "|"
    body = [
        "| " + " | ".join(_cell(value) for value in row) + " |"
        for row in frame.itertuples(index=False)
    ]
    return "\n".join([head, rule, *body])


def _cell(value):
    if isinstance(value, (float, np.floating)):
        return "" if np.isnan(value) else f"{value:.3g}"
    return str(value)


def versions_line(versions):
    parts = []
    for library, found in versions.items():
        inside = ", ".join(f"{k} {v}" for k, v in found.items() if k != library)
        own = f"{library} {found[library]}"
        parts.append(f"{own} ({inside})" if inside else own)
    return "; ".join(parts)


def median_ratio(ratios, n_resamples=10_000, seed=0):
    """Median with a 95 % percentile bootstrap interval over problems."""
    ratios = np.asarray(ratios, dtype=float)
    rng = np.random.default_rng(seed)
    rows = rng.integers(len(ratios), size=(n_resamples, len(ratios)))
    medians = np.median(ratios[rows], axis=1)
    lower, upper = np.quantile(medians, [0.025, 0.975])
    return float(np.median(ratios)), float(lower), float(upper)


def interval_text(triple):
    return f"{triple[0]:.3f} [{triple[1]:.3f}, {triple[2]:.3f}]"


def mean_text(values):
    values = np.asarray(values, dtype=float)
    if len(values) < 2:
        return f"{values.mean():.3f}"
    return f"{values.mean():.3f} ({values.std(ddof=1) / np.sqrt(len(values)):.3f})"


def save_section(name, text, facts, identity):
    """Keep one benchmark's text, then write the page from all that is kept.

    ``identity`` is the hash of skcausal's source when the run began.
    """
    RESULTS.mkdir(exist_ok=True)
    if environments.source_hash() != identity:
        text = "**The source of skcausal changed during this run.**\n\n" + text
    content = {"machine": machine(), "skcausal_source": identity, **facts, "text": text}
    path = RESULTS / f"{name}.json"
    path.write_text(json.dumps(content, indent=1) + "\n")
    write_page()


def write_page():
    parts = [
        "# Benchmark results\n\n"
        "Written by `python benchmarks/run.py NAME`; do not "
        "edit. The numbers behind the tables are in the files next to this page."
    ]
    for name in SECTIONS:
        path = RESULTS / f"{name}.json"
        if path.exists():
            content = json.loads(path.read_text())
            quick = " **Quick run, for a look only.**" if content.get("quick") else ""
            parts.append(
                f"## {name.capitalize()}\n\n<!-- {name} begins -->\n\n"
                f"{content['machine']}; skcausal source "
                f"{content['skcausal_source']}.{quick}\n\n{content['text']}\n\n"
                f"<!-- {name} ends -->"
            )
    (RESULTS / "README.md").write_text("\n\n".join(parts) + "\n")
