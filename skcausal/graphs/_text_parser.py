"""One recursive-descent parser for dagitty, DOT and plain lists of edges.

document   = header "{" statements "}" | statements          (the second: edges)
statements = (statement [";"])*                               (edges: or a new line)
statement  = name "=" name                                    (not edges)
           | ("graph" | "node" | "edge") attributes           (DOT)
           | endpoint [attributes] (arrow endpoint)* [attributes]
endpoint   = name (":" name)*                                 (":" in DOT)
           | ["subgraph" [name]] "{" statements "}"           ("subgraph" in DOT)
attributes = ("[" (name ["=" name] [("," | ";")])* "]")*
"""

from dataclasses import dataclass, field
from itertools import pairwise, product
from typing import Literal, NoReturn

from skcausal.graphs._errors import ParseError
from skcausal.graphs._marks import Marks, arrow_kind, latent_mark
from skcausal.graphs._tokens import Token, position, tokenize

Dialect = Literal["dagitty", "dot", "edges"]
_DEEPEST = 50
_OTHER_TYPES = {
    "mag": "a maximal ancestral graph",
    "pag": "a partial ancestral graph",
    "pdag": "a graph in which some directions are open",
    "cpdag": "a graph in which some directions are open",
    "graph": "an undirected graph",
}


@dataclass
class GraphParts:
    """What a text says: arguments of CausalGraph."""

    directed: list[tuple[str, str]] = field(default_factory=list)
    bidirected: list[tuple[str, str]] = field(default_factory=list)
    nodes: dict[str, None] = field(default_factory=dict)
    latent: dict[str, None] = field(default_factory=dict)

    def mark(self, node: str, latent: bool | None) -> None:
        """Note that a node is latent, or not, or that nothing is said."""
        if latent:
            self.latent[node] = None
        elif latent is False:
            self.latent.pop(node, None)


@dataclass
class _Scope:
    """The marks that DOT's ``node [...]`` and ``edge [...]`` set for what follows."""

    node: Marks = field(default_factory=dict)
    edge: Marks = field(default_factory=dict)
    depth: int = 0

    def inside(self) -> "_Scope":
        return _Scope(dict(self.node), dict(self.edge), self.depth + 1)


