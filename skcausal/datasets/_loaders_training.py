"""The National Supported Work experiment, on its own and against other controls."""

import math
from typing import Any

import numpy as np
import pandas as pd
from sklearn.utils import Bunch

from skcausal.datasets._bunch import make_bunch
from skcausal.datasets._checks import check_integer, check_option
from skcausal.datasets._fetch import RemoteFile, Source, load

_LALONDE_ADDRESS = (
    "https://raw.githubusercontent.com/xuyiqing/lalonde/"
    "c179a80e397178185983c272e1c1105d7ca53bf3/data/lalonde"
)
_LALONDE_FEATURES = (
    "age",
    "education",
    "black",
    "hispanic",
    "married",
    "nodegree",
    "re74",
    "re75",
)
_WHOLE = ("treat", "age", "education", "black", "hispanic", "married", "nodegree")


def _lalonde_file(name: str, sha256: str, content: str) -> RemoteFile:
    """Describe one table: a CSV of known bytes, or the Stata file of equal content."""
    features = [item for item in _LALONDE_FEATURES if name != "nsw" or item != "re74"]
    return RemoteFile(
        folder="lalonde",
        sources=(
            Source(f"{name}.csv", sha256),
            Source(f"{name}.dta", None, f"{_LALONDE_ADDRESS}/{name}.dta"),
        ),
        columns=("treat", *features, "re78"),
        content_sha256=content,
    )


LALONDE_EXPERIMENTS = {
    "nsw_dw": _lalonde_file(
        "nsw_dw",
        "61e88e85fd24b09aa4f5fd24f9d62511e0674dbf3ec3d3d691cf5a0c2c3aa9b7",
        "7eceb5b0a6f82c926b55daca5de4bd7ce8cc2cea4350484848eed852677daac4",
    ),
    "nsw": _lalonde_file(
        "nsw",
        "c4fb118c21b290dc38c55074db16e3884d9f1589024f5d3c336c8e19a2b8efc8",
        "97217f91ebeeb12f2a4f1b03321d0e7e6b4b374394071cbf18e47a8a0b7a5573",
    ),
}
LALONDE_CONTROLS = {
    "psid": _lalonde_file(
        "psid_controls",
        "284d655d3b435d3eae5183d19c563505a050a2b4d066f42a51c83a1d59e806df",
        "b2522c9963790aafc86c4abdb727261598e7e3f967d87db939b039b5a5ac8151",
    ),
    "psid2": _lalonde_file(
        "psid_controls2",
        "f968a6ff71456b2c355a565afc02a831d2595c6dbbeffa43e1ab55e270270134",
        "69a751dafd1204d646439a5d0d626f4304fcea065d91ed0e82628e67a28a9b75",
    ),
    "psid3": _lalonde_file(
        "psid_controls3",
        "5c9358d527462151766b074da1245a4c9bc6840407e4ac43cfc88b7e4b97ec97",
        "3bbe7724196531d060576fe8d5ecc5527889d6ce1189751bf468181f1a5271b9",
    ),
    "cps": _lalonde_file(
        "cps_controls",
        "db16b7cfd159f295d82ddb68f4a4fbfc9fa64f8f81e09b62f8ad6806dee0bd4c",
        "7f8b3fca0870aded5801850179c155bd3ebe1b3d299be9d2b66581270990d82a",
    ),
    "cps2": _lalonde_file(
        "cps_controls2",
        "714a485ed2d3620dbce7845041ab2b7654bf9112a46cb071c9007eb909c5530c",
        "196714f2a0b934dae33ef5fb17cf74227f28a2bdf9db68cb5b2e2c002703a4cc",
    ),
    "cps3": _lalonde_file(
        "cps_controls3",
        "7ba69d9629f3c4ca5fdf6a90db7e879f231d3402c0db2ca64287436d0d3e0ec7",
        "7867265a353966a0ae390c8a9632de246af79dc7c0f3776a27eb2b6ba4253609",
    ),
}

