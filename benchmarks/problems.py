"""The problems that benchmarks solve: two public collections and our own designs.

`ihdp` and `acic2016` read the files that ``skcausal.datasets`` reads, but directly, so
that an adapter of another library gets plain arrays. The designs have a known effect
and known averages of it, computed by quadrature, not by simulation.
"""

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy import integrate, special, stats
from sklearn.model_selection import StratifiedKFold

N_FOLDS = 5


def data_file(*parts):
    folder = os.environ.get("SKCAUSAL_DATA")
    path = Path(folder or ".", *parts)
    if folder is None or not path.exists():
        raise FileNotFoundError(
            f"benchmarks: {'/'.join(parts)} is needed. Put it below a folder and set "
            "the environment variable SKCAUSAL_DATA to that folder."
        )
    return path


def shared_folds(X, treatment, seed):
    """Make splits stratified on treatment, as any library makes them from this seed."""
    splitter = StratifiedKFold(n_splits=N_FOLDS, shuffle=True, random_state=seed)
    return list(splitter.split(X, treatment))


def _problem(name, X, y, treatment, X_new, seed, truth):
    return {
        "name": name,
        "X": X,
        "y": y,
        "treatment": treatment,
        "X_new": X_new,
        "seed": seed,
        "folds": shared_folds(X, treatment, seed),
        "truth": truth,  # {part: (rows of X_new, true effects)}
    }


def ihdp(n_problems=100):
    """Replications of IHDP, response surface B; 672 rows to fit, 75 held out."""
    train = np.load(data_file("ihdp", "ihdp_npci_1-100.train.npz"))
    test = np.load(data_file("ihdp", "ihdp_npci_1-100.test.npz"))
    problems = []
    for k in range(n_problems):
        X, X_test = train["x"][:, :, k], test["x"][:, :, k]
        n, m = len(X), len(X_test)
        truth = {
            "train": (np.arange(n), (train["mu1"] - train["mu0"])[:, k]),
            "test": (np.arange(n, n + m), (test["mu1"] - test["mu0"])[:, k]),
        }
        treatment = train["t"][:, k].astype(int)
        X_new = np.vstack([X, X_test])
        y = train["yf"][:, k]
        problems.append(_problem(f"ihdp-{k + 1}", X, y, treatment, X_new, k, truth))
    return problems


def acic2016(settings=None):
    """First replication of the 77 settings of the ACIC 2016 competition.

    The three categorical columns are one-hot for every library.
    """
    import pandas as pd

    frame = pd.read_csv(data_file("acic2016", "x.csv.gz"))
    text = frame.select_dtypes(exclude="number").columns
    X = pd.get_dummies(frame, columns=list(text)).to_numpy(dtype=float)
    draws = np.load(data_file("acic2016", "acic2016_77settings_rep1.npz"))
    draws = {name: draws[name] for name in ("z", "y0", "y1", "mu0", "mu1")}
    problems = []
    for k in range(len(draws["z"])) if settings is None else settings:
        treatment = draws["z"][k].astype(int)
        y = np.where(treatment == 1, draws["y1"][k], draws["y0"][k])
        truth = {"all": (np.arange(len(X)), draws["mu1"][k] - draws["mu0"][k])}
        problems.append(_problem(f"acic-{k + 1}", X, y, treatment, X, k, truth))
    return problems


@dataclass(frozen=True)
class Draw:
    """One sample of a design."""

    X: np.ndarray
    y: np.ndarray
    treatment: np.ndarray
    groups: np.ndarray | None = None


LOGIT = np.array([0.6, -0.4, 0.3, 0.0, 0.0, 0.0, 0.0, 0.0])  # moderate overlap
N_FEATURES = len(LOGIT)


def propensity(X):
    """Logistic and linear in X, so that a logit model of it is right."""
    return special.expit(X @ LOGIT)


def baseline(X):
    """Nonlinear, and confounded: it shares columns 0 to 2 with the propensity."""
    return X[:, 0] + 0.5 * np.sin(2 * X[:, 1]) + 0.4 * X[:, 2] ** 2 + 0.5 * X[:, 4]


def varying_effect(X):
    return 1.0 + 0.5 * X[:, 0] + 0.5 * (X[:, 3] > 0)


def linear_effect(X):
    return 1.0 + 0.5 * X[:, 0] - 0.5 * X[:, 3]


def constant_effect(X):
    return np.ones(len(X))


def confounded(n, seed, effect=varying_effect):
    """Independent rows; X standard normal with 8 columns, unit noise."""
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, N_FEATURES))
    treatment = (rng.random(n) < propensity(X)).astype(int)
    y = baseline(X) + effect(X) * treatment + rng.standard_normal(n)
    return Draw(X, y, treatment)


def clustered(n, seed, effect=linear_effect, size=10):
    """Rows in clusters that share half of X's variance, a shock of y, and treatment.

    Margins are those of `confounded`: within a cluster treatments are correlated by a
    Gaussian copula, so that the propensity given X stays as it is.
    """
    rng = np.random.default_rng(seed)
    groups = np.repeat(np.arange(n // size), size)

    def shared(*shape):
        common = rng.standard_normal((n // size, *shape))[groups]
        return np.sqrt(0.5) * (common + rng.standard_normal((n, *shape)))

    X = shared(N_FEATURES)
    treatment = (stats.norm.cdf(shared()) < propensity(X)).astype(int)
    y = baseline(X) + effect(X) * treatment + shared()
    return Draw(X, y, treatment, groups)


def true_average(target):
    """ATE and ATT of `varying_effect` under the `confounded` design.

    E[e(X) X_0] needs one integral: given L = X @ LOGIT, E[X_0] = LOGIT_0 L / |LOGIT|^2.
    """
    if target == "all":
        return 1.25
    variance = LOGIT @ LOGIT
    scale = np.sqrt(variance)
    moment, _ = integrate.quad(
        lambda z: scale * z * special.expit(scale * z) * stats.norm.pdf(z), -10, 10
    )
    return 1.25 + 0.5 * (LOGIT[0] / variance) * moment / 0.5


def large(n, n_features=20, seed=0):
    """Rows for timing: `confounded` with more columns, made to suit the adapters."""
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, n_features))
    relevant = X[:, :N_FEATURES]
    treatment = (rng.random(n) < propensity(relevant)).astype(int)
    y = baseline(relevant) + varying_effect(relevant) * treatment
    y += rng.standard_normal(n)
    return Draw(X, y, treatment)


def timing(n, seed=0):
    """Return `large` as a problem for the adapters; effects are asked of few rows."""
    data = large(n, seed=seed)
    name = f"timing-{n}"
    return _problem(name, data.X, data.y, data.treatment, data.X[:1000], seed, {})
