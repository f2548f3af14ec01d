"""Packages that only some parts need: an error that says how to get them."""

from importlib.util import find_spec


def require(module: str, extra: str, owner: str) -> None:
    """Raise ImportError, naming the extra, if a package is not installed."""
    if find_spec(module) is None:
        raise ImportError(
            f'{owner} needs {module}: install it with pip install "skcausal[{extra}]".'
        )
