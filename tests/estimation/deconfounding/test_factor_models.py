"""Factor models: recovery, held-out causes, masks, seeds, inputs."""

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from scipy.linalg import subspace_angles
from scipy.special import expit
from scipy.stats import bernoulli, norm, poisson
from sklearn.base import clone
from sklearn.decomposition import PCA
from sklearn.linear_model import LinearRegression
from sklearn.utils.estimator_checks import check_estimator

pytest.importorskip("pyro")
torch = pytest.importorskip("torch")

from skcausal.estimation.deconfounding import (  # noqa: E402
    BernoulliFactorModel,
    ConstantCauseWarning,
    DeepExponentialFamily,
    PoissonFactorModel,
    PPCAFactorModel,
    _deep_bound,
)

N, M, K = 300, 30, 2


def simulated(kind, seed=0):
    """Return causes, true factors and the true log probability of each entry."""
    random = np.random.default_rng(seed)
    if kind == "counts":
        Z = random.gamma(0.5, scale=2, size=(N, K))
        rate = Z @ random.gamma(0.5, size=(K, M))
        A = random.poisson(rate).astype(float)
        return A, Z, poisson.logpmf(A, rate)
    Z = random.normal(size=(N, K))
    predictor = Z @ random.normal(size=(K, M)) * 1.5 + 1
    if kind == "binary":
        A = (random.uniform(size=(N, M)) < expit(predictor)).astype(float)
        return A, Z, bernoulli.logpmf(A, expit(predictor))
    A = predictor + 0.5 * random.normal(size=(N, M))
    return A, Z, norm.logpdf(A, predictor, 0.5)


def mean_model(kind, A, mask):
    """Return the log probability of each entry under its cause's own marginal."""
    seen = np.where(mask, np.nan, A)
    mean = np.nanmean(seen, axis=0)
    if kind == "counts":
        return poisson.logpmf(A, mean)
    if kind == "binary":
        return bernoulli.logpmf(A, mean)
    return norm.logpdf(A, mean, np.nanstd(seen, axis=0))


EXACT = {
    "ppca": ("real", PPCAFactorModel(K)),
    "poisson": ("counts", PoissonFactorModel(K, random_state=0)),
    "bernoulli": ("binary", BernoulliFactorModel(K, random_state=0)),
}
SVI = {
    "ppca-svi": ("real", PPCAFactorModel(K, inference="svi")),
    "poisson-svi": ("counts", PoissonFactorModel(K, inference="svi")),
    "bernoulli-svi": ("binary", BernoulliFactorModel(K, inference="svi")),
    "deep": ("counts", DeepExponentialFamily((K, 2))),
}
for _, one in SVI.values():
    one.set_params(max_iter=50, random_state=0, learning_rate=0.1)
ALL = {**EXACT, **SVI}
every = pytest.mark.parametrize("name", ALL)
exact = pytest.mark.parametrize("name", EXACT)


def some_mask(seed=1):
    return np.random.default_rng(seed).uniform(size=(N, M)) < 0.2


def r_squared(Z, truth):
    return LinearRegression().fit(Z, truth).score(Z, truth)


@pytest.fixture(autouse=True)
def few_local_steps(monkeypatch):
    """Let the deep model stop early at each row: most laws hold at any step."""
    monkeypatch.setattr(_deep_bound, "LOCAL_STEPS", 150)


@every
def test_factors_are_recovered_and_held_out_causes_predicted(name):
    kind, model = ALL[name]
    A, truth, best = simulated(kind)
    mask = some_mask()
    fitted = clone(model).fit(A, mask=mask)
    Z = fitted.transform(A, mask=mask)
    assert Z.shape == (N, K)
    assert r_squared(Z, truth) > {"real": 0.95, "counts": 0.65, "binary": 0.7}[kind]
    log_prob = fitted.log_prob_heldout(A, mask, random_state=0)
    assert log_prob.shape == (N,)
    ours = log_prob.sum() / mask.sum()
    marginal = mean_model(kind, A, mask)[mask].mean()
    # At least half of the way from the marginals to the true loadings and factors.
    assert ours > marginal + (best[mask].mean() - marginal) / 2


