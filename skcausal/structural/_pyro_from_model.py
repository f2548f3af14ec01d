"""A fitted model of a graph as a Pyro program, for inference that needs gradients."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from skcausal.inference._bootstrap import generator_of
from skcausal.structural._abduction import Abduction
from skcausal.structural._additive import AdditiveNoise
from skcausal.structural._generalized_linear import GeneralizedLinear
from skcausal.structural._inputs import as_frame, check_model
from skcausal.structural._interventions import SetTo
from skcausal.structural._mechanism import EmpiricalDistribution
from skcausal.structural._pyro_program import ProgramModel
from skcausal.structural._replay import RowNoise
from skcausal.utils._optional import require

_OWNER = "program_of"
_MOST_KERNELS = 200
_TOLERANCE = 1e-6  # of what counts as linear
Law = Callable[[dict[Any, Any]], Any]  # values of the nodes before -> distribution


class ProgramOf:
    """The program of one row of a fitted model."""

    def __init__(self, laws: dict[Any, Law]) -> None:
        self.laws = laws

    def __call__(self) -> None:
        """Sample each node, causes first."""
        import pyro

        values: dict[Any, Any] = {}
        for node, law in self.laws.items():
            values[node] = pyro.sample(str(node), law(values))


def program_of(model: Any) -> Callable[[], None]:
    r"""Write a fitted model of a graph as a Pyro program.

    Parameters
    ----------
    model : AdditiveNoiseModel or StructuralModel
        A fitted model. Its mechanisms must be linear: `GeneralizedLinear`,
        `AdditiveNoise` with a linear regressor, labels with a logistic classifier, and
        any distribution of nodes without causes.

    Returns
    -------
    program : callable
        The program of one row, for `ProgramModel` and for Pyro. Labels are codes 0,
        1, ... in the order of the categories of their column.

    Raises
    ------
    TypeError
        If a mechanism is not linear; the message names the node.

    Notes
    -----
    Assumes normal noise of `AdditiveNoise`, with the standard deviation of its errors,
    :math:`x = b_0 + b^T p + s u`; numbers without causes have a kernel density of at
    most 200 quantiles. These are approximations: `AdditiveNoiseModel` itself draws
    noise from the errors, and roots from the values seen.

    References
    ----------
    Bingham, E., et al. (2019). Pyro: deep universal probabilistic programming. JMLR
    20(28). https://jmlr.org/papers/v20/18-403.html

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> from sklearn.linear_model import LinearRegression
    >>> from skcausal.graphs import CausalGraph
    >>> from skcausal.structural import AdditiveNoiseModel, ProgramModel, program_of
    >>> rng = np.random.default_rng(0)
    >>> price = rng.normal(10, 2, size=500)
    >>> sales = 9 - price + rng.normal(size=500)
    >>> frame = pd.DataFrame({"price": price, "sales": sales})
    >>> graph = CausalGraph([("price", "sales")])
    >>> model = AdditiveNoiseModel(graph, regressor=LinearRegression()).fit(frame)
    >>> program = ProgramModel(program_of(model))
    >>> gone = pd.DataFrame({"price": [np.nan], "sales": [-4.0]})
    >>> drawn = program.abduct(gone, n_samples=1000, random_state=0).predict()
    >>> round(drawn["price"].mean())
    12
    """
    require("pyro", "deep", _OWNER)
    check_model(model, _OWNER)
    names = [str(node) for node in model.mechanisms_]
    if len(set(names)) < len(names):
        raise ValueError(
            f"{_OWNER}: two nodes have the same name as text. Rename one; sites of a "
            "program have text as names."
        )
    return ProgramOf({node: _law(model, node) for node in model.mechanisms_})


def abduct_by_program(
    model: Any, frame: Any, method: str, n_samples: int, random_state: Any
) -> Abduction:
    """Draw unknown nodes by Pyro's inference; then the noise as for complete rows."""
    owner, random = "StructuralModel.abduct", generator_of(random_state)
    table = as_frame(frame, model.graph.nodes, owner)
    coded = pd.DataFrame(
        {str(node): _coded(table[node], model.dtypes_[node]) for node in table},
        index=table.index,
    )
    program = ProgramModel(program_of(model), random_state=random)
    found = program.abduct(coded, n_samples=n_samples, method=method)
    drawn = found.predict()
    decoded = {node: _decoded(drawn[str(node)], model.dtypes_[node]) for node in table}
    complete = model.known(pd.DataFrame(decoded), owner=owner)
    values = {node: complete[node].array for node in complete}
    values = {
        node: column if isinstance(column, pd.Categorical) else np.asarray(column)
        for node, column in values.items()
    }
    noise = RowNoise(model, values, random)
    return Abduction(model, values, noise, table.index, n_samples, found.diagnostics)


