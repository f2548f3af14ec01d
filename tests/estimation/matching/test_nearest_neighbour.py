"""NearestNeighbourMatching against the published formulas, by hand and over seeds."""

import pickle
import warnings

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy.spatial.distance import cdist
from sklearn.linear_model import LogisticRegression

from skcausal import OverlapWarning, causal_target
from skcausal.datasets import make_observational
from skcausal.estimation import (
    KnownPropensity,
    NearestNeighbourMatching,
    NoMatchError,
)
from tests.estimation.helpers import hand_error
from tests.estimation.matching.by_hand import mahalanobis, matching

TARGETS = ("all", "treated", "control")


def table(n_rows=80, n_features=3, seed=0, *, grid=False):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n_rows, n_features))
    if grid:
        X = np.round(X)
    t = (rng.uniform(size=n_rows) < 1 / (1 + np.exp(-X[:, 0]))).astype(int)
    y = X @ np.arange(1.0, n_features + 1) + t * (1 + X[:, 0]) + rng.normal(size=n_rows)
    return X, y, t


def fitted(X, y, t, *arguments, **options):
    metadata = {k: options.pop(k) for k in ("sample_weight", "groups") if k in options}
    learner = NearestNeighbourMatching(*arguments, **options)
    return learner.fit(X, y, treatment=t, **metadata)


# -------------------------------------------------------------- a table small enough
LINE = np.array([[0.0], [1.0], [3.0], [4.0], [7.0]])
LINE_Y = np.array([1.0, 2.0, 5.0, 7.0, 10.0])
LINE_T = np.array([0, 1, 0, 1, 0])


def test_five_rows_by_hand():
    """Controls at 0, 3, 7 with 1, 5, 10; treated at 1, 4 with 2, 7."""
    one = fitted(LINE, LINE_Y, LINE_T, bias_correction=False)
    # Differences: 2-1, 2-1 (0 with 1, 1 with 0); 7-5 twice; 7-10 for the last.
    assert one.average_effect().value == pytest.approx((1 + 1 + 2 + 2 - 3) / 5)
    assert one.match_indices_[:, 0].tolist() == [1, 0, 3, 2, 3]
    scale = LINE.std()
    np.testing.assert_allclose(one.match_distances_[:, 0] * scale, [1, 1, 1, 1, 3])
    assert one.matching_weights_.tolist() == [2, 2, 2, 3, 1]
    treated = one.average_effect(target="treated")
    assert treated.value == pytest.approx(1.5)
    assert one.average_effect(target="control").value == pytest.approx(0.0)


def test_rows_that_tie_are_all_used():
    X = np.array([[0.0], [1.0], [-1.0], [1.0], [5.0]])
    y, t = np.array([10.0, 1.0, 2.0, 6.0, 0.0]), np.array([1, 0, 0, 0, 1])
    one = fitted(X, y, t, target="treated", bias_correction=False)
    # Row 0 has three nearest at distance 1; row 4 the two at 1.
    assert one.average_effect().value == pytest.approx(((10 - 3) + (0 - 3.5)) / 2)
    third, half = 1 / 3, 1 / 2
    np.testing.assert_allclose(
        one.matching_weights_, [1, third + half, third, third + half, 1]
    )


# ------------------------------------------------------------------ brute-force NumPy
@pytest.mark.parametrize("grid", [False, True])
@pytest.mark.parametrize("corrected", [False, True])
@pytest.mark.parametrize("k", [1, 3])
@pytest.mark.parametrize("target", TARGETS)
def test_estimate_and_variance_are_those_published(target, k, corrected, grid):
    X, y, t = table(grid=grid)
    value, variance = matching(
        mahalanobis(X), X, y, t, target=target, k=k, corrected=corrected
    )
    one = fitted(X, y, t, n_neighbors=k, target=target, bias_correction=corrected)
    estimate = one.average_effect()
    assert estimate.value == pytest.approx(value, rel=1e-9)
    assert estimate.standard_error == pytest.approx(np.sqrt(variance), rel=1e-9)
    assert estimate.standard_error == pytest.approx(hand_error(estimate.influence))
    assert abs(estimate.influence.mean()) < 1e-9


