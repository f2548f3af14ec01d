"""Displays over the fraction treated: Qini and TOC."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np

from skcausal.inference._bootstrap import BootstrapEstimate, half_sample_replicates
from skcausal.validation._plots._base import (
    GREY,
    EffectDisplay,
    count_displays,
    mark,
    new_axes,
    next_colour,
    percent,
    with_interval,
)
from skcausal.validation._ranking import Ranking, gain_points, resolve_ranking
from skcausal.validation._rate import autoc_area
from skcausal.validation._uplift import qini_area


def gains_at(ranking: Ranking, fractions: np.ndarray) -> np.ndarray:
    """Return the gain curve at given fractions."""
    return np.interp(fractions, *gain_points(ranking))


def toc_at(ranking: Ranking, fractions: np.ndarray) -> np.ndarray:
    """Return the TOC at given positive fractions."""
    return gains_at(ranking, fractions) / fractions - ranking.mean


@dataclass(frozen=True)
class _Curve:
    """A curve on a grid of fractions, and the area that sums it up."""

    at: Callable[[Ranking, np.ndarray], np.ndarray]
    area: Callable[[Ranking], float]
    fractions: np.ndarray

    def estimate(
        self, ranking: Ranking, n_bootstrap: int, random_state: Any
    ) -> tuple[BootstrapEstimate, BootstrapEstimate]:
        """Return area and curve, bootstrapped on the same half-samples."""

        def both(part: Ranking) -> np.ndarray:
            return np.append(self.at(part, self.fractions), self.area(part))

        values = both(ranking)
        replicates = half_sample_replicates(
            lambda rows: both(ranking.take(rows)),
            len(ranking.effects),
            ranking.groups,
            n_bootstrap,
            random_state,
        )
        return (
            BootstrapEstimate(values[-1], replicates[:, -1]),
            BootstrapEstimate(values[:-1], replicates[:, :-1]),
        )


class _CurveDisplay(EffectDisplay):
    """A curve over the fraction treated, with a pointwise band."""

    _curve: ClassVar[_Curve]

    def __init__(
        self,
        *,
        fractions: np.ndarray,
        curve: BootstrapEstimate,
        score: BootstrapEstimate,
        level: float = 0.95,
        name: str | None = None,
    ) -> None:
        self.fractions = fractions
        self.curve = curve
        self.score = score
        self.level = level
        self.name = name

    @classmethod
    def from_effects(
        cls,
        effects: Any,
        y: Any = None,
        treatment: Any = None,
        *,
        scores: Any = None,
        propensity: Any = None,
        sample_weight: Any = None,
        groups: Any = None,
        level: float = 0.95,
        n_bootstrap: int = 200,
        random_state: Any = 0,
        name: str | None = None,
        ax: Any = None,
        **kwargs: Any,
    ) -> Self:
        """Compute the curve from predicted effects, and plot it.

        Parameters
        ----------
        effects : array-like of shape (n,)
            Predicted effects of rows that neither fitting nor selection saw.
        y : array-like of shape (n,), default=None
            Outcome of a randomised design.
        treatment : array-like of shape (n,), default=None
            Treatment of a randomised design, 0 or 1.
        scores : array-like of shape (n,), default=None
            Doubly robust effect scores; for observational data, instead of ``y`` and
            ``treatment``.
        propensity : float or array-like of shape (n,), default=None
            Known probability of treatment, with ``y`` and ``treatment``. Default: the
            treated share.
        sample_weight : array-like of shape (n,), default=None
            Non-negative weights of the rows.
        groups : array-like of shape (n,), default=None
            Cluster labels: the bootstrap draws half of the clusters.
        level : float, default=0.95
            Coverage of the band at each fraction, and of the area's interval.
        n_bootstrap : int, default=200
            Number of half-samples.
        random_state : int, Generator, RandomState or None, default=0
            Seed of the half-samples.
        name : str, default=None
            Name in the legend.
        ax : matplotlib Axes, default=None
            Axes to draw on. Default: those of a new figure.
        **kwargs : dict
            Passed to ``plot``.

        Returns
        -------
        display : EffectDisplay
            The display of this class, plotted.
        """
        owner = f"{cls.__name__}.from_effects"
        ranking = resolve_ranking(
            owner, effects, y, treatment, scores, propensity, sample_weight, groups
        )
        score, curve = cls._curve.estimate(ranking, n_bootstrap, random_state)
        display = cls(
            fractions=cls._curve.fractions,
            curve=curve,
            score=score,
            level=level,
            name=name,
        )
        return display.plot(ax=ax, **kwargs)

    def _draw(self, ax: Any, name: str | None, area: str, kwargs: dict) -> Any:
        """Draw band and curve; return the axes."""
        from matplotlib.ticker import PercentFormatter

        ax = new_axes(ax)
        first = count_displays(ax) == 0
        name = self.name if name is None else name
        text = f"{area} {with_interval(self.score, self.level)}"
        style = {
            "color": next_colour(ax),
            "linewidth": 2,
            "label": text if name is None else f"{name}: {text}",
        } | kwargs
        lower, upper = self.curve.interval(self.level)
        (line,) = ax.plot(self.fractions, self.curve.value, **style)
        mark(line)
        ax.fill_between(
            self.fractions,
            lower,
            upper,
            color=line.get_color(),
            alpha=0.18,
            linewidth=0,
            label=f"{percent(self.level)} pointwise band" if first else None,
        )
        ax.set_xlim(0, 1)
        ax.set_xlabel("Fraction of rows treated, largest predicted effect first")
        ax.xaxis.set_major_formatter(PercentFormatter(1.0))
        return ax

    def _finish(self, ax: Any, location: str) -> Self:
        """Add the legend and keep the axes."""
        ax.legend(loc=location, frameon=False)
        self.ax_, self.figure_ = ax, ax.figure
        return self


class QiniDisplay(_CurveDisplay):
    """Gain from treating the top fraction by predicted effect, with a band.

    Make it with ``QiniDisplay.from_effects`` or ``QiniDisplay.from_estimator``.

    Parameters
    ----------
    fractions : ndarray of shape (m,)
        Fractions of the rows treated, increasing, in [0, 1].
    curve : BootstrapEstimate
        Gain at these fractions, in the units of the outcome per row.
    score : BootstrapEstimate
        Qini score, the area between the curve and random targeting.
    level : float, default=0.95
        Coverage of band and interval.
    name : str, default=None
        Name in the legend.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Axes with the curve.
    figure_ : matplotlib Figure
        Figure containing it.

    See Also
    --------
    qini_curve : The values, and what they assume.

    Notes
    -----
    Assumes what :func:`qini_curve` assumes. The band holds at each fraction on its
    own (half-sample bootstrap) and includes the uncertainty of the average effect; the
    interval of the Qini score judges the curve as a whole.

    Examples
    --------
    >>> import numpy as np
    >>> from skcausal.validation import QiniDisplay
    >>> effects = np.linspace(0, 1, 200)
    >>> scores = effects + np.random.default_rng(0).normal(size=200)
    >>> display = QiniDisplay.from_effects(effects, scores=scores)
    >>> display.ax_.get_ylabel()
    'Gain per row (units of the outcome)'
    """

    _curve = _Curve(gains_at, qini_area, np.linspace(0, 1, 101))

    def plot(self, ax: Any = None, *, name: str | None = None, **kwargs: Any) -> Self:
        """Draw the curve, its band and the line of random targeting.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to draw on; several displays may share them. Default: a new figure.
        name : str, default=None
            Name in the legend, instead of that of the display.
        **kwargs : dict
            Style of the curve, passed to ``Axes.plot``.

        Returns
        -------
        display : QiniDisplay
            The display itself.
        """
        ax = self._draw(ax, name, "Qini", kwargs)
        ends = np.asarray(self.curve.value)[[0, -1]]
        alone = count_displays(ax) == 1
        label = "Random order" if alone else None
        ax.plot([0, 1], ends, color=GREY, linestyle="--", linewidth=1.2, label=label)
        ax.set_ylabel("Gain per row (units of the outcome)")
        return self._finish(ax, "best")


class TOCDisplay(_CurveDisplay):
    r"""How much larger the effect is in the top fraction than in everyone, with a band.

    Make it with ``TOCDisplay.from_effects`` or ``TOCDisplay.from_estimator``.

    Parameters
    ----------
    fractions : ndarray of shape (m,)
        Fractions of the rows treated, increasing, in (0, 1].
    curve : BootstrapEstimate
        TOC at these fractions, in the units of the outcome.
    score : BootstrapEstimate
        AUTOC, the area under the whole curve.
    level : float, default=0.95
        Coverage of band and interval.
    name : str, default=None
        Name in the legend.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Axes with the curve.
    figure_ : matplotlib Figure
        Figure containing it.

    See Also
    --------
    toc_curve : The values, and what they assume.

    Notes
    -----
    Assumes what :func:`toc_curve` assumes. The curve is shown from 5 % of the rows:
    further left it averages so few rows that the band would dwarf the rest. The area
    includes that part. The band holds at each fraction on its own (half-sample
    bootstrap); the interval of the AUTOC judges the order as a whole.

    References
    ----------
    Yadlowsky et al. (2025), arXiv:2111.07966.

    Examples
    --------
    >>> import numpy as np
    >>> from skcausal.validation import TOCDisplay
    >>> effects = np.linspace(0, 1, 200)
    >>> scores = effects + np.random.default_rng(0).normal(size=200)
    >>> display = TOCDisplay.from_effects(effects, scores=scores)
    >>> display.ax_.get_ylabel()
    'Effect in the fraction minus average effect\n(units of the outcome)'
    """

    _curve = _Curve(toc_at, autoc_area, np.linspace(0.05, 1, 96))

    def plot(self, ax: Any = None, *, name: str | None = None, **kwargs: Any) -> Self:
        """Draw the curve, its band and the line of no difference.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to draw on; several displays may share them. Default: a new figure.
        name : str, default=None
            Name in the legend, instead of that of the display.
        **kwargs : dict
            Style of the curve, passed to ``Axes.plot``.

        Returns
        -------
        display : TOCDisplay
            The display itself.
        """
        ax = self._draw(ax, name, "AUTOC", kwargs)
        if count_displays(ax) == 1:
            ax.axhline(
                0, color=GREY, linestyle="--", linewidth=1.2, label="Random order"
            )
        ax.set_ylabel(
            "Effect in the fraction minus average effect\n(units of the outcome)"
        )
        return self._finish(ax, "upper right")
