"""What the marks of nodes and edges mean, in texts and in networkx."""

from collections.abc import Callable, Mapping
from typing import NoReturn

Marks = dict[str, str | None]
Fail = Callable[[str, str, str], NoReturn]  # of a mark, what is expected, the way out

_LATENT_WORDS = ("latent", "unobserved", "l", "u")
_TRUTH = {
    "true": True,
    "yes": True,
    "1": True,
    "false": False,
    "no": False,
    "0": False,
}


def latent_mark(marks: Mapping[str, str | None], fail: Fail) -> bool | None:
    """Return whether the marks of a node call it latent; None if they do not say.

    Latent: ``latent`` or ``unobserved``, alone or with a true value; ``l`` or ``u``
    alone; ``observed`` with a false value; ``style=dashed``, if nothing else is said.
    """
    said: bool | None = None
    for word, value in marks.items():
        if word in ("selected", "s") and value is None:
            fail(
                word,
                "expected no mark of selection",
                "Take it out and hold the node fixed in the question instead.",
            )
        if word in _LATENT_WORDS and (value is None or len(word) > 1):
            said = value is None or _truth(word, value, fail)
        elif word == "observed":
            said = value is not None and not _truth(word, value, fail)
    if said is None and "dashed" in (marks.get("style") or "").lower():
        return True
    return said


def _truth(word: str, value: str, fail: Fail) -> bool:
    truth = _TRUTH.get(value.lower())
    if truth is None:
        fail(word, f"expected yes or no after {word}=", "Or take it out.")
    return truth


def arrow_kind(arrow: str, marks: Mapping[str, str | None], fail: Fail) -> str:
    """Return "->", "<-" or "<->": the arrow, as the mark ``dir`` turns it."""
    for word in ("latent", "unobserved", "observed"):
        if word in marks:
            fail(
                word,
                "expected a mark of an edge",
                "Give the node its mark in a statement of its own: a [latent].",
            )
    if "dir" not in marks:
        return arrow
    word = (marks["dir"] or "").lower()
    if word not in ("forward", "back", "both"):
        fail("dir", "expected dir=forward, dir=back or dir=both", "Or take it out.")
    if arrow == "<->" or word == "both":
        return "<->"
    turned = {"->": "<-", "<-": "->"}
    return turned[arrow] if word == "back" else arrow
