"""What all displays of effects share: evaluation of an estimator, and the look."""

from typing import Any, Self

import numpy as np

from skcausal.estimation._delegation import final_learner
from skcausal.estimation._evaluation import effect_scores
from skcausal.utils._target import resolve_target
from skcausal.validation._ranking import check_vector

# Colour-blind safe (Okabe and Ito 2008), and distinct in grey.
PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
GREY = "#6B6B6B"
_MARK = "skcausal-display"


class EffectDisplay:
    """Base of the displays: subclasses define ``from_effects`` and ``plot``."""

    figure_: Any
    ax_: Any

    @classmethod
    def from_effects(cls, effects: Any, y: Any = None, **kwargs: Any) -> Self:
        """Compute what is shown from predicted effects, and plot it."""
        raise NotImplementedError

    def plot(self, ax: Any = None, *, name: str | None = None, **kwargs: Any) -> Self:
        """Draw what was computed."""
        raise NotImplementedError

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any,
        y: Any = None,
        *,
        treatment: Any = None,
        scores: Any = None,
        propensity: Any = None,
        sample_weight: Any = None,
        groups: Any = None,
        name: str | None = None,
        ax: Any = None,
        **kwargs: Any,
    ) -> Self:
        """Predict effects of new rows, score them and plot.

        Parameters
        ----------
        estimator : estimator
            A fitted learner with two arms, or a Pipeline or fitted search that ends
            in one.
        X : array-like of shape (n, n_features)
            Covariates of rows that neither fitting nor selection saw.
        y : array-like of shape (n,), default=None
            Outcome, or a ``causal_target``; may be left out if ``scores`` are given.
        treatment : array-like of shape (n,), default=None
            Treatment, unless ``y`` carries it.
        scores : array-like of shape (n,), default=None
            Doubly robust effect scores. Default: cross-fitted on the given rows.
        propensity : float or array-like of shape (n,), default=None
            Known probability of treatment; declares a randomised design with
            treatment 0 or 1, whose scores need no model.
        sample_weight : array-like of shape (n,), default=None
            Non-negative weights of the rows.
        groups : array-like of shape (n,), default=None
            Cluster labels, for scores and intervals.
        name : str, default=None
            Name in the legend. Default: the class of the final learner.
        ax : matplotlib Axes, default=None
            Axes to draw on. Default: those of a new figure.
        **kwargs : dict
            Passed to ``from_effects``.

        Returns
        -------
        display : EffectDisplay
            The display of this class, plotted.

        Raises
        ------
        ValueError
            If the estimator predicts several contrasts, or the treatment is missing.
        """
        owner = f"{cls.__name__}.from_estimator"
        effects = check_vector(estimator.predict(X), "effects", owner)
        learner = final_learner(estimator)
        given: dict[str, Any] = {
            "scores": scores,
            "propensity": propensity,
            "sample_weight": sample_weight,
            "groups": groups,
        }
        if scores is None:
            parts = resolve_target(owner, y, treatment, sample_weight, groups)
            given |= {"sample_weight": parts.sample_weight, "groups": parts.groups}
            if propensity is None:
                given["scores"] = effect_scores(
                    X,
                    y,
                    treatment=treatment,
                    sample_weight=sample_weight,
                    groups=groups,
                    control_arm=getattr(learner, "control_arm_", None),
                )
            else:
                given |= {"y": parts.outcome, "treatment": parts.treatment}
        name = type(learner).__name__ if name is None else name
        return cls.from_effects(effects, **given, name=name, ax=ax, **kwargs)


def new_axes(ax: Any, size: tuple[float, float] = (6.4, 4.4)) -> Any:
    """Return ``ax``, or the axes of a new figure, without needless ink."""
    if ax is None:
        import matplotlib.pyplot as plt

        _, ax = plt.subplots(figsize=size, layout="constrained")
    ax.spines[["top", "right"]].set_visible(False)
    ax.grid(True, axis="y", color="0.9", linewidth=0.8)
    ax.set_axisbelow(True)
    return ax


def count_displays(ax: Any) -> int:
    """Return how many displays the axes hold already."""
    return sum(line.get_gid() == _MARK for line in ax.lines)


def next_colour(ax: Any) -> str:
    """Return the colour of the next display on the axes."""
    return PALETTE[count_displays(ax) % len(PALETTE)]


def mark(line: Any) -> None:
    """Mark a line as the one that stands for a display."""
    line.set_gid(_MARK)


def with_interval(estimate: Any, level: float) -> str:
    """Write an estimate with its interval, to two digits of the standard error."""
    lower, upper = estimate.interval(level)
    error = estimate.standard_error
    digits = max(0, 1 - int(np.floor(np.log10(error)))) if error > 0 else 3
    return f"{estimate.value:.{digits}f} [{lower:.{digits}f}, {upper:.{digits}f}]"


def percent(level: float) -> str:
    """Write a level as a percentage."""
    return f"{100 * level:g} %"
