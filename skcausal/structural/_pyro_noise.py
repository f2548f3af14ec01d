"""The noise of a Pyro site: recovered from its value, and put in again."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pyro.distributions as dist
import torch
from scipy import stats

from skcausal.structural._counterfactual_errors import ImpossibleEvidenceError

_WRAPPERS = (dist.Independent, dist.MaskedDistribution, dist.ExpandedDistribution)
_LOCATION_SCALE = (
    torch.distributions.Normal,
    torch.distributions.Laplace,
    torch.distributions.Cauchy,
    torch.distributions.StudentT,
    dist.Logistic,
)
_CATEGORIES = (torch.distributions.Categorical, torch.distributions.Bernoulli)
_SCALE = (torch.distributions.HalfNormal, torch.distributions.HalfCauchy)

_DOUBLINGS, _HALVINGS = 6, 60  # 2^6 standard deviations hold all that occurs

# Families without an inverse in torch: their twin in SciPy, and its parameters.
_SCIPY: list[tuple[Any, Any, Callable[[Any], tuple[Any, ...]]]] = [
    (torch.distributions.Poisson, stats.poisson, lambda f: (f.rate,)),
    (torch.distributions.Binomial, stats.binom, lambda f: (f.total_count, f.probs)),
    (torch.distributions.Geometric, stats.geom, lambda f: (f.probs, -1)),
    (
        torch.distributions.NegativeBinomial,
        stats.nbinom,
        lambda f: (f.total_count, 1 - f.probs),
    ),
    (
        torch.distributions.Gamma,
        stats.gamma,
        lambda f: (f.concentration, 0, 1 / f.rate),
    ),
    (
        torch.distributions.Beta,
        stats.beta,
        lambda f: (f.concentration1, f.concentration0),
    ),
]


class SiteNoise(NamedTuple):
    """What made a site what it was."""

    noise: torch.Tensor
    value: torch.Tensor
    anchor: torch.Tensor  # the value computed of the noise: differs by rounding
    law: list[
        torch.Tensor
    ]  # parameters of the distribution, where the value is discrete


def base_of(fn: Any) -> Any:
    """Return the distribution under wrappers that only reshape or mask."""
    while isinstance(fn, _WRAPPERS):
        fn = fn.base_dist
    return fn


def is_deterministic(fn: Any) -> bool:
    """Tell whether a distribution leaves nothing to chance."""
    return isinstance(base_of(fn), dist.Delta)


def is_discrete(fn: Any) -> bool:
    """Tell whether values are categories or counts."""
    return bool(base_of(fn).support.is_discrete)


def recover(name: str, fn: Any, value: torch.Tensor, coupling: str) -> SiteNoise:
    """Return the noise of a site; drawn from its posterior where several would do."""
    fn = base_of(fn)
    noise = _recover(name, fn, value, coupling)
    anchor = _replay(name, fn, noise, coupling)
    if not bool(torch.isfinite(anchor).all()):
        row = tuple((~torch.isfinite(anchor)).nonzero()[0].tolist())
        raise ImpossibleEvidenceError(
            f"ProgramModel.abduct: the value {value[row].item():.6g} of {name!r} lies "
            f"so far in the tail of {type(fn).__name__} that its noise is lost to "
            "rounding. Check the row."
        )
    return SiteNoise(noise, value, anchor, law_of(fn) if is_discrete(fn) else [])


def replay(name: str, fn: Any, known: SiteNoise, coupling: str) -> torch.Tensor:
    """Return the value that the same noise gives under another distribution.

    Where that is what it gave before, the value itself is returned, so that rows
    that do not change are the same to the last bit.
    """
    value = _replay(name, base_of(fn), known.noise, coupling)
    same = value == known.anchor
    return torch.where(same, known.value, value.to(known.value.dtype))


def law_of(fn: Any) -> list[torch.Tensor]:
    """Return the parameters of a distribution."""
    return [torch.as_tensor(getattr(fn, name)) for name in fn.arg_constraints]


def _recover(name: str, fn: Any, value: torch.Tensor, coupling: str) -> torch.Tensor:
    if isinstance(fn, _LOCATION_SCALE):
        refuse_varying_tails(name, fn)
        return (value - fn.loc) / fn.scale
    if isinstance(fn, _SCALE):
        return value / fn.scale
    if isinstance(fn, torch.distributions.Exponential):
        return value * fn.rate
    if isinstance(fn, torch.distributions.MultivariateNormal):
        centred = (value - fn.loc).unsqueeze(-1)
        return torch.linalg.solve_triangular(
            fn.scale_tril, centred, upper=False
        ).squeeze(-1)
    if _is_invertible(fn):
        for transform in reversed(fn.transforms):
            value = transform.inv(value)
        return _recover(name, base_of(fn.base_dist), value, coupling)
    if isinstance(fn, _CATEGORIES):
        return _category_noise(fn, value, coupling)
    found = _scipy_twin(fn)
    if found is not None:
        return _tail_noise(found, value)
    return _uniform_noise(name, fn, value)


def _replay(name: str, fn: Any, noise: torch.Tensor, coupling: str) -> torch.Tensor:
    if isinstance(fn, _LOCATION_SCALE):
        return fn.loc + fn.scale * noise
    if isinstance(fn, _SCALE):
        return fn.scale * noise
    if isinstance(fn, torch.distributions.Exponential):
        return noise / fn.rate
    if isinstance(fn, torch.distributions.MultivariateNormal):
        return fn.loc + (fn.scale_tril @ noise.unsqueeze(-1)).squeeze(-1)
    if _is_invertible(fn):
        value = _replay(name, base_of(fn.base_dist), noise, coupling)
        for transform in fn.transforms:
            value = transform(value)
        return value
    if isinstance(fn, _CATEGORIES):
        return _category(fn, noise, coupling)
    found = _scipy_twin(fn)
    if found is not None:
        return _from_tail(found, noise)
    return _from_uniform(fn, noise)


def refuse_varying_tails(name: str, fn: Any) -> None:
    """Refuse a Student t whose tails depend on the row: its noise would too."""
    df = getattr(fn, "df", None)
    if df is not None and bool((df != df.flatten()[0]).any()):
        raise ValueError(
            f"ProgramModel: the degrees of freedom of site {name!r} differ between "
            "rows, so its noise would depend on its causes. Use one number, or a "
            "Normal whose scale is a latent site."
        )


def _is_invertible(fn: Any) -> bool:
    return isinstance(fn, torch.distributions.TransformedDistribution) and all(
        transform.bijective for transform in fn.transforms
    )


# ------------------------------------------------------------------ categories
def _log_probabilities(fn: Any) -> torch.Tensor:
    if isinstance(fn, torch.distributions.Bernoulli):
        zero = torch.nn.functional.logsigmoid(-fn.logits)
        return torch.stack([zero, torch.nn.functional.logsigmoid(fn.logits)], dim=-1)
    return torch.log_softmax(fn.logits, dim=-1)


def _category_noise(fn: Any, value: torch.Tensor, coupling: str) -> torch.Tensor:
    """Return noise given the category: Gumbel values, or a point of its interval.

    With G_k = log p_k + noise_k, the largest G is a standard Gumbel value, whatever
    category has it, and the others are Gumbel values truncated there.
    """
    logs = _log_probabilities(fn)
    chosen = value.long().unsqueeze(-1)
    if coupling == "gumbel_max":
        waits = torch.empty_like(logs).exponential_()
        top = -torch.empty_like(logs[..., :1]).exponential_().log()
        noise = -torch.log(torch.exp(logs - top) + waits)
        return noise.scatter(-1, chosen, top - logs.gather(-1, chosen))
    upper = logs.exp().cumsum(-1)
    lower = upper - logs.exp()
    low, high = lower.gather(-1, chosen), upper.gather(-1, chosen)
    return (low + (high - low) * torch.rand_like(low)).squeeze(-1)


def _category(fn: Any, noise: torch.Tensor, coupling: str) -> torch.Tensor:
    logs = _log_probabilities(fn)
    if coupling == "gumbel_max":
        return (logs + noise).argmax(-1)
    return (noise.unsqueeze(-1) >= logs.exp().cumsum(-1)[..., :-1]).sum(-1)


# ------------------------------------------------------- distribution functions
def _scipy_twin(fn: Any) -> Any:
    """Return SciPy's distribution with the same parameters, or None."""
    for family, twin, parameters in _SCIPY:
        if isinstance(fn, family):
            given = [
                x.detach().cpu().numpy() if isinstance(x, torch.Tensor) else x
                for x in parameters(fn)
            ]
            return twin(*given)
    return None


