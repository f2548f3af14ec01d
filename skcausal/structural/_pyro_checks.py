"""What users of a ProgramModel may say: worlds, methods and their options."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

COUPLINGS = ("shared_noise", "gumbel_max", "monotone")
METHODS = ("auto", "exact", "importance", "svi", "nuts")


@dataclass(frozen=True)
class World:
    """What was done and seen: interventions, then evidence, then what if."""

    before: Mapping[str, Any] = field(default_factory=dict)
    evidence: Mapping[str, Any] = field(default_factory=dict)
    after: Mapping[str, Any] = field(default_factory=dict)


def merged(given: Any, named: Mapping[str, Any], owner: str) -> dict[str, Any]:
    """Return what a dict and keywords say, each site once."""
    if given is not None and not isinstance(given, Mapping):
        raise TypeError(
            f"{owner}: give a dict of site to value, or keywords; got "
            f"{type(given).__name__}."
        )
    twice = [name for name in named if name in (given or {})]
    if twice:
        raise ValueError(f"{owner}: {twice[0]!r} is given twice. Give it once.")
    merged = {**(given or {}), **named}
    if not merged:
        raise ValueError(f"{owner}: nothing is given. Name a site, such as price=3.0.")
    return merged


def checked_options(
    method: Any, allowed: tuple[str, ...], options: Any, known: Any, owner: str
) -> dict[str, Any]:
    """Return the options of a method; unknown ones are errors."""
    if method not in allowed:
        raise ValueError(
            f"{owner}: method must be one of {', '.join(allowed)}, got {method!r}."
        )
    names = known.get(method, {key for one in known.values() for key in one})
    for name in options or {}:
        if name not in names:
            raise ValueError(
                f"{owner}: options names {name!r}, which method={method!r} does not "
                f"have. It has: {', '.join(names) or 'none'}."
            )
    return dict(options or {})


def check_coupling(coupling: Any, owner: str) -> str:
    """Refuse what is no coupling of a program."""
    if coupling not in COUPLINGS:
        raise ValueError(
            f"{owner}: coupling must be one of {', '.join(COUPLINGS)}, got "
            f"{coupling!r}."
        )
    return str(coupling)
