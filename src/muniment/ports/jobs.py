"""Jobs: work for later, once or recurring, done by any one of the replicas."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A job.

    Attributes:
        id: its unique id; the id of a recurring job is its kind.
        kind: the kind of job, which picks its handler.
        payload: the handler's input (JSON).
        due: when to run it.
        leased: until when a replica works on it; empty if none does.
        attempts: the number of failures since it last succeeded.
        fault: what went wrong in the last attempt.
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
        """Add a job, unless one with its id exists."""

    def lease(self, kinds: Collection[str], now: str, until: str) -> Job | None:
        """Lease the job of these kinds that has been due longest and is not leased; None if there is none."""

    def renew(self, job: Job, until: str) -> Job | None:
        """Extend a lease; None if the job has changed, because another replica has taken it."""

    def put(self, job: Job) -> None:
        """Save the state of a job."""

    def drop(self, job: str) -> None:
        """Delete a job that is finished."""

    def list(self) -> list[Job]:
        """List all jobs, in the order in which they are due."""
