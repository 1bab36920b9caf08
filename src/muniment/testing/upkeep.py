"""Retries, deliveries and jobs in memory."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from operator import itemgetter

from muniment.core.reads import Read
from muniment.ports.cursors import Place
from muniment.ports.jobs import Job
from muniment.ports.outbox import DeadLetter
from muniment.ports.retries import Answered


@dataclass
class MemoryRetries:
    """Retries in a dictionary."""

    answered: dict[tuple[str, str], tuple[Answered, str]] = field(default_factory=dict)

    def find(self, caller: str, key: str) -> Answered | None:
        """Find an answered request."""
        answer = self.answered.get((caller, key))
        return None if answer is None else answer[0]

    def keep(self, caller: str, key: str, answered: Answered, time: str) -> None:
        """Save an answered request."""
        self.answered[caller, key] = (answered, time)

    def forget(self, before: str) -> int:
        """Drop old requests."""
        old = [key for key, (_, time) in self.answered.items() if time < before]
        for key in old:
            del self.answered[key]
        return len(old)


@dataclass
class MemoryOutbox:
    """An Outbox in dictionaries."""

    dead: dict[tuple[int, int], DeadLetter] = field(default_factory=dict)

    def bury(self, webhook: int, letter: DeadLetter) -> None:
        """Save a dead letter."""
        self.dead[webhook, letter.entry] = letter

    def list_dead(self, webhook: int) -> list[DeadLetter]:
        """List the dead letters of a webhook."""
        return [letter for (hook, _), letter in sorted(self.dead.items()) if hook == webhook]

    def drop_dead(self, webhook: int, entry: int) -> None:
        """Drop a dead letter."""
        self.dead.pop((webhook, entry), None)


@dataclass
class MemoryPendingReads:
    """Pending reads in a dictionary."""

    pending: dict[tuple[str, str, str, str], Read] = field(default_factory=dict)

    def add(self, namespace: str, day: str, read: Read) -> None:
        """Add a read."""
        key = (namespace, day, read.principal, read.version)
        self.pending[key] = self.pending[key].join(read) if key in self.pending else read

    def list(self, namespace: str, day: str) -> Sequence[Read]:
        """List the reads of a day."""
        return [
            read
            for key, read in sorted(self.pending.items(), key=itemgetter(0))
            if key[:2] == (namespace, day)
        ]

    def list_days(self) -> Iterable[tuple[str, str]]:
        """List the days."""
        return sorted({(namespace, day) for namespace, day, _, _ in self.pending})

    def drop(self, namespace: str, day: str) -> None:
        """Drop the reads of a day."""
        self.pending = {key: read for key, read in self.pending.items() if key[:2] != (namespace, day)}


@dataclass
class MemoryCursors:
    """Cursors in a dictionary."""

    places: dict[str, Place] = field(default_factory=dict)

    def find(self, reader: str) -> Place | None:
        """Find the place of a reader."""
        return self.places.get(reader)

    def put(self, reader: str, place: Place) -> None:
        """Save the place of a reader."""
        self.places[reader] = place


@dataclass
class MemoryJobs:
    """Jobs in a dictionary."""

    known: dict[str, Job] = field(default_factory=dict)

    def add(self, job: Job) -> None:
        """Add a job, unless it exists."""
        self.known.setdefault(job.id, job)

    def lease(self, kinds: Collection[str], now: str, until: str) -> Job | None:
        """Lease the next job that is due."""
        for job in self.list():
            if job.kind in kinds and job.due <= now and job.leased < now:
                self.known[job.id] = replace(job, leased=until)
                return self.known[job.id]
        return None

    def renew(self, job: Job, until: str) -> Job | None:
        """Renew a lease."""
        if self.known.get(job.id) != job:
            return None
        self.known[job.id] = replace(job, leased=until)
        return self.known[job.id]

    def put(self, job: Job) -> None:
        """Save a job."""
        self.known[job.id] = job

    def drop(self, job: str) -> None:
        """Drop a job."""
        self.known.pop(job, None)

    def list(self) -> list[Job]:
        """List all jobs, by due time."""
        return sorted(self.known.values(), key=lambda job: (job.due, job.id))
