"""networkx: separators in the proper back-door graph, which the user must make."""

from benchmarks.libraries._graph_worker import main


def build(question):
    import networkx as nx

    graph = nx.DiGraph(question.directed)
    graph.add_nodes_from(question.nodes)
    return graph, question.treatment, question.outcome


def back_door(state):
    """Return the graph without causal paths, and the nodes that may be adjusted for."""
    import networkx as nx

    graph, treatment, outcome = state
    causal = nx.descendants(graph, treatment) & (
        nx.ancestors(graph, outcome) | {outcome}
    )
    forbidden = {treatment, outcome}.union(
        causal, *(nx.descendants(graph, node) for node in causal)
    )
    cut = graph.copy()
    cut.remove_edges_from([(treatment, b) for b in graph[treatment] if b in causal])
    return cut, set(graph) - forbidden


def any_set(state):
    import networkx as nx

    graph, treatment, outcome = state
    cut, allowed = back_door(state)
    causes = nx.ancestors(graph, treatment) | nx.ancestors(graph, outcome)
    found = causes & allowed
    valid = nx.is_d_separator(cut, treatment, outcome, found)
    return sorted(found) if valid else None


def minimal(state):
    import networkx as nx

    _, treatment, outcome = state
    cut, allowed = back_door(state)
    found = nx.find_minimal_d_separator(cut, treatment, outcome, restricted=allowed)
    return None if found is None else sorted(found)


if __name__ == "__main__":
    main("networkx", build, {"any": any_set, "minimal": minimal})
