"""The address of a server, read from the text that a person gave."""

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote, urlsplit

import httpx2

from muniment.core.errors import InvalidLocation

_SCHEMES: Final = ("https://", "http://")
_HOST: Final = re.compile(r"[A-Za-z0-9._-]+")
# RFC 3986 3.3: the characters of a path, and the percent sign of those that are escaped already.
_PATH: Final = "/:@!$&'()*+,;=~%"


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A server's address. `host` is ASCII, so every library connects to the same one."""

    scheme: str
    host: str
    port: int | None
    path: str


def is_remote(location: str) -> bool:
    """Return whether a location is the URL of a server, not a directory.

    Raises:
        InvalidLocation: it is empty, or a URL that cannot be read.
    """
    if not location or "\0" in location:
        raise InvalidLocation(location=location, reason="it is neither a directory nor a URL")
    if "://" not in location:
        return False
    read_server(location)
    return True


def read_server(location: str) -> Server:
    """Read the URL of a server.

    Raises:
        InvalidLocation: it is not one.
    """
    if not location.startswith(_SCHEMES):
        raise InvalidLocation(location=location, reason="it begins with neither https:// nor http://")
    try:
        parts = urlsplit(location)
        host, port, path = _write_host(parts.hostname or ""), parts.port, quote(parts.path, safe=_PATH)
    except (ValueError, httpx2.InvalidURL) as error:
        raise InvalidLocation(location=location, reason="its host or its port is not valid") from error
    return Server(scheme=parts.scheme, host=host, port=port, path=path.rstrip("/"))


def _write_host(host: str) -> str:
    """Write a host in ASCII (RFC 5891).

    Raises:
        ValueError: it is not a name; `InvalidURL` likewise.
    """
    # `urlsplit` has checked an IPv6 address, whose colons no name has.
    if ":" in host:
        return host
    name = httpx2.URL(scheme="http", host=host).raw_host.decode()
    # RFC 1035 2.3.4: the parts of a name have 1 to 63 characters, which this encoding checks.
    name.encode("idna")
    if not _HOST.fullmatch(name):
        raise ValueError(host)
    return name
