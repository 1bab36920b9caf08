"""What stored bundles say. Each is read and verified once, and remembered by its digest.

The digest names the bytes, so what they say cannot change. Whether they are still stored, and unaltered, is
for `muniment verify` and `admin scrub` to see.
"""

from collections.abc import Callable
from threading import Lock
from typing import Final, NamedTuple

from cachetools import LRUCache

from muniment.core.claims.attestations import Statement, read_statement
from muniment.core.digests import Digest
from muniment.core.records import KeyRecord
from muniment.signing.bundle import Bundle, verify_bundle
from muniment.signing.keys import PublicKey

# The bytes of the bundles; what they say takes a few times as much.
_MOST_BYTES: Final = 32 << 20


class _Said(NamedTuple):
    """A statement, and the size of its bundle."""

    statement: Statement
    size_bytes: int


_known: Final[LRUCache[tuple[Digest, str], _Said]] = LRUCache(_MOST_BYTES, lambda said: said.size_bytes)
_knowing: Final = Lock()


def verify_once(digest: Digest, key: KeyRecord, read: Callable[[], bytes]) -> Statement:
    """Return what a bundle says, which a key has to have signed; `read` reads its bytes, and checks them.

    Raises:
        BadSignature, InvalidAttestation: the key did not sign it, or it is no bundle.
    """
    return _remember(
        (digest, key.id),
        read,
        lambda data: verify_bundle(Bundle.decode(data), PublicKey.read(key.public_key.encode())),
    )


def read_once(digest: Digest, read: Callable[[], bytes]) -> Statement:
    """Return what a bundle says, unverified; `read` as in `verify_once`.

    Raises:
        InvalidAttestation: it is no bundle.
    """
    return _remember((digest, ""), read, lambda data: read_statement(Bundle.decode(data).payload))


def forget_all() -> None:
    """Forget what was read, to measure or test what happens then."""
    with _knowing:
        _known.clear()


def _remember(
    place: tuple[Digest, str], read: Callable[[], bytes], understand: Callable[[bytes], Statement]
) -> Statement:
    with _knowing:
        said = _known.get(place)
    if said is None:
        data = read()
        said = _Said(understand(data), len(data))
        if said.size_bytes <= _MOST_BYTES:
            with _knowing:
                _known[place] = said
    return said.statement
