"""A made-up A/B test of an online shop, with every true effect known."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import expit
from sklearn.utils import Bunch, check_random_state

from skcausal.datasets._bunch import make_bunch, truth_from_means
from skcausal.datasets._checks import check_integer, check_number, check_option

_OWNER = "make_ab_test"
_CHANNELS = ("app", "web", "store", "phone")
_REGIONS = ("north", "south", "east", "west")
_NOISE_SHAPE = 2.0  # gamma noise of mean 1: standard deviation = mean / sqrt(2)
_WITH_MISSING = ("age", "prior_spend")


def make_ab_test(
    n_rows: int = 10_000,
    *,
    outcome: str = "continuous",
    n_arms: int = 2,
    treated_share: float | None = None,
    effect_size: float = 1.0,
    heterogeneity: float = 1.0,
    missing: float = 0.05,
    labels: Sequence[Any] | None = None,
    random_state: Any = None,
) -> Bunch:
    """Make the table of a randomised experiment in an online shop.

    Customers get an offer or not by chance; the outcome is what they spend, or
    whether they buy, in the following month. Lapsed customers and users of the app
    gain most; recent customers gain little and some even lose.

    Parameters
    ----------
    n_rows : int, default=10000
        Number of customers.
    outcome : {"continuous", "binary"}, default="continuous"
        Money spent (skewed, noisier for larger means) or a purchase (0 or 1).
    n_arms : int, default=2
        Number of arms, control included. Each further arm works half as strongly
        again as the first and favours newer customers more.
    treated_share : float or None, default=None
        Probability of not being in control, split evenly over the treated arms;
        ``None`` gives all arms the same probability.
    effect_size : float, default=1.0
        Multiplies every effect; 0 makes an A/A test.
    heterogeneity : float, default=1.0
        Multiplies the deviation of a customer's effect from the arm's centre; with 0
        the effect is constant (for a binary outcome: constant in log-odds).
    missing : float, default=0.05
        Share of NaN, placed at random, in ``age`` and ``prior_spend``.
    labels : sequence of length n_arms or None, default=None
        Arm labels, control first; ``None`` means 0, 1, 2, ...
    random_state : int, RandomState instance or None, default=None
        Seed; the same integer gives the same table.

    Returns
    -------
    Bunch
        ``frame`` (features, ``treatment``, and ``spend`` or ``purchase``), ``X``,
        ``y``, ``treatment``, ``description``, ``feature_names``,
        ``treatment_name``, ``outcome_name``, ``arms``, ``control_arm``, and the truth
        of the drawn rows: ``outcome_means`` (n_rows, n_arms), ``effect``,
        ``average_effect``, ``average_effect_treated``, ``average_effect_control``,
        ``propensity``, ``average_effect_overlap`` (two arms only). With two arms
        effects are scalars or (n_rows,) and the propensity is that of treatment; with
        more, effects have an entry for each arm but control and ``propensity`` is
        (n_rows, n_arms). ``arm_probabilities`` maps labels to the design.

    Raises
    ------
    ValueError
        If an option is out of its range.

    Notes
    -----
    Assumptions: rows are independent and the arm is drawn without looking at them.
    Means depend on the values before they go missing, so ``effect`` is the
    conditional effect given the complete features.

    With ``b(x)`` the baseline and ``s_a = 1 + (a - 1) / 2`` the strength of arm
    ``a``, a continuous outcome has mean ``20 exp(b(x)) + 3 s_a e (1 + h g_a(x))``
    times gamma noise of mean one, and a binary outcome has probability
    ``expit(-1.5 + b(x) + 0.35 s_a e (1 + h g_a(x)))``, where ``e`` is
    ``effect_size``, ``h`` is ``heterogeneity`` and ``g_a`` ranges over [-1.9, 1.9].
    Mean spending is positive at the defaults; a large ``e h`` can make it negative.

    Examples
    --------
    >>> from skcausal.datasets import make_ab_test
    >>> data = make_ab_test(1000, random_state=0)
    >>> data.X.columns.tolist()
    ['age', 'tenure', 'recency', 'prior_orders', 'prior_spend', 'channel', 'region']
    >>> data.effect.shape, data.propensity[0]
    ((1000,), np.float64(0.5))

    Three arms with labels:

    >>> data = make_ab_test(
    ...     1000, n_arms=3, labels=["none", "mail", "call"], random_state=0
    ... )
    >>> sorted(data.treatment.unique()), data.average_effect.shape
    (['call', 'mail', 'none'], (2,))
    """
    check_integer(_OWNER, "n_rows", n_rows, 1)
    check_option(_OWNER, "outcome", outcome, ("continuous", "binary"))
    check_number(_OWNER, "effect_size", effect_size, -3.0, 3.0)
    check_number(_OWNER, "heterogeneity", heterogeneity, 0.0, 2.0)
    check_number(_OWNER, "missing", missing, 0.0, 1.0, closed="left")
    arms = _arm_labels(n_arms, labels)
    probabilities = _arm_probabilities(n_arms, treated_share)
    generator = check_random_state(random_state)
    features = _draw_customers(n_rows, generator)
    strength = effect_size * np.column_stack(
        [np.zeros(n_rows)]
        + [_arm_response(features, arm, heterogeneity) for arm in range(1, n_arms)]
    )
    codes = generator.choice(n_arms, size=n_rows, p=probabilities)
    means, y = _draw_outcome(_baseline(features), strength, codes, outcome, generator)
    for name in _WITH_MISSING:
        features[name] = features[name].mask(generator.uniform(size=n_rows) < missing)
    outcome_name = "spend" if outcome == "continuous" else "purchase"
    labels_of_rows = pd.Series(arms).take(codes).to_numpy()
    return make_bunch(
        features.assign(treatment=labels_of_rows, **{outcome_name: y}),
        treatment="treatment",
        outcome=outcome_name,
        arms=arms,
        arm_probabilities=dict(zip(arms, probabilities.tolist(), strict=True)),
        description=f"""Made-up A/B test of an online shop: {n_rows} customers,
            {n_arms} randomised arms, outcome {outcome_name}; true effects known.""",
        **truth_from_means(means, codes, np.tile(probabilities, (n_rows, 1))),
    )


def _arm_labels(n_arms: int, labels: Sequence[Any] | None) -> list[Any]:
    check_integer(_OWNER, "n_arms", n_arms, 2)
    if labels is None:
        return list(range(n_arms))
    if len(labels) != n_arms or len(set(labels)) != n_arms:
        raise ValueError(
            f"{_OWNER}: labels must hold {n_arms} different labels (one per arm, "
            f"control first), got {labels!r}."
        )
    return list(labels)


def _arm_probabilities(n_arms: int, treated_share: float | None) -> np.ndarray:
    if treated_share is None:
        return np.full(n_arms, 1.0 / n_arms)
    check_number(_OWNER, "treated_share", treated_share, 0.0, 1.0, closed="neither")
    treated = [treated_share / (n_arms - 1)] * (n_arms - 1)
    return np.array([1.0 - treated_share, *treated])


def _draw_customers(n_rows: int, generator: np.random.RandomState) -> pd.DataFrame:
    """Draw the features: older customers have longer tenure, heavier ones spend."""
    age = np.clip(np.round(generator.normal(44.0, 13.0, n_rows)), 18, 90)
    tenure = np.round(generator.gamma(1.5, age / 2.0), 1)
    recency = np.minimum(np.round(generator.exponential(60.0, n_rows)), 365)
    prior_orders = generator.poisson(1.0 + tenure / 20.0)
    prior_spend = prior_orders * generator.gamma(4.0, 9.0, n_rows)
    return pd.DataFrame(
        {
            "age": age,
            "tenure": tenure,
            "recency": recency.astype(np.int64),
            "prior_orders": prior_orders.astype(np.int64),
            "prior_spend": np.round(prior_spend, 2),
            "channel": _draw_category(
                _CHANNELS, (0.35, 0.4, 0.15, 0.1), age.size, generator
            ),
            "region": _draw_category(
                _REGIONS, (0.3, 0.3, 0.2, 0.2), age.size, generator
            ),
        }
    )


def _draw_category(
    names: tuple[str, ...],
    shares: tuple[float, ...],
    n_rows: int,
    generator: np.random.RandomState,
) -> Any:
    codes = generator.choice(len(names), size=n_rows, p=shares)
    return pd.Categorical.from_codes(codes, categories=pd.Index(names))


def _baseline(features: pd.DataFrame) -> np.ndarray:
    """Log of the spending of a customer in control, up to a constant."""
    regions = features["region"].cat.codes.to_numpy()
    return (
        0.5 * np.log1p(features["prior_spend"].to_numpy() / 60.0)
        - 0.4 * np.minimum(features["recency"].to_numpy() / 120.0, 1.5)
        + 0.15 * np.sin(features["age"].to_numpy() / 12.0)
        + np.array([0.1, 0.0, -0.1, 0.05])[regions]
    )


def _arm_response(features: pd.DataFrame, arm: int, heterogeneity: float) -> np.ndarray:
    """Return ``s_a (1 + h g_a(x))``: lapsed, app and new customers gain most."""
    lapsed = np.tanh((features["recency"].to_numpy() - 45.0) / 30.0)
    channels = np.array([0.6, 0.0, -0.4, -0.6])
    by_channel = channels[features["channel"].cat.codes.to_numpy()]
    novelty = 0.3 * np.tanh((30.0 - features["tenure"].to_numpy()) / 20.0)
    shape = (lapsed + by_channel + arm * novelty) * 1.9 / (1.6 + 0.3 * arm)
    return (1.0 + (arm - 1) / 2.0) * (1.0 + heterogeneity * shape)


def _draw_outcome(
    baseline: np.ndarray,
    strength: np.ndarray,
    codes: np.ndarray,
    outcome: str,
    generator: np.random.RandomState,
) -> tuple[np.ndarray, np.ndarray]:
    rows = np.arange(codes.size)
    if outcome == "binary":
        means = expit(-1.5 + baseline[:, None] + 0.35 * strength)
        return means, (generator.uniform(size=codes.size) < means[rows, codes]).astype(
            np.int64
        )
    means = 20.0 * np.exp(baseline)[:, None] + 3.0 * strength
    noise = generator.gamma(_NOISE_SHAPE, 1.0 / _NOISE_SHAPE, codes.size)
    return means, means[rows, codes] * noise
