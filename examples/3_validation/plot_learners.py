"""
Which learner should I use?
===========================

No learner is best on all data. A leaderboard compares them on rows they have not seen,
and tells how sure the comparison is; a stack of all of them spares the choice. Both use
observable columns only. Because the data are made up, the choice can be graded
afterwards.
"""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from skcausal.datasets import make_observational
from skcausal.estimation import (
    DRLearner,
    EffectStacking,
    RLearner,
    SLearner,
    TLearner,
    XLearner,
    default_regressor,
)
from skcausal.validation import compare_learners

data = make_observational(3000, confounding="nonlinear", noise=2.0, random_state=0)
# Effects are smoother than outcomes and harder to see: small models serve them better.
small = default_regressor(1000).set_params(n_estimators=40, num_leaves=4)
learners = [
    ("S", SLearner()),
    ("T", TLearner()),
    ("X", XLearner(effect_model=small)),
    ("R", RLearner(effect_model=small)),
    ("DR", DRLearner(effect_model=small)),
]

# %%
# All learners meet the same folds and are judged with the same nuisances, so their
# *differences* are known better than their scores: most of the noise is shared.
# ``difference`` is against the leader, with its own standard error. Learners within two
# of these are not told apart by these data.
board = compare_learners(
    learners, data.X, data.y, treatment=data.treatment, cv=3, random_state=0
)
board.drop(columns="fit_seconds").round(4)

# %%
# The stack gives each candidate a weight, again by effects on held-out rows.
stack = EffectStacking(learners, cv=3, random_state=0)
stack.fit(data.X, data.y, treatment=data.treatment)
for (name, _), weight in zip(learners, stack.weights_, strict=True):
    print(f"{name:2s} {weight:.2f}")

# %%
# Now the grades, on new rows: the error of each learner's effects against the truth. A
# constant effect would have an error as large as the spread of the true effects.
new = make_observational(3000, confounding="nonlinear", noise=2.0, random_state=1)
fitted = dict(zip([name for name, _ in learners], stack.learners_, strict=True))
errors = pd.Series(
    {
        name: np.sqrt(np.mean((learner.effect(new.X) - new.effect) ** 2))
        for name, learner in {**fitted, "stack": stack}.items()
    }
)
print(f"spread of the true effects {new.effect.std():.2f}")
errors.round(3)

# %%
# Left is what the data say, right is the truth. The data tell that the T-learner is
# behind, and that the others are too close to call. The stack does about as well as
# the best of them without knowing which one that is.
BLUE, ORANGE, GREY = "#0072B2", "#D55E00", "#6B6B6B"
order = list(board.index[::-1])
fig, (left, right) = plt.subplots(1, 2, figsize=(9.5, 3.6), layout="constrained")
left.errorbar(
    board["r_score"][order],
    order,
    xerr=board["difference_standard_error"][order],
    fmt="o",
    color=BLUE,
    capsize=3,
)
left.set_xlabel("R-score, one standard error of the\ndifference to the leader")
left.set_ylabel("Learner")
left.margins(y=0.1)
order = ["stack", *order]
right.barh(order, errors[order], color=[ORANGE] + [BLUE] * (len(order) - 1))
right.axvline(new.effect.std(), color=GREY, linestyle="--")
right.text(new.effect.std() + 0.01, 2.5, "a constant\neffect", color=GREY, va="center")
right.set_xlim(0, 0.95)
right.set_xlabel("True error of the effects on new rows\n(units of the outcome)")
for ax in (left, right):
    ax.spines[["top", "right"]].set_visible(False)
plt.show()
