"""Running a Pyro program: one plate over rows, interventions, nothing left behind."""

import inspect
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import pyro
import pyro.distributions as dist
import torch
from pyro.poutine.messenger import Messenger
from pyro.poutine.util import site_is_factor, site_is_subsample

from skcausal.structural._inputs import holds_text, spread
from skcausal.structural._pyro_noise import is_deterministic, is_discrete

_OWNER = "ProgramModel"


def device_of(device: Any) -> torch.device:
    """Return the device asked for; "auto" is the first GPU, if there is one."""
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    return torch.device(device)


def _default_device(device: Any) -> Any:
    """Make tensors on a device; the context costs time, and the CPU needs none."""
    chosen = device_of(device)
    return nullcontext() if chosen.type == "cpu" else chosen


@contextmanager
def session(state: dict[str, Any] | None, seed: int, device: Any) -> Iterator[Any]:
    """Run in double precision, with own parameters and seed; then restore all."""
    kept, dtype = pyro.util.get_rng_state(), torch.get_default_dtype()
    cards = list(range(torch.cuda.device_count()))
    own = {key: dict((state or {}).get(key, {})) for key in ("params", "constraints")}
    try:
        torch.set_default_dtype(torch.float64)
        with (
            torch.random.fork_rng(devices=cards),
            pyro.get_param_store().scope(own) as scope,
            _default_device(device),
        ):
            pyro.set_rng_seed(seed)
            yield scope
    finally:
        torch.set_default_dtype(dtype)
        pyro.util.set_rng_state(kept)


def takes_number(program: Any) -> bool:
    """Tell whether a program takes the number of rows: one argument, or none."""
    called = getattr(program, "forward", program)
    needed = [
        parameter
        for parameter in inspect.signature(called).parameters.values()
        if parameter.default is parameter.empty
        and parameter.kind
        in (parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD)
    ]
    if len(needed) > 1:
        raise TypeError(
            f"{_OWNER}: program must take no argument (it is one row) or the number of "
            f"rows, got {len(needed)} arguments. Bind others with functools.partial."
        )
    return bool(needed)


class Intervene(Messenger):  # type: ignore[misc, unused-ignore]
    """Set sites, as pyro.poutine.do does, and keep what the program then sees.

    Functions see the sites before theirs, and the value that theirs would have had.
    """

    def __init__(self, do: Mapping[str, Any], rows: np.ndarray, device: Any) -> None:
        super().__init__()
        self.do, self.rows, self.device = do, rows, device
        self.values: dict[str, torch.Tensor] = {}

    def _pyro_sample(self, msg: Any) -> None:
        setting = self.do.get(msg["name"])
        if setting is None or callable(setting) or site_is_subsample(msg):
            return
        value = torch.as_tensor(setting, device=self.device)
        value = value[self.rows] if value.ndim else value.repeat(len(self.rows))
        if is_discrete(msg["fn"]) and not bool(msg["fn"].support.check(value).all()):
            raise ValueError(
                f"{_OWNER}: {msg['name']!r} cannot be set to "
                f"{setting.flatten()[0].item():g}: {type(msg['fn']).__name__} has no "
                "such value. Give a code or count that it has."
            )
        msg["fn"], msg["value"] = dist.Delta(value), value
        msg["is_observed"], msg["infer"] = True, {"_deterministic": True}

    def _pyro_post_sample(self, msg: Any) -> None:
        if site_is_subsample(msg):
            return
        name, value = msg["name"], msg["value"]
        setting = self.do.get(name)
        if callable(setting):
            seen = {**self.values, name: value}
            found = setting(as_table(seen, len(self.rows)))
            found = spread(found, len(self.rows), name, f"{_OWNER}.do")
            value = as_tensor(found, value.dtype, self.device, name)
            msg["value"] = value
        self.values[name] = value


def as_tensor(values: Any, dtype: torch.dtype, device: Any, name: str) -> torch.Tensor:
    """Return numbers as a tensor of a site's type; fractions are not made whole."""
    try:
        array = np.asarray(values)
        if array.dtype.kind in "mMSU" or holds_text(array):
            raise TypeError
        numbers = np.asarray(array, dtype=float)
    except (TypeError, ValueError):
        raise ValueError(
            f"{_OWNER}: values of {name!r} must be numbers, got {values!r:.60}. Give "
            "categories as codes 0, 1, ..."
        ) from None
    if not np.isfinite(numbers).all():
        raise ValueError(
            f"{_OWNER}: {name!r} has values that are missing or infinite. Give finite "
            "numbers."
        )
    if not dtype.is_floating_point and (numbers != numbers.round()).any():
        raise ValueError(f"{_OWNER}: values of {name!r} must be whole numbers.")
    return torch.tensor(numbers, dtype=dtype, device=device)


def as_table(values: Mapping[str, torch.Tensor], n: int, index: Any = None) -> Any:
    """Return the sites that have one value per row as a DataFrame."""
    columns = {
        name: value.detach().cpu().numpy()
        for name, value in values.items()
        if value.shape == (n,)
    }
    return pd.DataFrame(columns, index=pd.RangeIndex(n) if index is None else index)


@dataclass(frozen=True)
class Runner:
    """A program with its shared values: call it with numbers of rows."""

    program: Callable[..., Any]
    fixed: Mapping[str, torch.Tensor] = field(default_factory=dict)
    device: Any = "cpu"

    def __call__(self, rows: np.ndarray, do: Mapping[str, Any]) -> Any:
        """Run once with all rows in one plate; return the values of all sites."""
        watch = Intervene(do, rows, device_of(self.device))
        with pyro.poutine.condition(data=dict(self.fixed)), watch:
            if takes_number(self.program):
                self.program(len(rows))
            else:
                with pyro.plate("rows", len(rows), dim=-1):
                    self.program()
        return watch.values


@dataclass(frozen=True)
class Site:
    """What a site is, found by running the program once."""

    name: str
    dtype: torch.dtype
    is_column: bool  # one value per row
    is_shared: bool  # one value for all rows
    is_deterministic: bool
    is_discrete: bool


def sites_of(runner: Runner) -> dict[str, Site]:
    """Return the sites of a program, in the order in which they are sampled."""
    n = 7  # unlikely to be the size of anything else
    trace = pyro.poutine.trace(runner).get_trace(np.arange(n), {})
    found = {}
    for name, site in trace.nodes.items():
        if site["type"] != "sample" or site_is_subsample(site):
            continue
        if site_is_factor(site) or _has_data(site, runner):
            raise ValueError(
                f"{_OWNER}: site {name!r} has data in the program (obs= or "
                "pyro.factor). Leave them out: data comes by fit, condition or abduct."
            )
        sized = any(frame.size == n for frame in site["cond_indep_stack"])
        fixed = is_deterministic(site["fn"])
        found[name] = Site(
            name,
            site["value"].dtype,
            site["value"].shape == (n,),
            not sized and not fixed,
            fixed,
            not fixed and is_discrete(site["fn"]),
        )
    return found


def _has_data(site: Any, runner: Runner) -> bool:
    is_set = site["infer"].get("_deterministic") or site["name"] in runner.fixed
    return site["is_observed"] and not is_set
