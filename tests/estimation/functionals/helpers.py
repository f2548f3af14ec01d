"""Samples whose treatment and outcome share a cause that nobody sees."""

import numpy as np
import pandas as pd
from scipy.special import expit


def front_door(n, seed, *, binary_mediator=False, covariate=False):
    """Return a frame and the true effect of ``a`` on ``y`` through ``m``."""
    rng = np.random.default_rng(seed)
    hidden = rng.standard_normal(n)
    c = rng.standard_normal(n) if covariate else np.zeros(n)
    a = (rng.random(n) < expit(0.8 * hidden + 0.3 * c)).astype(int)
    if binary_mediator:
        m = (rng.random(n) < expit(-0.5 + 1.2 * a)).astype(int)
        truth = 2 * float(expit(0.7) - expit(-0.5))
    else:
        m = 0.8 * a + 0.3 * c + rng.standard_normal(n)
        truth = 1.6
    y = 2 * m + 1.5 * hidden + c + rng.standard_normal(n)
    frame = pd.DataFrame({"a": a, "m": m, "y": y})
    return (frame.assign(c=c) if covariate else frame), truth


def napkin(n, seed, *, continuous=False):
    """Return a frame of the napkin graph and the true effect of ``x`` on ``y``."""
    rng = np.random.default_rng(seed)
    one, two = rng.random((2, n)) < 0.5
    z = (rng.random(n) < 0.2 + 0.3 * one + 0.3 * two).astype(int)
    w = (rng.random(n) < 0.3 + 0.4 * z).astype(int)
    x = (rng.random(n) < 0.2 + 0.3 * w + 0.3 * one).astype(int)
    mean = 0.2 + 0.3 * x + 0.3 * two
    y = mean + rng.standard_normal(n) if continuous else rng.random(n) < mean
    return pd.DataFrame({"z": z, "w": w, "x": x, "y": y * 1}), 0.3
