"""Receipts of writes, and proofs of entries of the log."""

from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

from muniment.core.errors import MunimentError, RecordUnproven
from muniment.core.events import Entry, Event, read_entry

E = TypeVar("E", bound=Event)


@dataclass(frozen=True, kw_only=True)
class Proof:
    """An entry of the log with a proof of inclusion.

    Attributes:
        index: its place in the log.
        leaf: its event, as the log holds it.
        path: the sibling hashes (32 bytes each) of RFC 6962 2.1.1.
        checkpoint: the signed note (C2SP tlog-checkpoint) over the tree that holds it.
        subjects: proofs that the index has it under each of its subjects, in their order
            (`log.index_proofs.AllProof` of a span of one entry); empty if nobody asked for them.
    """

    index: int
    leaf: bytes
    path: tuple[bytes, ...]
    checkpoint: bytes
    subjects: tuple[bytes, ...] = ()

    def __repr__(self) -> str:
        """Name the entry, and its event if it can be read."""
        with suppress(MunimentError):
            return f"<{type(self).__name__} of entry {self.index}: {self.event.type}>"
        return f"<{type(self).__name__} of entry {self.index}>"

    @cached_property
    def entry(self) -> Entry:
        """The decoded entry."""
        return read_entry(self.leaf, self.index)

    @property
    def event(self) -> Event:
        """The event of the entry."""
        return self.entry.event

    def read(self, kind: type[E]) -> E:
        """Return the event, which must be of a class.

        Raises:
            RecordUnproven: it is another event.
        """
        if not isinstance(self.event, kind):
            raise RecordUnproven(record=kind.type, index=self.index)
        return self.event


@dataclass(frozen=True, kw_only=True, repr=False)
class Receipt(Proof):
    """The proof of the entry that answers a write; `created` is False if it existed already."""

    created: bool = True
