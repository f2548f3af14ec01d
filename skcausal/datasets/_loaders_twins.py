"""Twins: mortality of both twins of a pair, so that each true effect is known."""

from typing import Any

import numpy as np
import pandas as pd
from scipy.special import expit
from sklearn.utils import Bunch, check_random_state

from skcausal.datasets._bunch import make_bunch, truth_from_means
from skcausal.datasets._checks import check_option
from skcausal.datasets._fetch import RemoteFile, Source, load

TWINS = RemoteFile(
    "twins",
    (
        Source(
            "twins_pairs_lt2kg.csv",
            "3e1ec0cb49d0e8f47e4e67ae969212feb449fbdd1e2206d6182d1ddb2de1c530",
            "https://raw.githubusercontent.com/Quantco/metalearners/"
            "35c33a4697f0b87cc25646831d04bfddfe880568/data/twins.zip",
            zipped=True,
        ),
    ),
)
# Codes without an order: states, countries, places, origins.
_NOMINAL = (
    "pldel",
    "birattnd",
    "brstate",
    "stoccfipb",
    "ormoth",
    "mrace",
    "mplbir",
    "orfath",
    "frace",
    "crace",
    "brstate_reg",
    "stoccfipb_reg",
    "mplbir_reg",
)
_OWNER = "fetch_twins"


def fetch_twins(*, assignment: str = "confounded", random_state: Any = None) -> Bunch:
    """Load Twins: being the heavier of two twins under 2 kg, and first-year deaths.

    Parameters
    ----------
    assignment : {"confounded", "randomised", "pairs"}, default="confounded"
        "pairs" gives both twins, two rows for each of 11,984 pairs. The others show
        one twin of each pair and hide the other: chosen with a probability that
        depends on the features, the length of gestation above all, or by a fair coin.
    random_state : int, RandomState instance or None, default=None
        Seed of the choice; not used for "pairs".

    Returns
    -------
    Bunch
        ``frame`` (features, ``treatment``: 1 for the heavier twin, ``mortality``:
        died in the first year), ``X``, ``y``, ``treatment``, ``description``,
        ``feature_names``, ``treatment_name``, ``outcome_name``, ``arms``,
        ``control_arm``, ``groups`` (number of the pair), ``weight`` (grams), and the
        truth: ``potential_outcomes`` (n_rows, 2), ``effect`` (their difference in
        each row: -1, 0 or 1), ``average_effect``, ``average_effect_treated``,
        ``average_effect_control``; with one twin of each pair also ``propensity``
        and ``average_effect_overlap``.

    Raises
    ------
    DatasetNotFoundError
        If the file is not here and cannot be downloaded.
    DatasetCorruptError
        If the file is not the expected one.
    ValueError
        If ``assignment`` is unknown.

    Notes
    -----
    Assumptions: the outcome of the other twin stands for what would have happened
    to this one. The 49 features are those of the pair, and the birth order of the
    lighter twin; identifiers and weights are no features. Codes without an order are
    of category dtype; NaN is kept.

    With ``x`` the standardised features (NaN at the mean, category codes left out)
    and ``g`` the class of gestation, the heavier twin is shown with probability
    ``expit(x w + v (g / 10 - 0.1))``, ``w ~ N(0, 0.1^2)``, ``v ~ N(5, 0.1^2)``, as
    in Louizos et al., section 4.3.

    References
    ----------
    D. Almond, K. Chay, D. Lee, "The Costs of Low Birth Weight", QJE 120(3), 2005.
    C. Louizos, U. Shalit, J. Mooij, D. Sontag, R. Zemel, M. Welling, "Causal Effect
    Inference with Deep Latent-Variable Models", NeurIPS 2017.

    Examples
    --------
    >>> from skcausal.datasets import fetch_twins
    >>> data = fetch_twins(random_state=0)  # doctest: +SKIP
    >>> round(data.average_effect, 4)  # doctest: +SKIP
    -0.0252
    """
    check_option(
        _OWNER, "assignment", assignment, ("confounded", "randomised", "pairs")
    )
    table, _ = load(TWINS, _OWNER)
    lighter, heavier = table.iloc[0::2], table.iloc[1::2]
    potential = np.column_stack([lighter["outcome"], heavier["outcome"]])
    weights = np.column_stack([lighter["wt"], heavier["wt"]])
    features = lighter.drop(columns=["infant_id", "wt", "treatment", "outcome"])
    features = features.reset_index(drop=True)
    pairs = np.arange(len(features))
    if assignment == "pairs":
        pairs = np.repeat(pairs, 2)
        codes = np.tile([0, 1], len(features))
        features = features.iloc[pairs].reset_index(drop=True)
        propensity = None
    else:
        codes, propensity = _choose(features, assignment, random_state)
    potential, weights = potential[pairs], weights[pairs]
    received = np.arange(len(codes)), codes
    for name in _NOMINAL:
        features[name] = _as_category(features[name])
    truth = truth_from_means(potential, codes, propensity)
    truth["potential_outcomes"] = truth.pop("outcome_means")
    return make_bunch(
        features.assign(
            treatment=codes, mortality=potential[received].astype(np.int64)
        ),
        treatment="treatment",
        outcome="mortality",
        arms=(0, 1),
        groups=pairs,
        weight=weights[received],
        description=f"""Twins, assignment {assignment}: {len(codes)} rows of 11,984
            same-sex pairs born in the USA 1989-1991, both under 2 kg,
            {features.shape[1]} features; treatment is being the heavier twin,
            outcome death in the first year, known for both. Public-use birth and
            death files of NCHS/NBER; prepared by Louizos et al. 2017 and the
            BSD-3 licensed metalearners repository.""",
        **truth,
    )


def _choose(
    features: pd.DataFrame, assignment: str, random_state: Any
) -> tuple[np.ndarray, np.ndarray]:
    generator = check_random_state(random_state)
    if assignment == "randomised":
        heavier = np.full(len(features), 0.5)
    else:
        numbers = features.drop(columns=list(_NOMINAL))
        standard = ((numbers - numbers.mean()) / numbers.std(ddof=0)).fillna(0.0)
        index = standard.to_numpy() @ generator.normal(0.0, 0.1, standard.shape[1])
        slope = generator.normal(5.0, 0.1)
        gestation = features["gestat10"].to_numpy()
        heavier = expit(index + slope * (gestation / 10.0 - 0.1))
    codes = (generator.uniform(size=len(features)) < heavier).astype(np.int64)
    return codes, np.column_stack([1.0 - heavier, heavier])


def _as_category(codes: pd.Series) -> Any:
    """Turn numeric codes into categories named by their digits, in numeric order."""
    known = np.sort(codes.dropna().unique())
    positions = np.searchsorted(known, codes.to_numpy())
    positions = np.where(codes.isna(), -1, positions)
    return pd.Categorical.from_codes(
        positions, pd.Index([f"{code:.0f}" for code in known])
    )