@exact
def test_bound_never_falls(name):
    kind, model = EXACT[name]
    A, _, _ = simulated(kind)
    for mask in (some_mask(), None):
        trace = clone(model).fit(A, mask=mask).elbo_
        assert (np.diff(trace) > 0).all()


@pytest.mark.parametrize("name", SVI)
def test_stochastic_bound_rises(name):
    kind, model = SVI[name]
    trace = clone(model).fit(simulated(kind)[0]).elbo_
    assert trace[-5:].mean() > trace[:5].mean()


@every
def test_masked_entries_change_nothing(name):
    kind, model = ALL[name]
    model = clone(model).set_params(max_iter=2)
    A, _, _ = simulated(kind)
    mask = some_mask()
    other = A.copy()
    other[mask] = 1 - other[mask] if kind == "binary" else other[mask] + 7
    first, second = clone(model).fit(A, mask=mask), clone(model).fit(other, mask=mask)
    expected = first.transform(A, mask=mask)
    np.testing.assert_array_equal(second.transform(other, mask=mask), expected)
    np.testing.assert_array_equal(first.elbo_, second.elbo_)
    # The same entries matter where they are not masked.
    assert np.abs(first.transform(other) - first.transform(A)).max() > 1e-3


@every
def test_outcome_changes_nothing(name):
    kind, model = ALL[name]
    model = clone(model).set_params(max_iter=2)
    A, truth, _ = simulated(kind)
    y = truth[:, 0]
    shuffled = np.random.default_rng(2).permutation(y)
    expected = clone(model).fit(A, y).transform(A)
    for outcome in (shuffled, None):
        found = clone(model).fit_transform(A, outcome)
        np.testing.assert_array_equal(found, expected)


@every
def test_global_state_of_torch_and_numpy_changes_nothing(name):
    import pyro

    kind, model = ALL[name]
    model = clone(model).set_params(max_iter=3)
    A, _, _ = simulated(kind)
    expected = clone(model).fit_transform(A)
    pyro.get_param_store().clear()
    torch.manual_seed(5)
    numpy_state = np.random.get_state()[1].copy()  # noqa: NPY002
    torch_state = torch.random.get_rng_state()
    dtype = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        with torch.no_grad():
            found = clone(model).fit_transform(A)
    finally:
        torch.set_default_dtype(dtype)
    np.testing.assert_array_equal(found, expected)
    assert torch.equal(torch_state, torch.random.get_rng_state())
    assert (np.random.get_state()[1] == numpy_state).all()  # noqa: NPY002
    assert len(pyro.get_param_store()) == 0


@every
def test_sparse_and_frame_equal_dense(name):
    kind, model = ALL[name]
    model = clone(model).set_params(max_iter=3)
    A, _, _ = simulated(kind)
    mask = some_mask()
    expected = clone(model).fit(A, mask=mask)
    frame = pd.DataFrame(A, columns=[f"cause {j}" for j in range(M)])
    for other in (sp.csr_array(A), frame):
        fitted = clone(model).fit(other, mask=mask)
        for method in ("transform", "reconstruct"):
            np.testing.assert_allclose(
                getattr(fitted, method)(other, mask=mask),
                getattr(expected, method)(A, mask=mask),
                rtol=1e-6,
                atol=1e-8,
            )
        found = fitted.log_prob_heldout(other, mask, 5, random_state=0)
        np.testing.assert_allclose(
            found, expected.log_prob_heldout(A, mask, 5, random_state=0), rtol=1e-5
        )


@every
def test_a_row_depends_on_itself_only(name):
    kind, model = ALL[name]
    A, _, _ = simulated(kind)
    fitted = clone(model).set_params(max_iter=2).fit(A)
    few = fitted.transform(A[[3, 1]])
    # Single precision where torch fits the rows.
    tolerance = 1e-4 if name == "deep" else 1e-8
    np.testing.assert_allclose(few, fitted.transform(A)[[3, 1]], rtol=tolerance)


@every
def test_draws_have_the_posterior_mean(name):
    kind, model = ALL[name]
    A, _, _ = simulated(kind)
    A = A[:200]
    fitted = clone(model).fit(A)
    draws = fitted.sample_posterior(A, 400, random_state=0)
    assert draws.shape == (400, 200, K)
    error = draws.std(axis=0, ddof=1) / 20
    inside = np.abs(draws.mean(axis=0) - fitted.transform(A)) < 4 * error
    assert inside.mean() > 0.99
    again = fitted.sample_posterior(A, 400, random_state=0)
    np.testing.assert_array_equal(draws, again)
    causes = fitted.sample_predictive(A, 50, random_state=0)
    assert causes.shape == (50, 200, M)
    close = np.corrcoef(causes.mean(axis=0).ravel(), fitted.reconstruct(A).ravel())
    assert close[0, 1] > 0.9


