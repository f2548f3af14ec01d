"""Many causes at once: factor models and the deconfounder.

Needs ``pip install "skcausal[deep]"`` (torch and Pyro).

- ``PPCAFactorModel``: linear factors of real-valued causes.
- ``ConstantCauseWarning``: a cause that never varies.
"""

from skcausal.utils._optional import require

require("pyro", "deep", "skcausal.estimation.deconfounding")

from skcausal.estimation.deconfounding._inputs import (  # noqa: E402
    ConstantCauseWarning,
)
from skcausal.estimation.deconfounding._ppca import PPCAFactorModel  # noqa: E402

__all__ = [
    "ConstantCauseWarning",
    "PPCAFactorModel",
]
