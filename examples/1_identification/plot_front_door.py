"""
Can data answer although a cause is hidden?
===========================================

Does smoking cause cancer, or do the same genes make people smoke and fall ill? With the
genes unmeasured, no covariate helps. If smoking acts through tar in the lungs, and the
genes do not touch the tar, the graph itself says how the effect can be had.
"""

import matplotlib.pyplot as plt
import numpy as np

from skcausal.graphs import CausalGraph
from skcausal.identification import NotIdentifiedError, Table, identify

graph = CausalGraph(
    directed=[("smoking", "tar"), ("tar", "cancer")],
    bidirected=[("smoking", "cancer")],
)
estimand = identify(graph, "smoking", "cancer")
print(estimand)

# %%
# The formula adjusts twice: tar against smoking, which nothing confounds, and cancer
# against tar, where smoking itself blocks the way back to the genes. What it rests on:
for sentence in estimand.assumptions():
    print("-", sentence)

# %%
# The general algorithm comes to the same formula by other steps:
print(identify(graph, "smoking", "cancer", kind="general").explain())

# %%
# Is it right? The certificate draws random models of the graph, with the genes in them,
# and compares the formula with what an intervention does there.
print(f"largest error: {estimand.check(n_random=20, random_state=0):.0e}")

# %%
# One more arrow, from smoking to cancer directly, and no formula exists. The error says
# why, and what would help.
direct = CausalGraph([*graph.directed, ("smoking", "cancer")], graph.bidirected)
try:
    identify(direct, "smoking", "cancer")
except NotIdentifiedError as error:
    print(error)

# %%
# Now with data. In this world smoking raises the risk through tar, and the genes make
# smokers of people who would have fallen ill less often: the raw comparison hides the
# harm. The formula needs the table of counts only.
rng = np.random.default_rng(0)
sizes = np.array([300, 1000, 3000, 10_000, 30_000])


def draw(n_rows, smoking=None):
    """Return smoking, tar and cancer; smoking is set if it is given."""
    genes = rng.random(n_rows) < 0.5
    natural = rng.random(n_rows) < np.where(genes, 0.8, 0.2)
    smokes = natural if smoking is None else np.full(n_rows, smoking)
    tar = rng.random(n_rows) < np.where(smokes, 0.9, 0.1)
    cancer = rng.random(n_rows) < 0.3 + 0.3 * tar - 0.25 * genes
    return smokes.astype(int), tar.astype(int), cancer.astype(int)


def risk_differences(n_rows):
    """Return the raw difference and that of the formula."""
    rows = draw(n_rows)
    counts, _ = np.histogramdd(np.column_stack(rows), bins=(2, 2, 2))
    joint = Table(["smoking", "tar", "cancer"], counts / n_rows)
    risk = estimand.evaluate(joint).array("smoking", "cancer")[:, 1]
    raw = rows[2][rows[0] == 1].mean() - rows[2][rows[0] == 0].mean()
    return raw, risk[1] - risk[0]


truth = draw(500_000, smoking=1)[2].mean() - draw(500_000, smoking=0)[2].mean()
found = np.array([[risk_differences(n) for _ in range(40)] for n in sizes])

figure, axes = plt.subplots(figsize=(7, 4))
for column, name in enumerate(["smokers against others", "front-door formula"]):
    middle, spread = found[..., column].mean(axis=1), found[..., column].std(axis=1)
    line = axes.plot(sizes, middle, marker="o", label=name)[0]
    limits = (middle - 2 * spread, middle + 2 * spread)
    axes.fill_between(sizes, *limits, alpha=0.2, color=line.get_color())
axes.axhline(truth, color="black", linestyle="--", label="what setting it does")
axes.set(xscale="log", xlabel="rows", ylabel="difference in risk")
axes.legend()
figure.tight_layout()
plt.show()
