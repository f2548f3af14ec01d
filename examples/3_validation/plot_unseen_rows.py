"""
Why must validation use rows that nobody has seen?
==================================================

An A/B test in which everybody gains the same: there is nobody to target. A flexible
learner ranks the customers all the same. Judged on the rows it was fitted on, its
ranking looks like a great success; on new rows nothing is left of it.
"""

import matplotlib.pyplot as plt
import numpy as np

from skcausal.datasets import make_ab_test
from skcausal.estimation import TLearner
from skcausal.validation import TOCDisplay, rate_score


def draw(seed):
    """Return an A/B test whose effect is the same for all customers."""
    return make_ab_test(2000, heterogeneity=0.0, random_state=seed)


def autoc(learner, data):
    """Return the AUTOC of a learner's ranking of some rows."""
    effects = learner.effect(data.X)
    return rate_score(effects, data.y, data.treatment, propensity=0.5, random_state=0)


# %%
# One experiment, and a second one of the same kind with new customers.
old, new = draw(0), draw(1)
learner = TLearner(random_state=0).fit(old.X, old.y, treatment=old.treatment)
for name, data in {"fitted": old, "new": new}.items():
    score = autoc(learner, data)
    print(
        f"{name:6s} rows: AUTOC {score.value:6.2f}, standard error "
        f"{score.standard_error:.2f}, p-value {score.p_value:.3f}"
    )
print(f"true effects lie between {old.effect.min():.2f} and {old.effect.max():.2f}")

# %%
# One experiment proves little, so here are 25. A test at 5 % should reject in about one
# of twenty when there is nothing to find.
p_values = []
for seed in range(25):
    old, new = draw(2 * seed), draw(2 * seed + 1)
    learner = TLearner(random_state=0).fit(old.X, old.y, treatment=old.treatment)
    p_values.append([autoc(learner, old).p_value, autoc(learner, new).p_value])
in_sample, unseen = (np.array(p_values) < 0.05).mean(axis=0)
print(f"heterogeneity 'found' on the rows of fit in {in_sample:.0%} of 25 experiments")
print(f"on new rows in {unseen:.0%}")

# %%
# The same ranking, twice. The upper curve is memory: rows that spent much when treated
# and little when not are ranked first *because* of what they spent. Cross-validated
# selection leaks in the same way, only less: when a search has chosen the learner, its
# rows are seen rows too, and a third part of the data is needed for the report.
old, new = draw(0), draw(1)
learner = TLearner(random_state=0).fit(old.X, old.y, treatment=old.treatment)
fig, ax = plt.subplots(figsize=(7, 4.6), layout="constrained")
for name, data in {"rows of fit": old, "new rows": new}.items():
    TOCDisplay.from_effects(
        learner.effect(data.X),
        data.y,
        data.treatment,
        propensity=0.5,
        name=name,
        ax=ax,
    )
ax.set_ylabel("Effect in the fraction minus average effect\n(currency per customer)")
plt.show()
