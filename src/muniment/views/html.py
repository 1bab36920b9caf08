"""Views as HTML, for notebooks: a fragment with its own style, which holds no script and loads nothing.

Charts are pictures in it if the `charts` extra is installed.
"""

import base64
import importlib.resources
from functools import cache
from typing import Final

from jinja2 import Environment, FunctionLoader, StrictUndefined

from muniment.core.errors import MissingExtra
from muniment.core.texts import plain
from muniment.evaluation.rendering import draw_spec
from muniment.views.values import Value, write, write_whole
from muniment.views.view import MEANINGS, Chart, Facts, Story, Table, View

_TEMPLATES: Final = importlib.resources.files("muniment.views") / "templates"


def draw_html(view: View) -> str:
    """Draw a view as a fragment of HTML."""
    return _make_environment().get_template("view.html").render(view=view)


@cache
def _make_environment() -> Environment:
    environment = Environment(
        autoescape=True,
        loader=FunctionLoader(lambda name: (_TEMPLATES / name).read_text("utf-8")),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "short": _write_short,
        "whole": _write_whole,
        "plain": plain,
        "picture": _draw_chart,
    }
    environment.tests |= {
        kind.__name__.lower(): lambda block, kind=kind: isinstance(block, kind)
        for kind in (Facts, Table, Story, Chart)
    }
    environment.globals["meanings"] = MEANINGS
    return environment


def _write_short(value: Value, now: str) -> str:
    return plain(write(value, now))


def _write_whole(value: Value) -> str:
    return plain(write_whole(value))


def _draw_chart(chart: Chart) -> str:
    """Draw a chart as the address of a picture, in which no script runs; empty without the `charts` extra."""
    try:
        drawn = draw_spec(chart.specification, "svg")
    except MissingExtra:
        return ""
    return f"data:image/svg+xml;base64,{base64.b64encode(drawn).decode()}"
