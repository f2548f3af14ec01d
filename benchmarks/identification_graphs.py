"""Random graphs with a question each, as plain lists that any library can read."""

from dataclasses import dataclass, field

import numpy as np


@dataclass(frozen=True)
class Question:
    """The effect of ``treatment`` on ``outcome`` in a graph; all names are strings.

    A hidden common cause is a pair in ``bidirected`` or, for libraries that know
    arrows only, a node of ``latent`` in `with_latent_nodes`.
    """

    nodes: list
    directed: list
    treatment: str
    outcome: str
    bidirected: list = field(default_factory=list)

    def with_latent_nodes(self):
        """Return nodes, arrows and latent nodes."""
        latent = [f"u{k}" for k in range(len(self.bidirected))]
        arrows = [
            (name, node)
            for name, pair in zip(latent, self.bidirected, strict=True)
            for node in pair
        ]
        return [*self.nodes, *latent], [*self.directed, *arrows], latent


def random_arrows(nodes, n_arrows, rng):
    """Draw arrows that point forwards in ``nodes``, none twice."""
    wanted = min(n_arrows, len(nodes) * (len(nodes) - 1) // 2)
    chosen = {}
    while len(chosen) < wanted:
        pairs = np.sort(rng.integers(len(nodes), size=(wanted, 2)), axis=1).tolist()
        chosen |= {(nodes[a], nodes[b]): None for a, b in pairs if a != b}
    return sorted(list(chosen)[:wanted])


def reached(start, arrows, *, back=False):
    """Return all that a node causes, or all that causes it."""
    onward = {}
    for a, b in arrows:
        onward.setdefault(b if back else a, []).append(a if back else b)
    found, waiting = set(), [start]
    while waiting:
        for node in onward.get(waiting.pop(), ()):
            if node not in found:
                found.add(node)
                waiting.append(node)
    return found


def _ends(nodes, arrows, rng):
    """Choose a treatment in the middle and an outcome near the end that it causes."""
    n = len(nodes)
    for treatment in rng.permutation(nodes[n // 3 : 2 * n // 3]).tolist():
        late = sorted(reached(treatment, arrows) & set(nodes[3 * n // 4 :]))
        if late and reached(treatment, arrows, back=True):
            return treatment, late[rng.integers(len(late))]
    return None


def random_question(n, seed, mean_degree=5):
    """Everything is observed, so that an adjustment set exists."""
    for attempt in range(100):
        rng = np.random.default_rng([seed, n, attempt])
        nodes = [f"v{k}" for k in rng.permutation(n)]
        arrows = random_arrows(nodes, n * mean_degree // 2, rng)
        ends = _ends(nodes, arrows, rng)
        if ends:
            return Question(sorted(nodes), arrows, *ends)
    raise RuntimeError(f"no treatment in 100 graphs of {n} nodes")


def front_door_question(n, seed, mean_degree=5):
    """Let a third of the nodes carry the effect, a third come before, a third after.

    Treatment and outcome share a hidden cause. Causes are parents of both; the last
    third are effects of causes and mediators, which must not be conditioned on.
    """
    rng = np.random.default_rng([seed, n])
    third = (n - 2) // 3
    causes = [f"a{k}" for k in range(third)]
    mediators = [f"m{k}" for k in range(third)]
    after = [f"z{k}" for k in range(n - 2 - 2 * third)]
    within = third * mean_degree // 2
    arrows = random_arrows(causes, within, rng) + random_arrows(mediators, within, rng)
    few = max(2, third // 20)
    arrows += [(node, "x") for node in rng.permutation(causes)[:few].tolist()]
    arrows += [(node, "y") for node in rng.permutation(causes)[:few].tolist()]
    arrows += [("x", node) for node in mediators[:few]]
    arrows += [(node, "y") for node in mediators[-few:]]
    arrows += [("m0", mediators[-1])] if third > 1 else []
    for side in (causes, mediators):
        above = [side[k] for k in rng.integers(third, size=len(after)).tolist()]
        arrows += zip(above, after, strict=True)
    nodes = [*causes, "x", *mediators, "y", *after]
    return Question(nodes, sorted(set(arrows)), "x", "y", [("x", "y")])


def confounders_question(n, seed):
    """Give both ends n - 2 causes, as in IHDP with its 25 covariates."""
    causes = [f"c{k}" for k in range(n - 2)]
    arrows = [(node, end) for node in causes for end in ("t", "y")]
    return Question([*causes, "t", "y"], [*arrows, ("t", "y")], "t", "y")


def mixed_question(n, seed, n_hidden=20, mean_degree=3):
    """Add hidden common causes, one of treatment and a node that carries its effect.

    So that no adjustment set exists.
    """
    for attempt in range(1000):
        rng = np.random.default_rng([seed, n, n_hidden, attempt])
        nodes = [f"v{k}" for k in rng.permutation(n)]
        arrows = random_arrows(nodes, n * mean_degree // 2, rng)
        hidden = random_arrows(nodes, n_hidden, rng)
        for treatment, mediator in hidden:
            late = sorted(reached(mediator, arrows) & set(nodes[3 * n // 4 :]))
            if late and mediator in reached(treatment, arrows):
                outcome = late[rng.integers(len(late))]
                return Question(sorted(nodes), arrows, treatment, outcome, hidden)
    raise RuntimeError(f"no treatment in 1000 graphs of {n} nodes")


KINDS = {
    "random": random_question,
    "front door": front_door_question,
    "confounders": confounders_question,
    "mixed": mixed_question,
}
