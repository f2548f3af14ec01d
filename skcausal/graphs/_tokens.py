"""Text cut into names, arrows and marks, for the parser of graphs."""

import re
from dataclasses import dataclass
from typing import Literal

from skcausal.graphs._errors import ParseError

Kind = Literal["name", "string", "arrow", "mark", "end"]

_BLANK = re.compile(r"(?:\s+|//[^\n]*|#[^\n]*|/\*.*?\*/|<!--.*?-->)+", re.DOTALL)
_TOKEN = re.compile(
    r"""(?P<arrow><->|->|<-@|<-|--@|--|@->|@--|@-@)
      |(?P<name>[\w.]+|-[\d.]+)
      |(?P<string>"[^"\\]*(?:\\.[^"\\]*)*")
      |(?P<mark>[{}\[\];,=:])""",
    re.VERBOSE | re.DOTALL,
)
_ESCAPE = re.compile(r'\\(["\\])')


@dataclass(frozen=True)
class Token:
    """A piece of text: what it is, what it says, where it begins and ends."""

    kind: Kind
    text: str
    start: int
    stop: int

    @property
    def is_name(self) -> bool:
        """Whether it can name a node."""
        return self.kind in ("name", "string")


def position(text: str, offset: int) -> tuple[int, int]:
    """Return the line and column of an offset, counted from one."""
    return text.count("\n", 0, offset) + 1, offset - text.rfind("\n", 0, offset)


def tokenize(text: str) -> list[Token]:
    """Return the tokens of a text; the last has the kind "end".

    Raises
    ------
    ParseError
        If a character begins no token.
    """
    tokens: list[Token] = []
    at = _skip_blank(text, 0)
    while at < len(text):
        is_value = bool(tokens) and tokens[-1].kind == "mark" and tokens[-1].text == "="
        token = (_html if is_value and text[at] == "<" else _next)(text, at)
        tokens.append(token)
        at = _skip_blank(text, token.stop)
    tokens.append(Token("end", "", len(text), len(text)))
    return tokens


def _skip_blank(text: str, at: int) -> int:
    match = _BLANK.match(text, at)
    return match.end() if match else at


def _next(text: str, at: int) -> Token:
    match = _TOKEN.match(text, at)
    if match is None:
        raise ParseError(_no_token(text, at), *position(text, at))
    found = match.group()
    if match.lastgroup == "string":
        return Token("string", _ESCAPE.sub(r"\1", found[1:-1]), at, match.end())
    kind: Kind = match.lastgroup  # type: ignore[assignment]
    return Token(kind, found, at, match.end())


def _no_token(text: str, at: int) -> str:
    if text[at] == '"':
        return "a quoted name has no closing quote. Add it."
    if text.startswith("/*", at):
        return "a comment is not closed. Add */."
    return (
        f"expected a name, an arrow or one of {{ }} [ ] ;, got {text[at]!r}. Names "
        'with other characters than letters, digits, _ and . need quotes: "a b".'
    )


def _html(text: str, at: int) -> Token:
    """Return the value <...> of an attribute in DOT, whose brackets balance."""
    depth = 0
    for match in re.compile("[<>]").finditer(text, at):
        depth += 1 if match.group() == "<" else -1
        if depth == 0:
            return Token("string", text[at : match.end()], at, match.end())
    raise ParseError("a label in <> is not closed. Add >.", *position(text, at))
