"""Can data answer? A graph and a question become columns, a formula or a refusal.

Formulas are trees of `Probability`, `Sum`, `Product`, `Fraction`, `One` and `Zero`;
a `Variable` is a node at one of its values, maybe in another world. `evaluate` gives a
formula numbers under a discrete distribution, which is a `Table` with named axes.
`IdentificationError` and its kind `NoAdjustmentSetError` say what stands in the way.
"""

from skcausal.identification._errors import IdentificationError, NoAdjustmentSetError
from skcausal.identification._evaluation import Table, evaluate
from skcausal.identification._expressions import (
    Expression,
    Fraction,
    One,
    Probability,
    Product,
    Sum,
    Zero,
)
from skcausal.identification._variables import Variable

__all__ = [
    "Expression",
    "Fraction",
    "IdentificationError",
    "NoAdjustmentSetError",
    "One",
    "Probability",
    "Product",
    "Sum",
    "Table",
    "Variable",
    "Zero",
    "evaluate",
]
