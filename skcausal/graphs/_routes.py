"""How edges run between nodes: straight if nothing is in the way, else around."""

from collections.abc import Iterator
from itertools import chain

import numpy as np
import numpy.typing as npt
from scipy.interpolate import PchipInterpolator

Floats = npt.NDArray[np.float64]
Masks = npt.NDArray[np.bool_]

_BENDS_OF_ARROWS = (0.0, 0.1, -0.1, 0.2, -0.2)
_BENDS_OF_ARCS = (0.12, 0.2, 0.28, 0.38, 0.5, 0.7, 1.0)
_STEPS = np.linspace(0.0, 1.0, 65)
_AIR = 5.0  # between an edge and a node that it passes
_LEAST_LENGTH = 30.0  # of an arc, to be seen as one
_LEAST_HEIGHT = 12.0  # over the straight line
_LEAST_HEIGHT_BESIDE_ARROW = 18.0


class Routes:
    """Finds a way for one edge after the other.

    Parameters
    ----------
    centres, sizes : ndarray of shape (n_nodes, 2)
        Where the boxes of the nodes are.
    rounding : float
        Radius of their corners.
    """

    def __init__(self, centres: Floats, sizes: Floats, rounding: float) -> None:
        self._centres, self._rounding = centres, rounding
        self._halves = sizes / 2 - rounding
        self._middles: list[Floats] = []

    def arrow(self, a: int, b: int, channel: Floats) -> Floats:
        """Return the points of an arrow from node a to node b.

        It is straight or bent a little; if both run over nodes, it keeps to its
        channel.
        """
        bent = (self._curve(a, b, bend) for bend in _BENDS_OF_ARROWS)
        around = (_smooth(points) for points in [channel])
        return self._best(a, b, chain(bent, around), 0.0)

    def arc(self, a: int, b: int, beside_arrow: bool) -> Floats:
        """Return the points of a bidirected edge, which is never straight."""
        length = float(np.linalg.norm(self._centres[a] - self._centres[b]))
        least = _LEAST_HEIGHT_BESIDE_ARROW if beside_arrow else _LEAST_HEIGHT
        bends = [bend for bend in _BENDS_OF_ARCS if bend * length > least]
        outward = self._outward(a, b)
        bent = (
            self._curve(a, b, side * bend)
            for bend in bends or _BENDS_OF_ARCS[-1:]
            for side in (outward, -outward)
        )
        return self._best(a, b, bent, _LEAST_LENGTH)

    def _best(
        self, a: int, b: int, curves: Iterator[Floats], shortest: float
    ) -> Floats:
        best, lowest = np.zeros((0, 2)), np.inf
        for curve in curves:
            visible = self._between(curve, a, b)
            cost = self._cost(visible, a, b, shortest)
            if cost < lowest:
                best, lowest = visible, cost
            if cost == 0:
                break
        self._middles.append(best[len(best) // 2])
        return best

    def _across(self, a: int, b: int) -> Floats:
        """Return a vector as long as the edge, at a right angle to it, upwards."""
        along = self._centres[b] - self._centres[a]
        across = np.array([-along[1], along[0]])
        return -across if tuple(across[::-1]) < (0.0, 0.0) else across

    def _outward(self, a: int, b: int) -> int:
        """Return 1 if up is away from the middle of the drawing, else -1."""
        middle = (self._centres[a] + self._centres[b]) / 2 - self._centres.mean(0)
        return 1 if middle @ self._across(a, b) > -1e-6 else -1

    def _curve(self, a: int, b: int, bend: float) -> Floats:
        start, end = self._centres[a], self._centres[b]
        control = (start + end) / 2 + 2 * bend * self._across(a, b)
        t = _STEPS[:, None]
        return (1 - t) ** 2 * start + 2 * t * (1 - t) * control + t**2 * end

    def _between(self, curve: Floats, a: int, b: int) -> Floats:
        """Return the part of a curve that is outside both nodes."""
        outside = ~self._inside(curve, 1.5, np.array([a, b])).any(1)
        return curve[outside] if outside.sum() > 2 else curve

    def _cost(self, curve: Floats, a: int, b: int, shortest: float) -> float:
        """Return how many nodes a curve runs over, and if it is hard to see."""
        near = self._near(curve)
        near = near[(near != a) & (near != b)]
        inside = self._inside(curve, _AIR, near)
        cost = float(inside.any(0).sum() + inside.any(1).mean())
        if np.linalg.norm(np.diff(curve, axis=0), axis=1).sum() < shortest:
            cost += 0.6
        away = np.array(self._middles).reshape(-1, 2) - curve[len(curve) // 2]
        return cost + 0.5 * bool((np.hypot(*away.T) < 2 * _AIR).any())

    def _near(self, curve: Floats) -> npt.NDArray[np.int64]:
        """Return the nodes in the rectangle around a curve."""
        reach = self._halves + self._rounding + _AIR
        above = self._centres + reach >= curve.min(0)
        below = self._centres - reach <= curve.max(0)
        return np.flatnonzero((above & below).all(1))

    def _inside(self, curve: Floats, air: float, nodes: npt.NDArray[np.int64]) -> Masks:
        """Tell for each point and node whether the point is in the node."""
        far = np.abs(curve[:, None] - self._centres[nodes]) - self._halves[nodes]
        corner = np.linalg.norm(np.maximum(far, 0.0), axis=2)
        return np.asarray(corner <= self._rounding + air)


def _smooth(channel: Floats) -> Floats:
    x = np.linspace(channel[0, 0], channel[-1, 0], 12 * len(channel))
    return np.column_stack([x, PchipInterpolator(*channel.T)(x)])
