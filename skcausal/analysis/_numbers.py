"""Numbers as people read them: few digits, percent for rates, a true minus."""

import math
from dataclasses import dataclass

_MINUS = "\u2212"
_DASH = "\u2013"


def _decimals(scale: float) -> int:
    """Return the decimals that show two significant digits of `scale`."""
    if not math.isfinite(scale) or scale <= 0:
        return 3
    return min(max(1 - math.floor(math.log10(scale)), 0), 8)


def number(value: float, decimals: int = 2) -> str:
    """Format with a thousands separator and a true minus sign."""
    if not math.isfinite(value):
        return _DASH
    text = f"{value:,.{decimals}f}"
    if float(text.replace(",", "")) == 0:
        text = text.lstrip("-")
    return text.replace("-", _MINUS)


def threshold(value: float) -> str:
    """Format the limit of a group: three digits, more only for large numbers."""
    text = f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"
    return text.replace("-", _MINUS)


def percent(value: float, decimals: int = 0) -> str:
    """Format a share as percent."""
    return f"{number(100 * value, decimals)}\u00a0%"


def p_value(value: float | None) -> str:
    """Format a p-value, never as zero."""
    if value is None or not math.isfinite(value):
        return _DASH
    if value < 0.001:
        return "< 0.001"
    return f"{value:.3f}" if value < 0.1 else f"{value:.2f}"


@dataclass(frozen=True)
class Units:
    """How the effects of one analysis are written.

    Parameters
    ----------
    rate : bool
        Whether the outcome is 0/1: effects become percentage points.
    precision : float
        A typical standard error: it fixes the number of digits.
    outcome : str
        The name of the outcome, for axes.
    """

    rate: bool
    precision: float
    outcome: str = "the outcome"

    @property
    def factor(self) -> float:
        """The factor from the outcome's units to the printed ones."""
        return 100.0 if self.rate else 1.0

    @property
    def decimals(self) -> int:
        """Digits after the point."""
        digits = _decimals(self.factor * self.precision)
        return max(digits, 1) if self.rate else digits

    def effect(self, value: float, *, sign: bool = True) -> str:
        """Format an effect, with its sign and without units."""
        text = number(self.factor * value, self.decimals)
        if sign and value > 0 and math.isfinite(value):
            return f"+{text}"
        return text

    def level(self, value: float) -> str:
        """Format a mean outcome, with a percent sign for a rate."""
        text = number(self.factor * value, self.decimals)
        return f"{text}\u00a0%" if self.rate else text

    def size(self, value: float) -> str:
        """Format an effect without its sign and with its units in words."""
        text = number(self.factor * abs(value), self.decimals)
        return f"{text} percentage points" if self.rate else text

    def interval(self, lower: float, upper: float) -> str:
        """Format an interval."""
        return f"{self.effect(lower, sign=False)} to {self.effect(upper, sign=False)}"

    @property
    def suffix(self) -> str:
        """The units after a heading or an axis label."""
        if self.rate:
            return "percentage points"
        name = self.outcome
        return f"in units of {name if len(name) <= 24 else 'the outcome'}"
