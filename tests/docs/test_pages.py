"""The Python blocks of the written pages run, in order, as one script per page."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.DOTALL | re.MULTILINE)
PAGES = [
    ROOT / "README.md",
    *sorted((ROOT / "docs").glob("*.md")),
    *sorted((ROOT / "docs" / "guide").glob("*.md")),
]


def blocks_of(page):
    """Yield each block after empty lines, so that errors name the line of the page."""
    text = page.read_text(encoding="utf-8")
    for match in BLOCK.finditer(text):
        line = text.count("\n", 0, match.start(1))
        yield "\n" * line + match[1]


@pytest.mark.parametrize(
    "page",
    [page for page in PAGES if any(blocks_of(page))],
    ids=lambda page: page.relative_to(ROOT).as_posix(),
)
def test_python_blocks_run(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    namespace = {"__name__": "__page__"}
    for code in blocks_of(page):
        exec(compile(code, str(page), "exec"), namespace)
