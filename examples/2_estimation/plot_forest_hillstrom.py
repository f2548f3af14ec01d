"""
Which customers did the e-mail bring back?
==========================================

In Hillstrom's experiment, customers of a clothes shop got an e-mail about women's wear,
or none, by lot; two weeks later one knew who had visited the site. A causal forest
gives every customer an effect with an interval. Half of the customers are kept out of
its sight, and say whether those it ranks first really responded most.
"""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.model_selection import train_test_split

from skcausal.datasets import fetch_hillstrom
from skcausal.estimation import CausalForest, KnownPropensity
from skcausal.validation import average_effect

data = fetch_hillstrom(outcome="visit", arms=["No E-Mail", "Womens E-Mail"])
X, X_new, y, y_new, mail, mail_new = train_test_split(
    data.X, data.y, data.treatment, test_size=0.5, random_state=0
)

# %%
# Leaves of how many customers? Effects on visits are small and noisy, so small leaves
# follow the noise. The out-of-bag score says how much better than one effect for all
# the forest explains who visits, from trees that have not seen the customer. It is
# tiny even at its best: few visits are due to the mail. ``refit_effect`` grows another
# forest without fitting the outcome model again; the last one is the best.
lot = KnownPropensity(0.5)
forest = CausalForest(
    None, lot, min_samples_leaf=500, control_arm="No E-Mail", random_state=0
)
forest.fit(X, y, treatment=mail)
for n_rows in (20, 100, 500):
    forest.set_params(min_samples_leaf=n_rows).refit_effect()
    print(f"leaves of {n_rows}: {forest.oob_score_:.4f}")

# %%
# What goes with the effect? The projection on a few columns answers with intervals
# that hold whatever the shape of the effect: customers who have bought women's wear
# (``womens``) respond by so much more than others who are alike in the rest.
columns = ["womens", "mens", "newbie", "recency"]
forest.best_linear_projection(X[columns]).summary().round(3)

# %%
# On the customers kept out, the doubly robust average of each quarter needs neither the
# forest to be right nor its intervals.
effects = forest.effect(X_new)
quarter = pd.qcut(effects, 4, labels=["lowest", "second", "third", "highest"])
measured = average_effect(
    effects,
    X_new,
    y_new,
    treatment=mail_new,
    control_arm="No E-Mail",
    by=quarter,
    propensity_model=lot,
)
gap = measured["highest"] - measured["lowest"]
print(f"highest less lowest quarter {gap.value:.3f}, error {gap.standard_error:.3f}")

# %%
# Left: one customer in a hundred, sorted by effect. These intervals are for one
# customer at a time and for what the forest expects: they do not know what it smooths
# over within a leaf (larger leaves give shorter ones), nor that we chose the leaf size
# by the same data, nor that the first and last of a sorted list look more extreme than
# they are. Right: what happened on average. The mail did much for a half of the
# customers and little for the other; within each half, the order is a matter of chance.
order = np.argsort(effects)[50::100]
shown = effects[order]
lower, upper = forest.effect_interval(X_new.iloc[order])
fig, axes = plt.subplots(1, 2, figsize=(9, 3.8), sharey=True, layout="constrained")
left, right = axes
rank = np.linspace(0, 100, len(order))
left.vlines(rank, lower, upper, color="#0072B2", alpha=0.35)
left.plot(rank, shown, ".", color="#0072B2", label="forest, 95 % interval")
left.set_xlabel("Held-out customers by effect (percent)")
left.set_ylabel("Effect of the e-mail on P(visit)")
means = pd.Series(effects).groupby(quarter, observed=True).mean()
table = measured.summary().loc[means.index]
margin = np.abs(table[["lower", "upper"]].sub(table["estimate"], axis=0)).T
right.plot(range(4), means, "s", color="#0072B2", label="forest, mean of the quarter")
right.errorbar(
    range(4), table["estimate"], margin, fmt="ko", capsize=3, label="measured, 95 %"
)
right.set_xticks(range(4), table.index)
right.set_xlim(-0.5, 3.5)
right.set_xlabel("Quarter of held-out customers by effect")
for ax in axes:
    ax.axhline(0, color="#6B6B6B", linewidth=1)
    ax.spines[["top", "right"]].set_visible(False)
    ax.legend(frameon=False, loc="upper left")
plt.show()
