"""Posterior draws of a program's latent sites, by Pyro's inference."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyro
import torch
from pyro.infer import MCMC, NUTS, SVI, Trace_ELBO
from pyro.infer.autoguide import AutoNormal

from skcausal.structural._counterfactual_errors import ImpossibleEvidenceError
from skcausal.structural._pyro_running import Runner, takes_number

_MOST_AT_ONCE = 2_000_000  # particles in memory
OPTIONS: dict[str, dict[str, Any]] = {
    "exact": {},
    "importance": {"particles": None},
    "svi": {"steps": 1000, "learning_rate": 0.05},
    "nuts": {"warmup": 300},
}
_LEAST_DRAWS = 200  # of a chain, so that its diagnostics mean something


@dataclass(frozen=True)
class Question:
    """What is known of some rows, in which world, and which sites are asked for."""

    runner: Runner
    evidence: Mapping[str, torch.Tensor]
    latent: tuple[str, ...]
    rows: np.ndarray  # their places in arrays of interventions
    do: Mapping[str, Any] = field(default_factory=dict)
    guide: Any = None

    def model(self) -> Callable[[], Any]:
        """Return the program for all rows, given the evidence."""
        return pyro.poutine.condition(
            lambda: self.runner(self.rows, self.do), data=dict(self.evidence)
        )


Found = tuple[dict[str, torch.Tensor], dict[str, Any]]  # draws, diagnostics


def importance(question: Question, n_samples: int, options: Mapping[str, Any]) -> Found:
    """Draw latent sites from the program, weighted by how likely the evidence is.

    Draws have the shape (n_samples, n, ...).
    """
    particles = options["particles"] or max(2000, 20 * n_samples)
    block = max(1, _MOST_AT_ONCE // particles)
    parts, sizes = [], []
    for at in range(0, len(question.rows), block):
        rows = np.arange(at, min(at + block, len(question.rows)))
        drawn, size = _weighted(question, rows, particles, n_samples)
        parts.append(drawn)
        sizes.append(size)
    draws = {
        name: torch.cat([part[name] for part in parts], dim=1)
        for name in question.latent
    }
    size = torch.cat(sizes).cpu().numpy()
    return draws, {"effective_sample_size": size, "particles": particles}


def _weighted(
    question: Question, rows: np.ndarray, particles: int, n_samples: int
) -> tuple[dict[str, torch.Tensor], torch.Tensor]:
    tiled = np.tile(rows, particles)
    given = {name: value[tiled] for name, value in question.evidence.items()}
    model = pyro.poutine.condition(question.runner, data=given)
    with torch.no_grad(), pyro.validation_enabled(False):  # zero mass has weight 0
        trace = pyro.poutine.trace(model).get_trace(question.rows[tiled], question.do)
        trace.compute_log_prob(lambda name, site: name in given)
    logs = torch.stack([trace.nodes[name]["log_prob"] for name in given]).sum(0)
    by_row = logs.masked_fill(logs.isnan(), -torch.inf).reshape(particles, -1).T
    refuse_impossible(by_row, rows)
    weights = torch.softmax(by_row, dim=1)
    shift = (torch.arange(n_samples) + torch.rand(len(rows), 1)) / n_samples
    # Systematic resampling: one draw in each of n_samples equal parts of the weights.
    chosen = torch.searchsorted(weights.cumsum(1), shift.to(weights.device))
    chosen = chosen.clamp(max=particles - 1)[:, torch.randperm(n_samples)]
    place = (chosen * len(rows) + torch.arange(len(rows)).unsqueeze(1)).T
    draws = {name: trace.nodes[name]["value"][place] for name in question.latent}
    return draws, 1 / (weights**2).sum(1)


def refuse_impossible(logs: torch.Tensor, rows: np.ndarray) -> None:
    """Raise if no particle can have led to what was seen in a row."""
    never = ~torch.isfinite(logs.max(dim=1).values)
    if bool(never.any()):
        row = rows[int(never.nonzero()[0, 0])]
        raise ImpossibleEvidenceError(
            f"ProgramModel.abduct: none of {logs.shape[1]} draws of the latent sites "
            f"could have led to the evidence of row {row}. Check the row, take more "
            "particles, or method='nuts'."
        )


def svi(question: Question, n_samples: int, options: Mapping[str, Any]) -> Found:
    """Fit a guide of the latent sites to the evidence, and draw from it."""
    model = question.model()
    guide = guide_of(question, model)
    losses = optimise(model, guide, options)
    with torch.no_grad(), pyro.plate("draws", n_samples, dim=-2):
        trace = pyro.poutine.trace(guide).get_trace()
    shape = (n_samples, len(question.rows))
    draws = {}
    for name in question.latent:
        value = trace.nodes[name]["value"]
        draws[name] = value.expand(shape + value.shape[2:])
    return draws, {"elbo": -losses}


def guide_of(question: Question, model: Any) -> Any:
    """Return the user's guide for these rows, or a normal one of each latent site."""
    if question.guide is None:
        return AutoNormal(model, init_scale=0.2)
    given = dict(question.evidence)
    if takes_number(question.runner.program):
        return lambda: question.guide(given)

    def guide() -> None:
        with pyro.plate("rows", len(question.rows), dim=-1):
            question.guide(given)

    return guide


def optimise(model: Any, guide: Any, options: Mapping[str, Any]) -> np.ndarray:
    """Run SVI with steps that shrink a hundredfold; return the losses."""
    steps, rate = options["steps"], options["learning_rate"]
    decay = 0.01 ** (1 / steps)
    optimiser = pyro.optim.ClippedAdam({"lr": rate, "lrd": decay})
    inference = SVI(model, guide, optimiser, loss=Trace_ELBO())
    with pyro.validation_enabled(False):  # slow, and the program has run before
        losses = np.array([inference.step() for _ in range(steps)])
    if not np.isfinite(losses).all():
        raise ValueError(
            "ProgramModel: the loss of SVI is not finite. Make learning_rate smaller, "
            "or the start of the parameters better."
        )
    return losses


def nuts(question: Question, n_samples: int, options: Mapping[str, Any]) -> Found:
    """Draw latent sites of all rows jointly by the No-U-Turn sampler."""
    kept = max(n_samples, _LEAST_DRAWS)
    chain = MCMC(
        NUTS(question.model()),
        num_samples=kept,
        warmup_steps=options["warmup"],
        disable_progbar=True,
    )
    with pyro.validation_enabled(False):
        chain.run()
    every = np.linspace(0, kept - 1, n_samples).round().astype(int)
    draws = {name: value[every] for name, value in chain.get_samples().items()}
    report = chain.diagnostics()
    names = [name for name in report if name in draws]
    return draws, {
        "r_hat": max(_worst(report[name]["r_hat"], max) for name in names),
        "effective_sample_size": min(
            _worst(report[name]["n_eff"], min) for name in names
        ),
        "divergences": sum(map(len, report["divergences"].values())),
    }


def _worst(values: Any, among: Callable[..., float]) -> float:
    numbers = [
        x for x in torch.as_tensor(values).flatten().tolist() if not math.isnan(x)
    ]
    return among(numbers, default=math.nan)


METHODS = {"importance": importance, "svi": svi, "nuts": nuts}
