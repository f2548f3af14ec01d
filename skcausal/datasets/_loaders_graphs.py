"""Data with a graph that experts agree on: protein signalling in single cells."""

import pandas as pd
from sklearn.utils import Bunch

from skcausal.datasets._checks import check_option
from skcausal.datasets._fetch import RemoteFile, Source, load

_SUPPLEMENT = (
    "The measurements are in the supplement of Sachs et al. (2005), "
    "https://doi.org/10.1126/science.1105809, one sheet per condition."
)
SACHS = RemoteFile(
    folder="sachs",
    sources=(
        Source(
            "sachs_observational_853.csv",
            "c6f109d1d98550e2f8ee57ee021b30713c08ba6cfe626b3e23805568c54cec8e",
        ),
    ),
    note=_SUPPLEMENT,
)
SACHS_ALL = RemoteFile(
    folder="sachs",
    sources=(
        Source(
            "sachs_all_7466_with_conditions.csv",
            "7e7825b61419d21e0d93f4b96be2f83f8875c4149142778173b9c0a89c326f53",
        ),
    ),
    note=_SUPPLEMENT,
)
_PROTEINS = (
    "Raf",
    "Mek",
    "Plcg",
    "PIP2",
    "PIP3",
    "Erk",
    "Akt",
    "PKA",
    "PKC",
    "P38",
    "Jnk",
)
_CONSENSUS = (
    "Raf Mek, Mek Erk, Plcg PIP2, Plcg PIP3, PIP3 PIP2, Erk Akt, PKA Raf, PKA Mek, "
    "PKA Erk, PKA Akt, PKA P38, PKA Jnk, PKC Raf, PKC Mek, PKC PKA, PKC P38, PKC Jnk"
)
_KNOWN = (
    "Erk Akt, Mek Erk, PIP2 PKC, PIP3 Akt, PIP3 PIP2, PIP3 Plcg, PKA Akt, PKA Erk, "
    "PKA Jnk, PKA Mek, PKA P38, PKA Raf, PKC Jnk, PKC Mek, PKC P38, PKC PKA, PKC Raf, "
    "Plcg PIP2, Plcg PKC, Raf Mek"
)


def fetch_sachs(*, conditions: str = "observational") -> Bunch:
    """Load proteins of single cells, and the graph of who activates whom.

    Parameters
    ----------
    conditions : {"observational", "all"}, default="observational"
        "observational" has the cells that were stimulated in the usual way only; "all"
        has nine conditions, in most of which one protein was activated or inhibited.

    Returns
    -------
    Bunch
        ``frame`` (amounts of 11 proteins and lipids in each cell, in units of
        fluorescence), ``edges`` (17 arrows of the consensus graph, cause first),
        ``known_edges`` (the 20 that were known before the study), ``condition`` (the
        reagents of each cell), ``description`` and ``feature_names``. There is no
        treatment.

    Raises
    ------
    DatasetNotFoundError
        If the file is not here.
    DatasetCorruptError
        If the file is not the expected one.
    ValueError
        If an option is unknown.

    Notes
    -----
    Assumptions: cells are independent. The consensus graph is the one against which
    methods of discovery are usually judged; biologists doubt some arrows, and the lists
    disagree on the direction between Plcg and PIP3. Amounts are skewed: take logarithms
    before methods that think in means.

    References
    ----------
    K. Sachs, O. Perez, D. Pe'er, D. A. Lauffenburger, G. P. Nolan, "Causal
    Protein-Signaling Networks Derived from Multiparameter Single-Cell Data", Science
    308(5721), 2005. https://doi.org/10.1126/science.1105809
    S. Lachapelle, P. Brouillard, T. Deleu, S. Lacoste-Julien, "Gradient-Based Neural
    DAG Learning", ICLR 2020. arXiv:1906.02226 (the 17 arrows).

    Examples
    --------
    >>> from skcausal.datasets import fetch_sachs
    >>> fetch_sachs().frame.shape  # doctest: +SKIP
    (853, 11)
    """
    owner = "fetch_sachs"
    check_option(owner, "conditions", conditions, ("observational", "all"))
    if conditions == "observational":
        frame, _ = load(SACHS, owner)
        condition = pd.Series("cd3_cd28", index=frame.index)
    else:
        table, _ = load(SACHS_ALL, owner)
        own = {name.lower(): name for name in _PROTEINS} | {"plc": "Plcg"}
        frame = table.rename(columns=own)[list(_PROTEINS)]
        flags = table.drop(columns=[name for name in own if name in table])
        condition = flags.astype(bool).dot(flags.columns + "+").str.rstrip("+")
    return Bunch(
        frame=frame,
        edges=_pairs(_CONSENSUS),
        known_edges=_pairs(_KNOWN),
        condition=condition.rename("condition").astype("category"),
        feature_names=list(frame.columns),
        description=(
            f"Protein signalling in human immune cells (Sachs et al. 2005): "
            f"{len(frame)} cells, {frame.shape[1]} proteins and lipids, "
            f"{condition.nunique()} condition(s); consensus graph of 17 arrows. "
            "Supplement of the paper; also published under CC0 by the causal discovery "
            "group of Carnegie Mellon University."
        ),
    )


def _pairs(text: str) -> list[tuple[str, str]]:
    """Return the arrows that a list names, cause first."""
    return [(a, b) for a, b in (pair.split() for pair in text.split(","))]
