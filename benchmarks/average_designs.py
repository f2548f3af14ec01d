"""Designs and estimators of one number, for the coverage benchmark.

Eight standard normal covariates and a propensity that a logit model gets right, except
where a design says otherwise. Averages of the effect are those of two million rows.
"""

from dataclasses import dataclass
from functools import cache, partial

import numpy as np
from scipy import special

from benchmarks import problems
from benchmarks.problems import Draw

TRUTH_ROWS = 2_000_000
QUANTILE = 0.5
DEFAULT_MODELS = ("nonlinear", "weak overlap")  # also with LightGBM: a second a draw


@dataclass(frozen=True)
class Design:
    """How rows are drawn: strength of confounding, noise, outcome, clusters.

    Parameters
    ----------
    name : str
        Shown in tables.
    strength : float
        Factor of the logit of the propensity.
    noise : {"unit", "heteroscedastic"}
        Standard deviation of the noise: one, or exp(x1 / 2).
    rare : bool
        Whether the outcome is an event of about four percent.
    clusters : bool
        Whether rows come in clusters of ten, see ``problems.clustered``.
    """

    name: str
    strength: float = 1.0
    noise: str = "unit"
    rare: bool = False
    clusters: bool = False

    def propensity(self, X):
        return special.expit(self.strength * (X @ problems.LOGIT))

    def means(self, X):
        """Return the expected outcome under control and under treatment."""
        if self.rare:
            level = -3.6 + 0.5 * X[:, 0] - 0.4 * X[:, 1]
            return special.expit(level), special.expit(level + 0.5 + 0.3 * X[:, 3])
        control = problems.baseline(X)
        return control, control + self.effect(X)

    def effect(self, X):
        make = problems.linear_effect if self.clusters else problems.varying_effect
        return make(X)

    def draw(self, n, seed):
        if self.clusters:
            return problems.clustered(n, seed)
        rng = np.random.default_rng(seed)
        X = rng.standard_normal((n, problems.N_FEATURES))
        treatment = (rng.random(n) < self.propensity(X)).astype(int)
        return Draw(X, self.outcomes(X, rng)[treatment, np.arange(n)], treatment)

    def outcomes(self, X, rng):
        """Return one draw of both potential outcomes, shape (2, n)."""
        means = np.stack(self.means(X))
        if self.rare:
            return (rng.random(len(X)) < means).astype(int)
        scale = np.exp(X[:, 0] / 2) if self.noise == "heteroscedastic" else 1.0
        return means + scale * rng.standard_normal(len(X))

    @cache  # noqa: B019
    def truth(self, target):
        """Return the true average for "all", "treated", "overlap" or "quantile"."""
        rng = np.random.default_rng(99)
        X = rng.standard_normal((TRUTH_ROWS, problems.N_FEATURES))
        if target == "quantile":
            low, high = np.quantile(self.outcomes(X, rng), QUANTILE, axis=1)
            return float(high - low)
        control, treated = self.means(X)
        e = self.propensity(X)
        weight = {"all": np.ones_like(e), "treated": e, "overlap": e * (1 - e)}[target]
        return float(np.average(treated - control, weights=weight))


DESIGNS = (
    Design("nonlinear"),
    Design("weak overlap", strength=2.5),
    Design("heteroscedastic", noise="heteroscedastic"),
    Design("rare outcome", rare=True),
    Design("clusters", clusters=True),
)


@dataclass(frozen=True)
class InstrumentDesign:
    """A lottery whose winners may take the treatment, and a hidden confounder.

    Parameters
    ----------
    name : str
        Shown in tables.
    compliance : float
        Share of rows whose treatment the instrument moves.
    """

    name: str
    compliance: float

    def draw(self, n, seed):
        """Return a sample and its instrument; compliers gain 2, others 1."""
        rng = np.random.default_rng(seed)
        X = rng.standard_normal((n, problems.N_FEATURES))
        z = (rng.random(n) < special.expit(0.5 * X[:, 1])).astype(int)
        hidden = rng.standard_normal(n)
        complier = rng.random(n) < self.compliance
        always = hidden > 0.8
        treatment = np.where(complier, z, always).astype(int)
        effect = np.where(complier, 2.0, 1.0)
        noise = hidden + rng.standard_normal(n)
        return Draw(X, X[:, 0] + effect * treatment + noise, treatment), z

    truth = 2.0


INSTRUMENT_DESIGNS = (
    InstrumentDesign("instrument", 0.4),
    InstrumentDesign("weak instrument", 0.05),
)


def outcome_model(design):
    """Return a model that can follow the design: splines, or a logit."""
    from sklearn.linear_model import LinearRegression, LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import SplineTransformer

    if design.rare:
        return LogisticRegression(C=np.inf)
    splines = SplineTransformer(n_knots=4, degree=3, extrapolation="linear")
    return make_pipeline(splines, LinearRegression())


