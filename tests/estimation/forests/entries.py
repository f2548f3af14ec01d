"""Kernels that have no entry from Python, called from tests."""

from functools import cache
from typing import Any

import numba


@cache
def entry(kernel: Any) -> Any:
    """Return an entry to a kernel; it is compiled once for each type of arguments."""
    return numba.njit(lambda arguments: kernel(*arguments))


def call(kernel: Any, *arguments: Any) -> Any:
    """Call a kernel that only kernels call; from Python it would crash."""
    return entry(kernel)(arguments)
