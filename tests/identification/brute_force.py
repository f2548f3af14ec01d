"""Slow answers to questions about small graphs, found another way."""

import itertools

import networkx as nx
import numpy as np

from skcausal.graphs import CausalGraph


def subsets(nodes):
    for size in range(len(nodes) + 1):
        yield from itertools.combinations(nodes, size)


def random_case(seed, n_nodes=None, bidirected=0.12, sides=2):
    """Return a random graph in which each treatment causes one of the outcomes."""
    rng = np.random.default_rng(seed)
    n_nodes = n_nodes or int(rng.integers(3, 9))
    while True:
        graph = _random_graph(rng, n_nodes, bidirected)
        many = int(n_nodes > 4 and rng.random() < 0.3) * (sides - 1) + 1
        ends = rng.choice(n_nodes, size=2 * many, replace=False).tolist()
        treatments, outcomes = ends[:many], ends[many:]
        if graph.ancestors(outcomes).issuperset(treatments):
            return graph, treatments, outcomes


def _random_graph(rng, n_nodes, bidirected):
    pairs = list(itertools.combinations(rng.permutation(n_nodes).tolist(), 2))
    share = rng.uniform(0.2, 0.5)
    return CausalGraph(
        [pair for pair in pairs if rng.random() < share],
        [pair for pair in pairs if rng.random() < bidirected],
        range(n_nodes),
    )


def _full(graph):
    """Return the directed graph with a node for each hidden cause."""
    full = nx.DiGraph(list(graph.directed))
    full.add_nodes_from(graph.nodes)
    for k, (a, b) in enumerate(graph.bidirected):
        full.add_edges_from([(("hidden", k), a), (("hidden", k), b)])
    return full


def _is_open(full, path, given):
    for before, node, after in zip(path, path[1:], path[2:], strict=False):
        if full.has_edge(before, node) and full.has_edge(after, node):
            if not ({node} | nx.descendants(full, node)) & given:
                return False
        elif node in given:
            return False
    return True


def valid_by_paths(graph, treatments, outcomes, z, criterion):
    """Tell whether a set is valid by looking at every path between the sides.

    Of the paths that meet no treatment but their first node (back-door: that leave it
    against an arrow), all that are not causal must be blocked; no node of a causal
    path and nothing it causes (back-door: that the treatment causes) may be in the set.
    """
    full = _full(graph)
    given = set(z)
    plain = full.to_undirected()
    barred = set()
    for one, two in itertools.product(treatments, outcomes):
        for path in nx.all_simple_paths(plain, one, two):
            if set(path[1:]) & set(treatments):
                continue
            causal = all(full.has_edge(a, b) for a, b in itertools.pairwise(path))
            if causal:
                barred |= {v for node in path[1:] for v in _after(full, node)}
            elif criterion == "adjustment":
                if _is_open(full, path, given):
                    return False
            elif full.has_edge(path[1], one) and _is_open(full, path, given):
                return False
    if criterion == "backdoor":
        barred = {v for node in treatments for v in _after(full, node)}
    return not given & barred


def _after(full, node):
    return {node} | nx.descendants(full, node)


def is_best_by_separation(graph, treatments, outcomes, z, valid):
    """Tell whether independencies make a set at least as precise as all valid ones.

    They do if the outcome needs nothing else, and the treatment does not depend on what
    the other set leaves out (Henckel, Perkovic and Maathuis 2022, theorem 3.1).
    """
    z = set(z)
    return all(
        graph.d_separated(outcomes, other - z, z.union(treatments))
        and graph.d_separated(treatments, z - other, other)
        for other in map(set, valid)
    )


def asymptotic_variance(graph, treatments, outcomes, seed):
    """Return the variance of least squares for a set, in a random linear model."""
    rng = np.random.default_rng(seed)
    full = _full(graph)
    order = list(nx.topological_sort(full))
    at = {node: k for k, node in enumerate(order)}
    effects = np.zeros((len(order), len(order)))
    for a, b in full.edges:
        effects[at[b], at[a]] = rng.uniform(0.4, 1.5) * rng.choice([-1, 1])
    mixing = np.linalg.inv(np.eye(len(order)) - effects)
    covariance = mixing @ np.diag(rng.uniform(0.5, 2, len(order))) @ mixing.T
    (x,), (y,) = [at[n] for n in treatments], [at[n] for n in outcomes]

    def residual(node, given):
        if not given:
            return covariance[node, node]
        cross = covariance[node, given]
        within = covariance[np.ix_(given, given)]
        return covariance[node, node] - cross @ np.linalg.solve(within, cross)

    def variance(z):
        codes = [at[node] for node in z]
        return residual(y, [x, *codes]) / residual(x, codes)

    return variance
