"""
What does one unit more do, and for whom?
=========================================

A dose, a price or a number of minutes is a treatment without arms. The R-learner
estimates the *slope* of the outcome in the treatment for each row: what one unit more
does, given the covariates. Here the rows that get much of the treatment would have had
a higher outcome anyway.
"""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from skcausal.datasets import make_observational
from skcausal.estimation import RLearner

data = make_observational(
    5000, treatment="continuous", effect="nonlinear", random_state=0
)

# %%
# A regression of the outcome on the dose alone credits the dose with what the
# covariates did. The R-learner first takes out what the covariates predict, of the
# outcome and of the dose, and relates what is left.
naive = np.polyfit(data.treatment, data.y, deg=1)[0]
learner = RLearner(random_state=0).fit(data.X, data.y, treatment=data.treatment)
average = learner.average_effect()
lower, upper = average.interval()
print(f"slope without covariates {naive:.2f}")
print(f"average slope {average.value:.2f}, 95 % interval {lower:.2f} to {upper:.2f}")
print(f"true average slope {data.average_effect:.2f}")

# %%
# ``effect`` compares two doses: here half a unit and two units, for three rows. The
# R-learner assumes that the outcome is linear in the dose for each kind of row, so this
# is 1.5 times the slope. Where a second unit does less than the first, that is wrong:
# an S-learner does not assume it.
doses = learner.effect(data.X[:3], treated=2.0, control=0.5)
pd.DataFrame({"estimate": doses, "truth": 1.5 * data.effect[:3]}).round(2)

# %%
# Slopes are checked on new rows, which the learner has not seen. The true slope bends
# in ``x1`` and jumps where ``x2`` changes sign. Boosted trees find both, and they
# shrink the extremes. The two colours differ although nobody told the learner about the
# jump.
new = make_observational(
    2000, treatment="continuous", effect="nonlinear", random_state=1
)
slopes = learner.effect(new.X)
error = np.sqrt(np.mean((slopes - new.effect) ** 2))
print(
    f"root mean squared error {error:.2f}; true slopes vary by {new.effect.std():.2f}"
)

rows = new.X.assign(slope=slopes, truth=new.effect).sort_values("x1")
fig, ax = plt.subplots(figsize=(7, 4.4), layout="constrained")
for label, colour in (("x2 > 0", "#D55E00"), ("x2 < 0", "#0072B2")):
    part = rows.query(label)
    ax.scatter(part["x1"], part["slope"], s=9, alpha=0.35, color=colour)
    ax.plot(part["x1"], part["truth"], color=colour, lw=2, label=f"truth, {label}")
ax.scatter([], [], s=14, color="#6B6B6B", label="estimate for a new row")
ax.axhline(naive, color="#6B6B6B", linestyle="--", label="slope without covariates")
ax.set_xlim(-2.6, 2.6)
ax.set_xlabel("Covariate x1")
ax.set_ylabel("Effect of one unit more (units of the outcome)")
ax.spines[["top", "right"]].set_visible(False)
ax.legend(frameon=False)
plt.show()
