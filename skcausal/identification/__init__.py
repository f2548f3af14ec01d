"""Can data answer? A graph and a question become columns, a formula or a refusal.

`identify` finds the formula of an effect, an `Estimand`, or raises `NotIdentifiedError`
with the `Hedge` that forbids it; a `Population` is another place where something is
known. `AdjustmentSets` finds the sets of covariates that
turn an association into an effect, and `AdjustmentSelector` keeps their columns as a
step of a Pipeline; `FrontDoorSets` finds the mediators and `InstrumentSets`
the instruments that help where a cause is hidden.

`identify_counterfactual` asks about several worlds at once and returns a
`CounterfactualEstimand`; `mediation_effects` returns the `MediationEffects` of what
goes through mediators and past them, `path_specific_effect` what goes along arrows.
`DoCalculus` applies the three rules, each with a `RuleResult`, and writes a
`Derivation` of `DerivationStep` lines.

Formulas are trees of `Probability`, `Sum`, `Product`, `Fraction`, `Covariance`, `One`
and `Zero`; a `Variable` is a node at one of its values, maybe in another world.
`evaluate` gives a formula numbers under a discrete distribution, which is a `Table`
with named axes. `Columns` says which columns of a table play which role.

`IdentificationError` and its kinds `NotIdentifiedError`, `NoAdjustmentSetError`,
`NoFrontDoorSetError`, `NoInstrumentError` and `MissingColumnError` say what stands in
the way.
"""

from skcausal.identification._adjustment import AdjustmentSets
from skcausal.identification._columns import Columns
from skcausal.identification._counterfactual import identify_counterfactual
from skcausal.identification._counterfactual_estimand import CounterfactualEstimand
from skcausal.identification._derivation import Derivation, DerivationStep
from skcausal.identification._do_calculus import DoCalculus, RuleResult
from skcausal.identification._errors import (
    IdentificationError,
    MissingColumnError,
    NoAdjustmentSetError,
    NotIdentifiedError,
)
from skcausal.identification._estimand import Estimand
from skcausal.identification._evaluation import Table, evaluate
from skcausal.identification._expression import Expression, One, Zero
from skcausal.identification._expressions import (
    Covariance,
    Fraction,
    Probability,
    Product,
    Sum,
)
from skcausal.identification._front_door import FrontDoorSets, NoFrontDoorSetError
from skcausal.identification._id import Hedge
from skcausal.identification._identify import identify
from skcausal.identification._instruments import InstrumentSets, NoInstrumentError
from skcausal.identification._mediation import (
    MediationEffects,
    mediation_effects,
    path_specific_effect,
)
from skcausal.identification._population import Population
from skcausal.identification._selector import AdjustmentSelector
from skcausal.identification._steps import Step
from skcausal.identification._variables import Variable

__all__ = [
    "AdjustmentSelector",
    "AdjustmentSets",
    "Columns",
    "CounterfactualEstimand",
    "Covariance",
    "Derivation",
    "DerivationStep",
    "DoCalculus",
    "Estimand",
    "Expression",
    "Fraction",
    "FrontDoorSets",
    "Hedge",
    "IdentificationError",
    "InstrumentSets",
    "MediationEffects",
    "MissingColumnError",
    "NoAdjustmentSetError",
    "NoFrontDoorSetError",
    "NoInstrumentError",
    "NotIdentifiedError",
    "One",
    "Population",
    "Probability",
    "Product",
    "RuleResult",
    "Step",
    "Sum",
    "Table",
    "Variable",
    "Zero",
    "evaluate",
    "identify",
    "identify_counterfactual",
    "mediation_effects",
    "path_specific_effect",
]
