"""Abduction with a Pyro program: what the rows tell about their own noise."""

import warnings
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import torch
from pyro.poutine.messenger import Messenger
from pyro.poutine.util import site_is_subsample
from sklearn.exceptions import ConvergenceWarning

from skcausal.structural._counterfactual_errors import (
    EffectiveSampleSizeWarning,
    ImpossibleEvidenceError,
)
from skcausal.structural._pyro_inference import METHODS, OPTIONS, Question
from skcausal.structural._pyro_noise import (
    SiteNoise,
    base_of,
    is_deterministic,
    law_of,
    recover,
    replay,
)
from skcausal.structural._pyro_running import Site

_OWNER = "ProgramModel"
LEAST_EFFECTIVE = 50.0  # draws below which importance sampling is in doubt
MOST_R_HAT = 1.1
_TOLERANCE = 1e-6  # relative, of evidence about sites that the program computes


class Recover(Messenger):  # type: ignore[misc, unused-ignore]
    """Walk a program with its values given, and recover the noise of each site."""

    def __init__(self, given: Mapping[str, torch.Tensor], coupling: str) -> None:
        super().__init__()
        self.given, self.coupling = given, coupling
        self.noise: dict[str, SiteNoise] = {}

    def _pyro_sample(self, msg: Any) -> None:
        name, fn = msg["name"], msg["fn"]
        if site_is_subsample(msg):
            return
        if is_deterministic(fn):
            self._check_computed(name, fn, msg["value"])
        elif msg["value"] is None:
            value = self.given[name] if name in self.given else fn.sample()
            check_possible(name, fn, value)
            msg["value"] = value
            self.noise[name] = recover(name, fn, value, coupling_of(fn, self.coupling))

    def _check_computed(self, name: str, fn: Any, value: Any) -> None:
        if name not in self.given:
            return
        value = base_of(fn).v if value is None else value
        known = self.given[name].to(value.dtype)
        value = value.expand_as(known)
        off = ~torch.isclose(value, known, rtol=_TOLERANCE, atol=1e-8)
        if bool(off.any()):
            row = int(off.nonzero()[0, 0])
            raise ValueError(
                f"{_OWNER}.abduct: the evidence about {name!r} contradicts the "
                f"program: it computes {value[row].item():.6g} of the other sites, "
                f"got {known[row].item():.6g}. Leave {name!r} out of the frame."
            )


class Replay(Messenger):  # type: ignore[misc, unused-ignore]
    """Walk a program again with known noise; note where a discrete law changed."""

    def __init__(self, noise: Mapping[str, SiteNoise], coupling: str) -> None:
        super().__init__()
        self.noise, self.coupling = noise, coupling
        self.changed: list[str] = []

    def _pyro_sample(self, msg: Any) -> None:
        name, fn = msg["name"], msg["fn"]
        if site_is_subsample(msg) or msg["value"] is not None or is_deterministic(fn):
            return
        if name not in self.noise:
            raise ValueError(
                f"{_OWNER}.predict: site {name!r} is sampled under the intervention "
                "only, so that nothing is known of its noise. Sample the same sites "
                "in all rows, and choose among them by torch.where."
            )
        known = self.noise[name]
        msg["value"] = replay(name, fn, known, coupling_of(fn, self.coupling))
        if known.law and _differs(known.law, law_of(base_of(fn))):
            self.changed.append(name)


def _differs(old: list[torch.Tensor], new: list[torch.Tensor]) -> bool:
    return any(bool((a != b).any()) for a, b in zip(old, new, strict=True))


def coupling_of(fn: Any, coupling: str) -> str:
    """Return how a site's noise works: counts and 0/1 have an order, labels none."""
    fn = base_of(fn)
    if isinstance(fn, torch.distributions.Categorical):
        return "monotone" if coupling == "monotone" else "gumbel_max"
    if isinstance(fn, torch.distributions.Bernoulli) and coupling == "gumbel_max":
        return coupling
    return "monotone"


