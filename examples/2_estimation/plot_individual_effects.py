"""
What can be said about the effect on one single row?
====================================================

An interval of the *conditional* effect is about the mean of all rows alike. The effect
on one row, :math:`Y(1) - Y(0)`, varies around that mean, and half of it is never seen.
:class:`~skcausal.estimation.ConformalEffect` gives intervals that hold it all the
same, whatever the models are worth. Here both outcomes of each row are known, because
the data are made up.
"""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.linear_model import LinearRegression

from skcausal.estimation import ConformalEffect, DRLearner, KnownPropensity

random = np.random.default_rng(0)


def experiment(n_rows):
    """Return a covariate, both outcomes and a coin flip; noise grows with x."""
    x = random.uniform(0, 4, size=(n_rows, 1))
    noise = random.normal(size=(n_rows, 2)) * (0.3 + 0.3 * x)
    outcomes = np.column_stack([x, 1.5 * x]) + noise
    return x, outcomes, random.integers(2, size=n_rows)


# %%
# Models are fitted on one sample. On a second one, each row's true effect is held
# against the interval of the conditional effect and two of the individual effect.
x, outcomes, treatment = experiment(3000)
y = outcomes[np.arange(3000), treatment]
coin = KnownPropensity(0.5)
learner = DRLearner(LinearRegression(), coin, LinearRegression(), random_state=0)
fits = {
    method: ConformalEffect(
        learner, propensity_model=coin, method=method, random_state=0
    ).fit(x, y, treatment=treatment)
    for method in ("exact", "inexact")
}
new_x, new_outcomes, _ = experiment(2000)
effect = new_outcomes[:, 1] - new_outcomes[:, 0]
intervals = {
    "conditional effect": fits["exact"].learner_.effect_interval(new_x),
    "individual effect, inexact": fits["inexact"].individual_effect_interval(new_x),
    "individual effect, exact": fits["exact"].individual_effect_interval(new_x),
}

# %%
# The grey points are the effects of single rows.
order = np.argsort(new_x[:, 0])
fig, axes = plt.subplots(1, 3, figsize=(10, 3.8), sharey=True, layout="constrained")
share = {}
for ax, (name, (lower, upper)) in zip(axes, intervals.items(), strict=True):
    held = (lower <= effect) & (effect <= upper)
    share[name] = {"rows held": held.mean(), "median width": np.median(upper - lower)}
    ax.scatter(new_x[order, 0], effect[order], s=3, color="0.6")
    ax.fill_between(
        new_x[order, 0], lower[order], upper[order], color="#0072B2", alpha=0.35
    )
    ax.set_title(f"{name}:\n{held.mean():.0%} of rows held", fontsize=10)
    ax.spines[["top", "right"]].set_visible(False)
axes[0].set_ylabel("Effect on a row (units of the outcome)")
axes[1].set_xlabel("Covariate x")
plt.show()

# %%
# The left band is right about means and says nothing about rows. The exact intervals
# keep their promise of 95 %, and more: no data tell how the two outcomes of a row move
# together, so they are wide enough for the worst case. The inexact ones are closer to
# what is needed here, without a guarantee.
pd.DataFrame(share).T.round(2)
