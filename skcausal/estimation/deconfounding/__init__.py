"""Many causes at once: factor models and the deconfounder.

Needs ``pip install "skcausal[deep]"`` (torch and Pyro).
"""

from skcausal.utils._optional import require

require("pyro", "deep", "skcausal.estimation.deconfounding")

__all__: list[str] = []
