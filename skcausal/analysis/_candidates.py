"""The learners that the search compares, and the code that makes each of them."""

from dataclasses import dataclass
from typing import Any

# Effects are fainter than outcomes: the default effect models follow much of the
# noise of small tables, so two calmer ones compete with them.
EFFECT_MODELS = {
    "linear": """effect_model = make_pipeline(
    make_column_transformer(
        (
            OneHotEncoder(handle_unknown="ignore"),
            make_column_selector(dtype_include="category"),
        ),
        remainder=make_pipeline(
            SimpleImputer(strategy="median", keep_empty_features=True),
            StandardScaler(),
        ),
    ),
    RidgeCV(alphas=[10.0**power for power in range(7)]),
)""",
    "calm trees": """effect_model = LGBMRegressor(
    n_estimators=50,
    num_leaves=4,
    learning_rate=0.05,
    min_child_samples=200,
    subsample=0.5,
    subsample_freq=1,
    n_jobs=0,
    verbose=-1,
)""",
}
IMPORTS = {
    "linear": (
        "from sklearn.compose import make_column_selector, make_column_transformer",
        "from sklearn.impute import SimpleImputer",
        "from sklearn.linear_model import RidgeCV",
        "from sklearn.pipeline import make_pipeline",
        "from sklearn.preprocessing import OneHotEncoder, StandardScaler",
    ),
    "calm trees": ("from lightgbm import LGBMRegressor",),
}
_CANDIDATES = (
    ("DRLearner", None),
    ("RLearner", None),
    ("XLearner", None),
    ("TLearner", None),
    ("SLearner", None),
    ("DRLearner", "linear"),
    ("RLearner", "linear"),
    ("DRLearner", "calm trees"),
    ("XLearner", "calm trees"),
)
_PROPENSITY = {
    "DRLearner": "propensity_model",
    "XLearner": "propensity_model",
    "RLearner": "treatment_model",
}


@dataclass(frozen=True)
class Candidate:
    """A learner by the name of its class and of its effect model.

    Parameters
    ----------
    learner : str
        The name of a class in `skcausal.estimation`.
    effect_model : str or None
        A key of `EFFECT_MODELS`; None is the default of the learner.
    """

    learner: str
    effect_model: str | None = None

    @property
    def name(self) -> str:
        """The name in the leaderboard."""
        if self.effect_model is None:
            return self.learner
        return f"{self.learner}, {self.effect_model}"


CANDIDATES = {
    candidate.name: candidate
    for candidate in (Candidate(*entry) for entry in _CANDIDATES)
}


@dataclass(frozen=True)
class Design:
    """How learners are told about the treatment.

    `shares` are the known probabilities of the arms, control first, or None.
    """

    arms: tuple[Any, ...]
    shares: tuple[float, ...] | None
    random_state: int

    @property
    def propensity(self) -> Any:
        """The known propensity as a model, or None to estimate it."""
        from skcausal.estimation import KnownPropensity

        if self.shares is None:
            return None
        return KnownPropensity(dict(zip(self.arms, self.shares, strict=True)))

    def pair(self, code: int) -> "Design":
        """Return the design among the rows of the control and one other arm."""
        arms = (self.arms[0], self.arms[code])
        if self.shares is None:
            return Design(arms, None, self.random_state)
        chance = self.shares[code] / (self.shares[0] + self.shares[code])
        return Design(arms, (1 - chance, chance), self.random_state)

    def learner(self, name: str) -> Any:
        """Return the candidate of that name, unfitted."""
        from skcausal import estimation

        candidate = CANDIDATES[name]
        parameters: dict[str, Any] = {
            "control_arm": self.arms[0],
            "random_state": self.random_state,
        }
        if self.shares is not None and candidate.learner in _PROPENSITY:
            parameters[_PROPENSITY[candidate.learner]] = self.propensity
        if candidate.effect_model is not None:
            parameters["effect_model"] = _made(candidate.effect_model)
        return getattr(estimation, candidate.learner)(**parameters)

    def learner_code(self, name: str) -> str:
        """Write the code that makes the candidate of that name."""
        candidate = CANDIDATES[name]
        lines = [f"learner = {candidate.learner}("]
        if self.shares is not None and candidate.learner in _PROPENSITY:
            shares = dict(zip(self.arms, self.shares, strict=True))
            parameter = _PROPENSITY[candidate.learner]
            lines.append(f"    {parameter}=KnownPropensity({shares!r}),")
        if candidate.effect_model is not None:
            lines.insert(0, EFFECT_MODELS[candidate.effect_model])
            lines.append("    effect_model=effect_model,")
        lines.append(f"    control_arm={self.arms[0]!r},")
        lines.append(f"    random_state={self.random_state},")
        return "\n".join([*lines, ")"])

    def import_lines(self, name: str) -> tuple[list[str], list[str]]:
        """Return the imports of the effect model, and the names from estimation."""
        candidate = CANDIDATES[name]
        known = self.shares is not None and candidate.learner in _PROPENSITY
        names = [candidate.learner, *(["KnownPropensity"] if known else [])]
        return list(IMPORTS.get(candidate.effect_model or "", ())), sorted(names)


def _made(effect_model: str) -> Any:
    """Run the code of an effect model: what the report shows is what was used."""
    scope: dict[str, Any] = {}
    exec("\n".join([*IMPORTS[effect_model], EFFECT_MODELS[effect_model]]), scope)
    return scope["effect_model"]
