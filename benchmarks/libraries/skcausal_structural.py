"""skcausal: counterfactuals of rows by StructuralModel."""

from benchmarks.libraries._structural_worker import main, regressor


def fit(arrows, frame, name):
    from skcausal.graphs import CausalGraph
    from skcausal.structural import AdditiveNoise, StructuralModel

    graph = CausalGraph(arrows)
    if name == "chosen":
        return StructuralModel(graph, random_state=0).fit(frame)
    effects = {effect for _, effect in arrows}
    mechanisms = {node: AdditiveNoise(regressor(name)) for node in sorted(effects)}
    model = StructuralModel(graph, mechanisms, random_state=0)
    return model.fit(frame)


def counterfactual(model, frame, do):
    return model.counterfactual(frame, do)


def draw(model, n, do):
    return model.do(do).sample(n, random_state=1)


if __name__ == "__main__":
    main("skcausal", fit, counterfactual, draw)
