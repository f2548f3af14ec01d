"""Estimators of EconML behind our interface; needs ``pip install "skcausal[econml]"``.

- ``EconMLEffect``: fit, score, search and compare any EconML estimator of conditional
  effects as if it were one of our learners.
"""

from skcausal.estimation.adapters._econml_effect import EconMLEffect

__all__ = ["EconMLEffect"]
