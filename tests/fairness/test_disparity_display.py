"""The waterfall of a gap."""

import numpy as np
import pytest

from skcausal.fairness import DisparityDisplay, decompose_disparity
from tests.fairness.path_helpers import fairness_frame, linear_model


@pytest.fixture(scope="module")
def found():
    frame = fairness_frame(500)
    return decompose_disparity(
        linear_model(frame), frame, "a", "y", reference=0, compared=1
    )


def test_each_part_begins_where_the_last_one_ends(found):
    ax = DisparityDisplay.from_decomposition(found).ax_
    bars = ax.containers[-1].patches
    widths = [bar.get_width() for bar in bars]
    starts = [bar.get_x() for bar in bars]
    np.testing.assert_allclose(starts, [0, widths[0], sum(widths[:2]), 0])
    assert widths[3] == pytest.approx(sum(widths[:3]))
    assert widths[3] == pytest.approx(found["total variation"])
    names = [label.get_text() for label in ax.get_yticklabels()]
    assert names == ["direct", "indirect", "spurious", "gap"]


def test_all_effects_have_a_bar(found):
    display = DisparityDisplay.from_decomposition(found, kind="effects")
    bars = display.ax_.containers[-1].patches
    widths = [bar.get_width() for bar in bars]
    np.testing.assert_allclose(widths, found.table["effect"])
    assert display.figure_ is display.ax_.figure


def test_what_cannot_be_drawn_is_refused(found):
    with pytest.raises(TypeError, match="must be a DisparityDecomposition"):
        DisparityDisplay.from_decomposition(3)
    with pytest.raises(ValueError, match="kind must be"):
        DisparityDisplay.from_decomposition(found, kind="pie")


def test_results_tell_what_they_are(found):
    assert "y: 1 less 0" in repr(found)
    with pytest.raises(KeyError, match="no effect 'magic'"):
        found["magic"]
    narrow, wide = found.to_frame(0.5), found.to_frame(0.95)
    assert (wide["upper"] - narrow["upper"] > -1e-12).all()
