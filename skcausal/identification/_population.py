"""Another population, of which something is known."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from skcausal.identification._errors import IdentificationError


@dataclass(frozen=True)
class Population:
    """Another population with the same graph, in which something was seen.

    Parameters
    ----------
    name : str
        How formulas call it.
    differs : sequence of node, default=()
        Nodes that come about in another way there: their mechanism or the
        distribution of their hidden causes differs from that of the population the
        question is about. Of a pair with a common hidden cause whose distribution
        differs, name both.
    experiments : sequence of collections of nodes, default=((),)
        What was set while all other nodes were seen; an empty collection stands for
        what was seen without an experiment.

    Raises
    ------
    IdentificationError
        If there is no name, or no data.

    References
    ----------
    Bareinboim, E. and Pearl, J. (2016). Causal inference and the data-fusion problem.
    PNAS 113(27). https://doi.org/10.1073/pnas.1510507113

    Examples
    --------
    >>> from skcausal.graphs import CausalGraph
    >>> from skcausal.identification import Population, identify
    >>> arrows = [("age", "health"), ("drug", "health")]
    >>> graph = CausalGraph(arrows, [("drug", "health")])
    >>> trial = Population("trial", differs=["age"], experiments=[["drug"]])
    >>> print(identify(graph, "drug", "health", populations=[trial]))
    P(health | do(drug)) = Σ_{age} P_trial(health | do(drug), age) P(age)
    """

    name: str
    differs: Sequence[Any] = ()
    experiments: Sequence[Collection[Any]] = ((),)

    def __post_init__(self) -> None:
        """Keep tuples, so that a population can be compared and hashed."""
        for field in ("differs", "experiments"):
            if isinstance(getattr(self, field), str):
                raise IdentificationError(
                    f"Population: {field} must be a list, got "
                    f"{getattr(self, field)!r}. Put it in brackets."
                )
        trials = tuple(
            (one,) if isinstance(one, str) else tuple(one) for one in self.experiments
        )
        if not trials:
            raise IdentificationError(
                f"Population: experiments of {self.name!r} must not be empty; [()] "
                "stands for data without an experiment."
            )
        object.__setattr__(self, "differs", tuple(self.differs))
        object.__setattr__(self, "experiments", trials)
