"""Arrow strength: what is lost if one arrow is cut."""

from typing import Any

import numpy as np
import pandas as pd

from skcausal.inference._bootstrap import generator_of
from skcausal.structural._categorical import CategoricalNoise
from skcausal.structural._divergence import NoiseDensity
from skcausal.structural._evaluation import check_own
from skcausal.structural._inputs import check_count, check_model, check_target
from skcausal.structural._result import Attribution

_OWNER = "arrow_strength"
_COPIES = 200  # independent values of the cut parent per row
_TINY = 1e-12


def arrow_strength(
    model: Any,
    target: Any,
    *,
    measure: str | None = None,
    frame: Any = None,
    n_samples: int = 1000,
    random_state: Any = None,
) -> Attribution:
    r"""Tell how strong each arrow into a node is: what is lost if it is cut.

    An arrow is cut by feeding the node an independent copy of the cause instead of the
    cause itself. Only the direct arrow counts, not ways through other nodes.

    Parameters
    ----------
    model : AdditiveNoiseModel
        A fitted model.
    target : node
        A node with causes.
    measure : {"variance", "kl"}, default=None
        What is lost: explained variance, or the divergence (in nats) of the
        distributions before and after. None takes the variance for numbers, the
        divergence for categories.
    frame : DataFrame, default=None
        Rows whose causes are taken, instead of rows drawn from the model: then only
        the target's mechanism must be right.
    n_samples : int, default=1000
        Rows that are drawn, each with 200 copies of the cut cause.
    random_state : int, Generator, RandomState or None, default=None
        Seed.

    Returns
    -------
    attribution : Attribution
        One strength per parent of the target. They do not add up to anything.

    Raises
    ------
    ValueError
        If the target has no causes, or its kind does not go with ``measure``.

    Notes
    -----
    Assumes that the target's mechanism is right. With :math:`p'` an independent copy
    of cause j and :math:`r` the other causes, the variance is :math:`E[\mathrm{Var}(
    E[X \mid r, p'] \mid r)]`, and the divergence :math:`E[\mathrm{KL}(P(X \mid r, p)
    \,\|\, E_{p'} P(X \mid r, p'))]`. For a linear mechanism with slope b and normal
    variables these are :math:`b^2 \sigma_p^2` and :math:`\log(1 + b^2 \sigma_p^2 /
    \sigma_u^2) / 2`. The density of the noise is a kernel estimate; the divergence
    cannot exceed the log of the number of copies.

    References
    ----------
    Janzing, D., Balduzzi, D., Grosse-Wentrup, M., & Schölkopf, B. (2013). Quantifying
    causal influences. Annals of Statistics 41(5). https://doi.org/10.1214/13-AOS1145

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> from sklearn.linear_model import LinearRegression
    >>> from skcausal.graphs import CausalGraph
    >>> from skcausal.structural import AdditiveNoiseModel, arrow_strength
    >>> a, b, noise = np.random.default_rng(0).normal(size=(3, 2000))
    >>> frame = pd.DataFrame({"a": a, "b": b, "y": 3 * a + b + noise})
    >>> graph = CausalGraph([("a", "y"), ("b", "y")])
    >>> model = AdditiveNoiseModel(graph, regressor=LinearRegression()).fit(frame)
    >>> strength = arrow_strength(model, "y", random_state=0)
    >>> strength.contributions.round().to_dict()
    {'a': 9.0, 'b': 1.0}
    """
    check_model(model, _OWNER)
    check_target(model.graph, target, _OWNER)
    check_count(n_samples, "n_samples", _OWNER, least=10)
    causes = model.parents_of(target)
    if not causes:
        raise ValueError(f"{_OWNER}: {target!r} has no causes in the graph.")
    mechanism = check_own(model.mechanisms_[target], target, _OWNER)
    kind = _measure(model, target, measure)
    random = generator_of(random_state)
    parents = _rows(model, causes, frame, n_samples, random)
    strength = _Strength(mechanism, parents, kind, random)
    losses = {cause: strength.of(cause) for cause in causes}
    index = pd.Index(causes, name="cause")
    n = np.sqrt(n_samples)
    return Attribution(
        pd.Series([losses[c].mean() for c in causes], index),
        pd.Series([losses[c].std(ddof=1) / n for c in causes], index),
        target,
        f"{'Variance' if kind == 'variance' else 'Divergence'} of {target} lost "
        "without the arrow",
        None,
    )


def _measure(model: Any, target: Any, measure: str | None) -> str:
    labels = isinstance(model.dtypes_[target], pd.CategoricalDtype)
    if measure is None:
        return "kl" if labels else "variance"
    if measure not in ("variance", "kl"):
        raise ValueError(
            f"{_OWNER}: measure must be 'variance', 'kl' or None, got {measure!r}."
        )
    if labels and measure == "variance":
        raise ValueError(
            f"{_OWNER}: {target!r} holds categories, which have no variance. Take "
            "measure='kl'."
        )
    return measure


def _rows(
    model: Any, causes: list[Any], frame: Any, n: int, random: np.random.Generator
) -> pd.DataFrame:
    """Return rows of the causes, drawn from the model or from a table."""
    if frame is None:
        return model.sample(n, random_state=random)[causes]
    table = model.known(frame, causes, _OWNER)
    return table.iloc[random.integers(len(table), size=n)].reset_index(drop=True)


class _Strength:
    """Losses per row under the cut of one arrow after the other."""

    def __init__(
        self,
        mechanism: Any,
        parents: pd.DataFrame,
        kind: str,
        random: np.random.Generator,
    ) -> None:
        self.mechanism, self.parents, self.random = mechanism, parents, random
        self.labels = isinstance(mechanism, CategoricalNoise)
        self.loss = self._variances if kind == "variance" else self._divergences

    def of(self, cause: Any) -> np.ndarray:
        """Return one loss per row."""
        n = len(self.parents)
        many = self.parents.loc[self.parents.index.repeat(_COPIES)]
        many = many.reset_index(drop=True)
        other = self.random.integers(n, size=n * _COPIES)
        many[cause] = self.parents[cause].array[other]
        return self.loss(many)

    def _means(self, parents: pd.DataFrame) -> np.ndarray:
        if self.labels:
            classes = np.asarray(self.mechanism.classes_, dtype=float)
            return self.mechanism.probabilities(parents) @ classes
        return self.mechanism.mean(parents)

    def _variances(self, cut: pd.DataFrame) -> np.ndarray:
        return self._means(cut).reshape(-1, _COPIES).var(axis=1, ddof=1)

    def _divergences(self, cut: pd.DataFrame) -> np.ndarray:
        if self.labels:
            before = self.mechanism.probabilities(self.parents)
            after = self.mechanism.probabilities(cut)
            after = after.reshape(len(before), _COPIES, -1).mean(axis=1)
            ratio = np.log(np.maximum(before, _TINY) / np.maximum(after, _TINY))
            return (before * ratio).sum(axis=1)
        means = self.mechanism.mean(self.parents)
        if self.mechanism.noise_.std() <= 1e-9 * means.std():
            raise ValueError(
                f"{_OWNER}: the target has no noise, so that the divergence is "
                "infinite. Take measure='variance'."
            )
        density = NoiseDensity(self.mechanism.noise_)
        noise = self.mechanism.draw_noise(len(self.parents), self.random)
        shift = means[:, None] - self._means(cut).reshape(-1, _COPIES)
        before = density(noise)
        after = density(noise[:, None] + shift).mean(axis=1)
        return np.log(before) - np.log(np.maximum(after, before / _COPIES))