def _coded(column: pd.Series, dtype: Any) -> pd.Series:
    """Return numbers; of labels their codes, missing where the label is."""
    if isinstance(dtype, pd.CategoricalDtype):
        codes = pd.Categorical(column, dtype=dtype).codes.astype(float)
        return pd.Series(np.where(column.isna(), np.nan, codes), index=column.index)
    return column.astype(float)


def _decoded(column: pd.Series, dtype: Any) -> Any:
    if isinstance(dtype, pd.CategoricalDtype):
        return pd.Categorical.from_codes(column.to_numpy(dtype=int), dtype=dtype)
    return column.to_numpy(dtype=dtype)


# -------------------------------------------------------------------------- laws
def _law(model: Any, node: Any) -> Law:
    """Return the distribution of a node as a function of the values of its causes."""
    mechanism = getattr(model.mechanisms_[node], "source", model.mechanisms_[node])
    parents = model.parents_of(node)
    dtypes = {name: model.dtypes_[name] for name in parents}
    if isinstance(mechanism, SetTo):
        return _constant(_coded(pd.Series([mechanism.value]), model.dtypes_[node])[0])
    if isinstance(mechanism, EmpiricalDistribution):
        return _root(mechanism.values_, model.dtypes_[node])
    if getattr(mechanism, "classes_", None) is not None:
        linear = Affine(_log_odds(mechanism), dtypes, node)
        return _labels(linear, _places(mechanism.classes_, model.dtypes_[node], node))
    if isinstance(mechanism, GeneralizedLinear):
        linear = Affine(lambda rows: mechanism.linear(rows, len(rows)), dtypes, node)
        return _numbers(linear, mechanism.family, mechanism.scale_)
    if isinstance(mechanism, AdditiveNoise):
        linear = Affine(mechanism.mean, dtypes, node)
        return _numbers(linear, "gaussian", float(mechanism.noise_.std()))
    raise TypeError(
        f"{_OWNER}: the mechanism of {node!r}, {type(mechanism).__name__}, has no form "
        "in Pyro. Take GeneralizedLinear, AdditiveNoise or CategoricalNoise."
    )


class Affine:
    """A function of causes, found to be linear in numbers and indicators of labels."""

    def __init__(self, function: Any, dtypes: dict[Any, Any], node: Any) -> None:
        self.columns = [
            (name, code)
            for name, dtype in dtypes.items()
            for code in range(1, _n_levels(dtype))
        ]
        rows = np.vstack([np.zeros(len(self.columns)), np.eye(len(self.columns))])
        found = self._values(function, rows, dtypes)
        self.intercept, self.slopes = found[0], found[1:] - found[0]
        self._refuse_curves(function, dtypes, node)
        self.labels = {
            name: isinstance(dtype, pd.CategoricalDtype)
            for name, dtype in dtypes.items()
        }

    def _values(self, function: Any, rows: np.ndarray, dtypes: Any) -> np.ndarray:
        """Return the function at rows of numbers and indicators."""
        table: dict[Any, Any] = {}
        for name, dtype in dtypes.items():
            places = [k for k, column in enumerate(self.columns) if column[0] == name]
            codes = rows[:, places] @ [self.columns[k][1] for k in places]
            if isinstance(dtype, pd.CategoricalDtype):
                table[name] = pd.Categorical.from_codes(codes.astype(int), dtype=dtype)
            else:
                table[name] = codes.astype(dtype)
        found = function(pd.DataFrame(table, index=pd.RangeIndex(len(rows))))
        return np.asarray(found, dtype=float).reshape(len(rows), -1)

    def _refuse_curves(self, function: Any, dtypes: dict[Any, Any], node: Any) -> None:
        random = np.random.default_rng(0)
        rows = np.zeros((30, len(self.columns)))
        for name, dtype in dtypes.items():
            places = [k for k, column in enumerate(self.columns) if column[0] == name]
            if dtype == np.dtype(float):
                rows[:, places[0]] = random.normal(size=30)
            else:
                codes = random.integers(len(places) + 1, size=30)
                rows[:, places] = codes[:, None] == np.arange(1, len(places) + 1)
        found = self._values(function, rows, dtypes)
        error = np.abs(found - self.intercept - rows @ self.slopes).max(initial=0)
        if not error <= _TOLERANCE * (1 + np.abs(found).max(initial=0)):
            raise TypeError(
                f"{_OWNER}: the mechanism of {node!r} is not linear in its causes. "
                "Give it a linear model: GeneralizedLinear(), or "
                "AdditiveNoise(LinearRegression())."
            )

    def __call__(self, values: dict[Any, Any]) -> Any:
        """Return the function of tensors, of shape (..., n_outputs)."""
        import torch

        total = torch.tensor(self.intercept)
        for (name, code), slope in zip(self.columns, self.slopes, strict=True):
            value = values[name]
            feature = (value == code) if self.labels[name] else value
            total = total + feature.unsqueeze(-1) * torch.tensor(slope)
        return total


