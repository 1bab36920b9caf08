"""The basis of an answer: all that it follows from, with proofs, so that who asked computes it alike.

What each part proves, and how it is checked, is in `muniment.client.proofs.deriving`.
"""

from dataclasses import dataclass
from typing import Final, NamedTuple

from muniment.core.payloads import Payload

# A client names at most as many lists that it has.
MOST_KNOWN: Final = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """What the index says about a subject.

    Attributes:
        kind, name: the subject.
        newest: whether only the newest entry about it is listed; otherwise all are. A client that has proven
            the list before, up to this entry, has all of them.
        entries: their indexes in the log, ascending; empty if there are none.
        proof: the proof from the index, `log.index_proofs.NewestProof` or `AllProof`.
        start, width: the span of the log of which all are listed (`log.index.Span`); by default all of it.
    """

    kind: str
    name: str
    newest: bool
    entries: tuple[int, ...]
    proof: bytes
    start: int = 0
    width: int = 64


class Known(NamedTuple):
    """A list that a client has proven whole before: its subject, and its last entry.

    If that is still the newest one, the list stands, and its entries need not be sent again.
    """

    kind: str
    name: str
    last: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """An entry of the log, with the path to the root of the log (32 bytes each, RFC 6962 2.1.1)."""

    index: int
    leaf: bytes
    path: tuple[bytes, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Basis:
    """What an answer follows from, in one state of the log.

    Attributes:
        head: the signed head of that state (`signing.heads`).
        subjects: what the index says about each subject that the answer depends on.
        entries: every entry that they list, and the first of the log, ascending.
        texts: the typed texts, and the salts of subjects, that the entries name and that were not erased.
    """

    head: bytes
    subjects: tuple[Listed, ...]
    entries: tuple[Held, ...]
    texts: tuple[Payload, ...]
