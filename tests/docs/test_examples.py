"""The gallery keeps its format; that it runs is the business of the docs build."""

import ast
from pathlib import Path

import pytest

from skcausal import datasets

ROOT = Path(__file__).parents[2]
EXAMPLES = sorted((ROOT / "examples").glob("*/plot_*.py"))


def test_gallery_is_found():
    assert len(EXAMPLES) >= 5


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_example_is_one_short_question_with_a_figure(path):
    text = path.read_text(encoding="utf-8")
    title = ast.get_docstring(ast.parse(text)).splitlines()[0]
    assert title.endswith("?")
    assert len(text.splitlines()) < 100
    assert "plt.show()" in text


def test_building_the_gallery_downloads_nothing(tmp_path, monkeypatch):
    """An example that fetches a data set runs only where its folder is."""
    monkeypatch.syspath_prepend(str(ROOT / "docs"))
    from gallery import FETCH, FOLDERS, examples_that_run

    fetched = {path.name: FETCH.findall(path.read_text()) for path in EXAMPLES}
    sets = {name for names in fetched.values() for name in names}
    assert sets <= {name[6:] for name in datasets.__all__ if name.startswith("fetch_")}
    plain = [name for name, names in fetched.items() if not names]
    assert sorted(examples_that_run(ROOT / "examples", tmp_path)) == sorted(plain)
    for name in sets:
        (tmp_path / FOLDERS.get(name, name)).mkdir()
    assert len(examples_that_run(ROOT / "examples", tmp_path)) == len(EXAMPLES)
