"""The worlds of a program: what was set and seen, and what may be asked then."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.exceptions import NotFittedError

from skcausal.inference._bootstrap import generator_of
from skcausal.structural._pyro_checks import World, merged
from skcausal.utils._optional import require

_OWNER = "ProgramModel"
_STREAMS = ("fit", "sample", "abduct")


def queries_of_pyro() -> Any:
    """Return the module that needs Pyro."""
    require("pyro", "deep", _OWNER)
    from skcausal.structural import _pyro_queries

    return _pyro_queries


class Worlds(BaseEstimator):
    """A program, and what was set and seen in it; `ProgramModel` adds the queries."""

    program: Any
    nodes: Any
    guide: Any
    device: Any
    random_state: Any
    _engine: Any
    _world: World = World()

    def do(self, interventions: Mapping[str, Any] | None = None, **values: Any) -> Self:
        """Return the model of the world in which sites are set.

        Parameters
        ----------
        interventions : dict of site to value or function, default=None
            One value, or a function of a frame with the sites before it and with the
            value that the site would have had: ``lambda row: row["price"] * 0.9``.
        **values : value or function
            The same, by keyword.

        Returns
        -------
        model : ProgramModel
            A new model. After `condition`, rows are first explained and then changed:
            they are counterfactual.
        """
        owner = f"{_OWNER}.do"
        given = merged(interventions, values, owner)
        settings = queries_of_pyro().interventions_of(self._ready(), given, None, owner)
        world = self._world
        if world.evidence:
            return self._in(replace(world, after={**world.after, **settings}))
        return self._in(replace(world, before={**world.before, **settings}))

    def condition(
        self, evidence: Mapping[str, Any] | None = None, **values: Any
    ) -> Self:
        """Return the model of rows of which something is known.

        Parameters
        ----------
        evidence : dict of site to value, default=None
            Known values.
        **values : value
            The same, by keyword.

        Returns
        -------
        model : ProgramModel
            A new model. `sample` draws from the posterior, by importance sampling.
        """
        owner = f"{_OWNER}.condition"
        given = merged(evidence, values, owner)
        world, queries, engine = self._world, queries_of_pyro(), self._ready()
        if world.after:
            raise ValueError(
                f"{owner}: the model was conditioned and then intervened on; evidence "
                "about its counterfactual rows is not supported. Give all evidence "
                "before `do`."
            )
        for name, value in given.items():
            queries.check_site(engine, name, owner, "evidence")
            if np.ndim(value):
                raise ValueError(
                    f"{owner}: the evidence about {name!r} must be one value. For many "
                    "rows, take abduct(frame)."
                )
        return self._in(replace(world, evidence={**world.evidence, **given}))

    def _ready(self) -> Any:
        """Return the engine of fit, or a new one if there is nothing to learn."""
        if hasattr(self, "_engine"):
            return self._engine
        engine = self._new_engine()
        if engine.to_learn:
            raise NotFittedError(
                f"{_OWNER}: the program has parameters or sites that all rows share "
                f"({', '.join(engine.to_learn)}). Call fit(frame) to learn them."
            )
        return engine

    def _new_engine(self) -> Any:
        return queries_of_pyro().Engine(
            self.program, self.nodes, self.device, self.guide
        )

    def _seed(self, random_state: Any, verb: str) -> int:
        """Return a seed: of each verb another, so that its draws are independent."""
        own = self.random_state if random_state is None else random_state
        start = int(generator_of(own).integers(2**62))
        return int(np.random.default_rng([start, _STREAMS.index(verb)]).integers(2**31))

    def _in(self, world: World) -> Self:
        """Return the same model in another world."""
        new = type(self)(**self.get_params(deep=False))
        new.__dict__.update(self.__dict__ | {"_world": world})
        return new