def test_ppca_is_principal_components_and_its_likelihood_exact():
    A, _, _ = simulated("real")
    fitted, pca = PPCAFactorModel(K).fit(A), PCA(K).fit(A)
    # scikit-learn divides by n - 1, the likelihood by n.
    assert fitted.noise_std_**2 == pytest.approx(pca.noise_variance_ * (N - 1) / N)
    assert subspace_angles(fitted.components_.T, pca.components_.T).max() < 1e-6
    covariance = fitted.components_.T @ fitted.components_
    covariance += fitted.noise_std_**2 * np.eye(M)
    centred = A - fitted.mean_
    _, log_det = np.linalg.slogdet(covariance)
    squares = (centred * np.linalg.solve(covariance, centred.T).T).sum()
    exact_value = -0.5 * (N * (M * np.log(2 * np.pi) + log_det) + squares)
    np.testing.assert_allclose(fitted.elbo_, [exact_value])


@pytest.mark.parametrize("noise_std", [None, 0.5, 2.0])
def test_em_agrees_with_the_eigenvalues(noise_std):
    A, _, _ = simulated("real")
    whole = PPCAFactorModel(K, noise_std=noise_std).fit(A)
    nothing = np.zeros(A.shape, dtype=bool)
    em = clone(whole).fit(A, mask=nothing)
    np.testing.assert_allclose(em.elbo_[-1], whole.elbo_[0], rtol=1e-9)
    np.testing.assert_allclose(em.transform(A), whole.transform(A), atol=1e-6)


def test_wide_and_flat_tables():
    random = np.random.default_rng(0)
    wide = random.normal(size=(20, 50))
    found = PPCAFactorModel(3).fit(wide)
    assert subspace_angles(
        found.components_.T, PCA(3).fit(wide).components_.T
    ).max() < (1e-6)
    flat = random.normal(size=(40, 1)) @ random.normal(size=(1, 5))
    flat = PPCAFactorModel(3).fit(flat)
    assert np.isfinite(flat.transform(np.ones((1, 5)))).all()
    assert np.abs(flat.components_[1:]).max() < 1e-4 * np.abs(flat.components_).max()


def test_poisson_cost_is_in_nonzeros_and_sparse_masks_match():
    A, _, _ = simulated("counts")
    mask = some_mask()
    dense = PoissonFactorModel(K, random_state=0).fit(A, mask=mask)
    as_sparse = clone(dense).fit(sp.csr_matrix(A), mask=sp.csr_matrix(mask))
    np.testing.assert_allclose(as_sparse.components_, dense.components_)


# scikit-learn's checks pass reals: here models of counts take those not negative.
class WholeNumbers:
    def _check_values(self, A, owner):
        super()._check_values(A.floor() if sp.issparse(A) else np.floor(A), owner)


class AnyPoisson(WholeNumbers, PoissonFactorModel):
    pass


class AnyDeep(WholeNumbers, DeepExponentialFamily):
    pass


class AnyBernoulli(BernoulliFactorModel):
    def _check_values(self, A, owner):
        pass


# Single precision: the last digits of a sum depend on the rows beside it.
EXPECTED = {
    "AnyDeep": {"check_methods_subset_invariance": "equal to 1e-6, not to 1e-7"}
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    "model",
    [
        PPCAFactorModel(2),
        AnyPoisson(2, random_state=0),
        AnyBernoulli(2, random_state=0, max_iter=20),
        pytest.param(
            AnyDeep((2, 1), random_state=0, max_iter=2), marks=pytest.mark.slow
        ),
    ],
    ids=lambda one: type(one).__name__,
)
def test_check_estimator(model):
    expected = EXPECTED.get(type(model).__name__)
    results = check_estimator(
        model, expected_failed_checks=expected, on_fail=None, on_skip=None
    )
    failed = {
        one["check_name"]: one["exception"]
        for one in results
        if one["status"] == "failed"
    }
    assert failed == {}


