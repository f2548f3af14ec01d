"""
What does a drawing of causes claim?
====================================

Does warming up prevent injuries in sport? Shrier and Platt (2008) asked and drew what
they believed. A drawing is a set of claims: each arrow that is *missing* says that
there is no direct effect, and therefore that some variables are independent once others
are held fixed. Those claims can be read off, and later be held against data.
"""

import matplotlib.pyplot as plt

from skcausal.graphs import draw_graph, example_graph, format_graph, parse_graph

example = example_graph("shrier_platt")
graph = example.graph
print(f"{example.source}: {len(graph)} variables, {len(graph.directed)} arrows")

# %%
# **The picture.** Causes are to the left of effects. Suppose that we measure and adjust
# for fatigue and tissue weakness.
adjusted = ["NeuromuscularFatigue", "TissueWeakness"]
draw_graph(
    graph,
    treatment=example.treatment,
    outcome=example.outcome,
    adjustment=adjusted,
)
plt.show()

# %%
# **What it claims.** Each variable is independent of all that it does not cause, given
# its direct causes. These are a few of the claims; data may contradict any of them.
for node in ["TeamMotivation", "PreGameProprioception", "TissueWeakness"]:
    causes = graph.parents(node)
    others = set(graph) - graph.descendants(node) - causes
    assert graph.d_separated(node, others, causes)
    print(f"{node} _||_ {len(others)} others | {', '.join(sorted(causes))}")

# %%
# **Why these two?** Before adjustment, warming up and injury are connected by their
# common causes too. Cut the effect of warming up out of the graph: what still connects
# the two is confounding. Given fatigue and tissue weakness, nothing does.
without_effect = graph.without_edges_out_of("WarmUpExercises")
for given in [(), ["NeuromuscularFatigue"], adjusted]:
    separated = without_effect.d_separated("WarmUpExercises", "Injury", given)
    held = ", ".join(given) or "nothing"
    print(f"given {held}: {'no confounding' if separated else 'confounded'}")

# %%
# **What if something is not measured?** Without fitness and motivation the arrows that
# ran through them are gone, and hidden common causes (dashed) are in their place.
# The new graph says the same about what is left.
unseen = {"Coach", "Genetics", "FitnessLevel", "TeamMotivation"}
seen = graph.latent_projection([node for node in graph if node not in unseen])
draw_graph(seen, treatment="WarmUpExercises", outcome="Injury", adjustment=adjusted)
plt.show()

# %%
# **In a file.** The graph as dagitty writes it; ``read_graph`` reads it back.
text = format_graph(seen)
assert parse_graph(text) == seen
print("\n".join(line for line in text.splitlines() if "<->" in line))
