"""Studies that textbooks return to: a reemployment bonus, and quitting smoking."""

import numpy as np
from sklearn.utils import Bunch

from skcausal.datasets._bunch import make_bunch
from skcausal.datasets._fetch import RemoteFile, Source, load

BONUS = RemoteFile(
    folder="penn_bonus",
    sources=(
        Source(
            "penn_jae.dat",
            "bf209368d6103cd8e54b734d32e23e3c3d7475ebbdecfac83769d36be6c0e71a",
            "https://raw.githubusercontent.com/VC2015/DMLonGitHub/"
            "b91cbf96c01eccd73367fbd6601ecdd7aa78403b/penn_jae.dat",
        ),
    ),
)
_BONUS_FEATURES = (
    "female",
    "black",
    "othrace",
    "dep1",
    "dep2",
    "q2",
    "q3",
    "q4",
    "q5",
    "q6",
    "agelt35",
    "agegt54",
    "durable",
    "lusd",
    "husd",
)

NHEFS = RemoteFile(
    folder="nhefs",
    sources=(
        Source(
            "NHEFS.csv",
            "2144b9c257213c92106703c7630a13f081408291a80d9afae262db6988ecfe75",
            "https://raw.githubusercontent.com/IBM/causallib/"
            "fd789a0cab941ef0365c70761c1a58a254670e91/causallib/datasets/data/nhefs/"
            "NHEFS.csv",
        ),
    ),
)
_NHEFS_FEATURES = (
    "sex",
    "race",
    "age",
    "education",
    "smokeintensity",
    "smokeyrs",
    "exercise",
    "active",
    "wt71",
)


def fetch_bonus() -> Bunch:
    """Load the Pennsylvania bonus experiment: a bonus for finding work early.

    Returns
    -------
    Bunch
        ``frame`` (15 features, ``bonus``: 0 or 1, ``log_duration``: logarithm of the
        weeks of unemployment), ``X``, ``y``, ``treatment``, ``description``,
        ``feature_names``, ``treatment_name``, ``outcome_name``, ``arms`` and
        ``control_arm``.

    Raises
    ------
    DatasetNotFoundError
        If the file is not here and cannot be downloaded.
    DatasetCorruptError
        If the file is not the expected one.

    Notes
    -----
    Assumptions: claimants were randomised, given the quarter in which they claimed
    (``q2`` to ``q6``). Of the six designs of the bonus this is the fourth, a high
    bonus that is paid for long, against the control group. ``dep1`` and ``dep2`` say
    that there are one, or two and more, dependants; ``lusd`` and ``husd`` mark sites
    of low and high unemployment.

    References
    ----------
    Y. Bilias, "Sequential testing of duration data: the case of the Pennsylvania
    'reemployment bonus' experiment", Journal of Applied Econometrics 15(6), 2000.
    V. Chernozhukov et al., "Double/debiased machine learning for treatment and
    structural parameters", The Econometrics Journal 21(1), 2018.
    https://doi.org/10.1111/ectj.12097

    Examples
    --------
    >>> from skcausal.datasets import fetch_bonus
    >>> fetch_bonus().X.shape  # doctest: +SKIP
    (5099, 15)
    """
    table, _ = load(BONUS, "fetch_bonus")
    table = table[table["tg"].isin((0, 4))].reset_index(drop=True)
    table = table.assign(
        dep1=table["dep"] == 1,
        dep2=table["dep"] == 2,
        bonus=table["tg"] == 4,
        log_duration=np.log(table["inuidur1"]),
    )
    kinds = dict.fromkeys((*_BONUS_FEATURES, "bonus"), np.int64)
    return make_bunch(
        table[[*_BONUS_FEATURES, "bonus", "log_duration"]].astype(kinds),
        treatment="bonus",
        outcome="log_duration",
        arms=(0, 1),
        description=f"""Pennsylvania reemployment bonus experiment, design 4 against
            control: {len(table)} claimants, {len(_BONUS_FEATURES)} features, outcome
            logarithm of the weeks of unemployment. From the replication files of
            Chernozhukov et al. (2018), permissive licence.""",
    )


def fetch_nhefs() -> Bunch:
    """Load NHEFS: smokers of 1971, whether they quit, and what they weighed in 1982.

    Returns
    -------
    Bunch
        ``frame`` (9 features, ``qsmk``: quit smoking, 0 or 1, ``wt82_71``: weight gain
        in kg), ``X``, ``y``, ``treatment``, ``description``, ``feature_names``,
        ``treatment_name``, ``outcome_name``, ``arms`` and ``control_arm``.

    Raises
    ------
    DatasetNotFoundError
        If the file is not here and cannot be downloaded.
    DatasetCorruptError
        If the file is not the expected one.

    Notes
    -----
    Assumptions: given the features, quitting is as good as random, and so is who was
    weighed again: 63 of 1,629 were not and are left out, as in the book. ``education``
    (1 to 5), ``exercise`` and ``active`` (0 to 2) are codes of ordered levels; the book
    enters them as categories, and the other numbers with their squares.

    References
    ----------
    M. A. Hernan, J. M. Robins, "Causal Inference: What If", Chapman & Hall/CRC, 2020,
    chapters 12 to 15. https://www.hsph.harvard.edu/miguel-hernan/causal-inference-book/

    Examples
    --------
    >>> from skcausal.datasets import fetch_nhefs
    >>> fetch_nhefs().X.shape  # doctest: +SKIP
    (1566, 9)
    """
    table, _ = load(NHEFS, "fetch_nhefs")
    table = table[table["wt82_71"].notna()].reset_index(drop=True)
    whole = (*(name for name in _NHEFS_FEATURES if name != "wt71"), "qsmk")
    return make_bunch(
        table[[*_NHEFS_FEATURES, "qsmk", "wt82_71"]].astype(
            dict.fromkeys(whole, np.int64)
        ),
        treatment="qsmk",
        outcome="wt82_71",
        arms=(0, 1),
        description=f"""National Health and Nutrition Examination Survey, epidemiologic
            follow-up: {len(table)} smokers, {len(_NHEFS_FEATURES)} features, treatment
            quitting, outcome weight gain from 1971 to 1982 (kg). Public data, by way
            of causallib (CDLA-Permissive-1.0).""",
    )