@pytest.mark.parametrize("n_noise", [1, 4])
def test_euclidean_distance_of_standard_deviations(n_noise):
    X, y, t = table()
    scaled = X * [1.0, 100.0, 0.01] + 5
    Z = scaled / scaled.std(axis=0)
    value, variance = matching(cdist(Z, Z), Z, y, t, corrected=True, n_noise=n_noise)
    one = fitted(scaled, y, t, "euclidean", n_variance_neighbors=n_noise)
    assert one.average_effect().value == pytest.approx(value, rel=1e-9)
    assert one.average_effect().standard_error == pytest.approx(np.sqrt(variance))


def test_weights_are_repetitions():
    X, y, t = table(60)
    weight = np.random.default_rng(1).integers(0, 4, 60)
    again = np.repeat(np.arange(60), weight)
    one = fitted(X, y, t, sample_weight=weight.astype(float))
    other = fitted(X[again], y[again], t[again])
    assert one.average_effect().value == pytest.approx(other.average_effect().value)
    np.testing.assert_allclose(
        np.bincount(again, other.matching_weights_, 60), one.matching_weights_
    )
    assert one.matching_weights_[weight == 0].max() == 0


def test_matching_weights_reproduce_the_uncorrected_estimate():
    X, y, t = table()
    for target in TARGETS:
        one = fitted(X, y, t, n_neighbors=2, target=target, bias_correction=False)
        w = one.matching_weights_
        means = [np.average(y[t == a], weights=w[t == a]) for a in (0, 1)]
        assert one.average_effect().value == pytest.approx(means[1] - means[0])
        line = sm.WLS(y, sm.add_constant(t.astype(float)), weights=w).fit()
        assert one.average_effect().value == pytest.approx(line.params[1])


def test_subgroups_add_up():
    X, y, t = table()
    one = fitted(X, y, t, target="treated")
    group = np.where(X[:, 1] > 0, "high", "low")
    parts = one.average_effect(by=group)
    share = np.mean(group[t == 1] == "high")
    total = parts["high"] * share + parts["low"] * (1 - share)
    whole = one.average_effect()
    assert total.value == pytest.approx(whole.value)
    high = one.average_effect(where=group == "high")
    assert high.value == pytest.approx(parts["high"].value)
    assert high.standard_error == pytest.approx(parts["high"].standard_error)


# ------------------------------------------------------- exact columns and calipers
def test_exact_columns_are_common_to_matches():
    X, y, t = table(200)
    frame = pd.DataFrame(X, columns=["a", "b", "c"])
    frame["site"] = pd.Categorical(np.where(X[:, 2] > 0, "north", "south"))
    one = fitted(frame, y, t, exact="site", bias_correction=False)
    site = frame["site"].to_numpy()
    assert (site[one.match_indices_[:, 0]] == site).all()
    Z = np.where((site == "north")[:, None], 1e6, 0.0)
    value, variance = matching(mahalanobis(X) + cdist(Z, Z), X, y, t)
    assert one.average_effect().value == pytest.approx(value)
    assert one.average_effect().standard_error == pytest.approx(np.sqrt(variance))
    assert {"site=north", "site=south"} < set(one.balance_.index)
    assert one.balance_.loc["site=north", "after"] == pytest.approx(0)


def test_exact_on_every_column_compares_cells():
    X, y, t = table(300, 2, grid=True)
    X = np.clip(X, -1, 1)
    one = fitted(X, y, t, exact=[0, 1])
    cells = pd.DataFrame({"y": y, "t": t, "cell": [tuple(row) for row in X.tolist()]})
    means = cells.pivot_table(index="cell", columns="t", values="y")
    size = cells.groupby("cell").size()
    expected = np.average(means[1] - means[0], weights=size)
    assert one.average_effect().value == pytest.approx(expected)


def test_bias_correction_holds_strata_apart():
    """An outcome linear within strata is imputed without error."""
    rng = np.random.default_rng(0)
    X = np.column_stack([rng.normal(size=200), np.repeat([0.0, 1.0], 100)])
    t = (rng.uniform(size=200) < 0.5).astype(int)
    y = 3 * X[:, 0] + 50 * X[:, 1] + 2.0 * t
    one = fitted(X, y, t, exact=1)
    assert one.average_effect().value == pytest.approx(2.0)
    plain = fitted(X, y, t, exact=1, bias_correction=False)
    assert abs(plain.average_effect().value - 2.0) > 1e-3


