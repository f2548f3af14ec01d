"""Random graphs and all subsets, for comparison with the definitions."""

import itertools

import numpy as np

from skcausal.graphs import CausalGraph


def subsets(nodes):
    nodes = list(nodes)
    for size in range(len(nodes) + 1):
        yield from map(frozenset, itertools.combinations(nodes, size))


def random_graph(seed, n_nodes=6, arrows=0.35, hidden=0.12, latent=0.0):
    """Return an acyclic directed mixed graph over shuffled integers."""
    rng = np.random.default_rng(seed)
    pairs = list(itertools.combinations(rng.permutation(n_nodes).tolist(), 2))
    return CausalGraph(
        [pair for pair in pairs if rng.random() < arrows],
        [pair for pair in pairs if rng.random() < hidden],
        range(n_nodes),
        latent=[node for node in range(n_nodes) if rng.random() < latent],
    )
