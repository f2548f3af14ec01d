"""A small in-process cache, so that candidates of a search share nuisances."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import joblib

_MAX_ENTRIES = 64
_MAX_BYTES = 2**29  # of arrays; fitted models come on top
_entries: OrderedDict[str, Any] = OrderedDict()
_lock = threading.Lock()
_bypassed: ContextVar[bool] = ContextVar("bypassed", default=False)


@contextmanager
def bypassed() -> Iterator[None]:
    """Neither read nor fill the cache: for fits that are timed or made only once."""
    token = _bypassed.set(True)
    try:
        yield
    finally:
        _bypassed.reset(token)


def content_key(*parts: Any) -> str | None:
    """Hash the parts; None if something in them cannot be hashed."""
    try:
        return str(joblib.hash(parts))
    except Exception:  # joblib raises whatever an unpicklable model raises
        return None


def lookup(key: str | None) -> Any:
    """Return the cached value, or None."""
    if key is None or _bypassed.get():
        return None
    with _lock:
        if key in _entries:
            _entries.move_to_end(key)
            return _entries[key]
    return None


def store(key: str | None, value: Any) -> None:
    """Remember a value; the least recently used one is forgotten first."""
    if key is None or _bypassed.get():
        return
    with _lock:
        _entries[key] = value
        _entries.move_to_end(key)
        while len(_entries) > _MAX_ENTRIES or _total_bytes() > _MAX_BYTES:
            _entries.popitem(last=False)


def _total_bytes() -> int:
    """Return the size of the arrays held; models without a known size count as 0."""
    arrays = (getattr(value, "values", value) for value in _entries.values())
    return sum(getattr(array, "nbytes", 0) for array in arrays)


def cached(key: str | None, compute: Callable[[], Any]) -> Any:
    """Return the cached value, computing and storing it first if need be."""
    value = lookup(key)
    if value is None:
        value = compute()
        store(key, value)
    return value


def clear_cache() -> None:
    """Forget everything."""
    with _lock:
        _entries.clear()
