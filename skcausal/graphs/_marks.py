"""What the marks of nodes and edges mean, in texts and in networkx."""

from collections.abc import Callable
from typing import NoReturn

from skcausal.graphs._tokens import Token

Marks = dict[str, tuple[Token, Token | None]]
Fail = Callable[[Token, str, str], NoReturn]

_LATENT_WORDS = {"latent", "unobserved", "l", "u"}
TRUE_WORDS = {"true", "yes", "1"}
FALSE_WORDS = {"false", "no", "0"}


def latent_mark(marks: Marks, fail: Fail) -> bool | None:
    """Return whether marks of a node call it latent; None if they do not say.

    Latent: ``latent``, ``unobserved``, ``l``, ``u`` alone or with a true value;
    ``observed`` with a false value; ``style=dashed``.
    """
    said: bool | None = None
    for word, (key, value) in marks.items():
        if word in ("selected", "s") and value is None:
            fail(
                key,
                "expected no mark of selection",
                "Take it out and hold the node fixed in the question instead.",
            )
        if word in _LATENT_WORDS and (value is None or word not in ("l", "u")):
            said = value is None or _truth(value, fail)
        elif word == "observed":
            said = value is not None and not _truth(value, fail)
        elif word == "style" and value is not None and said is None:
            said = "dashed" in value.text.lower() or None
    return said


def _truth(value: Token, fail: Fail) -> bool:
    word = value.text.lower()
    if word not in TRUE_WORDS | FALSE_WORDS:
        fail(value, "expected yes or no", "Write latent=yes or observed=no.")
    return word in TRUE_WORDS


def arrow_kind(arrow: str, marks: Marks, fail: Fail) -> str:
    """Return "->", "<-" or "<->": the arrow, as the mark ``dir`` turns it."""
    for word in ("latent", "unobserved", "observed"):
        if word in marks:
            fail(
                marks[word][0],
                "expected a mark of an edge",
                "Give the node its mark in a line of its own: a [latent].",
            )
    key, value = marks.get("dir", (None, None))
    if key is None:
        return arrow
    word = "" if value is None else value.text.lower()
    if word not in ("forward", "back", "both"):
        fail(value or key, "expected dir=forward, dir=back or dir=both", "")
    if arrow == "<->" or word == "both":
        return "<->"
    turned = {"->": "<-", "<-": "->"}[arrow]
    return turned if word == "back" else arrow
