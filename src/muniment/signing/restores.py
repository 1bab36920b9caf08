"""The declaration that a registry was restored to an older state, signed by the key of its log.

It is a note (C2SP signed-note) over seven lines: `muniment.dev/restore/v1`, the origin of the log, how many
entries were left, the root hash of their log, the time of the entry, the digest of the reason, and the entry
of the restore before it (-1 if there was none). A checkpoint has another first line and is no such note. The
event holds the fields and the signature, from which the note is made again.
"""

import base64
from typing import Final

from muniment.core.digests import Digest
from muniment.core.errors import ProofInvalid
from muniment.core.events import Entry, RegistryRestored
from muniment.signing.notes import NoteSigner, NoteVerifier, open_note, read_lines, write_line

_TYPE: Final = "muniment.dev/restore/v1"


def sign_restore(  # noqa: PLR0913 - what is signed
    key: NoteSigner, *, lost_after: int, root: Digest, time: str, reason: Digest, previous: int | None
) -> RegistryRestored:
    """Sign that the entries from `lost_after` on are lost, in an entry with that time."""
    text = _write(key.name, lost_after, root, time, reason, previous)
    ((_, blob),) = read_lines(key.sign(text))
    signature = base64.b64encode(blob).decode()
    return RegistryRestored(
        lost_after=lost_after, root=root, reason=reason, previous=previous, signature=signature
    )


def check_restore(entry: Entry, verifier: NoteVerifier) -> RegistryRestored:
    """Return the restore that an entry declares, with a key from a source other than the entry.

    Raises:
        ProofInvalid: it declares none, or the key of the log has not signed it.
    """
    event = entry.event
    if not isinstance(event, RegistryRestored):
        raise ProofInvalid(what="the restore")
    text = _write(verifier.name, event.lost_after, event.root, entry.time, event.reason, event.previous)
    line = write_line(verifier.name, _read(event.signature))
    open_note(text + b"\n" + line, verifier)
    return event


def _read(signature: str) -> bytes:
    try:
        return base64.b64decode(signature, validate=True)
    except ValueError as error:
        raise ProofInvalid(what="the restore") from error


def _write(  # noqa: PLR0913, PLR0917 - the lines
    origin: str, lost_after: int, root: Digest, time: str, reason: Digest, previous: int | None
) -> bytes:
    before = -1 if previous is None else previous
    lines = (_TYPE, origin, lost_after, root, time, reason, before)
    return "".join(f"{line}\n" for line in lines).encode()
