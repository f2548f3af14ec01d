"""
Which rows are compared with which, and does it make the arms alike?
====================================================================

Matching compares each treated row with the most similar control. That is easy to
explain and easy to check: the covariates of the matched rows should look the same in
both arms. This example checks it, and compares three ways to say what "similar" means.
"""

import warnings

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from skcausal import OverlapWarning
from skcausal.datasets import make_observational
from skcausal.estimation import CoarsenedExactMatching, NearestNeighbourMatching

warnings.simplefilter("ignore", OverlapWarning)  # rows left out are counted below

data = make_observational(2000, 4, effect="linear", random_state=3)
truth = data.average_effect_treated
treated = data.treatment == 1
naive = data.y[treated].mean() - data.y[~treated].mean()
print(f"difference in means {naive:.2f}, true effect on the treated {truth:.2f}")

# %%
# The nearest control by Mahalanobis distance or by propensity, and all controls in the
# same bins.
ways = {
    "nearest covariates": NearestNeighbourMatching(target="treated"),
    "nearest propensity": NearestNeighbourMatching("propensity", target="treated"),
    "same bins": CoarsenedExactMatching(n_bins=4, target="treated"),
}
rows = {}
for name, matching in ways.items():
    matching.fit(data.X, data.y, treatment=data.treatment)
    estimate = matching.average_effect()
    lower, upper = estimate.interval()
    rows[name] = (estimate.value, lower, upper, matching.unmatched_.size)
columns = ["estimate", "lower", "upper", "rows left out"]
table = pd.DataFrame.from_dict(rows, orient="index", columns=columns)
table.round(2)

# %%
# A treated row and its match, side by side. Any such pair can be looked up.
nearest = ways["nearest covariates"]
row = int(np.flatnonzero(treated)[0])
match = nearest.match_indices_[row, 0]
data.frame.iloc[[row, match]].round(2)

# %%
# The left panel is the check: before matching the arms differ by up to half a standard
# deviation and more, after it hardly. The propensity balances all columns on average,
# though single pairs may be unlike. Bins leave out treated rows without a counterpart,
# so that their effect is about fewer rows.
BLUE, ORANGE, GREEN, GREY = "#0072B2", "#D55E00", "#009E73", "#6B6B6B"
fig, (left, right) = plt.subplots(1, 2, figsize=(9.5, 3.8), layout="constrained")
places = np.arange(data.X.shape[1])
left.plot(nearest.balance_["before"], places, "o", color=GREY, label="before")
for (name, matching), colour in zip(ways.items(), (BLUE, ORANGE, GREEN), strict=True):
    left.plot(matching.balance_["after"], places, "D", color=colour, label=name)
left.axvline(0, color="k", linewidth=0.8)
left.set_yticks(places, nearest.balance_.index)
left.set_xlabel("Standardised mean difference")
left.legend(frameon=False)
right.errorbar(
    table["estimate"],
    table.index,
    xerr=np.abs(table[["lower", "upper"]].sub(table["estimate"], axis=0)).T,
    fmt="o",
    color=BLUE,
    capsize=3,
)
right.axvline(truth, color=ORANGE, linestyle="--", label="truth")
right.axvline(naive, color=GREY, linestyle=":", label="difference in means")
right.set_xlabel("Effect on the treated, 95 % interval")
right.set_ylim(-0.5, 2.5)
right.legend(frameon=False)
for ax in (left, right):
    ax.spines[["top", "right"]].set_visible(False)
plt.show()
