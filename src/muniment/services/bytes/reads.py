"""The record of reads: who was given bytes of which version, where a namespace asks for it.

A request for bytes names a digest. It is noted in memory, where that costs nothing, and written to the
database soon after, as a read of each version of the namespace that has the blob. The reads of a day become
batches in the log.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from threading import Lock, Timer
from typing import Final

from muniment.answers.reads import count_batches
from muniment.core.digests import Digest
from muniment.core.errors import MunimentError, NoReadsPending, StorageBusy
from muniment.core.events import ReadsRecorded, ReadsSet
from muniment.core.names import check_part
from muniment.core.payloads import Payload, need_reason
from muniment.core.people.callers import Caller
from muniment.core.reads import Batch, Read, divide
from muniment.core.records import ReadsSettingRecord, VersionRecord, Where
from muniment.core.times import write_time
from muniment.core.verbs.bytes import GetPendingReads, PendingReads, RecordReads, SetReads
from muniment.ports.clock import Clock
from muniment.ports.unit import Unit, Units
from muniment.services.people.reading import Reading, Sight
from muniment.services.transaction import Outcome, Transaction

# What a crash loses: notes that were not written yet.
WRITE_AFTER: Final = timedelta(seconds=5)
# A registry that cannot write its notes gives no more bytes of namespaces that ask for a record.
MOST_NOTED: Final = 100_000
_DAY: Final = len("2026-01-01")
_VERSIONS_AT_ONCE: Final = 1_000


@dataclass(frozen=True, slots=True)
class _Asked:
    """A blob that somebody asked for on a day, in a namespace that keeps a record."""

    namespace: str
    day: str
    principal: str
    digest: Digest


@dataclass(slots=True)
class _Noted:
    count: int
    first: str
    last: str


@dataclass
class ReadNotes:
    """The notes of one process, which MUST `write` what is left at its end."""

    units: Units
    clock: Clock
    write_after: timedelta = WRITE_AFTER
    _noted: dict[_Asked, _Noted] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)
    _writing: Lock = field(default_factory=Lock)
    _timer: Timer | None = None

    def note(self, caller: Caller, digest: Digest, namespaces: Collection[str]) -> None:
        """Note that a caller is given a blob, in namespaces that keep a record.

        Raises:
            StorageBusy: too many notes wait to be written.
        """
        if not namespaces:
            return
        now = write_time(self.clock())
        with self._lock:
            if len(self._noted) >= MOST_NOTED:
                raise StorageBusy(path="the record of reads")
            for namespace in namespaces:
                asked = _Asked(namespace, now[:_DAY], caller.principal or "", digest)
                noted = self._noted.setdefault(asked, _Noted(0, now, now))
                noted.count += 1
                noted.last = now
            if self._timer is None:
                self._timer = Timer(self.write_after.total_seconds(), self._write_later)
                self._timer.daemon = True
                self._timer.start()

    def write(self) -> bool:
        """Write all notes to the database; return whether there were any. What cannot be written is kept.

        Raises:
            Unavailable: the database cannot be written.
        """
        with self._writing:
            with self._lock:
                noted, self._noted = self._noted, {}
                timer, self._timer = self._timer, None
            if timer is not None:
                timer.cancel()
            if not noted:
                return False
            try:
                self.units.write(lambda unit: _add_all(unit, noted))
            except BaseException:
                with self._lock:
                    for asked, one in noted.items():
                        self._noted[asked] = _join(one, self._noted.get(asked))
                raise
        return True

    def _write_later(self) -> None:
        try:
            self.write()
        except MunimentError:
            # The next note tries again.
            return


def _join(one: _Noted, other: _Noted | None) -> _Noted:
    return one if other is None else _Noted(one.count + other.count, one.first, other.last)


def _add_all(unit: Unit, noted: dict[_Asked, _Noted]) -> None:
    for asked, one in noted.items():
        for version in _list_versions(unit, asked):
            is_manifest = version.revision == str(asked.digest)
            read = Read(
                principal=asked.principal,
                version=f"{version.name}@{version.number}",
                files=0 if is_manifest else one.count,
                manifests=one.count if is_manifest else 0,
                first=one.first,
                last=one.last,
            )
            unit.reads.add(asked.namespace, asked.day, read)


def _list_versions(unit: Unit, asked: _Asked) -> Iterator[VersionRecord]:
    """List the versions of a namespace that have a blob."""
    after = -1
    while found := unit.contents.find(asked.digest, asked.namespace, after, _VERSIONS_AT_ONCE):
        for index in found:
            yield from unit.projections.select(VersionRecord, Where("index", "=", index))
        after = found[-1]


def find_recording(unit: Unit, caller: Caller, digest: Digest) -> list[str]:
    """Find the namespaces that keep a record of reads, and have a blob that the caller may read there."""
    settings = {one.namespace: one for one in unit.projections.select(ReadsSettingRecord)}
    recording = [name for name, one in settings.items() if one.recording]
    if not recording:
        return []
    sight = Sight(unit, caller)
    return [name for name in recording if sight.sees(name) and unit.contents.find(digest, name, -1, 1)]


def set_reads(tx: Transaction, command: SetReads) -> Outcome:
    """Turn the record of reads of a namespace on or off.

    Raises:
        ReasonNeeded: the reason is blank.
    """
    check_part(command.namespace, "namespace")
    reason = tx.keep(need_reason(command.reason, "turning the record of reads on or off"))
    return Outcome(
        tx.record(ReadsSet(namespace=command.namespace, recording=command.recording, reason=reason))
    )


def record_reads(tx: Transaction, command: RecordReads) -> Outcome:
    """Put all pending reads of a namespace into batches; return the last one.

    Raises:
        NoReadsPending: there are none.
    """
    indexes = record_days(tx, command.namespace)
    if not indexes:
        raise NoReadsPending(namespace=command.namespace)
    return Outcome(indexes[-1])


def record_days(tx: Transaction, namespace: str | None = None, before: str | None = None) -> list[int]:
    """Put the pending reads of a namespace, or of all, into batches, those of days before one; list these."""
    return [
        index
        for pending, day in [*tx.unit.reads.list_days()]
        if namespace in {None, pending} and (before is None or day < before)
        for index in _record_day(tx, pending, day)
    ]


def _record_day(tx: Transaction, namespace: str, day: str) -> list[int]:
    number, indexes = count_batches(tx.unit, namespace, day), list[int]()
    for reads in divide(tx.unit.reads.list(namespace, day)):
        number += 1
        batch = Batch(namespace=namespace, day=day, number=number, reads=tuple(reads))
        text = Payload.of(batch.write())
        # Nobody typed it, so nobody's erasure takes it away.
        tx.unit.payloads.put(text)
        event = ReadsRecorded(
            namespace=namespace, day=day, number=number, reads=len(reads), batch=text.digest
        )
        indexes.append(tx.record(event))
    tx.unit.reads.drop(namespace, day)
    return indexes


def get_pending_reads(reading: Reading, query: GetPendingReads) -> PendingReads:
    """Return the reads of a namespace that are in no batch yet."""
    days = [day for namespace, day in reading.unit.reads.list_days() if namespace == query.namespace]
    return PendingReads(
        namespace=query.namespace,
        days=tuple((day, tuple(reading.unit.reads.list(query.namespace, day))) for day in days),
    )
