"""DoWhy: counterfactuals of rows by an invertible structural causal model."""

from benchmarks.libraries._structural_worker import main, regressor


def fit(arrows, frame, name):
    import networkx as nx
    from dowhy import gcm
    from dowhy.gcm.ml import SklearnRegressionModel

    gcm.config.disable_progress_bars()
    gcm.util.general.set_random_seed(0)
    model = gcm.InvertibleStructuralCausalModel(nx.DiGraph(arrows))
    for node in model.graph.nodes:
        if not list(model.graph.predecessors(node)):
            model.set_causal_mechanism(node, gcm.EmpiricalDistribution())
        else:
            prediction = SklearnRegressionModel(regressor(name))
            model.set_causal_mechanism(node, gcm.AdditiveNoiseModel(prediction))
    gcm.fit(model, frame)
    return model


def settings(do):
    return {node: lambda _, value=value: value for node, value in do.items()}


def counterfactual(model, frame, do):
    from dowhy import gcm

    return gcm.counterfactual_samples(model, settings(do), observed_data=frame)


def draw(model, n, do):
    from dowhy import gcm

    return gcm.interventional_samples(model, settings(do), num_samples_to_draw=n)


if __name__ == "__main__":
    main("dowhy", fit, counterfactual, draw)
