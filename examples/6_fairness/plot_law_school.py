"""
Would the forecast be the same for a student of another race?
=============================================================

A law school forecasts the grades of the first year from test score (LSAT) and college
grades (UGPA). Race and sex act on both. Kusner et al. (2017) compare four predictors:
one that uses everything, one that ignores race and sex, and two that use only what does
not follow from race and sex: residuals, or a latent number called knowledge.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from skcausal.datasets import fetch_law_school
from skcausal.fairness import CounterfactuallyFairRegressor
from skcausal.graphs import CausalGraph
from skcausal.structural import LatentVariableModel

data = fetch_law_school()
order = np.random.default_rng(0).permutation(len(data.X))
train, test = order[:6000], order[-4000:]
X, y = data.X.iloc[train], data.y.iloc[train]

# %%
# **The model.** Race, sex and knowledge act on college grades, the test (a count) and
# the first year. Nothing acts on race, sex and knowledge. As in the paper, the first
# year has a known standard deviation of one given its causes.
measured = ("UGPA", "LSAT", "ZFYA")
causes = ("race", "sex", "knowledge")
graph = CausalGraph([(c, m) for c in causes for m in measured], latent=["knowledge"])


def line():
    """Return a linear model on indicators of race and sex, and on numbers."""
    labels = (OneHotEncoder(drop="first"), ["race", "sex"])
    return make_pipeline(
        make_column_transformer(labels, remainder="passthrough"), LinearRegression()
    )


law = LatentVariableModel(
    graph, {"LSAT": "poisson"}, scales={"ZFYA": 1.0}, regressor=line()
)


def fair(level):
    """Return the fair predictor of a level."""
    return CounterfactuallyFairRegressor(
        law, ["race", "sex"], level=level, base_estimator=LinearRegression()
    )


predictors = {
    "everything": line(),
    "without race and sex": make_pipeline(
        make_column_transformer(("passthrough", ["UGPA", "LSAT"])), LinearRegression()
    ),
    "residuals (level 3)": fair(3),
    "knowledge (level 2)": fair(2),
}
for name, predictor in predictors.items():
    predictor.fit(X, y)
    left = predictor.predict(data.X.iloc[test]) - data.y.iloc[test]
    print(f"{name:22s} root mean squared error {np.sqrt(np.mean(left**2)):.3f}")

# %%
# **The same students, had they been white.** Their knowledge and their luck stay, race
# changes, and test and grades follow. To ignore race does not help: test and grades
# carry it. The fair predictors give up some accuracy, and say nearly the same in both
# worlds. Residuals assume added errors, which a count does not quite have.
students = data.X.iloc[test].query("race == 'Black'")
fitted = predictors["knowledge (level 2)"].model_
rows = students.assign(ZFYA=data.y.loc[students.index])
white = fitted.counterfactual(rows, do={"race": "White"}, random_state=0)

fig, axes = plt.subplots(2, 2, figsize=(10, 6), sharex=True, layout="constrained")
for ax, (name, predictor) in zip(axes.flat, predictors.items(), strict=True):
    worlds = {"as they are": students, "had they been white": white[list(students)]}
    bins = np.linspace(-1.6, 0.8, 49)
    for label, table in worlds.items():
        ax.hist(predictor.predict(table), bins, density=True, alpha=0.5, label=label)
    ax.set_title(name)
axes[0, 0].legend()
for ax in axes[1]:
    ax.set_xlabel("Forecast of the first year (standard deviations)")
for ax in axes[:, 0]:
    ax.set_ylabel("Density, black students")
plt.show()
