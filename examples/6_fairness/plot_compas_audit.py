"""
Would the same defendant have been called risky, had they been white?
=====================================================================

A boosted Pipeline predicts from race, sex, age, charge and earlier charges who will be
charged again within two years (COMPAS, ProPublica 2016). Error rates per group compare
different people. The audit compares each person with themselves: a structural model
says what their charges would have been, had they been of another race, all else about
them the same.
"""

import warnings

import matplotlib.pyplot as plt
import numpy as np
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from skcausal.datasets import fetch_compas
from skcausal.fairness import (
    CounterfactualFairnessAuditor,
    SmallGroupWarning,
    group_metrics,
)
from skcausal.graphs import CausalGraph
from skcausal.structural import AdditiveNoiseModel

warnings.simplefilter("ignore", SmallGroupWarning)  # 31 and 11 rows: no claims there
frame = fetch_compas().frame
frame["log_priors"] = np.log1p(frame["priors_count"])
train, test = train_test_split(frame, test_size=0.5, random_state=0)

# %%
# The predictor to be audited, and its error rates by group. They differ, and must:
# base rates do.
features = ["race", "sex", "age", "priors_count", "c_charge_degree"]
indicators = make_column_transformer(
    (OneHotEncoder(sparse_output=False, handle_unknown="ignore"), ["race", "sex"]),
    (OneHotEncoder(sparse_output=False, drop="if_binary"), ["c_charge_degree"]),
    remainder="passthrough",
)
boosting = HistGradientBoostingClassifier(max_iter=40, random_state=0)
predictor = make_pipeline(indicators, boosting)
predictor.fit(train[features], train["two_year_recid"])
predicted = predictor.predict(test[features])
rates = group_metrics(test["two_year_recid"], predicted, test["race"])
print(rates[["n", "base_rate", "false_positive_rate", "false_negative_rate"]].round(3))

# %%
# Race, sex and age have no causes in the graph; charges follow from them. Noise is
# added on the logarithm of the count, and ``derived`` makes a count of it again.
roots = ["race", "sex", "age"]
graph = CausalGraph(
    [(root, "log_priors") for root in roots]
    + [(node, "c_charge_degree") for node in [*roots, "log_priors"]]
)
encode = make_column_transformer(
    (OneHotEncoder(), ["race", "sex"]), remainder="passthrough"
)
model = AdditiveNoiseModel(
    graph,
    regressor=make_pipeline(encode, LinearRegression()),
    classifier=make_pipeline(encode, LogisticRegression(max_iter=1000)),
)


def derived(table):
    """Make counts of their logarithm."""
    counts = np.maximum(np.expm1(table["log_priors"]).round(), 0)
    return table.assign(priors_count=counts)


auditor = CounterfactualFairnessAuditor(
    model, "race", n_counterfactuals=20, derived=derived, random_state=0
).fit(train)
audit = auditor.audit(predictor, test)
print(audit)

# %%
# Scores of one group as they are and as they would have been; and for each group the
# share whose decision flips. All of it holds under this graph, in which nothing hidden
# causes both charges and recidivism.
fig, axes = plt.subplots(1, 2, figsize=(12, 4.4), layout="constrained")
audit.plot("density", group="African-American", ax=axes[0])
audit.plot("flips", ax=axes[1])
plt.show()
