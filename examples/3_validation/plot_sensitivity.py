"""
What if we missed a confounder?
===============================

A trade union trains its members and later compares their wages with those of others.
Age and motivation drive both; motivation was never recorded. How much could that
matter? Nobody can measure it, but one can say how strong it would have to be, with
age as the yardstick. Here the truth is known, so the answer can be checked.
"""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.linear_model import LinearRegression, LogisticRegression

from skcausal.estimation import AIPW
from skcausal.validation import RieszSensitivity, SensitivityContourDisplay, e_value

rng = np.random.default_rng(0)
n = 4000
age, motivation = rng.normal(size=(2, n))
X = pd.DataFrame({"age": age, "distance": rng.normal(size=n)})
logit = 0.6 * age + 0.4 * motivation
trained = (rng.random(n) < 1 / (1 + np.exp(-logit))).astype(int)
wage = 20 + 0.3 * trained + 0.9 * age + 0.7 * motivation + rng.normal(size=n)

# %%
# **The estimate is too large**, because the motivated train more often and earn more.
# The true effect is 0.3.
aipw = AIPW(LinearRegression(), LogisticRegression(), random_state=0)
aipw.fit(X, wage, treatment=trained)
print(aipw.average_effect())

# %%
# **What would it take?** In words, and as an E-value.
sensitivity = RieszSensitivity.from_estimator(aipw)
print(sensitivity.summary(["age"]))
print(e_value(aipw).summary())

# %%
# **How strong is the confounder really?** A learner that sees motivation knows: leaving
# it out is a benchmark like any other.
everything = AIPW(LinearRegression(), LogisticRegression(), random_state=0)
everything.fit(X.assign(motivation=motivation), wage, treatment=trained)
truth = RieszSensitivity.from_estimator(everything).benchmarks(["motivation"])
print(truth.round(3))

# %%
# **Every confounder at once.** Contours are the effects that confounders would leave.
# One as strong as age, on top of age, could have made all of the effect. The true one
# (a star) lies below the red line: it made about half of the estimate, not all of it.
display = SensitivityContourDisplay.from_sensitivity(sensitivity, benchmarks=["age"])
display.ax_.plot(
    truth["treatment"] / (1 + truth["treatment"]),
    truth["outcome"] / (1 + truth["outcome"]),
    "*",
    color="#CC79A7",
    markersize=15,
    label="Motivation, which nobody recorded",
)
display.ax_.legend(loc="upper right")
plt.show()
