"""German credit: who was a good risk, and what a bank knew about them."""

import pandas as pd
from sklearn.utils import Bunch

from skcausal.datasets._fetch import RemoteFile, Source, load

GERMAN_CREDIT = RemoteFile(
    folder="german",
    sources=(
        Source(
            "german_data_credit_decoded.csv",
            "61effc34f9ef78ffeeb350141608c2e8ec9bf8978b64c29dbd16bb7a19bf763f",
            "https://raw.githubusercontent.com/tailequy/fairness_dataset/"
            "abb5a18b822ba56a221c5311082e192e85000b95/experiments/data/"
            "german_data_credit.csv",
        ),
    ),
)
_NAMES = {
    "numner-people-provide-maintenance-for": "dependants",
    "employment-since": "employment",
    "class-label": "good_risk",
}
# Labels from least to most.
_ORDERED = {
    "checking_account": ("no account", "<0 DM", "0 <= <200 DM", ">= 200 DM"),
    "savings_account": (
        "no savings account",
        "<100 DM",
        "100 <= <500 DM",
        "500 <= < 1000 DM",
        ">= 1000 DM",
    ),
    "employment": (
        "unemployed",
        "<1 years",
        "1<= < 4 years",
        "4<= <7 years",
        ">=7 years",
    ),
    "job": (
        "unemployed/ unskilled  - non-resident",
        "unskilled - resident",
        "skilled employee / official",
        "management/ highly qualified employee",
    ),
}


def fetch_german_credit() -> Bunch:
    """Load German credit: 1,000 loans, 700 of which were good risks.

    Returns
    -------
    Bunch
        ``frame`` (what the bank knew, and ``good_risk``: 1 for loans that were paid
        back), ``X``, ``y``, ``feature_names``, ``outcome_name`` and ``description``.
        Columns with labels are categorical; those with an order have it. There is no
        treatment.

    Raises
    ------
    DatasetNotFoundError
        If the file is not here and cannot be downloaded.
    DatasetCorruptError
        If the file is not the expected one.

    Notes
    -----
    Assumptions: loans are independent. ``credit_amount`` is in DM, ``duration`` in
    months, ``installment_rate`` in percent of the income, by classes. Bad risks were
    sampled more often than they occurred.

    References
    ----------
    H. Hofmann, "Statlog (German Credit Data)", UCI Machine Learning Repository, 1994.
    https://doi.org/10.24432/C5NC77
    T. Le Quy, A. Roy, V. Iosifidis, W. Zhang, E. Ntoutsi, "A survey on datasets for
    fairness-aware machine learning", WIREs 12(3), 2022. arXiv:2110.00530 (labels).

    Examples
    --------
    >>> from skcausal.datasets import fetch_german_credit
    >>> fetch_german_credit().frame.shape  # doctest: +SKIP
    (1000, 22)
    """
    table, _ = load(GERMAN_CREDIT, "fetch_german_credit")
    # "none" is a label here, which readers of files take for a missing value.
    frame = table.rename(columns=_NAMES).rename(columns=lambda n: n.replace("-", "_"))
    for name in frame.columns[frame.dtypes.map(pd.api.types.is_string_dtype)]:
        labels = frame[name].fillna("none").str.strip()
        order = _ORDERED.get(name)
        kind = pd.CategoricalDtype([*order], ordered=True) if order else "category"
        frame[name] = labels.astype(kind)
    features = [name for name in frame.columns if name != "good_risk"]
    return Bunch(
        frame=frame,
        X=frame[features].copy(),
        y=frame["good_risk"].copy(),
        feature_names=features,
        outcome_name="good_risk",
        description=(
            "German credit (Hofmann 1994): 1,000 loans, what the bank knew, and "
            "whether they were paid back. UCI Machine Learning Repository, CC BY 4.0."
        ),
    )
