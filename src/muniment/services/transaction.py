"""The context of every command: the unit of work, the actor, the time, and the registry's keys."""

from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property
from typing import Final, TypeVar, overload

from muniment.answers.cases import Moment
from muniment.answers.clock import find_reliable_time, settle_time
from muniment.answers.people import roles_of
from muniment.answers.salts import find_salt, hash_subjects, make_salt, read_salt
from muniment.core.addresses import PUBLIC, AllowedAddresses
from muniment.core.clock import Jump, is_jump
from muniment.core.digests import Digest
from muniment.core.errors import NotIdentified, NotPermitted
from muniment.core.events import (
    ClockJumped,
    Entry,
    Event,
    IndexSealed,
    NamespaceCreated,
    RegistryRestored,
    write_entry,
)
from muniment.core.payloads import Payload
from muniment.core.people.callers import REGISTRY, Caller
from muniment.core.people.roles import Act, Role, may
from muniment.core.records import Change, KeyRecord, Put, Record
from muniment.core.times import write_time
from muniment.log.tree import hash_leaf
from muniment.ports.clock import Clock, Nonces
from muniment.ports.unit import Unit
from muniment.services.clock import find_coming, find_newest, read_clock
from muniment.signing.keys import Identity
from muniment.signing.notes import NoteSigner

# How long a person has to notice that somebody lets them in anew.
RECOVERY_WAIT: Final = timedelta(days=1)
# Seldom enough to cost nothing, and often enough that a lie does not last.
SEAL_EVERY: Final = 1_000
# The characters of a time that say the day.
_DAY: Final = len("2026-01-01")
# What the registry records by itself while others act.
_OWN: Final = IndexSealed | RegistryRestored | ClockJumped

R = TypeVar("R", bound=Record)


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistryKeys:
    """The registry's keys: one signs checkpoints, the other verdicts."""

    log: NoteSigner
    verdicts: Identity


@dataclass(frozen=True, slots=True)
class Outcome:
    """The entry that answers a command, and whether the command made it."""

    index: int
    created: bool = True


