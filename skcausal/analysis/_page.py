"""One self-contained HTML page from a template."""

from importlib.resources import files
from typing import Any


def render_page(template: str, context: dict[str, Any]) -> str:
    """Render a template that extends ``page.html``, with the style inside.

    Parameters
    ----------
    template : str
        Name of the file.
    context : dict of str to object
        What the template names; everything is escaped but what `safe` marks.

    Returns
    -------
    str
        The page.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("skcausal.analysis", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    css = files("skcausal.analysis") / "templates" / "report.css"
    page = environment.get_template(template).render(
        css=safe(css.read_text(encoding="utf-8")), **context
    )
    return page.replace("95 %", "95\u00a0%")


def safe(text: str) -> Any:
    """Mark text that we wrote ourselves as HTML."""
    from markupsafe import Markup

    return Markup(text)
