"""The nodes that rows pass, against a walk by hand."""

import numpy as np
import pandas as pd
import pytest

from skcausal.estimation import RegressionForest

# Unsigned words are meant to wrap around; NumPy says so where numba is switched off.
pytestmark = pytest.mark.filterwarnings("ignore:overflow encountered in scalar")


@pytest.fixture(scope="module")
def table():
    """Numbers with missing values next to a category."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(300, 2))
    level = rng.integers(0, 9, 300)
    y = (x[:, 0] > 0) + level % 3 + 0.1 * rng.normal(size=300)
    x[::5, 0] = np.nan
    frame = pd.DataFrame(x, columns=["a", "b"])
    return frame.assign(c=pd.Categorical([f"l{k}" for k in level])), y


def path_by_hand(forest, codes, tree):
    """Return the nodes of one tree that one row of codes passes."""
    start, sets = forest.node_start[tree], forest.subset_start[tree]
    number, passed = 0, []
    while True:
        passed.append(start + number)
        node = int(forest.nodes[start + number])
        if node < 0:
            return passed
        code = int(codes[(node >> 9) & 0xFFFFFF])
        subset = forest.subset_of[sets + number]
        if subset >= 0:
            words = forest.subsets[forest.set_start[tree] + subset]
            left = bool((int(words[code // 64]) >> (code % 64)) & 1)
        elif code == 0:
            left = not (node >> 8) & 1
        else:
            left = code <= node & 255
        number = (node >> 33) + (0 if left else 1)


def test_decision_path(table):
    X, y = table
    forest = RegressionForest(n_estimators=6, n_jobs=2, random_state=0).fit(X, y)
    indicator, starts = forest.decision_path(X)
    flat, codes = forest.forest_, forest._bins.transform(X)
    assert indicator.shape == (300, starts[-1])
    assert starts[-1] == len(flat.nodes)
    dense = indicator.toarray()
    assert dense.dtype == np.int64
    for row in range(0, 300, 7):
        expected = [path_by_hand(flat, codes[row], tree) for tree in range(6)]
        np.testing.assert_array_equal(np.flatnonzero(dense[row]), np.hstack(expected))
    assert indicator.has_sorted_indices
    assert dense.sum() == dense.astype(bool).sum()
    # One root and one leaf per tree, the leaf that apply names.
    leaf = np.array([p[-1] for p in expected])
    numbers = flat.leaf_start[:-1] - flat.nodes[leaf] - 1
    found = forest.apply(X)[row]
    np.testing.assert_array_equal(numbers[found >= 0], found[found >= 0])
