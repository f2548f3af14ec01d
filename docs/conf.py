"""Sphinx settings. The API pages are made from api_reference.py, the gallery runs."""

import os
import re
import sys
from pathlib import Path

DOCS = Path(__file__).parent
ROOT = DOCS.parent
sys.path[:0] = [str(ROOT), str(DOCS)]
os.environ["MPLBACKEND"] = "Agg"

from api_reference import API_REFERENCE
from gallery import examples_that_run
from sphinx_gallery.sorting import FileNameSortKey

import skcausal
from skcausal.datasets._fetch import data_folder

project = "skcausal"
author = "The skcausal developers"
copyright = "2026, The skcausal developers"
version = release = skcausal.__version__

extensions = [
    "myst_parser",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.mathjax",
    "sphinx_copybutton",
    "sphinx_design",
    "sphinx_gallery.gen_gallery",
]
exclude_patterns = ["_build", "changes", "images/README.md"]
templates_path = ["_templates"]
source_suffix = {".rst": "restructuredtext", ".md": "markdown"}
default_role = None
suppress_warnings = ["config.cache"]  # the sort key of the gallery is a class

# ----------------------------------------------------------------------- links
# Links into other projects need the network; builds without it stay free of warnings.
if os.environ.get("SKCAUSAL_DOCS_LINKS"):
    extensions.append("sphinx.ext.intersphinx")
    intersphinx_mapping = {
        "python": ("https://docs.python.org/3", None),
        "numpy": ("https://numpy.org/doc/stable", None),
        "pandas": ("https://pandas.pydata.org/docs", None),
        "sklearn": ("https://scikit-learn.org/stable", None),
    }

# -------------------------------------------------------------------- Markdown
myst_enable_extensions = ["amsmath", "colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3
copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True

# ------------------------------------------------------------------------- API
autosummary_generate = [f"api/{package}.rst" for package in API_REFERENCE]
autodoc_typehints = "none"  # numpydoc's types say more: shapes and units
numpydoc_show_class_members = False


def write_api_pages() -> None:
    """Write one page per package, and their index, from the one dict."""
    folder = DOCS / "api"
    folder.mkdir(exist_ok=True)
    for package, sections in API_REFERENCE.items():
        write_if_changed(folder / f"{package}.rst", api_page(package, sections))
    toctree = [".. toctree::", "   :maxdepth: 1", ""]
    toctree += [f"   {package}" for package in API_REFERENCE]
    lines = [
        "API",
        "===",
        "",
        "Every public name has one import path: the package it is listed under.",
        "",
        *toctree,
    ]
    write_if_changed(folder / "index.rst", "\n".join(lines) + "\n")


def api_page(package: str, sections: dict[str, list[str]]) -> str:
    """Return the page of a package: its docstring and a table per section."""
    lines = [package, "=" * len(package), "", f".. automodule:: {package}", ""]
    lines += [f".. currentmodule:: {package}", ""]
    for title, names in sections.items():
        lines += [title, "-" * len(title), "", ".. autosummary::"]
        lines += ["   :toctree: generated", "   :nosignatures:", ""]
        lines += [f"   {name}" for name in names] + [""]
    return "\n".join(lines)


def write_if_changed(path: Path, text: str) -> None:
    """Keep the time stamp of an unchanged page, so that rebuilds stay fast."""
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")


def skip_inherited(app, what, name, obj, skip, options):
    """Leave scikit-learn's own methods to scikit-learn's documentation."""
    module = getattr(obj, "__module__", None) or ""
    return True if module.startswith("sklearn.") else None


write_api_pages()

# --------------------------------------------------------------------- gallery
run = examples_that_run(ROOT / "examples", data_folder())
sphinx_gallery_conf = {
    "examples_dirs": "../examples",
    "gallery_dirs": "auto_examples",
    "backreferences_dir": "api/backreferences",
    "doc_module": ("skcausal",),
    "filename_pattern": "|".join(map(re.escape, run)),
    "within_subsection_order": FileNameSortKey,
    "image_scrapers": ("matplotlib",),
    "remove_config_comments": True,
    "plot_gallery": True,
    "download_all_examples": False,
    "show_memory": False,
    "nested_sections": False,
}

# ------------------------------------------------------------------------ HTML
html_theme = "pydata_sphinx_theme"
html_title = "skcausal"
html_static_path = ["_static"]
html_css_files = ["skcausal.css"]
html_show_sourcelink = False
html_theme_options = {
    "logo": {"text": "skcausal"},
    "navbar_align": "left",
    "show_prev_next": False,
    "secondary_sidebar_items": ["page-toc"],
    "footer_start": ["copyright"],
    "footer_end": [],
}


def setup(app):
    """Connect our only event handler."""
    app.connect("autodoc-skip-member", skip_inherited)
