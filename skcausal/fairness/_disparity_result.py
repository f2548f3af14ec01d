"""What a gap between two groups is made of: the result and its arithmetic."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from skcausal.inference import BootstrapEstimate, EffectEstimate

# Means that all effects are differences of: E[Y_{direct, W_{through}} | group], with
# 0 for the reference and 1 for the compared group, None for everybody.
MEANS = (
    (0, 0, 0),
    (1, 0, 0),
    (0, 1, 0),
    (1, 1, 0),
    (0, 0, 1),
    (1, 1, 1),
    (0, 0, None),
    (1, 0, None),
    (0, 1, None),
    (1, 1, None),
)
_EFFECTS = {
    "total variation": ((1, 1, 1), (0, 0, 0)),
    "direct": ((1, 0, 0), (0, 0, 0)),
    "indirect": ((0, 1, 0), (0, 0, 0)),
    "spurious": ((0, 0, 1), (0, 0, 0)),
    "reverse indirect": ((1, 0, 0), (1, 1, 0)),
    "reverse spurious": ((1, 1, 0), (1, 1, 1)),
    "effect on the group": ((1, 1, 0), (0, 0, 0)),
    "natural direct": ((1, 0, None), (0, 0, None)),
    "natural indirect": ((0, 1, None), (0, 0, None)),
    "total effect": ((1, 1, None), (0, 0, None)),
}
LABELS = tuple(_EFFECTS)
_PLACE = {mean: k for k, mean in enumerate(MEANS)}


def effects_of(means: np.ndarray) -> np.ndarray:
    """Return effects from means; the last axis is that of ``MEANS``."""
    pairs = [[_PLACE[one] for one in pair] for pair in _EFFECTS.values()]
    above, below = np.transpose(pairs)
    return np.asarray(means[..., above] - means[..., below])


@dataclass(frozen=True, eq=False, repr=False)
class DisparityDecomposition:
    r"""What a gap between two groups is made of.

    `decompose_disparity`, `decompose_error_rates` and `estimate_disparity` make it.

    Parameters
    ----------
    estimate : EffectEstimate or BootstrapEstimate
        The effects, in the order of ``LABELS``.
    sensitive : node
        Whose two values are compared.
    outcome : str
        What differs, in words.
    reference, compared : level
        The two groups: effects are compared less reference.

    Attributes
    ----------
    table : DataFrame
        ``effect``, ``standard_error``, ``lower`` and ``upper`` (95 %) per effect.
    parts : Series
        Direct, indirect and spurious part, which add up to the total variation.

    Notes
    -----
    Assumes what the function assumes that made it. With a for the reference, a' for
    the compared group and W for what lies between the sensitive attribute and the
    outcome, the counterfactual effects are ``direct``
    :math:`E(Y_{a' W_a} - Y_a \mid a)`, ``indirect`` :math:`E(Y_{a W_{a'}} - Y_a \mid
    a)` and ``spurious`` :math:`E(Y_a \mid a') - E(Y_a \mid a)`. From a' to a they are
    ``reverse indirect`` :math:`E(Y_{a' W_a} - Y_{a'} \mid a)` and ``reverse spurious``
    :math:`E(Y_{a'} \mid a) - E(Y_{a'} \mid a')`. The gap :math:`E(Y \mid a') - E(Y
    \mid a)` is always direct less reverse indirect less reverse spurious. ``effect on
    the group`` is :math:`E(Y_{a'} - Y_a \mid a)`, the effect on those of the reference
    group. The last three are averages over all rows.

    References
    ----------
    Zhang, J., & Bareinboim, E. (2018). Fairness in decision-making: the causal
    explanation formula. AAAI. https://doi.org/10.1609/aaai.v32i1.11564

    Examples
    --------
    >>> import numpy as np
    >>> from skcausal.fairness import DisparityDecomposition
    >>> from skcausal.inference import EffectEstimate
    >>> values = np.array([[3.0, 1, 1.5, 0.5, -1.5, -0.5, 2.5, 1, 1.5, 2.5]])
    >>> estimate = EffectEstimate(values, np.zeros((1, 4, 10)))
    >>> found = DisparityDecomposition(estimate, "sex", "pay", "f", "m")
    >>> found.parts.to_dict()
    {'direct': 1.0, 'indirect': 1.5, 'spurious': 0.5}
    """

    estimate: EffectEstimate | BootstrapEstimate
    sensitive: Any
    outcome: str
    reference: Any
    compared: Any

    def __post_init__(self) -> None:
        """Check that there is a value for each effect."""
        if np.shape(self.estimate.value) != (len(LABELS),):
            raise ValueError(
                f"DisparityDecomposition: estimate must have {len(LABELS)} values, one "
                f"per effect, got shape {np.shape(self.estimate.value)}."
            )

    def __getitem__(self, label: str) -> float:
        """Return one effect by its label."""
        if label not in LABELS:
            raise KeyError(
                f"DisparityDecomposition: there is no effect {label!r}. There are: "
                f"{', '.join(LABELS)}."
            )
        return float(np.asarray(self.estimate.value)[LABELS.index(label)])

    def __repr__(self) -> str:
        """Show the question and the table."""
        return f"{self.title}:\n{self.table.to_string(float_format='{:.4f}'.format)}"

    @property
    def title(self) -> str:
        """What is compared, in words."""
        return f"{self.outcome}: {self.compared} less {self.reference}"

    @property
    def table(self) -> pd.DataFrame:
        """Effects with standard errors and 95 % intervals."""
        return self.to_frame()

    def to_frame(self, level: float = 0.95) -> pd.DataFrame:
        """Return effects with intervals.

        Parameters
        ----------
        level : float, default=0.95
            Coverage probability of the intervals.

        Returns
        -------
        table : DataFrame
            ``effect``, ``standard_error``, ``lower`` and ``upper`` per effect.
        """
        lower, upper = self.estimate.interval(level)
        columns = {
            "effect": self.estimate.value,
            "standard_error": self.estimate.standard_error,
            "lower": lower,
            "upper": upper,
        }
        return pd.DataFrame(columns, index=pd.Index(LABELS, name="effect"))

    @property
    def parts(self) -> pd.Series:
        """Direct, indirect and spurious part of the total variation."""
        found = {
            "direct": self["direct"],
            "indirect": -self["reverse indirect"],
            "spurious": -self["reverse spurious"],
        }
        return pd.Series(found, name="part")
