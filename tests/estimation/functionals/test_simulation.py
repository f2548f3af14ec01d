"""Formulas by draws from fitted models."""

import pytest
from sklearn.linear_model import LinearRegression, LogisticRegression

from skcausal.estimation.functionals._simulation import (
    Factor,
    Models,
    NotAChainError,
    chain_of,
)
from skcausal.identification import Probability, Product, Sum
from tests.estimation.functionals.helpers import front_door
from tests.estimation.functionals.test_plug_in import NAPKIN

P = Probability
FRONT_DOOR = Sum(
    "m", Product([P("m", "a"), Sum("a", Product([P("y", ["m", "a"]), P("a")]))])
)


def test_the_chain_tells_two_values_of_a_node_apart():
    chain = chain_of(FRONT_DOOR, "y")
    assert chain[-1] == Factor(("y", 0), (("a", 2), ("m", 1)))
    assert set(chain[:-1]) == {Factor(("m", 1), (("a", 0),)), Factor(("a", 2), ())}


@pytest.mark.parametrize("binary", [False, True])
def test_draws_follow_the_formula(binary):
    frame, truth = front_door(20_000, 0, binary_mediator=binary)
    models = Models(frame, "y", LinearRegression(), LogisticRegression(), 0)
    chain = chain_of(FRONT_DOOR, "y")
    low, high = (models.mean_outcome(chain, {"a": a}, 100_000) for a in (0, 1))
    assert high - low == pytest.approx(truth, abs=0.15)


@pytest.mark.parametrize(
    "formula",
    [NAPKIN, Product([P("y", "x"), P("y")]), Sum("z", P("y", "z")), P("y", do="x")],
)
def test_other_formulas_are_refused(formula):
    with pytest.raises(NotAChainError):
        chain_of(formula, "y")
