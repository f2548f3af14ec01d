"""What ties a category in one world to the same row's category in another."""

import copy
import warnings
from collections.abc import Iterable
from typing import Any

import numpy as np

from skcausal.structural._categorical import CategoricalNoise
from skcausal.structural._counterfactual_errors import CouplingWarning
from skcausal.structural._gumbel import GumbelMax
from skcausal.structural._interventions import FunctionOfRow
from skcausal.structural._mechanism import Mechanism

SHARED = ("shared_noise", "gumbel_max", "monotone")
COUPLINGS = (*SHARED, "bounds", "independent")


def check_coupling(
    coupling: Any, owner: str, allowed: tuple[str, ...] = COUPLINGS
) -> str:
    """Refuse what is no coupling, or none that the caller can use."""
    if coupling not in allowed:
        raise ValueError(
            f"{owner}: coupling must be one of {', '.join(allowed)}, got {coupling!r}."
        )
    return str(coupling)


def is_category(mechanism: Mechanism) -> bool:
    """Tell whether a mechanism draws labels with probabilities that it knows."""
    return getattr(mechanism, "classes_", None) is not None


def probabilities_of(mechanism: Any, parents: Any) -> np.ndarray:
    """Return the probability of each class of a mechanism given its parents."""
    if hasattr(mechanism, "probabilities"):
        return np.asarray(mechanism.probabilities(parents))
    second = np.asarray(mechanism.mean(parents))
    return np.column_stack([1 - second, second])


class InverseCDF(CategoricalNoise):
    """A fitted mechanism of a category with one uniform noise, classes in order."""

    def __init__(self, source: Any) -> None:
        self.source = source
        self.classes_ = source.classes_

    def probabilities(self, parents: Any) -> np.ndarray:
        """Return those of the source."""
        return probabilities_of(self.source, parents)


class Gumbels(GumbelMax):
    """A fitted mechanism of a category with a Gumbel noise per class."""

    def __init__(self, source: Any) -> None:
        self.source = source
        self.classes_ = source.classes_

    def probabilities(self, parents: Any) -> np.ndarray:
        """Return those of the source."""
        return probabilities_of(self.source, parents)


def coupled_model(model: Any, coupling: str) -> Any:
    """Return a model whose categories have the noise that a coupling asks for."""
    kind: Any = {"gumbel_max": Gumbels, "monotone": InverseCDF}.get(coupling)
    if kind is None:
        return model
    new = copy.copy(model)
    new.mechanisms_ = {
        node: _with_noise_of(one, kind) for node, one in model.mechanisms_.items()
    }
    return new


def own_coupling(model: Any) -> str:
    """Return the coupling of a model: one that shares noise."""
    coupling = getattr(model, "coupling", SHARED[0])
    return coupling if coupling in SHARED else SHARED[0]


def in_own_coupling(model: Any) -> Any:
    """Return a model whose categories have the noise that its own coupling asks for."""
    return coupled_model(model, own_coupling(model))


def _with_noise_of(mechanism: Mechanism, kind: Any) -> Mechanism:
    if isinstance(mechanism, FunctionOfRow):
        natural = _with_noise_of(mechanism.natural, kind)
        return FunctionOfRow(
            mechanism.node, mechanism.function, natural, mechanism.dtype
        )
    return kind(mechanism) if is_category(mechanism) else mechanism


def warn_of_coupling(
    nodes: Iterable[Any], coupling: str, owner: str, stacklevel: int = 3
) -> None:
    """Warn once where the answer rests on a choice that no data can test."""
    names = ", ".join(map(str, nodes))
    if not names:
        return
    if coupling == "independent":
        reason = (
            "draws fresh noise in the other world, so that part of what changes "
            "is noise and not the intervention"
        )
    else:
        # Where no bounds can be given, those who ask for them get the mechanisms.
        coupling = "shared_noise" if coupling == "bounds" else coupling
        reason = (
            f"rests on coupling={coupling!r}, which ties {names} in both worlds and "
            "which no data can test; compare other couplings, or take the bounds of "
            "counterfactual(..., coupling='bounds')"
        )
    warnings.warn(
        f"{owner}: the answer {reason}.", CouplingWarning, stacklevel=stacklevel
    )


def frechet_bounds(
    seen: np.ndarray, other: np.ndarray, codes: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    r"""Return bounds on the probability of each class in the other world.

    ``seen`` and ``other`` hold the probabilities of the classes in both worlds, of
    shape (n, n_classes), and ``codes`` the class seen: with :math:`p` of the class
    seen and :math:`q` of another, the joint probability lies between
    :math:`\max(0, p + q - 1)` and :math:`\min(p, q)`.
    """
    p = seen[np.arange(len(codes)), codes][:, None]
    return np.maximum(0, p + other - 1) / p, np.minimum(p, other) / p
