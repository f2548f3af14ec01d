"""Benchmarks with real features and simulated outcomes: IHDP and ACIC 2016."""

from typing import Any

import numpy as np
import pandas as pd
from sklearn.utils import Bunch

from skcausal.datasets._bunch import make_bunch, truth_from_means
from skcausal.datasets._checks import check_integer, check_option
from skcausal.datasets._fetch import (
    RemoteFile,
    Source,
    find,
    load,
)

_IHDP_ARRAYS = ("x", "t", "yf", "mu0", "mu1")
IHDP = {
    # The hash of the train file is that of a rebuilt one: the bytes of the published
    # file are not known, its content is (up to the order of the rows).
    "train": RemoteFile(
        "ihdp",
        (
            Source(
                "ihdp_npci_1-100.train.npz",
                "4cfbbe59c886e7d015a8cd8fbdb325f9475ff505768f70c6755d37be5e453926",
                "https://www.fredjo.com/files/ihdp_npci_1-100.train.npz",
            ),
        ),
        _IHDP_ARRAYS,
        "14c9309c24bfd1728828455adbd6849408febdf6761266afaed5560e874d7d0d",
    ),
    "test": RemoteFile(
        "ihdp",
        (
            Source(
                "ihdp_npci_1-100.test.npz",
                "a70a8acbcc4e8deb677cc9bf9e9dabeb17caaa37cdbb1d7ba06be7ffb929c41c",
                "https://raw.githubusercontent.com/VectorInstitute/"
                "Causal_Inference_Laboratory/901810ebd0220286b33934f339299660385d9bdb/"
                "data/IHDP-100/ihdp_npci_1-100.test.npz",
            ),
        ),
    ),
}

_ACIC_ADDRESS = (
    "https://raw.githubusercontent.com/IBM/causallib/"
    "fd789a0cab941ef0365c70761c1a58a254670e91/causallib/datasets/data/"
    "acic_challenge_2016"
)
_N_SETTINGS = 77
ACIC_FEATURES = RemoteFile(
    "acic2016",
    (
        Source(
            "x.csv",
            "0d6387ad45d23e54b11cbf967248fb68ad5e578db80d193208b8b4c98b1ed0c1",
            f"{_ACIC_ADDRESS}/x.csv",
        ),
    ),
)
ACIC_ALL_SETTINGS = RemoteFile(
    "acic2016",
    (
        Source(
            "acic2016_77settings_rep1.npz",
            "280f1134ca370a1562e97e65fb1fa2375e17fa4325ec40e3134e9d9457285250",
        ),
    ),
    note=(
        "The R package aciccomp2016 (github.com/vdorie/aciccomp) makes it: "
        "dgp_2016(input_2016, setting, 1) for settings 1 to 77."
    ),
)
# Draws published as files zymu_<setting>.csv: (setting, replication) -> SHA-256.
_ACIC_PUBLISHED = {
    (1, 1): "002fad96bb55d54edec08a0af46ef4f8ad69e0cfe6294ab48f351f22976a6e76",
    (2, 1): "bc3a03bb461bb1629add09c01dfc77053cf36e8faf8e48a7645b35ddb4005d1c",
    (3, 100): "8090562d3fcf5a3b02ff5493592a2880b95b106e1c12e2c3a6e6c28ae8468ff6",
    (4, 100): "61b405c545a451b7e2ce31614150834f94aa4b27069e2755876ed6e11cfee5fd",
    (5, 1): "e350ac76d0b8e83f45f7f04a4b76b9a32a0d53098452075617e61ce62ad0463a",
    (6, 1): "a059950f0b51056660364eca14524a3d3254f93c608d8a1df9240c2c4179a7b5",
    (7, 1): "ac102c3f34680ff901c30fb95985297eea0f20efaf02108f287ceec60b6a2a1f",
    (8, 1): "bbcde6ad666640adcd39fd50cab00865d22b5c463ce9db6d0940d8eccd5afcf3",
    (9, 1): "02663b776fa87cd3d91ee7871e98c1b4d63579957b12ef9bb1ecf367b7afc366",
    (10, 1): "c8ee8ca537ef4315a0ee5753bd01d792a1b3cdacb1fd69e1288b2bb89944d1b7",
}


