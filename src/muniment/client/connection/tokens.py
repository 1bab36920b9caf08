"""Tokens: made by whoever keeps them. A registry knows a token by its id alone."""

import hashlib
import secrets
from typing import Final

PREFIX: Final = "mun_"


def make_token() -> str:
    """Make a token: 32 random bytes, behind a prefix by which scanners for leaked secrets know it."""
    return PREFIX + secrets.token_urlsafe(32)


def id_of(token: str) -> str:
    """Return the id by which a registry knows a token: the sha256 of its text."""
    return hashlib.sha256(token.encode()).hexdigest()
