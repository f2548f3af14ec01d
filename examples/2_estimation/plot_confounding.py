"""
Can we trust a comparison that nobody randomised?
=================================================

Without a lottery, treated and untreated rows differ before the treatment, and the
difference of their mean outcomes mixes that with the effect. Adjusting for the
covariates removes the mixture, if they hold *every* common cause of treatment and
outcome. This example adjusts well, and then again with one common cause missing.
"""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from skcausal.datasets import make_observational
from skcausal.estimation import DRLearner

data = make_observational(4000, confounding="nonlinear", random_state=0)
treated = data.treatment == 1

# %%
# The simple comparison is wrong, and very sure of itself.
groups = data.y.groupby(data.treatment)
naive = groups.mean()[1] - groups.mean()[0]
naive_error = np.sqrt((groups.var() / groups.size()).sum())
print(f"difference in means {naive:.2f} (standard error {naive_error:.2f})")
print(f"true average effect {data.average_effect:.2f}")

# %%
# The DR-learner models the outcome within each arm and the probability of treatment.
# Both models are boosted trees by default; the confounding here is not linear.
learner = DRLearner(random_state=0).fit(data.X, data.y, treatment=data.treatment)
adjusted = learner.average_effect()

# %%
# Now the same with ``x1`` hidden. The estimate moves back towards the wrong answer
# while the interval stays narrow: an interval measures the noise of the sample and
# knows nothing about what was not recorded. No statistic of this table would tell.
blind = DRLearner(random_state=0)
blind.fit(data.X.drop(columns="x1"), data.y, treatment=data.treatment)
hidden = blind.average_effect()

rows = {
    "no adjustment": (
        naive,
        naive - 1.96 * naive_error,
        naive + 1.96 * naive_error,
    ),
    "adjusted without x1": (hidden.value, *hidden.interval()),
    "adjusted for all": (adjusted.value, *adjusted.interval()),
}
table = pd.DataFrame.from_dict(
    rows, orient="index", columns=["estimate", "lower", "upper"]
)
table.assign(truth=data.average_effect).round(2)

# %%
# What the data *can* show is overlap: for every kind of row both arms must have
# occurred. The out-of-fold propensities of the fitted learner answer that. Here both
# arms reach from about 0.1 to 0.9 and no row is without a counterpart.
propensity = learner.nuisances_["propensity"][0, :, 1]

BLUE, ORANGE, GREY = "#0072B2", "#D55E00", "#6B6B6B"
fig, (left, right) = plt.subplots(1, 2, figsize=(9.5, 3.8), layout="constrained")
left.errorbar(
    table["estimate"],
    table.index,
    xerr=np.abs(table[["lower", "upper"]].sub(table["estimate"], axis=0)).T,
    fmt="o",
    color=BLUE,
    capsize=3,
)
left.axvline(data.average_effect, color=ORANGE, linestyle="--", label="truth")
left.set_xlabel("Average effect, 95 % interval (units of the outcome)")
left.set_ylim(-0.5, 2.5)
left.legend(frameon=False, loc="upper right")
bins = np.linspace(0, 1, 31)
right.hist(propensity[treated], bins, color=BLUE, alpha=0.6, label="treated")
right.hist(propensity[~treated], bins, color=ORANGE, alpha=0.6, label="control")
right.set_xlabel("Estimated probability of treatment")
right.set_ylabel("Rows")
right.legend(frameon=False)
for ax in (left, right):
    ax.spines[["top", "right"]].set_visible(False)
plt.show()
