"""Formulas: how they print, when they are equal, what they are made of."""

import copy
import pickle

import numpy as np
import pytest

from skcausal.identification import (
    Fraction,
    One,
    Probability,
    Product,
    Sum,
    Table,
    Variable,
    Zero,
    evaluate,
)

ADJUSTMENT = Sum("z", Product([Probability("y", ["x", "z"]), Probability("z")]))
FRONT_DOOR = Sum(
    "z",
    Product(
        [
            Probability("z", "x"),
            Sum("x", Product([Probability("y", ["x", "z"]), Probability("x")])),
        ]
    ),
)


def random_joint(names, seed=0, levels=2):
    values = np.random.default_rng(seed).random((levels,) * len(names))
    return Table(names, values / values.sum())


@pytest.mark.parametrize(
    ("expression", "text", "latex"),
    [
        (
            ADJUSTMENT,
            "Σ_{z} P(y | x, z) P(z)",
            r"\sum_{z} P(y \mid x, z) P(z)",
        ),
        (
            FRONT_DOOR,
            "Σ_{z} P(z | x) Σ_{x'} P(y | x', z) P(x')",
            r"\sum_{z} P(z \mid x) \sum_{x'} P(y \mid x', z) P(x')",
        ),
        (
            Fraction(Sum("a", Probability(["a", "b"])), Probability("b")),
            "[Σ_{a} P(a, b)] / P(b)",
            r"\frac{\sum_{a} P(a, b)}{P(b)}",
        ),
        (
            Probability("y", "z", do=["x1", "x2"]),
            "P(y | do(x1, x2), z)",
            r"P(y \mid \mathrm{do}(x_{1}, x_{2}), z)",
        ),
        (
            Probability([Variable("y", world=["x"]), Variable("x", primes=1)]),
            "P(x', y_{x})",
            "P(x', y_{x})",
        ),
        (
            Probability(
                Variable(
                    "y", world=[Variable("x", primes=1), Variable("m", world=["x"])]
                )
            ),
            "P(y_{m_{x}, x'})",
            "P(y_{m_{x}, x'})",
        ),
        (
            Probability("blood_pressure", "IL 6"),
            "P(blood_pressure | IL 6)",
            r"P(\mathrm{blood\_pressure} \mid \mathrm{IL~6})",
        ),
        (Product([One(), Zero()]), "1 0", "1 0"),
        (Probability(["x10", "x2"]), "P(x2, x10)", "P(x_{2}, x_{10})"),
    ],
)
def test_print(expression, text, latex):
    assert str(expression) == text
    assert expression.latex() == latex
    assert expression._repr_latex_() == f"$\\displaystyle {latex}$"


def test_two_sums_are_told_apart():
    inner = [Sum("a", Probability(["a", "b"])), Sum("a", Probability(["a", "c"]))]
    assert str(Product(inner)) == "[Σ_{a} P(a, b)] Σ_{a} P(a, c)"


def test_equal_formulas_are_one_object():
    again = Sum(["z"], Product([Probability("z"), Probability("y", ["z", "x"])]))
    assert again is ADJUSTMENT
    assert pickle.loads(pickle.dumps(FRONT_DOOR)) is FRONT_DOOR
    assert copy.deepcopy(FRONT_DOOR) is FRONT_DOOR
    assert ADJUSTMENT != FRONT_DOOR
    assert len({ADJUSTMENT, again, FRONT_DOOR}) == 2


def test_rename():
    prime = Variable("x", primes=1)
    assert str(ADJUSTMENT.rename({"x": prime})) == "Σ_{z} P(y | x', z) P(z)"
    assert FRONT_DOOR.rename({"q": "x"}) is FRONT_DOOR
    # The inner x is another one, and makes room for what is now called x.
    inner = Sum("x", Product([Probability("y", ["x", "z"]), Probability("x")]))
    moved = inner.rename({"z": "x"})
    assert moved.free == {Variable("x"), Variable("y")}
    joint = random_joint(["x", "y", "z"])
    expected = evaluate(inner, joint).array("z", "y")
    found = evaluate(moved.rename({"x": "z"}), joint).array("z", "y")
    np.testing.assert_allclose(found, expected)
    world = Variable("y", world=["x", Variable("m", world=["x"])])
    assert str(Probability(world).rename({"x": prime})) == "P(y_{m_{x'}, x'})"
    fraction = Fraction(ADJUSTMENT, Probability("x"))
    assert str(fraction.rename({"x": "w"})) == "[Σ_{z} P(y | w, z) P(z)] / P(w)"


def test_free_values():
    assert FRONT_DOOR.free == {Variable("x"), Variable("y")}
    world = Variable("y", world=[Variable("x", 1), Variable("m", world=["x"])])
    assert Probability(world).free == {Variable("y"), Variable("x", 1), Variable("x")}


