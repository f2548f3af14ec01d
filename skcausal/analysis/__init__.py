"""The whole story: from a table to a report, in Python and as ``skcausal``.

`CausalAnalysis` takes a question with a causal graph through identification,
estimation, attacks and sensitivity; `main` is the command line.

Importing this package is cheap: learners and figures are imported by the functions
that need them, so ``skcausal --help`` answers at once.
"""

from importlib import import_module
from typing import Any

from skcausal.analysis._command_line import main

__all__ = ["CausalAnalysis", "main"]


def __getattr__(name: str) -> Any:
    """Import `CausalAnalysis` on first use."""
    if name == "CausalAnalysis":
        return import_module("skcausal.analysis._causal_analysis").CausalAnalysis
    raise AttributeError(f"module 'skcausal.analysis' has no attribute {name!r}")
