"""Serve with one process, or with several that share a port."""

import asyncio
import errno
import logging
import signal
import socket
import sys
from pathlib import Path
from typing import Final

import structlog
from granian import Granian
from granian.constants import Interfaces
from granian.http import HTTP1Settings
from granian.server.embed import Server

from muniment.core.errors import InvalidSetting
from muniment.edge.gateway import Gateway
from muniment.server.app import make_app
from muniment.server.settings import ServerSettings
from muniment.server.wiring import open_served

# Larger chunks of a body cost fewer switches of threads. This also bounds the headers.
_HTTP1: Final = HTTP1Settings(header_read_timeout=10_000, max_buffer_size=2 << 20)
_BACKLOG: Final = 1024


def serve(settings: ServerSettings) -> None:
    """Serve until SIGINT or SIGTERM, then finish the requests in progress.

    Raises:
        InvalidSetting: the address cannot be listened on.
    """
    _check_free(settings)
    show_address(settings)
    if settings.workers > 1:
        _serve_many(settings)
    else:
        asyncio.run(_serve_one(settings))


def make_worker_app() -> Gateway:
    """Make the app of a worker process from the environment."""
    settings = ServerSettings.load()
    set_up_logging(settings)
    opened = open_served(settings)
    if opened.invitation is not None:
        show_invitation(settings, opened.invitation)
    return make_app(opened, settings)


def show_address(settings: ServerSettings) -> None:
    """Print where the server listens, and how people sign in."""
    link = (
        settings.address if settings.oidc_issuer else "LINK  (an admin makes one: muniment user invite NAME)"
    )
    sys.stderr.write(
        f"Muniment listens on {settings.host}:{settings.port}, for clients at {settings.address}\n"
        f"To sign in: muniment login {link}\n"
    )
    sys.stderr.flush()


def _check_free(settings: ServerSettings) -> None:
    """Check that the address can be listened on; the server itself would only say so in a traceback."""
    try:
        family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((settings.host, settings.port))
    except OSError as error:
        name = "MUNIMENT_PORT" if error.errno == errno.EADDRINUSE else "MUNIMENT_HOST"
        where = f"{settings.host}:{settings.port}"
        raise InvalidSetting(name=name, reason=f"cannot be listened on: {where}: {error.strerror}") from error


def show_invitation(settings: ServerSettings, token: str) -> None:
    """Print the one-time link for the first admin. It is not logged."""
    sys.stderr.write(
        "\nThis registry is new. To sign in as its admin, run within 24 hours:\n\n"
        f"  muniment login '{settings.address}/login#{token}'\n\n"
    )
    sys.stderr.flush()


def set_up_logging(settings: ServerSettings) -> None:
    """Log to standard error, as a JSON object or a line of text for each event."""
    last = (
        structlog.processors.JSONRenderer()
        if settings.log_format == "json"
        else structlog.dev.ConsoleRenderer(colors=False)
    )
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            last,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )


async def _serve_one(settings: ServerSettings) -> None:
    set_up_logging(settings)
    opened = await asyncio.to_thread(open_served, settings)
    if opened.invitation is not None:
        show_invitation(settings, opened.invitation)
    server = Server(
        make_app(opened, settings),
        address=settings.host,
        port=settings.port,
        interface=Interfaces.ASGI,
        http1_settings=_HTTP1,
        backlog=_BACKLOG,
        websockets=False,
        log_enabled=False,
        ssl_cert=_path(settings.tls_certificate),
        ssl_key=_path(settings.tls_key),
    )
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, server.stop)
    await server.serve()


def _serve_many(settings: ServerSettings) -> None:
    Granian(
        "muniment.server.serving:make_worker_app",
        factory=True,
        address=settings.host,
        port=settings.port,
        interface=Interfaces.ASGI,
        workers=settings.workers,
        http1_settings=_HTTP1,
        backlog=_BACKLOG,
        websockets=False,
        log_enabled=False,
        respawn_failed_workers=True,
        ssl_cert=_path(settings.tls_certificate),
        ssl_key=_path(settings.tls_key),
    ).serve()


def _path(path: Path | None) -> Path | None:
    return None if path is None else path.resolve()
