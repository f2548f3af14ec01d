"""The rules of the tree that import-linter and ruff cannot express."""

import ast
import importlib
import pkgutil
import runpy
import sys
from collections import defaultdict
from pathlib import Path

import pytest

import skcausal

ROOT = Path(skcausal.__file__).parent
MODULES = sorted(ROOT.rglob("*.py"))
MAX_LINES = 400
# What an array formula may use: no estimator and no package above.
ARRAY_LIBRARIES = {
    "numpy",
    "pandas",
    "scipy",
    "skcausal.inference",
    "skcausal.utils",
    "statsmodels",
}
# Written and read by other programs, hence public by another path than __all__.
ENTRY_POINTS = {"__init__", "__main__"}


def name_of(path):
    return path.relative_to(ROOT.parent).as_posix()


def public_packages():
    """Return the importable packages without an underscore in their path."""
    found = pkgutil.walk_packages([str(ROOT)], "skcausal.")
    names = [module.name for module in found if module.ispkg]
    return ["skcausal", *(n for n in names if "._" not in n)]


def public_names():
    """Return the public names of each package that has any."""
    exported = {
        package: list(getattr(importlib.import_module(package), "__all__", []))
        for package in public_packages()
    }
    return {package: names for package, names in exported.items() if names}


def imported_modules(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_module_fits_its_budget(path):
    n_lines = len(path.read_text(encoding="utf-8").splitlines())
    assert n_lines <= MAX_LINES, f"{name_of(path)} has {n_lines} lines: split it by job"


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_modules_are_private_and_packages_public(path):
    assert path.stem.startswith("_") or path.stem in ENTRY_POINTS


def test_a_public_name_has_one_import_path():
    homes = defaultdict(set)
    for package, names in public_names().items():
        for name in names:
            homes[name].add(package)
    shared = {name: sorted(where) for name, where in homes.items() if len(where) > 1}
    assert not shared


@pytest.mark.parametrize(("package", "names"), public_names().items())
def test_public_names_resolve_without_duplicates(package, names):
    module = importlib.import_module(package)
    assert len(names) == len(set(names))
    assert [name for name in names if not hasattr(module, name)] == []


def test_api_reference_lists_every_public_name_once():
    source = Path(__file__).parents[2] / "docs" / "api_reference.py"
    api_reference = runpy.run_path(str(source))["API_REFERENCE"]
    listed = {
        package: sorted(name for names in sections.values() for name in names)
        for package, sections in api_reference.items()
    }
    assert listed == {package: sorted(n) for package, n in public_names().items()}


@pytest.mark.parametrize("path", sorted((ROOT / "inference").glob("*.py")), ids=name_of)
def test_inference_knows_arrays_only(path):
    third_party = {
        module
        for module in imported_modules(path)
        if module.split(".")[0] not in sys.stdlib_module_names
    }
    allowed = tuple(ARRAY_LIBRARIES)
    assert {m for m in third_party if not m.startswith(allowed)} == set()
