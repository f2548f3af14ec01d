"""Checks of the options of generators and loaders."""

from collections.abc import Sequence
from numbers import Integral, Real
from typing import Any


def check_option(owner: str, name: str, value: Any, allowed: Sequence[Any]) -> None:
    """Raise unless ``value`` is one of ``allowed``."""
    if not any(type(value) is type(item) and value == item for item in allowed):
        choices = ", ".join(repr(item) for item in allowed)
        raise ValueError(f"{owner}: {name} must be one of {choices}, got {value!r}.")


def check_integer(
    owner: str, name: str, value: Any, low: int, high: int | None = None
) -> None:
    """Raise unless ``value`` is an integer from ``low`` to ``high``."""
    is_integer = isinstance(value, Integral) and not isinstance(value, bool)
    if not is_integer or value < low or (high is not None and value > high):
        rule = f"at least {low}" if high is None else f"from {low} to {high}"
        raise ValueError(f"{owner}: {name} must be an integer {rule}, got {value!r}.")


def check_number(
    owner: str, name: str, value: Any, low: float, high: float, closed: str = "both"
) -> None:
    """Raise unless ``value`` is a number between ``low`` and ``high``.

    ``closed`` tells which ends are allowed: ``"both"``, ``"left"``, ``"right"``
    or ``"neither"``.
    """
    is_number = isinstance(value, Real) and not isinstance(value, bool)
    left, right = closed in {"both", "left"}, closed in {"both", "right"}
    if (
        not is_number
        or not low <= value <= high
        or (value == low and not left)
        or (value == high and not right)
    ):
        interval = f"{'[' if left else '('}{low}, {high}{']' if right else ')'}"
        raise ValueError(
            f"{owner}: {name} must be a number in {interval}, got {value!r}."
        )
