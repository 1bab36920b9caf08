"""Draw Vega-Lite specifications as SVG or PNG with vl-convert, without a browser or a network."""

from collections.abc import Mapping
from typing import Any

from muniment.core.errors import InvalidOption
from muniment.core.extras import load_extra

_SCALE = 2


def draw_spec(spec: Mapping[str, Any], form: str) -> bytes:
    """Draw a chart as `svg` or `png`.

    Raises:
        InvalidOption: the form is neither.
        MissingExtra: the `charts` extra is not installed.
    """
    converter = load_extra("vl_convert", "vl-convert-python", "charts")
    if form == "svg":
        text: str = converter.vegalite_to_svg(dict(spec), allowed_base_urls=[])
        return text.encode()
    if form == "png":
        image: bytes = converter.vegalite_to_png(dict(spec), scale=_SCALE, allowed_base_urls=[])
        return image
    raise InvalidOption(option="--format", reason=f"{form!r} is neither svg nor png")