def test_caliper_leaves_rows_out_and_says_so():
    X, y, t = table(200, 1)
    with pytest.warns(OverlapWarning, match=r"rows of target='treated' have no match"):
        one = fitted(X, y, t, caliper=0.02, target="treated", bias_correction=False)
    distance = cdist(X, X) / X.std()
    near = (distance[t == 1][:, t == 0] <= 0.02).any(axis=1)
    lost = np.flatnonzero(t == 1)[~near]
    assert one.unmatched_.tolist() == lost.tolist()
    kept = np.delete(np.arange(200), lost)
    value, _ = matching(
        distance[kept][:, kept], X[kept], y[kept], t[kept], target="treated"
    )
    assert one.average_effect().value == pytest.approx(value)
    assert (one.matching_weights_[lost] == 0).all()
    assert (one.match_indices_[lost] == -1).all()
    assert np.isinf(one.match_distances_[lost]).all()


def test_another_target_warns_of_its_own_rows():
    X = np.array([[0.0], [0.1], [1.0], [1.1], [9.0]])
    y, t = np.arange(5.0), np.array([0, 1, 0, 1, 0])
    one = fitted(X, y, t, caliper=0.1, target="treated", bias_correction=False)
    with pytest.warns(OverlapWarning, match=r"1 of 3 rows of target='control'.*rows 4"):
        estimate = one.average_effect(target="control")
    assert estimate.value == pytest.approx(1.0)
    assert one.unmatched_.shape == (0,)


def test_caliper_without_any_match_is_an_error():
    X, y, t = table(40)
    with pytest.raises(NoMatchError, match=r"nothing can be compared.*widen caliper"):
        fitted(X, y, t, caliper=1e-9)


def test_subgroup_without_match_is_an_error():
    X, y, t = table(200, 1)
    with pytest.warns(OverlapWarning):
        one = fitted(X, y, t, caliper=0.005)
    where = np.zeros(200, dtype=bool)
    where[one.unmatched_] = True
    with pytest.raises(NoMatchError, match="in a subgroup has a match"):
        one.average_effect(where=where)


# --------------------------------------------------------------------- bad input
@pytest.mark.parametrize(
    ("message", "options"),
    [
        ("distance must be one of", {"distance": "manhattan"}),
        ("n_neighbors must be a positive integer", {"n_neighbors": 0}),
        ("n_variance_neighbors must be", {"n_variance_neighbors": 1.5}),
        ("caliper must be a distance", {"caliper": -1.0}),
        ("target must be one of", {"target": "overlap"}),
        ("exact names column 'site', which X does not have", {"exact": "site"}),
        ("n_neighbors=70, but arm", {"n_neighbors": 70}),
    ],
)
def test_parameters_are_checked(message, options):
    X, y, t = table()
    with pytest.raises(ValueError, match=message):
        fitted(X, y, t, **options)


def test_what_has_no_distance_is_refused():
    X, y, t = table()
    frame = pd.DataFrame(X, columns=["a", "b", "c"])
    holes = frame.copy()
    holes.loc[3, "b"] = np.nan
    with pytest.raises(ValueError, match=r"columns \['b'\] of X contain NaN.*Impute"):
        fitted(holes, y, t)
    frame["site"] = pd.Categorical(np.where(X[:, 0] > 0, "n", "s"))
    with pytest.raises(ValueError, match=r"'site' of X is a category.*exact="):
        fitted(frame, y, t)


def test_questions_without_an_answer_are_refused():
    X, y, t = table()
    one = fitted(X, y, t)
    with pytest.raises(ValueError, match="target='overlap' is not offered"):
        one.average_effect(target="overlap")
    with pytest.raises(ValueError, match="AIPW for ratios"):
        one.average_effect(scale="ratio")
    with pytest.raises(ValueError, match="no score of each row"):
        one.best_linear_projection()


def test_too_few_matches_for_the_correction_are_warned_about():
    X, y, t = table(12, 6)
    with pytest.warns(UserWarning, match="more distinct matches than coefficients"):
        one = fitted(X, y, t)
    plain = fitted(X, y, t, bias_correction=False)
    assert one.average_effect().value == pytest.approx(plain.average_effect().value)


