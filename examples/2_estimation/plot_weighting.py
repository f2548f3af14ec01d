"""
What does balance cost?
=======================

Weights make the treated and the controls alike, so that a comparison of weighted means
is fair. There are many such weights. They differ in how alike the arms become, and in
how many rows' worth of information are left.
"""

import warnings

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.linear_model import LinearRegression

from skcausal import OverlapWarning
from skcausal.datasets import make_observational
from skcausal.estimation import (
    BalancedEffect,
    EntropyBalancing,
    InverseProbabilityWeights,
    OverlapWeights,
    StableBalancingWeights,
)

warnings.simplefilter("ignore", OverlapWarning)  # small propensities: see below
data = make_observational(
    2000, n_features=8, confounding=1.3, effect="constant", random_state=4
)
print(f"The true effect is {data.average_effect:.2f} for every row.")

# %%
# Each weighter is fitted to covariates and treatment; the outcome is not looked at.
# Stable weights with a tolerance leave a difference, which a linear outcome model then
# takes care of.
weighters = {
    "inverse probability": InverseProbabilityWeights(),
    "entropy balancing": EntropyBalancing(),
    "stable, within 0.05": StableBalancingWeights(tolerance=0.05),
    "overlap": OverlapWeights(),
}
rows, balance = [], {}
for name, weighter in weighters.items():
    outcome_model = LinearRegression() if name.startswith("stable") else None
    learner = BalancedEffect(weighter, outcome_model, random_state=0)
    learner.fit(data.X, data.y, treatment=data.treatment)
    estimate = learner.average_effect()
    size = sum(learner.weighter_.effective_sample_size_.values())
    rows.append((name, size, estimate.value, *estimate.interval()))
    balance[name] = learner.weighter_.balance_["after"]
table = pd.DataFrame(
    rows, columns=["weights", "effective rows", "estimate", "lower", "upper"]
).set_index("weights")
table.round(2)

# %%
# The Love plot on the left shows the standardised difference of each covariate. Inverse
# probabilities balance on average only, and a few rows with small propensities leave
# the fewest effective rows and the longest interval. The others balance what they are
# asked to: exactly, or each arm within 0.05 of everyone. Overlap weights answer another
# question, about rows that could have gone either way; with a constant effect the
# answer is the same.
COLOURS = ["#0072B2", "#D55E00", "#009E73", "#CC79A7"]
fig, (left, right) = plt.subplots(1, 2, figsize=(10, 4.2), layout="constrained")
before = learner.weighter_.balance_["before"].sort_values()
places = np.arange(len(before))
left.plot(before, places, "ko", mfc="none", label="before")
for position, (name, after) in enumerate(balance.items()):
    heights = places + 0.12 * (position - 1.5)
    left.plot(after[before.index], heights, "o", color=COLOURS[position], label=name)
left.axvline(0.1, color="grey", linestyle=":", linewidth=1)
left.set_yticks(places, before.index)
left.set_xlabel("Difference of means (standard deviations)")
left.set_ylabel("Covariate")
for (_, row), colour in zip(table.iterrows(), COLOURS, strict=True):
    error = [[row["estimate"] - row["lower"]], [row["upper"] - row["estimate"]]]
    right.errorbar(
        row["effective rows"], row["estimate"], error, fmt="o", color=colour, capsize=3
    )
right.axhline(data.average_effect, color="black", linewidth=1, label="truth")
right.set_xlabel("Effective sample size (rows)")
right.set_ylabel("Average effect, 95 % interval\n(units of the outcome)")
for ax in (left, right):
    ax.spines[["top", "right"]].set_visible(False)
    ax.legend(frameon=False)
plt.show()
