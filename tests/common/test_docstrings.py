"""Every public docstring is valid numpydoc and says what a learner must say."""

import importlib
import inspect
import runpy
from pathlib import Path

import pytest
from numpydoc.docscrape import get_doc_object
from numpydoc.validate import validate

API_REFERENCE = runpy.run_path(
    str(Path(__file__).parents[2] / "docs" / "api_reference.py")
)["API_REFERENCE"]

IGNORED = {
    "ES01": "an extended summary is written where it says something",
    "GL01": "the summary starts on the line of the quotes",
    "SA01": "cross-links belong into the guide, not into each docstring",
    "SA04": "the name of a linked object describes it",
    "RT02": "returned arrays are named",
    "YD01": "a generator's docstring may say Returns",
}
IGNORED_IN_METHODS = {"EX01": "the example of the class shows the methods"}
IGNORED_IN_ERRORS = {"EX01": "errors and warnings are raised by others"}
IGNORED_IN_PROPERTIES = {"PR02": "numpydoc takes a property for a function"}


def public_objects():
    """Yield the path of everything with a docstring of its own: no constants."""
    for package, sections in API_REFERENCE.items():
        for name in (name for names in sections.values() for name in names):
            path = f"{package}.{name}"
            if load(path) is None or callable(load(path)):
                yield path


def load(path):
    """Return the object, or None where the API dict lists too much (a test says so)."""
    package, _, name = path.rpartition(".")
    return getattr(importlib.import_module(package), name, None)


def methods_of(path):
    """Return the public methods and properties that skcausal itself defines."""
    obj = load(path)
    if not inspect.isclass(obj):
        return []
    defined = {
        name: value
        for owner in reversed(obj.__mro__)
        if owner.__module__.startswith("skcausal")
        for name, value in vars(owner).items()
    }
    return [
        f"{path}.{name}"
        for name, value in defined.items()
        if not name.startswith("_") and is_documented_kind(value)
    ]


def is_documented_kind(value):
    if isinstance(value, property):
        return True
    value = getattr(value, "fn", value)  # what available_if wraps
    value = getattr(value, "__func__", value)  # what classmethod wraps
    module = getattr(value, "__module__", "") or ""
    return inspect.isfunction(value) and module.startswith("skcausal")


OBJECTS = sorted(public_objects())
METHODS = sorted({method for path in OBJECTS for method in methods_of(path)})


def complaints(path, *ignored):
    skip = set().union(*ignored)
    return [
        f"{code}: {message}"
        for code, message in validate(path)["errors"]
        if code not in skip
    ]


@pytest.mark.parametrize("path", OBJECTS)
def test_docstring_of_class_or_function(path):
    obj = load(path)
    is_error = inspect.isclass(obj) and issubclass(obj, Exception)
    extra = IGNORED_IN_ERRORS if is_error else {}
    assert complaints(path, IGNORED, extra) == []


@pytest.mark.parametrize("path", METHODS)
def test_docstring_of_method(path):
    owner, _, name = path.rpartition(".")
    attribute = inspect.getattr_static(load(owner), name)
    extra = IGNORED_IN_PROPERTIES if isinstance(attribute, property) else {}
    assert complaints(path, IGNORED, IGNORED_IN_METHODS, extra) == []


LEARNERS = [
    path
    for path in OBJECTS
    if inspect.isclass(load(path))
    and hasattr(load(path), "fit")
    and hasattr(load(path), "effect")
]


@pytest.mark.parametrize("path", LEARNERS)
def test_learner_states_assumptions_formula_and_source(path):
    document = get_doc_object(load(path), config={"show_class_members": False})
    notes = "\n".join(document["Notes"])
    assert notes.startswith("Assum"), "Notes open with the assumptions"
    assert ":math:" in notes or "=" in notes, "Notes contain the formula"
    assert document["References"], "References name the paper and the equation"
