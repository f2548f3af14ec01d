"""skcausal: adjustment sets, front-door sets and formulas."""

from functools import partial
from itertools import islice

from benchmarks.libraries._graph_worker import main


def build(question):
    from skcausal.graphs import CausalGraph

    graph = CausalGraph(question.directed, question.bidirected, question.nodes)
    return graph, question.treatment, question.outcome


def any_set(state):
    from skcausal.identification import AdjustmentSets

    sets = AdjustmentSets(*state)
    found = sets.any()
    assert sets.is_valid(found)
    return sorted(found)


def minimal(state):
    from skcausal.identification import AdjustmentSets

    return sorted(AdjustmentSets(*state).minimal())


def optimal(state):
    from skcausal.identification import AdjustmentSets

    return sorted(AdjustmentSets(*state).optimal())


def list_minimal(state):
    from skcausal.identification import AdjustmentSets

    return len(list(islice(AdjustmentSets(*state).all_minimal(), 100)))


def front_door(state):
    from skcausal.identification import FrontDoorSets, NoFrontDoorSetError

    try:
        return sorted(FrontDoorSets(*state).minimal())
    except NoFrontDoorSetError:
        return None


def instrument(state):
    from skcausal.identification import InstrumentSets

    return len(list(InstrumentSets(*state).all()))


def formula(state, kind=None):
    """Tell whether the effect is identified."""
    from skcausal.identification import NotIdentifiedError, identify

    try:
        identify(*state, kind=kind)
    except NotIdentifiedError:
        return "no"
    return "yes"


TASKS = {
    "any": any_set,
    "minimal": minimal,
    "optimal": optimal,
    "first 100 minimal": list_minimal,
    "front door": front_door,
    "instruments": instrument,
    "identify": formula,
    "ID": partial(formula, kind="general"),
}

if __name__ == "__main__":
    main("skcausal", build, TASKS)
