"""The log: who keeps it, its entries, and proofs."""

from dataclasses import dataclass
from typing import Final

from muniment.core.people.roles import EVERYWHERE, Act
from muniment.core.receipts import Proof
from muniment.core.verbs.verb import Limit, ListQuery, May, Query, Question, Verb, Who


@dataclass(frozen=True, slots=True, kw_only=True)
class LogIdentity:
    """Who answers: the origin of the log and its verifier key (C2SP signed-note, vkey)."""

    origin: str
    verifier: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Growth:
    """That a log contains one that was seen before (RFC 6962 2.1.2), and what it is now, if asked."""

    path: tuple[bytes, ...]
    checkpoint: bytes | None


@dataclass(frozen=True, slots=True, kw_only=True)
class GetLogIdentity(Query[LogIdentity]):
    """Give the origin of the log and its verifier key (C2SP signed-note)."""

    declared = Question("/log", Who.ANYBODY, proven=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class GetGrowth(Query[Growth]):
    """Prove that the log of `until` entries contains that of `size` entries (RFC 6962 2.1.2).

    Without `until` it is the log as it is now, and its checkpoint comes with the proof.
    """

    declared = Question("/log/growth", Who.ANYBODY, proven=True)
    size: int
    until: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GetProof(Query[Proof]):
    """Give an entry of the log with its proof (RFC 6962 2.1.1) and a signed checkpoint."""

    declared = Question("/log/entries/{index}", Who.CALLER, proven=True)
    index: int


@dataclass(frozen=True, slots=True, kw_only=True)
class GetLeaves(ListQuery[bytes]):
    """List the entries of the log from `start` on, in base64."""

    declared = Question("/log/entries", May(Act.READ, EVERYWHERE), proven=True)
    start: int = 0
    limit: Limit = 1000

    def following(self, items: tuple[bytes, ...]) -> int | None:
        """Go on with the entry after the last."""
        return self.start + len(items) if len(items) >= self.limit else None


VERBS: Final[tuple[type[Verb], ...]] = (GetLogIdentity, GetGrowth, GetProof, GetLeaves)
