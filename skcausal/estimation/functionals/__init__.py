"""Effects by formulas that a causal graph gives, estimated from data."""

from skcausal.estimation.functionals._front_door import FrontDoorEffect

__all__ = ["FrontDoorEffect"]
