"""The record of reads: `registry.reads`."""

from collections.abc import Iterator, Sequence
from typing import Final

from muniment.client.proofs.checking import resolve
from muniment.client.proofs.naming import find_names
from muniment.client.proofs.trust import TrustedBackend
from muniment.core.errors import AnswerIncomplete, ProofInvalid
from muniment.core.names import Reference, check_part
from muniment.core.payloads import Payload
from muniment.core.reads import read_batch
from muniment.core.receipts import Receipt
from muniment.core.times import read_time, write_time
from muniment.core.verbs.bytes import (
    GetPendingReads,
    ListReads,
    ListReadsSettings,
    ReadsBatch,
    ReadsSetting,
    RecordReads,
    SetReads,
)
from muniment.views.reads import RecordedRead, view_reads, view_reads_settings
from muniment.views.view import View

# What is listed unless somebody says since when.
_RECENT: Final = "30d"
_DAY: Final = len("2026-01-01")


class Reads:
    """Who was given bytes of which version, where a namespace keeps a record of that.

    >>> registry.reads.turn("acme", on=True, reason="we may have to recall a model")  # doctest: +SKIP
    >>> registry.reads.list("acme/readmission@3", since="90d")  # doctest: +SKIP
    """

    def __init__(self, backend: TrustedBackend) -> None:
        """Use a backend."""
        self._backend = backend

    def __repr__(self) -> str:
        """Name the registry."""
        return f"<Reads of {self._backend.location}>"

    def turn(self, namespace: str, *, on: bool, reason: str) -> Receipt:
        """Keep a record of the reads in a namespace from now on, or no longer.

        Raises:
            NotPermitted: it needs the role security or admin.
            ReasonNeeded: the reason is blank.
        """
        command = SetReads(namespace=namespace, recording=on, reason=Payload.of(reason))
        return self._backend.execute(command)

    def flush(self, namespace: str) -> Receipt:
        """Put the reads that are in no batch yet into batches now, and not after the end of the day.

        Raises:
            NoReadsPending: there are none.
        """
        return self._backend.execute(RecordReads(namespace=namespace))

    def settings(self, namespace: str) -> Sequence[ReadsSetting]:
        """List who turned the record of a namespace on and off, oldest first, proven; any role is enough."""
        return self._backend.ask(ListReadsSettings(namespace=namespace))

    def view_settings(self, namespace: str) -> View:
        """Show who turned the record of a namespace on and off, as `muniment audit reads show` does."""
        settings = self.settings(namespace)
        names = find_names(self._backend, {one.record.actor for one in settings})
        return view_reads_settings(namespace, settings, names, self._backend.time())

    def list(
        self, what: str, *, since: str | None = None, until: str | None = None
    ) -> Sequence[RecordedRead]:
        """List the reads of a namespace, a model or a version, oldest day first: by default of 30 days.

        That these are all batches of these days is proven. Reads that are in no batch yet follow
        (`entry` is None): they are the registry's word.

        Raises:
            NotPermitted: it needs the role security, auditor or admin.
            VersionNotFound: there is no such version.
        """
        namespace, named = self._read_name(what)
        first, last = self._read_day(since or _RECENT), self._read_day(until)
        batches = self._backend.ask(ListReads(namespace=namespace, since=first, until=last))
        recorded = [one for batch in batches for one in _read(namespace, batch)]
        pending = self._backend.ask(GetPendingReads(namespace=namespace))
        if pending.namespace != namespace:
            raise AnswerIncomplete(what=f"the pending reads of {namespace}")
        waiting = [
            RecordedRead(namespace=namespace, day=day, read=read)
            for day, reads in pending.days
            for read in reads
            if (first or "") <= day and (last is None or day <= last)
        ]
        return [one for one in (*recorded, *waiting) if _is_of(one.read.version, named)]

    def view(self, what: str, *, since: str | None = None, until: str | None = None) -> View:
        """Show reads, as `muniment audit reads list` does. Raises as `list`."""
        namespace, named = self._read_name(what)
        reads, settings = self.list(what, since=since, until=until), self.settings(namespace)
        people = {one.read.principal for one in reads} | {one.record.actor for one in settings}
        names = find_names(self._backend, people - {""})
        return view_reads(named or namespace, namespace, settings, reads, names, self._backend.time())

    def _read_name(self, what: str) -> tuple[str, str]:
        """Return the namespace, and the model or version in it that is asked for (empty: all)."""
        if "/" not in what:
            check_part(what, "namespace")
            return what, ""
        reference = Reference.parse(what)
        if reference.selector is None:
            return reference.name.namespace, str(reference.name)
        version = resolve(self._backend, reference)
        return reference.name.namespace, f"{version.name}@{version.number}"

    def _read_day(self, text: str | None) -> str | None:
        """Return the day of a time."""
        return None if text is None else write_time(read_time(self._backend.past(text) or text))[:_DAY]


def _is_of(version: str, named: str) -> bool:
    return not named or version == named or version.rpartition("@")[0] == named


def _read(namespace: str, batch: ReadsBatch) -> Iterator[RecordedRead]:
    """Read a batch, whose text has the digest that its entry names.

    Raises:
        AnswerIncomplete: the registry does not show it. Nobody can erase it.
        ProofInvalid: it is another one.
    """
    record = batch.record
    if batch.text is None:
        raise AnswerIncomplete(what=f"batch {record.number} of the reads of {record.day}")
    read = read_batch(batch.text)
    said = (read.namespace, read.day, read.number, len(read.reads))
    if said != (namespace, record.day, record.number, record.reads):
        raise ProofInvalid(what=f"the batch of reads of entry {record.index}")
    for one in read.reads:
        yield RecordedRead(namespace=namespace, day=record.day, read=one, entry=record.index)
