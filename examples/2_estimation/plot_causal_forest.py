"""
What does a forest make of categories and missing values?
=========================================================

It takes both as they are: splits put levels of a category on either side, and missing
values on the better one. Here the truth is known: an offer works for young customers,
in some of 40 shops only, and the age of every fifth customer is missing.
"""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from skcausal.estimation import CausalForest, KnownPropensity

rng = np.random.default_rng(0)
n = 6000
age = rng.uniform(20, 70, n)
shop = rng.integers(0, 40, n)  # 40 shops; every other one has a counter for offers
X = pd.DataFrame(
    {
        "age": np.where(rng.uniform(size=n) < 0.2, np.nan, age),
        "shop": pd.Categorical([f"shop {k}" for k in shop]),
        "visits": rng.poisson(3, n),
    }
)
effect = 8 / (1 + np.exp((age - 40) / 4)) * (shop % 2)
offer = rng.integers(0, 2, n)
spend = 20 + 2 * X["visits"] + effect * offer + rng.normal(0, 6, n)

# %%
# The offer was drawn by lot, which ``KnownPropensity`` says. Outcomes are centred by a
# cross-fitted model before any tree is grown.
forest = CausalForest(treatment_model=KnownPropensity(0.5), random_state=0)
forest.fit(X, spend, treatment=offer)
forest.average_effect().summary().round(2)

# %%
# Where did the trees split? Nothing depends on the number of visits.
pd.Series(forest.feature_importances_, index=X.columns).round(2)

# %%
# Effects along the age, in a shop with a counter and in one without. The band is the
# 95 % interval of each row; the mark at the left is a customer of unknown age, whose
# true effect is the mean over ages.
ages = np.linspace(20, 70, 101)
mean_by_age = (8 / (1 + np.exp((np.linspace(20, 70, 1001) - 40) / 4))).mean()
fig, axes = plt.subplots(1, 2, figsize=(9, 3.8), sharey=True, layout="constrained")
for ax, (name, counter) in zip(axes, {"shop 7": 1, "shop 8": 0}.items(), strict=True):
    line = pd.DataFrame(
        {
            "age": [np.nan, *ages],
            "shop": pd.Categorical([name] * 102, categories=X["shop"].cat.categories),
            "visits": 3,
        }
    )
    estimate = forest.effect(line)
    lower, upper = forest.effect_interval(line)
    ax.fill_between(ages, lower[1:], upper[1:], color="#0072B2", alpha=0.25)
    ax.plot(ages, estimate[1:], color="#0072B2", label="forest, 95 % interval")
    truth = counter * 8 / (1 + np.exp((ages - 40) / 4))
    ax.plot(ages, truth, "k--", linewidth=1.5, label="truth")
    margin = [[estimate[0] - lower[0]], [upper[0] - estimate[0]]]
    ax.errorbar(16, estimate[0], margin, fmt="o", color="#0072B2", capsize=3)
    ax.plot(16, counter * mean_by_age, "kx", markersize=8)
    ax.set_title(f"{name}, {'with' if counter else 'without'} a counter", fontsize=10)
    ax.set_xticks([16, 30, 40, 50, 60, 70], ["unknown", 30, 40, 50, 60, 70])
    ax.set_xlabel("Age")
    ax.spines[["top", "right"]].set_visible(False)
axes[0].set_ylabel("Effect of the offer (spend)")
axes[0].legend(frameon=False)
plt.show()