def test_shared_parts_are_walked_once():
    one = Probability("a")
    for _ in range(200):
        one = Product([one, one])
    assert sum(1 for _ in one.walk()) == 201
    text = str(one)
    assert text.count("\n") == 199
    assert text.startswith("Q1(a) = P(a) P(a)\n")
    assert one.latex().startswith(r"\begin{aligned} Q_{1}(a) &= P(a) P(a) \\ ")
    assert evaluate(one, Table(["a"], [0.0, 1.0])).values.tolist() == [0, 1]


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        (Sum("z", Probability(["y", "z"], "x")), Probability("y", "x")),
        (Sum(["y", "z"], Probability(["y", "z"], "x")), One()),
        (
            Sum("z", Product([Probability("y", ["x", "z"]), Probability("z", "x")])),
            Probability("y", "x"),
        ),
        (
            Fraction(Probability(["x", "y"], "z"), Probability("x", "z")),
            Probability("y", ["x", "z"]),
        ),
        (Fraction(ADJUSTMENT, ADJUSTMENT), One()),
        (
            Sum("z", Product([Probability("z", "x"), Probability("y")])),
            Probability("y"),
        ),
        (Sum("z", Sum("w", Probability(["y", "z", "w"]))), Probability("y")),
        (Product([Zero(), ADJUSTMENT]), Zero()),
        (
            Sum("y", Fraction(Probability(["x", "y"]), Sum("y", ADJUSTMENT))),
            Probability("x"),
        ),
        (ADJUSTMENT, ADJUSTMENT),
        (FRONT_DOOR, FRONT_DOOR),
    ],
)
def test_simplify(expression, expected):
    assert expression.simplify() is expected
    joint = random_joint(["w", "x", "y", "z"])
    before, after = (evaluate(one, joint) for one in (expression, expected))
    full = np.ones((2,) * len(before.axes))
    spread = full * 0
    for axis in after.axes:
        assert axis in before.axes
    keep = tuple(k for k, axis in enumerate(before.axes) if axis not in after.axes)
    order = [axis for axis in before.axes if axis in after.axes]
    spread = full * np.expand_dims(after.array(*order), keep)
    np.testing.assert_allclose(before.values, spread, atol=1e-14)


def test_evaluate_agrees_with_arrays():
    joint = random_joint(["x", "y", "z"], levels=3)
    p = joint.values
    y_given = p / p.sum(axis=1, keepdims=True)  # x, y, z
    expected = np.einsum("xyz,z->xy", y_given, p.sum(axis=(0, 1)))
    found = evaluate(ADJUSTMENT, joint)
    np.testing.assert_allclose(found.array("x", "y"), expected, atol=1e-15)
    np.testing.assert_allclose(found.array("x", "y").sum(axis=1), 1)
    z_given = p.sum(axis=1) / p.sum(axis=(1, 2))[:, None]
    inner = np.einsum("xyz,x->yz", y_given, p.sum(axis=(1, 2)))
    found = evaluate(FRONT_DOOR, joint).array("x", "y")
    np.testing.assert_allclose(found, z_given @ inner.T, atol=1e-15)


def test_a_sum_over_nothing_counts_levels():
    joint = random_joint(["x", "y"], levels=3)
    value = evaluate(Sum("y", Probability("x")), joint).array("x")
    np.testing.assert_allclose(value, 3 * joint.values.sum(axis=1))


def test_experiments_are_tables_of_their_own():
    joint = random_joint(["x", "y"])
    trial = Table(["x", "y"], np.array([[0.2, 0.8], [0.6, 0.4]]))
    formula = Probability("y", do="x")
    found = evaluate(formula, joint, {"x": trial}).array("x", "y")
    np.testing.assert_array_equal(found, trial.values)
    with pytest.raises(ValueError, match="needs an experiment on x"):
        evaluate(formula, joint)


def test_undefined_numbers_are_nan_only_where_they_matter():
    p = np.zeros((2, 2, 2))  # x, y, z; z = 1 never happens
    p[:, :, 0] = [[0.1, 0.2], [0.3, 0.4]]
    found = evaluate(ADJUSTMENT, Table(["x", "y", "z"], p)).array("x", "y")
    np.testing.assert_allclose(found, [[1 / 3, 2 / 3], [3 / 7, 4 / 7]])
    p[0, :, 1], p[1, :, 1] = 0.1, 0  # x = 1 never happens with z = 1, which does
    found = evaluate(ADJUSTMENT, Table(["x", "y", "z"], p / p.sum())).array("x", "y")
    assert np.isfinite(found[0]).all()
    assert np.isnan(found[1]).all()


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: Probability([]), "at least one node"),
        (lambda: Probability("y", "y"), "y stands in two places"),
        (lambda: Sum(Variable("y", world=["x"]), One()), "without a world"),
        (lambda: Table(["a", "a"], np.ones((2, 2))), "2 different names"),
        (lambda: Table(["a"], np.ones((2, 2))), "2 different names"),
        (lambda: Table(["a"], np.ones(2)).array("b"), "in some order, got b"),
        (lambda: evaluate(One(), Table(["a"], np.ones(2))), "got a sum of 2"),
        (lambda: evaluate(One(), Table(["a"], [1.5, -0.5])), "at least 0"),
        (lambda: evaluate(ADJUSTMENT, random_joint("xy")), "'z' is not an axis"),
        (
            lambda: evaluate(
                Probability(Variable("y", world=["x"])), random_joint("xy")
            ),
            "of a world that no table is of",
        ),
        (
            lambda: evaluate(
                Probability(["x", Variable("x", primes=1)]), random_joint("xy")
            ),
            "one node at two values",
        ),
    ],
)
def test_bad_parts_are_refused(call, words):
    with pytest.raises(ValueError, match=words):
        call()


def test_an_array_without_names_is_refused():
    with pytest.raises(TypeError, match="must be a Table, got ndarray"):
        evaluate(ADJUSTMENT, np.ones((2, 2, 2)) / 8)
