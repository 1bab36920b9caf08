"""Tokens. Their holders make them, and a registry knows only their ids."""

import hashlib
import secrets
from typing import Final

PREFIX: Final = "mun_"


def make_token() -> str:
    """Make a token: 32 random bytes, with a prefix that scanners for leaked secrets recognise."""
    return PREFIX + secrets.token_urlsafe(32)


def id_of(token: str) -> str:
    """Return the id of a token: the sha256 of its text."""
    return hashlib.sha256(token.encode()).hexdigest()
