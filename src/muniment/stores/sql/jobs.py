"""The jobs in SQL."""

from collections.abc import Collection
from dataclasses import asdict, fields, replace
from typing import Final

from sqlalchemy import Connection, bindparam, delete, insert, or_, select, update
from sqlalchemy.sql.base import Executable

from muniment.ports.jobs import Job
from muniment.stores.sql.statements import Rows, Statements
from muniment.stores.sql.tables.upkeep import jobs

_NAMES: Final = tuple(field.name for field in fields(Job))
_COLUMNS: Final = [jobs.c[name] for name in _NAMES]
_FIND: Final = select(*_COLUMNS).where(jobs.c.id == bindparam("job")).with_for_update()
_ADD: Final = insert(jobs)
_CHANGE: Final = (
    update(jobs)
    .where(jobs.c.id == bindparam("job"))
    .values({name: bindparam(f"new_{name}") for name in ("due", "leased", "attempts", "fault")})
)
_DROP: Final = delete(jobs).where(jobs.c.id == bindparam("job"))
_LIST: Final = select(*_COLUMNS).order_by(jobs.c.due, jobs.c.id)


class SqlJobs:
    """Jobs on one connection, inside its transaction."""

    def __init__(self, connection: Connection, statements: Statements) -> None:
        """Use a connection."""
        self._connection = connection
        self._statements = statements

    def add(self, job: Job) -> None:
        """Add a job."""
        if not self._run("jobs find", _FIND, job=job.id):
            self._run("jobs add", _ADD, **asdict(job))

    def lease(self, kinds: Collection[str], now: str, until: str) -> Job | None:
        """Lease the next job."""
        known = tuple(sorted(kinds))
        rows = self._statements.run(
            self._connection, ("jobs next", known), lambda: _find_next(known), {"now": now}
        )
        if not rows:
            return None
        return self.renew(Job(**dict(zip(_NAMES, rows[0], strict=True))), until)

    def renew(self, job: Job, until: str) -> Job | None:
        """Extend a lease."""
        rows = self._run("jobs find", _FIND, job=job.id)
        if [Job(**dict(zip(_NAMES, row, strict=True))) for row in rows] != [job]:
            return None
        renewed = replace(job, leased=until)
        self.put(renewed)
        return renewed

    def put(self, job: Job) -> None:
        """Save the state of a job."""
        self._run(
            "jobs change",
            _CHANGE,
            job=job.id,
            new_due=job.due,
            new_leased=job.leased,
            new_attempts=job.attempts,
            new_fault=job.fault,
        )

    def drop(self, job: str) -> None:
        """Delete a job."""
        self._run("jobs drop", _DROP, job=job)

    def list(self) -> list[Job]:
        """List all jobs."""
        return [Job(**dict(zip(_NAMES, row, strict=True))) for row in self._run("jobs list", _LIST)]

    def _run(self, shape: str, statement: Executable, **values: object) -> Rows:
        return self._statements.run(self._connection, shape, lambda: statement, values)


def _find_next(kinds: tuple[str, ...]) -> Executable:
    # Replicas that look at the same time skip each other's locked rows.
    return (
        select(*_COLUMNS)
        .where(
            jobs.c.due <= bindparam("now"),
            jobs.c.leased < bindparam("now"),
            or_(*(jobs.c.kind == kind for kind in kinds)),
        )
        .order_by(jobs.c.due)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
