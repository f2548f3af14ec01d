"""Any formula that is a chain of models, by drawing from fitted models."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.base import clone

from skcausal.estimation._defaults import default_classifier, default_regressor
from skcausal.identification import Expression, Probability, Product, Sum, Variable

MOST_CLASSES = 20
FloatArray = npt.NDArray[np.float64]
Symbol = tuple[Any, int]  # a node, and which of its values in the formula


@dataclass(frozen=True)
class Factor:
    """One model of the chain: ``symbol`` is drawn given ``given``."""

    symbol: Symbol
    given: tuple[Symbol, ...]


class NotAChainError(ValueError):
    """A formula that models drawn from one after the other cannot follow."""


def chain_of(expression: Expression, outcome: Any) -> list[Factor]:
    """Return the models that a formula is made of, causes of draws first.

    Parameters
    ----------
    expression : Expression
        Sums and products of probabilities.
    outcome : label
        The node whose mean is wanted.

    Returns
    -------
    list of Factor
        In an order in which each can be drawn.

    Raises
    ------
    NotAChainError
        If the formula divides, or sums over what no model draws, or once more than
        models draw it.
    """
    factors, bound = [], set()
    for part, is_bound in _factors(expression, {}, count(1)):
        factors.append(part)
        bound |= is_bound
    drawn = [factor.symbol for factor in factors]
    if len(set(drawn)) < len(drawn) or set(drawn) != bound | {(outcome, 0)}:
        raise NotAChainError(str(expression))
    return _sorted(factors, expression)


def _factors(
    one: Expression, names: Mapping[Variable, Symbol], fresh: Iterator[int]
) -> Iterator[tuple[Factor, set[Symbol]]]:
    """Yield the models inside a formula and the symbols that its sums bind."""
    if isinstance(one, Sum):
        names = {**names, **{v: (v.node, next(fresh)) for v in one.over}}
        own = {names[v] for v in one.over}
        for factor, inner in _factors(one.body, names, fresh):
            yield factor, inner | own
    elif isinstance(one, Product):
        for child in one.factors:
            yield from _factors(child, names, fresh)
    elif isinstance(one, Probability) and not (one.do or one.population):
        given = [names.get(v, (v.node, 0)) for v in one.given]
        for variable in one.variables:
            symbol = names.get(variable, (variable.node, 0))
            yield Factor(symbol, tuple(given)), set()
            given.append(symbol)
    else:
        raise NotAChainError(str(one))


def _sorted(factors: list[Factor], expression: Expression) -> list[Factor]:
    """Return the models so that each is drawn after what it is given."""
    made_here = {factor.symbol for factor in factors}
    done: set[Symbol] = set()
    ordered: list[Factor] = []
    while len(ordered) < len(factors):
        ready = [
            factor
            for factor in factors
            if factor.symbol not in done and not (set(factor.given) & made_here) - done
        ]
        if not ready:
            raise NotAChainError(str(expression))
        ordered.append(ready[0])
        done.add(ready[0].symbol)
    return ordered


@dataclass(frozen=True, eq=False)
class Models:
    """What draws each column given others.

    Parameters
    ----------
    frame : DataFrame
        The data.
    outcome : label
        The column whose mean is wanted.
    regressor, classifier : estimator or None
        Models of numbers and of classes; None for the defaults.
    seed : int
        Seed of models and draws.
    """

    frame: pd.DataFrame
    outcome: Any
    regressor: Any
    classifier: Any
    seed: int

    def mean_outcome(
        self, chain: Sequence[Factor], world: Mapping[Any, Any], n_draws: int
    ) -> float:
        """Return the mean outcome in a world, by ``n_draws`` draws of everything."""
        rng = np.random.default_rng(self.seed)
        drawn: dict[Symbol, Any] = {
            (node, 0): np.repeat(self.frame[node].dtype.type(level), n_draws)
            for node, level in world.items()
        }
        for factor in chain:
            is_outcome = factor.symbol == (self.outcome, 0)
            drawn[factor.symbol] = self._draw(factor, drawn, is_outcome, n_draws, rng)
        return float(np.mean(drawn[self.outcome, 0]))

    def _draw(
        self,
        factor: Factor,
        drawn: Mapping[Symbol, Any],
        is_outcome: bool,
        n_draws: int,
        rng: np.random.Generator,
    ) -> Any:
        values = self.frame[factor.symbol[0]].to_numpy()
        if not factor.given:
            return rng.choice(values, size=n_draws)
        columns = [symbol[0] for symbol in factor.given]
        seen = self.frame[columns]
        new = pd.DataFrame({node: drawn[node, k] for node, k in factor.given})
        classes = np.unique(values)
        if len(classes) == 1:
            return np.repeat(values[:1], n_draws)
        if not is_outcome and len(classes) <= MOST_CLASSES:
            model = self._fitted(self.classifier, default_classifier, seen, values)
            shares = np.cumsum(model.predict_proba(new), axis=1)
            places = (rng.random((n_draws, 1)) > shares[:, :-1]).sum(axis=1)
            return model.classes_[places]
        model = self._fitted(self.regressor, default_regressor, seen, values)
        mean = model.predict(new)
        if is_outcome:
            return mean
        return mean + rng.choice(values - model.predict(seen), size=n_draws)

    def _fitted(self, model: Any, default: Any, X: Any, y: Any) -> Any:
        """Return a copy of the model, fitted."""
        fresh = default(len(y)) if model is None else clone(model)
        if "random_state" in fresh.get_params():
            fresh.set_params(random_state=self.seed)
        return fresh.fit(X, y)
