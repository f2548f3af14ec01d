"""
Which covariates belong into the model?
=======================================

Not all that are in the table. A covariate that the treatment changes hides part of the
effect, one that treatment and outcome change makes up an effect, and of those that are
harmless some cost precision. A drawing of what causes what settles which is which. Here
sellers are coached or not, and we ask what coaching does to sales.
"""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

from skcausal import causal_target, effect_of
from skcausal.estimation import DRLearner
from skcausal.graphs import CausalGraph
from skcausal.identification import AdjustmentSelector, AdjustmentSets
from skcausal.validation import get_scorer

# %%
# What we believe. Busy regions have eager managers, who send sellers to be coached;
# they also have more demand. Coached sellers make more calls. A bonus follows both.
before = [("region", "manager"), ("manager", "coached"), ("region", "demand")]
causes = [("demand", "sales"), ("tenure", "sales")]
effect = [("coached", "sales"), ("coached", "calls"), ("calls", "sales")]
after = [("coached", "bonus"), ("sales", "bonus")]
graph = CausalGraph(before + causes + effect + after)
sets = AdjustmentSets(graph, "coached", "sales")
print("minimal sets:", [sorted(one) for one in sets.all_minimal()])
print("most precise:", sorted(sets.optimal()))
print(sets.explain(["demand", "calls"]))
print(sets.explain(["tenure"]))

# %%
# A table that was made by this graph. The effect of coaching grows with tenure.
rng = np.random.default_rng(0)
noise = lambda scale=1.0: rng.normal(scale=scale, size=3000)  # noqa: E731
region, tenure = noise(), noise()
manager, demand = region + noise(0.7), region + noise(0.7)
coached = (manager + noise(2) > 0).astype(int)
calls = coached + noise(2)
sales = (1 + 0.5 * tenure) * coached + calls + 2 * demand + tenure + noise()
bonus = coached + 0.3 * sales + noise(2)
names = ["region", "manager", "demand", "tenure", "calls", "bonus"]
columns = [region, manager, demand, tenure, calls, bonus]
X = pd.DataFrame(dict(zip(names, columns, strict=True)))
truth = 2.0  # one directly, one through calls, for a seller of average tenure

# %%
# The selector is the first step of a Pipeline; the search tunes what comes after it.
learner = DRLearner(LinearRegression(), LogisticRegression(), Ridge(), random_state=0)
pipeline = make_pipeline(AdjustmentSelector(graph, "coached", "sales"), learner)
search = GridSearchCV(
    pipeline,
    {"drlearner__effect_model__alpha": [1.0, 100.0, 10_000.0]},
    scoring=get_scorer("r_score", cv=2, random_state=0),
    cv=3,
).fit(X, causal_target(sales, coached))
found = effect_of(search).average_effect()
print("columns used:", list(search.best_estimator_[0].get_feature_names_out()))
print("best penalty:", search.best_params_["drlearner__effect_model__alpha"])
print(f"average effect {found.value:.2f}, 95 % {np.round(found.interval(), 2)}")

# %%
# The same learner with other columns. Adjusting for calls leaves out what coaching does
# through them, the bonus distorts the rest, and tenure alone leaves the region's path
# open. The manager's set is valid but wastes precision: it explains the treatment, not
# the sales.
choices = {
    "optimal set": ["demand", "tenure"],
    "minimal: manager": ["manager"],
    "tenure only": ["tenure"],
    "with calls": ["demand", "tenure", "calls"],
    "with bonus": ["demand", "tenure", "bonus"],
}
BLUE, ORANGE = "#0072B2", "#D55E00"
fig, ax = plt.subplots(figsize=(7, 3.2), layout="constrained")
for name, columns in choices.items():
    one = learner.fit(X[columns], sales, treatment=coached).average_effect()
    low, high = one.interval()
    color = BLUE if sets.is_valid(columns) else ORANGE
    ax.plot([low, high], [name, name], color=color)
    ax.plot(one.value, name, "o", color=color)
ax.axvline(truth, color="#6B6B6B", linestyle="--", label="truth")
ax.invert_yaxis()
ax.set_xlabel("Average effect on sales, 95 % interval (blue: a valid set)")
ax.legend(frameon=False)
ax.spines[["top", "right"]].set_visible(False)
plt.show()
