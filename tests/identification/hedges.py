"""An independent proof that a hedge forbids identification, by two models.

In both, each node of the larger set is the parity of its parents in a forest and of
fair coins, one for each bidirected edge of a spanning tree. In the second, the nodes of
the smaller set hear nothing from outside it. The models agree on what is seen, and
differ once the treatment is set (Shpitser and Pearl 2006, theorem 4).
"""

import itertools
from collections import Counter

import networkx as nx


def check_hedge(graph, treatment, outcome, larger, smaller):
    """Assert that two sets are a hedge, and that its two models do what they should."""
    assert smaller < larger
    assert larger & set(treatment)
    assert not smaller & set(treatment)
    tree = _spanning_tree(graph, larger, smaller)
    forest = _forest(graph, larger, smaller)
    roots = [node for node in smaller if node not in forest]
    assert set(roots) <= graph.do(treatment).ancestors(list(outcome))
    arguments = (graph, larger, smaller, tree, forest)
    one, two = (_distribution(*arguments, cut=cut) for cut in (False, True))
    assert one == two
    set_to_zero = larger & set(treatment)
    one, two = (
        _distribution(*arguments, cut=cut, done=set_to_zero, keep=roots)
        for cut in (False, True)
    )
    assert one != two


def _spanning_tree(graph, larger, smaller):
    """Return edges that join the smaller set, then the larger; fail if none do."""
    hidden = nx.Graph()
    hidden.add_nodes_from(larger)
    for a, b in graph.bidirected:
        if a in larger and b in larger:
            inside = a in smaller and b in smaller
            hidden.add_edge(a, b, weight=0 if inside else 1)
    assert nx.is_connected(hidden)
    assert nx.is_connected(hidden.subgraph(smaller))
    return list(nx.minimum_spanning_tree(hidden).edges)


def _forest(graph, larger, smaller):
    """Return one child for each node but the roots, which are in the smaller set."""
    directed = nx.DiGraph(graph.subgraph(list(larger)).directed)
    directed.add_nodes_from(larger)
    child = {}
    for node in smaller:
        inside = [other for other in directed.successors(node) if other in smaller]
        if inside:
            child[node] = inside[0]
    for node in larger - smaller:
        paths = nx.single_source_shortest_path(directed, node)
        path = min((paths[end] for end in smaller if end in paths), key=len)
        child[node] = path[1]
    return child


def _distribution(graph, larger, smaller, tree, forest, *, cut, done=(), keep=None):
    order = [node for node in graph.topological_order() if node in larger]
    kept = order if keep is None else sorted(keep, key=order.index)
    counts = Counter()
    for coins in itertools.product((0, 1), repeat=len(tree)):
        values = {}
        for node in order:
            heard = [
                values[other]
                for other in values
                if forest.get(other) == node
                and not (cut and node in smaller and other not in smaller)
            ]
            for coin, (a, b) in zip(coins, tree, strict=True):
                outside = not {a, b} <= smaller
                if node in (a, b) and not (cut and node in smaller and outside):
                    heard.append(coin)
            values[node] = 0 if node in done else sum(heard) % 2
        counts[tuple(values[node] for node in kept)] += 1
    return counts
