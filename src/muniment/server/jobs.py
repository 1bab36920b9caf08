"""The jobs of a server. Any replica runs what is due, and no kind of job waits for another."""

import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Final

import structlog

from muniment.core.addresses import redact_all
from muniment.core.errors import MunimentError, sentence_of
from muniment.core.times import write_time
from muniment.ports.clock import Clock
from muniment.ports.jobs import Job
from muniment.ports.unit import Unit, Units

Handler = Callable[[str], object]
Scout = Callable[[Unit, str], None]

# A handler returns this if it has more to do; jobs that are due for longer go first.
AGAIN: Final = object()
# How long the job of a dead replica waits; a live replica renews its lease at half of that.
_LEASE: Final = timedelta(minutes=2)
_MOST_PAUSE: Final = timedelta(hours=6)
_FIRST_PAUSE: Final = timedelta(seconds=30)
# Enough to reach the longest pause, and few enough for a timedelta.
_MOST_DOUBLINGS: Final = 10
_log = structlog.get_logger("muniment.jobs")


class Jobs:
    """Runs jobs by their kind. A recurring kind is due again after its period."""

    def __init__(  # noqa: PLR0913, PLR0917 - the collaborators of jobs
        self,
        units: Units,
        clock: Clock,
        handlers: Mapping[str, Handler],
        periods: Mapping[str, timedelta],
        scouts: Sequence[Scout] = (),
        look_every_s: float = 1.0,
    ) -> None:
        """Prepare to run jobs; `start` starts the thread. A scout adds jobs that it finds due."""
        self._units = units
        self._clock = clock
        self._handlers = handlers
        self._periods = periods
        self._scouts = scouts
        self._look_every_s = look_every_s
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name="jobs", daemon=True)
        self._workers = ThreadPoolExecutor(max_workers=len(handlers), thread_name_prefix="jobs")
        self._busy: dict[str, Future[None]] = {}
        self._held: dict[str, Job] = {}
        self._holding = threading.Lock()

    def start(self) -> None:
        """Start looking for jobs."""
        self._thread.start()

    def end(self) -> None:
        """Start no more jobs; a job that is interrupted from now on does not count as failed."""
        self._ending.set()

    @property
    def ending(self) -> bool:
        """Whether long jobs should stop early."""
        return self._ending.is_set()

    def close(self) -> None:
        """Stop after the running jobs."""
        self.end()
        if self._thread.is_alive():
            self._thread.join()
        self._workers.shutdown()

    def do_next(self, kinds: Collection[str] = ()) -> bool:
        """Run the job that has been due for the longest, of these kinds or all; return whether there was one.

        A failed job is retried after a growing pause, and the job of a dead replica when its lease ends. A
        job may run twice, so it must be idempotent.
        """
        job = self._lease(kinds)
        if job is None:
            return False
        try:
            then = self._do(job)
        finally:
            with self._holding:
                held = self._held.pop(job.id, None)
        if held is None:
            _log.warning("job lost", job=job.id)
        else:
            self._units.write(then)
        return True

    def renew(self) -> None:
        """Renew the leases of the running jobs; drop those that another replica has taken over."""
        now = self._clock()
        soon, until = write_time(now + _LEASE / 2), write_time(now + _LEASE)
        with self._holding:
            for held in [job for job in self._held.values() if job.leased < soon]:
                renewed = self._units.write(lambda unit, held=held: unit.jobs.renew(held, until))  # type: ignore[misc] # bound at once
                if renewed is None:
                    del self._held[held.id]
                else:
                    self._held[held.id] = renewed

    def _lease(self, kinds: Collection[str]) -> Job | None:
        now = self._clock()
        # A newer replica may have added kinds of jobs that this one does not know.
        known, until = kinds or self._handlers, write_time(now + _LEASE)
        with self._holding:
            job = self._units.write(lambda unit: unit.jobs.lease(known, write_time(now), until))
            if job is not None:
                self._held[job.id] = job
        return job

    def _do(self, job: Job) -> Callable[[Unit], None]:
        """Run a job; return the write that records its outcome."""
        try:
            result = self._handlers[job.kind](job.payload)
        except Exception as error:  # noqa: BLE001 - no fault may stop the other jobs
            if self._ending.is_set():
                # It was interrupted: leave it due for the next replica.
                return partial(_put_back, job)
            postponed = self._postpone(job, redact_all(sentence_of(error)) or type(error).__name__)
            trace = None if isinstance(error, MunimentError | OSError) else error
            _log.warning(
                "job failed", job=job.id, attempts=postponed.attempts, fault=postponed.fault, exc_info=trace
            )
            return lambda unit: unit.jobs.put(postponed)
        if result is AGAIN:
            return partial(_put_back, job)
        _log.info("job done", job=job.id, result=str(result))
        return partial(self._finish, job)

    def _run(self) -> None:
        while not self._ending.wait(self._look_every_s):
            try:
                self.renew()
                self.schedule()
                for kind in self._find_due():
                    if kind not in self._busy or self._busy[kind].done():
                        self._busy[kind] = self._workers.submit(self._do_all, kind)
            except MunimentError as error:
                # The database is unavailable: look again later.
                _log.warning("jobs wait", fault=error.sentence)

    def _find_due(self) -> set[str]:
        now = write_time(self._clock())
        jobs = self._units.read(lambda unit: unit.jobs.list())
        return {job.kind for job in jobs if job.due <= now and job.leased < now} & self._handlers.keys()

    def _do_all(self, kind: str) -> None:
        try:
            while not self._ending.is_set() and self.do_next({kind}):
                continue
        except MunimentError as error:
            # As above.
            _log.warning("jobs wait", fault=error.sentence)
        except Exception as error:
            # Nobody waits for the result of a worker.
            _log.warning("jobs wait", fault=redact_all(str(error)), exc_info=error)
            raise

    def schedule(self) -> None:
        """Add the recurring jobs, and those that the scouts find."""
        self._units.write(self._schedule)

    def _schedule(self, unit: Unit) -> None:
        now = self._clock()
        for kind, period in self._periods.items():
            unit.jobs.add(Job(id=kind, kind=kind, payload="", due=write_time(now + period)))
        for scout in self._scouts:
            scout(unit, write_time(now))

    def _finish(self, job: Job, unit: Unit) -> None:
        if job.kind in self._periods:
            due = write_time(self._clock() + self._periods[job.kind])
            unit.jobs.put(replace(job, due=due, leased="", attempts=0, fault=""))
        else:
            unit.jobs.drop(job.id)

    def _postpone(self, job: Job, fault: str) -> Job:
        pause = min(_MOST_PAUSE, _FIRST_PAUSE * 2 ** min(job.attempts, _MOST_DOUBLINGS))
        due = write_time(self._clock() + pause)
        return replace(job, due=due, leased="", attempts=job.attempts + 1, fault=fault[:500])


def _put_back(job: Job, unit: Unit) -> None:
    unit.jobs.put(replace(job, leased="", attempts=0, fault=""))
