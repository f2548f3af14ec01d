"""pgmpy: its classes for adjustment and front-door sets."""

from benchmarks.libraries._graph_worker import main


def build(question):
    from pgmpy.base import DAG

    nodes, arrows, latent = question.with_latent_nodes()
    roles = {"exposures": question.treatment, "outcomes": question.outcome}
    graph = DAG(ebunch=arrows, latents=set(latent), roles=roles)
    graph.add_nodes_from([node for node in nodes if node not in graph])
    return graph


def minimal(graph):
    from pgmpy.identification import Adjustment

    found, identified = Adjustment(variant="minimal").identify(graph)
    return sorted(found.get_role("adjustment")) if identified else None


def front_door(graph):
    from pgmpy.identification import Frontdoor

    found, identified = Frontdoor().identify(graph)
    return sorted(found.get_role("frontdoor")) if identified else None


if __name__ == "__main__":
    main("pgmpy", build, {"minimal": minimal, "front door": front_door})
