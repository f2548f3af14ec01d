"""For every test and doctest: figures without a screen, closed after use."""

import os
import sys
from collections.abc import Iterator

os.environ["MPLBACKEND"] = "Agg"  # before anything imports pyplot

import numpy as np
import pytest


@pytest.fixture(autouse=True)
def close_figures() -> Iterator[None]:
    """Close the figures that a test has drawn."""
    yield
    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close("all")


@pytest.fixture
def rng() -> np.random.Generator:
    """Return a generator with a fixed seed."""
    return np.random.default_rng(0)
