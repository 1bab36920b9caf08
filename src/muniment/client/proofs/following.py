"""Follow a log: each head must extend those that were seen before, here or at another location.

What is remembered goes by the key of the log. So of two copies that went apart only one can be followed; an
older copy can be read (`read_only`), and one that was restored is followed again once the user has accepted
that entries were lost (`client.proofs.restoring`).
"""

from collections.abc import Sequence
from threading import Lock
from typing import Final

from muniment.client.proofs.absence import unproven_absence
from muniment.client.proofs.memory import AcceptedRestore, DirectoryMemory, Memory, Remembered
from muniment.client.proofs.restoring import Loss, find_loss
from muniment.core.backend import Backend
from muniment.core.errors import (
    AnswerAhead,
    AnswerStale,
    IndexForked,
    LogForked,
    LogReplaced,
    LogRestored,
    LogRolledBack,
    MunimentError,
    NothingToAccept,
    NotShown,
)
from muniment.core.receipts import Receipt
from muniment.core.times import Clock, read_time, write_seconds, write_time
from muniment.core.verbs.log import GetGrowth, GetLogIdentity
from muniment.log.proofs import verify_consistency
from muniment.signing.heads import Head, open_head
from muniment.signing.notes import NoteVerifier

# The clocks of replicas differ, and answers overtake one another.
DRIFT_S: Final = 60


class Follower:
    """Follows the log of a backend at a location."""

    def __init__(  # noqa: PLR0913 - what its trust stands on
        self,
        backend: Backend,
        memory: Memory,
        location: str,
        clock: Clock,
        max_age_s: float | None,
        *,
        read_only: bool,
    ) -> None:
        """Compare the present head with the memory; `read_only` changes no memory and allows older copies.

        Raises:
            LogReplaced, LogRolledBack, LogRestored, LogForked: it does not extend the remembered log.
        """
        self._backend = backend
        self._memory = memory
        self._location = location
        self._clock = clock
        self._max_age_s = max_age_s
        self._read_only = read_only
        self._seeing = Lock()
        with unproven_absence():
            said = backend.ask(GetLogIdentity())
        known = memory.find_verifier()
        if known not in {None, said.verifier}:
            remembered = str(known).partition("+")[0]
            raise LogReplaced(location=location, origin=said.origin, remembered=remembered)
        self.verifier = NoteVerifier.read(said.verifier)
        # Before it is read: a change after that is noticed later.
        self._stamp = memory.find_stamp(said.verifier)
        heads = memory.recall(said.verifier).heads
        self._seen = heads[-1] if heads else Remembered.nothing(said.verifier)
        self._behind: Remembered | None = None
        self._meet()

    @property
    def seen(self) -> Remembered:
        """The newest state of the log that passed the checks."""
        return self._seen

    @property
    def behind(self) -> Remembered | None:
        """The newest head that is remembered, if this is an older copy."""
        return self._behind

    def meet(self) -> Remembered:
        """Get the present head, and check it against what was seen. Raises as `__init__`."""
        self._meet()
        return self._seen

    def accept(self, head: Head, sent: Remembered) -> None:
        """Check the head of an answer, and remember it if it is newer.

        (0) it is neither smaller nor noticeably older than the one seen before the question was sent
        (1) it extends the newest one, or is extended by it

        Raises:
            LogRolledBack, LogRestored, LogForked, IndexForked, AnswerStale: one of these does not hold.
        """
        now = Remembered.of(sent.verifier, head)
        if now.size < sent.size:
            raise self._explain(now, sent)
        self._check_age(head, sent)
        seen = self._seen
        self._compare(seen, now)
        with self._seeing:
            if self._seen.state not in {seen.state, now.state}:
                self._compare(self._seen, now)
            if (now.size, now.time) > (self._seen.size, self._seen.time):
                self._seen = self._remember(now, self._seen)

    def catch_up(self) -> Remembered:
        """Check what other processes have seen meanwhile, here or at a copy; return the newest state.

        Who only reads may read an older state, and catches up with nothing. Raises like `accept`.
        """
        stamp = None if self._read_only else self._memory.find_stamp(self._seen.verifier)
        if stamp is None or stamp == self._stamp:
            return self._seen
        heads = self._memory.recall(self._seen.verifier).heads
        with self._seeing:
            if heads and heads[-1].state != self._seen.state:
                self._compare(heads[-1], self._seen)
                self._seen = max(heads[-1], self._seen, key=lambda head: head.size)
            self._stamp = stamp
        return self._seen

    def note(self, receipt: Receipt) -> None:
        """Remember that this user has written an entry."""
        self._memory.note(self._seen.verifier, receipt)

    def _meet(self) -> None:
        """Compare the present head with the newest one that is remembered."""
        newest = self._seen
        with unproven_absence():
            growth = self._backend.ask(GetGrowth(size=newest.size))
        head = open_head(growth.checkpoint or b"", self.verifier)
        now = Remembered.of(newest.verifier, head)
        if now.size < newest.size:
            known = self._memory.recall(newest.verifier)
            if not (self._read_only and self._contains_earlier(now, known.heads)):
                raise self._explain(now, newest)
            self._seen, self._behind = now, newest
            return
        # A directory that is only read is as old as its newest entry.
        self._check_age(head, Remembered.nothing(newest.verifier) if self._read_only else newest)
        self._check(newest, now, growth.path)
        latest = now if self._read_only else max(newest, now, key=lambda head: (head.size, head.time))
        self._seen = self._remember(latest, newest)

    def _check_age(self, head: Head, sent: Remembered) -> None:
        now, said = self._clock().timestamp(), read_time(head.now).timestamp()
        # A time that has not come was seen while our clock, or that of a directory, was ahead.
        if head.time < min(sent.time, now) - DRIFT_S:
            raise AnswerStale(location=self._location, time=write_seconds(head.time))
        # A directory has our clock.
        if self._max_age_s is None:
            return
        # The time of a head never goes back; what the clock said may be right again after it was ahead.
        if said < now - self._max_age_s:
            raise AnswerStale(location=self._location, time=head.now)
        # What is remembered for tomorrow would make every answer until then stale.
        if said > now + DRIFT_S:
            raise AnswerAhead(location=self._location, time=head.now)

    def _remember(self, head: Remembered, checked: Remembered) -> Remembered:
        """Remember a head, which extends `checked`; return the newest one, which may be another process's."""
        while not self._read_only and (other := self._memory.keep(head, checked)) is not None:
            # Another process has followed the log meanwhile, here or at a copy.
            self._compare(other, head)
            head = max(other, head, key=lambda one: one.size)
            checked = other
        return head

    def _compare(self, known: Remembered, head: Remembered) -> None:
        """Check that one of two heads extends the other: one that was seen, and one of this backend."""
        past, now = sorted((known, head), key=lambda one: one.size)
        path: Sequence[bytes] = ()
        if past.size < now.size:
            try:
                with unproven_absence():
                    path = self._backend.ask(GetGrowth(size=past.size, until=now.size)).path
            except NotShown as error:
                # More of it was seen at a copy meanwhile.
                raise self._explain(head, known) from error
        self._check(known, head, path)

    def _check(self, known: Remembered, head: Remembered, path: Sequence[bytes]) -> None:
        """Check by its proof that one of two heads extends the other."""
        past, now = sorted((known, head), key=lambda one: one.size)
        if not verify_consistency(past.size, now.size, past.root, now.root, path):
            raise self._explain(head, known)
        if now.size == past.size and now.index_root != past.index_root:
            raise IndexForked(location=self._location, size=now.size)

    def _contains_earlier(self, head: Remembered, heads: Sequence[Remembered]) -> bool:
        """Return whether a smaller log contains what it was remembered to be when it was no larger.

        Raises:
            IndexForked: it has another index.
        """
        earlier = next((one for one in reversed(heads) if one.size <= head.size), None)
        if earlier is None:
            return True
        with unproven_absence():
            path = self._backend.ask(GetGrowth(size=earlier.size, until=head.size)).path
        if earlier.size == head.size and earlier.root == head.root and earlier.index_root != head.index_root:
            raise IndexForked(location=self._location, size=head.size)
        return verify_consistency(earlier.size, head.size, earlier.root, head.root, path)

    def _explain(self, head: Remembered, known: Remembered) -> MunimentError:
        """Find out why a head of this backend and one that was seen do not belong to one log."""
        remembered = self._memory.recall(known.verifier)
        loss = find_loss(self._backend, self.verifier, remembered)
        if loss is not None:
            written = self._memory.list_written(known.verifier, loss.lost_after)
            return LogRestored(
                location=self._location,
                time=loss.time,
                lost_after=loss.lost_after,
                remembered=loss.seen.size,
                reason=loss.reason,
                written=tuple(map(str, written)),
            )
        smaller = head.size < known.size and self._contains_earlier(head, remembered.heads)
        kind: type[LogRolledBack | LogForked] = LogRolledBack if smaller else LogForked
        return kind(
            location=self._location,
            size=head.size,
            remembered=known.size,
            elsewhere="" if known.location in {"", self._memory.location} else known.location,
        )


