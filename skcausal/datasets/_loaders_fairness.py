"""Data of the fairness literature: a risk score of courts, and law schools."""

import pandas as pd
from sklearn.utils import Bunch

from skcausal.datasets._checks import check_option
from skcausal.datasets._fetch import RemoteFile, Source, load

_HOW = (
    "The published file names people, so it is not downloaded. Take {name}.csv from "
    "github.com/propublica/compas-analysis, drop the columns name, first, last, dob, "
    "c_case_number, r_case_number and vr_case_number, and save the rest as CSV."
)
_NUMBERS = ("age", "decile_score", "priors_count", "v_decile_score", "two_year_recid")
COMPAS = RemoteFile(
    folder="compas",
    sources=(
        Source(
            "compas_two_years_noid.csv",
            "3bbc3288b268942fe3166bb6bfc0b6dbde3f31ed839ea636fffa1a6457d2c9f4",
        ),
    ),
    columns=_NUMBERS,
    content_sha256="5f3c5d3cee27d8584d8ddac4de51dfc1f556a6a6c8451ad99b1de112de4253d5",
    note=_HOW.format(name="compas-scores-two-years"),
)
COMPAS_VIOLENT = RemoteFile(
    folder="compas",
    sources=(
        Source(
            "compas_two_years_violent_noid.csv",
            "26b3e6070de54923d382d314688cddcdf77e056b5f23cdabc0ddb6419eba0d3f",
        ),
    ),
    columns=_NUMBERS,
    content_sha256="af1d1aaf25ed796db7b277825cbe529490d6a7c3700684988d115449ee34ab65",
    note=_HOW.format(name="compas-scores-two-years-violent"),
)
_COMPAS_FEATURES = (
    "race",
    "sex",
    "age",
    "juv_fel_count",
    "juv_misd_count",
    "juv_other_count",
    "priors_count",
    "c_charge_degree",
)
_LEVELS = {
    "age_cat": ("Less than 25", "25 - 45", "Greater than 45"),
    "score_text": ("Low", "Medium", "High"),
    "v_score_text": ("Low", "Medium", "High"),
}

LAW_SCHOOL = RemoteFile(
    folder="law_school",
    sources=(
        Source(
            "law_data.csv",
            "778f7e055d7be170197b73c98d6ce7f18b4f38d5ca1093c6af10bb9fcd75181d",
            "https://raw.githubusercontent.com/Xu-xinxin/Counterfactual-fairness/"
            "74d672a3d6fb9d23678fbf632deef293ccaa3e26/law_data.csv",
        ),
    ),
)
_LAW_FEATURES = ("race", "sex", "LSAT", "UGPA")


def fetch_compas(*, filtered: bool = True, violent: bool = False) -> Bunch:
    """Load COMPAS: a risk score of defendants, and who was charged again.

    Parameters
    ----------
    filtered : bool, default=True
        Whether to keep only the rows of ProPublica's regressions: screened within 30
        days of the arrest, with a known charge and a score. Its published error rates
        are on all rows.
    violent : bool, default=False
        Whether to load the file on violent charges, whose score is ``v_decile_score``.

    Returns
    -------
    Bunch
        ``frame`` (features, ``age_cat``, the score as ``decile_score`` and
        ``score_text``, or with a ``v_`` in front, and ``two_year_recid``: 0 or 1),
        ``X`` (race, sex, age, juvenile counts, priors and degree of the charge), ``y``,
        ``description``, ``feature_names``, ``outcome_name`` and ``sensitive_names``.
        There is no treatment. The index is the row of the file.

    Raises
    ------
    DatasetNotFoundError
        If the file is not here; it is never downloaded, because it names people.
    DatasetCorruptError
        If the file is not the expected one.
    ValueError
        If an option is not a bool.

    Notes
    -----
    Assumptions: an arrest stands for an offence, which it is not; ``priors_count``
    counts charges of the two counties' records only. ProPublica cut rows with and
    without a new charge at different dates, which raises the rate of two years. Say
    which rows a figure is on: the error rates of 44.85 and 23.45 % are on all 7,214,
    those on the 6,172 filtered ones are 42.34 and 22.01 %. Those of the violent score,
    38.14 and 18.46 %, are of another file, which counts days at liberty; on the rows
    of this one they are 33.04 and 15.55 %.

    References
    ----------
    J. Angwin, J. Larson, S. Mattu, L. Kirchner, "Machine Bias", ProPublica, 2016.
    https://github.com/propublica/compas-analysis

    Examples
    --------
    >>> from skcausal.datasets import fetch_compas
    >>> fetch_compas().X.shape  # doctest: +SKIP
    (6172, 8)
    """
    owner = "fetch_compas"
    check_option(owner, "filtered", filtered, (True, False))
    check_option(owner, "violent", violent, (True, False))
    table, _ = load(COMPAS_VIOLENT if violent else COMPAS, owner)
    prefix = "v_" if violent else ""
    if filtered:
        table = table[
            table["days_b_screening_arrest"].between(-30, 30)
            & (table["is_recid"] != -1)
            & (table["c_charge_degree"] != "O")
            & table[f"{prefix}score_text"].notna()
        ]
    shown = ("age_cat", f"{prefix}decile_score", f"{prefix}score_text")
    frame = table[[*_COMPAS_FEATURES, *shown, "two_year_recid"]].copy()
    return _bunch(
        frame,
        _COMPAS_FEATURES,
        "two_year_recid",
        f"COMPAS, Broward County 2013 and 2014: {len(frame)} defendants, "
        f"{'violent ' if violent else ''}charges within two years. Published by "
        "ProPublica (2016) without a licence; columns that name people are left out.",
    )


