"""The address of a server, read from the text that a person gave."""

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote, urlsplit

from muniment.core.errors import InvalidLocation

_SCHEMES: Final = ("https://", "http://")
# RFC 1035 2.3.4: the parts of a name have 1 to 63 characters. Libraries disagree on how to write other names
# in ASCII (RFC 5894 7.2), so a token could go to another host than the one that was meant.
_HOST: Final = re.compile(r"[A-Za-z0-9_-]{1,63}(\.[A-Za-z0-9_-]{1,63})*\.?", re.ASCII)
# RFC 3986 3.3: the characters of a path, and the percent sign of those that are escaped already.
_PATH: Final = "/:@!$&'()*+,;=~%"


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A server's address."""

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
        host, port, path = parts.hostname or "", parts.port, quote(parts.path, safe=_PATH)
    except ValueError as error:
        raise InvalidLocation(location=location, reason="its host or its port is not valid") from error
    # An IPv6 address has colons; `urlsplit` has checked it.
    if ":" not in host and not _HOST.fullmatch(host):
        reason = "its host is not a name in ASCII (write others as xn--...)"
        raise InvalidLocation(location=location, reason=reason)
    return Server(scheme=parts.scheme, host=host, port=port, path=path.rstrip("/"))
