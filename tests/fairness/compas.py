"""ProPublica's rows of COMPAS, read from where the data folder is."""

import os
from pathlib import Path

import pandas as pd
import pytest

FILE = "compas/compas_two_years_noid.csv.gz"


def compas_rows():
    """Return black and white defendants after ProPublica's filter, or skip."""
    folder = os.environ.get("SKCAUSAL_DATA")
    path = Path(folder or ".") / FILE
    if not path.exists():
        pytest.skip(f"{FILE} is not in SKCAUSAL_DATA")
    rows = pd.read_csv(path, keep_default_na=False, na_values=[""])
    kept = rows["days_b_screening_arrest"].between(-30, 30)
    kept &= (rows["is_recid"] != -1) & (rows["c_charge_degree"] != "O")
    kept &= (rows["score_text"] != "N/A") & rows["race"].isin(
        ["African-American", "Caucasian"]
    )
    return rows[kept].reset_index(drop=True)
