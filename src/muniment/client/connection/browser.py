"""Send a browser to a page of a server, and wait for what it brings back: to a port of this machine.

As native applications log in (RFC 8252 7.3).
"""

import hmac
import secrets
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Final
from urllib.parse import parse_qsl, urlsplit

from muniment.core.errors import BrowserLost

_PATIENCE_S: Final = 300
_MOST_VISITS: Final = 20
_DONE: Final = b"Done. You can close this page.\n"
_WRONG: Final = b"This is not what muniment waits for.\n"


def wait_for_browser(
    make_address: Callable[[int, str], str], show: Callable[[str], object]
) -> Mapping[str, str]:
    """Show the address of a page, made for our port and a secret state; give what comes back with that state.

    Raises:
        BrowserLost: it does not come back.
    """
    state = secrets.token_urlsafe(32)
    found: list[Mapping[str, str]] = []

    class Visit(BaseHTTPRequestHandler):
        """One visit of the browser."""

        timeout = 10

        def do_GET(self) -> None:
            """Take what it brings, if it is of what we began."""
            brought = dict(parse_qsl(urlsplit(self.path).query))
            right = hmac.compare_digest(brought.pop("state", "").encode(), state.encode())
            if right:
                found.append(brought)
            self.send_response(200 if right else 400)
            self.send_header("content-type", "text/plain; charset=utf-8")
            self.end_headers()
            self.wfile.write(_DONE if right else _WRONG)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as the library calls it
            """Say nothing: what comes is a secret."""

    with HTTPServer(("127.0.0.1", 0), Visit) as server:
        server.timeout = _PATIENCE_S
        show(make_address(server.server_port, state))
        for _ in range(_MOST_VISITS):
            server.handle_request()
            if found:
                return found[0]
    raise BrowserLost(reason="it was not seen again")
