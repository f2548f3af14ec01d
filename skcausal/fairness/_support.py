"""Tell whether rows as they would have been look like rows that were seen."""

from typing import Any

import numpy as np
import pandas as pd
from sklearn.neighbors import NearestNeighbors

_NEIGHBOURS = 5
_MOST_ROWS = 5000  # training rows that others are compared with
_INSIDE = 99  # per cent of the training rows that are inside


class Support:
    """Distance to the fifth nearest training row, and how large it may be.

    Numbers are divided by their standard deviation, each category is an indicator, so
    that another category is a distance of about 1.4.
    """

    def __init__(self, table: pd.DataFrame, random: np.random.Generator) -> None:
        if len(table) > _MOST_ROWS:
            table = table.iloc[random.choice(len(table), _MOST_ROWS, replace=False)]
        self.names = list(table.columns)
        self.scales = {
            name: float(np.std(table[name].astype(float))) or 1.0
            for name in self.names
            if not isinstance(table[name].dtype, pd.CategoricalDtype)
        }
        points = self._points(table)
        k = min(_NEIGHBOURS, len(points) - 1)
        self.search = NearestNeighbors(n_neighbors=k, algorithm="brute").fit(points)
        self.bound = float(np.percentile(self.search.kneighbors()[0][:, -1], _INSIDE))

    def outside(self, table: pd.DataFrame) -> np.ndarray:
        """Tell which rows are farther from the training rows than those are."""
        points, place = np.unique(self._points(table), axis=0, return_inverse=True)
        distance = self.search.kneighbors(points)[0][:, -1]
        # Squares lose half of the digits.
        return (distance > self.bound * (1 + 1e-6) + 1e-6)[np.ravel(place)]

    def _points(self, table: pd.DataFrame) -> np.ndarray:
        columns: list[Any] = []
        for name in self.names:
            values = table[name]
            if name in self.scales:
                columns.append(values.to_numpy(dtype=float) / self.scales[name])
            else:
                codes = values.cat.codes.to_numpy()
                columns.extend(np.eye(len(values.cat.categories))[codes].T)
        return np.column_stack(columns)


def outside_support(
    worlds: Any, case: Any, training: pd.DataFrame, random: np.random.Generator
) -> np.ndarray:
    """Tell which rows are outside in which world, by one draw of each."""
    model = worlds.model
    names = [n for n in case.nodes(model.graph) if n in model.graph]
    names = list(dict.fromkeys([*names, worlds.sensitive]))
    support = Support(model.known(training, names), random)
    table = model.known(case.frame[case.counted])
    several = worlds.each(table, case.values, 1, random)
    return np.column_stack([support.outside(world[names]) for world in several])
