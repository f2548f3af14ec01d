"""
Did the offer work, for whom, and by how much?
==============================================

An online shop sent an offer to half of its customers, drawn by lot, and recorded what
everybody spent in the month after. Three numbers answer most questions about such a
test: the average effect, the effect in subgroups, and the lift. The data are made up,
so each of them can be held against the truth.
"""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from skcausal.datasets import make_ab_test
from skcausal.estimation import DRLearner, KnownPropensity

data = make_ab_test(10_000, random_state=0)
data.frame.head()

# %%
# The textbook answer is the difference between the two mean outcomes. Customers were
# drawn by lot, so it is unbiased.
spend = data.frame.groupby("treatment")["spend"]
difference = spend.mean()[1] - spend.mean()[0]
standard_error = np.sqrt((spend.var() / spend.size()).sum())
print(f"difference in means {difference:.2f} (standard error {standard_error:.2f})")

# %%
# A learner uses what is known about the customers to explain away part of the noise.
# The offer went to each customer with probability one half, and we say so: then the
# average effect stays unbiased however poor the outcome models are, and the standard
# error gets smaller.
learner = DRLearner(propensity_model=KnownPropensity(0.5), random_state=0)
learner.fit(data.X, data.y, treatment=data.treatment)
average = learner.average_effect()
print(
    f"average effect {average.value:.2f} (standard error {average.standard_error:.2f})"
)
print(f"true average effect {data.average_effect:.2f}, in the currency of the shop")

# %%
# The lift is the ratio of the two mean outcomes, and has an interval too.
lift = learner.average_effect(scale="ratio")
lower, upper = lift.interval()
means = data.outcome_means.mean(axis=0)
print(f"lift {lift.value - 1:.1%}, from {lower - 1:.1%} to {upper - 1:.1%}")
print(f"true lift {means[1] / means[0] - 1:.1%}")

# %%
# Subgroups are labels of the training rows. These were chosen before looking at the
# outcome. Searching for the best of many subgroups and reporting its interval would be
# too good to be true.
days = pd.cut(
    data.X["recency"],
    [-1, 15, 30, 60, 365],
    labels=[f"last order {d} days ago" for d in ("0-15", "16-30", "31-60", "61-365")],
)
channel = "channel " + data.X["channel"].astype(str)
by_days, by_channel = (learner.average_effect(by=part) for part in (days, channel))
table = pd.concat([part.summary() for part in (average, by_days, by_channel)])
table = table.rename({"1 vs 0": "all customers"})
effect = pd.Series(data.effect)
truth = pd.concat([effect.groupby(days).mean(), effect.groupby(channel).mean()])
truth["all customers"] = data.average_effect
table["truth"] = truth
table[["estimate", "lower", "upper", "truth"]].round(2)

# %%
# Two subgroups differ if the interval of their *difference* excludes zero; whether
# their own intervals overlap is a poor guide. Estimates can be subtracted.
by_days["last order 61-365 days ago"] - by_days["last order 0-15 days ago"]

# %%
# Customers whose last order is long ago gain most, and so do users of the app. Each
# interval misses its truth in one test of twenty; of nine, some miss quite often.
positions = [0, 1.5, 2.5, 3.5, 4.5, 6, 7, 8, 9]
fig, ax = plt.subplots(figsize=(7, 4.4), layout="constrained")
ax.errorbar(
    table["estimate"],
    positions,
    xerr=np.abs(table[["lower", "upper"]].sub(table["estimate"], axis=0)).T,
    fmt="o",
    color="#0072B2",
    capsize=3,
    label="estimate, 95 % interval",
)
ax.errorbar(table["truth"], positions, fmt="kD", mfc="none", label="truth")
ax.axvline(0, color="#6B6B6B", linewidth=1)
ax.set_yticks(positions, table.index)
ax.invert_yaxis()
ax.set_xlabel("Effect of the offer on spending (currency per customer and month)")
ax.spines[["top", "right"]].set_visible(False)
ax.legend(frameon=False, loc="upper right")
plt.show()
