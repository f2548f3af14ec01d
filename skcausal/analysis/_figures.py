"""The figures of the report, as SVG text that stands inside the page.

Matplotlib is imported when a figure is drawn, and only its `Figure` objects are
used, so no window system and no state of pyplot is touched.
"""

import io
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from skcausal.analysis._numbers import Units
from skcausal.analysis._result import BalanceRow, Contrast, Curve, Driver, Overlap
from skcausal.analysis._result import Estimate as _Estimate

INK = "#22303c"
MUTED = "#8793a0"
GRID = "#e6eaee"
MAIN = "#1f6f8b"
BAND = "#cfe3ea"
ACCENT = "#c2603f"
ARMS = (MUTED, MAIN, ACCENT, "#6b8f3c", "#7a5c99", "#b98a1d")

_STYLE: Any = {
    "svg.fonttype": "none",
    "svg.hashsalt": "skcausal",
    "text.parse_math": False,
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "axes.edgecolor": MUTED,
    "axes.labelcolor": INK,
    "axes.labelsize": 9,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.unicode_minus": True,
    "text.color": INK,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "legend.frameon": False,
    "legend.fontsize": 8.5,
}
_WIDTH = 4.9
_LONGEST_LABEL = 30


@contextmanager
def _figure(height: float = 3.1, width: float = _WIDTH) -> Iterator[tuple[Any, Any]]:
    import matplotlib as mpl
    from matplotlib.figure import Figure

    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=(width, height), layout="constrained")
        axes = figure.subplots()
        axes.tick_params(length=0)
        yield figure, axes


def _svg(figure: Any, name: str) -> str:
    """Write a figure as an SVG element as wide as the page lets it be."""
    opening = r'<svg [^>]*?(viewBox="[^"]*")[^>]*>'
    return re.sub(opening, r'<svg \1 role="img">', _sized_svg(figure, name), count=1)


def _sized_svg(figure: Any, name: str, **options: Any) -> str:
    """Write a figure as an SVG element whose ids no other figure shares."""
    buffer = io.StringIO()
    figure.savefig(
        buffer,
        format="svg",
        transparent=True,
        metadata={"Date": None, "Creator": None, "Format": None, "Type": None},
        **options,
    )
    text = buffer.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    text = re.sub(r"<!--.*?-->", "", text, flags=re.DOTALL)
    text = re.sub(r'(<[^<>]*?\bid=")', rf"\1{name}-", text)
    text = re.sub(r'(?:xlink:)?href="#', f'href="#{name}-', text)
    text = text.replace("url(#", f"url(#{name}-")
    return text.replace("'DejaVu Sans'", "var(--sans)")


def short(text: str, longest: int = _LONGEST_LABEL) -> str:
    """Cut the middle out of a label that would not fit beside a figure."""
    if len(text) <= longest:
        return text
    head = longest // 2
    return f"{text[:head]}\u2026{text[head + 1 - longest :]}"


def _factor(estimates: Sequence[_Estimate], units: Units) -> tuple[Any, Any]:
    values = np.array([units.factor * e.value for e in estimates])
    lower = np.array([units.factor * e.lower for e in estimates])
    upper = np.array([units.factor * e.upper for e in estimates])
    return values, np.abs(np.vstack([values - lower, upper - values]))


def forest_plot(
    labels: Sequence[str],
    estimates: Sequence[_Estimate],
    units: Units,
    name: str,
    *,
    reference: float | None = None,
    xlabel: str | None = None,
) -> str:
    """Draw estimates with intervals, one line each, the first on top."""
    values, spread = _factor(estimates, units)
    with _figure(height=0.75 + 0.27 * len(labels)) as (figure, axes):
        places = np.arange(len(labels))[::-1]
        axes.axvline(0, color=MUTED, linewidth=0.8)
        if reference is not None:
            axes.axvline(
                units.factor * reference,
                color=ACCENT,
                linewidth=1,
                linestyle=(0, (4, 3)),
            )
        axes.errorbar(
            values,
            places,
            xerr=spread,
            fmt="o",
            color=MAIN,
            markersize=5,
            linewidth=1.6,
        )
        axes.set_yticks(places, [short(label) for label in labels])
        axes.set_ylim(-0.6, len(labels) - 0.4)
        axes.grid(axis="x", color=GRID)
        axes.spines["left"].set_visible(False)
        axes.set_xlabel(xlabel or f"effect ({units.suffix})")
        return _svg(figure, name)