def _n_levels(dtype: Any) -> int:
    return len(dtype.categories) if isinstance(dtype, pd.CategoricalDtype) else 2


def _log_odds(mechanism: Any) -> Callable[[Any], np.ndarray]:
    def function(rows: Any) -> np.ndarray:
        if hasattr(mechanism, "probabilities"):
            logs = np.log(mechanism.probabilities(rows))
            return np.asarray(logs[:, 1:] - logs[:, :1])
        return np.asarray(mechanism.linear(rows, len(rows)))

    return function


def _places(classes: np.ndarray, dtype: Any, node: Any) -> list[int]:
    """Return the code of each class in the column of a node."""
    if isinstance(dtype, pd.CategoricalDtype):
        return [int(code) for code in dtype.categories.get_indexer(pd.Index(classes))]
    numbers = np.asarray(classes, dtype=float)
    if not np.array_equal(numbers, np.arange(len(numbers))):
        raise TypeError(
            f"{_OWNER}: the labels of {node!r} are numbers other than 0, 1, ... Make "
            "the column a category."
        )
    return list(range(len(numbers)))


def _constant(value: float) -> Law:
    import torch
    from pyro.distributions import Delta

    return lambda values: Delta(torch.tensor(float(value)))


def _labels(linear: Affine, places: list[int]) -> Law:
    import torch
    from pyro.distributions import Bernoulli, Categorical

    if places == [0, 1]:
        return lambda values: Bernoulli(logits=linear(values).squeeze(-1))

    def law(values: dict[Any, Any]) -> Any:
        odds = linear(values)
        logits = torch.cat([torch.zeros_like(odds[..., :1]), odds], dim=-1)
        back = np.argsort(places).tolist()
        return Categorical(logits=logits[..., back])

    return law


def _numbers(linear: Affine, family: str, scale: float) -> Law:
    import pyro.distributions as dist
    import torch

    def law(values: dict[Any, Any]) -> Any:
        found = linear(values).squeeze(-1)
        if family == "poisson":
            return dist.Poisson(torch.exp(found))
        kind = dist.LogNormal if family == "lognormal" else dist.Normal
        return kind(found, scale)

    return law


def _root(seen: Any, dtype: Any) -> Law:
    """Return shares of labels, or a kernel density of numbers."""
    import pyro.distributions as dist
    import torch

    if isinstance(dtype, pd.CategoricalDtype):
        codes = pd.Categorical(seen, dtype=dtype).codes
        shares = np.bincount(codes, minlength=len(dtype.categories)) / len(codes)
        if len(shares) == 2:
            return lambda values: dist.Bernoulli(torch.tensor(shares[1]))
        return lambda values: dist.Categorical(torch.tensor(shares))
    numbers = np.asarray(seen, dtype=float)
    if np.isin(numbers, [0, 1]).all():
        return lambda values: dist.Bernoulli(torch.tensor(numbers.mean()))
    n = min(len(numbers), _MOST_KERNELS)
    centres = np.quantile(numbers, (np.arange(n) + 0.5) / n)
    width = 1.06 * numbers.std() * len(numbers) ** -0.2

    def law(values: dict[Any, Any]) -> Any:
        parts = dist.Categorical(torch.ones(n))
        return dist.MixtureSameFamily(
            parts, dist.Normal(torch.tensor(centres), float(width))
        )

    return law
