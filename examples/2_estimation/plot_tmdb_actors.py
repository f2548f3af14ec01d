"""
Is Stan Lee worth more than any other actor?
============================================

Which actors make a film earn more? Regress the revenue of 2,828 films on one actor at a
time, and Stan Lee comes first: he had cameos in the films of Marvel. The budget, the
studio and the series made these films big, and brought him in. The deconfounder looks
for such shared causes in the casts alone: actors who play together hint at the kind of
film. It is a famous example, and a disputed one.
"""

import matplotlib.pyplot as plt
import numpy as np

from skcausal.datasets import fetch_tmdb5000
from skcausal.estimation.deconfounding import Deconfounder, PPCAFactorModel

data = fetch_tmdb5000()
print(data.description)

# %%
# Fifty factors of the casts stand for what is not observed. The budget and the length
# are observed, and kept as covariates. The check of the factor model on held-out
# entries (``heldout_fraction``) takes minutes and is left out here.
table = data.X.assign(
    log_budget=np.log(data.budget.clip(lower=1)), runtime=data.runtime
)
model = Deconfounder(
    PPCAFactorModel(50),
    causes=list(data.X),
    prior_scale=None,
    heldout_fraction=0,
    random_state=0,
)
model.fit(table, data.y)
alone = model.single_cause_effects(covariates=False)
alone.nsmallest(8, "rank_naive")[["support", "naive", "deconfounded", "rank"]].round(3)

# %%
# With the factors, those who play in the same series fall, and stars of many different
# films rise.
order = alone["difference"].sort_values()
print("fall:", ", ".join(order.index[:8]))
print("rise:", ", ".join(order.index[::-1][:8]))

# %%
# Is this the truth about actors? A second adjustment, for what is known: the budget and
# the length of the film. If both removed the same confounding, they would agree.
budget = model.single_cause_effects()["naive"]
agreement = np.corrcoef(budget - alone["naive"], alone["difference"])[0, 1]
print(f"correlation of the two changes: {agreement:.2f}")
rank = int(budget.rank(ascending=False)["Stan Lee"])
print(f"rank of Stan Lee: {alone['rank']['Stan Lee']} with factors, {rank} with budget")

# %%
# What would the revenue have been with another Batman? The model answers with a number,
# which rests on a sum of effects, on the residual of the film staying as it was, and on
# the factors being the confounder.
film = "Batman v Superman: Dawn of Justice"
swap = model.swap(film, "Ben Affleck", "Christian Bale", transform="exp")
print(f"{film}: {swap.difference / 1e6:+.0f} million USD of {swap.observed / 1e6:.0f}")

# %%
# The critics' point: the factors are functions of the cast. With all actors in one
# regression they add nothing that the cast does not say; what changes above is due to
# leaving the other actors out of each regression. And what made the films of a single
# actor successful leaves no trace in the others: ``model.check()`` lists such reasons
# to doubt.

# %%
fig, axes = plt.subplots(1, 2, figsize=(10, 4.6), sharex=True, sharey=True)
sides = {"50 factors of the casts": alone["deconfounded"], "budget, runtime": budget}
named = {"Stan Lee": 0, "Bruce Willis": -2, "Robert De Niro": -8}
named |= {"Emma Watson": 10, "Frank Welker": -18}  # shifts of the names, in points
for ax, (title, adjusted) in zip(axes, sides.items(), strict=True):
    ax.scatter(alone["naive"], adjusted, s=6, alpha=0.5)
    for name, up in named.items():
        place = alone["naive"][name], adjusted[name]
        ax.annotate(name, place, (3, up), textcoords="offset points", fontsize=8)
    ax.axline((0, 0), slope=1, color="0.6", lw=1)
    correlation = np.corrcoef(alone["naive"], adjusted)[0, 1]
    ax.set(title=f"{title} (correlation {correlation:.2f})", xlabel="actor alone")
axes[0].set_ylabel("coefficient, adjusted")
plt.show()
