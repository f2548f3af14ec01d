"""
Can a plain grid search tune an effect that nobody has seen?
============================================================

A search needs a score, and the effect of a single row is never observed. Causal scores
stand in for it. This example tunes a learner inside a Pipeline with scikit-learn's own
``GridSearchCV``. The data are made up, so afterwards we can see whether the search was
right.
"""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.compose import make_column_transformer
from sklearn.linear_model import RidgeCV
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from skcausal import causal_target, effect_of
from skcausal.datasets import make_ab_test
from skcausal.estimation import DRLearner, KnownPropensity, default_regressor
from skcausal.validation import get_scorer

data = make_ab_test(8000, effect_size=2.0, missing=0.0, random_state=0)
target = causal_target(data.y, data.treatment)

# %%
# The Pipeline encodes the two columns of categories; the learner comes last. Candidates
# differ in the model of the effect: linear, and trees of growing number and size.
encode = make_column_transformer(
    (OneHotEncoder(), ["channel", "region"]), remainder="passthrough"
)
design = KnownPropensity(0.5)
pipeline = make_pipeline(encode, DRLearner(propensity_model=design, random_state=0))
models = {"ridge": RidgeCV()}
for n_trees in (30, 100, 300):
    for n_leaves in (4, 16):
        trees = default_regressor(len(data.X))  # LightGBM
        trees.set_params(n_estimators=n_trees, num_leaves=n_leaves)
        models[f"{n_trees} trees, {n_leaves} leaves"] = trees

# %%
# Outcome and treatment travel in one target, so nothing else is special. All candidates
# share the same nuisances, which are fitted once per split. The score is zero for a
# constant effect; with outcomes as noisy as spending even the best model is not far
# above.
search = GridSearchCV(
    pipeline,
    {"drlearner__effect_model": list(models.values())},
    scoring=get_scorer("r_score", propensity_model=design),
    cv=5,
    error_score="raise",
)
search.fit(data.X, target)
table = pd.DataFrame({"r_score": search.cv_results_["mean_test_score"]}, index=models)
print(f"chosen: {list(models)[search.best_index_]}")

# %%
# The fitted search predicts effects, and ``effect_of`` gives it the verbs of its
# learner.
effect_of(search).average_effect().summary().assign(truth=data.average_effect).round(2)

# %%
# Only in made-up data can candidates be held against true effects, here of new
# customers. The error of a constant is the standard deviation of these effects.
new = make_ab_test(8000, effect_size=2.0, missing=0.0, random_state=1)
errors = []
for model in models.values():
    candidate = pipeline.set_params(drlearner__effect_model=model).fit(data.X, target)
    errors.append(np.sqrt(np.mean((candidate.predict(new.X) - new.effect) ** 2)))
table["true error"] = errors
table.round(4)

# %%
# The score orders candidates much as the truth does, though it never saw an effect. It
# also warns: below zero a constant would have been better, and so it is. Neighbours at
# the top differ by less than the noise of the score, and with a smaller effect chance
# decides among more of them; :doc:`/auto_examples/3_validation/plot_learners` shows how
# to see it.
fig, ax = plt.subplots(figsize=(6.8, 4.4), layout="constrained")
ax.scatter(table["r_score"], table["true error"], color="#0072B2", zorder=3)
for position, (name, *point) in enumerate(table.itertuples()):
    style = {"ha": "right"} if position in (0, 3) else {}
    shift = (-8, -4) if style else (8, -4)
    ax.annotate(name, point, shift, textcoords="offset points", **style)
ax.axhline(new.effect.std(), color="#6B6B6B", linestyle="--")
ax.axvline(0, color="#6B6B6B", linestyle="--", label="a constant effect")
ax.set_xlim(-0.04, 0.025)
ax.set_xlabel("Cross-validated R-score (higher is better)")
ax.set_ylabel("True error of the effects of new customers\n(currency per customer)")
ax.spines[["top", "right"]].set_visible(False)
ax.legend(frameon=False)
plt.show()
