"""The whole story: from a table to a report, in Python and as ``skcausal``.

Importing this package is cheap: learners and figures are imported by the functions
that need them, so ``skcausal --help`` answers at once.
"""

from skcausal.analysis._command_line import main

__all__ = ["main"]