def estimators(design, seed):
    """Return (name, estimator, target) of every estimator that suits a design."""
    from sklearn.linear_model import LogisticRegression

    from skcausal import estimation as e

    outcome, logit = outcome_model(design), LogisticRegression(C=np.inf)
    options = {"random_state": seed % 2**31}
    pairs = [
        ("AIPW", e.AIPW(outcome, logit, **options), "all"),
        ("AIPW, treated", e.AIPW(outcome, logit, **options), "treated"),
        ("AIPW, overlap", e.AIPW(outcome, logit, **options), "overlap"),
        ("TMLE", e.TMLE(outcome, logit, **options), "all"),
        ("RegressionAdjustment", e.RegressionAdjustment(outcome, **options), "all"),
        ("PropensityWeighting", e.PropensityWeighting(logit, **options), "all"),
        (
            "PropensityWeighting, overlap",
            e.PropensityWeighting(logit, **options),
            "overlap",
        ),
        (
            "EntropyBalancing",
            e.BalancedEffect(e.EntropyBalancing(target="all"), **options),
            "all",
        ),
        ("PartiallyLinear", e.PartiallyLinear(outcome, logit, **options), "overlap"),
    ]
    if not design.rare:
        median = e.QuantileEffect(
            quantiles=(QUANTILE,), propensity_model=logit, **options
        )
        pairs.append(("QuantileEffect", median, "quantile"))
    if not design.clusters:
        matching = e.NearestNeighbourMatching()
        pairs.append(("NearestNeighbourMatching", matching, "all"))
    if design.name in DEFAULT_MODELS:
        pairs += default_estimators(options)
    return pairs


def default_estimators(options):
    """Return the estimators that have models of their own, with those."""
    from skcausal import estimation as e

    return [
        ("AIPW, default models", e.AIPW(**options), "all"),
        ("TMLE, default models", e.TMLE(**options), "all"),
        ("PartiallyLinear, default models", e.PartiallyLinear(**options), "overlap"),
    ]


def row(cell, estimate, truth, interval=None):
    lower, upper = estimate.interval() if interval is None else interval
    numbers = {
        "value": estimate.value,
        "se": estimate.standard_error,
        "lower": lower,
        "upper": upper,
    }
    numbers = {k: float(np.ravel(v)[0]) for k, v in numbers.items()}
    return {"cell": cell} | numbers | {"truth": truth}


def bounds_of(found, truth):
    """Return bounds that hold the truth if the confidence set, maybe two rays, does."""
    if found.is_bounded:
        return found.hull
    return (-np.inf, np.inf) if truth in found else (np.inf, np.inf)


def average_draw(seed, n, design):
    """Every estimator on one sample; clusters also with errors that ignore them."""
    data = design.draw(n, seed)
    rows = []
    for name, estimator, target in estimators(design, seed):
        estimator.fit(data.X, data.y, treatment=data.treatment, groups=data.groups)
        asked = {} if target == "quantile" else {"target": target}
        found = estimator.average_effect(**asked)
        rows.append(row(name, found, design.truth(target)))
        if design.clusters and name == "AIPW":
            ignored = found.with_groups(None)
            rows.append(row("(AIPW, clusters ignored)", ignored, design.truth(target)))
    return rows


def instrument_draw(seed, n, design):
    """Wald and Anderson-Rubin intervals of both estimators on one sample."""
    from sklearn.linear_model import LinearRegression, LogisticRegression

    from skcausal import estimation as e

    data, z = design.draw(n, seed)
    linear, logit = LinearRegression(), LogisticRegression(C=np.inf)
    rows = []
    for name, class_ in (
        ("PartiallyLinearIV", e.PartiallyLinearIV),
        ("InteractiveIV", e.InteractiveIV),
    ):
        estimator = class_(linear, logit, logit, random_state=seed % 2**31)
        estimator.fit(data.X, data.y, treatment=data.treatment, instrument=z)
        found = estimator.average_effect()
        robust = bounds_of(estimator.anderson_rubin_interval(), design.truth)
        rows.append(row(f"({name}, Wald)", found, design.truth))
        rows.append(row(f"{name}, Anderson-Rubin", found, design.truth, robust))
    return rows


def tables(n):
    """Return (name, draw) of every design."""
    pairs = [(design.name, partial(average_draw, design=design)) for design in DESIGNS]
    pairs += [
        (design.name, partial(instrument_draw, design=design))
        for design in INSTRUMENT_DESIGNS
    ]
    return [(f"one number, {name}-{n}", partial(draw, n=n)) for name, draw in pairs]
