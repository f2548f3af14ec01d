"""What a ProgramModel does with Pyro: find sites, fit, sample, abduct, replay."""

import copy
import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import pyro
import torch

from skcausal.structural._counterfactual_errors import (
    CouplingWarning,
    UnidentifiedCounterfactualError,
)
from skcausal.structural._inputs import refuse_gaps, spread
from skcausal.structural._pyro_abduction import Part, Replay, Request, abduce
from skcausal.structural._pyro_inference import (
    OPTIONS,
    Question,
    guide_of,
    nuts,
    optimise,
)
from skcausal.structural._pyro_running import (
    Runner,
    Site,
    as_table,
    as_tensor,
    device_of,
    session,
    sites_of,
)
from skcausal.utils._validation import is_polars, pandas_from_polars

_OWNER = "ProgramModel"
_N_POSTERIOR = 500  # draws of shared sites that fit keeps
Interventions = Mapping[str, Any]


class Engine:
    """A program with what was learned of it: parameters, shared values, sites."""

    def __init__(self, program: Any, nodes: Any, device: Any, guide: Any) -> None:
        self.program, self.device, self.guide = program, device, guide
        self.state: dict[str, Any] = {}
        self.shared: dict[str, torch.Tensor] = {}
        if isinstance(program, torch.nn.Module):
            self.program = copy.deepcopy(program).double().to(device_of(device))
        with session(None, 0, device) as scope:
            self.sites: dict[str, Site] = sites_of(self.runner)
        self.parameters = list(scope["params"])
        shared = [name for name, site in self.sites.items() if site.is_shared]
        own = isinstance(program, torch.nn.Module)
        self.to_learn = [*shared, *([] if own else self.parameters)]
        self.nodes = self._nodes(nodes)

    def _nodes(self, nodes: Any) -> list[str]:
        known = [name for name, site in self.sites.items() if site.is_column]
        if nodes is None:
            return known
        for node in nodes:
            if node not in known:
                raise ValueError(
                    f"{_OWNER}: nodes names {node!r}, which is no site with one value "
                    f"per row. Sites: {', '.join(known)}."
                )
        return list(nodes)

    @property
    def runner(self) -> Runner:
        """The program with its shared values."""
        return Runner(self.program, self.shared, self.device)

    def session(self, seed: int) -> Any:
        """Run what follows with the learned parameters."""
        return session(self.state, seed, self.device)


# ------------------------------------------------------------------ what is given
def evidence_of(engine: Engine, frame: Any, owner: str) -> pd.DataFrame:
    """Return the frame if each column is a site with one value per row."""
    if is_polars(frame):
        frame = pandas_from_polars(frame)
    if not isinstance(frame, pd.DataFrame):
        raise TypeError(
            f"{owner}: frame must be a DataFrame with one column per known site, got "
            f"{type(frame).__name__}."
        )
    for name in frame.columns:
        check_site(engine, name, owner, "frame")
    if not len(frame):
        raise ValueError(f"{owner}: frame has no rows.")
    return frame


def check_site(engine: Engine, name: Any, owner: str, where: str) -> None:
    """Refuse a name that is no site with one value per row."""
    site = engine.sites.get(name)
    if site is None or not site.is_column:
        known = [name for name, site in engine.sites.items() if site.is_column]
        raise ValueError(
            f"{owner}: {where} names {name!r}, which is no site of the program with "
            f"one value per row. Sites: {', '.join(known)}. Leave it out, or "
            f'write pyro.sample("{name}", ...) in the program.'
        )


def interventions_of(
    engine: Engine, do: Any, n_rows: int | None, owner: str
) -> dict[str, Any]:
    """Return interventions as functions, or tensors of the types of their sites."""
    if do is None:
        return {}
    if not isinstance(do, Mapping):
        raise TypeError(
            f"{owner}: do must map sites to values or functions, such as "
            f"do={{'price': 3.0}}; got {type(do).__name__}."
        )
    found = {}
    for name, setting in do.items():
        check_site(engine, name, owner, "do")
        if not callable(setting):
            if n_rows is not None:
                spread(setting, n_rows, name, owner)
            elif np.ndim(setting):
                raise ValueError(
                    f"{owner}: {name!r} is set to {np.size(setting)} values; a model "
                    "of any number of rows needs one value, or a function of the row. "
                    "For one value per row, take counterfactual or sample(n, do=...)."
                )
            site = engine.sites[name]
            setting = as_tensor(setting, site.dtype, device_of(engine.device), name)
        found[name] = setting
    return found


def tensors(engine: Engine, frame: pd.DataFrame) -> dict[str, torch.Tensor]:
    """Return the columns of a frame in the types of their sites."""
    device = device_of(engine.device)
    return {
        name: as_tensor(frame[name], engine.sites[name].dtype, device, name)
        for name in frame.columns
    }


