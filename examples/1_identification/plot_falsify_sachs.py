"""
Does the graph fit the data?
============================

Biologists agree on which proteins of an immune cell activate which. Is their graph any
better, judged by 853 cells in which eleven of them were measured, than the same drawing
with the names shuffled?
"""

import matplotlib.pyplot as plt
import numpy as np

from skcausal.datasets import fetch_sachs
from skcausal.graphs import CausalGraph
from skcausal.validation import FalsificationDisplay, falsify_graph

# %%
# The consensus graph of Sachs et al. (2005) has 17 arrows. Amounts are skewed, so we
# take logarithms.
data = fetch_sachs()
frame = np.log(data.frame)
graph = CausalGraph(data.edges)
result = falsify_graph(graph, frame, random_state=0)
print(result.verdict)

# %%
# Chance alone would reject three or four of the 71 independencies at 5 %, and of a
# hundred shuffled graphs none does as well. But look at what else was tested: the graph
# also says who *depends* on whom.
result.summary

# %%
# Half of the arrows join proteins that do not move together in these cells. Partial
# correlations may be blind to curved relations, so we ask a kernel test, too.
kernel = falsify_graph(graph, frame, test="kernel", n_permutations=20, random_state=0)
kernel.summary

# %%
# It finds more independencies that fail, and P38 and Jnk leave no doubt: they move
# together in a way that PKA and PKC do not explain. The arrows that it suggests to
# remove are another matter. That unperturbed cells show no trace of an arrow is no
# evidence against it: the arrow may act under a stimulus only.
kernel.suggestions.round(4)

# %%
# A graph that passes has shown little. Take five of the arrows away at random and put
# as many elsewhere. The permutation test passes that graph, too; what gives it away
# are single independencies that stay rejected after adjustment for their number.
rng = np.random.default_rng(0)
order = graph.topological_order()
free = [
    (a, b)
    for k, a in enumerate(order)
    for b in order[k + 1 :]
    if (a, b) not in data.edges
]
kept = [data.edges[k] for k in rng.choice(17, 12, replace=False)]
wrong = CausalGraph(kept + [free[k] for k in rng.choice(len(free), 5, replace=False)])
doubtful = falsify_graph(wrong, frame, random_state=0)
print(doubtful.verdict)

# %%
# In the figure the bars are graphs with shuffled names, by the share of what they imply
# that the data reject. The line is the graph itself.
fig, axes = plt.subplots(1, 2, figsize=(10, 4.8), sharey=True, layout="constrained")
for ax, found in zip(axes, [result, doubtful], strict=True):
    FalsificationDisplay.from_falsification(found, ax=ax)
axes[0].set_title("Consensus graph")
axes[1].set_title("Five of its arrows moved")
plt.show()
