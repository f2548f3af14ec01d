"""Intrinsic influence: whose noise makes a node uncertain."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from skcausal.inference._bootstrap import generator_of
from skcausal.structural._inputs import check_count, check_model, check_target
from skcausal.structural._result import Attribution
from skcausal.structural._shapley import (
    N_BATCHES,
    batch_means,
    check_permutations,
    shapley_of_mean,
)
from skcausal.structural._swapping import Side, Swap, noise_columns

_OWNER = "intrinsic_influence"
_INNER = 200  # draws that estimate a conditional entropy


def intrinsic_influence(
    model: Any,
    target: Any,
    *,
    uncertainty: str | None = None,
    n_samples: int = 5000,
    n_permutations: int | None = None,
    random_state: Any = None,
) -> Attribution:
    r"""Divide the uncertainty of a node among the nodes it comes from.

    What a node merely passes on is not counted for it: only what its own noise adds.

    Parameters
    ----------
    model : AdditiveNoiseModel
        A fitted model.
    target : node
        Whose uncertainty is divided.
    uncertainty : {"variance", "entropy"}, default=None
        What is divided: the variance of a number, or the entropy (in nats) of a
        category. None takes the one that fits the target.
    n_samples : int, default=5000
        Rows that are drawn.
    n_permutations : int, default=None
        Orders in which nodes join. None takes all orders for up to 10 nodes, else a
        sample of 200.
    random_state : int, Generator, RandomState or None, default=None
        Seed.

    Returns
    -------
    attribution : Attribution
        One contribution for the target and each of its ancestors.

    Raises
    ------
    ValueError
        If the target is no node, or its kind does not go with ``uncertainty``.

    Notes
    -----
    Assumes that the model is right, with independent noises :math:`U_j`. The
    contribution of j is its Shapley value in the game :math:`v(S) = \psi(X) -
    E[\psi(X \mid U_S)]`, with :math:`\psi` the variance or the entropy; all together
    make :math:`\psi(X)`. For the variance, :math:`E[\mathrm{Var}(X \mid U_S)] =
    E[(X - X^S)^2] / 2`, where :math:`X^S` is computed from the same noise in S and
    fresh noise elsewhere; no regression on the noise is needed. For the entropy,
    probabilities are frequencies among 200 draws of the rest, with the correction of
    Miller and Madow. For categories the noise is that of `CategoricalNoise`, whose
    order of classes matters.

    References
    ----------
    Janzing, D., Blöbaum, P., Mastakouri, A. A., Faller, P. M., Minorics, L., &
    Budhathoki, K. (2024). Quantifying intrinsic causal contributions via structure
    preserving interventions. AISTATS. https://arxiv.org/abs/2007.00714
    Owen, A. B. (2014). Sobol' indices and Shapley value. SIAM/ASA Journal on
    Uncertainty Quantification 2(1). https://doi.org/10.1137/130936233

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> from sklearn.linear_model import LinearRegression
    >>> from skcausal.graphs import CausalGraph
    >>> from skcausal.structural import AdditiveNoiseModel, intrinsic_influence
    >>> rng = np.random.default_rng(0)
    >>> load = rng.normal(0, 2, size=1000)
    >>> frame = pd.DataFrame({"load": load, "wait": load + rng.normal(size=1000)})
    >>> graph = CausalGraph([("load", "wait")])
    >>> model = AdditiveNoiseModel(graph, regressor=LinearRegression()).fit(frame)
    >>> influence = intrinsic_influence(model, "wait", random_state=0)
    >>> influence.table["share"].round(1).to_dict()
    {'load': 0.8, 'wait': 0.2}
    """
    check_model(model, _OWNER)
    check_target(model.graph, target, _OWNER)
    check_permutations(n_permutations, _OWNER)
    check_count(n_samples, "n_samples", _OWNER, least=2 * N_BATCHES)
    kind = _kind(model, target, uncertainty)
    random = generator_of(random_state)
    make = _variance_game if kind == "variance" else _entropy_game
    players, value = make(model, target, n_samples, random)
    contributions, errors = shapley_of_mean(value, len(players), n_permutations, random)
    index = pd.Index(players, name="node")
    return Attribution(
        pd.Series(contributions, index),
        pd.Series(errors, index),
        target,
        f"Contribution to the {kind} of {target}",
        float(contributions.sum()),
    )


def _kind(model: Any, target: Any, uncertainty: str | None) -> str:
    """Return which uncertainty is meant, if it makes sense for the target."""
    labels = isinstance(model.dtypes_[target], pd.CategoricalDtype)
    if uncertainty is None:
        return "entropy" if labels else "variance"
    if uncertainty not in ("variance", "entropy"):
        raise ValueError(
            f"{_OWNER}: uncertainty must be 'variance', 'entropy' or None, got "
            f"{uncertainty!r}."
        )
    if labels and uncertainty == "variance":
        raise ValueError(
            f"{_OWNER}: {target!r} holds categories, which have no variance. Take "
            "uncertainty='entropy'."
        )
    drawn = labels or hasattr(model.mechanisms_[target], "classes_")
    if uncertainty == "entropy" and not drawn:
        raise ValueError(
            f"{_OWNER}: {target!r} is a number; entropy is for categories and for "
            "0/1 columns that have causes. Take uncertainty='variance'."
        )
    return uncertainty


def _variance_game(
    model: Any, target: Any, n_samples: int, random: np.random.Generator
) -> tuple[tuple[Any, ...], Callable[[np.ndarray], np.ndarray]]:
    """Return players and v(S) = -E[Var(X | U_S)], per batch of draws."""
    fresh, kept = (Side(model, noise_columns(model, n_samples, random)) for _ in "ab")
    swap = Swap(target, fresh, kept)
    everything = swap.numbers(np.ones(len(swap.players), dtype=bool))

    def value(masks: np.ndarray) -> np.ndarray:
        halves = [-((everything - swap.numbers(mask)) ** 2) / 2 for mask in masks]
        return batch_means(np.stack(halves))

    return swap.players, value


def _entropy_game(
    model: Any, target: Any, n_samples: int, random: np.random.Generator
) -> tuple[tuple[Any, ...], Callable[[np.ndarray], np.ndarray]]:
    """Return players and v(S) = -E[H(X | U_S)], per batch of draws of U_S."""
    n_outer = max(N_BATCHES, n_samples // 10)
    outer = noise_columns(model, n_outer, random)
    kept = {node: np.repeat(values, _INNER, axis=0) for node, values in outer.items()}
    fresh = noise_columns(model, n_outer * _INNER, random)
    swap = Swap(target, Side(model, fresh), Side(model, kept))

    def value(masks: np.ndarray) -> np.ndarray:
        return batch_means(np.stack([_entropies(mask) for mask in masks]))

    def _entropies(mask: np.ndarray) -> np.ndarray:
        codes = swap.numbers(mask).astype(int).reshape(n_outer, _INNER)
        if not mask.any():  # nothing is known: all draws are from one distribution
            return np.full(n_outer, -_entropy(np.bincount(codes.ravel())[None])[0])
        counts = (codes[:, :, None] == np.arange(codes.max() + 1)).sum(axis=1)
        return -_entropy(counts)

    return swap.players, value


def _entropy(counts: np.ndarray) -> np.ndarray:
    """Return the entropy per row of counts, with the Miller-Madow correction."""
    total = counts.sum(axis=1, keepdims=True)
    shares = counts / total
    logs = np.log(np.where(counts > 0, shares, 1.0))
    found = (counts > 0).sum(axis=1)
    return -(shares * logs).sum(axis=1) + (found - 1) / (2 * total[:, 0])
