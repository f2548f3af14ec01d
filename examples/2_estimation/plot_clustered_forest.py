"""
What changes when rows come in groups?
======================================

Pupils of one school are alike in ways that no column records, and extra lessons work
better in some schools than in others. A forest that takes pupils for independent is too
sure of itself; told the schools by ``groups=``, it draws schools instead of pupils.
Here the study is repeated, so that intervals can be counted against the truth.
"""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.linear_model import LinearRegression

from skcausal.estimation import CausalForest, KnownPropensity


def draw_study(rng):
    """Return covariates, points, who got lessons, school, and expected effect."""
    pupils = rng.choice([15, 75], 120, p=[0.75, 0.25])  # of 120 schools
    school = np.repeat(np.arange(120), pupils)
    X = pd.DataFrame(
        {"pupils": pupils[school], "urban": rng.integers(0, 2, 120)[school]}
    )
    X["earlier points"] = rng.normal(50, 10, len(X))
    level, own_effect = rng.normal(0, 3, (2, 120))  # of schools, recorded nowhere
    expected = np.where(X["pupils"] == 15, 4.0, 1.0)  # lessons help more in small ones
    lessons = rng.integers(0, 2, len(X))  # drawn by lot for each pupil
    points = (
        X["earlier points"] + level[school] + (expected + own_effect[school]) * lessons
    )
    return X, points + rng.normal(0, 3, len(X)), lessons, school, expected


# %%
# Two averages may be meant. Three schools in four are small, but five pupils in eight
# go to a large one: the mean effect over pupils is 2.125, over schools 3.25.
# ``group_weighting`` says which of them the forest is for.
kinds = {
    "no groups": (2.125, "size"),
    'groups, "size"': (2.125, "size"),
    'groups, "equal"': (3.25, "equal"),
}
rows, rng = [], np.random.default_rng(0)
for _ in range(30):
    X, points, lessons, school, expected = draw_study(rng)
    for kind, (truth, weighting) in kinds.items():
        forest = CausalForest(
            LinearRegression(),
            KnownPropensity(0.5),
            n_estimators=100,
            min_samples_leaf=50,
            group_weighting=weighting,
            random_state=0,
        )
        groups = None if kind == "no groups" else school
        forest.fit(X, points, treatment=lessons, groups=groups)
        average = forest.average_effect()
        low, high = forest.effect_interval(X)
        covered = np.mean((low < expected) & (expected < high))
        error = average.standard_error
        rows.append((kind, truth, average.value, error, *average.interval(), covered))
names = "kind truth estimate standard_error lower upper pupils_covered"
studies = pd.DataFrame(rows, columns=names.split())

# %%
# The standard error should be about what estimates scatter by from study to study;
# without groups it is two fifths of that. The intervals of single pupils suffer too:
# the last column is the share that hold the effect expected of such a pupil.
by_kind = studies.groupby("kind", sort=False)
summary = by_kind[["truth", "estimate", "standard_error", "pupils_covered"]].mean()
summary.insert(3, "scatter", by_kind["estimate"].std())
summary.round(2)

# %%
# Each bar is the 95 % interval of one study, in red where it misses the truth. Groups
# leave the estimates as they are and make the intervals honest; equal weights ask
# about schools instead of pupils.
fig, axes = plt.subplots(1, 3, figsize=(9, 3.6), sharey=True, layout="constrained")
for ax, (kind, part) in zip(axes, by_kind, strict=True):
    truth = kinds[kind][0]
    misses = (part["lower"] > truth) | (part["upper"] < truth)
    color = np.where(misses, "#D55E00", "#0072B2")
    ax.vlines(range(30), part["lower"], part["upper"], color=color, linewidth=2)
    ax.scatter(range(30), part["estimate"], color=color, s=12, zorder=3)
    ax.axhline(truth, color="black", linestyle="--", linewidth=1.5)
    ax.set_title(f"{kind}: {misses.sum()} of 30 miss", fontsize=10)
    ax.set_xticks([])
    ax.set_xlabel("Studies")
    ax.spines[["top", "right"]].set_visible(False)
axes[0].set_ylabel("Average effect of lessons (points)")
plt.show()
