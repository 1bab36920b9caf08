"""Salts: with which the subjects of a namespace, or of the registry, are hashed for the index.

A salt is the text of a payload. The log holds the digest of the payload, so that nobody can be shown another
salt, and not the salt, so that names cannot be guessed from the log.
"""

import secrets
from collections.abc import Callable
from typing import Final

from muniment.answers.view import View
from muniment.core.errors import LogInconsistent
from muniment.core.events import Event
from muniment.core.payloads import Payload
from muniment.core.people.roles import EVERYWHERE
from muniment.core.records import NamespaceRecord
from muniment.log.index import subject_hash

_BYTES: Final = 32


def make_salt() -> Payload:
    """Make up a salt."""
    return Payload(salt=secrets.token_hex(_BYTES // 2), text=secrets.token_hex(_BYTES))


def read_salt(text: str) -> bytes:
    """Read the salt in the text of a payload."""
    return bytes.fromhex(text)


def find_salt(view: View, namespace: str) -> bytes | None:
    """Find the salt of a namespace, or of the registry (`*`); None if it was never created.

    Raises:
        LogInconsistent: the payload is gone.
    """
    record = view.projections.find(NamespaceRecord, (namespace,))
    if record is None:
        return None
    text = view.payloads.find(record.salt)
    if text is None:
        where = "the registry" if namespace == EVERYWHERE else namespace
        raise LogInconsistent(reason=f"the salt of {where} is missing")
    return read_salt(text)


def hash_subjects(event: Event, salt_of: Callable[[str], bytes]) -> tuple[bytes, ...]:
    """Hash the subjects of an event, in their order, each with the salt of its realm."""
    return tuple(
        subject_hash(salt_of(subject.realm), subject.kind, subject.name) for subject in event.subjects()
    )
