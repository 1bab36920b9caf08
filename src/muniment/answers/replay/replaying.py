"""Replay entries one by one, and name the first that cannot be true after those before it.

(0) it has a time, which is not before that of the entry before; where the clock jumped, the entry says so
(1) its `about` holds the hashes of exactly the subjects of its event, as far as their salts are known
(2) its actor was allowed to do what it says (`answers.authority`)
(3) what it says of things agrees with them as they were (the modules beside this one)
(4) its records can be folded: none exists already, and what it amends exists and has not ended

The caller MUST have checked that the entries are in the log, and that there are no others between them that
these rules depend on.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Final, cast

from muniment.answers.authority import check_authority
from muniment.answers.replay.claims import PublishedClaims, check_claim, check_policy, check_withdrawal
from muniment.answers.replay.credentials import check_id
from muniment.answers.replay.facts import FACTS, check_named
from muniment.answers.replay.moves import MoveJudge
from muniment.answers.replay.proposals import check_proposal
from muniment.answers.replay.state import ReplayedView
from muniment.answers.view import View
from muniment.core.clock import is_jump
from muniment.core.errors import AuditFailed, LogInconsistent, MissingExtra, MunimentError, Unavailable
from muniment.core.events import (
    AliasMoved,
    AliasRemoved,
    AttestationRecorded,
    ClaimWithdrawn,
    ClockJumped,
    Entry,
    Event,
    KeyEnrolled,
    NamespaceCreated,
    PolicyEnded,
    PolicySet,
    ProposalDecided,
    ProposalOpened,
    RegistryCreated,
    RegistryRestored,
    TierSet,
    TokenIssued,
)
from muniment.core.events.subjects import Subject
from muniment.core.records import Amend, Change, Key, NamespaceRecord, Put, Record, TokenRecord
from muniment.log.index import subject_hash
from muniment.signing.notes import NoteVerifier
from muniment.signing.restores import check_restore

# Columns that are set once, with what ends the record.
_ENDS: Final = ("ended", "closed")
# Most entries are about a few subjects of the entries before.
_KEPT_HASHES: Final = 100_000

_RULES: Final[Mapping[type[Event], str]] = {
    AttestationRecorded: "claim",
    ClaimWithdrawn: "claim",
    PolicySet: "claim",
    ProposalDecided: "claim",
    AliasMoved: "move",
}

_Check = Callable[[Entry], None]


@dataclass
class Tally:
    """What was replayed, and what could not be checked.

    Attributes:
        subjects: the entries whose hashes of subjects were computed again.
        claims, moves, verdicts: how many were checked.
        unchecked: what could not be, in words.
    """

    entries: int = 0
    subjects: int = 0
    claims: int = 0
    moves: int = 0
    verdicts: int = 0
    unchecked: list[str] = field(default_factory=list)


class Replay:
    """A replay, from before the first entry."""

    def __init__(
        self,
        view: ReplayedView,
        registry: str,
        find_salt: Callable[[str], bytes | None],
        find_root: Callable[[int], bytes],
        *,
        is_whole: bool = True,
    ) -> None:
        """Begin with an empty view.

        `registry` is the verifier key of the log. `find_salt` gives the salt of a namespace, or of the
        registry (`*`), once its creation was replayed; None if the caller may not read it. `find_root` gives
        the root that the log had after so many entries, of those that were replayed. Unless all entries are
        replayed, there may be invitations that are not.
        """
        self.view = view
        self.tally = Tally()
        self._find_salt = find_salt
        self._find_root = find_root
        self._restored: int | None = None
        self._hashes: dict[Subject, str | None] = {}
        self._salts: dict[str, bytes | None] = {}
        self._registry = registry
        self._time = self._clock = ""
        self._is_whole = is_whole
        self._published = PublishedClaims()
        self._moves = MoveJudge(view, registry, self.tally.unchecked)
        self._rules: tuple[tuple[str, _Check], ...] = (
            ("claim", self._published.check),
            ("authority", lambda entry: check_authority(view, entry)),
        )
        self._facts: Mapping[type[Event], _Check] = {
            **{kind: partial(_call, check, view) for kind, check in FACTS.items()},
            AttestationRecorded: self._check_claim,
            ClaimWithdrawn: self._check_withdrawal,
            PolicySet: self._check_policy,
            PolicyEnded: self._check_policy,
            TierSet: self._check_policy,
            AliasRemoved: self._check_policy,
            ProposalOpened: lambda entry: check_proposal(view, entry, registry),
            ProposalDecided: self._check_decision,
            AliasMoved: self._check_move,
            RegistryCreated: self._check_creation,
            RegistryRestored: self._check_restore,
        }
        if not is_whole:
            # Invitations, and the rules for workloads, are for nobody else to read.
            self._facts = {**self._facts, KeyEnrolled: _check_id, TokenIssued: _check_nothing}
            self.tally.unchecked.append("on whose word people and workloads signed in")

    def take(self, entry: Entry) -> None:
        """Check an entry, and fold it.

        Raises:
            AuditFailed: it cannot be true.
            Unavailable: the registry does not answer. Others as `find_salt`.
        """
        subjects = entry.event.subjects()
        for realm in {subject.realm for subject in subjects}:
            # An answer about a salt that proves nothing is no fault of the entry.
            self._salt_of(realm, entry)
        self._try(entry, "time", self._check_time)
        self._try(entry, "subjects", lambda entry: self._check_subjects(entry, subjects))
        for rule, check in self._rules:
            self._try(entry, rule, check)
        self._try(entry, _RULES.get(type(entry.event), "facts"), self._check_facts)
        self._try(entry, "records", self._fold)
        self._time, self._clock = entry.time, entry.when
        self.tally.entries += 1

    def end(self) -> None:
        """Check that nothing is left to come.

        Raises:
            AuditFailed: an entry says that others follow it, and they do not.
        """
        lacking = self._published.find_lacking()
        if lacking is not None:
            raise _refuse(lacking, "claim", "it publishes a version with a claim that is not on record")

    def _try(self, entry: Entry, rule: str, check: _Check) -> None:
        try:
            check(entry)
        except Unavailable:
            raise
        except MissingExtra as error:
            why = f"{error.sentence}; {error.hint}"
            self.tally.unchecked.append(f"entry {entry.index} ({entry.event.type}): {why}")
        except LogInconsistent as error:
            raise _refuse(entry, rule, error.reason) from error
        except MunimentError as error:
            raise _refuse(entry, rule, f"{error.code}: {error.sentence}") from error

    def _check_time(self, entry: Entry) -> None:
        if not entry.time or entry.time < self._time:
            raise LogInconsistent(
                reason=f"its time is {entry.time}, and the entry before it is of {self._time}"
            )
        event = entry.event
        if isinstance(event, ClockJumped) and not is_jump(event.before, entry.when):
            raise LogInconsistent(reason=f"from {event.before} to {entry.when} is no jump of the clock")
        # Others have entries between these.
        if self._is_whole and self._clock:
            self._check_clock(entry)

    def _check_clock(self, entry: Entry) -> None:
        """Check what the clock said, after what it said at the entry before."""
        event, before, now = entry.event, self._clock, entry.when
        if entry.time != max(now, self._time):
            raise LogInconsistent(reason=f"its time is {entry.time}, and by its clock {now} it is another")
        if isinstance(event, ClockJumped):
            if event.before != before:
                raise LogInconsistent(
                    reason=f"the clock said {before} at the entry before it, and it says {event.before}"
                )
        elif is_jump(before, now) or now < before:
            raise LogInconsistent(reason=f"the clock jumped from {before} to {now}, and no entry says so")

    def _check_subjects(self, entry: Entry, subjects: Sequence[Subject]) -> None:
        realm = subjects[0].realm
        created = self.view.projections.find(NamespaceRecord, (realm,))
        if created is None and not isinstance(entry.event, NamespaceCreated | RegistryCreated):
            raise LogInconsistent(reason=f"the namespace {realm} was never created")
        hashed = tuple([self._hash(subject, entry) for subject in subjects])
        if None in hashed:
            return
        if entry.about != hashed:
            raise LogInconsistent(reason="it is not in the index under exactly the subjects of its event")
        self.tally.subjects += 1

    def _hash(self, subject: Subject, entry: Entry) -> str | None:
        """Hash a subject; None without its salt."""
        if subject not in self._hashes:
            if len(self._hashes) >= _KEPT_HASHES:
                self._hashes.clear()
            salt = self._salt_of(subject.realm, entry)
            self._hashes[subject] = (
                None if salt is None else subject_hash(salt, subject.kind, subject.name).hex()
            )
        return self._hashes[subject]

    def _salt_of(self, realm: str, entry: Entry) -> bytes | None:
        if realm not in self._salts:
            self._salts[realm] = self._find_salt(realm)
            if self._salts[realm] is None:
                self.tally.unchecked.append(f"the subjects of the entries of {realm}, from {entry.index} on")
        return self._salts[realm]

    def _check_facts(self, entry: Entry) -> None:
        check_named(self.view, entry)
        check = self._facts.get(type(entry.event))
        if check is not None:
            check(entry)

    def _check_creation(self, entry: Entry) -> None:
        if not isinstance(entry.event, RegistryCreated) or entry.event.log_key != self._registry:
            raise LogInconsistent(reason="it names another key than that of this log")

    def _check_restore(self, entry: Entry) -> None:
        restore = check_restore(entry, NoteVerifier.read(self._registry))
        if restore.lost_after not in range(1, entry.index + 1):
            raise LogInconsistent(reason=f"it says that {restore.lost_after} entries were left")
        root = self._find_root(restore.lost_after)
        if root != bytes.fromhex(restore.root.hex):
            left = f"the {restore.lost_after} entries that were left"
            raise LogInconsistent(reason=f"{left} have the root {root.hex()}, and it says {restore.root.hex}")
        if restore.previous != self._restored:
            said = f"the restore before it was entry {self._restored}, and it says {restore.previous}"
            raise LogInconsistent(reason=said)
        self._restored = entry.index

    def _check_claim(self, entry: Entry) -> None:
        check_claim(self.view, entry, self._registry)
        self.tally.claims += 1

    def _check_withdrawal(self, entry: Entry) -> None:
        check_withdrawal(self.view, entry, self._registry)
        self.tally.claims += 1

    def _check_policy(self, entry: Entry) -> None:
        check_proposal(self.view, entry, self._registry)
        check = FACTS.get(type(entry.event))
        if check is not None:
            check(self.view, entry, entry.event)
        if isinstance(entry.event, PolicySet):
            check_policy(self.view, entry, self._registry)

    def _check_decision(self, entry: Entry) -> None:
        check_proposal(self.view, entry, self._registry)
        self.tally.claims += 1

    def _check_move(self, entry: Entry) -> None:
        self.tally.verdicts += self._moves.check(entry)
        self.tally.moves += 1

    def _fold(self, entry: Entry) -> None:
        for change in entry.fold():
            self._check_change(change)
            if not self.view.projections.apply(change):
                raise LogInconsistent(reason=f"there is {_describe(change)} already")

    def _check_change(self, change: Change) -> None:
        if isinstance(change, Put):
            return
        record = self.view.projections.find(change.kind, change.key)
        if record is None:
            raise LogInconsistent(reason=f"there is no {_describe(change)}")
        ends = ("revoked",) if change.kind is TokenRecord else _ENDS
        ended = [getattr(record, name) for name in ends if name in change.values]
        if any(entry is not None for entry in ended):
            raise LogInconsistent(reason=f"{_describe(change)} has ended with entry {ended[0]}")


def _check_id(entry: Entry) -> None:
    check_id(cast("KeyEnrolled", entry.event))


def _check_nothing(_entry: Entry) -> None:
    return


def _call(check: Callable[[View, Entry, Event], None], view: View, entry: Entry) -> None:
    check(view, entry, entry.event)


def _describe(change: Change) -> str:
    """Name the record that a change adds or amends."""
    if isinstance(change, Amend):
        return _name(change.kind, change.key)
    return _name(type(change.record), change.record.identity())


def _name(kind: type[Record], key: Key) -> str:
    return f"{kind.table}[{', '.join(map(str, key))}]"


def _refuse(entry: Entry, rule: str, reason: str) -> AuditFailed:
    return AuditFailed(index=entry.index, event=entry.event.type, rule=rule, reason=reason)
