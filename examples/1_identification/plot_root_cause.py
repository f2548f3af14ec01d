"""
What drove this incident?
=========================

An online shop is slow today. Orders wait on the payment service, on the stock service,
and both wait on the database; on a slow day all four alarms ring. Which service is the
root cause, and which only passes the trouble on? A causal graph with a mechanism for
each service can tell.
"""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.linear_model import LinearRegression

from skcausal.graphs import CausalGraph
from skcausal.structural import (
    AdditiveNoiseModel,
    AttributionDisplay,
    anomaly_attribution,
)

rng = np.random.default_rng(0)


def minutes(n, database=0.0, stock=0.0):
    """Return response times in milliseconds; an incident adds to one service."""
    visitors = rng.poisson(200, size=n).astype(float)
    base = 10 + 0.1 * visitors + rng.gamma(4, 2, size=n) + database
    pay = 20 + 1.5 * base + rng.normal(0, 5, size=n)
    store = 15 + base + rng.normal(0, 4, size=n) + stock
    shop = 30 + pay + store + rng.normal(0, 6, size=n)
    columns = {"visitors": visitors, "database": base, "payment": pay}
    return pd.DataFrame(columns | {"stock": store, "shop": shop})


graph = CausalGraph(
    [
        ("visitors", "database"),
        ("database", "payment"),
        ("database", "stock"),
        ("payment", "shop"),
        ("stock", "shop"),
    ]
)

# %%
# **Learn what is normal**, and see whether the mechanisms fit.
normal = minutes(2000)
model = AdditiveNoiseModel(graph, regressor=LinearRegression(), random_state=0)
model.fit(normal)
print(model.evaluate(normal)[["r2", "p_independent", "verdict"]])

# %%
# **Two incidents.** In the first the database hangs, in the second the stock service.
# How many standard deviations is each service off? In the first incident all four are
# off by more than six: a threshold rings everywhere.
incidents = pd.concat([minutes(1, database=40), minutes(1, stock=70)])
incidents.index = ["first incident", "second incident"]
print(((incidents - normal.mean()) / normal.std()).round(1).T)

# %%
# **Whose own noise made the shop so slow?** The score is -log of the probability of
# so long a time; contributions of the services sum to it.
found = anomaly_attribution(model, incidents, "shop", tail="upper", random_state=0)
print(found.contributions.round(2).T)

# %%
# **What would have helped?** The same minute, had the service been as usual.
for row, service in (("first incident", "database"), ("second incident", "stock")):
    usual = model.counterfactual(
        incidents.loc[[row]], do={service: normal[service].mean()}
    )
    print(
        f"{row}: {incidents.loc[row, 'shop']:.0f} ms, with a usual {service} "
        f"{usual['shop'].iloc[0]:.0f} ms"
    )

# %%
# The bars name the database in the first incident and the stock service in the second,
# although the stock service was off in both.
_, axes = plt.subplots(1, 2, figsize=(9, 3.2), sharex=True, layout="constrained")
for ax, row in zip(axes, incidents.index, strict=True):
    AttributionDisplay.from_attribution(found.of(row), ax=ax)
    ax.set_title(row.capitalize())
    ax.set_xlabel("Contribution to the anomaly score")
plt.show()
