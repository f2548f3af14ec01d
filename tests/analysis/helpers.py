"""A small table, and the command run on it."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from skcausal.analysis import main


def make_frame(n: int = 400, n_arms: int = 2, seed: int = 0) -> pd.DataFrame:
    """Make a randomised table with a strong, varying effect of 1 on average."""
    rng = np.random.default_rng(seed)
    age = rng.normal(40, 10, n)
    arm = rng.permutation(np.arange(n) % n_arms)
    effect = arm * (1 + (age > 40) - 0.5)
    return pd.DataFrame(
        {
            "age": age,
            "city": rng.choice(["Oslo", "Rome", "<script>alert(1)</script>"], n),
            "mail": arm,
            "sales": effect + 0.05 * age + rng.normal(0, 0.5, n),
        }
    )


@dataclass(frozen=True)
class Finished:
    """What a finished command left behind."""

    report: str
    json: dict[str, Any]
    folder: Path


def finish(
    folder: Path,
    frame: pd.DataFrame,
    *words: str,
    outcomes: tuple[str, ...] = ("sales",),
    refute: int = 0,
) -> Finished:
    """Run ``skcausal analyze`` on a table and read what it wrote."""
    table = folder / "shop.csv"
    frame.to_csv(table, index=False)
    out, results = folder / "report.html", folder / "result.json"
    ask = ["analyze", str(table), "--outcome", *outcomes, "--treatment", "mail"]
    ask += ["--refute", str(refute)]
    files = ["--out", str(out), "--json", str(results)]
    status = main([*ask, *files, "--quiet", "--time-budget", "1", *words])
    assert status == 0
    return Finished(out.read_text("utf-8"), json.loads(results.read_text()), folder)
