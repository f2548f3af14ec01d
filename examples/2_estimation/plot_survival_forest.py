"""
How much longer do customers stay, when most have not left yet?
===============================================================

Time until an event is known only for those whose event was seen. Customers who joined
lately are still there: their time is *censored*. Taking it for the time they left makes
every effect on staying too small. A causal survival forest fills in what is missing.
"""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from skcausal.estimation import CausalForest, CausalSurvivalForest, KnownPropensity

rng = np.random.default_rng(0)
n, horizon = 4000, 24  # months
X = pd.DataFrame({"logins": rng.uniform(0, 20, n), "age": rng.uniform(18, 80, n)})


def months(X, offer):
    """Mean months until a customer leaves: an offer helps those who log in often."""
    return 10 + 0.1 * (X["age"] - 18) + 25 * offer / (1 + np.exp(10 - X["logins"]))


def mean_up_to_horizon(mean):
    """Return the mean of exponential times, cut at the horizon."""
    return mean * (1 - np.exp(-horizon / mean))


offer = rng.integers(0, 2, n)
leaves = rng.exponential(months(X, offer))
# The offer is new, so those who got it joined later and were followed for less long.
followed = rng.uniform(0, np.where(offer == 1, 32, 44))
time, event = np.minimum(leaves, followed), leaves <= followed
pd.crosstab(offer, event, normalize="index").round(2)

# %%
# The effect is the difference in mean time with us up to a horizon of 24 months.
# ``event`` says whose time is complete. Offers were drawn by lot. Times vary much more
# than the effect, hence large leaves.
options = {"treatment_model": KnownPropensity(0.5), "min_samples_leaf": 80}
forest = CausalSurvivalForest(horizon, **options, random_state=0)
forest.fit(X, time, treatment=offer, event=event)
forest.average_effect().summary().round(2)

# %%
# The same average with time of censoring taken for the time of leaving, and the truth:
naive = CausalForest(**options, random_state=0)
naive.fit(X, np.minimum(time, horizon), treatment=offer)
gain = mean_up_to_horizon(months(X, 1)) - mean_up_to_horizon(months(X, 0))
{
    "naive": round(float(naive.average_effect().value), 2),
    "truth": round(float(gain.mean()), 2),
}

# %%
# Effects along the number of logins, for customers of age 45.
line = pd.DataFrame({"logins": np.linspace(0, 20, 101), "age": 45.0})
lower, upper = forest.effect_interval(line)
truth = mean_up_to_horizon(months(line, 1)) - mean_up_to_horizon(months(line, 0))

fig, ax = plt.subplots(figsize=(7, 4), layout="constrained")
ax.fill_between(line["logins"], lower, upper, color="#0072B2", alpha=0.25)
ax.plot(
    line["logins"], forest.effect(line), color="#0072B2", label="forest, 95 % interval"
)
ax.plot(line["logins"], naive.effect(line), color="#D55E00", label="censoring ignored")
ax.plot(line["logins"], truth, "k--", linewidth=1.5, label="truth")
ax.set_xlabel("Logins per month")
ax.set_ylabel("Effect of the offer\n(months within two years)")
ax.spines[["top", "right"]].set_visible(False)
ax.legend(frameon=False)
plt.show()
