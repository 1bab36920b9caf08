"""Jobs: what has to be done later or again and again, by any one of the replicas."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A job.

    Attributes:
        id: what tells it from others; a recurring job goes by its kind.
        kind: which handler does it.
        payload: what the handler needs to know (JSON).
        due: when it is to be done.
        leased: until when somebody is at it; empty if nobody is.
        attempts: how often it failed since it was last done.
        fault: what went wrong then.
    """

    id: str
    kind: str
    payload: str
    due: str
    leased: str = ""
    attempts: int = 0
    fault: str = ""


class Jobs(Protocol):
    """The jobs, inside one unit of work."""

    def add(self, job: Job) -> None:
        """Add a job, unless there is one of its id."""

    def lease(self, kinds: Collection[str], now: str, until: str) -> Job | None:
        """Take the job, of some kinds, that is due longest and that nobody is at; None if there is none."""

    def renew(self, job: Job, until: str) -> Job | None:
        """Lease a job for longer; None if it is not leased as it says any more: somebody else is at it."""

    def put(self, job: Job) -> None:
        """Keep what has become of a job."""

    def drop(self, job: str) -> None:
        """Forget a job that is done for good."""

    def list(self) -> list[Job]:
        """List all, in the order in which they are due."""
