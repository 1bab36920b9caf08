"""The pages: static files. Their input is in the fragment of the address, behind the #.

No server sees the fragment, so it can carry an invitation or a statement to sign.
"""

from html import escape
from importlib.resources import files
from typing import Final

from starlette.exceptions import HTTPException
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


def make_routes(address: str, *, provider: bool) -> list[Route]:
    """Make the routes of the pages, their scripts and styles, of a server at an address.

    With a `provider`, people sign in with the address alone, and not with an invitation.
    """
    pages = [_make_route(path, name, "text/html") for path, name in _PAGES.items()]
    assets = [_make_route(f"/pages/{name}", name, kind) for name, kind in _ASSETS.items()]
    return [_make_entrance(address, provider=provider), *pages, *assets]


def _make_entrance(address: str, *, provider: bool) -> Route:
    """Make the route of `/`, which has a page for browsers and nothing for anybody else."""
    words = {
        "address": escape(address),
        "login": escape(address) if provider else "LINK",
        "help": "" if provider else "LINK is your invitation: ask an admin for it.",
    }
    content = _read("index.html").decode().format(**words)

    async def entrance(request: Request) -> Response:
        if "text/html" not in request.headers.get("accept", ""):
            raise HTTPException(404)
        return Response(content, 200, {**_HEADERS, "vary": "accept"}, "text/html")

    return Route("/", entrance)


def _read(name: str) -> bytes:
    return files("muniment.web").joinpath("files", name).read_bytes()


def _make_route(path: str, name: str, kind: str) -> Route:
    content = _read(name)

    async def page(_request: Request) -> Response:
        return Response(content, 200, _HEADERS, kind)

    return Route(path, page, name=name)