@pytest.mark.parametrize("distance", ["mahalanobis", "propensity"])
def test_constant_and_collinear_columns_change_nothing(distance):
    X, y, t = table()
    wide = np.column_stack([X, np.ones(len(y)), X[:, 0] - 2 * X[:, 1]])
    one, other = (fitted(Z, y, t, distance).average_effect() for Z in (X, wide))
    assert one.value == pytest.approx(other.value)
    assert one.standard_error == pytest.approx(other.standard_error)


def test_an_outcome_without_noise_has_no_error():
    X, _, t = table()
    weight = np.random.default_rng(0).uniform(size=len(t))
    estimate = fitted(X, 2.0 * t, t, sample_weight=weight).average_effect()
    assert estimate.value == pytest.approx(2.0)
    assert estimate.standard_error == pytest.approx(0.0, abs=1e-9)


def test_pickle_keeps_answers_but_no_rows():
    X, y, t = table()
    one = fitted(X, y, t, target="treated")
    copy = pickle.loads(pickle.dumps(one))
    assert copy.average_effect().value == one.average_effect().value
    assert copy._data.X is None
    assert not hasattr(copy, "_space")
    with pytest.raises(ValueError, match="does not keep its training rows"):
        copy.average_effect(target="all")


def test_target_inside_y():
    X, y, t = table()
    one = NearestNeighbourMatching().fit(X, causal_target(y, t))
    assert one.average_effect().value == fitted(X, y, t).average_effect().value


# --------------------------------------------------------------- estimated propensity
def hand_propensity(X, y, t, target):
    """Abadie & Imbens (2016), written out for one match and logit."""
    design = sm.add_constant(X)
    p = sm.Logit(t, design).fit(disp=False, tol=1e-12).predict()
    distance = np.abs(p[:, None] - p)
    value, variance = matching(distance, p[:, None], y, t, target=target)
    members = {"all": t >= 0, "treated": t == 1, "control": t == 0}[target]
    n, f = members.sum(), p * (1 - p)
    information = (design * f[:, None]).T @ design
    c = np.zeros(design.shape[1])
    used = np.zeros(len(y))
    for i in np.flatnonzero(members):
        other = np.flatnonzero(t != t[i])
        j = other[distance[i, other].argmin()]
        used[j] += 1
        difference = (2 * t[i] - 1) * (y[i] - y[j])
        c += (difference - value) * (t[i] - p[i]) * design[i] / n
    for j in np.flatnonzero(used):
        alike = np.flatnonzero((t == t[j]) & (np.arange(len(y)) != j))
        near = alike[np.argsort(distance[j, alike])[:2]]
        residual = (2 * t[j] - 1) * (y[j] - y[near].mean())
        c += used[j] * residual * (t[j] - p[j]) * design[j] / n
    d = np.zeros(design.shape[1])
    if target != "all":
        far = mahalanobis(X)
        for i in range(len(y)):
            other = np.flatnonzero(t != t[i])
            j = other[far[i, other].argmin()]
            gap = (2 * t[i] - 1) * (y[i] - y[j]) - value
            d += (1 if target == "treated" else -1) * f[i] * gap * design[i] / n
    inverse = np.linalg.inv(information)
    return value, variance - c @ inverse @ c + d @ inverse @ d


@pytest.mark.parametrize("target", TARGETS)
def test_variance_accounts_for_the_estimated_propensity(target):
    X, y, t = table(150)
    value, variance = hand_propensity(X, y, t, target)
    one = fitted(X, y, t, "propensity", target=target, bias_correction=False)
    estimate = one.average_effect()
    assert estimate.value == pytest.approx(value, rel=1e-6)
    assert estimate.standard_error == pytest.approx(np.sqrt(variance), rel=1e-5)
    assert abs(estimate.influence.mean()) < 1e-6
    logit = LogisticRegression(C=np.inf, solver="newton-cholesky", tol=1e-10)
    same = fitted(
        X,
        y,
        t,
        "propensity",
        target=target,
        bias_correction=False,
        propensity_model=logit,
    )
    assert same.average_effect().standard_error == pytest.approx(
        estimate.standard_error, rel=1e-4
    )