def check_possible(name: str, fn: Any, value: torch.Tensor) -> None:
    """Refuse evidence that the distribution of a site rules out."""
    possible = fn.support.check(value)
    if not bool(possible.all()):
        row = tuple((~possible).nonzero()[0].tolist())
        raise ImpossibleEvidenceError(
            f"{_OWNER}.abduct: the evidence {value[row].flatten()[0].item():.6g} about "
            f"{name!r} is impossible under {type(base_of(fn)).__name__}. Check the "
            "column, or the program."
        )


class Part(NamedTuple):
    """Rows for which the same columns are known, and the noise of their draws."""

    rows: np.ndarray  # their places in the frame
    noise: dict[str, SiteNoise]  # of all draws of a row, row after row
    diagnostics: dict[str, Any]
    method: str
    unknown: int  # sites without a value


def abduce(
    question: Question,
    sites: Mapping[str, Site],
    claims: Mapping[str, torch.Tensor],
    request: "Request",
) -> Part:
    """Return the noise of some rows, in ``n_samples`` draws.

    ``claims`` are values of sites that the program computes, which must agree.
    """
    method = chosen_method(question, sites, request.method)
    draws: dict[str, torch.Tensor] = {}
    diagnostics: dict[str, Any] = {}
    if question.latent and question.evidence:
        options = {**OPTIONS[method], **request.options}
        draws, diagnostics = METHODS[method](question, request.n_samples, options)
        warn_of_doubt(method, diagnostics)
    each = np.repeat(np.arange(len(question.rows)), request.n_samples)
    known = {**question.evidence, **claims}
    given = {name: value[each] for name, value in known.items()}
    for name, value in draws.items():
        given[name] = value.detach().transpose(0, 1).flatten(0, 1)
    walk = Recover(given, request.coupling)
    with torch.no_grad(), walk:
        question.runner(each, question.do)
    unknown = len(question.latent)
    return Part(question.rows, walk.noise, diagnostics, method, unknown)


class Request(NamedTuple):
    """How noise is to be found."""

    n_samples: int
    method: str
    coupling: str
    options: Mapping[str, Any]


def chosen_method(question: Question, sites: Mapping[str, Site], method: str) -> str:
    """Return the method of inference; refuse one that cannot do what is asked."""
    unseen = ", ".join(question.latent)
    if not question.latent or not question.evidence:
        return "exact"  # nothing to infer
    if method == "auto":
        return "importance"
    if method == "exact":
        raise ValueError(
            f"{_OWNER}.abduct: method='exact' needs a value of each site, but nothing "
            f"is known of {unseen}. Use 'importance', 'svi' or 'nuts'."
        )
    discrete = [name for name in question.latent if sites[name].is_discrete]
    if discrete and method in ("svi", "nuts"):
        raise ValueError(
            f"{_OWNER}.abduct: method={method!r} needs gradients, but the latent site "
            f"{discrete[0]!r} is discrete. Use 'importance'."
        )
    return method


def warn_of_doubt(method: str, diagnostics: Mapping[str, Any]) -> None:
    """Warn where draws of the posterior are too few, or may be of another."""
    if method == "importance":
        worst = float(np.min(diagnostics["effective_sample_size"]))
        if worst < LEAST_EFFECTIVE:
            warnings.warn(
                f"{_OWNER}.abduct: the effective sample size of a row is {worst:.1f}. "
                "Take more particles (options={'particles': ...}), or method='nuts'.",
                EffectiveSampleSizeWarning,
                stacklevel=5,
            )
    if method == "nuts":
        doubt = ""
        if diagnostics["divergences"]:
            doubt = f"{diagnostics['divergences']} draws diverged"
        elif diagnostics["r_hat"] > MOST_R_HAT:
            doubt = f"the chain has not mixed (R-hat {diagnostics['r_hat']:.2f})"
        if doubt:
            warnings.warn(
                f"{_OWNER}.abduct: {doubt}. Take more draws, a longer warmup "
                "(options={'warmup': ...}), or centre the latent sites.",
                ConvergenceWarning,
                stacklevel=5,
            )
