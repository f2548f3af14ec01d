"""Recommendations with and without adjustment, on ratings of items drawn at random."""

import os
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
from tqdm import tqdm

from benchmarks import report

N_SEEDS = 10
MEASURES = ("mse", "mae", "ndcg", "recall")
COMPONENTS, PENALTIES = (2, 5, 10), (2.0, 5.0, 10.0, 20.0)
SIMULATED = """\
Ratings of `make_ratings` (200 users, 150 items, three traits behind choices, three \
behind tastes), means over 10 draws of the matrix factorisation without adjustment and \
of the adjusted one less it, with standard errors: "random" are ratings of items shown \
at random, "chosen" held-out ratings that users chose to give. Defaults of \
`DeconfoundedRecommender`, with the number of factors shown. With confounding 0 there \
is nothing to adjust for. Published figures of this simulation are not at hand."""
COAT = """\
Coat (290 users, 300 coats; Schnabel et al. 2016): learnt from the 6,960 ratings that \
users chose to give, tested on 4,640 of coats drawn at random. Factors and penalty are \
chosen by a fifth of the training ratings, held out, for each method by itself. The \
standard error of the difference in mse is over users."""


def fitted(ratings, **options):
    from skcausal.estimation.deconfounding import DeconfoundedRecommender

    options = {"heldout_fraction": 0, "random_state": 0, **options}
    return DeconfoundedRecommender(**options).fit(ratings)


def simulated():
    """Return a row for each confounding, number of factors and split."""
    from skcausal.datasets import make_ratings

    rows = []
    for confounding, k in product((0.0, 0.5, 1.0), (3, 6)):
        found = {"random": [], "chosen": []}
        for seed in tqdm(range(N_SEEDS), desc=f"confounding {confounding:g}, {k}"):
            data = make_ratings(confounding=confounding, random_state=seed)
            models = [
                fitted(data.ratings, n_components=k, adjust=adjust)
                for adjust in ("none", "exposure")
            ]
            for part, pairs in found.items():
                pairs.append([model.evaluate(data[part]) for model in models])
        for part, pairs in found.items():
            row = {"confounding": confounding, "factors": k, "split": part}
            rows.append(row | differences(np.array(pairs)))
    return rows


def differences(pairs):
    """Return means without adjustment and differences, from (draws, 2, measures)."""
    row = {}
    for name, column in zip(MEASURES, np.moveaxis(pairs, 2, 0), strict=True):
        change = column[:, 1] - column[:, 0]
        error = change.std(ddof=1) / np.sqrt(len(change))
        row[name] = float(column[:, 0].mean())
        row[f"{name}, adjusted less plain"] = f"{change.mean():+.3f} ({error:.3f})"
    return row


def load_coat():
    """Return chosen and random ratings, NaN where there is none."""
    folder = Path(os.environ.get("SKCAUSAL_DATA", ".")) / "coat"
    tables = [np.loadtxt(folder / f"{name}.ascii.gz") for name in ("train", "test")]
    return [np.where(table > 0, table, np.nan) for table in tables]


def coat():
    """Return a row for each method."""
    train, test = load_coat()
    held_out = np.random.default_rng(0).random(train.shape) < 0.2
    kept, rest = np.where(held_out, np.nan, train), np.where(held_out, train, np.nan)
    rows, errors = [], []
    for adjust in ("none", "exposure"):
        grid = [
            {"n_components": k, "alpha": alpha, "adjust": adjust}
            for k, alpha in product(COMPONENTS, PENALTIES)
        ]
        losses = [
            fitted(kept, **options).evaluate(rest)["mse"]
            for options in tqdm(grid, desc=f"coat, {adjust}")
        ]
        best = grid[int(np.argmin(losses))]
        model = fitted(train, **best)
        row = {"factors": best["n_components"], "penalty": best["alpha"]}
        row |= {"mse of chosen": min(losses), **model.evaluate(test)}
        rows.append({"adjust": adjust, **row})
        errors.append((test - model.predict().to_numpy()) ** 2)
    change = errors[1] - errors[0]
    number = int((~np.isnan(change)).sum())
    centred = np.nansum(change - np.nanmean(change), axis=1)
    standard_error = float(np.sqrt((centred**2).sum())) / number
    rows[1]["mse less plain"] = f"{np.nanmean(change):+.3f} ({standard_error:.3f})"
    rows[0]["mse less plain"] = ""
    return rows


def measure():
    """Return the rows of both tables."""
    return {"simulated": simulated(), "coat": coat()}


def text_of(raw):
    """Return words and tables."""
    tables = [
        report.markdown(pd.DataFrame(raw[name])) for name in ("simulated", "coat")
    ]
    return "\n\n".join([SIMULATED, tables[0], COAT, tables[1]])