def _tail_noise(twin: Any, value: torch.Tensor) -> torch.Tensor:
    """Return u of F(value), from its interval where the value is a count.

    Above the median it is kept as minus the probability of the upper tail, which has
    many more digits than one minus it.
    """
    numbers = value.detach().cpu().numpy()
    before = numbers - 1 if isinstance(twin.dist, stats.rv_discrete) else numbers
    share = torch.rand(value.shape).cpu().numpy()
    low, high = twin.cdf(before), twin.cdf(numbers)
    above, beyond = twin.sf(before), twin.sf(numbers)
    lower = low + share * (high - low)
    upper = beyond + share * (above - beyond)
    noise = np.where(low < 0.5, np.where(lower < 1, lower, -upper), -upper)
    noise = np.where(noise == 0, np.nan, noise)  # too small a tail for a number
    return torch.as_tensor(noise, dtype=torch.get_default_dtype(), device=value.device)


def _from_tail(twin: Any, noise: torch.Tensor) -> torch.Tensor:
    numbers = noise.detach().cpu().numpy()
    above = numbers < 0
    found = twin.ppf(np.where(above, 0.5, numbers))
    tail = np.where(above, -numbers, 0.5)
    if isinstance(twin.dist, stats.rv_discrete):
        beyond = _beyond(twin, tail)
    else:
        beyond = twin.isf(tail)
    found = np.where(above, beyond, found)
    return torch.as_tensor(found, dtype=noise.dtype, device=noise.device)


