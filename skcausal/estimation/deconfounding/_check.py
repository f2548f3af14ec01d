"""The predictive check of a factor model on held-out causes."""

import warnings
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.utils import check_random_state

from skcausal.estimation.deconfounding._base import FactorModel
from skcausal.estimation.deconfounding._inputs import rows_of

# A smaller mean p-value says that the model does not describe the causes.
SMALLEST_P_VALUE = 0.1
# Bars of the histogram of p-values.
N_BINS = 20


class PredictiveCheckWarning(UserWarning):
    """A factor model does not predict held-out causes as well as its own draws."""


@dataclass(frozen=True)
class PredictiveCheck:
    """What a predictive check found; `predictive_check` makes it.

    Parameters
    ----------
    p_value : float
        Mean of the rows' p-values: near .5 for a model that fits, small for one that
        does not.
    p_values : pandas.Series
        Share of replicates that the model finds less likely than the row's own held-out
        causes; rows without any held-out cause are left out.
    cause_p_values : pandas.Series
        The same for each cause, over its held-out rows.
    log_prob : pandas.Series
        Expected log probability of each row's held-out causes, in nats.
    n_heldout : int
        Number of held-out entries.
    model : FactorModel
        The model that was fitted without them.

    Notes
    -----
    Assumes what `predictive_check` assumes.

    Examples
    --------
    >>> import numpy as np
    >>> from skcausal.estimation.deconfounding import PPCAFactorModel, predictive_check
    >>> random = np.random.default_rng(0)
    >>> A = random.normal(size=(200, 1)) + random.normal(size=(200, 10))
    >>> found = predictive_check(PPCAFactorModel(1), A, random_state=0)
    >>> found.passed, int(found.histogram().sum())
    (True, 179)
    """

    p_value: float
    p_values: pd.Series = field(repr=False)
    cause_p_values: pd.Series = field(repr=False)
    log_prob: pd.Series = field(repr=False)
    n_heldout: int
    model: FactorModel

    @property
    def passed(self) -> bool:
        """Whether the mean p-value exceeds .1."""
        return self.p_value > SMALLEST_P_VALUE

    def histogram(self) -> pd.Series:
        """Count the rows' p-values in bins of equal width.

        Returns
        -------
        counts : pandas.Series
            Number of rows by the left end of the bin.
        """
        counts, edges = np.histogram(self.p_values, bins=N_BINS, range=(0, 1))
        return pd.Series(counts, index=pd.Index(edges[:-1], name="p_value"))

    def plot(self, ax: Any = None) -> "PredictiveCheckDisplay":
        """Draw the histogram of the rows' p-values.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to draw on; None makes new ones.

        Returns
        -------
        display : PredictiveCheckDisplay
            The drawing.
        """
        return PredictiveCheckDisplay(self).plot(ax)


class PredictiveCheckDisplay:
    """Histogram of the p-values of a predictive check; ``check.plot()`` makes it.

    Parameters
    ----------
    check : PredictiveCheck
        What was found.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Axes with the bars.
    figure_ : matplotlib Figure
        Figure containing it.

    Notes
    -----
    Assumes what `predictive_check` assumes. The solid line is the mean p-value, the
    dashed one the threshold of .1.

    Examples
    --------
    >>> import numpy as np
    >>> from skcausal.estimation.deconfounding import PPCAFactorModel, predictive_check
    >>> A = np.random.default_rng(0).normal(size=(200, 10))
    >>> display = predictive_check(PPCAFactorModel(1), A, random_state=0).plot()
    >>> display.ax_.get_xlabel()
    'p-value of the held-out causes of a row'
    """

    ax_: Any
    figure_: Any

    def __init__(self, check: PredictiveCheck) -> None:
        self.check = check

    def plot(self, ax: Any = None) -> "PredictiveCheckDisplay":
        """Draw the bars.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to draw on; None makes new ones.

        Returns
        -------
        display : PredictiveCheckDisplay
            Itself.
        """
        if ax is None:
            import matplotlib.pyplot as plt

            _, ax = plt.subplots()
        counts = self.check.histogram()
        ax.bar(counts.index, counts, width=1 / N_BINS, align="edge", color="#56B4E9")
        mean = self.check.p_value
        ax.axvline(mean, color="#0072B2", label=f"mean {mean:.2f}")
        ax.axvline(SMALLEST_P_VALUE, color="#6B6B6B", ls="--", label="threshold")
        ax.set(xlabel="p-value of the held-out causes of a row", ylabel="rows")
        ax.legend()
        self.ax_, self.figure_ = ax, ax.figure
        return self


