"""Causal inference that is scikit-learn: effects, for whom, and how sure.

===========================  ==========================================================
package                      the question it answers
===========================  ==========================================================
``skcausal.graphs``          What we assume: who causes whom, and hidden causes
``skcausal.structural``      What we assume, generatively: counterfactuals of rows
``skcausal.identification``  Can data answer? Adjustment sets and estimands
``skcausal.estimation``      What is the effect? Learners with ``fit`` and ``effect``
``skcausal.inference``       How sure? Effect estimates that carry their influence
``skcausal.validation``      Could it be wrong? Scores, refuters, tests of graphs
``skcausal.fairness``        Is it fair? Audits under a structural model
``skcausal.decision``        What to do? Actions by what they would cause
``skcausal.analysis``        The whole story: the report and the command line
``skcausal.datasets``        Generators with known effects and public data
``skcausal.testing``         For authors of estimators: laws every learner must pass
===========================  ==========================================================

These helpers live here because every package uses them: :func:`causal_target`
lets the treatment travel inside ``y``, :func:`add_nuisances` adds shared nuisance
estimates to it, :func:`effect_of` gives a fitted Pipeline or search the verbs of its
final learner. ``OverlapWarning`` is raised where arms hardly overlap,
``NoIntervalWarning`` where a value comes without a valid interval,
``WeakInstrumentWarning`` where an instrument hardly moves the treatment.
"""

from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from typing import Any

try:
    __version__ = version("skcausal")
except PackageNotFoundError:  # a checkout that was never installed
    __version__ = "0.0.0"

_HOMES = {
    "add_nuisances": "skcausal.estimation._evaluation",
    "causal_target": "skcausal.utils._target",
    "effect_of": "skcausal.estimation._delegation",
    "NoIntervalWarning": "skcausal.utils._validation",
    "OverlapWarning": "skcausal.utils._validation",
    "WeakInstrumentWarning": "skcausal.utils._validation",
}

__all__ = [
    "NoIntervalWarning",
    "OverlapWarning",
    "WeakInstrumentWarning",
    "add_nuisances",
    "causal_target",
    "effect_of",
]


def __getattr__(name: str) -> Any:
    """Import a helper on first use, so that ``import skcausal`` stays light."""
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'skcausal' has no attribute {name!r}")


def __dir__() -> list[str]:
    """List the public names, those imported on first use included."""
    return sorted([*globals(), *__all__])
