"""
Who should get the offer?
=========================

A shop cannot send its offer to everybody. A learner ranks customers by their predicted
effect, and four pictures tell whether that ranking is worth following: the Qini curve,
the targeting operator characteristic (TOC), the effect by decile, and the calibration.
All of them use customers whom the learner has never seen.
"""

import matplotlib.pyplot as plt
from sklearn.model_selection import train_test_split

from skcausal.datasets import make_ab_test
from skcausal.estimation import KnownPropensity, SLearner
from skcausal.validation import (
    CalibrationDisplay,
    QiniDisplay,
    TOCDisplay,
    UpliftByDecileDisplay,
    average_effect,
    rate_score,
    uplift_at_k,
)

data = make_ab_test(24_000, random_state=0)
rows = data.frame.assign(true_effect=data.effect)
train, test = train_test_split(rows, stratify=rows["treatment"], random_state=0)
y, treatment = test["spend"], test["treatment"]
learner = SLearner(random_state=0)
learner.fit(train[data.feature_names], train["spend"], treatment=train["treatment"])
effects = learner.effect(test[data.feature_names])

# %%
# **Is there anything to target?** The AUTOC is zero if the ranking is worthless, and
# its p-value is a test of that.
autoc = rate_score(effects, y, treatment, propensity=0.5, random_state=0)
print(f"AUTOC {autoc.value:.2f}, standard error {autoc.standard_error:.2f}")
print(f"p-value {autoc.p_value:.5f}")

# %%
# **What would it bring?** Suppose the budget is enough for three customers in ten.
top = uplift_at_k(effects, y, treatment, propensity=0.5, k=0.3)
chosen = effects >= sorted(effects)[-int(0.3 * len(effects))]
truth = test["true_effect"]
print(f"effect on the 30 % ranked first {top:.2f}, truth {truth[chosen].mean():.2f}")
everyone = average_effect(
    effects,
    test[data.feature_names],
    y,
    treatment=treatment,
    propensity_model=KnownPropensity(0.5),
)
print(f"effect on everyone {everyone.value:.2f}, truth {truth.mean():.2f}")

# %%
# How to read the figure. *Qini*: the gain per customer of the whole base when the top
# part is treated; the further above the dashed line, the better than choosing by lot.
# *TOC*: how much larger the effect is in the top part than on average; it must end at
# zero. *Deciles*: bars should fall from left to right. *Calibration*: points on the
# line say that the numbers are right and not only their order. The bands are wide
# because spending is noisy: 6,000 customers carry less information about effects than
# one would think.
fig, axes = plt.subplots(2, 2, figsize=(11, 8.6), layout="constrained")
displays = (QiniDisplay, TOCDisplay, UpliftByDecileDisplay, CalibrationDisplay)
for display, ax in zip(displays, axes.flat, strict=True):
    display.from_effects(effects, y, treatment, propensity=0.5, ax=ax)
axes[0, 0].set_title("Qini curve")
axes[0, 1].set_title("Targeting operator characteristic")
axes[1, 0].set_title("Effect by decile")
axes[1, 1].set_title("Calibration")
axes[1, 0].set_ylim(-5, 16)  # room for the legend
plt.show()

# %%
# One caveat: the offer was drawn by lot, so these curves need no model at all. With
# observational data, pass ``scores=`` or use ``from_estimator``, which makes doubly
# robust scores. A hidden confounder would bend such curves unseen.
