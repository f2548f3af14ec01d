"""EffectEstimate: standard errors, clusters, arithmetic, tables."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sklearn.base import clone

from skcausal.inference import EffectEstimate


@pytest.fixture
def sample(rng):
    return rng.normal(loc=1.0, size=(40, 2))


def mean_of(values, **options):
    """Make the estimate of a mean (per column)."""
    center = values.mean(axis=0)
    return EffectEstimate.from_influence(center, values - center, **options)


def test_standard_error_of_a_mean_is_the_textbook_one(sample):
    column = sample[:, 0]
    estimate = mean_of(column)
    assert estimate.value == pytest.approx(column.mean())
    assert estimate.standard_error == pytest.approx(stats.sem(column))
    assert isinstance(estimate.value, float)
    assert estimate.influence.shape == (40,)


def test_interval_and_p_value_are_normal(sample):
    estimate = mean_of(sample[:, 0])
    lower, upper = estimate.interval(level=0.9)
    margin = 1.6448536269514722 * stats.sem(sample[:, 0])
    assert (lower, upper) == pytest.approx(
        (estimate.value - margin, estimate.value + margin)
    )
    z = estimate.value / estimate.standard_error
    assert estimate.p_value == pytest.approx(2 * stats.norm.sf(abs(z)))


@pytest.mark.parametrize("level", [0, 1, -0.1, 95])
def test_level_is_checked(sample, level):
    with pytest.raises(
        ValueError, match=f"level must lie between 0 and 1, got {level}"
    ):
        mean_of(sample).interval(level)


def test_clusters_equal_the_error_of_cluster_sums(sample, rng):
    groups = rng.permutation(np.repeat(["a", "b", "c", "d", "e"], 8))
    column = sample[:, 0]
    estimate = mean_of(column, groups=groups)
    sums = pd.Series(column - column.mean()).groupby(groups).sum()
    expected = np.sqrt((sums**2).sum() * 5 / 4) / 40
    assert estimate.standard_error == pytest.approx(expected)
    lower, upper = estimate.interval()
    assert upper - lower == pytest.approx(2 * stats.t(4).ppf(0.975) * expected)
    t = abs(estimate.value) / expected
    assert estimate.p_value == pytest.approx(2 * stats.t(4).sf(t))


def test_with_groups_adds_and_removes_clusters(sample, rng):
    groups = np.repeat(np.arange(10), 4)
    plain = mean_of(sample[:, 0])
    clustered = plain.with_groups(groups)
    expected = mean_of(sample[:, 0], groups=groups).standard_error
    assert clustered.standard_error == expected
    assert clustered.with_groups(None).standard_error == plain.standard_error
    assert plain.with_groups(np.arange(40)).standard_error == pytest.approx(
        plain.standard_error
    )
    with pytest.raises(ValueError, match="groups must have one label for each of the"):
        plain.with_groups(groups[:-1])


def test_one_cluster_has_no_standard_error(sample):
    estimate = mean_of(sample[:, 0], groups=np.zeros(40))
    assert np.isnan(estimate.standard_error)


def test_difference_and_sum_use_the_joint_influence(sample):
    first, second = mean_of(sample[:, 0]), mean_of(sample[:, 1])
    difference = first - second
    paired = sample[:, 0] - sample[:, 1]
    assert difference.value == pytest.approx(paired.mean())
    assert difference.standard_error == pytest.approx(stats.sem(paired))
    total = first + second
    assert total.standard_error == pytest.approx(stats.sem(sample.sum(axis=1)))
    assert (first - first).standard_error == 0


def test_scaling_and_sign(sample):
    estimate = mean_of(sample[:, 0])
    for scaled in (estimate * 3, 3 * estimate, -(estimate * -3)):
        assert scaled.value == pytest.approx(3 * estimate.value)
        assert scaled.standard_error == pytest.approx(3 * estimate.standard_error)
        assert scaled.p_value == pytest.approx(estimate.p_value)


def test_unlike_rows_refuse_to_add(sample):
    estimate = mean_of(sample[:, 0], row_key="train")
    with pytest.raises(ValueError, match=r"same rows.*squared\s+standard errors"):
        estimate - mean_of(sample[:, 0], row_key="test")
    with pytest.raises(ValueError, match="only estimates made on the same rows"):
        estimate + mean_of(sample[:30, 0], row_key="train")
    with pytest.raises(ValueError, match="only estimates made on the same rows"):
        estimate + mean_of(sample, row_key="train")
    with pytest.raises(TypeError, match="another EffectEstimate only, got float"):
        estimate + 1.0


def test_unlike_groups_refuse_to_add(sample):
    first = mean_of(sample[:, 0], groups=np.repeat(np.arange(10), 4))
    second = mean_of(sample[:, 1], groups=np.tile(np.arange(10), 4))
    with pytest.raises(ValueError, match="groups"):
        first - second
    plain = mean_of(sample[:, 1])
    assert (first - plain).groups is first.groups
    assert (plain - first).groups is first.groups


def test_labels_and_getitem(sample):
    estimate = mean_of(sample, labels=("mail", "call"))
    assert estimate.value.shape == estimate.standard_error.shape == (2,)
    call = estimate["call"]
    assert call.labels == ("call",)
    assert isinstance(call.value, float)
    assert call.standard_error == pytest.approx(stats.sem(sample[:, 1]))
    contrast = estimate["mail"] - call
    assert contrast.labels == ("(mail) - (call)",)
    assert contrast.value == pytest.approx(sample[:, 0].mean() - sample[:, 1].mean())
    with pytest.raises(KeyError, match=r"no effect 'text'; its labels are \('mail'"):
        estimate["text"]


def test_repeats_aggregate_by_medians(sample):
    centers = np.array([0.9, 1.4, 1.0])
    influences = np.stack([sample - sample.mean(axis=0), sample * 0.5, sample * 2])
    estimate = EffectEstimate(
        np.column_stack([centers, centers * 2]), influences, labels=("a", "b")
    )
    np.testing.assert_allclose(estimate.value, [1.0, 2.0])
    variance = np.array([(i**2).sum(axis=0) / (40 * 39) for i in influences])
    spread = (np.column_stack([centers, centers * 2]) - [1.0, 2.0]) ** 2
    expected = np.sqrt(np.median(variance + spread, axis=0))
    np.testing.assert_allclose(estimate.standard_error, expected)
    np.testing.assert_allclose(estimate.influence, influences.mean(axis=0))


def test_null_of_a_ratio(sample):
    ratio = EffectEstimate(
        np.array([[1.5]]), (sample[:, :1] - sample[:, 0].mean())[None], null=1.0
    )
    z = 0.5 / ratio.standard_error
    assert ratio.p_value == pytest.approx(2 * stats.norm.sf(z))
    assert (ratio - ratio).null == 0
    assert (ratio * 2).p_value == pytest.approx(ratio.p_value)


def test_p_value_without_noise():
    certain = EffectEstimate.from_influence(1.0, np.zeros(5))
    assert certain.p_value == 0


def test_summary_table(sample):
    estimate = mean_of(sample, labels=("mail", "call"))
    table = estimate.summary(level=0.9)
    assert table.index.tolist() == ["mail", "call"]
    columns = ["estimate", "standard_error", "lower", "upper", "p_value"]
    assert table.columns.tolist() == columns
    lower, upper = estimate.interval(0.9)
    np.testing.assert_allclose(table["lower"], lower)
    np.testing.assert_allclose(table["upper"], upper)
    np.testing.assert_allclose(table["p_value"], estimate.p_value)
    one = mean_of(sample[:, 0], name="lift").summary()
    assert one.index.tolist() == ["lift"]


def test_tuple_labels_stay_whole(sample):
    estimate = mean_of(sample, labels=(("mail", "old"), ("mail", "new")))
    assert estimate.summary().index.tolist() == [("mail", "old"), ("mail", "new")]
    assert estimate["mail", "new"].value == pytest.approx(sample[:, 1].mean())


def test_repr_and_html(sample):
    estimate = EffectEstimate.from_influence(
        np.array([1.0, 2.0]), np.zeros((4, 2)), labels=("mail", "<b>"), name="effect"
    )
    text = repr(estimate)
    assert text.startswith("EffectEstimate(mail: 1 (95% interval 1 to 1); <b>: 2")
    html = estimate._repr_html_()
    assert "<strong>effect</strong>" in html
    assert "<b>" not in html


def test_estimates_are_immutable_and_leave_scikit_learn_alone(sample):
    estimate = mean_of(sample)
    with pytest.raises(AttributeError, match="cannot assign"):
        estimate.values = 0
    assert clone(estimate, safe=False).value.shape == (2,)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"influences": np.zeros((1, 5, 3))}, r"must have shape \(n_repeats, n, n_eff"),
        ({"influences": np.zeros((5, 2))}, r"= \(1, n, 2\), got \(5, 2\)"),
        ({"labels": ("one",)}, "labels must name all 2 effects, got 1"),
        ({"groups": np.zeros(4)}, "one label for each of the 5 rows, got shape"),
    ],
)
def test_shapes_are_checked(changes, message):
    options = {"values": np.zeros((1, 2)), "influences": np.zeros((1, 5, 2))}
    with pytest.raises(ValueError, match=message):
        EffectEstimate(**(options | changes))
