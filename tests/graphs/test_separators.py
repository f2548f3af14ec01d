"""Minimal separators agree with exhaustive search."""

import itertools

import numpy as np
import pytest

from skcausal.graphs import (
    CausalGraph,
    GraphError,
    UnknownNodeError,
    all_minimal_separators,
    minimal_separator,
)

CHAIN = CausalGraph([("a", "b"), ("b", "c"), ("c", "d")])


def random_graph(seed, n_nodes=6):
    rng = np.random.default_rng(seed)
    pairs = list(itertools.combinations(rng.permutation(n_nodes).tolist(), 2))
    return CausalGraph(
        [pair for pair in pairs if rng.random() < 0.35],
        [pair for pair in pairs if rng.random() < 0.15],
        range(n_nodes),
        latent=[3] if seed % 2 else [],
    )


@pytest.mark.parametrize("seed", range(40))
def test_agree_with_exhaustive_search(seed):
    graph = random_graph(seed)
    rng = np.random.default_rng(seed)
    for a, b in itertools.combinations(graph.observed, 2):
        rest = [node for node in graph.observed if node not in (a, b)]
        include = {node for node in rest if rng.random() < 0.2}
        restrict = [node for node in rest if rng.random() < 0.8]
        found = [
            frozenset(given)
            for size in range(len(rest) + 1)
            for given in itertools.combinations(rest, size)
            if include <= set(given) <= include.union(restrict)
            and graph.d_separated(a, b, given)
        ]
        minimal = {one for one in found if not any(other < one for other in found)}
        options = {"include": include, "restrict": restrict}
        listed = list(all_minimal_separators(graph, a, b, **options))
        assert len(listed) == len(set(listed))
        assert set(listed) == minimal
        one = minimal_separator(graph, a, b, **options)
        assert (one in minimal) if minimal else (one is None)


def test_the_set_is_close_to_the_first_side():
    assert minimal_separator(CHAIN, "a", "d") == {"b"}
    assert minimal_separator(CHAIN, "d", "a") == {"c"}
    assert minimal_separator(CHAIN, "a", "d", restrict=["c"]) == {"c"}
    assert minimal_separator(CHAIN, "a", "b") is None
    assert minimal_separator(CHAIN, ["a", "b"], "d") == {"c"}


def test_bad_input():
    with pytest.raises(GraphError, match="b is on two sides"):
        minimal_separator(CHAIN, "a", "b", include="b")
    with pytest.raises(UnknownNodeError, match="'e' is not a node"):
        all_minimal_separators(CHAIN, "a", "e")