def _beyond(twin: Any, tail: np.ndarray) -> np.ndarray:
    """Return the least count beyond which at most some mass lies, by bisection.

    SciPy's own goes through one minus the mass, which loses all digits of it.
    """
    low = twin.ppf(np.full(tail.shape, 0.25)) - 1
    step = np.ones(tail.shape)
    while (short := twin.sf(low + step) > tail).any():
        step = np.where(short, 2 * step, step)
    high = low + step
    while (high - low).max(initial=0) > 1:
        middle = np.floor((low + high) / 2)
        enough = twin.sf(middle) <= tail
        low, high = np.where(enough, low, middle), np.where(enough, middle, high)
    return high


def _uniform_noise(name: str, fn: Any, value: torch.Tensor) -> torch.Tensor:
    if is_discrete(fn) or len(fn.event_shape):
        _refuse(name, fn)
    try:
        return fn.cdf(value)
    except (NotImplementedError, AttributeError):
        _refuse(name, fn)
        raise


def _from_uniform(fn: Any, noise: torch.Tensor) -> torch.Tensor:
    try:
        return fn.icdf(noise)
    except (NotImplementedError, AttributeError):
        return _by_bisection(fn, noise)


def _by_bisection(fn: Any, noise: torch.Tensor) -> torch.Tensor:
    """Return where the distribution function is u, to the last digits."""
    step = fn.stddev
    low, high = fn.mean - step, fn.mean + step
    for _ in range(_DOUBLINGS):
        low = torch.where(fn.cdf(low) > noise, low - step, low)
        high = torch.where(fn.cdf(high) < noise, high + step, high)
        step = 2 * step
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        below = fn.cdf(middle) < noise
        low, high = torch.where(below, middle, low), torch.where(below, high, middle)
    return (low + high) / 2


def _refuse(name: str, fn: Any) -> None:
    raise TypeError(
        f"ProgramModel: the noise of site {name!r} cannot be recovered: no inverse is "
        f"known for {type(fn).__name__}. Write it as a pyro.deterministic function of "
        "sites with simpler noise, or as a dist.TransformedDistribution."
    ) from None
