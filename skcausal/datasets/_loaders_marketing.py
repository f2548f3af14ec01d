"""Randomised marketing experiments: Hillstrom's e-mails, Criteo's uplift set."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from sklearn.utils import Bunch

from skcausal.datasets._bunch import make_bunch
from skcausal.datasets._checks import check_option
from skcausal.datasets._fetch import RemoteFile, Source, load

_HILLSTROM_NAME = (
    "Kevin_Hillstrom_MineThatData_E-MailAnalytics_DataMiningChallenge_2008.03.20.csv"
)
HILLSTROM = RemoteFile(
    folder="hillstrom",
    sources=(
        Source(
            _HILLSTROM_NAME,
            "0e5893329d8b93cefecc571777672028290ab69865718020c78c7284f291aece",
            f"http://www.minethatdata.com/{_HILLSTROM_NAME}",
        ),
    ),
)
HILLSTROM_ARMS = ("No E-Mail", "Mens E-Mail", "Womens E-Mail")
HILLSTROM_OUTCOMES = ("visit", "conversion", "spend")

CRITEO_FULL = Source(
    "criteo-research-uplift-v2.1.csv.gz",
    # Criteo publishes no hash; this one was recorded by a user of the file.
    "2716e1bf0fd157a93b5bf86924d9088419dfbac2022c6cd90030220634f616dc",
    "https://criteostorage.blob.core.windows.net/criteo-research-datasets/"
    "criteo-uplift-v2.1.csv.gz",
)
CRITEO_SAMPLE = Source(
    "criteo-uplift-v2.1_sample1000.csv",
    "3177ba5085da27f2092bae08f6318e3908a23e38965040432dd8889b688a71a7",
    "https://raw.githubusercontent.com/sanskriti-02/Causal-Inference-Modelling/"
    "71307ec97ec0c756a2e8d6b27773202a2b7d10a5/criteo-uplift-v2.1.csv",
)
_CRITEO_SUBSETS = {
    None: (CRITEO_FULL, CRITEO_SAMPLE),
    "full": (CRITEO_FULL,),
    "sample": (CRITEO_SAMPLE,),
}
_FLAGS = ("treatment", "conversion", "visit", "exposure")


def fetch_hillstrom(
    *, outcome: str = "visit", arms: Sequence[str] | None = None
) -> Bunch:
    """Load Hillstrom's e-mail experiment: 64,000 customers, three randomised arms.

    Parameters
    ----------
    outcome : {"visit", "conversion", "spend"}, default="visit"
        What happened in the two weeks after the e-mail: a visit of the site (0 or 1),
        a purchase (0 or 1), or the money spent (USD).
    arms : sequence of str or None, default=None
        Arms to keep, two or three of "No E-Mail", "Mens E-Mail" and "Womens E-Mail",
        the control first; ``None`` keeps all three.

    Returns
    -------
    Bunch
        ``frame`` (8 features, ``segment``, the outcome), ``X``, ``y``,
        ``treatment`` (labels), ``description``, ``feature_names``,
        ``treatment_name``, ``outcome_name``, ``arms``, ``control_arm``, ``outcomes``
        (DataFrame of all three), ``propensity`` (by design; (n_rows,) for two arms,
        (n_rows, 3) for three) and ``arm_probabilities`` (label -> probability).

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
    Assumptions: each arm was drawn with probability 1/3, as the author states.
    ``history_segment`` is ``history`` in seven ordered classes.

    References
    ----------
    K. Hillstrom, "The MineThatData E-Mail Analytics And Data Mining Challenge", 2008.

    Examples
    --------
    >>> from skcausal.datasets import fetch_hillstrom
    >>> data = fetch_hillstrom(arms=["No E-Mail", "Mens E-Mail"])  # doctest: +SKIP
    >>> data.X.shape  # doctest: +SKIP
    (42613, 8)
    """
    owner = "fetch_hillstrom"
    check_option(owner, "outcome", outcome, HILLSTROM_OUTCOMES)
    kept = _check_arms(owner, arms)
    table, _ = load(HILLSTROM, owner)
    table = table[table["segment"].isin(kept)].reset_index(drop=True)
    for name in ("history_segment", "zip_code", "channel"):
        ordered = name == "history_segment"
        categories = sorted(table[name].unique())
        table[name] = pd.Categorical(table[name], categories, ordered=ordered)
    share = 1.0 / len(kept)
    shape = len(table) if len(kept) == 2 else (len(table), 3)
    others = [name for name in HILLSTROM_OUTCOMES if name != outcome]
    return make_bunch(
        table.drop(columns=others),
        treatment="segment",
        outcome=outcome,
        arms=kept,
        outcomes=table[list(HILLSTROM_OUTCOMES)].copy(),
        propensity=np.full(shape, share),
        arm_probabilities=dict.fromkeys(kept, share),
        description=f"""E-mail experiment of K. Hillstrom (MineThatData, 2008):
            {len(table)} customers of a clothes shop, 8 features, randomised to
            {", ".join(kept)}; outcome {outcome} within two weeks. Published openly,
            no licence stated.""",
    )


def fetch_criteo(*, outcome: str = "visit", subset: str | None = None) -> Bunch:
    """Load Criteo's uplift set v2.1: randomised advertising, 13,979,592 rows.

    Parameters
    ----------
    outcome : {"visit", "conversion"}, default="visit"
        Whether the user visited the shop, or bought.
    subset : {"full", "sample"} or None, default=None
        The full set (a download of 311 MB), or a public excerpt of 1,000 rows that
        is good for trying out code but not for conclusions. ``None`` takes what is
        on this machine, the full set first, and downloads the full set otherwise.

    Returns
    -------
    Bunch
        ``frame`` (features ``f0`` to ``f11``, ``treatment``, the outcome), ``X``,
        ``y``, ``treatment``, ``description`` (says which subset it is),
        ``feature_names``, ``treatment_name``, ``outcome_name``, ``arms``,
        ``control_arm``, ``outcomes`` (DataFrame of both), ``exposure`` (whether an
        advertisement was shown; happens after treatment, so no feature) and
        ``is_sample``.

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
    Assumptions: treatment is randomised at about 85 %; the set joins several
    experiments and was subsampled by its publishers.

    References
    ----------
    E. Diemert, A. Betlei, C. Renaudin, M.-R. Amini, "A Large Scale Benchmark for
    Uplift Modeling", AdKDD 2018.

    Examples
    --------
    >>> from skcausal.datasets import fetch_criteo
    >>> fetch_criteo(subset="sample").X.shape  # doctest: +SKIP
    (1000, 12)
    """
    owner = "fetch_criteo"
    check_option(owner, "outcome", outcome, ("visit", "conversion"))
    check_option(owner, "subset", subset, tuple(_CRITEO_SUBSETS))
    remote = RemoteFile(folder="criteo", sources=_CRITEO_SUBSETS[subset])
    table, source = load(remote, owner)
    table = table.astype(dict.fromkeys(_FLAGS, np.int8))
    is_sample = source is CRITEO_SAMPLE
    extent = "an excerpt, drawn in an unknown way," if is_sample else "the full set"
    other = "conversion" if outcome == "visit" else "visit"
    return make_bunch(
        table.drop(columns=["exposure", other]),
        treatment="treatment",
        outcome=outcome,
        arms=(0, 1),
        outcomes=table[["visit", "conversion"]].copy(),
        exposure=table["exposure"].copy(),
        is_sample=is_sample,
        description=f"""Criteo uplift prediction v2.1, {extent} of {len(table)} rows
            (13,979,592 in the full set): 12 anonymous features, randomised
            advertising, outcome {outcome}. Criteo AI Lab, CC BY-NC-SA 4.0:
            non-commercial use only.""",
    )


def _check_arms(owner: str, arms: Sequence[str] | None) -> list[str]:
    if arms is None:
        return list(HILLSTROM_ARMS)
    kept: list[Any] = list(arms)
    known = all(arm in HILLSTROM_ARMS for arm in kept)
    if len(kept) < 2 or len(set(kept)) != len(kept) or not known:
        choices = ", ".join(repr(arm) for arm in HILLSTROM_ARMS)
        raise ValueError(
            f"{owner}: arms must be two or three different ones of {choices} "
            f"(control first), got {arms!r}."
        )
    return kept
