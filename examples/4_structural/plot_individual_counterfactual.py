"""
Would this customer have stayed without the call?
=================================================

A company called customers who used its service little, and some of them stayed. Was it
the call? For usage the answer is one number per customer, because the model knows what
was special about each. Whether the customer would have stayed rests on a choice that no
data can test, so we show what holds under any choice as well.
"""

import warnings

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from skcausal.graphs import CausalGraph
from skcausal.structural import CouplingWarning, StructuralModel

rng = np.random.default_rng(0)
n = 3000
need = rng.normal(size=n)
call = (rng.logistic(size=n) > need).astype(int)
use = 4 + 1.2 * call + 1.5 * need + rng.normal(size=n)
stays = (1.2 * (use - 4) + rng.logistic(size=n) > 0).astype(int)
frame = pd.DataFrame({"need": need, "call": call, "use": use, "stays": stays})
graph = CausalGraph(
    [("need", "call"), ("need", "use"), ("call", "use"), ("use", "stays")]
)

# %%
# **Learn a mechanism for each node.** The tables say how the candidates did.
model = StructuralModel(graph, random_state=0).fit(frame)
print(model.choices_["use"][["mechanism", "log_score", "chosen"]])

# %%
# **Six customers who were called and stayed**, and the same six without the call. Their
# own noise is kept: who used more than expected still does.
rows = frame[(frame["call"] == 1) & (frame["stays"] == 1)][:6]
with warnings.catch_warnings():
    warnings.simplefilter("ignore", CouplingWarning)  # on purpose, for both
    without = {
        name: model.counterfactual(
            rows, {"call": 0}, n_samples=2000, coupling=name, random_state=0
        )
        for name in ("monotone", "independent")
    }
use_without = without["monotone"]["use"].groupby(level="row", sort=False).first()
print(pd.DataFrame({"use": rows["use"], "without the call": use_without}).round(2))

# %%
# **The chance that they would have stayed.** Bounds hold for every way to tie the two
# worlds. If calls never make anybody leave (monotone), it is the upper bound. Noise
# drawn anew forgets that these customers stayed, and mostly lies far outside.
bounds = model.counterfactual(rows, {"call": 0}, coupling="bounds")["stays"][1.0]
chances = {
    name: found["stays"].groupby(level="row", sort=False).mean()
    for name, found in without.items()
}
print(pd.DataFrame(chances).join(bounds).round(2))

# %%
# **And all customers who were called and stayed?** The probability of necessity, PN.
print(model.causation_probabilities("call", "stays", coupling="bounds"))

# %%
# Left: usage with and without the call. Right: the chance to stay without it.
_, (left, right) = plt.subplots(1, 2, figsize=(9, 3.4), layout="constrained")
places = np.arange(len(rows))
left.vlines(places, use_without, rows["use"], color="0.7")
left.plot(places, rows["use"], "o", label="called, as it was")
left.plot(places, use_without, "o", label="not called")
left.set(xlabel="customer", ylabel="usage")
left.legend()
right.vlines(places, bounds["lower"], bounds["upper"], lw=10, color="0.85", label="any")
for name, marker in (("monotone", "o"), ("independent", "v")):
    right.plot(places, chances[name], marker, label=name)
right.set(xlabel="customer", ylabel="chance to stay", ylim=(-0.05, 1.05))
right.legend(title="coupling", loc="upper left", bbox_to_anchor=(1, 1))
plt.show()
