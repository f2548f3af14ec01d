"""
What would overturn this estimate?
==================================

An estimate with a narrow interval may still be wrong: the estimator may make up
effects, a few rows may carry it, or a hidden cause may be behind it. Refuters change
the table in ways whose consequence is known, refit, and look whether the estimate does
what it should.
"""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.linear_model import LinearRegression, LogisticRegression

from skcausal.estimation import AIPW
from skcausal.validation import RefutationDisplay, refute

# %%
# A coupon went mostly to customers who spend a lot anyway, and it brings 2 on average.
# We know age and past spending. There is one thing we do not know: how *loyal* a
# customer is. Loyal ones got the coupon more often and spend more.
rng = np.random.default_rng(0)
n_rows = 2000
age, past, loyal = rng.normal(size=(3, n_rows))
index = 0.8 * past - 0.3 * age + 0.7 * loyal
coupon = (rng.random(n_rows) < 1 / (1 + np.exp(-index))).astype(int)
noise = rng.normal(size=n_rows)
spending = 2 * coupon + 1.5 * past + 0.5 * age + 1.5 * loyal + noise
X = pd.DataFrame({"age": age, "past": past})
estimator = AIPW(LinearRegression(), LogisticRegression(), random_state=0)
estimate = estimator.fit(X, spending, treatment=coupon).average_effect()
print(estimate)

# %%
# The interval is far from the truth of 2, and nothing in the output says so. Spending
# in the year *before* the coupon is known as well. The coupon cannot have changed it,
# and loyal customers spent more then, too: a negative control.
before = 0.8 * past + 1.2 * loyal + rng.normal(size=n_rows)
refutation = refute(
    estimator,
    X,
    spending,
    treatment=coupon,
    negative_outcome=before,
    n_simulations=10,
    random_state=0,
    progress=False,
)
refutation.table[["original", "refuted", "p_value", "passed"]].round(3)

# %%
# Shuffled coupons have no effect, invented outcomes give back what was planted, noise
# and fewer rows change nothing: the *estimator* is sound. Only the negative control
# says that the *data* do not hold the answer: earlier spending "responds" to later
# coupons.
print(refutation.table.loc["NegativeControlOutcome", "verdict"])

# %%
# How strong would a hidden cause have to be to explain the effect away? Each line of
# this table is one answer: if it decides so many of the treatments, it must move the
# outcome by so many of its standard deviations.
refutation.details["tipping_points"].round(2)

# %%
# In the figure each dot is one refit, diamonds are what should be found, and the band
# is the interval of the estimate.
RefutationDisplay.from_refutation(refutation)
plt.show()
