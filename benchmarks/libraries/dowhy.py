"""DoWhy: what `identify_effect` runs, and the searches that it offers one by one."""

from benchmarks.libraries._graph_worker import main


def build(question):
    import networkx as nx

    nodes, arrows, latent = question.with_latent_nodes()
    graph = nx.DiGraph(arrows)
    graph.add_nodes_from(nodes)
    observed = [node for node in nodes if node not in latent]
    return graph, [question.treatment], [question.outcome], observed


def whole(state):
    from dowhy.causal_identifier import EstimandType, identify_effect_auto

    estimand = identify_effect_auto(*state, EstimandType.NONPARAMETRIC_ATE)
    found = estimand.get_backdoor_variables()
    return None if found is None else sorted(found)


def minimal(state):
    from dowhy.causal_identifier.auto_identifier import (
        identify_generalized_adjustment_set,
    )

    found = identify_generalized_adjustment_set(*state)
    return sorted(found[0].get_adjustment_variables()) if found else None


def optimal(state):
    from dowhy.causal_identifier import BackdoorAdjustment
    from dowhy.causal_identifier.auto_identifier import identify_efficient_backdoor

    kind = BackdoorAdjustment.BACKDOOR_EFFICIENT
    found = identify_efficient_backdoor(*state, kind, costs=None)
    return sorted(found[0].get_adjustment_variables())


def front_door(state):
    from dowhy.causal_identifier.auto_identifier import identify_frontdoor

    return sorted(identify_frontdoor(*state)) or None


TASKS = {
    "identify": whole,
    "minimal": minimal,
    "optimal": optimal,
    "front door": front_door,
}

if __name__ == "__main__":
    main("dowhy", build, TASKS)