@dataclass(frozen=True, kw_only=True)
class Transaction:
    """One unit of work of one principal."""

    unit: Unit
    caller: Caller
    clock: Clock
    nonces: Nonces
    keys: RegistryKeys
    recovery_wait: timedelta = RECOVERY_WAIT
    allowed: AllowedAddresses = PUBLIC
    # Looked up once: no command both changes the actor's roles, or keys, and depends on them.
    known_roles: dict[str, frozenset[Role]] = field(default_factory=dict)
    known_keys: dict[str, KeyRecord] = field(default_factory=dict)
    known_salts: dict[str, bytes] = field(default_factory=dict)

    @property
    def actor(self) -> str:
        """The principal who acts.

        Raises:
            NotIdentified: the caller has no principal.
        """
        if self.caller.principal is None:
            raise NotIdentified
        return self.caller.principal

    @cached_property
    def now(self) -> str:
        """What the clock says."""
        return read_clock(find_newest(self.unit.log), write_time(self.clock()))

    @cached_property
    def time(self) -> str:
        """The time of this transaction: a clock that was set back makes nothing valid that had ended."""
        is_ahead = self.now >= self.unit.log.last_time()
        return self.now if is_ahead else settle_time(self.unit, self.now, *self._coming)

    @cached_property
    def reliable_time(self) -> str:
        """A time that has certainly come: a clock that was set ahead ends nothing that has to be kept."""
        return find_reliable_time(self.unit, self.now, *self._coming)

    @cached_property
    def _coming(self) -> tuple[Jump, ...]:
        """The jump that the next entry will record; it counts already, as for who replays that entry."""
        return find_coming(self.unit.log, self.now)

    @property
    def log_time(self) -> str:
        """The time of the next entry, in the order of the log: never before the newest entry."""
        return max(self.now, self.unit.log.last_time())

    def record(self, event: Event) -> int:
        """Append an event and fold it into the projections; return its index."""
        return self._append(event)[0]

    def put(self, event: Event, record: type[R]) -> R:
        """Append an event that makes a record of a kind, and fold it; return the record."""
        _, changes = self._append(event)
        made = [put.record for put in changes if isinstance(put, Put) and isinstance(put.record, record)]
        return made[0]

    def _append(self, event: Event) -> tuple[int, list[Change]]:
        # The first event of a namespace creates it, and so comes after its creation.
        subjects = hash_subjects(event, self._salt_of)
        log = self.unit.log
        if not isinstance(event, IndexSealed | ClockJumped):
            is_due = self._is_due(log.size())
            self.note_jump()
            if is_due:
                self._seal()
        time = self.log_time
        entry = Entry(
            index=log.size(),
            id=self.nonces(),
            actor=REGISTRY if isinstance(event, _OWN) else self.actor,
            time=time,
            about=tuple(map(bytes.hex, subjects)),
            event=event,
            clock=None if self.now == time else self.now,
        )
        leaf = write_entry(entry)
        log.append(leaf, entry.time)
        self.unit.index.add(entry.index, hash_leaf(leaf), subjects)
        changes = entry.fold()
        self.unit.projections.apply(changes)
        return entry.index, changes

    def _is_due(self, size: int) -> bool:
        """Say whether the root of the index has to be written into the log: regularly, and on a new day."""
        if size == 0:
            return False
        return size % SEAL_EVERY == 0 or self.unit.log.last_time()[:_DAY] != self.log_time[:_DAY]

    def note_jump(self) -> None:
        """Write into the log that the clock has jumped since the newest entry, if it has."""
        newest = find_newest(self.unit.log)
        if newest is not None and is_jump(newest.clock, self.now):
            self.record(ClockJumped(before=newest.clock))

    def _seal(self) -> None:
        """Write the root of the index into the log."""
        head = self.unit.index.head()
        self.record(IndexSealed(size=head.size, root=Digest(head.root.hex())))

    def make_salt(self, namespace: str) -> Digest:
        """Make up the salt of a namespace, or of the registry (`*`), and store it; return its digest."""
        payload = make_salt()
        self.unit.payloads.put(payload)
        self.known_salts[namespace] = read_salt(payload.text)
        return payload.digest

    def _salt_of(self, namespace: str) -> bytes:
        if namespace not in self.known_salts:
            salt = find_salt(self.unit, namespace)
            if salt is None:
                self.record(NamespaceCreated(namespace=namespace, salt=self.make_salt(namespace)))
            else:
                self.known_salts[namespace] = salt
        return self.known_salts[namespace]

    @overload
    def keep(self, payload: Payload) -> Digest: ...

    @overload
    def keep(self, payload: None) -> None: ...

    def keep(self, payload: Payload | None) -> Digest | None:
        """Store a typed text; return the digest for the event."""
        if payload is None:
            return None
        self.unit.payloads.put(payload, principal=self.actor)
        return payload.digest

    @property
    def moment(self) -> Moment:
        """Where and when this happens."""
        self.note_jump()
        return Moment(self.registry, self.now)

    @property
    def registry(self) -> str:
        """The verifier key of the log, which signatures for this registry name."""
        return str(self.keys.log.verifier)

    def may(self, act: Act, namespace: str) -> bool:
        """Return whether the actor may do an act in a namespace."""
        if namespace not in self.known_roles:
            self.known_roles[namespace] = roles_of(self.unit, self.actor, namespace)
        return may(self.known_roles[namespace], act) and self.caller.reaches(act, namespace)

    def require(self, act: Act, namespace: str) -> None:
        """Check that the actor may do an act in a namespace.

        Raises:
            NotPermitted: no role of the actor allows it there.
        """
        if not self.may(act, namespace):
            raise NotPermitted(principal=self.actor, act=str(act), namespace=namespace)
