"""ProgramModel: a structural model that the user writes as a Pyro program."""

from collections.abc import Mapping
from typing import Any, Self

import numpy as np
import pandas as pd

from skcausal.structural._inputs import check_count
from skcausal.structural._pyro_checks import (
    METHODS,
    World,
    check_coupling,
    checked_options,
)
from skcausal.structural._pyro_result import ProgramAbduction
from skcausal.structural._pyro_worlds import Worlds, queries_of_pyro

_OWNER = "ProgramModel"


class ProgramModel(Worlds):
    r"""A structural model given as a Pyro program, with the verbs of the others.

    Parameters
    ----------
    program : callable
        A Pyro program of one row, without arguments: each ``pyro.sample`` is a node
        with its noise, each ``pyro.deterministic`` a node without. It is run for all
        rows at once, inside ``pyro.plate("rows", n)``, so its statements must work on
        a value per row (``torch.where`` instead of ``if``). A program that takes the
        number of rows makes that plate itself; what it samples outside of the plate
        is shared by all rows, and learned by `fit`. A ``PyroModule`` is copied, and
        its parameters may be used as they are.
    nodes : list of str, default=None
        Sites that returned frames show. None for all that have one value per row.
    guide : callable, default=None
        Pyro guide of the latent sites of a row for ``method="svi"`` of `abduct`,
        called with a dict of the known columns as tensors. None for independent normal
        distributions (`pyro.infer.autoguide.AutoNormal`).
    device : str, default="auto"
        Where to compute; "auto" takes the GPU if there is one. Tensors that the
        program takes from outside must be there too.
    random_state : int, Generator, RandomState or None, default=None
        Seed of all draws; methods with a ``random_state`` of their own may override
        it. Torch's own generators are left alone.

    Attributes
    ----------
    posterior_ : dict of site to ndarray
        Draws of the sites that all rows share, after `fit`. Queries use their mean.
    elbo_ : ndarray
        Evidence lower bound, step by step, if `fit` ran SVI.

    Notes
    -----
    Assumes that the program is the mechanism of the world and not just a fit to its
    distribution: its sites are caused by the sites that they use, with independent
    noises. A site of density :math:`p(x_j \mid x_{pa(j)})` is understood as
    :math:`x_j = g(x_{pa(j)}, u_j)`:

    - location and scale (Normal, StudentT, Laplace, ...): :math:`x = \mu + \sigma u`;
    - transformed distributions (LogNormal, flows): the noise of the base;
    - others with a distribution function: :math:`x = F^{-1}(u)`, u uniform. Of counts
      and 0/1 u is known up to an interval and drawn in it;
    - labels: :math:`x = \arg\max_k \log p_k + u_k`, u Gumbel, drawn given the label.

    The last two are choices that no data can test (``coupling``). Rows without values
    of some sites are completed by draws of the posterior. Programs run in double
    precision, with a parameter store of their own.

    References
    ----------
    Bingham, E., et al. (2019). Pyro: deep universal probabilistic programming. JMLR
    20(28). https://jmlr.org/papers/v20/18-403.html

    Pearl, J. (2009). Causality, 2nd ed., section 7.1. Cambridge University Press.
    https://doi.org/10.1017/CBO9780511803161

    Examples
    --------
    >>> import pandas as pd, pyro, pyro.distributions as dist
    >>> from skcausal.structural import ProgramModel
    >>> def shop():
    ...     price = pyro.sample("price", dist.LogNormal(0, 1))
    ...     pyro.sample("sales", dist.Normal(10 - 2 * price, 1))
    >>> model = ProgramModel(shop, random_state=0)
    >>> model.do(price=2.0).sample(10_000)["sales"].mean().round(1)
    np.float64(6.0)
    >>> seen = pd.DataFrame({"price": [3.0], "sales": [5.0]})
    >>> float(model.counterfactual(seen, do={"price": 2.0}).loc[0, "sales"])
    7.0
    """

    posterior_: dict[str, np.ndarray]
    elbo_: np.ndarray

    def __init__(
        self,
        program: Any,
        *,
        nodes: Any = None,
        guide: Any = None,
        device: Any = "auto",
        random_state: Any = None,
    ) -> None:
        self.program = program
        self.nodes = nodes
        self.guide = guide
        self.device = device
        self.random_state = random_state

    def fit(
        self,
        frame: Any,
        y: None = None,
        *,
        method: str = "auto",
        options: Mapping[str, Any] | None = None,
    ) -> Self:
        """Learn the program's parameters, and the sites that all rows share.

        Parameters
        ----------
        frame : DataFrame of shape (n, n_columns)
            Known sites, one column each; sites without a column are latent.
        y : None
            Not used; there for scikit-learn.
        method : {"auto", "svi", "nuts"}, default="auto"
            SVI maximises the evidence lower bound over parameters and guide; NUTS
            draws shared sites from their posterior, and learns no parameters. "auto"
            takes NUTS where it can and no site of a row is latent.
        options : dict, default=None
            For SVI ``steps`` (1000) and ``learning_rate`` (0.05); for NUTS
            ``warmup`` (300).

        Returns
        -------
        self : ProgramModel
            The fitted model. A program without parameters and shared sites is only
            checked.

        Raises
        ------
        ValueError
            If a column is no site, has gaps, or NUTS is asked to learn parameters.
        """
        owner = f"{_OWNER}.fit"
        if self._world != World():
            raise ValueError(
                f"{owner}: the model was intervened on or conditioned. Fit the model "
                "first, then take `do` and `condition`."
            )
        queries, allowed = queries_of_pyro(), ("auto", "svi", "nuts")
        options = checked_options(method, allowed, options, queries.OPTIONS, owner)
        engine = self._new_engine()
        found = queries.learn(engine, frame, method, options, self._seed(None, "fit"))
        if "posterior" in found:
            self.posterior_ = found["posterior"]
        if "elbo" in found:
            self.elbo_ = found["elbo"]
        self._engine = engine
        return self

    def sample(
        self,
        n: int,
        *,
        do: Mapping[str, Any] | None = None,
        random_state: Any = None,
    ) -> pd.DataFrame:
        """Draw new rows.

        Parameters
        ----------
        n : int
            Number of rows.
        do : dict of site to value, array or function, default=None
            What sites are set to; see `do`. An array has one value per row.
        random_state : int, Generator, RandomState or None, default=None
            Seed; None takes that of the model.

        Returns
        -------
        frame : DataFrame of shape (n, n_nodes)
            Rows drawn from the model.

        Warns
        -----
        EffectiveSampleSizeWarning
            If few draws explain the evidence of a model that was conditioned.
        """
        owner = f"{_OWNER}.sample"
        check_count(n, "n", owner, least=1)
        queries, engine = queries_of_pyro(), self._ready()
        settings = queries.interventions_of(engine, do, n, owner)
        world = self._world
        all_set = {**world.before, **world.after, **settings}
        if not world.evidence:
            return queries.draw(engine, n, all_set, self._seed(random_state, "sample"))
        row = pd.DataFrame({name: [value] for name, value in world.evidence.items()})
        request = queries.Request(n, "auto", "shared_noise", {})
        seed = self._seed(random_state, "sample")
        parts = queries.abduct(engine, row, world.before, request, seed)
        found, changed = queries.predict(engine, parts, all_set, n, "shared_noise")
        queries.warn_of_coupling(changed, "shared_noise", owner)
        return found.reset_index(drop=True)

    def abduct(
        self,
        frame: Any,
        *,
        n_samples: int = 1,
        method: str = "auto",
        coupling: str = "shared_noise",
        options: Mapping[str, Any] | None = None,
        random_state: Any = None,
    ) -> ProgramAbduction:
        """Find the noise that made rows what they are.

        Parameters
        ----------
        frame : DataFrame of shape (n, n_columns)
            What is known, one column per site; sites without a column, and missing
            values, are unknown.
        n_samples : int, default=1
            Draws per row.
        method : {"auto", "exact", "importance", "svi", "nuts"}, default="auto"
            How unknown sites are drawn. "auto" is "exact" for rows without any, and
            "importance" for others. NUTS is the most exact for continuous sites;
            SVI approximates them by independent normal distributions, or the guide.
        coupling : {"shared_noise", "gumbel_max", "monotone"}, default="shared_noise"
            The noise of labels and of 0/1: Gumbel values or one uniform number;
            "shared_noise" takes Gumbel values for labels and the number for 0/1.
            Counts have one uniform number always.
        options : dict, default=None
            For importance sampling ``particles`` (2000, or 20 per draw), for SVI
            ``steps`` (1000) and ``learning_rate`` (0.05), for NUTS ``warmup`` (300).
        random_state : int, Generator, RandomState or None, default=None
            Seed; None takes that of the model.

        Returns
        -------
        abduction : ProgramAbduction
            The noise of the rows; ``predict(do=...)`` replays it.

        Raises
        ------
        ValueError
            If a column is no site, contradicts the program, or is impossible under it.
        TypeError
            If the noise of a site cannot be recovered; the message names the site.

        Warns
        -----
        EffectiveSampleSizeWarning
            If few particles explain a row.
        ConvergenceWarning
            If NUTS diverged or did not mix.
        """
        owner = f"{_OWNER}.abduct"
        check_count(n_samples, "n_samples", owner, least=1)
        queries, engine = queries_of_pyro(), self._ready()
        options = checked_options(method, METHODS, options, queries.OPTIONS, owner)
        coupling = check_coupling(coupling, owner)
        if self._world.evidence:
            raise ValueError(
                f"{owner}: the model is conditioned already. Take the model before "
                "`condition`, and add columns with the evidence to the frame."
            )
        table = queries.evidence_of(engine, frame, owner)
        request = queries.Request(n_samples, method, coupling, options)
        parts = queries.abduct(
            engine,
            table,
            self._world.before,
            request,
            self._seed(random_state, "abduct"),
        )
        return ProgramAbduction(engine, self._world.before, parts, table, request)

    def counterfactual(
        self,
        frame: Any,
        do: Mapping[str, Any],
        *,
        n_samples: int = 1,
        method: str = "auto",
        coupling: str = "shared_noise",
        random_state: Any = None,
    ) -> pd.DataFrame:
        """Compute what these very rows would have been under an intervention.

        Parameters
        ----------
        frame : DataFrame of shape (n, n_columns)
            Rows as they were; see `abduct`.
        do : dict of site to value, array or function
            What sites are set to; see `do`. An array has one value per row.
        n_samples : int, default=1
            Draws per row.
        method : {"auto", "exact", "importance", "svi", "nuts"}, default="auto"
            See `abduct`.
        coupling : {"shared_noise", "gumbel_max", "monotone"}, default="shared_noise"
            See `abduct`.
        random_state : int, Generator, RandomState or None, default=None
            Seed; None takes that of the model.

        Returns
        -------
        frame : DataFrame of shape (n * n_samples, n_nodes)
            Rows as they would have been: exact where noise is known, else draws. With
            several draws per row the index is (row, sample).

        Warns
        -----
        CouplingWarning
            If the distribution of a label, 0/1 or count changes, so that the answer
            rests on ``coupling``.
        """
        found = self.abduct(
            frame,
            n_samples=n_samples,
            method=method,
            coupling=coupling,
            random_state=random_state,
        )
        return found.predict(do)

    def twin(
        self,
        do: Mapping[str, Any],
        *,
        n: int | None = None,
        frame: Any = None,
        coupling: str = "shared_noise",
        random_state: Any = None,
    ) -> pd.DataFrame:
        """Return rows in two worlds side by side: as they are, and under ``do``.

        Parameters
        ----------
        do : dict of site to value, array or function
            What sites are set to in the other world.
        n : int, default=None
            Number of rows to draw; or give ``frame``.
        frame : DataFrame of shape (n, n_columns), default=None
            Rows as they were; or give ``n``.
        coupling : {"shared_noise", "gumbel_max", "monotone"}, default="shared_noise"
            See `abduct`.
        random_state : int, Generator, RandomState or None, default=None
            Seed; None takes that of the model.

        Returns
        -------
        frame : DataFrame of shape (n, 2 * n_nodes)
            Columns (world, node) with worlds "factual" and "counterfactual", which
            share their noise.

        Warns
        -----
        CouplingWarning
            If the distribution of a label, 0/1 or count changes.
        """
        owner = f"{_OWNER}.twin"
        if (n is None) == (frame is None):
            raise ValueError(f"{owner}: give n or frame, one of the two.")
        if n is not None:
            check_count(n, "n", owner, least=1)
            frame = pd.DataFrame(index=pd.RangeIndex(n))  # nothing is known of them
        found = self.abduct(frame, coupling=coupling, random_state=random_state)
        worlds = (found.predict(), found.predict(do))
        keys = ["factual", "counterfactual"]
        return pd.concat(worlds, axis=1, keys=keys, names=["world", "node"])
