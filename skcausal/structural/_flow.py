"""The mechanism of a continuous number of any shape: a monotone function of noise."""

from typing import Any, Self

import numpy as np

from skcausal.structural._mechanism import Mechanism
from skcausal.utils._optional import require

_OWNER = "SplineFlow"


class SplineFlow(Mechanism):
    r"""A number that is an increasing function of normal noise, shaped by its causes.

    Needs Pyro: ``pip install "skcausal[deep]"``. Slow to fit, as networks are; use it
    where noise changes its spread or shape with the causes.

    Parameters
    ----------
    hidden : tuple of int, default=(32, 32)
        Widths of the layers of the network from causes to the shape.
    n_bins : int, default=8
        Pieces of the spline.
    bound : float, default=4.0
        Standard deviations of the noise within which the function is a spline; further
        out it is a straight line.
    max_epochs : int, default=200
        Most passes through the rows.
    patience : int, default=15
        Passes without a better held-out likelihood after which training stops.
    batch_size : int, default=256
        Rows per step, at least; large tables have at most 50 steps per pass.
    learning_rate : float, default=0.005
        First step size of Adam.
    random_state : int, Generator, RandomState or None, default=0
        Seed of the network, the batches and the rows held out.

    Attributes
    ----------
    n_epochs_ : int
        Passes after which the held-out likelihood was best.
    losses_ : ndarray of shape (n_epochs,)
        Held-out mean of minus the log density, in units of the node, per pass.

    Notes
    -----
    Assumes standard normal noise :math:`u` that is independent of the causes, and a
    node that rises with it: :math:`x = a(p) + b(p)\,s(u; p)`, with :math:`s` a monotone
    rational-quadratic spline; its shape, :math:`a` and :math:`b` are networks of the
    causes, added to the straight line of least squares. Any continuous conditional
    distribution can be approached so; that noise keeps its rank under
    an intervention is a choice that no data can test. The noise of a row is known.
    Training is by maximum likelihood on four fifths of the rows, in smaller and smaller
    steps, until the likelihood of the other fifth no longer rises.

    References
    ----------
    Durkan, C., Bekasov, A., Murray, I., & Papamakarios, G. (2019). Neural spline flows.
    NeurIPS 32. https://arxiv.org/abs/1906.04032

    Pawlowski, N., Castro, D. C., & Glocker, B. (2020). Deep structural causal models
    for tractable counterfactual inference. NeurIPS 33.
    https://arxiv.org/abs/2006.06485

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> from skcausal.structural import SplineFlow
    >>> rng = np.random.default_rng(0)
    >>> parents = pd.DataFrame({"age": rng.normal(size=200)})
    >>> income = np.exp(parents["age"] / 2 + rng.normal(size=200) / 2)
    >>> mechanism = SplineFlow(max_epochs=5).fit(parents, income)
    >>> noise = mechanism.noise(parents, income, rng)
    >>> bool(np.allclose(mechanism.apply(parents, noise), income))
    True
    """

    n_epochs_: int
    losses_: np.ndarray

    def __init__(
        self,
        hidden: Any = (32, 32),
        *,
        n_bins: int = 8,
        bound: float = 4.0,
        max_epochs: int = 200,
        patience: int = 15,
        batch_size: int = 256,
        learning_rate: float = 0.005,
        random_state: Any = 0,
    ) -> None:
        self.hidden = hidden
        self.n_bins = n_bins
        self.bound = bound
        self.max_epochs = max_epochs
        self.patience = patience
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.random_state = random_state

    def fit(self, parents: Any, values: Any) -> Self:
        """Train the network.

        Parameters
        ----------
        parents : DataFrame of shape (n, n_parents)
            Values of the direct causes: numbers, bools and categories.
        values : array of shape (n,)
            Values of the node, numbers.

        Returns
        -------
        self : SplineFlow
            The fitted mechanism.

        Raises
        ------
        ImportError
            If Pyro is not installed.
        ValueError
            If there are fewer than 10 rows, or the node is constant.
        """
        require("pyro", "deep", _OWNER)
        from skcausal.structural._design import Design
        from skcausal.structural._pyro_flow import train

        values = np.asarray(values, dtype=float)
        if len(values) < 10:
            raise ValueError(
                f"{_OWNER}.fit: values must have at least 10 rows, got {len(values)}."
            )
        if np.ptp(values) == 0:
            raise ValueError(
                f"{_OWNER}.fit: values must vary, got {values[0]:g} only. Take the "
                "node out of the graph."
            )
        self._design = Design().fit(parents)
        numbers = self._design.matrix(parents, len(values))
        self._centres, units = numbers.mean(axis=0), numbers.std(axis=0)
        self._units = np.where(units > 0, units, 1.0)
        context = self._context(parents, len(values))
        self._slopes = np.linalg.lstsq(context, values - values.mean(), rcond=None)[0]
        self._centre = float((values - context @ self._slopes).mean())
        residuals = values - context @ self._slopes - self._centre
        self._unit = float(max(residuals.std(), 1e-12 * values.std()))
        self._flow, losses = train(context, residuals / self._unit, self)
        self.losses_ = losses + np.log(self._unit)
        self.n_epochs_ = int(np.argmin(self.losses_)) + 1
        return self

    def _context(self, parents: Any, n: int) -> np.ndarray:
        """Return standardised causes; without causes, a column of ones."""
        numbers = (self._design.matrix(parents, n) - self._centres) / self._units
        return numbers if numbers.shape[1] else np.ones((n, 1))

    def draw_noise(self, n: int, random: np.random.Generator) -> np.ndarray:
        """Draw standard normal noise.

        Parameters
        ----------
        n : int
            Number of rows.
        random : Generator
            Source of randomness.

        Returns
        -------
        noise : ndarray of shape (n,)
            Independent draws.
        """
        return random.standard_normal(n)

    def apply(self, parents: Any, noise: np.ndarray) -> np.ndarray:
        """Compute the node from its parents and its noise.

        Parameters
        ----------
        parents : DataFrame of shape (n, n_parents)
            Values of the direct causes.
        noise : ndarray of shape (n,)
            Noise of the node, in standard deviations.

        Returns
        -------
        values : ndarray of shape (n,)
            Values of the node.
        """
        from skcausal.structural._pyro_flow import forward

        noise = np.asarray(noise, dtype=float)
        context = self._context(parents, len(noise))
        found = forward(self._flow, context, noise)
        return self._centre + context @ self._slopes + self._unit * found

    def noise(
        self, parents: Any, values: Any, random: np.random.Generator
    ) -> np.ndarray:
        """Recover the noise by the inverse of the function.

        Parameters
        ----------
        parents : DataFrame of shape (n, n_parents)
            Values of the direct causes.
        values : array of shape (n,)
            Values of the node.
        random : Generator
            Not used: the noise is known.

        Returns
        -------
        noise : ndarray of shape (n,)
            In standard deviations.
        """
        return self._inverse(parents, values)[0]

    def log_density(self, parents: Any, values: Any) -> np.ndarray:
        """Return the log density of the node given its parents.

        Parameters
        ----------
        parents : DataFrame of shape (n, n_parents)
            Values of the direct causes.
        values : array of shape (n,)
            Values of the node.

        Returns
        -------
        log_density : ndarray of shape (n,)
            By the change of variables.
        """
        return self._inverse(parents, values)[1] - np.log(self._unit)

    def _inverse(self, parents: Any, values: Any) -> tuple[np.ndarray, np.ndarray]:
        """Return the noise, and the log density in standardised units."""
        from skcausal.structural._pyro_flow import inverse

        values = np.asarray(values, dtype=float)
        context = self._context(parents, len(values))
        residuals = values - self._centre - context @ self._slopes
        return inverse(self._flow, context, residuals / self._unit)