# ----------------------------------------------------------------------- queries
def learn(
    engine: Engine, frame: Any, method: str, options: Mapping[str, Any], seed: int
) -> dict[str, Any]:
    """Learn parameters and shared sites in place; return what is to be reported."""
    owner = f"{_OWNER}.fit"
    table = evidence_of(engine, frame, owner)
    refuse_gaps(table, owner)
    shared = [name for name, site in engine.sites.items() if site.is_shared]
    if not shared and not engine.parameters:
        return {}
    latent = latent_of(engine, table, shared=True)
    if method == "auto":
        method = "svi" if engine.parameters or set(latent) != set(shared) else "nuts"
    if method == "nuts" and engine.parameters:
        raise ValueError(
            f"{owner}: NUTS draws sites and does not learn pyro.param "
            f"({', '.join(engine.parameters)}). Use method='svi', or make them "
            "pyro.sample sites with a prior."
        )
    chosen = {**OPTIONS[method], **options}
    with session({}, seed, engine.device) as state:
        question = Question(
            engine.runner, tensors(engine, table), latent, np.arange(len(table))
        )
        posterior, report = _posterior(question, method, chosen, shared)
    engine.shared = {name: value.mean(0) for name, value in posterior.items()}
    kept = set(engine.parameters)
    engine.state = {
        key: {name: x for name, x in state[key].items() if name in kept}
        for key in ("params", "constraints")
    }
    engine.to_learn = []
    return {
        "posterior": {name: draws.cpu().numpy() for name, draws in posterior.items()},
        **report,
    }


def _posterior(
    question: Question, method: str, options: Mapping[str, Any], shared: list[str]
) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    """Return draws of the shared sites."""
    if method == "nuts":
        draws, report = nuts(question, _N_POSTERIOR, options)
        return {name: draws[name].detach() for name in shared}, report
    model = question.model()
    if not question.latent:
        losses = optimise(model, lambda: None, options)
        return {}, {"elbo": -losses}
    guide = guide_of(question, model)
    losses = optimise(model, guide, options)
    with torch.no_grad():
        drawn = [pyro.poutine.trace(guide).get_trace() for _ in range(_N_POSTERIOR)]
    return {
        name: torch.stack([trace.nodes[name]["value"] for trace in drawn])
        for name in shared
    }, {"elbo": -losses}


def latent_of(
    engine: Engine, table: pd.DataFrame, *, shared: bool = False
) -> tuple[str, ...]:
    """Return the stochastic sites of which nothing is known."""
    return tuple(
        name
        for name, site in engine.sites.items()
        if not site.is_deterministic
        and name not in table.columns
        and (shared or not site.is_shared)
    )


def draw(engine: Engine, n: int, do: Interventions, seed: int) -> pd.DataFrame:
    """Draw rows from the program."""
    with engine.session(seed), torch.no_grad():
        values = engine.runner(np.arange(n), do)
    return as_table({name: values[name] for name in engine.nodes}, n)


def abduct(
    engine: Engine, table: pd.DataFrame, do: Interventions, request: Request, seed: int
) -> list[Part]:
    """Return the noise of rows, part by part: rows of which the same is known."""
    for name in table.columns:
        if callable(do.get(name)):
            raise UnidentifiedCounterfactualError(
                f"{_OWNER}.abduct: {name!r} was set by a function, which hides what it "
                "would have been. Take the model before `do`, or leave it out."
            )
    unknown = table.isna().to_numpy(dtype=bool)
    if unknown.shape[1]:
        patterns, which = np.unique(unknown, axis=0, return_inverse=True)
    else:
        patterns, which = unknown[:1], np.zeros(len(table), dtype=int)
    parts = []
    with engine.session(seed):
        for k, pattern in enumerate(patterns):
            rows = np.flatnonzero(which.ravel() == k)
            known = table.iloc[rows, ~pattern]
            computed = [
                name
                for name in known
                if engine.sites[name].is_deterministic or name in do
            ]
            latent = tuple(
                name
                for name in latent_of(engine, known)
                if name not in do or callable(do[name])
            )
            question = Question(
                engine.runner,
                tensors(engine, known.drop(columns=computed)),
                latent,
                np.arange(len(rows)),
                do,
                engine.guide,
            )
            claims = tensors(engine, known[computed])
            part = abduce(question, engine.sites, claims, request)
            parts.append(part._replace(rows=rows))
    return parts


def predict(
    engine: Engine, parts: list[Part], do: Interventions, n_samples: int, coupling: str
) -> tuple[pd.DataFrame, list[str]]:
    """Return rows made of their noise, row after row, and what rests on a coupling."""
    frames, changed = [], set()
    with engine.session(0), torch.no_grad():
        for part in parts:
            again = Replay(part.noise, coupling)
            each = np.repeat(part.rows, n_samples)
            with again:
                values = engine.runner(each, do)
            place = (each * n_samples).reshape(-1, n_samples) + np.arange(n_samples)
            chosen = {name: values[name] for name in engine.nodes}
            frames.append(as_table(chosen, len(each), place.ravel()))
            changed |= set(again.changed)
    names = [name for name in engine.sites if name in changed]
    return pd.concat(frames).sort_index(), names


def warn_of_coupling(names: list[str], coupling: str, owner: str) -> None:
    """Warn where counterfactual categories or counts rest on how noise acts."""
    if names:
        warnings.warn(
            f"{owner}: the answer rests on coupling={coupling!r}, which ties "
            f"{', '.join(names)} in both worlds and which no data can test; compare "
            "other couplings.",
            CouplingWarning,
            stacklevel=4,
        )
