"""The deconfounder beside published figures, and curves of its bias."""

import json
import time
import warnings

import numpy as np
import pandas as pd
from tqdm import tqdm

from benchmarks import (
    deconfounder_claims,
    deconfounder_genes,
    deconfounder_likelihood,
    deconfounder_ratings,
    deconfounder_smoking,
    environments,
    report,
)

DRAWS = 100
NUMBERS_OF_CAUSES = (3, 5, 10, 20, 50, 100)
INTRODUCTION = """\
2,828 films, 901 actors, logarithm of the revenue (Wang and Blei 2019, section 6.3). \
"Alone" are regressions of the standardised revenue on one actor at a time (least \
squares), without and with the factors of all actors; correlations are between the 901 \
coefficients without and with. Factors are fitted as the authors did, to their \
training entries of the casts (12,378 of 14,023). Published figures are recomputed \
from the factors that the authors of the method published; the training log of their \
DEF reports the error of predicting 0 everywhere, so theirs changes nothing. Seconds \
are those of the whole fit (asked: PPCA below 60, PF below 120, DEF below 900). The \
last three columns count actors who fall or rise most in the published factors among \
our twenty, and three actors of the Harry Potter films who fall."""
CURVES = """\
Bias of the coefficients (root mean square over causes, {draws} draws of 2,000 rows), \
one normal confounder of all causes, true effects normal: regressions on one cause, on \
all causes without the confounder, and the deconfounder with one factor."""


def factor_models(quick):
    from skcausal.estimation import deconfounding

    found = {
        "PPCA": deconfounding.PPCAFactorModel(50),
        "PF": deconfounding.PoissonFactorModel(50, random_state=0),
    }
    if not quick:
        found["DEF"] = deconfounding.DeepExponentialFamily(random_state=0)
    return found


def alone(data, models):
    """Return rows of figures and, by factor model, the tables of coefficients."""
    rows, tables = [], {}
    entries = data.training.toarray()
    for name, model in tqdm(models.items(), desc="factors"):
        start = time.perf_counter()
        confounder = model.fit_transform(entries)
        taken = time.perf_counter() - start
        table = tables[name] = single(data, confounder)
        rows.append({"factors": name, "seconds": taken, **figures(table)})
    covariates = {
        "log budget, runtime": np.log(data.budget.clip(lower=1)),
        "budget, runtime": data.budget,
    }
    for name, budget in covariates.items():
        rows.append({"factors": name, **figures(beside(data, budget))})
    rows += with_genres(data, models["PPCA"]) if "PPCA" in models else []
    return rows, tables


def with_genres(data, model):
    """Return figures of the actors with genres as covariates, and as causes."""
    from skcausal.estimation.deconfounding import Deconfounder

    table = pd.concat([data.X, data.genres], axis=1)
    roles = {"covariates": list(data.X), "causes": None}
    rows = []
    for role, causes in roles.items():
        fitted = Deconfounder(
            model, causes=causes, heldout_fraction=0, random_state=0
        ).fit(table, data.y)
        effects = fitted.single_cause_effects().loc[list(data.X)]
        rows.append({"factors": f"PPCA, genres as {role}", **figures(effects)})
    return rows


def beside(data, budget):
    """Return coefficients with budget and runtime in place of factors."""
    return single(data, np.column_stack([budget, data.runtime]).astype(float))


def single(data, confounder):
    """Return coefficients of one actor at a time, without and with a confounder."""
    from skcausal.estimation.deconfounding._single import single_cause_table

    A = data.X.to_numpy(dtype=float)
    return single_cause_table(list(data.X), A, data.y.to_numpy(), A[:, :0], confounder)


def figures(table):
    """Return what is compared with published figures."""
    change = table["difference"]
    both = table[["naive", "deconfounded"]].corr().iloc[0, 1]
    fallers, risers = change.nsmallest(20).index, change.nlargest(20).index
    return {
        "correlation": both,
        "Stan Lee alone": int(table["rank_naive"]["Stan Lee"]),
        "Stan Lee": int(table["rank"]["Stan Lee"]),
        "fallers": len(set(fallers) & set(deconfounder_claims.FALLERS)),
        "risers": len(set(risers) & set(deconfounder_claims.RISERS)),
        "wizards fall": int((change[list(deconfounder_claims.WIZARDS)] < 0).sum()),
    }