def test_known_propensity_needs_no_adjustment():
    X, y, t = table(150)
    p = 1 / (1 + np.exp(-X[:, 0]))
    value, variance = matching(np.abs(p[:, None] - p), p[:, None], y, t)
    options = {"distance": "propensity", "bias_correction": False}
    design = NearestNeighbourMatching(propensity_model=KnownPropensity(p), **options)
    packed = NearestNeighbourMatching(**options)
    for one in (
        design.fit(X, y, treatment=t),
        packed.fit(X, causal_target(y, t, propensity=p)),
    ):
        estimate = one.average_effect()
        assert estimate.value == pytest.approx(value)
        assert estimate.standard_error == pytest.approx(np.sqrt(variance))
        np.testing.assert_array_equal(one.propensity_, p)


def test_other_propensity_models_are_warned_about():
    X, y, t = table(150)
    with pytest.warns(UserWarning, match="take the propensity of this model for known"):
        fitted(X, y, t, "propensity", propensity_model=LogisticRegression(C=0.1))


def test_separated_arms_are_warned_about():
    X, y, t = table(200)
    X[:, 0] += 3 * t
    logit = LogisticRegression(C=100.0)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        fitted(X, y, t, "propensity", propensity_model=logit)
    messages = [str(one.message) for one in caught if one.category is OverlapWarning]
    assert any("chance below 0.001" in message for message in messages)


# ----------------------------------------------------------------------- statistics
def coverage(n_seeds, **options):
    hits, z = [], []
    for seed in range(n_seeds):
        data = make_observational(600, 3, confounding=0.5, random_state=seed)
        target = options.get("target", "all")
        name = "average_effect" + ("" if target == "all" else f"_{target}")
        learner = NearestNeighbourMatching(**options)
        estimate = learner.fit(
            data.X, data.y, treatment=data.treatment
        ).average_effect()
        lower, upper = estimate.interval()
        hits.append(lower < data.population[name] < upper)
        z.append((estimate.value - data.population[name]) / estimate.standard_error)
    return np.mean(hits), np.array(z)


DESIGNS = [
    {},
    {"target": "treated", "n_neighbors": 3},
    {"distance": "propensity"},
    {"distance": "propensity", "target": "treated"},
    {"distance": "propensity", "target": "control", "bias_correction": False},
]


@pytest.mark.parametrize("options", DESIGNS[:4])
def test_intervals_cover_the_truth(options):
    """Over 40 seeds: .95 less 3 binomial errors, and no bias beyond its noise."""
    share, z = coverage(40, **options)
    assert share >= 0.85
    assert abs(z.mean()) < 4 / np.sqrt(40)
    assert 0.65 < z.std() < 1.35


@pytest.mark.slow
@pytest.mark.parametrize("options", DESIGNS)
def test_intervals_cover_the_truth_over_many_seeds(options):
    """Over 600 seeds: .95 within 3 binomial errors."""
    share, z = coverage(600, **options)
    assert 0.923 <= share <= 0.977
    assert abs(z.mean()) < 0.25


def test_bias_correction_removes_bias():
    options = {"target": "treated"}
    errors = {}
    for corrected in (True, False):
        values = []
        for seed in range(20):
            data = make_observational(400, 8, effect="constant", random_state=seed)
            one = NearestNeighbourMatching(bias_correction=corrected, **options)
            one.fit(data.X, data.y, treatment=data.treatment)
            values.append(one.average_effect().value - 1.0)
        errors[corrected] = np.mean(values)
    assert abs(errors[True]) < 0.12
    assert errors[False] > 0.25


def test_clustered_errors_grow_with_shared_noise():
    """Rows of a cluster share noise and arm: only clustered errors are large enough."""
    z = {"clustered": [], "independent": []}
    for seed in range(60):
        rng = np.random.default_rng(seed)
        groups = np.repeat(np.arange(60), 10)
        shared = rng.normal(size=60)[groups]
        t = rng.permutation(np.repeat([0, 1], 30))[groups]
        X = rng.normal(size=(600, 2))
        y = X[:, 0] + shared + 0.5 * rng.normal(size=600)
        estimate = fitted(X, y, t, n_neighbors=2, groups=groups).average_effect()
        z["clustered"].append(estimate.value / estimate.standard_error)
        plain = estimate.with_groups(None)
        z["independent"].append(estimate.value / plain.standard_error)
    assert 0.7 < np.std(z["clustered"]) < 1.3
    assert np.std(z["independent"]) > 1.5
