"""The data of ``skcausal demo``."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from skcausal.analysis._tables import Columns

_ROWS = 10_000


@dataclass(frozen=True)
class Demo:
    """A table, what to ask of it, and the truth where it is known.

    `truth` maps each treated label to its true average effect.
    """

    frame: pd.DataFrame
    columns: Columns
    source: str
    loading: tuple[str, str]
    randomised: tuple[str, ...]
    truth: dict[str, float]


def load_demo(name: str, random_state: int) -> Demo:
    """Return the demo called "ab_test" or "hillstrom"."""
    return _hillstrom() if name == "hillstrom" else _ab_test(random_state)


def _ab_test(random_state: int) -> Demo:
    from skcausal.datasets import make_ab_test

    data = make_ab_test(_ROWS, random_state=random_state)
    effects = np.atleast_1d(data.average_effect)
    treated = [str(arm) for arm in data.arms if arm != data.control_arm]
    return Demo(
        frame=data.frame,
        columns=_columns(data),
        source="make_ab_test (simulated)",
        loading=(
            "from skcausal.datasets import make_ab_test",
            f"make_ab_test({_ROWS}, random_state={random_state}).frame",
        ),
        randomised=_shares(data),
        truth=dict(zip(treated, effects.tolist(), strict=True)),
    )


def _hillstrom() -> Demo:
    from skcausal.datasets import fetch_hillstrom

    data = fetch_hillstrom()
    return Demo(
        frame=data.frame,
        columns=_columns(data),
        source="Hillstrom's e-mail experiment",
        loading=(
            "from skcausal.datasets import fetch_hillstrom",
            "fetch_hillstrom().frame",
        ),
        randomised=_shares(data),
        truth={},
    )


def _columns(data: Any) -> Columns:
    return Columns(
        outcome=data.outcome_name,
        treatment=data.treatment_name,
        control=str(data.control_arm),
        features=tuple(data.feature_names),
    )


def _shares(data: Any) -> tuple[str, ...]:
    return tuple(f"{arm}={share!r}" for arm, share in data.arm_probabilities.items())
