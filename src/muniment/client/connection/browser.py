"""Send a browser to a page of a server, and wait for its answer on a local port.

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
_WRONG: Final = b"This is not the answer that muniment is waiting for.\n"


def wait_for_browser(
    make_address: Callable[[int, str], str], show: Callable[[str], object]
) -> Mapping[str, str]:
    """Show the address of a page, made from our port and a secret state; return the answer with that state.

    Raises:
        BrowserLost: the browser does not come back.
    """
    state = secrets.token_urlsafe(32)
    answers: list[Mapping[str, str]] = []

    class Visit(BaseHTTPRequestHandler):
        """A request of the browser."""

        timeout = 10

        def do_GET(self) -> None:
            """Accept the answer if it has our state."""
            brought = dict(parse_qsl(urlsplit(self.path).query))
            right = hmac.compare_digest(brought.pop("state", "").encode(), state.encode())
            if right:
                answers.append(brought)
            self.send_response(200 if right else 400)
            self.send_header("content-type", "text/plain; charset=utf-8")
            self.end_headers()
            self.wfile.write(_DONE if right else _WRONG)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name in the library
            """Log nothing: the request is a secret."""

    with HTTPServer(("127.0.0.1", 0), Visit) as server:
        server.timeout = _PATIENCE_S
        show(make_address(server.server_port, state))
        for _ in range(_MOST_VISITS):
            server.handle_request()
            if answers:
                return answers[0]
    raise BrowserLost(reason="the browser did not come back")
