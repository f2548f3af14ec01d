"""BLP, GATES and CLAN: numbers by hand, sizes of the tests, power, bad input."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy import stats

from skcausal.validation import blp_test, clan, gates, uplift_by_decile

EFFECTS = [1.0, 4.0, 2.0, 3.0]
SCORES = [-4.0, 8.0, 0.0, 4.0]


def four_errors(rate, n_draws):
    """Return four standard errors of a share of draws."""
    return 4 * np.sqrt(rate * (1 - rate) / n_draws)


# ------------------------------------------------------------------------------ BLP
def test_blp_by_hand():
    found = blp_test(EFFECTS, scores=SCORES)
    assert found.value == pytest.approx([2, 4])
    assert found["heterogeneity"].standard_error == pytest.approx(0)


def test_blp_of_an_experiment_averages_to_the_difference_in_means():
    rng = np.random.default_rng(0)
    t = (np.arange(100) % 3 == 0).astype(int)
    y = rng.normal(size=100) + t
    found = blp_test(rng.normal(size=100), y, t)
    assert found.value[0] == pytest.approx(y[t == 1].mean() - y[t == 0].mean())


def test_blp_keeps_the_order_of_rows():
    """Clusters given later belong to the rows as they came."""
    rng = np.random.default_rng(1)
    effects, scores = rng.normal(size=(2, 60))
    groups = np.arange(60) // 6
    direct = blp_test(effects, scores=scores, groups=groups)
    order = np.lexsort((scores, effects))
    again = blp_test(effects[order], scores=scores[order], groups=groups[order])
    assert again.standard_error == pytest.approx(direct.standard_error)
    np.testing.assert_allclose(again.influence, direct.influence[order])


@pytest.mark.parametrize("clustered", [False, True])
def test_blp_and_gates_reject_at_their_level_without_heterogeneity(clustered):
    """Effects and scores are independent, but rows are unlike in variance."""
    rng = np.random.default_rng(2)
    n_draws, n = 200, 240
    groups = np.repeat(np.arange(60), 4) if clustered else None
    p_values = []
    for _ in range(n_draws):
        effects = rng.normal(size=n)
        scores = 1 + (1 + effects**2) * rng.normal(size=n)
        if clustered:
            effects = rng.normal(size=60)[groups] + 0.1 * effects
            scores = scores + 2 * rng.normal(size=60)[groups]
        given = {"scores": scores, "groups": groups}
        blp = blp_test(effects, **given)["heterogeneity"].p_value
        p_values.append([blp, gates(effects, **given).loc["difference", "p_value"]])
    rejected = (np.array(p_values) < 0.05).mean(axis=0)
    assert np.abs(rejected - 0.05).max() < four_errors(0.05, n_draws)


def test_clusters_left_out_reject_too_often():
    rng = np.random.default_rng(3)
    groups = np.repeat(np.arange(20), 12)
    p_values = [
        blp_test(
            rng.normal(size=20)[groups] + 0.1 * rng.normal(size=240),
            scores=rng.normal(size=20)[groups] + rng.normal(size=240),
        )["heterogeneity"].p_value
        for _ in range(100)
    ]
    assert np.mean(np.array(p_values) < 0.05) > 0.2


def test_power_and_size_of_the_loading():
    rng = np.random.default_rng(4)
    found = []
    for _ in range(200):
        effects = rng.normal(size=400)
        estimate = blp_test(2 * effects, scores=effects + 3 * rng.normal(size=400))
        found.append([*estimate.value, *estimate.p_value])
    average, loading, _, p_value = np.array(found).T
    assert (p_value < 0.05).mean() > 0.99  # expected z of 20 / 3
    assert abs(loading.mean() - 0.5) < 4 * loading.std() / np.sqrt(200)
    assert abs(average.mean()) < 4 * average.std() / np.sqrt(200)


def test_blp_of_equal_effects_says_what_to_do():
    with pytest.raises(ValueError, match="all 4 effects are equal"):
        blp_test(np.ones(4), scores=SCORES)


# ---------------------------------------------------------------------------- GATES
def test_gates_by_hand():
    table = gates(EFFECTS, scores=SCORES, n_groups=2)
    assert table.index.tolist() == [1, 2, "difference", "average"]
    assert table["estimate"].tolist() == pytest.approx([6, -2, 8, 2])
    # Variances 8 of two rows each: errors 2; all rows 20 / 3 * 4 = 80 / 3.
    errors = [2, 2, np.sqrt(8), np.sqrt(80 / 3) / 2]
    assert table["standard_error"].tolist() == pytest.approx(errors)
    assert table["predicted"].tolist() == pytest.approx([3.5, 1.5, 2, 2.5])
    assert table["n_rows"].tolist() == [2, 2, 4, 4]
    together = stats.norm.ppf(0.5 + np.sqrt(0.95) / 2)
    alone = stats.norm.ppf(0.975)
    half = ((table["upper"] - table["lower"]) / 2 / table["standard_error"]).tolist()
    assert half == pytest.approx([together, together, alone, alone])


def test_gates_have_the_groups_of_uplift_by_decile():
    rng = np.random.default_rng(5)
    effects = rng.normal(size=300).round(1)
    given = {
        "scores": rng.normal(size=300),
        "sample_weight": rng.integers(0, 3, 300),
        "groups": rng.integers(0, 40, 300),
    }
    common = ["estimate", "standard_error", "predicted", "share", "n_rows"]
    expected = uplift_by_decile(effects, **given, n_bins=4)[common]
    found = gates(effects, **given, n_groups=4)[common].iloc[:4]
    np.testing.assert_allclose(found.to_numpy(), expected.to_numpy())


def test_groups_are_covered_together():
    rng = np.random.default_rng(6)
    truth = stats.norm.pdf(stats.norm.ppf(np.arange(6) / 5))
    truth = 5 * np.diff(truth[::-1])  # means of fifths of a normal, largest first
    covered = []
    for _ in range(300):
        effects = rng.normal(size=400)
        table = gates(effects, scores=effects + 3 * rng.normal(size=400)).iloc[:5]
        inside = (table["lower"] < truth) & (truth < table["upper"])
        covered.append(inside.all())
    assert abs(np.mean(covered) - 0.95) < four_errors(0.95, 300)


def test_monotone_rearranges_estimates_and_bounds_only():
    scores = [0.0, 1.0, 5.0, 8.0, 2.0, 4.0]
    plain = gates([6, 5, 4, 3, 2, 1], scores=scores, n_groups=3)
    table = gates([6, 5, 4, 3, 2, 1], scores=scores, n_groups=3, monotone=True)
    assert plain["estimate"].tolist()[:3] == [0.5, 6.5, 3]
    assert table["estimate"].tolist()[:3] == [6.5, 3, 0.5]
    for bound in ("lower", "upper"):
        assert (np.diff(table[bound].iloc[:3]) <= 0).all()
        assert sorted(table[bound].iloc[:3]) == pytest.approx(
            sorted(plain[bound].iloc[:3])
        )
    pd.testing.assert_frame_equal(plain.iloc[3:], table.iloc[3:])


def test_tied_effects_make_one_group_without_difference():
    table = gates(np.ones(4), scores=SCORES)
    assert table.index.tolist() == [3, "difference", "average"]  # the middle
    difference = table.loc["difference"]
    assert np.isnan(difference["estimate"])
    assert (difference["lower"], difference["upper"]) == (-np.inf, np.inf)
    assert difference["p_value"] == 1
    assert table.loc[3, "estimate"] == table.loc["average", "estimate"] == 2


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"n_groups": 1}, "gates: n_groups must be at least 2"),
        ({"n_groups": 2.5}, "gates: n_groups must be a positive integer"),
        ({"level": 1}, "gates: level must lie strictly between"),
        ({"scores": None}, "gates: scores is None"),
    ],
)
def test_gates_refuse_bad_input(wrong, message):
    with pytest.raises(ValueError, match=message):
        gates(EFFECTS, **({"scores": SCORES} | wrong))


# ----------------------------------------------------------------------------- CLAN
def test_clan_by_hand():
    X = pd.DataFrame({"age": [20.0, 60, 30, 50], "flag": [True, False, True, False]})
    table = clan(EFFECTS, X, n_groups=2)
    age = table.loc["age"]
    assert (age["most"], age["least"], age["difference"]) == (55, 25, 30)
    assert age["standard_error"] == pytest.approx(np.sqrt(25 + 25))
    assert age["deviation"] == pytest.approx(np.std([20, 60, 30, 50]))
    assert table.loc["flag", ["most", "least"]].tolist() == [0, 1]


def test_clan_is_the_test_of_welch():
    rng = np.random.default_rng(7)
    effects = rng.normal(size=500)
    x = effects + rng.normal(size=500) * (1 + (effects > 0))
    table = clan(effects, x[:, None])
    order = np.argsort(-effects)
    most, least = x[order[:100]], x[order[-100:]]
    welch = stats.ttest_ind(most, least, equal_var=False)
    line = table.loc["x0"]
    assert line["difference"] / line["standard_error"] == pytest.approx(welch.statistic)
    assert line["most"] == pytest.approx(most.mean())


def test_clan_of_categories_and_missing_values():
    frame = pd.DataFrame(
        {
            "region": pd.Categorical(["n", "s", "e", "n"]),
            "sex": ["f", "m", "f", "f"],
            "age": [np.nan, 60, 30, 50],
        }
    )
    table = clan(EFFECTS, frame, n_groups=2)
    assert table.index.tolist() == [
        "region = e",
        "region = n",
        "region = s",
        "sex = m",
        "age",
        "age is missing",
    ]
    assert table["most"].tolist() == [0, 0.5, 0.5, 0.5, 55, 0]
    assert table["least"].tolist() == [0.5, 0.5, 0, 0, 30, 0.5]
    polars = pl.DataFrame(
        {
            "region": pl.Series(["n", "s", "e", "n"], dtype=pl.Categorical),
            "sex": frame["sex"].tolist(),
            "age": [None, 60.0, 30, 50],
        }
    )
    pd.testing.assert_frame_equal(clan(EFFECTS, polars, n_groups=2), table)


def test_clan_pools_rare_levels():
    levels = [f"c{i:02d}" for i in range(25)]
    column = pd.Categorical(levels + levels[:20] * 3)
    effects = np.random.default_rng(8).normal(size=len(column))
    table = clan(effects, pd.DataFrame({"code": column}))
    assert len(table) == 21
    assert table.index[-1] == "code = other levels"
    assert table["most"].sum() == pytest.approx(1)


def test_clan_where_one_side_is_missing():
    frame = pd.DataFrame({"age": [20.0, np.nan, 30, np.nan]})
    line = clan(EFFECTS, frame, n_groups=2).loc["age"]
    assert np.isnan(line["most"])
    assert line["least"] == 25
    assert line["p_value"] == 1


def test_clan_weighs_rows():
    X = np.array([[20.0], [60], [30], [50]])
    table = clan(EFFECTS, X, sample_weight=[1, 3, 3, 1], n_groups=2)
    assert table.loc["x0", "most"] == pytest.approx(57.5)
    assert table.loc["x0", "least"] == pytest.approx(27.5)


def test_clan_refuses_other_rows():
    with pytest.raises(ValueError, match="clan: effects must have as many rows"):
        clan(EFFECTS, np.ones((3, 1)))
