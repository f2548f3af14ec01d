"""Made-up ratings of users who choose what they rate."""

from typing import Any

import numpy as np
from scipy.optimize import brentq
from sklearn.utils import Bunch, check_random_state

from skcausal.datasets._checks import check_integer, check_number

_OWNER = "make_ratings"
# Shapes of the gamma traits: users differ much, items less, so that each has ratings.
_USER_SHAPE, _ITEM_SHAPE = 0.3, 1.0
_DESCRIPTION = (
    "Ratings of users who choose what they rate, with a trait behind both the choice "
    "and the rating."
)


def make_ratings(
    n_users: int = 200,
    n_items: int = 150,
    *,
    n_components: int = 3,
    rated_share: float = 0.15,
    confounding: float = 1.0,
    random_state: Any = None,
) -> Bunch:
    r"""Make ratings of items that users chose, and of items drawn at random.

    Parameters
    ----------
    n_users : int, default=200
        Number of users.
    n_items : int, default=150
        Number of items.
    n_components : int, default=3
        Number of traits that drive choices, and of tastes that drive ratings.
    rated_share : float, default=0.15
        Expected share of the entries that users choose to rate.
    confounding : float, default=1.0
        How much the rating rises with one standard deviation of the probability of
        being chosen; 0 makes choices that do not matter.
    random_state : int, RandomState instance or None, default=None
        Seed; the same integer gives the same ratings.

    Returns
    -------
    Bunch
        ``ratings`` (n_users, n_items), NaN where not observed, to learn from;
        ``chosen``, a fifth of the chosen entries, held out; ``random``, entries drawn
        at random among those not in ``ratings``, as if shown to all users alike;
        ``expected``, the expected rating of every entry; ``propensity``, the
        probability of being chosen; ``description``.

    Raises
    ------
    ValueError
        If an option is out of its range.

    Notes
    -----
    Assumes nothing of a user. With gamma traits :math:`t_u` of shape .3 and
    :math:`s_i` of shape 1, and normal tastes :math:`\theta_u, \beta_i`,

    .. math::
        p_{ui} = 1 - \exp(-c\, t_u^\top s_i), \quad
        a_{ui} \sim \mathrm{Bernoulli}(p_{ui}), \quad
        y_{ui} = 3 + \theta_u^\top \beta_i / \sqrt{k} + g\, \tilde p_{ui}
        + \varepsilon_{ui},

    where :math:`\tilde p` is standardised, :math:`g` is ``confounding``, and the noise
    has a standard deviation of one half. Ratings are real numbers, not stars.

    References
    ----------
    Wang, Y., Liang, D., Charlin, L. and Blei, D. M. (2018). The deconfounded
    recommender: a causal inference approach to recommendation.
    https://arxiv.org/abs/1808.06581

    Examples
    --------
    >>> import numpy as np
    >>> from skcausal.datasets import make_ratings
    >>> data = make_ratings(random_state=0)
    >>> bool(np.nanmean(data.ratings) > data.expected.mean() + 0.5)
    True
    """
    check_integer(_OWNER, "n_users", n_users, 2)
    check_integer(_OWNER, "n_items", n_items, 2)
    check_integer(_OWNER, "n_components", n_components, 1)
    check_number(_OWNER, "rated_share", rated_share, 0, 0.9, closed="right")
    check_number(_OWNER, "confounding", confounding, -np.inf, np.inf, closed="neither")
    random = check_random_state(random_state)
    traits = random.gamma(_USER_SHAPE, size=(n_users, n_components))
    rates = traits @ random.gamma(_ITEM_SHAPE, size=(n_components, n_items))
    propensity = 1 - np.exp(-rates * _scale(rates, rated_share))
    tastes = random.normal(size=(n_users, n_components))
    liking = tastes @ random.normal(size=(n_components, n_items))
    standard = (propensity - propensity.mean()) / propensity.std()
    expected = 3 + liking / np.sqrt(n_components) + confounding * standard
    drawn = expected + 0.5 * random.normal(size=expected.shape)
    chosen = random.uniform(size=expected.shape) < propensity
    held_out = chosen & (random.uniform(size=expected.shape) < 0.2)
    shown = ~(chosen & ~held_out) & (random.uniform(size=expected.shape) < 0.1)
    return Bunch(
        ratings=np.where(chosen & ~held_out, drawn, np.nan),
        chosen=np.where(held_out, drawn, np.nan),
        random=np.where(shown, drawn, np.nan),
        expected=expected,
        propensity=propensity,
        description=_DESCRIPTION,
    )


def _scale(rates: np.ndarray, share: float) -> float:
    """Return the multiple of the rates with a given mean propensity."""

    def excess(log_scale: float) -> float:
        return float(np.mean(-np.expm1(-rates * np.exp(log_scale)))) - share

    return float(np.exp(brentq(excess, -20.0, 40.0)))
