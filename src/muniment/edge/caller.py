"""Identify callers by the credentials in their requests."""

import base64
import binascii
from collections.abc import Mapping
from typing import Final

from starlette.requests import Request

from muniment.core.errors import BadToken, NotIdentified
from muniment.core.people.callers import NOBODY, Caller
from muniment.edge.registry import read, registry_of

# Enough for an encoded token and user name; longer credentials are not decoded.
_MOST_CHARACTERS: Final = 2000
_OWN_SITE: Final = frozenset({"same-origin", "none"})


def find_token(headers: Mapping[str, str]) -> str | None:
    """Find the token of a request: Bearer (RFC 6750 2.1), or the password of Basic (RFC 7617).

    >>> find_token({"authorization": "Bearer mun_x"})
    'mun_x'
    >>> find_token({"authorization": "Basic YW55Ym9keTptdW5feA=="})
    'mun_x'

    Raises:
        BadToken: the Authorization header has no token.
    """
    header = headers.get("authorization")
    if header is None:
        return None
    scheme, _, shown = header[: _MOST_CHARACTERS + 1].partition(" ")
    if len(header) > _MOST_CHARACTERS:
        raise BadToken
    if scheme.lower() == "basic":
        # Browsers also send a saved password with requests from the pages of other sites.
        if headers.get("sec-fetch-site", "none") not in _OWN_SITE:
            raise BadToken
        token = _read_password(shown.strip())
    else:
        token = shown.strip() if scheme.lower() == "bearer" else ""
    if not token:
        raise BadToken
    return token


def get_token(request: Request) -> str:
    """Return the token of a request, without checking it.

    Raises:
        NotIdentified: there is no credential.
        BadToken: there is one of another kind.
    """
    token = find_token(request.headers)
    if token is None:
        raise NotIdentified
    return token


async def identify(request: Request) -> Caller:
    """Identify the caller; without a credential, it is `NOBODY`.

    Raises:
        BadToken: the credential is not valid.
    """
    token = find_token(request.headers)
    if token is None:
        return NOBODY
    registry = registry_of(request)
    caller = await read(registry, lambda: registry.identify(token))
    # The server's log gets this opaque id, never the token.
    request.scope["principal"] = caller.principal
    return caller


async def require_caller(request: Request) -> Caller:
    """Identify the caller, who must show a credential.

    Raises:
        NotIdentified: there is no credential.
        BadToken: the credential is not valid.
    """
    caller = await identify(request)
    if caller.principal is None:
        raise NotIdentified
    return caller


def is_on_this_machine(request: Request) -> bool:
    """Return whether the caller is on this machine and connects without a proxy."""
    is_passed_on = any(name in request.headers for name in ("forwarded", "x-forwarded-for", "via"))
    return not is_passed_on and request.client is not None and request.client.host in {"127.0.0.1", "::1"}


def _read_password(shown: str) -> str:
    try:
        return base64.b64decode(shown, validate=True).decode().partition(":")[2]
    except (binascii.Error, ValueError):
        return ""
