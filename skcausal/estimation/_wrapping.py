"""What wrappers of learners share: one target, rows of anything, delegation."""

from typing import Any

import numpy as np
from sklearn.utils import _safe_indexing, get_tags
from sklearn.utils.validation import check_is_fitted

from skcausal.estimation._data import treatment_is_continuous
from skcausal.estimation._delegation import effect_of, final_learner
from skcausal.estimation._mixin import EffectMixin
from skcausal.inference import EffectEstimate
from skcausal.utils._target import TargetParts, fields_of, pack


def target_of(parts: TargetParts) -> np.ndarray:
    """Pack resolved parts into a causal target, which Pipelines and learners take."""
    optional = {
        "sample_weight": parts.sample_weight,
        "groups": parts.groups,
        "propensity": parts.propensity,
        "instrument": parts.instrument,
        "event": parts.event,
    }
    fields = {"outcome": parts.outcome, "treatment": parts.treatment}
    return pack(fields | {k: v for k, v in optional.items() if v is not None})


def named_learners(learners: Any, owner: str) -> list[tuple[str, Any]]:
    """Return (name, learner) pairs from such a list or a mapping."""
    pairs = list(learners.items()) if isinstance(learners, dict) else list(learners)
    named = all(isinstance(pair, tuple) and len(pair) == 2 for pair in pairs)
    names = [pair[0] for pair in pairs] if named else []
    if not pairs or not named or len(set(names)) != len(names):
        raise ValueError(
            f"{owner}: learners must be (name, learner) pairs with distinct names, "
            f"such as [('t', TLearner()), ('dr', DRLearner())], got {learners!r}."
        )
    return pairs


def rows_of(X: Any, rows: np.ndarray) -> Any:
    """Select rows of whatever scikit-learn accepts as X."""
    if hasattr(X, "tocsr"):
        X = X.tocsr()
    return _safe_indexing(X if hasattr(X, "shape") else np.asarray(X), rows)


def resample(
    target: np.ndarray, random: np.random.Generator, share: float | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Draw rows by group, else within arms; return their positions and their target.

    ``share`` is the part drawn without replacement; None draws as many as there are
    with replacement. Copies of a row then form a group, so that folds never put one
    copy into training and another into the held-out part.
    """
    fields = fields_of(target)
    if "groups" in fields:
        sizes = np.bincount(fields["groups"])
        order = np.argsort(fields["groups"], kind="stable")
        members = np.split(order, np.cumsum(sizes)[:-1])
        drawn = _draw(np.arange(sizes.shape[0]), random, share)
        rows = np.concatenate([members[group] for group in drawn])
        return rows, target[rows]
    strata = _strata(target["treatment"])
    units = [np.flatnonzero(strata == stratum) for stratum in np.unique(strata)]
    rows = np.concatenate([_draw(unit, random, share) for unit in units])
    if share is not None:
        return rows, target[rows]
    copies = np.unique(rows, return_inverse=True)[1]
    return rows, pack(fields_of(target[rows]) | {"groups": copies})


def _strata(treatment: np.ndarray) -> np.ndarray:
    """Return the arm of each row, or one stratum for a continuous treatment."""
    if treatment_is_continuous(treatment, "auto", "resample"):
        return np.zeros(treatment.shape[0], dtype=int)
    return np.unique(treatment, return_inverse=True)[1]


def _draw(
    units: np.ndarray, random: np.random.Generator, share: float | None
) -> np.ndarray:
    """Draw a share of the units without replacement, or all of them with."""
    if share is None:
        return random.choice(units, size=units.shape[0], replace=True)
    whole, rest = divmod(share * units.shape[0], 1)
    size = int(whole) + int(rest > 0 and random.random() < rest)
    return random.choice(units, size=max(size, 1), replace=False)


def slim(estimator: Any) -> Any:
    """Drop the training rows of a fitted estimator that only has to predict."""
    learner = final_learner(estimator)
    if hasattr(learner, "_data"):
        learner._data = learner._data.without_features()
    return estimator


class EffectWrapper(EffectMixin):
    """Base of estimators around a fitted learner, held in ``learner_``."""

    def _adopt(self, learner: Any) -> None:
        """Take over what the wrapped learner knows about its input."""
        self.learner_ = learner
        for name in ("n_features_in_", "feature_names_in_"):
            if hasattr(self, name):
                delattr(self, name)
            if hasattr(learner, name):
                setattr(self, name, getattr(learner, name))

    @property
    def arms_(self) -> np.ndarray | None:
        """Labels of the arms, control first; None for a continuous treatment."""
        return final_learner(self.learner_).arms_

    @property
    def _endpoint(self) -> Any:
        """What the learner asks of survival times; None for other outcomes."""
        return getattr(final_learner(self.learner_), "_endpoint", None)

    def effect(self, X: Any, *, treated: Any = None, control: Any = None) -> np.ndarray:
        """Return the conditional average treatment effect of each row.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n, n_features)
            Covariates.
        treated, control : label or float, default=None
            Arms (or levels) to compare, by default all arms against the control arm.

        Returns
        -------
        effects : ndarray of shape (n,) or (n, n_arms - 1)
            Effects in units of the outcome.
        """
        check_is_fitted(self, "learner_")
        return effect_of(self.learner_).effect(X, treated=treated, control=control)

    def average_effect(self, **question: Any) -> EffectEstimate:
        """Return the average effect in the training sample with its inference.

        Parameters
        ----------
        **question : dict
            ``target``, ``where``, ``by``, ``weights`` and ``scale`` as in
            :meth:`DRLearner.average_effect`.

        Returns
        -------
        estimate : EffectEstimate
            From doubly robust scores of the wrapped learner.
        """
        check_is_fitted(self, "learner_")
        return effect_of(self.learner_).average_effect(**question)

    def _projected(self, features: Any, target: str) -> EffectEstimate:
        check_is_fitted(self, "learner_")
        view = effect_of(self.learner_)
        return view.best_linear_projection(features, target=target)

    def _wrapped(self) -> Any:
        """Return the unfitted estimator whose abilities count (hook)."""
        raise NotImplementedError

    def __sklearn_tags__(self) -> Any:
        """Take the input that the wrapped learner takes."""
        tags = super().__sklearn_tags__()
        inner = get_tags(self._wrapped()).input_tags
        tags.input_tags.allow_nan = inner.allow_nan
        tags.input_tags.sparse = inner.sparse
        return tags
