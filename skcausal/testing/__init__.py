"""For authors of estimators: discovery, scikit-learn's checks, and causal laws.

- ``all_effect_learners``: one instance of every estimator with an ``effect``.
- ``as_plain_estimator``: the same estimator without a treatment, so that
  scikit-learn's ``check_estimator`` can run on it.
- ``check_causal_estimator``: the laws that every effect learner must pass.
"""

from skcausal.testing._discovery import all_effect_learners
from skcausal.testing._laws import LAWS, check_causal_estimator
from skcausal.testing._plain import as_plain_estimator

__all__ = [
    "LAWS",
    "all_effect_learners",
    "as_plain_estimator",
    "check_causal_estimator",
]
