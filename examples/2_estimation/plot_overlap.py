"""
What can be learned where the arms hardly overlap?
==================================================

Some rows are treated almost surely, others almost never. For them the data hold nearly
no comparison, and an average over everyone has to lean on a few odd rows with huge
weights. The way out is to ask about the rows for which the data do hold a comparison.
"""

import warnings

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from skcausal import OverlapWarning
from skcausal.datasets import make_observational
from skcausal.estimation import DRLearner

warnings.simplefilter("ignore", OverlapWarning)  # its count is printed below

# %%
# Two tables that differ in one thing only: how strongly the covariates decide who is
# treated.
tables = {
    "fair overlap": make_observational(3000, confounding=0.7, random_state=1),
    "weak overlap": make_observational(
        3000, confounding=2.5, overlap=0.002, random_state=1
    ),
}
targets = {"all": "all rows", "treated": "treated", "overlap": "overlap"}
rows, propensities = [], {}
for name, data in tables.items():
    learner = DRLearner(random_state=0).fit(data.X, data.y, treatment=data.treatment)
    propensities[name] = learner.nuisances_["propensity"][0, :, 1]
    for target, label in targets.items():
        estimate = learner.average_effect(target=target)
        lower, upper = estimate.interval()
        key = "average_effect" + ("" if target == "all" else f"_{target}")
        rows.append((name, label, estimate.value, lower, upper, data[key]))
    raised = learner.n_raised_propensities_
    print(f"{name}: {raised} propensities below {learner.min_propensity} were raised")

# %%
# With fair overlap all three questions get a good answer. With weak overlap the
# estimate for everyone misses the truth by several of its own standard errors: models
# extrapolate where one arm is missing, and raised propensities trade variance for bias.
# The warning that names the raised rows should be taken seriously. The overlap-weighted
# effect is still right and precise. It is the answer to *another* question, about rows
# that could have gone either way, so its truth is a number of its own.
columns = ["data", "population", "estimate", "lower", "upper", "truth"]
table = pd.DataFrame(rows, columns=columns).set_index(["data", "population"])
table.round(2)

# %%
# The histogram is the first thing to look at in any observational study: mass at 0 and
# 1 says that the question about everyone has no answer in these data.
BLUE, ORANGE = "#0072B2", "#D55E00"
fig, (left, right) = plt.subplots(1, 2, figsize=(9.5, 4), layout="constrained")
bins = np.linspace(0, 1, 41)
for (name, values), colour in zip(propensities.items(), (BLUE, ORANGE), strict=True):
    left.hist(values, bins, color=colour, alpha=0.6, label=name)
    part = table.loc[name]
    places = np.arange(len(part)) + (0.12 if colour == ORANGE else -0.12)
    right.errorbar(
        places,
        part["estimate"],
        yerr=np.abs(part[["lower", "upper"]].sub(part["estimate"], axis=0)).T,
        fmt="o",
        color=colour,
        capsize=3,
        label=name,
    )
    right.plot(places, part["truth"], "kD", mfc="none", markersize=7)
right.errorbar([], [], fmt="kD", mfc="none", label="truth")
left.set_xlabel("Estimated probability of treatment")
left.set_ylabel("Rows")
right.set_xticks(range(len(targets)), list(targets.values()))
right.set_xlabel("Population")
right.set_ylabel("Average effect, 95 % interval\n(units of the outcome)")
for ax in (left, right):
    ax.spines[["top", "right"]].set_visible(False)
    ax.legend(frameon=False)
plt.show()
