"""The credential that a request shows."""

from collections.abc import Mapping

from muniment.core.errors import BadToken


def read_token(headers: Mapping[str, str]) -> str | None:
    """Read the bearer token of a request (RFC 6750 2.1); None if it shows none.

    Raises:
        BadToken: there is an Authorization header, and no bearer token in it.
    """
    header = headers.get("authorization")
    if header is None:
        return None
    scheme, _, token = header.partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise BadToken
    return token.strip()
