"""Reading a fitted model from a file without running code that it brings."""

import sys
from pathlib import Path
from typing import Any

from skcausal.analysis._errors import InputError

_PICKLES = (".pkl", ".pickle", ".joblib")
_HOW = (
    "Save it with skops.io.dump(model, 'model.skops'), or give a .pkl or .joblib with "
    "--allow-pickle if you trust it."
)


def load_model(path: Path, trusted: list[str], *, allow_pickle: bool) -> Any:
    """Load a fitted scikit-learn model.

    Parameters
    ----------
    path : pathlib.Path
        A file that skops wrote (.skops), or a pickle (.pkl, .pickle, .joblib).
    trusted : list of str
        Types that a skops file may hold beyond those that skops trusts.
    allow_pickle : bool
        Whether pickles are read, which runs what code they hold.

    Returns
    -------
    estimator
        The model.

    Raises
    ------
    InputError
        If the file is missing, no model, damaged, or not trusted.
    """
    kind = path.suffix.lower()
    if kind != ".skops" and kind not in _PICKLES:
        msg = f'--model: the kind of "{path}" is unknown. {_HOW}'
        raise InputError(msg)
    if not path.is_file():
        msg = f'--model: there is no file "{path}".'
        raise InputError(msg)
    if kind == ".skops":
        model = _from_skops(path, trusted)
    else:
        model = _from_pickle(path, allow_pickle)
    if not hasattr(model, "predict"):
        msg = (
            f'--model: "{path}" holds an object of type {type(model).__name__}, which '
            "cannot predict. Save the fitted classifier, regressor or Pipeline."
        )
        raise InputError(msg)
    return model


def _from_skops(path: Path, trusted: list[str]) -> Any:
    from skcausal.utils._optional import require

    try:
        require("skops", "models", f'--model: reading "{path}"')
    except ImportError as error:
        raise InputError(str(error)) from None
    import skops.io as sio

    try:
        found = sio.get_untrusted_types(file=path)
    except Exception as error:
        raise InputError(_damaged(path, error)) from error
    if refused := [name for name in found if name not in trusted]:
        options = " ".join(f"--trust {name}" for name in refused)
        many = len(refused) > 1
        msg = (
            f'--model: "{path}" holds {len(refused)} type{"s" if many else ""} that '
            f"skops does not know to be safe: {', '.join(refused)}. If the file is "
            f"from a source that you trust, add {options}"
        )
        raise InputError(msg)
    try:
        return sio.load(path, trusted=found)
    except Exception as error:
        raise InputError(_damaged(path, error)) from error


def _from_pickle(path: Path, allowed: bool) -> Any:
    if not allowed:
        msg = (
            f'--model: "{path}" is a pickle, and reading one runs any code that it '
            "holds. Save the model with skops.io.dump as .skops, or add --allow-pickle "
            "if you trust whoever made the file."
        )
        raise InputError(msg)
    print(
        f'skcausal: warning: reading "{path}" runs code from the file.',
        file=sys.stderr,
    )
    import joblib

    try:
        return joblib.load(path)
    except Exception as error:
        raise InputError(_damaged(path, error)) from error


def _damaged(path: Path, error: Exception) -> str:
    """Say that a file cannot be read; it may fail in any way."""
    reason = (str(error).splitlines() or [""])[0].strip()
    return f'--model: "{path}" cannot be read. {type(error).__name__}: {reason}'