def accept_loss(backend: Backend, memory: DirectoryMemory, location: str, clock: Clock) -> AcceptedRestore:
    """Accept that entries which were seen are lost, remember it, and follow the restored log from now on.

    Raises:
        NothingToAccept: the log extends what was seen.
        Untrusted: no restore explains how it differs.
    """
    try:
        Follower(backend, memory, location, clock, None, read_only=False)
    except LogRestored:
        verifier = NoteVerifier.read(backend.ask(GetLogIdentity()).verifier)
        loss = find_loss(backend, verifier, memory.recall(str(verifier)))
        if loss is None:
            raise
    else:
        raise NothingToAccept(location=location)
    accepted = _describe(loss, memory, clock)
    if not memory.accept(accepted, loss.kept, loss.head, loss.seen):
        # Another process has seen more meanwhile, or has accepted it.
        return accept_loss(backend, memory, location, clock)
    return accepted


def _describe(loss: Loss, memory: DirectoryMemory, clock: Clock) -> AcceptedRestore:
    return AcceptedRestore(
        signatures=tuple(restore.signature for restore in loss.restores),
        lost_after=loss.lost_after,
        seen=loss.seen.size,
        root=loss.seen.root.hex(),
        time=write_time(clock()),
        written=tuple(map(str, memory.list_written(loss.head.verifier, loss.lost_after))),
    )
