"""Made-up ratings have the shares, the splits and the truth that they claim."""

import numpy as np
import pytest

from skcausal.datasets import make_ratings


def test_splits_do_not_overlap_and_have_their_shares():
    data = make_ratings(400, 300, rated_share=0.2, random_state=0)
    train, chosen, shown = (
        ~np.isnan(part) for part in (data.ratings, data.chosen, data.random)
    )
    assert not (train & chosen).any()
    assert not (train & shown).any()
    assert (train | chosen).mean() == pytest.approx(0.2, abs=0.005)
    assert chosen.sum() / (train | chosen).sum() == pytest.approx(0.2, abs=0.01)
    assert data.propensity.mean() == pytest.approx(0.2)


def test_ratings_scatter_around_their_expectation_by_one_half():
    data = make_ratings(random_state=0)
    for part in (data.ratings, data.chosen, data.random):
        errors = (part - data.expected)[~np.isnan(part)]
        assert abs(errors.mean()) < 4 * 0.5 / np.sqrt(errors.size)
        assert errors.std() == pytest.approx(0.5, abs=4 * 0.5 / np.sqrt(errors.size))


def test_choice_is_confounded_only_when_asked():
    one, none = (make_ratings(confounding=c, random_state=0) for c in (1, 0))
    assert np.corrcoef(one.expected.ravel(), one.propensity.ravel())[0, 1] > 0.5
    assert abs(np.corrcoef(none.expected.ravel(), none.propensity.ravel())[0, 1]) < 0.1


@pytest.mark.parametrize(
    "options",
    [{"n_users": 1}, {"n_items": 1.5}, {"rated_share": 0}, {"confounding": "much"}],
)
def test_bad_options_are_errors(options):
    with pytest.raises(ValueError, match=f"make_ratings: {next(iter(options))}"):
        make_ratings(**options)