def fetch_law_school() -> Bunch:
    """Load the law school data: grades of students before and in the first year.

    Returns
    -------
    Bunch
        ``frame`` (features, ``region_first``, ``sander_index``, ``first_pf``: passed
        the bar at first, and ``ZFYA``: standardised average of the first year), ``X``
        (race, sex, ``LSAT``: score of the admission test, ``UGPA``: grades of college),
        ``y``, ``description``, ``feature_names``, ``outcome_name``,
        ``sensitive_names`` and ``lsat_unrounded``. There is no treatment.

    Raises
    ------
    DatasetNotFoundError
        If the file is not here and cannot be downloaded.
    DatasetCorruptError
        If the file is not the expected one.

    Notes
    -----
    Assumptions: students are independent. The one row of region "PO" is left out and
    the test score is rounded, half to even, so that it can be a count, both as in
    Kusner et al.; the score as recorded is ``lsat_unrounded``. Law schools choose by
    test and grades, so both are related among students more weakly than among
    applicants.

    References
    ----------
    M. Kusner, J. Loftus, C. Russell, R. Silva, "Counterfactual Fairness",
    NeurIPS 2017. https://arxiv.org/abs/1703.06856
    L. F. Wightman, "LSAC National Longitudinal Bar Passage Study", 1998.

    Examples
    --------
    >>> from skcausal.datasets import fetch_law_school
    >>> fetch_law_school().X.shape  # doctest: +SKIP
    (21790, 4)
    """
    table, _ = load(LAW_SCHOOL, "fetch_law_school")
    table = table[table["region_first"] != "PO"].reset_index(drop=True)
    recorded = table["LSAT"].copy()
    table = table.assign(
        LSAT=recorded.round(), sex=table["sex"].map({1: "Female", 2: "Male"})
    )
    others = ["region_first", "sander_index", "first_pf", "ZFYA"]
    return _bunch(
        table[[*_LAW_FEATURES, *others]].copy(),
        _LAW_FEATURES,
        "ZFYA",
        f"Law school students of the study of bar passage (Wightman 1998): "
        f"{len(table)} students; outcome standardised average of the first year. No "
        "licence stated.",
        lsat_unrounded=recorded.rename("lsat_unrounded"),
    )


def _bunch(
    frame: pd.DataFrame,
    features: tuple[str, ...],
    outcome: str,
    description: str,
    **extras: pd.Series,
) -> Bunch:
    """Make text categorical, and split the table; there is no treatment."""
    for name in frame.columns:
        if name in _LEVELS:
            frame[name] = pd.Categorical(frame[name], _LEVELS[name], ordered=True)
        elif not pd.api.types.is_numeric_dtype(frame[name]):
            frame[name] = frame[name].astype(object).astype("category")
    return Bunch(
        frame=frame,
        X=frame[list(features)].copy(),
        y=frame[outcome].copy(),
        description=description,
        feature_names=list(features),
        outcome_name=outcome,
        sensitive_names=["race", "sex"],
        **extras,
    )
