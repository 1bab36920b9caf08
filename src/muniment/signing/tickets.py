"""Upload tickets: where a client may send bytes other than to the registry, signed with the key of the log.

An object store is at another address than the registry, so an answer names it, and who forges an answer could
name any. A client sends bytes and headers only where a ticket says, which the key of the log has signed, and
only the bytes that the ticket is for.

>>> from muniment.signing.keys import Algorithm, Identity
>>> signer = NoteSigner("example.org/log", Identity.generate(Algorithm.ED25519))
>>> digest = Digest.of(b"weights")
>>> note = sign_ticket(signer, "https://store.example.org/b/x", {"if-none-match": "*"}, digest)
>>> open_ticket(note, signer.verifier, digest).url
'https://store.example.org/b/x'
"""

from collections.abc import Mapping
from typing import Final, NamedTuple

from muniment.core import canonical
from muniment.core.canonical import object_in
from muniment.core.digests import Digest
from muniment.core.errors import InvalidDocument, ProofInvalid
from muniment.signing.notes import NoteSigner, NoteVerifier, open_note

# The first line, where a checkpoint has the origin of its log: neither can be taken for the other.
_TYPE: Final = b"muniment.dev/upload-ticket/v1\n"
_WHAT: Final = "where the bytes are to go"


class SignedTicket(NamedTuple):
    """Where to PUT bytes, and with which headers."""

    url: str
    headers: Mapping[str, str]


def sign_ticket(signer: NoteSigner, url: str, headers: Mapping[str, str], digest: Digest) -> str:
    """Sign where the bytes with a digest may go."""
    said = canonical.encode({"digest": str(digest), "headers": dict(headers), "url": url})
    return signer.sign(_TYPE + said + b"\n").decode()


def open_ticket(note: str, verifier: NoteVerifier, digest: Digest) -> SignedTicket:
    """Verify a ticket for the bytes with a digest, by a log's key from another source.

    Raises:
        ProofInvalid: the log's key has not signed it, or it is for other bytes.
    """
    try:
        text = open_note(note.encode(), verifier)
        said = canonical.decode(text.removeprefix(_TYPE)) if text.startswith(_TYPE) else {}
    except (InvalidDocument, ProofInvalid) as error:
        raise ProofInvalid(what=_WHAT) from error
    if said.get("digest") != str(digest):
        raise ProofInvalid(what=_WHAT)
    headers = {name: str(value) for name, value in object_in(said.get("headers")).items()}
    return SignedTicket(str(said.get("url")), headers)
