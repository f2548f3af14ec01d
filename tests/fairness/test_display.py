"""Pictures of an audit show its numbers."""

import numpy as np
import pytest

from skcausal.fairness import CounterfactualFairnessAuditor, FairnessAuditDisplay
from tests.fairness.helpers import Above, line, shifted


@pytest.fixture(scope="module")
def audit():
    frame, model = shifted()
    auditor = CounterfactualFairnessAuditor(model, "group").fit(frame)
    return auditor.audit(Above(x=1.0), frame)


def test_density_shows_before_and_after(audit):
    display = audit.plot(ax=None)
    assert isinstance(display, FairnessAuditDisplay)
    before, after = display.ax_.patches[::-1]
    values = before.get_data().values
    assert values.sum() == pytest.approx(1)
    apart = np.abs(values - after.get_data().values).sum() / 2
    shown = audit.pairs["total_variation"]
    assert min(abs(shown - apart)) < 1e-12
    labels = [text.get_text() for text in display.ax_.get_legend().get_texts()]
    assert "as they are" in labels


def test_flips_show_the_matrix(audit):
    display = FairnessAuditDisplay.from_audit(audit, kind="flips")
    texts = [text.get_text() for text in display.ax_.texts]
    shares = audit.pairs["flip_probability"]
    assert texts == [f"{100 * share:.1f} %" for share in shares]


def test_individuals_show_rows_of_one_group(audit):
    display = FairnessAuditDisplay.from_audit(audit, kind="individuals", group=1.0)
    after, before = display.ax_.lines
    assert len(before.get_ydata()) == 60
    assert (after.get_ydata() < before.get_ydata()).all()


def test_bad_input(audit):
    with pytest.raises(ValueError, match="kind must be one of"):
        audit.plot("bars")
    with pytest.raises(ValueError, match="group must be one of"):
        FairnessAuditDisplay.from_audit(audit, group="z")
    with pytest.raises(TypeError, match="audit must be a FairnessAudit"):
        FairnessAuditDisplay.from_audit({"a": 1})
    frame, model = shifted()
    auditor = CounterfactualFairnessAuditor(model, "group").fit(frame)
    with pytest.raises(ValueError, match="nothing flips"):
        auditor.audit(line(frame, x=1.0), frame).plot("flips")
    with pytest.raises(ValueError, match="level must be between"):
        audit.interval(2)