_JOBS_ADDRESS = (
    "https://raw.githubusercontent.com/d909b/perfect_match/"
    "37673e0d8b4029e734a9bf2a4a164e06a8105b84/perfect_match/data_access/jobs"
)
_JOBS_ARRAYS = ("x", "t", "yf", "e")
JOBS_SINGLE_SPLIT = {
    "train": RemoteFile(
        "jobs",
        (
            Source(
                "jobs_DW_bin.train.npz",
                "5423b107625a72e956618a2b5c119f2ee0f3c4cee4b68e156d8fb215fece80bd",
                f"{_JOBS_ADDRESS}/jobs_DW_bin.train.npz",
            ),
        ),
    ),
    "test": RemoteFile(
        "jobs",
        (
            Source(
                "jobs_DW_bin.test.npz",
                "613797660e3ca2d2d81267a6776ae754d527cd893c7df7a52de5d4f642663af2",
                f"{_JOBS_ADDRESS}/jobs_DW_bin.test.npz",
            ),
        ),
    ),
}
JOBS_TEN_SPLITS = {
    # The hash of the train file is that of a rebuilt one: the bytes of the published
    # file are not known, its content is (up to the order of the rows).
    "train": RemoteFile(
        "jobs",
        (
            Source(
                "jobs_DW_bin.new.10.train.npz",
                "b2f01f7608c016749e7a8f841cd0b5855218d8a05e4911955637b21cde04c2e7",
                "https://www.fredjo.com/files/jobs_DW_bin.new.10.train.npz",
            ),
        ),
        _JOBS_ARRAYS,
        "64723403e6b950fb9af1d254c31e44c8f325ab154ccb7945f8e28331ef449a1e",
    ),
    "test": RemoteFile(
        "jobs",
        (
            Source(
                "jobs_DW_bin.new.10.test.npz",
                "11c198167ef322af50e48eb9d48857d6a76d8dea5eadfb2d60d4a82a6357e39f",
                "https://raw.githubusercontent.com/VectorInstitute/"
                "Causal_Inference_Laboratory/901810ebd0220286b33934f339299660385d9bdb/"
                "data/Jobs/jobs_DW_bin.new.10.test.npz",
            ),
        ),
    ),
}


def fetch_lalonde(*, sample: str = "nsw_dw", controls: str | None = None) -> Bunch:
    """Load LaLonde's study of job training: an experiment, or its hard imitation.

    Parameters
    ----------
    sample : {"nsw_dw", "nsw"}, default="nsw_dw"
        Experimental men: the Dehejia-Wahba subset with earnings of 1974 (185
        treated, 260 controls), or LaLonde's own (297 and 425, without ``re74``).
    controls : {"psid", "psid2", "psid3", "cps", "cps2", "cps3"} or None, default=None
        Survey that replaces the experimental controls, which makes the data
        observational; ``None`` keeps the experiment.

    Returns
    -------
    Bunch
        ``frame`` (7 or 8 features, ``treat``, ``re78``: earnings of 1978 in USD),
        ``X``, ``y``, ``treatment``, ``description``, ``feature_names``,
        ``treatment_name``, ``outcome_name``, ``arms``, ``control_arm``,
        ``benchmark_effect`` and ``benchmark_standard_error``: difference in means
        of the experiment, what an observational estimate of the effect on the
        treated should reproduce.

    Raises
    ------
    DatasetNotFoundError
        If a file is not here and cannot be downloaded.
    DatasetCorruptError
        If a file is not the expected one.
    ValueError
        If an option is unknown.

    Notes
    -----
    Assumptions: the experiment is randomised; with ``controls`` the effect on the
    treated is identified only if the features hold every confounder, which many
    doubt, and overlap is poor.

    References
    ----------
    R. LaLonde, "Evaluating the Econometric Evaluations of Training Programs with
    Experimental Data", American Economic Review 76(4), 1986.
    R. Dehejia, S. Wahba, "Causal Effects in Nonexperimental Studies", JASA 94, 1999.

    Examples
    --------
    >>> from skcausal.datasets import fetch_lalonde
    >>> round(fetch_lalonde().benchmark_effect, 2)  # doctest: +SKIP
    1794.34
    """
    owner = "fetch_lalonde"
    check_option(owner, "sample", sample, tuple(LALONDE_EXPERIMENTS))
    check_option(owner, "controls", controls, (None, *LALONDE_CONTROLS))
    experiment, _ = load(LALONDE_EXPERIMENTS[sample], owner)
    value, error = _difference_in_means(experiment["re78"], experiment["treat"])
    columns = [name for name in _LALONDE_FEATURES if name in experiment]
    columns = [*columns, "treat", "re78"]
    table, origin = experiment[columns], "the experiment itself"
    if controls is not None:
        survey, _ = load(LALONDE_CONTROLS[controls], owner)
        treated = table[table["treat"] == 1]
        table = pd.concat([treated, survey[columns]], ignore_index=True)
        origin = f"its treated men and the comparison group {controls}"
    return make_bunch(
        table.astype(dict.fromkeys(_WHOLE, np.int64) | {"re78": np.float64}),
        treatment="treat",
        outcome="re78",
        arms=(0, 1),
        benchmark_effect=value,
        benchmark_standard_error=error,
        description=f"""National Supported Work demonstration ({sample}): {origin},
            {len(table)} men, {len(columns) - 2} features, outcome earnings in 1978
            (USD). Experimental benchmark {value:.2f} (standard error {error:.2f}).
            Public data (LaLonde 1986; Dehejia and Wahba 1999, from R. Dehejia's page
            at users.nber.org).""",
    )


