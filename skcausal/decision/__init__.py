"""What to do? Actions chosen by what they would cause.

- ``StructuralRecourse``: what a person could do so that a model decides otherwise, and
  what would follow from it (a ``RecourseResult`` with a ``Recourse`` per way).
"""

from skcausal.decision._recourse import StructuralRecourse
from skcausal.decision._recourse_result import Recourse, RecourseResult

__all__ = ["Recourse", "RecourseResult", "StructuralRecourse"]
