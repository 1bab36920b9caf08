"""Call an address that somebody gave: only where it is allowed, and exactly there.

(0) the address is well formed, and does not name a host that is not allowed
(1) its host is looked up once for each connection, and each IP address that is not allowed is left out
(2) the connection goes to an IP address that was checked, not to the name, which may have another by now;
    Host and the name in TLS are those of the address
(3) no proxy is used, which would look the name up itself, and no redirect is followed
"""

import http.client
import socket
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

import httpx2

from muniment.core.addresses import AllowedAddresses, Origin, find_fault, read_origin

_TIMEOUT_S: Final = 10.0


class AddressRefused(OSError):
    """An address may not be called."""


@contextmanager
def call(
    method: str, url: str, allowed: AllowedAddresses, *, body: bytes | None = None, headers: Mapping[str, str]
) -> Iterator[http.client.HTTPResponse]:
    """Make a request; yield the answer, whose body is not read.

    Raises:
        AddressRefused: the address may not be called.
        OSError, http.client.HTTPException: it does not answer.
    """
    # Rule 0.
    fault = find_fault(url, allowed)
    if fault:
        raise AddressRefused(fault)
    parts, origin = urlsplit(url), read_origin(url)
    # Rule 3.
    connection = http.client.HTTPConnection(origin.host, origin.port, timeout=_TIMEOUT_S)
    try:
        connection.sock = _connect(origin, allowed)
        path = f"{parts.path or '/'}{'?' if parts.query else ''}{parts.query}"
        connection.request(method, path, body, {"host": parts.netloc, **headers})
        with connection.getresponse() as answer:
            yield answer
    finally:
        connection.close()


def _connect(origin: Origin, allowed: AllowedAddresses) -> socket.socket:
    # Rule 1.
    found = socket.getaddrinfo(origin.host, origin.port, type=socket.SOCK_STREAM)
    places = [str(place[0]) for *_, place in found]
    places = [place for place in places if allowed.allow(origin, ip_address(place))]
    if not places:
        raise AddressRefused(f"{origin.host} is not public, and MUNIMENT_ALLOW_ADDRESSES does not name it")  # noqa: EM102, TRY003 - said in our words
    # Rule 2.
    plain = _connect_to_first(places, origin.port)
    if origin.scheme != "https":
        return plain
    try:
        return _tls().wrap_socket(plain, server_hostname=origin.host)
    except BaseException:
        plain.close()
        raise


def _connect_to_first(places: list[str], port: int) -> socket.socket:
    fault: OSError | None = None
    for place in places:
        try:
            return socket.create_connection((place, port), _TIMEOUT_S)
        except OSError as error:
            fault = error
    raise fault or OSError


@cache
def _tls() -> ssl.SSLContext:
    return httpx2.create_ssl_context()
