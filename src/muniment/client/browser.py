"""Wait for a browser that logs in: it comes back to a port of this machine (RFC 8252 7.3)."""

import hmac
import secrets
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Final
from urllib.parse import parse_qs, urlencode, urlsplit

from muniment.core.errors import LoginRefused

_PATIENCE_S: Final = 300
_MOST_VISITS: Final = 20
_DONE: Final = b"You are signed in. You can close this page.\n"
_WRONG: Final = b"This is not the login that muniment waits for.\n"


def wait_for_browser(location: str, show: Callable[[str], object]) -> str:
    """Send a browser to a server's login; give the invitation that it brings back.

    Raises:
        LoginRefused: it does not come back.
    """
    state = secrets.token_urlsafe(32)
    found: list[str] = []

    class Visit(BaseHTTPRequestHandler):
        """One visit of the browser."""

        timeout = 10

        def do_GET(self) -> None:
            """Take the invitation, if it is of the login that we began."""
            query = parse_qs(urlsplit(self.path).query)
            told = query.get("state", [""])[0]
            right = hmac.compare_digest(told.encode(), state.encode()) and "token" in query
            if right:
                found.append(query["token"][0])
            self.send_response(200 if right else 400)
            self.send_header("content-type", "text/plain; charset=utf-8")
            self.end_headers()
            self.wfile.write(_DONE if right else _WRONG)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as the library calls it
            """Say nothing: what comes is a secret."""

    with HTTPServer(("127.0.0.1", 0), Visit) as server:
        server.timeout = _PATIENCE_S
        query = urlencode({"port": server.server_port, "state": state})
        show(f"{location}/login/start?{query}")
        for _ in range(_MOST_VISITS):
            server.handle_request()
            if found:
                return found[0]
    raise LoginRefused(reason="the browser did not come back")