def display_plot(plot: Callable[[Any], Any], name: str) -> str:
    """Draw what a display puts on the axes that it is given."""
    with _figure() as (figure, axes):
        plot(axes)
        return _svg(figure, name)


def groups_plot(contrast: Contrast, units: Units, name: str) -> str:
    """Draw the effect in each group of predicted effect, highest first."""
    estimates = [group.estimate for group in contrast.groups]
    values, spread = _factor(estimates, units)
    with _figure() as (figure, axes):
        places = np.arange(1, len(estimates) + 1)
        axes.axhline(0, color=MUTED, linewidth=0.8)
        axes.bar(places, values, width=0.72, color=BAND)
        axes.errorbar(places, values, yerr=spread, fmt="o", color=MAIN, markersize=4)
        average = units.factor * contrast.overall.value
        axes.axhline(average, color=ACCENT, linewidth=1, linestyle=(0, (4, 3)))
        axes.set_xticks(places)
        axes.set_xlim(0.4, len(places) + 0.6)
        axes.grid(axis="y", color=GRID)
        axes.set_xlabel("group by predicted effect (1 = highest)")
        axes.set_ylabel(f"effect ({units.suffix})")
        return _svg(figure, name)


def _curve(axes: Any, curve: Curve, factor: float) -> None:
    share = 100 * np.asarray(curve.share)
    axes.fill_between(
        share,
        factor * np.asarray(curve.lower),
        factor * np.asarray(curve.upper),
        color=BAND,
        linewidth=0,
    )
    axes.plot(share, factor * np.asarray(curve.value), color=MAIN, linewidth=1.8)
    axes.set_xlim(0, 100)
    axes.grid(color=GRID)
    axes.set_xlabel("share treated, highest predicted effect first (%)")


def toc_plot(contrast: Contrast, units: Units, name: str) -> str:
    """Draw the targeting operator characteristic with its interval."""
    with _figure() as (figure, axes):
        _curve(axes, contrast.toc, units.factor)
        axes.axhline(0, color=ACCENT, linewidth=1, linestyle=(0, (4, 3)))
        axes.set_ylabel("gain over the average effect")
        axes.set_ylim(*_limits(contrast.toc, units.factor))
        return _svg(figure, name)


def _limits(curve: Curve, factor: float) -> tuple[float, float]:
    """Leave out the few first points, whose intervals dwarf the rest."""
    share = np.asarray(curve.share)
    kept = share >= 0.05 if (share >= 0.05).any() else share >= 0
    low = factor * float(np.nanmin(np.asarray(curve.lower)[kept]))
    high = factor * float(np.nanmax(np.asarray(curve.upper)[kept]))
    room = 0.06 * max(high - low, 1e-12)
    return min(low, 0.0) - room, max(high, 0.0) + room


def gain_plot(contrast: Contrast, units: Units, name: str) -> str:
    """Draw the Qini (gain) curve, its interval and the line of random targeting."""
    with _figure() as (figure, axes):
        _curve(axes, contrast.gain, units.factor)
        end = units.factor * contrast.gain.value[-1]
        axes.plot([0, 100], [0, end], color=ACCENT, linewidth=1, linestyle=(0, (4, 3)))
        axes.set_ylabel("gain per row of the table")
        return _svg(figure, name)


def calibration_plot(contrast: Contrast, units: Units, name: str) -> str:
    """Draw observed against predicted effect, group by group."""
    values, spread = _factor([group.estimate for group in contrast.groups], units)
    predicted = units.factor * np.array([group.predicted for group in contrast.groups])
    with _figure() as (figure, axes):
        ends = np.array([predicted.min(), predicted.max()])
        axes.plot(ends, ends, color=ACCENT, linewidth=1, linestyle=(0, (4, 3)))
        axes.errorbar(
            predicted, values, yerr=spread, fmt="o", color=MAIN, markersize=4.5
        )
        axes.axhline(0, color=MUTED, linewidth=0.8)
        axes.grid(color=GRID)
        axes.set_xlabel(f"predicted effect ({units.suffix})")
        axes.set_ylabel("observed effect")
        return _svg(figure, name)


