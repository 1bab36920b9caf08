"""The pages: static files. Their input is in the fragment of the address, behind the #.

No server sees the fragment, so it can carry an invitation or a statement to sign.
"""

from importlib.resources import files
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

_PAGES: Final = {"/login": "login.html", "/passkeys/sign": "sign.html"}
_ASSETS: Final = {
    "style.css": "text/css",
    "browser.js": "text/javascript",
    "login.js": "text/javascript",
    "sign.js": "text/javascript",
}
# No foreign sources, no inline scripts, no frames: what is shown is what is signed.
_HEADERS: Final = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "cache-control": "no-cache",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "cross-origin-opener-policy": "same-origin",
}


def make_routes() -> list[Route]:
    """Make the routes of the pages, their scripts and styles."""
    pages = [_make_route(path, name, "text/html") for path, name in _PAGES.items()]
    return pages + [_make_route(f"/pages/{name}", name, kind) for name, kind in _ASSETS.items()]


def _make_route(path: str, name: str, kind: str) -> Route:
    content = files("muniment.web").joinpath("files", name).read_bytes()

    async def page(_request: Request) -> Response:
        return Response(content, 200, _HEADERS, kind)

    return Route(path, page, name=name)
