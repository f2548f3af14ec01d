"""The mechanism of a category whose noise is one Gumbel variable per category."""

from typing import Any

import numpy as np

from skcausal.structural._categorical import CategoricalNoise


class GumbelMax(CategoricalNoise):
    r"""A category that wins a contest of probabilities and Gumbel noise.

    It has the probabilities of `CategoricalNoise`; only the noise differs, and with it
    counterfactuals, in a way that no data can test.

    Parameters
    ----------
    classifier : estimator, default=None
        Any scikit-learn classifier with ``predict_proba``. None chooses between a
        logistic model and boosted trees by five-fold cross-validation. Without
        causes, the shares are learned.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The categories.
    classifier_ : estimator
        The classifier, fitted on all rows; its classes are positions in ``classes_``.

    Notes
    -----
    Assumes Gumbel noise :math:`g_k` per category, independent of the parents and of one
    another: :math:`x = \arg\max_k \log P(x = k \mid p) + g_k`. So the order of the
    categories does not matter, and a counterfactual leaves the category seen only for
    one whose probability rises by a larger factor (counterfactual stability). Noise of
    a row is drawn given the category seen, from the top down: the largest sum first,
    then the others below it.

    References
    ----------
    Oberst, M., & Sontag, D. (2019). Counterfactual off-policy evaluation with
    Gumbel-max structural causal models. ICML. https://arxiv.org/abs/1905.05824

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> from sklearn.linear_model import LogisticRegression
    >>> from skcausal.structural import GumbelMax
    >>> rng = np.random.default_rng(0)
    >>> parents = pd.DataFrame({"x": rng.normal(size=300)})
    >>> color = rng.choice(["blue", "green", "red"], size=300)
    >>> mechanism = GumbelMax(LogisticRegression()).fit(parents, color)
    >>> noise = mechanism.noise(parents, color, rng)
    >>> noise.shape, bool((mechanism.apply(parents, noise) == color).all())
    ((300, 3), True)
    """

    @property
    def n_noise(self) -> int:
        """Numbers of noise per row: one per category."""
        return len(self.classes_)

    def draw_noise(self, n: int, random: np.random.Generator) -> np.ndarray:
        """Draw standard Gumbel noise.

        Parameters
        ----------
        n : int
            Number of rows.
        random : Generator
            Source of randomness.

        Returns
        -------
        noise : ndarray of shape (n, n_classes)
            Independent draws.
        """
        return random.gumbel(size=(n, self.n_noise))

    def apply(self, parents: Any, noise: np.ndarray) -> np.ndarray:
        """Return the category whose log probability plus noise is largest.

        Parameters
        ----------
        parents : DataFrame of shape (n, n_parents)
            Values of the direct causes.
        noise : ndarray of shape (n, n_classes)
            Noise of the node.

        Returns
        -------
        values : ndarray of shape (n,)
            Categories.
        """
        with np.errstate(divide="ignore"):
            scores = np.log(self.probabilities(parents)) + np.asarray(noise)
        return self.classes_[scores.argmax(axis=1)]

    def noise(
        self, parents: Any, values: Any, random: np.random.Generator
    ) -> np.ndarray:
        """Draw noise among that which leads to the category seen.

        Parameters
        ----------
        parents : DataFrame of shape (n, n_parents)
            Values of the direct causes.
        values : array of shape (n,)
            Categories seen, all among ``classes_``.
        random : Generator
            Source of randomness.

        Returns
        -------
        noise : ndarray of shape (n, n_classes)
            Gumbel noise given the category seen.

        Raises
        ------
        ValueError
            If a category was seen that has probability zero.
        """
        probabilities, codes = self.probabilities(parents), self.codes(values)
        rows = np.arange(len(codes))
        impossible = probabilities[rows, codes] <= 0
        if impossible.any():
            raise ValueError(
                f"GumbelMax.noise: row {int(np.argmax(impossible))} has a category to "
                "which the classifier gives probability zero. Take one whose "
                "probabilities are positive, such as a logistic model or boosted trees."
            )
        return gumbel_posterior(probabilities, codes, random)


def gumbel_posterior(
    probabilities: np.ndarray, codes: np.ndarray, random: np.random.Generator
) -> np.ndarray:
    """Draw Gumbel noise given which category won (Oberst & Sontag, section 3.3).

    The largest of the sums is standard Gumbel, whichever wins, as probabilities sum
    to one. The others are Gumbel truncated at it: with e = exp(-sum), the sum of an
    exponential variable and e of the winner. Noise of impossible categories stays free.
    """
    rows = np.arange(len(codes))
    decay = random.standard_exponential(probabilities.shape)
    winner = random.standard_exponential(len(codes))
    possible = np.where(probabilities > 0, probabilities, 1.0)
    sums = decay / possible + np.where(probabilities > 0, winner[:, None], 0.0)
    sums[rows, codes] = winner
    return -np.log(sums) - np.log(possible)
