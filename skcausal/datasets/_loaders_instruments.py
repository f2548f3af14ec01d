"""Observational data with an instrument: Card's schooling, 401(k) savings."""

import numpy as np
from sklearn.utils import Bunch

from skcausal.datasets._bunch import make_bunch
from skcausal.datasets._checks import check_option
from skcausal.datasets._fetch import RemoteFile, Source, load

CARD = RemoteFile(
    folder="card1995",
    sources=(
        Source(
            "card.csv",
            "748c1ece2f1504fbefdca289ecbb5b8c12843f7839f3421124f4b19ee1ffa65c",
            "https://raw.githubusercontent.com/uber/causalml/"
            "f7007c94522a1f69c1b51dd0c4046d978593a115/docs/examples/data/card.csv",
        ),
    ),
)
_CARD_FEATURES = (
    "exper",
    "expersq",
    "black",
    "smsa",
    "south",
    "smsa66",
    *(f"reg66{region}" for region in range(1, 9)),
)

_SIPP_COLUMNS = (
    "nifa",
    "net_tfa",
    "tw",
    "age",
    "inc",
    "fsize",
    "educ",
    "db",
    "marr",
    "twoearn",
    "e401",
    "p401",
    "pira",
    "hown",
)
SIPP = RemoteFile(
    folder="k401",
    sources=(
        Source(
            "sipp1991.csv",
            "9d3e6d5927aea4ec6b05824283a7a5d7f6fd1a096b137659c9cfbc1cdd011dfa",
        ),
        Source(
            "sipp1991.dta",
            None,
            "https://raw.githubusercontent.com/VC2015/DMLonGitHub/"
            "b91cbf96c01eccd73367fbd6601ecdd7aa78403b/sipp1991.dta",
        ),
    ),
    columns=_SIPP_COLUMNS,
    content_sha256="faf29f7770a8b4f346282d7783cdfef7a351c230e1110bc5bc19aa2fcd2450e3",
)
_SIPP_FEATURES = (
    "age",
    "inc",
    "fsize",
    "educ",
    "db",
    "marr",
    "twoearn",
    "pira",
    "hown",
)


def fetch_card(*, instrument: str = "nearc4") -> Bunch:
    """Load Card's study of schooling and wages, with college proximity as instrument.

    Parameters
    ----------
    instrument : {"nearc4", "nearc2"}, default="nearc4"
        Whether the man grew up near a four-year or a two-year college.

    Returns
    -------
    Bunch
        ``frame`` (14 features, ``educ``: years of schooling, ``lwage``: logarithm of
        the hourly wage in 1976), ``X``, ``y``, ``treatment``, ``instrument`` (0 or 1),
        ``description``, ``feature_names``, ``treatment_name`` and ``outcome_name``.

    Raises
    ------
    DatasetNotFoundError
        If the file is not here and cannot be downloaded.
    DatasetCorruptError
        If the file is not the expected one.
    ValueError
        If an option is unknown.

    Notes
    -----
    Assumptions: given region, family's surroundings and experience, proximity of a
    college moves wages through schooling only. Experience is age less schooling less
    six, so it is no innocent covariate; the published regressions hold it fixed.

    References
    ----------
    D. Card, "Using Geographic Variation in College Proximity to Estimate the Return to
    Schooling", in Aspects of Labour Market Behaviour, University of Toronto Press,
    1995. https://doi.org/10.3386/w4483

    Examples
    --------
    >>> from skcausal.datasets import fetch_card
    >>> fetch_card().X.shape  # doctest: +SKIP
    (3010, 14)
    """
    owner = "fetch_card"
    check_option(owner, "instrument", instrument, ("nearc4", "nearc2"))
    table, _ = load(CARD, owner)
    return make_bunch(
        table[[*_CARD_FEATURES, "educ", "lwage"]].copy(),
        treatment="educ",
        outcome="lwage",
        instrument=table[instrument].copy(),
        description=f"""Card (1995): {len(table)} men of the National Longitudinal
            Survey of Young Men, {len(_CARD_FEATURES)} features, treatment years of
            schooling, outcome logarithm of the hourly wage in 1976 (cents), instrument
            {instrument}. Public data.""",
    )


def fetch_401k(*, treatment: str = "p401") -> Bunch:
    """Load 401(k) plans and wealth: eligibility, participation, financial assets.

    Parameters
    ----------
    treatment : {"p401", "e401"}, default="p401"
        "p401" is participation in a plan, which people choose, with eligibility as its
        instrument; "e401" is eligibility, which the employer offers.

    Returns
    -------
    Bunch
        ``frame`` (9 features, the treatment, ``net_tfa``: net financial assets in
        USD), ``X``, ``y``, ``treatment``, ``description``, ``feature_names``,
        ``treatment_name``, ``outcome_name``, ``arms``, ``control_arm`` and
        ``instrument`` (eligibility; None where it is the treatment).

    Raises
    ------
    DatasetNotFoundError
        If the file is not here and cannot be downloaded.
    DatasetCorruptError
        If the file is not the expected one.
    ValueError
        If an option is unknown.

    Notes
    -----
    Assumptions: given income and the other features, eligibility is as good as random,
    and it moves assets through participation only. Nobody participates who is not
    eligible.

    References
    ----------
    A. Abadie, "Semiparametric Instrumental Variable Estimation of Treatment Response
    Models", Journal of Econometrics 113(2), 2003.
    https://doi.org/10.1016/S0304-4076(02)00201-4
    V. Chernozhukov et al., "Double/debiased machine learning for treatment and
    structural parameters", The Econometrics Journal 21(1), 2018.
    https://doi.org/10.1111/ectj.12097

    Examples
    --------
    >>> from skcausal.datasets import fetch_401k
    >>> fetch_401k().X.shape  # doctest: +SKIP
    (9915, 9)
    """
    owner = "fetch_401k"
    check_option(owner, "treatment", treatment, ("p401", "e401"))
    table, _ = load(SIPP, owner)
    kinds = dict.fromkeys(_SIPP_FEATURES, np.int64) | {"inc": np.float64}
    columns = [*_SIPP_FEATURES, treatment, "net_tfa"]
    chosen = {treatment: np.int64, "net_tfa": np.float64}
    eligible = table["e401"].astype(np.int64)
    return make_bunch(
        table[columns].astype(kinds | chosen),
        treatment=treatment,
        outcome="net_tfa",
        arms=(0, 1),
        instrument=eligible if treatment == "p401" else None,
        description=f"""401(k) plans in the Survey of Income and Program Participation
            of 1991: {len(table)} households, {len(_SIPP_FEATURES)} features, treatment
            {treatment}, outcome net financial assets (USD). From the replication
            files of Chernozhukov et al. (2018), permissive licence.""",
    )
