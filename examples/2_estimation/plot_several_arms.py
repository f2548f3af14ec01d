"""
Mail or call: which of several treatments works, and for whom?
==============================================================

A test with three arms: no contact, a mail, a call. One fit gives the effect of each
contact against none, the difference between the two with its own interval, and the
effects per customer.
"""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from skcausal.datasets import make_ab_test
from skcausal.estimation import DRLearner, KnownPropensity

data = make_ab_test(12_000, n_arms=3, labels=["none", "mail", "call"], random_state=0)
data.treatment.value_counts()

# %%
# For labels other than 0 and 1 the control arm has to be named: guessing it wrong would
# flip every sign. The design is known here too, one third for each arm.
learner = DRLearner(
    propensity_model=KnownPropensity(data.arm_probabilities),
    control_arm="none",
    random_state=0,
).fit(data.X, data.y, treatment=data.treatment)
average = learner.average_effect()
truth = dict(zip(["mail vs none", "call vs none"], data.average_effect, strict=True))
average.summary().assign(truth=pd.Series(truth)).round(3)

# %%
# A call works better than a mail, but is it worth the trouble? Both are compared with
# the same control customers, so their estimates are correlated, and the standard errors
# above cannot simply be added. Subtracting the estimates takes care of it.
gain = average["call vs none"] - average["mail vs none"]
lower, upper = gain.interval()
difference = truth["call vs none"] - truth["mail vs none"]
print(f"call instead of mail: {gain.value:.2f}, from {lower:.2f} to {upper:.2f}")
print(f"truth: {difference:.2f}")

# %%
# Averages by subgroup come for all arms at once.
days = pd.cut(
    data.X["recency"],
    [-1, 14, 30, 55, 95, 365],
    labels=["0-14", "15-30", "31-55", "56-95", "96-365"],
)
table = learner.average_effect(by=days).summary()
table.round(2)

# %%
# Both contacts work best on customers whose last order is long ago, and the call more
# so. On customers of the last two weeks neither can be told from zero.
fig, ax = plt.subplots(figsize=(7, 4.4), layout="constrained")
truths = pd.DataFrame(data.effect, columns=list(truth)).groupby(days).mean()
colours = {"mail vs none": "#0072B2", "call vs none": "#D55E00"}
for shift, contrast in zip((-0.1, 0.1), colours, strict=True):
    part = table.loc[contrast].loc[truths.index]
    places = np.arange(len(part)) + shift
    ax.errorbar(
        places,
        part["estimate"],
        yerr=np.abs(part[["lower", "upper"]].sub(part["estimate"], axis=0)).T,
        fmt="o",
        color=colours[contrast],
        capsize=3,
        label=f"{contrast}, 95 % interval",
    )
    ax.plot(places, truths[contrast], "kD", mfc="none", markersize=7)
ax.errorbar([], [], fmt="kD", mfc="none", label="truth")
ax.axhline(0, color="#6B6B6B", linewidth=1)
ax.set_xticks(range(len(truths)), truths.index)
ax.set_xlabel("Days since the last order")
ax.set_ylabel("Effect on spending (currency per customer)")
ax.spines[["top", "right"]].set_visible(False)
ax.legend(frameon=False)
plt.show()
