"""Mechanisms: how a node comes about from its parents and from noise of its own."""

from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator

from skcausal.structural._density import SmoothDensity, are_like_labels, log_shares


class Mechanism(BaseEstimator):
    """Base of the mechanisms: a node is a function of its parents and of noise.

    To write one, subclass it and define ``fit``, ``draw_noise``, ``apply`` and
    ``noise``, so that ``apply(parents, noise(parents, values, random))`` gives
    ``values`` back; and ``log_density``, if rows with unknown nodes shall be explained.

    Attributes
    ----------
    invertible : bool
        Whether a row's noise follows from its values; else it is a draw among those
        that explain them.
    n_noise : int
        Numbers of noise per row. With more than one, ``noise`` has shape (n, n_noise).

    Notes
    -----
    Assumes noise that is independent of the parents: :math:`x = f(p, u)`.

    Examples
    --------
    >>> from skcausal.structural import AdditiveNoise, Mechanism
    >>> isinstance(AdditiveNoise(), Mechanism)
    True
    """

    invertible: bool = True

    @property
    def n_noise(self) -> int:
        """Numbers of noise per row."""
        return 1

    def fit(self, parents: Any, values: Any) -> Self:
        """Learn the mechanism.

        Parameters
        ----------
        parents : DataFrame of shape (n, n_parents)
            Values of the direct causes.
        values : array of shape (n,)
            Values of the node.

        Returns
        -------
        self : Mechanism
            The fitted mechanism.
        """
        raise NotImplementedError

    def draw_noise(self, n: int, random: np.random.Generator) -> np.ndarray:
        """Draw noise of new rows.

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
        raise NotImplementedError

    def apply(self, parents: Any, noise: np.ndarray) -> np.ndarray:
        """Compute the node from its parents and its noise.

        Parameters
        ----------
        parents : DataFrame of shape (n, n_parents)
            Values of the direct causes.
        noise : ndarray of shape (n,)
            Noise of the node.

        Returns
        -------
        values : ndarray of shape (n,)
            Values of the node.
        """
        raise NotImplementedError

    def noise(
        self, parents: Any, values: Any, random: np.random.Generator
    ) -> np.ndarray:
        """Recover noise that makes the node what it was.

        Parameters
        ----------
        parents : DataFrame of shape (n, n_parents)
            Values of the direct causes.
        values : array of shape (n,)
            Values of the node.
        random : Generator
            Used where several noises would do.

        Returns
        -------
        noise : ndarray of shape (n,)
            For which ``apply`` returns ``values``.
        """
        raise NotImplementedError

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
            Of categories and counts, the log probability.
        """
        raise NotImplementedError


class EmpiricalDistribution(Mechanism):
    """A node without causes in the graph: its values are drawn from those seen.

    Its noise is its value.

    Attributes
    ----------
    values_ : ndarray of shape (n,)
        Values seen, with which later ones are drawn, with replacement.

    Notes
    -----
    Assumes rows that are drawn independently: :math:`x = u`, with :math:`u` from the
    empirical distribution.

    Examples
    --------
    >>> import numpy as np
    >>> from skcausal.structural import EmpiricalDistribution
    >>> root = EmpiricalDistribution().fit(None, [1.0, 2.0])
    >>> sorted(set(root.draw_noise(50, np.random.default_rng(0)).tolist()))
    [1.0, 2.0]
    """

    values_: np.ndarray

    def fit(self, parents: Any, values: Any) -> Self:
        """Keep the values.

        Parameters
        ----------
        parents : None or DataFrame without columns
            Not used.
        values : array of shape (n,)
            Values of the node.

        Returns
        -------
        self : EmpiricalDistribution
            The fitted mechanism.
        """
        self.values_ = np.asarray(values)
        return self

    def draw_noise(self, n: int, random: np.random.Generator) -> np.ndarray:
        """Draw from the values seen.

        Parameters
        ----------
        n : int
            Number of rows.
        random : Generator
            Source of randomness.

        Returns
        -------
        noise : ndarray of shape (n,)
            Values, with replacement.
        """
        return self.values_[random.integers(len(self.values_), size=n)]

    def apply(self, parents: Any, noise: np.ndarray) -> np.ndarray:
        """Return the noise, which is the value.

        Parameters
        ----------
        parents : None or DataFrame without columns
            Not used.
        noise : ndarray of shape (n,)
            Values.

        Returns
        -------
        values : ndarray of shape (n,)
            The same.
        """
        return noise

    def noise(
        self, parents: Any, values: Any, random: np.random.Generator
    ) -> np.ndarray:
        """Return the values, which are the noise.

        Parameters
        ----------
        parents : None or DataFrame without columns
            Not used.
        values : array of shape (n,)
            Values of the node.
        random : Generator
            Not used.

        Returns
        -------
        noise : ndarray of shape (n,)
            The same.
        """
        return np.asarray(values)

    def log_density(self, parents: Any, values: Any) -> np.ndarray:
        """Return the log density of values, or the log of their share.

        Parameters
        ----------
        parents : None or DataFrame without columns
            Not used.
        values : array of shape (n,)
            Values of the node.

        Returns
        -------
        log_density : ndarray of shape (n,)
            Of labels, bools, and whole numbers of which no more than a tenth are
            distinct, the log of the share seen, with 1 / (n + 1) left for values not
            seen; of other numbers a kernel density, mixed with a share 1 / (n + 1) of
            a Gaussian.
        """
        if are_like_labels(self.values_):
            return log_shares(self.values_, values)
        return SmoothDensity(self.values_).log_density(values)