class TextParser:
    """Reads one text; see the grammar above.

    Parameters
    ----------
    text : str
        What to read.
    dialect : {"dagitty", "dot", "edges"}
        In which language.
    """

    def __init__(self, text: str, dialect: Dialect) -> None:
        self._text, self._dialect = text, dialect
        self._tokens = tokenize(text)
        self._at = 0
        self._parts = GraphParts()
        self._marked: dict[str, Token] = {}

    def parse(self) -> GraphParts:
        """Return what the text says.

        Raises
        ------
        ParseError
            Where it cannot be understood.
        """
        if self._dialect == "edges":
            self._statements(_Scope())
        else:
            self._header()
            self._take("{")
            self._statements(_Scope())
            self._take("}")
        if self._token.kind != "end":
            self._fail("expected the end of the text")
        return self._parts

    # Tokens

    @property
    def _token(self) -> Token:
        return self._tokens[self._at]

    def _next_is(self, text: str) -> bool:
        following = self._tokens[min(self._at + 1, len(self._tokens) - 1)]
        return following.kind == "mark" and following.text == text

    def _is(self, mark: str) -> bool:
        return self._token.kind == "mark" and self._token.text == mark

    def _keyword(self, *words: str) -> bool:
        return self._token.kind == "name" and self._token.text.lower() in words

    def _step(self) -> Token:
        token = self._token
        self._at += token.kind != "end"
        return token

    def _take(self, mark: str) -> None:
        if not self._is(mark):
            self._fail(f'expected "{mark}"')
        self._step()

    def _name(self, what: str) -> Token:
        if not self._token.is_name:
            self._fail(f"expected {what}")
        return self._step()

    def _fail(
        self, expected: str, way_out: str = "", at: Token | None = None
    ) -> NoReturn:
        token = at or self._token
        got = "the end of the text" if token.kind == "end" else f"{token.text!r}"
        problem = f"{expected}, got {got}.{' ' if way_out else ''}{way_out}"
        raise ParseError(problem, *position(self._text, token.start))

    # Grammar

    def _header(self) -> None:
        if self._dialect == "dot" and self._keyword("strict"):
            self._step()
        words = ("digraph",) if self._dialect == "dot" else ("dag", "digraph")
        if self._keyword(*_OTHER_TYPES):
            kind = _OTHER_TYPES[self._token.text.lower()]
            self._fail(
                f'expected "{words[0]}"',
                f"That is {kind}; a causal graph needs every direction. Write "
                f"{words[0]} {{ ... }} with -> and <->.",
            )
        if not self._keyword(*words):
            self._fail(
                f'expected "{words[0]} {{"',
                'A bare list of edges is format="edges"; the old style of dagitty, '
                f"two blocks of lines, is not read: save it as {words[0]} {{ ... }}.",
            )
        self._step()
        if self._token.is_name:
            self._step()

    def _statements(self, scope: _Scope) -> dict[str, None]:
        """Read statements up to a closing brace; return the nodes they name."""
        named: dict[str, None] = {}
        while self._token.kind != "end" and not self._is("}"):
            named |= self._statement(scope)
            if self._is(";"):
                self._step()
            elif self._dialect == "edges" and scope.depth == 0:
                self._check_new_line()
        return named

    def _check_new_line(self) -> None:
        before, token = self._tokens[self._at - 1], self._token
        if token.kind == "end" or self._is("}"):
            return
        if "\n" not in self._text[before.stop : token.start]:
            self._fail(
                "expected an arrow, or a new line for the next edge",
                "Write a -> b, a <- b or a <-> b.",
            )

    def _statement(self, scope: _Scope) -> dict[str, None]:
        if self._is(";"):
            return {}
        if self._dialect != "edges" and self._setting(scope):
            return {}
        ends = [self._endpoint(scope)]
        if self._is("[") and not self._tokens[self._at - 1].is_name:
            self._fail("expected an arrow or a new statement")
        marks = self._attributes()
        for node in ends[0] if marks else ():
            self._parts.mark(node, latent_mark(marks, self._mark_failed))
        arrows = []
        while self._token.kind == "arrow":
            arrows.append(self._arrow())
            ends.append(self._endpoint(scope))
        if arrows:
            self._edges(ends, arrows, scope.edge | self._attributes())
        return {node: None for end in ends for node in end}

    def _setting(self, scope: _Scope) -> bool:
        """Read ``bb = "0,0,1,1"`` or ``node [...]``, if that is what follows."""
        if self._token.is_name and self._next_is("="):
            self._step()
            self._step()
            self._name('a value after "="')
            return True
        if self._dialect == "dot" and self._keyword("graph", "node", "edge"):
            if not self._next_is("["):
                self._fail('expected "[" after a word of DOT', "Or quote the name.")
            which = self._step().text.lower()
            marks = self._attributes()
            if which != "graph":
                getattr(scope, which).update(marks)
            return True
        return False

    def _endpoint(self, scope: _Scope) -> dict[str, None]:
        if self._dialect == "dot" and self._keyword("subgraph"):
            self._step()
            if self._token.is_name:
                self._step()
        if self._is("{"):
            return self._group(scope)
        token = self._name("a node or {")
        while self._dialect == "dot" and self._is(":"):
            self._step()
            self._name("a port")
        if token.text not in self._parts.nodes:
            self._parts.nodes[token.text] = None
            self._parts.mark(token.text, latent_mark(scope.node, self._mark_failed))
        return {token.text: None}

    def _group(self, scope: _Scope) -> dict[str, None]:
        if scope.depth >= _DEEPEST:
            self._fail(f"expected at most {_DEEPEST} braces in one another")
        self._take("{")
        named = self._statements(scope.inside())
        self._take("}")
        return named

    def _arrow(self) -> Token:
        if self._token.text not in ("->", "<-", "<->"):
            self._fail(
                "expected ->, <- or <->",
                "A causal graph needs every direction; ends that are open belong to "
                "a class of graphs, not to one.",
            )
        return self._step()

    def _attributes(self) -> Marks:
        marks: Marks = {}
        while self._is("["):
            self._step()
            while not self._is("]"):
                key = self._name('a mark such as latent, or "]"')
                value = None
                if self._is("="):
                    self._step()
                    value = self._name('a value after "="')
                marks[key.text] = value.text if value else None
                self._marked[key.text] = key
                if self._is(",") or self._is(";"):
                    self._step()
            self._take("]")
        return marks

    def _mark_failed(self, word: str, expected: str, way_out: str) -> NoReturn:
        self._fail(expected, way_out, at=self._marked[word])

    def _edges(
        self, ends: list[dict[str, None]], arrows: list[Token], marks: Marks
    ) -> None:
        for (left, right), arrow in zip(pairwise(ends), arrows, strict=True):
            kind = arrow_kind(arrow.text, marks, self._mark_failed)
            pairs = product(left, right) if kind != "<-" else product(right, left)
            target = self._parts.bidirected if kind == "<->" else self._parts.directed
            target.extend(pairs)
