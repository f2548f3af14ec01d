"""
From a drawing to an answer that was attacked
=============================================

A shop gives some customers free delivery and asks what it does to their spending. Who
gets it depends on what they bought before and on where they live. The four steps: is
the effect identified, does the table contradict the drawing, how large is the effect,
and does it survive?
"""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.linear_model import LinearRegression, LogisticRegression

from skcausal.analysis import CausalAnalysis
from skcausal.estimation import AIPW
from skcausal.graphs import CausalGraph, draw_graph
from skcausal.validation import PlaceboTreatment, RandomCommonCause

# %%
# What we believe, and a table that was made by it. Free delivery is worth 2 more.
graph = CausalGraph(
    [
        ("city", "past"),
        ("city", "free_delivery"),
        ("past", "free_delivery"),
        ("past", "spending"),
        ("city", "spending"),
        ("free_delivery", "visits"),
        ("visits", "spending"),
        ("free_delivery", "spending"),
        ("spending", "rating"),
        ("free_delivery", "rating"),
    ]
)
rng = np.random.default_rng(1)
n = 3000
city = rng.normal(size=n)
past = city + rng.normal(size=n)
free = (rng.random(n) < 1 / (1 + np.exp(-0.25 * past - 0.2 * city))).astype(int)
visits = free + 2 * rng.normal(size=n)
spending = free + visits + past + city + rng.normal(size=n)
rating = 0.5 * spending + free + 2 * rng.normal(size=n)
names = ["city", "past", "free_delivery", "visits", "spending", "rating"]
columns = [city, past, free, visits, spending, rating]
table = pd.DataFrame(dict(zip(names, columns, strict=True)))

# %%
# Identify and estimate.
learner = AIPW(LinearRegression(), LogisticRegression(C=np.inf), random_state=0)
analysis = CausalAnalysis(
    graph, "free_delivery", "spending", learner=learner, random_state=0
).fit(table)
print(analysis.estimand_.explain())
for sentence in analysis.estimand_.assumptions():
    print("-", sentence)
low, high = analysis.effect_.interval()
print(f"effect {analysis.effect_.value:.2f}, 95 % interval [{low:.2f}, {high:.2f}]")

# %%
# Hold the drawing against the table, attack the estimate, and ask how strong a cause
# that nobody drew would have to be.
print(analysis.falsify(n_permutations=100).verdict)
attacks = analysis.refute(
    refuters=[PlaceboTreatment(), RandomCommonCause()], n_simulations=10, progress=False
)
print(attacks.table["verdict"].to_string())
robustness = analysis.sensitivity().robustness_value()
print(f"A hidden cause would have to explain {100 * robustness:.0f} % of what is left.")

# %%
# The drawing, and what other choices of columns would have said.
fig, (left, right) = plt.subplots(
    1, 2, figsize=(11, 3.6), width_ratios=[1.6, 1], layout="constrained"
)
draw_graph(
    graph,
    treatment="free_delivery",
    outcome="spending",
    adjustment=list(analysis.estimand_.adjustment),
    ax=left,
)
choices = {
    "what the graph says": ["city", "past"],
    "past only": ["past"],
    "with visits": ["city", "past", "visits"],
    "with rating": ["city", "past", "rating"],
}
for name, chosen in choices.items():
    one = learner.fit(table[chosen], spending, treatment=free).average_effect()
    right.plot(one.interval(), [name, name], color="#0072B2")
    right.plot(one.value, name, "o", color="#0072B2")
right.axvline(2, color="#6B6B6B", linestyle="--", label="truth")
right.invert_yaxis()
right.set_xlabel("Effect on spending, 95 % interval")
right.spines[["top", "right"]].set_visible(False)
right.legend(frameon=False)
plt.show()
