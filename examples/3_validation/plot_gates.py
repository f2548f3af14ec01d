"""
Do customers differ, and who gains most?
========================================

A learner always predicts effects that differ between customers. Before anybody acts on
them, three questions need an answer: do the predictions say anything about the effects
(BLP), how large are the effects where they are predicted to be large (GATES), and who
are these customers (CLAN)? All three use customers whom the learner has not seen, and
many random splits, so that no single one decides.
"""

import matplotlib.pyplot as plt
from lightgbm import LGBMRegressor

from skcausal.datasets import make_ab_test
from skcausal.estimation import KnownPropensity, SLearner
from skcausal.validation import ClanDisplay, GatesDisplay, heterogeneity_analysis

small = LGBMRegressor(
    n_estimators=60, num_leaves=6, learning_rate=0.1, verbose=-1, n_jobs=1
)


def analyse(heterogeneity):
    """Analyse an A/B test with effects that differ more or less."""
    data = make_ab_test(10_000, heterogeneity=heterogeneity, random_state=0)
    return heterogeneity_analysis(
        SLearner(outcome_model=small, random_state=0),
        data.X,
        data.y,
        treatment=data.treatment,
        outcome_model=small,
        propensity_model=KnownPropensity(0.5),
        n_splits=11,
    )


# %%
# **Do the predictions say anything?** The loading is zero if they do not and one if the
# predicted differences have the right size. The first experiment has customers who
# differ; in the second the offer brings the same to all.
analyses = {"differ": analyse(1.0), "same": analyse(0.0)}
for name, analysis in analyses.items():
    loading = analysis.blp.loc["heterogeneity"]
    print(
        f"{name:6s} loading {loading['estimate']:5.2f} "
        f"[{loading['lower']:.2f}, {loading['upper']:.2f}], "
        f"p-value {loading['p_value']:.4f}"
    )

# %%
# The p-value is twice the median over the splits: with that factor it is valid however
# much the splits resemble each other. The splits alone scatter widely, which is why one
# of them is not enough.
analysis = analyses["differ"]
print(analysis.splits["heterogeneity_p_value"].describe()[["min", "50%", "max"]])

# %%
# **How much, and who?** On the left the effect in each fifth of the customers, with
# intervals that hold together, and the prediction beside it. On the right the
# customers of the first fifth less those of the last, covariate by covariate: those who
# have not bought for long, and users of the app.
fig, axes = plt.subplots(1, 2, figsize=(13, 5), layout="constrained")
GatesDisplay(table=analysis.gates).plot(ax=axes[0])
ClanDisplay(table=analysis.clan).plot(ax=axes[1], most=8)
axes[0].set_ylabel("Effect (currency per customer)")
plt.show()