def fetch_jobs(*, replication: int | None = None, subset: str = "all") -> Bunch:
    """Load Jobs: the NSW experiment merged with PSID, outcome employment.

    Parameters
    ----------
    replication : int from 1 to 10, or None, default=None
        Which of the ten 80/20 splits of Shalit et al.; ``None`` is the single 90/10
        split. The 3,212 men are the same in all.
    subset : {"train", "test", "all"}, default="all"
        Part of the split; "all" is train followed by test.

    Returns
    -------
    Bunch
        ``frame`` (``x1`` to ``x17``, ``treatment``, ``employed``), ``X``, ``y``,
        ``treatment``, ``description``, ``feature_names``, ``treatment_name``,
        ``outcome_name``, ``arms``, ``control_arm``, ``experimental`` (boolean array:
        the row belongs to the randomised part, on which policies are valued) and
        ``benchmark_effect`` (effect on the treated in the whole experiment).

    Raises
    ------
    DatasetNotFoundError
        If a file is not here and cannot be downloaded.
    DatasetCorruptError
        If a file is not the expected one.
    ValueError
        If an option is unknown.

    Notes
    -----
    Assumptions: rows with ``experimental`` are randomised; the other controls come
    from a survey, so the whole table is observational.

    References
    ----------
    U. Shalit, F. Johansson, D. Sontag, "Estimating individual treatment effect:
    generalization bounds and algorithms", ICML 2017, section 5.2.

    Examples
    --------
    >>> from skcausal.datasets import fetch_jobs
    >>> fetch_jobs(subset="train").X.shape  # doctest: +SKIP
    (2891, 17)
    """
    owner = "fetch_jobs"
    if replication is not None:
        check_integer(owner, "replication", replication, 1, 10)
    check_option(owner, "subset", subset, ("train", "test", "all"))
    files = JOBS_SINGLE_SPLIT if replication is None else JOBS_TEN_SPLITS
    parts = ("train", "test") if subset == "all" else (subset,)
    position = 0 if replication is None else replication - 1
    pieces = [load(files[part], owner)[0] for part in parts]
    tables = [_jobs_part(arrays, position) for arrays in pieces]
    table = pd.concat(tables, ignore_index=True)
    experimental = table.pop("experimental").to_numpy(dtype=bool)
    split = "single split" if replication is None else f"split {replication} of 10"
    return make_bunch(
        table,
        treatment="treatment",
        outcome="employed",
        arms=(0, 1),
        experimental=experimental,
        benchmark_effect=float(pieces[0]["ate"].item()),
        description=f"""Jobs: National Supported Work experiment with the PSID
            comparison group, {split}, {subset}: {len(table)} men, 17 standardised
            features, outcome employment. Effect on the treated 0.0779 in the
            experiment. Public data; files from F. Johansson (fredjo.com) and the MIT
            licensed perfect_match repository.""",
    )


def _jobs_part(arrays: dict[str, np.ndarray], position: int) -> pd.DataFrame:
    features = arrays["x"][:, :, position]
    names = [f"x{j + 1}" for j in range(features.shape[1])]
    return pd.DataFrame(features, columns=names).assign(
        treatment=arrays["t"][:, position].astype(np.int64),
        employed=arrays["yf"][:, position].astype(np.int64),
        experimental=arrays["e"][:, position] == 1,
    )


def _difference_in_means(y: Any, treatment: Any) -> tuple[float, float]:
    """Return the difference in means and its standard error (unequal variances)."""
    treated, control = y[treatment == 1], y[treatment == 0]
    variance = treated.var() / len(treated) + control.var() / len(control)
    return float(treated.mean() - control.mean()), math.sqrt(variance)