def fetch_ihdp(*, replication: int = 1, subset: str = "train") -> Bunch:
    """Load IHDP: 747 children, treatment with confounding, simulated outcomes.

    Parameters
    ----------
    replication : int from 1 to 100, default=1
        Which of the 100 simulations.
    subset : {"train", "test", "all"}, default="train"
        672 rows, 75 rows, or train followed by test.

    Returns
    -------
    Bunch
        ``frame`` (``x1`` to ``x25``, ``treatment``, ``outcome``), ``X``, ``y``,
        ``treatment``, ``description``, ``feature_names``, ``treatment_name``,
        ``outcome_name``, ``arms``, ``control_arm``, and the truth of these rows:
        ``mu0``, ``mu1``, ``outcome_means`` (n_rows, 2), ``effect``,
        ``average_effect``, ``average_effect_treated``, ``average_effect_control``.

    Raises
    ------
    DatasetNotFoundError
        If a file is not here and cannot be downloaded.
    DatasetCorruptError
        If a file is not the expected one.
    ValueError
        If an option is out of its range.

    Notes
    -----
    Assumptions: no confounder is hidden; the treated are what is left of a
    randomised trial after a part of them was removed by design, so overlap is poor.
    This is response surface B: ``mu0 = exp((x + 0.5) b)``, ``mu1 = x b - c``, with
    ``c`` such that the effect on the treated over all 747 rows is 4.

    References
    ----------
    J. Hill, "Bayesian Nonparametric Modeling for Causal Inference", JCGS 20(1), 2011.
    U. Shalit, F. Johansson, D. Sontag, "Estimating individual treatment effect:
    generalization bounds and algorithms", ICML 2017.

    Examples
    --------
    >>> from skcausal.datasets import fetch_ihdp
    >>> data = fetch_ihdp(replication=7, subset="all")  # doctest: +SKIP
    >>> round(data.average_effect_treated, 6)  # doctest: +SKIP
    4.0
    """
    owner = "fetch_ihdp"
    check_integer(owner, "replication", replication, 1, 100)
    check_option(owner, "subset", subset, ("train", "test", "all"))
    parts = ("train", "test") if subset == "all" else (subset,)
    pieces = [load(IHDP[part], owner)[0] for part in parts]
    x, codes, y, mu0, mu1 = (
        np.concatenate([piece[name][..., replication - 1] for piece in pieces])
        for name in _IHDP_ARRAYS
    )
    frame = pd.DataFrame(x, columns=[f"x{j + 1}" for j in range(x.shape[1])])
    codes = codes.astype(np.int64)
    return make_bunch(
        frame.assign(treatment=codes, outcome=y),
        treatment="treatment",
        outcome="outcome",
        arms=(0, 1),
        mu0=mu0,
        mu1=mu1,
        description=f"""IHDP, replication {replication} of 100, {subset}:
            {len(frame)} children, 25 real features, simulated outcome (response
            surface B of Hill 2011, as published by F. Johansson, fredjo.com). The
            generator npci is GPL; the features were released with Hill 2011.""",
        **truth_from_means(np.column_stack([mu0, mu1]), codes),
    )


