"""Many causes at once: factor models and the deconfounder.

Needs ``pip install "skcausal[deep]"`` (torch and Pyro).

- ``PPCAFactorModel``: linear factors of real-valued causes.
- ``PoissonFactorModel``: nonnegative factors of counts.
- ``BernoulliFactorModel``: linear factors in the log odds of zeros and ones.
- ``DeepExponentialFamily``: layers of factors, each steered by the one above.
- ``predictive_check``: does a factor model predict causes that it has not seen?
- ``PredictiveCheck``, ``PredictiveCheckDisplay``, ``PredictiveCheckWarning``: its
  result, its drawing, and what it says of a model that does not.
- ``ConstantCauseWarning``: a cause that never varies.
- ``Deconfounder``: effects of many causes, adjusted for what they share.
- ``DeconfoundedRecommender``: ratings, adjusted for what users choose to rate.
- ``SubstituteConfounder``: what they share, as columns for any other learner.
- ``CounterfactualOutcome``: what one row would have had under other causes.
- ``DeconfounderWarning`` and its kinds: reasons to doubt the effects.
"""

from skcausal.utils._optional import require

require("pyro", "deep", "skcausal.estimation.deconfounding")

from skcausal.estimation.deconfounding._bernoulli import (  # noqa: E402
    BernoulliFactorModel,
)
from skcausal.estimation.deconfounding._check import (  # noqa: E402
    PredictiveCheck,
    PredictiveCheckDisplay,
    PredictiveCheckWarning,
    predictive_check,
)
from skcausal.estimation.deconfounding._counterfactual import (  # noqa: E402
    CounterfactualOutcome,
)
from skcausal.estimation.deconfounding._deconfounder import (  # noqa: E402
    Deconfounder,
)
from skcausal.estimation.deconfounding._deep import (  # noqa: E402
    DeepExponentialFamily,
)
from skcausal.estimation.deconfounding._inputs import (  # noqa: E402
    ConstantCauseWarning,
)
from skcausal.estimation.deconfounding._poisson import (  # noqa: E402
    PoissonFactorModel,
)
from skcausal.estimation.deconfounding._ppca import PPCAFactorModel  # noqa: E402
from skcausal.estimation.deconfounding._recommender import (  # noqa: E402
    DeconfoundedRecommender,
)
from skcausal.estimation.deconfounding._substitute_confounder import (  # noqa: E402
    SubstituteConfounder,
)
from skcausal.estimation.deconfounding._warnings import (  # noqa: E402
    CollinearCausesWarning,
    CoverageWarning,
    DeconfounderWarning,
    IgnoranceWarning,
    SingleCauseConfounderWarning,
    SubstituteOverlapWarning,
    SuspectOutcomeWarning,
    UnchangedEffectsWarning,
    UnstableEffectsWarning,
)

__all__ = [
    "BernoulliFactorModel",
    "CollinearCausesWarning",
    "ConstantCauseWarning",
    "CounterfactualOutcome",
    "CoverageWarning",
    "DeconfoundedRecommender",
    "Deconfounder",
    "DeconfounderWarning",
    "DeepExponentialFamily",
    "IgnoranceWarning",
    "PPCAFactorModel",
    "PoissonFactorModel",
    "PredictiveCheck",
    "PredictiveCheckDisplay",
    "PredictiveCheckWarning",
    "SingleCauseConfounderWarning",
    "SubstituteConfounder",
    "SubstituteOverlapWarning",
    "SuspectOutcomeWarning",
    "UnchangedEffectsWarning",
    "UnstableEffectsWarning",
    "predictive_check",
]
