"""
What could an applicant do to get the loan?
===========================================

A bank's model refuses a loan. The usual explanation lists features that, edited, would
flip the answer. But nobody can edit one number of their life and keep the others: a
smaller loan is also paid back sooner. With a structural model each way out is an action
with its consequences, and no way asks for what cannot be changed.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OrdinalEncoder, StandardScaler

from skcausal.datasets import fetch_german_credit
from skcausal.decision import StructuralRecourse
from skcausal.graphs import CausalGraph
from skcausal.structural import AdditiveNoise, AdditiveNoiseModel

data = fetch_german_credit()
columns = ["age", "job", "savings_account", "credit_amount", "duration"]
frame = data.frame[columns]

# %%
# **The bank's model**, a scikit-learn Pipeline, and whom it refuses.
ordinal = OrdinalEncoder(
    categories=[frame[name].cat.categories.tolist() for name in columns[1:3]]
)
encoded = make_column_transformer((ordinal, columns[1:3]), remainder="passthrough")
bank = make_pipeline(encoded, StandardScaler(), LogisticRegression())
bank.fit(frame, data.y)
refused = frame[bank.predict_proba(frame)[:, 1] < 0.6]
print(f"{len(refused)} of {len(frame)} applicants are refused.")

# %%
# **What follows from what.** Age and job come first; they decide on savings and on the
# amount asked for, and the amount decides on how long it takes to pay back.
graph = CausalGraph(
    [
        ("age", "savings_account"),
        ("job", "savings_account"),
        ("age", "credit_amount"),
        ("job", "credit_amount"),
        ("credit_amount", "duration"),
    ]
)
straight = AdditiveNoise(LinearRegression())
model = AdditiveNoiseModel(graph, mechanisms={"duration": straight}, random_state=0)
model.fit(frame)

# %%
# **Ways out.** A loan may only become smaller and shorter, savings only grow, and
# age is out of reach.
rising = frame["savings_account"].cat.categories[1:].tolist()
recourse = StructuralRecourse(
    model,
    bank,
    {"credit_amount": "decrease", "duration": "decrease", "savings_account": rising},
    immutable=["age", "job"],
    threshold=0.6,
    n_samples=50,
    random_state=0,
).fit(frame)
some = refused.sample(12, random_state=0)
result = recourse.explain(some)
table = result.to_frame()
print(table.head(6)[["actions", "cost", "score_before", "score"]].round(2))
print(f"No way out for {len(result.without)} of {len(some)}.")

# %%
# **Edited features promise something else.** Of the ways that ask for a smaller loan
# alone, these would be enough without what follows from it:
smaller = table[table["actions"].str.fullmatch(r"credit_amount = [^,]*")]
print(smaller["feature_edit_suffices"].value_counts().to_dict())

# %%
# For one applicant: the loan as asked for, and the smaller loan with the shorter time
# that follows from it. A feature edit leaves the time as it is, so it looks for the
# bank's border along the dotted line.
row = smaller["cost"].idxmax()[0]
way = next(w for w in result.alternatives[row] if list(w.actions) == ["credit_amount"])
names = ["credit_amount", "duration"]
before, after = some.loc[row, names], way.consequences.iloc[0][names]
axes = [np.linspace(0, 1.1 * before[name], 120) for name in names]
grid = frame.loc[[row] * 120**2].reset_index(drop=True)
grid[names] = np.stack([part.ravel() for part in np.meshgrid(*axes)], axis=1)
granted = bank.predict_proba(grid)[:, 1].reshape(120, 120) >= 0.6
_, ax = plt.subplots(figsize=(7, 4), layout="constrained")
ax.contourf(*axes, granted, levels=[-0.5, 0.5, 1.5], colors=["0.85", "#cfe8cf"])
ax.axhline(before["duration"], color="0.4", linestyle="dotted")
ax.annotate("", after, before, arrowprops={"arrowstyle": "->"})
ax.plot(*before, "o", label="as asked for")
ax.plot(*after, "s", label="a smaller loan, and what follows")
ax.set(xlabel="Amount (DM)", ylabel="Duration (months)", title="Green: granted")
ax.legend(loc="upper left")
plt.show()
