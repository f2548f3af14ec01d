"""The gallery keeps its format; that it runs is the business of the docs build."""

import ast
from pathlib import Path

import pytest

EXAMPLES = sorted((Path(__file__).parents[2] / "examples").glob("*/plot_*.py"))


def test_gallery_is_found():
    assert len(EXAMPLES) >= 5


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_example_is_one_short_question_with_a_figure(path):
    text = path.read_text(encoding="utf-8")
    title = ast.get_docstring(ast.parse(text)).splitlines()[0]
    assert title.endswith("?")
    assert len(text.splitlines()) < 100
    assert "plt.show()" in text


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_example_downloads_nothing(path):
    names = {
        name.name
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom) and node.module == "skcausal.datasets"
        for name in node.names
    }
    assert not {name for name in names if name.startswith("fetch_")}
