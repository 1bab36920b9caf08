"""The log: its identity, entries and proofs."""

from dataclasses import dataclass
from typing import Annotated, Final

from muniment.core.basis import Basis, Held
from muniment.core.events import Entry, TimeConfirmed
from muniment.core.payloads import Payload
from muniment.core.people.roles import EVERYWHERE, Act
from muniment.core.receipts import Proof
from muniment.core.records import ClockJumpRecord, TimeConfirmationRecord
from muniment.core.verbs.verb import (
    Bounds,
    Change,
    Command,
    Limit,
    ListQuery,
    May,
    Name,
    Query,
    Question,
    Verb,
    Who,
    says,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class LogIdentity:
    """The origin of the log and its verifier key (C2SP signed-note, vkey)."""

    origin: str
    verifier: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Growth:
    """A consistency proof between two sizes of the log (RFC 6962 2.1.2); `checkpoint` if it was asked for."""

    path: tuple[bytes, ...]
    checkpoint: bytes | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Restores:
    """Every entry that declares a restore of the registry, oldest first, in the log of one signed head.

    Attributes:
        proof: that the index of the head has these and no others; empty if there are none, since that could
            be checked only with the salt of the registry.
        texts: the reasons that the entries name.
    """

    head: bytes
    entries: tuple[Held, ...]
    proof: bytes
    texts: tuple[Payload, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class StatedConfirmation:
    """An admin's word that the clock is right, and the reason (None once erased)."""

    record: TimeConfirmationRecord
    reason: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockJump:
    """A jump of the clock, and who confirmed the time since."""

    record: ClockJumpRecord
    confirmations: tuple[StatedConfirmation, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class GetLogIdentity(Query[LogIdentity]):
    """Get the origin of the log and its verifier key (C2SP signed-note)."""

    declared = Question("/log", Who.ANYBODY, proven=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class GetGrowth(Query[Growth]):
    """Prove that the log of `until` entries contains the log of `size` entries (RFC 6962 2.1.2).

    Without `until`, prove the present log; the answer then includes its checkpoint.
    """

    declared = Question("/log/growth", Who.ANYBODY, proven=True)
    size: int
    until: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GetRestores(Query[Restores]):
    """Get the declarations that the registry was restored to an older state, each signed by the log's key."""

    declared = Question("/log/restores", Who.ANYBODY, proven=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class GetProof(Query[Proof]):
    """Get an entry of the log with its proof (RFC 6962 2.1.1) and a signed checkpoint.

    With `subjects`, also get proofs that the index has it under each of its subjects.
    """

    declared = Question("/log/entries/{index}", Who.CALLER, proven=True)
    index: int
    subjects: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class GetLeaves(ListQuery[bytes]):
    """List the entries of the log from `start` on, in base64."""

    declared = Question("/log/entries", May(Act.READ, EVERYWHERE), proven=True)
    start: int = 0
    limit: Limit = 1000

    def following(self, items: tuple[bytes, ...]) -> int | None:
        """Continue with the entry after the last."""
        return self.start + len(items) if len(items) >= self.limit else None


@dataclass(frozen=True, slots=True, kw_only=True)
class ListEntries(Query[Basis]):
    """List all entries of a namespace, or of the registry itself (`*`), from the index `start` on, proven.

    The index proves that a page has all entries of its span. The next page begins where the span ends.
    """

    declared = Question("/namespaces/{namespace}/entries", May(Act.READ, "namespace"), proven=True)
    namespace: Name
    start: int = 0
    limit: Limit = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfirmTime(Command):
    """Confirm that the clock of the registry is right after its newest jump.

    `date` is today's, in UTC, from another source than that clock, which has to agree.
    """

    declared = Change("POST", "/log/clock/confirmations", May(Act.CONFIRM_TIME, EVERYWHERE))
    date: Annotated[str, Bounds(pattern=r"[0-9]{4}-[0-9]{2}-[0-9]{2}")]
    reason: Payload

    def is_done_by(self, entry: Entry) -> bool:
        """The date was confirmed for this reason, by the clock of the entry."""
        is_then = entry.when.startswith(f"{self.date}T")
        return is_then and says(entry, TimeConfirmed, date=self.date, reason=self.reason.digest)


@dataclass(frozen=True, slots=True, kw_only=True)
class ListClockJumps(ListQuery[ClockJump]):
    """List the jumps of the clock of the registry, oldest first, and who confirmed the time since."""

    declared = Question("/log/clock", Who.MEMBER, proven=True)


VERBS: Final[tuple[type[Verb], ...]] = (
    GetLogIdentity,
    GetGrowth,
    GetRestores,
    GetProof,
    GetLeaves,
    ListEntries,
    ConfirmTime,
    ListClockJumps,
)
