"""Names as shapes: text that scales with its node, so that it never leaves it."""

import re
from typing import Any

_MOST_LETTERS, _MOST_LINES = 14, 4
_BREAK = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[_\-./, ])")
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f]+")


def label_lines(name: object) -> list[str]:
    """Return a name in lines, broken after blanks, underscores and before capitals.

    Parameters
    ----------
    name : object
        What the node is called.

    Returns
    -------
    list of str
        At most four lines; what does not fit is left out, marked by dots.
    """
    text = _UNPRINTABLE.sub(" ", str(name)).strip() or "\N{OPEN BOX}"
    lines = [""]
    for piece in _BREAK.split(text):
        for start in range(0, len(piece), 2 * _MOST_LETTERS):
            part = piece[start : start + 2 * _MOST_LETTERS]
            if lines[-1] and len(lines[-1]) + len(part) > _MOST_LETTERS:
                lines.append("")
            lines[-1] += part
    lines = [line.strip() for line in lines if line.strip()]
    if len(lines) > _MOST_LINES:
        lines = lines[:_MOST_LINES]
        lines[-1] = lines[-1][:-1] + "\N{HORIZONTAL ELLIPSIS}"
    return lines


def label_path(name: object, size: float) -> tuple[Any, float, float]:
    """Return the outline of a name around the origin.

    Parameters
    ----------
    name : object
        What the node is called.
    size : float
        Height of the letters, in the units of the drawing.

    Returns
    -------
    tuple of (matplotlib.path.Path, float, float)
        The outline, its width and its height.
    """
    from matplotlib.path import Path
    from matplotlib.textpath import TextPath
    from matplotlib.transforms import Affine2D

    lines = label_lines(name)
    height = 1.15 * size
    outlines = []
    widest = 0.0
    for k, line in enumerate(lines):
        outline = TextPath((0, 0), line.replace("$", r"\$"), size=size)
        box = outline.get_extents()
        low = (len(lines) / 2 - 0.5 - k) * height - 0.35 * size
        move = Affine2D().translate(-(box.x0 + box.x1) / 2, low)
        outlines.append(move.transform_path(outline))
        widest = max(widest, box.width)
    return Path.make_compound_path(*outlines), widest, height * len(lines)