def fetch_acic2016(*, setting: int = 1, replication: int = 1) -> Bunch:
    """Load a data set of the ACIC 2016 competition: 4,802 rows, simulated outcomes.

    Parameters
    ----------
    setting : int from 1 to 77, default=1
        Which of the 77 settings of confounding, overlap and heterogeneity.
    replication : int, default=1
        Draw of the setting: 1, or 100 for settings 3 and 4.

    Returns
    -------
    Bunch
        ``frame`` (``x_1`` to ``x_58``, ``treatment``, ``outcome``; ``x_2``, ``x_21``
        and ``x_24`` are of category dtype), ``X``, ``y``, ``treatment``,
        ``description``, ``feature_names``, ``treatment_name``, ``outcome_name``,
        ``arms``, ``control_arm``, and the truth of these rows: ``mu0``, ``mu1``,
        ``outcome_means`` (n_rows, 2), ``effect``, ``average_effect``,
        ``average_effect_treated`` (the estimand of the competition),
        ``average_effect_control``, ``potential_outcomes`` (n_rows, 2), ``propensity``
        and ``average_effect_overlap`` (the last two are ``None`` where only the
        published file is at hand, which does not hold them).

    Raises
    ------
    DatasetNotFoundError
        If a file is not here and cannot be downloaded. Settings 1, 2 and 5 to 10 of
        replication 1, and the two of replication 100, are published as files; the
        others come from an R package, which the message names.
    DatasetCorruptError
        If a file is not the expected one.
    ValueError
        If an option is out of its range.

    Notes
    -----
    Assumptions: no confounder is hidden. In some settings part of the rows has a
    propensity near 0. Setting 16 depends on the platform of R: 3.9 % of its
    treatments differ from the competition's.

    References
    ----------
    V. Dorie, J. Hill, U. Shalit, M. Scott, D. Cervone, "Automated versus
    Do-It-Yourself Methods for Causal Inference", Statistical Science 34(1), 2019.

    Examples
    --------
    >>> from skcausal.datasets import fetch_acic2016
    >>> fetch_acic2016(setting=4).X.shape  # doctest: +SKIP
    (4802, 58)
    """
    owner = "fetch_acic2016"
    check_integer(owner, "setting", setting, 1, _N_SETTINGS)
    check_option(owner, "replication", replication, _replications(setting))
    draw = _acic_draw(setting, replication, owner)
    frame, _ = load(ACIC_FEATURES, owner)
    words = frame.select_dtypes(exclude="number").columns
    frame[words] = frame[words].astype("category")
    codes = np.asarray(draw["z"]).astype(np.int64)
    potential, means = (
        np.column_stack([draw[f"{name}0"], draw[f"{name}1"]]) for name in ("y", "mu")
    )
    propensity = draw.get("e")
    both = None if propensity is None else np.column_stack([1 - propensity, propensity])
    truth = {"propensity": None, "average_effect_overlap": None}
    truth |= truth_from_means(means, codes, both)
    return make_bunch(
        frame.assign(treatment=codes, outcome=potential[np.arange(len(codes)), codes]),
        treatment="treatment",
        outcome="outcome",
        arms=(0, 1),
        mu0=means[:, 0],
        mu1=means[:, 1],
        potential_outcomes=potential,
        description=f"""ACIC 2016 competition, setting {setting} of 77, replication
            {replication}: {len(frame)} rows, 58 real features, simulated treatment
            and outcome (Dorie et al. 2019; R package aciccomp2016, GPL; published
            copies CDLA-Sharing 1.0).""",
        **truth,
    )


def _replications(setting: int) -> tuple[int, ...]:
    return (1, 100) if (setting, 100) in _ACIC_PUBLISHED else (1,)


def _acic_draw(setting: int, replication: int, owner: str) -> dict[str, Any]:
    """Read one draw from the file of all settings, else from its published file."""
    published = (setting, replication) in _ACIC_PUBLISHED
    if replication == 1 and (find(ACIC_ALL_SETTINGS) is not None or not published):
        arrays, _ = load(ACIC_ALL_SETTINGS, owner)
        return {name: values[setting - 1].copy() for name, values in arrays.items()}
    name = f"zymu_{setting}.csv"
    sha256 = _ACIC_PUBLISHED[setting, replication]
    remote = RemoteFile("acic2016", (Source(name, sha256, f"{_ACIC_ADDRESS}/{name}"),))
    table, _ = load(remote, owner)
    return {column: table[column].to_numpy() for column in table}
