"""Where nodes are drawn: layers from causes to effects, with few crossings.

The steps of Sugiyama, Tagawa and Toda (1981): layers, order within layers by
barycentres, coordinates. An arrow over several layers has a place in each of them.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt
from scipy.optimize import isotonic_regression

from skcausal.graphs._adjacency import Adjacency, topological_order

Floats = npt.NDArray[np.float64]
_N_SWEEPS = 12
_COLUMN_GAP, _ROW_GAP = 36.0, 18.0


@dataclass(frozen=True)
class Layout:
    """Where nodes are, and where arrows may run without meeting one.

    Parameters
    ----------
    centres : ndarray of shape (n_nodes, 2)
        Causes are to the left of effects; no two nodes overlap.
    channels : list of ndarray of shape (n_points, 2)
        For each arrow a line of points from its tail to its head: level beside nodes,
        up or down between the columns.
    """

    centres: Floats
    channels: list[Floats]


@dataclass(frozen=True)
class _Layers:
    """The layers, each a list of places; places from ``n_nodes`` on are of arrows."""

    layers: list[list[int]]
    neighbours: list[list[int]]  # of each place, in the layers beside it
    arrows: list[list[int]]  # the places of each arrow, one for each layer


def find_layout(adjacency: Adjacency, sizes: Floats) -> Layout:
    """Return places for the nodes of a graph.

    Parameters
    ----------
    adjacency : Adjacency
        Who is joined to whom.
    sizes : ndarray of shape (n_nodes, 2)
        Width and height of each node.

    Returns
    -------
    Layout
        Centres of nodes and channels of arrows.
    """
    if not adjacency.n_nodes:
        return Layout(np.zeros((0, 2)), [])
    of_node = _layer_of_node(adjacency)
    places = _with_places_of_arrows(adjacency, of_node)
    _order(places)
    heights = np.zeros(len(places.neighbours))
    heights[: len(sizes)] = sizes[:, 1]
    rows = _rows(places, heights)
    widths = np.zeros(len(places.layers))
    np.maximum.at(widths, of_node, sizes[:, 0])
    steps = (widths[:-1] + widths[1:]) / 2 + _COLUMN_GAP
    columns = np.concatenate([[0.0], np.cumsum(steps)])
    channels = []
    for a, way in zip(adjacency.directed[:, 0], places.arrows, strict=True):
        layers = of_node[a] + np.arange(len(way))
        sides = columns[layers, None] + np.array([-0.5, 0.5]) * widths[layers, None]
        channel = np.column_stack([sides.ravel(), np.repeat(rows[way], 2)])
        channel[[0, -1], 0] = columns[layers[[0, -1]]]
        channels.append(channel)
    return Layout(np.column_stack([columns[of_node], rows[: len(sizes)]]), channels)


def _layer_of_node(adjacency: Adjacency) -> npt.NDArray[np.int64]:
    layer = np.zeros(adjacency.n_nodes, dtype=np.int64)
    order = topological_order(adjacency)
    for node in order:
        for child in adjacency.children[node]:
            layer[child] = max(layer[child], layer[node] + 1)
    for node in reversed(order):
        children, parents = adjacency.children[node], adjacency.parents[node]
        if children and not parents:
            layer[node] = layer[children].min() - 1
        elif not children and not parents and adjacency.siblings[node]:
            layer[node] = round(float(layer[adjacency.siblings[node]].mean()))
    return layer


def _with_places_of_arrows(
    adjacency: Adjacency, of_node: npt.NDArray[np.int64]
) -> _Layers:
    layers: list[list[int]] = [[] for _ in range(of_node.max() + 1)]
    for node in topological_order(adjacency):
        layers[of_node[node]].append(node)
    neighbours: list[list[int]] = [[] for _ in range(adjacency.n_nodes)]
    arrows = []
    for a, b in adjacency.directed.tolist():
        between = range(of_node[a] + 1, of_node[b])
        new = list(range(len(neighbours), len(neighbours) + len(between)))
        neighbours += [[] for _ in new]
        for layer, place in zip(between, new, strict=True):
            layers[layer].append(place)
        arrows.append([a, *new, b])
        for left, right in pairwise(arrows[-1]):
            neighbours[left].append(right)
            neighbours[right].append(left)
    return _Layers(layers, neighbours, arrows)


def _order(places: _Layers) -> None:
    """Sort each layer by the mean place of its neighbours, forwards and backwards."""
    best, fewest = [list(layer) for layer in places.layers], _n_crossings(places)
    for sweep in range(_N_SWEEPS):
        if fewest == 0:
            break
        layers = places.layers if sweep % 2 == 0 else places.layers[::-1]
        for fixed, free in pairwise(layers):
            rank = {place: k for k, place in enumerate(fixed)}
            here = {place: k for k, place in enumerate(free)}

            def centre(
                place: int, rank: dict[int, int] = rank, here: dict[int, int] = here
            ) -> float:
                ranks = [rank[n] for n in places.neighbours[place] if n in rank]
                return sum(ranks) / len(ranks) if ranks else here[place]

            free.sort(key=centre)
        crossings = _n_crossings(places)
        if crossings < fewest:
            best, fewest = [list(layer) for layer in places.layers], crossings
    places.layers[:] = best


def _n_crossings(places: _Layers) -> int:
    total = 0
    for left, right in pairwise(places.layers):
        rank = {place: k for k, place in enumerate(right)}
        ends = [
            sorted(rank[n] for n in places.neighbours[place] if n in rank)
            for place in left
        ]
        flat = np.array([end for part in ends for end in part], dtype=np.int64)
        owner = np.repeat(np.arange(len(left)), [len(part) for part in ends])
        later = owner[:, None] < owner[None, :]
        total += int((later & (flat[:, None] > flat[None, :])).sum())
    return total


def _rows(places: _Layers, heights: Floats) -> Floats:
    """Return heights near those of neighbours, without overlap within a layer."""
    rows = np.zeros(len(heights))
    offsets = []
    for layer in places.layers:
        half = heights[layer] / 2
        steps = np.concatenate([[0.0], half[:-1] + half[1:] + _ROW_GAP])
        offsets.append(np.cumsum(steps))
        rows[layer] = offsets[-1] - offsets[-1].mean()
    for sweep in range(_N_SWEEPS):
        step = 1 if sweep % 2 == 0 else -1
        for layer, offset in list(zip(places.layers, offsets, strict=True))[::step]:
            wanted = [
                rows[near].mean() if (near := places.neighbours[place]) else rows[place]
                for place in layer
            ]
            rows[layer] = isotonic_regression(np.array(wanted) - offset).x + offset
    return -rows  # the first of a layer is on top
