"""Who calls: the credential that a request shows, and whose it is."""

import base64
import binascii
from collections.abc import Mapping
from typing import Final

from starlette.requests import Request

from muniment.core.errors import BadToken, NotIdentified
from muniment.core.people.callers import NOBODY, Caller
from muniment.edge.registry import read, registry_of

# A token, a user name and their encoding; what is longer is not decoded.
_MOST_CHARACTERS: Final = 2000
_OWN_SITE: Final = frozenset({"same-origin", "none"})


def find_token(headers: Mapping[str, str]) -> str | None:
    """Find the token of a request: as Bearer (RFC 6750 2.1), or as the password of Basic (RFC 7617).

    >>> find_token({"authorization": "Bearer mun_x"})
    'mun_x'
    >>> find_token({"authorization": "Basic YW55Ym9keTptdW5feA=="})
    'mun_x'

    Raises:
        BadToken: there is an Authorization header, and no token in it.
    """
    header = headers.get("authorization")
    if header is None:
        return None
    scheme, _, shown = header[: _MOST_CHARACTERS + 1].partition(" ")
    if len(header) > _MOST_CHARACTERS:
        raise BadToken
    if scheme.lower() == "basic":
        # A browser that knows a password shows it for the pages of other sites, too.
        if headers.get("sec-fetch-site", "none") not in _OWN_SITE:
            raise BadToken
        token = _read_password(shown.strip())
    else:
        token = shown.strip() if scheme.lower() == "bearer" else ""
    if not token:
        raise BadToken
    return token


def get_token(request: Request) -> str:
    """Give the token of a request. Whose it is, is found out by whoever relies on it.

    Raises:
        NotIdentified: there is no credential.
        BadToken: there is one of another kind.
    """
    token = find_token(request.headers)
    if token is None:
        raise NotIdentified
    return token


async def identify(request: Request) -> Caller:
    """Say who calls; nobody, without a credential.

    Raises:
        BadToken: the credential is not valid.
    """
    token = find_token(request.headers)
    if token is None:
        return NOBODY
    registry = registry_of(request)
    caller = await read(registry, lambda: registry.identify(token))
    # For the line in the log: an opaque id, never the token.
    request.scope["principal"] = caller.principal
    return caller


async def require_caller(request: Request) -> Caller:
    """Say who calls; nobody is refused.

    Raises:
        NotIdentified: there is no credential.
        BadToken: the credential is not valid.
    """
    caller = await identify(request)
    if caller.principal is None:
        raise NotIdentified
    return caller


def is_on_this_machine(request: Request) -> bool:
    """Say whether the caller is on this machine, and no proxy stands between."""
    is_passed_on = any(name in request.headers for name in ("forwarded", "x-forwarded-for", "via"))
    return not is_passed_on and request.client is not None and request.client.host in {"127.0.0.1", "::1"}


def _read_password(shown: str) -> str:
    try:
        return base64.b64decode(shown, validate=True).decode().partition(":")[2]
    except (binascii.Error, ValueError):
        return ""