def predictive_check(
    model: FactorModel,
    A: Any,
    *,
    heldout_fraction: float = 0.2,
    n_replicates: int = 100,
    n_samples: int = 100,
    random_state: Any = None,
) -> PredictiveCheck:
    r"""Check whether a factor model describes causes that it has not seen.

    Parameters
    ----------
    model : FactorModel
        The model; a clone is fitted.
    A : array, DataFrame or scipy sparse matrix of shape (n, n_causes)
        The causes.
    heldout_fraction : float, default=0.2
        Share of entries to hold out, each by itself.
    n_replicates : int, default=100
        Number of replicated tables.
    n_samples : int, default=100
        Posterior draws that the log probability is averaged over.
    random_state : int, RandomState or None, default=None
        Seed of the held-out entries and of all draws.

    Returns
    -------
    found : PredictiveCheck
        The p-values.

    Raises
    ------
    ValueError
        If the fraction is not between 0 and 1, or the causes cannot be used.

    Warns
    -----
    PredictiveCheckWarning
        If the mean p-value is at most .1.

    Notes
    -----
    Assumes that entries are held out at random. The discrepancy of row :math:`i` is

    .. math::
        t(a_i) = E_q[\log p(a_{i,\mathrm{held}} \mid z_i, w)],
        \qquad p_i = P(t(a_i^\mathrm{rep}) < t(a_i)),

    with the posterior :math:`q` given the observed entries only and replicates from the
    posterior predictive distribution; a tie counts one half, which matters for rare
    discrete causes only. A model that fits has a mean near .5. A small mean says that
    held-out causes are less likely than the model's own draws; a mean well above .5,
    that they vary less than the model says. Passing is no proof: a mean over all causes
    hides a misfit in some, hence ``cause_p_values``; a model that estimates its noise
    takes missing factors for noise and passes with too few of them, so fix the noise
    where it is known; and no check of the causes can say that nothing confounds a
    single cause only.

    References
    ----------
    Wang, Y. and Blei, D. M. (2019). The blessings of multiple causes. Journal of the
    American Statistical Association 114(528), 1574-1596.
    https://doi.org/10.1080/01621459.2019.1686987

    Examples
    --------
    >>> import numpy as np
    >>> from skcausal.estimation.deconfounding import PPCAFactorModel, predictive_check
    >>> random = np.random.default_rng(0)
    >>> A = random.normal(size=(200, 1)) + random.normal(size=(200, 10))
    >>> found = predictive_check(PPCAFactorModel(1), A, random_state=0)
    >>> bool(0.3 < found.p_value < 0.7)
    True
    """
    _check_fraction(heldout_fraction)
    random = check_random_state(random_state)
    model = clone(model)
    if model.random_state is None:
        model.set_params(random_state=int(random.randint(2**31 - 1)))
    shape = np.shape(A)
    mask = random.uniform(size=shape) < heldout_fraction
    model.fit(A, mask=mask)
    posterior = model._infer(A, mask, "predictive_check")
    rows, columns = np.nonzero(mask)
    entries = (rows, columns)
    score = model._score_at(posterior, entries, n_samples, random)
    causes = model._check_causes(A, "predictive_check", reset=False)
    values = rows_of(causes, slice(None))[entries]
    observed = score(values)
    by_row, by_cause = np.zeros(shape[0]), np.zeros(shape[1])
    for _ in range(n_replicates):
        predictor = model._draw_predictor(posterior, random)[entries]
        replicate = score(model._family().draw(predictor, random))
        by_row += _not_above(replicate, observed, rows, shape[0])
        by_cause += _not_above(replicate, observed, columns, shape[1])
    found = (observed, by_row / n_replicates, by_cause / n_replicates)
    return _result(model, A, mask, found)


def _check_fraction(fraction: float) -> None:
    """Refuse a share of held-out entries outside (0, 1)."""
    if not 0 < fraction < 1:
        raise ValueError(
            "predictive_check: heldout_fraction must be between 0 and 1, got "
            f"{fraction!r}. Pass a share such as 0.2."
        )


def _not_above(
    replicate: np.ndarray, observed: np.ndarray, group: np.ndarray, n_groups: int
) -> np.ndarray:
    """Tell where the sum of a group is below the observed one; a tie is one half."""
    # The difference entry by entry, so that equal entries cancel exactly.
    gap = np.bincount(group, weights=replicate - observed, minlength=n_groups)
    return (gap < 0) + 0.5 * (gap == 0)


def _result(
    model: FactorModel, A: Any, mask: np.ndarray, found: tuple[np.ndarray, ...]
) -> PredictiveCheck:
    """Give names to rows and causes, and warn of a misfit."""
    observed, by_row, by_cause = found
    n, m = mask.shape
    log_prob = np.bincount(np.nonzero(mask)[0], weights=observed, minlength=n)
    names = pd.Index(getattr(model, "feature_names_in_", range(m)), name="cause")
    index = getattr(A, "index", pd.RangeIndex(n))
    rows = np.flatnonzero(mask.any(axis=1))
    columns = np.flatnonzero(mask.any(axis=0))
    result = PredictiveCheck(
        p_value=float(by_row[rows].mean()),
        p_values=pd.Series(by_row, index=index, name="p_value").iloc[rows],
        cause_p_values=pd.Series(by_cause, index=names, name="p_value").iloc[columns],
        log_prob=pd.Series(log_prob, index=index, name="log_prob").iloc[rows],
        n_heldout=int(mask.sum()),
        model=model,
    )
    if not result.passed:
        warnings.warn(
            f"predictive_check: the mean p-value of held-out causes under "
            f"{type(model).__name__} is {result.p_value:.3f}, at most "
            f"{SMALLEST_P_VALUE}: the factors do not describe the causes, and an "
            "effect adjusted for them cannot be trusted. Try more components or "
            "another factor model.",
            PredictiveCheckWarning,
            stacklevel=3,
        )
    return result