def drivers_plot(drivers: Sequence[Driver], name: str) -> str:
    """Draw what share of the predicted effect's variation each column moves."""
    with _figure(height=0.75 + 0.27 * len(drivers)) as (figure, axes):
        places = np.arange(len(drivers))[::-1]
        shares = [100 * driver.importance for driver in drivers]
        axes.barh(places, shares, height=0.62, color=MAIN)
        axes.set_yticks(places, [short(driver.column) for driver in drivers])
        axes.set_xlim(left=0)
        axes.grid(axis="x", color=GRID)
        axes.spines["left"].set_visible(False)
        axes.set_xlabel("importance for the predicted effect (%)")
        return _svg(figure, name)


def overlap_plot(overlap: Overlap, labels: Sequence[str], name: str) -> str:
    """Draw the predicted chance of treatment, arm by arm."""
    edges = 100 * np.asarray(overlap.edges)
    with _figure() as (figure, axes):
        for arm, counts in enumerate(overlap.counts):
            heights = 100 * np.asarray(counts) / max(sum(counts), 1)
            axes.stairs(
                heights,
                edges,
                fill=True,
                alpha=0.35,
                color=ARMS[arm % len(ARMS)],
            )
            axes.stairs(
                heights,
                edges,
                color=ARMS[arm % len(ARMS)],
                linewidth=1.3,
                label=short(labels[arm], 24),
            )
        axes.set_xlim(0, 100)
        axes.set_ylim(bottom=0)
        axes.grid(axis="y", color=GRID)
        two = len(overlap.counts) == 2
        axes.set_xlabel(
            f"chance to be in the {'treated' if two else 'own'} arm, from features (%)"
        )
        axes.set_ylabel("rows of the arm (%)")
        axes.legend(loc="best")
        return _svg(figure, name)


def balance_plot(rows: Sequence[BalanceRow], name: str, *, weighted: bool) -> str:
    """Draw standardised mean differences before and after weighting."""
    with _figure(height=0.95 + 0.24 * len(rows)) as (figure, axes):
        places = np.arange(len(rows))[::-1]
        axes.axvspan(-0.1, 0.1, color="#eef3f0", linewidth=0)
        axes.axvline(0, color=MUTED, linewidth=0.8)
        before = [row.before for row in rows]
        after = [row.after for row in rows]
        if weighted:
            axes.plot(before, places, "o", color=MUTED, markersize=5, label="as found")
            axes.plot(after, places, "o", color=MAIN, markersize=5, label="weighted")
            axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2)
        else:
            axes.plot(before, places, "o", color=MAIN, markersize=5)
        widest = np.nanmax(np.abs([*before, *after, 0.12]))
        axes.set_xlim(-1.1 * widest, 1.1 * widest)
        axes.set_yticks(places, [short(row.feature) for row in rows])
        axes.set_ylim(-0.6, len(rows) - 0.4)
        axes.grid(axis="x", color=GRID)
        axes.spines["left"].set_visible(False)
        axes.set_xlabel("difference (standard deviations)")
        return _svg(figure, name)


def formula(latex: str, text: str) -> str:
    """Draw a formula; one that matplotlib cannot set is written as plain text."""
    import matplotlib as mpl
    from markupsafe import escape
    from matplotlib.figure import Figure

    style: Any = {"text.parse_math": True, "mathtext.fontset": "dejavuserif"}
    with mpl.rc_context({**_STYLE, **style, "svg.fonttype": "path"}):
        figure = Figure(figsize=(0.1, 0.1))
        figure.text(0, 0, f"${latex}$", fontsize=12)
        try:
            return _sized_svg(figure, "formula", bbox_inches="tight")
        except ValueError:
            return f"<pre>{escape(text)}</pre>"