def bias_curves(draws=DRAWS, sizes=NUMBERS_OF_CAUSES, n=2000):
    """Return the bias of three regressions as the causes grow in number."""
    from skcausal.estimation.deconfounding import Deconfounder, PPCAFactorModel

    rows = []
    for m in tqdm(sizes, desc="causes"):
        errors = {"one cause": [], "all causes": [], "deconfounder": []}
        for seed in range(draws):
            random = np.random.default_rng(seed)
            z, effects = random.normal(size=n), random.normal(size=m) / np.sqrt(m)
            A = z[:, None] + random.normal(size=(n, m))
            y = A @ effects + 2 * z + random.normal(size=n)
            model = Deconfounder(
                PPCAFactorModel(1), heldout_fraction=0, random_state=0
            ).fit(A, y)
            found = model._models
            centred = A - A.mean(axis=0)
            slopes = centred.T @ y / (centred**2).sum(axis=0)
            errors["one cause"].append(slopes - effects)
            errors["all causes"].append(found.naive.coefficients - effects)
            errors["deconfounder"].append(found.fit.coefficients - effects)
        bias = {
            name: float(np.sqrt(np.mean(np.mean(found, axis=0) ** 2)))
            for name, found in errors.items()
        }
        rows.append({"causes": m, **bias})
    return rows


def run(options):
    """Measure, and write the section."""
    from skcausal.datasets import fetch_tmdb5000

    identity = environments.source_hash()
    path = report.RESULTS / "deconfounder.json"
    known = json.loads(path.read_text()) if path.exists() else {}
    fresh = known.get("skcausal_source") == identity
    raw = known["raw"] if fresh and not known.get("quick") else {}
    data = fetch_tmdb5000()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        models = factor_models(options.quick)
        if "actors".startswith(options.only):
            raw["actors"], tables = alone(data, models)
            raw["claims"] = deconfounder_claims.table(tables).to_dict("records")
        if "likelihood".startswith(options.only):
            raw["likelihood"] = deconfounder_likelihood.table(data, models)
        if "curves".startswith(options.only):
            draws = 5 if options.quick else DRAWS
            raw["curves"] = bias_curves(draws)
            raw["draws"] = draws
        if "smoking".startswith(options.only):
            raw["smoking"] = deconfounder_smoking.measure()
        if "genes".startswith(options.only):
            raw["genes"] = deconfounder_genes.measure()
        if "ratings".startswith(options.only):
            raw["ratings"] = deconfounder_ratings.measure()
    facts = {"quick": bool(options.quick), "raw": raw}
    report.save_section("deconfounder", text_of(raw), facts, identity)


def text_of(raw):
    """Return the section's text from what is measured."""
    parts = []
    if "actors" in raw:
        parts += [
            INTRODUCTION,
            report.markdown(deconfounder_claims.beside_published(raw["actors"])),
            deconfounder_claims.WORDS,
            report.markdown(pd.DataFrame(raw["claims"])),
        ]
    if "likelihood" in raw:
        found = pd.DataFrame(raw["likelihood"])
        parts += [deconfounder_likelihood.WORDS, report.markdown(found)]
    if "curves" in raw:
        draws = raw["draws"]
        curves = report.markdown(pd.DataFrame(raw["curves"]))
        parts += [CURVES.format(draws=draws), curves]
    if "smoking" in raw:
        parts.append(deconfounder_smoking.text_of(raw["smoking"]))
    if "genes" in raw:
        parts.append(deconfounder_genes.text_of(raw["genes"]))
    if "ratings" in raw:
        parts.append(deconfounder_ratings.text_of(raw["ratings"]))
    return "\n\n".join(parts)
