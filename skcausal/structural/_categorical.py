"""The mechanism of a category: drawn with probabilities that its causes decide."""

from typing import Any, Self

import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.dummy import DummyClassifier

from skcausal.structural._choosing import (
    N_FOLDS,
    choose,
    default_classifiers,
    log_losses,
    probabilities_of,
    unseen_probabilities,
)
from skcausal.structural._design import label_places
from skcausal.structural._mechanism import Mechanism


class CategoricalNoise(Mechanism):
    r"""A category that is drawn with probabilities that its causes decide.

    Parameters
    ----------
    classifier : estimator, default=None
        Any scikit-learn classifier with ``predict_proba``. None chooses between a
        logistic model and boosted trees by five-fold cross-validation, as
        `AdditiveNoise` does, by log loss. Without causes, the shares are learned.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The categories: ordinal ones in their order, others sorted.
    classifier_ : estimator
        The classifier, fitted on all rows; its classes are positions in ``classes_``.

    Notes
    -----
    Assumes that noise is uniform on (0, 1) and independent of the parents, and that it
    acts through the inverse of the distribution function: with the cumulated
    probabilities :math:`F_k(p)` of the sorted classes, :math:`x = \min\{k : u \le
    F_k(p)\}`. Noise of a row is only known to lie between :math:`F_{k-1}` and
    :math:`F_k`, and is drawn uniformly between them; so a counterfactual is a draw.
    Which category would have been drawn under other causes depends on this choice,
    which no data can test: here a change that raises the probabilities of later
    classes never leads to an earlier class. Order ordinal categories accordingly; for
    others the order is a convention. With independent Gumbel noise per class, the other
    choice in use, a row would keep its class more or less often.

    References
    ----------
    Oberst, M., & Sontag, D. (2019). Counterfactual off-policy evaluation with
    Gumbel-max structural causal models. ICML. https://arxiv.org/abs/1905.05824

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> from sklearn.linear_model import LogisticRegression
    >>> from skcausal.structural import CategoricalNoise
    >>> parents = pd.DataFrame({"x": np.linspace(-1, 1, 40)})
    >>> late = np.where(np.arange(40) % 3 == 0, "yes", "no")
    >>> mechanism = CategoricalNoise(LogisticRegression()).fit(parents, late)
    >>> mechanism.apply(parents[:2], np.array([0.1, 0.99])).tolist()
    ['no', 'yes']
    """

    invertible = False
    classes_: np.ndarray
    classifier_: Any

    def __init__(self, classifier: Any = None) -> None:
        self.classifier = classifier

    def fit(self, parents: Any, values: Any) -> Self:
        """Fit the classifier.

        Parameters
        ----------
        parents : DataFrame of shape (n, n_parents)
            Values of the direct causes.
        values : array of shape (n,)
            Values of the node, labels.

        Returns
        -------
        self : CategoricalNoise
            The fitted mechanism.

        Raises
        ------
        ValueError
            If there is one category only.
        """
        self.classes_ = sorted_labels(values)
        codes = self.codes(values)
        if len(self.classes_) < 2:
            raise ValueError(
                f"{type(self).__name__}.fit: the node has one category only, "
                f"{self.classes_[0]!r}. Take it out of the graph."
            )
        chosen = self.classifier
        if not parents.shape[1]:
            chosen = DummyClassifier(strategy="prior")
        elif chosen is None:
            chosen, _ = choose(
                default_classifiers(parents),
                lambda model: unseen_probabilities(model, parents, codes, N_FOLDS),
                lambda found: log_losses(found, codes),
            )
        self.classifier_ = clone(chosen).fit(parents, codes)
        return self

    def codes(self, values: Any) -> np.ndarray:
        """Return the position of each label in ``classes_``.

        Parameters
        ----------
        values : array of shape (n,)
            Labels, all among ``classes_``.

        Returns
        -------
        codes : ndarray of shape (n,)
            Integers from 0.

        Raises
        ------
        ValueError
            If a label was not seen when the mechanism was fitted.
        """
        return codes_of(values, self.classes_, type(self).__name__)

    def probabilities(self, parents: Any) -> np.ndarray:
        """Return the probability of each category given the parents.

        Parameters
        ----------
        parents : DataFrame of shape (n, n_parents)
            Values of the direct causes.

        Returns
        -------
        probabilities : ndarray of shape (n, n_classes)
            In the order of ``classes_``.
        """
        return probabilities_of(self.classifier_, parents, len(self.classes_))

    def draw_noise(self, n: int, random: np.random.Generator) -> np.ndarray:
        """Draw uniform noise.

        Parameters
        ----------
        n : int
            Number of rows.
        random : Generator
            Source of randomness.

        Returns
        -------
        noise : ndarray of shape (n,)
            Between 0 and 1.
        """
        return 1 - random.random(n)

    def apply(self, parents: Any, noise: np.ndarray) -> np.ndarray:
        """Return the first category whose cumulated probability reaches the noise.

        Parameters
        ----------
        parents : DataFrame of shape (n, n_parents)
            Values of the direct causes.
        noise : ndarray of shape (n,)
            Noise of the node.

        Returns
        -------
        values : ndarray of shape (n,)
            Categories.
        """
        below = np.cumsum(self.probabilities(parents), axis=1)[:, :-1]
        return self.classes_[(np.asarray(noise)[:, None] > below).sum(axis=1)]

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
        noise : ndarray of shape (n,)
            Between 0 and 1.

        Raises
        ------
        ValueError
            If a category was seen that has probability zero.
        """
        return uniform_noise(self.probabilities(parents), self.codes(values), random)

    def log_density(self, parents: Any, values: Any) -> np.ndarray:
        """Return the log probability of the category given the parents.

        Parameters
        ----------
        parents : DataFrame of shape (n, n_parents)
            Values of the direct causes.
        values : array of shape (n,)
            Categories, all among ``classes_``.

        Returns
        -------
        log_density : ndarray of shape (n,)
            Minus infinity for a category to which the classifier gives probability 0.
        """
        codes = self.codes(values)
        seen = self.probabilities(parents)[np.arange(len(codes)), codes]
        with np.errstate(divide="ignore"):
            return np.asarray(np.log(seen))


def sorted_labels(values: Any) -> np.ndarray:
    """Return the labels seen: in their order if they are ordinal, else sorted."""
    if getattr(getattr(values, "dtype", None), "ordered", False):
        return np.asarray(pd.Categorical(values).remove_unused_categories().categories)
    return np.unique(np.asarray(values))


def codes_of(values: Any, classes: np.ndarray, owner: str) -> np.ndarray:
    """Return the position of each label among the classes, refusing others."""
    if not isinstance(values, pd.Categorical):
        values = np.asarray(values)
    codes = label_places(values, pd.Index(classes))
    if (codes < 0).any():
        unknown = np.asarray(values)[codes < 0].tolist()[0]
        raise ValueError(
            f"{owner}: the category {unknown!r} was not "
            f"seen when the mechanism was fitted. Known: {classes.tolist()}."
        )
    return codes


def uniform_noise(
    probabilities: np.ndarray, codes: np.ndarray, random: np.random.Generator
) -> np.ndarray:
    """Draw noise between the cumulated probabilities that bound what was seen."""
    rows = np.arange(len(codes))
    cumulated = np.cumsum(probabilities, axis=1)
    cumulated[:, -1] = 1.0
    upper = cumulated[rows, codes]
    lower = np.where(codes == 0, 0.0, cumulated[rows, codes - 1])
    if (upper <= lower).any():
        row = int(np.argmax(upper <= lower))
        raise ValueError(
            f"CategoricalNoise.noise: row {row} has a category to which the "
            "classifier gives probability zero. Take one whose probabilities are "
            "positive, such as a logistic model or boosted trees."
        )
    return np.maximum(
        upper - (upper - lower) * random.random(len(codes)), np.nextafter(lower, 1)
    )
