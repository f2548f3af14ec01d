"""
Which estimator of the average effect?
======================================

The same confounded table, the same question: what did the treatment do on average?
Estimators differ in what they model. Where a model is wrong, only those that also use
the other one survive. The data are made up, so each interval can be held against the
truth.
"""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.linear_model import LinearRegression, LogisticRegression

from skcausal.datasets import make_observational
from skcausal.estimation import AIPW, TMLE, PropensityWeighting, RegressionAdjustment

data = make_observational(
    4000, n_features=5, confounding="nonlinear", effect="constant", random_state=0
)
truth = data.population["average_effect"]
frame = data.frame
arms = [frame.loc[frame["treatment"] == arm, "outcome"] for arm in (0, 1)]
difference = arms[1].mean() - arms[0].mean()
error = np.sqrt(sum(arm.var() / len(arm) for arm in arms))
print(f"truth {truth:.2f}, difference of means {difference:.2f}")

# %%
# Confounding is not linear here. Models that are linear in the covariates are wrong
# about the outcome and about the treatment; boosted trees, the default of `AIPW` and
# `TMLE`, are not. `RegressionAdjustment` and `PropensityWeighting` have intervals only
# for models with a fixed number of coefficients.
line, logit = LinearRegression(), LogisticRegression()
estimators = {
    "regression, linear": RegressionAdjustment(),
    "weighting, logistic": PropensityWeighting(),
    "AIPW, both linear": AIPW(line, logit, random_state=0),
    "AIPW, trees for the outcome": AIPW(None, logit, random_state=0),
    "AIPW, trees for both": AIPW(random_state=0),
    "TMLE, trees for both": TMLE(random_state=0),
}
rows = {
    "difference of means": [difference, difference - 1.96 * error],
}
for name, estimator in estimators.items():
    estimate = estimator.fit(data.X, data.y, treatment=data.treatment).average_effect()
    rows[name] = [estimate.value, estimate.interval()[0]]
table = pd.DataFrame(rows, index=["estimate", "lower"]).T
table["upper"] = 2 * table["estimate"] - table["lower"]
table.round(2)

# %%
# The short intervals of wrong models are the danger: they are precise about the wrong
# number, and more rows make them more so. Trees for the outcome alone repair most of
# it; using them for both is what the interval of `AIPW` and `TMLE` is made for.
positions = np.arange(len(table))[::-1]
fig, ax = plt.subplots(figsize=(7, 3.8), layout="constrained")
ax.errorbar(
    table["estimate"],
    positions,
    xerr=table["upper"] - table["estimate"],
    fmt="o",
    color="#0072B2",
    capsize=3,
    label="estimate, 95 % interval",
)
ax.axvline(truth, color="k", linestyle="--", linewidth=1, label="truth")
ax.set_yticks(positions, table.index)
ax.set_xlabel("Average effect (units of the outcome)")
ax.spines[["top", "right"]].set_visible(False)
ax.legend(frameon=False, loc="lower right")
plt.show()
