"""The report as one HTML file that needs nothing else."""

from __future__ import annotations

import base64

from glioscope.reporting.model import ReportModel

__all__ = ["render_html"]


def render_html(model: ReportModel) -> str:
    """One self-contained page: style inline, pictures as data URIs, every text escaped. The same bytes for the same model."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("glioscope.reporting"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["data_uri"] = lambda png: "data:image/png;base64," + base64.b64encode(png).decode()
    return environment.get_template("report.html.j2").render(model=model) + "\n"