def test_names_of_the_factors():
    A, _, _ = simulated("real")
    fitted = PPCAFactorModel(K).fit(A)
    assert list(fitted.get_feature_names_out()) == [
        "ppcafactormodel0",
        "ppcafactormodel1",
    ]
    assert fitted.n_features_in_ == M
    frame = clone(fitted).set_output(transform="pandas").fit_transform(A)
    assert list(frame.columns) == list(fitted.get_feature_names_out())


BAD = [
    (PoissonFactorModel(2), -1.0, r"must be counts .*got -1"),
    (PoissonFactorModel(2), 0.5, r"must be counts .*got 0\.5"),
    (DeepExponentialFamily((2,)), 0.5, r"must be counts .*got 0\.5"),
    (BernoulliFactorModel(2), 2.0, "must be 0 or 1, got 2"),
    (PPCAFactorModel(2), np.nan, "contains NaN"),
    (PoissonFactorModel(2), np.inf, "contains infinity"),
]


@pytest.mark.parametrize(("model", "value", "message"), BAD)
@pytest.mark.parametrize("convert", [np.asarray, sp.csr_matrix])
def test_bad_values(model, value, message, convert):
    A = np.random.default_rng(0).integers(0, 2, size=(20, 4)).astype(float)
    A[3, 1] = value
    with pytest.raises(ValueError, match=message):
        clone(model).fit(convert(A))


BAD_SETTINGS = [
    (PPCAFactorModel(31), "n_components must be at most"),
    (PPCAFactorModel(0), "n_components must be a positive integer, got 0"),
    (PPCAFactorModel(2, noise_std=0), "noise_std must be positive, got 0"),
    (PPCAFactorModel(2, inference="cavi"), "inference must be one of"),
    (PoissonFactorModel(2, factor_prior=(0.3, 0)), "factor_prior must be a positive"),
    (BernoulliFactorModel(2, loading_std=-1), "loading_std must be positive, got -1"),
    (DeepExponentialFamily(()), "layers must be the sizes"),
    (DeepExponentialFamily((2,), shape=0), "shape must be positive, got 0"),
    (DeepExponentialFamily((2,), max_iter=0), "max_iter must be a positive integer"),
]


@pytest.mark.parametrize(("model", "message"), BAD_SETTINGS)
def test_bad_settings(model, message):
    with pytest.raises(ValueError, match=message):
        model.fit(simulated("binary")[0])


def test_bad_masks():
    A, _, _ = simulated("real")
    model = PPCAFactorModel(K)
    with pytest.raises(ValueError, match="mask must be a boolean array of shape"):
        model.fit(A, mask=np.zeros((3, 3), dtype=bool))
    with pytest.raises(ValueError, match="mask must be a boolean array of shape"):
        model.fit(A, mask=np.zeros(A.shape))
    column = np.zeros(A.shape, dtype=bool)
    column[:, 4] = True
    with pytest.raises(ValueError, match=r"an entry of every cause.*columns \[4\]"):
        model.fit(A, mask=column)
    with pytest.raises(ValueError, match="mask must mark the held-out entries"):
        model.fit(A).log_prob_heldout(A, None)


@pytest.mark.parametrize("convert", [np.asarray, sp.csr_matrix])
def test_cause_that_never_varies_is_named(convert):
    A, _, _ = simulated("binary")
    A[:, 7] = 1
    with pytest.warns(ConstantCauseWarning, match="causes 7 never vary"):
        PoissonFactorModel(K, random_state=0).fit(convert(A))
    A[3, 7] = 0
    mask = np.zeros(A.shape, dtype=bool)
    mask[3, 7] = True
    frame = pd.DataFrame(A, columns=[f"actor {j}" for j in range(M)])
    with pytest.warns(ConstantCauseWarning, match="causes actor 7 never vary"):
        PPCAFactorModel(K).fit(frame, mask=mask)


def test_progress_bar_is_shown_on_demand(capsys):
    A, _, _ = simulated("real")
    model = PPCAFactorModel(K, inference="svi", max_iter=2, random_state=0)
    model.fit(A)
    assert capsys.readouterr().err == ""
    model.set_params(verbose=True).fit(A)
    assert "2/2" in capsys.readouterr().err
