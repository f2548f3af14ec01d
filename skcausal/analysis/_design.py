"""What a user says about the assignment of an experiment."""

from collections.abc import Sequence

import numpy as np

from skcausal.analysis._errors import InputError
from skcausal.analysis._tables import Table, unknown_name

_TOLERANCE = 1e-6
_NEARLY_EQUAL = 0.05


def design_shares(words: Sequence[str], table: Table) -> tuple[float, ...] | None:
    """Read the shares of the arms from the words after --randomised.

    Parameters
    ----------
    words : sequence of str
        Nothing, one share of the treated arm, or ``label=share`` for the arms.
    table : Table
        The checked table.

    Returns
    -------
    tuple of float or None
        The share of each arm, control first; None if nothing was given.

    Raises
    ------
    InputError
        If a label is unknown or the shares are no probabilities.
    """
    if not words:
        return None
    if len(words) == 1 and "=" not in words[0]:
        if len(table.arms) != 2:
            msg = (
                f"--randomised: one share is not enough for {len(table.arms)} arms. "
                "Give label=share for each."
            )
            raise InputError(msg)
        share = _share(words[0])
        return _checked((1 - share, share))
    given = dict(_pair(word, table) for word in words)
    missing = [label for label in table.labels if label not in given]
    if len(missing) > 1:
        listed = ", ".join(f'"{label}"' for label in missing)
        msg = f"--randomised: the shares of {listed} are missing."
        raise InputError(msg)
    if missing:
        given[missing[0]] = 1 - sum(given.values())
    return _checked(tuple(given[label] for label in table.labels))


def _share(text: str) -> float:
    try:
        return float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
    except ValueError:
        msg = f'--randomised: "{text}" is neither a share nor label=share.'
        raise InputError(msg) from None


def _pair(word: str, table: Table) -> tuple[str, float]:
    label, found, share = word.rpartition("=")
    if not found:
        msg = f'--randomised: "{word}" should be label=share, such as "mail=0.5".'
        raise InputError(msg)
    if label not in table.labels:
        msg = (
            f'--randomised: "{label}" is not a label of '
            f'"{table.columns.treatment}". {unknown_name(label, table.labels)}'
        )
        raise InputError(msg)
    return label, _share(share)


def _checked(shares: tuple[float, ...]) -> tuple[float, ...]:
    inside = all(0 < share < 1 for share in shares)
    if not inside or abs(sum(shares) - 1) > _TOLERANCE:
        listed = ", ".join(f"{share:g}" for share in shares)
        msg = (
            f"--randomised: the shares ({listed}) must lie between 0 and 1 and sum to "
            "1, the control arm included."
        )
        raise InputError(msg)
    return shares


def observed_shares(table: Table) -> tuple[float, ...]:
    """Return the share of rows in each arm, control first."""
    counts = np.bincount(table.codes, minlength=len(table.arms))
    return tuple((counts / counts.sum()).tolist())


def shares_to_test(
    given: tuple[float, ...] | None, observed: tuple[float, ...]
) -> tuple[float, ...] | None:
    """Return the shares a sample-ratio test should expect, None if unknown.

    Without given shares an equal split is assumed, unless the arms are so unequal
    that another split was evidently meant.
    """
    if given is not None:
        return given
    equal = 1 / len(observed)
    if max(abs(share - equal) for share in observed) > _NEARLY_EQUAL:
        return None
    return (equal,) * len(observed)
