"""What a base model of None stands for: LightGBM sized by the data."""

from typing import Any

import numpy as np

_ONE_THREAD_BELOW = 10_000  # where starting threads costs more than they save


def _default_parameters(n_rows: int) -> dict[str, Any]:
    """Return LightGBM settings whose capacity grows with the number of rows."""
    return {
        "n_estimators": int(np.clip(120 * (n_rows / 1000) ** 0.7, 60, 400)),
        "num_leaves": int(np.clip(6 * (n_rows / 5000) ** 0.5, 6, 31)),
        "learning_rate": 0.05,
        "min_child_samples": 5,
        "subsample": 0.8,
        "subsample_freq": 1,
        "n_jobs": 1 if n_rows < _ONE_THREAD_BELOW else 0,
        "verbose": -1,
        "deterministic": True,
        "force_col_wise": True,
    }


def _default_classifier_parameters(n_rows: int) -> dict[str, Any]:
    """Return calmer settings: an overfitted propensity inflates its inverse."""
    parameters = _default_parameters(n_rows)
    calm = {
        "n_estimators": int(0.7 * parameters["n_estimators"]),
        "min_child_samples": int(np.clip(n_rows // 40, 5, 20)),
    }
    return parameters | calm


def default_hazard_classifier(n_rows: int) -> Any:
    """Return the classifier of hits among the periods of ``n_rows`` rows.

    Each row counts once for every period at risk, so leaves are larger: those of
    ``default_classifier`` would hold few rows, and inverse probabilities be wild.
    """
    calm = {"min_child_samples": int(np.clip(n_rows // 8, 20, 1000))}
    return default_classifier(n_rows).set_params(**calm)


def _default_effect_parameters(n_rows: int) -> dict[str, Any]:
    """Return LightGBM settings for scores, whose noise dwarfs the effect in them."""
    growth = (n_rows / 5000) ** 0.25
    calm = {
        "n_estimators": int(np.clip(100 * growth, 75, 300)),
        "num_leaves": int(np.clip(4 * growth, 4, 16)),
        "min_child_samples": int(np.clip(n_rows // 40, 5, 1000)),
    }
    return _default_parameters(n_rows) | calm


def default_effect_model(n_rows: int) -> Any:
    """Return the regressor used for an effect model where none is given.

    Its targets are doubly robust scores or ratios of residuals, whose noise dwarfs the
    effect in them, so its trees are smaller and its leaves larger than those of
    ``default_regressor``.

    Parameters
    ----------
    n_rows : int
        Number of rows the model will be trained on.

    Returns
    -------
    model : lightgbm.LGBMRegressor
        Unfitted regressor; it obeys OMP_NUM_THREADS.

    Examples
    --------
    >>> from skcausal.estimation import default_effect_model
    >>> default_effect_model(1000).num_leaves
    4
    """
    from lightgbm import LGBMRegressor

    return LGBMRegressor(**_default_effect_parameters(n_rows))


def default_regressor(n_rows: int) -> Any:
    """Return the regressor used where no model is given.

    LightGBM with few leaves, small steps and row subsampling: factory settings overfit
    small samples, which ruins the inference built on them.

    Parameters
    ----------
    n_rows : int
        Number of rows the model will be trained on.

    Returns
    -------
    model : lightgbm.LGBMRegressor
        Unfitted regressor; it obeys OMP_NUM_THREADS.

    Examples
    --------
    >>> from skcausal.estimation import default_regressor
    >>> default_regressor(1000).num_leaves
    6
    """
    from lightgbm import LGBMRegressor

    return LGBMRegressor(**_default_parameters(n_rows))


def default_classifier(n_rows: int) -> Any:
    """Return the classifier used where no model is given.

    Parameters
    ----------
    n_rows : int
        Number of rows the model will be trained on.

    Returns
    -------
    model : lightgbm.LGBMClassifier
        Unfitted classifier; it obeys OMP_NUM_THREADS.

    Examples
    --------
    >>> from skcausal.estimation import default_classifier
    >>> default_classifier(1000).subsample
    0.8
    """
    from lightgbm import LGBMClassifier

    return LGBMClassifier(**_default_classifier_parameters(n_rows))
