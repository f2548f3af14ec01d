"""How formulas are written: plain text and LaTeX."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from skcausal.identification._variables import Variable

if TYPE_CHECKING:
    from skcausal.identification._expression import Expression

_LARGE = 400  # formulas with more parts are written in pieces
_SPECIAL = {"\\": r"\backslash ", "~": r"\sim ", "^": r"\hat{}", " ": "~"}
Parts = Sequence[Sequence[Variable]]


@dataclass(frozen=True)
class Scope:
    """Which names are in use, and under which name a value that is bound goes."""

    taken: frozenset[Variable]
    names: dict[Variable, Variable]

    def bind(self, over: Sequence[Variable]) -> tuple["Scope", list[Variable]]:
        """Give each value that a sum binds a name that is not in use."""
        taken, names, given = set(self.taken), dict(self.names), []
        for one in over:
            name = one
            while name in taken:
                name = Variable(name.node, name.primes + 1)
            taken.add(name)
            names[one] = name
            given.append(name)
        return Scope(frozenset(taken), names), given

    def named(self, one: Variable) -> Variable:
        """Return the variable under the names of this scope."""
        primes = self.names.get(one.symbol, one).primes
        return Variable(
            one.node, primes, tuple(self.named(other) for other in one.world)
        )


class Style:
    """Plain text."""

    bar, comma, cov = " | ", ", ", "Cov"
    opening, closing = "[", "]"

    def __init__(self, pieces: "Sequence[Expression]" = ()) -> None:
        self._numbers = {one: k for k, one in enumerate(pieces, start=1)}

    def written(self, expression: "Expression") -> str:
        """Return a whole formula; what a large one repeats is written once."""
        style = type(self)(_pieces(expression))
        lines = [
            style._named(one, scope) + " = " + one._write(style, scope)
            for one in style._numbers
            for scope in [Scope(one.free, {})]
        ]
        lines.append(expression._write(style, Scope(expression.free, {})))
        return style.lines(lines)

    def lines(self, lines: list[str]) -> str:
        """Return lines as one text."""
        return "\n".join(lines)

    def write(self, expression: "Expression", scope: Scope) -> str:
        """Return a formula, or the name of a piece, where some names are in use."""
        if expression in self._numbers:
            return self._named(expression, scope)
        return expression._write(self, scope)

    def _named(self, one: "Expression", scope: Scope) -> str:
        free = sorted(one.free, key=lambda other: other.order)
        return self.piece(self._numbers[one], self.names(free, scope))

    def name(self, one: Variable) -> str:
        """Return the name of a variable."""
        return str(one)

    def names(self, variables: Sequence[Variable], scope: Scope) -> str:
        """Return the names of variables in a scope."""
        return self.comma.join(self.name(scope.named(one)) for one in variables)

    def probability(self, parts: Parts, scope: Scope, population: str) -> str:
        """Return a probability, in a population other than that asked about."""
        left, given, do = (self.names(part, scope) for part in parts)
        right = [self.do(do)] if do else []
        right += [given] if given else []
        bar = self.bar if right else ""
        where = self.where(population) if population else ""
        return f"P{where}({left}{bar}{self.comma.join(right)})"

    def where(self, population: str) -> str:
        """Return a population as an index."""
        return f"_{population}"

    def covariance(self, parts: Parts, scope: Scope) -> str:
        """Return a covariance."""
        nodes, given = (self.names(part, scope) for part in parts)
        return f"{self.cov}({nodes}{self.bar if given else ''}{given})"

    def do(self, names: str) -> str:
        """Return what is set."""
        return f"do({names})"

    def sum(self, names: Sequence[Variable], body: str) -> str:
        """Return a sum."""
        return f"Σ_{{{', '.join(map(self.name, names))}}} {body}"

    def factor(self, one: "Expression", text: str, last: bool) -> str:
        """Return a factor, in brackets if what follows would be read as part of it."""
        loose = one.shape in ("fraction", "product")
        open_ended = one.shape == "sum" and not last
        return self.bracketed(text) if loose or open_ended else text

    def fraction(self, one: Any, above: str, below: str) -> str:
        """Return a fraction."""
        loose = one.numerator.shape in ("sum", "fraction")
        above = self.bracketed(above) if loose else above
        below = below if one.denominator.shape == "atom" else self.bracketed(below)
        return f"{above} / {below}"

    def bracketed(self, text: str) -> str:
        """Return text in brackets."""
        return f"{self.opening}{text}{self.closing}"

    def piece(self, number: int, names: str) -> str:
        """Return the name of a piece of a large formula."""
        return f"Q{number}({names})"


class LatexStyle(Style):
    """LaTeX."""

    bar, cov = r" \mid ", r"\mathrm{Cov}"
    opening, closing = r"\left[", r"\right]"

    def lines(self, lines: list[str]) -> str:
        """Return one line as it is, and more of them below each other."""
        if len(lines) == 1:
            return lines[0]
        body = r" \\ ".join(line.replace(" = ", " &= ", 1) for line in lines[:-1])
        return rf"\begin{{aligned}} {body} \\ & {lines[-1]} \end{{aligned}}"

    def name(self, one: Variable) -> str:
        """Return a letter with an index as such, and a word upright."""
        text = str(one.node)
        letter = re.fullmatch(r"([A-Za-z])_?(\d*)", text)
        index = letter[2] if letter else ""
        below = ", ".join(filter(None, [index, *map(self.name, one.world)]))
        stem = letter[1] if letter else rf"\mathrm{{{_escaped(text)}}}"
        return f"{stem}{chr(39) * one.primes}{f'_{{{below}}}' if below else ''}"

    def do(self, names: str) -> str:
        """Return what is set."""
        return rf"\mathrm{{do}}({names})"

    def where(self, population: str) -> str:
        """Return a population as an index."""
        return rf"_{{\mathrm{{{_escaped(population)}}}}}"

    def sum(self, names: Sequence[Variable], body: str) -> str:
        """Return a sum."""
        return rf"\sum_{{{', '.join(map(self.name, names))}}} {body}"

    def factor(self, one: "Expression", text: str, last: bool) -> str:
        """Return a factor; a fraction needs no brackets."""
        if one.shape == "fraction":
            return text
        return super().factor(one, text, last)

    def fraction(self, one: Any, above: str, below: str) -> str:
        """Return a fraction."""
        return rf"\frac{{{above}}}{{{below}}}"

    def piece(self, number: int, names: str) -> str:
        """Return the name of a piece of a large formula."""
        return f"Q_{{{number}}}({names})"


def _escaped(text: str) -> str:
    letters = (_SPECIAL.get(one, one) for one in text)
    return "".join(rf"\{one}" if one in "&%$#_{}" else one for one in letters)


def _pieces(expression: "Expression") -> "list[Expression]":
    """Return the parts that get a name of their own: those a large formula repeats."""
    if _size(expression) <= _LARGE:
        return []
    uses = Counter(child for one in expression.walk() for child in one.children)
    return [one for one in expression.walk() if one.children and uses[one] > 1]


def _size(expression: "Expression") -> int:
    """Return how many parts a formula has when what it repeats is written again."""
    sizes: dict[Expression, int] = {}
    for one in expression.walk():
        sizes[one] = 1 + sum(sizes[child] for child in one.children)
    return sizes[expression]


TEXT, LATEX = Style(), LatexStyle()
