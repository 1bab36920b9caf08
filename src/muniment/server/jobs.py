"""The jobs of a server: what is due is done, whichever replica it is on; no kind of job waits for another."""

import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Final

import structlog

from muniment.core.errors import MunimentError
from muniment.core.times import write_time
from muniment.ports.clock import Clock
from muniment.ports.jobs import Job
from muniment.ports.unit import Unit, Units

Handler = Callable[[str], object]
Scout = Callable[[Unit, str], None]

# What a handler gives back that has more to do: others come first, if they are due for longer.
AGAIN: Final = object()
# As long as a job waits whose replica died: whoever is at one renews its lease while half of it is left.
_LEASE: Final = timedelta(minutes=2)
_MOST_PAUSE: Final = timedelta(hours=6)
_FIRST_PAUSE: Final = timedelta(seconds=30)
# Enough to come to the longest pause, and few enough for a time to hold.
_MOST_DOUBLINGS: Final = 10
_log = structlog.get_logger("muniment.jobs")


class Jobs:
    """Does jobs by their kind. A recurring kind has a period, and is due again after it."""

    def __init__(  # noqa: PLR0913, PLR0917 - what jobs stand on
        self,
        units: Units,
        clock: Clock,
        handlers: Mapping[str, Handler],
        periods: Mapping[str, timedelta],
        scouts: Sequence[Scout] = (),
        look_every_s: float = 1.0,
    ) -> None:
        """Stand on units; the thread starts with `start`. A scout adds the jobs that it finds to be due."""
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
        """Begin to look for jobs."""
        self._thread.start()

    def end(self) -> None:
        """Begin no job any more; those that are broken off from now on have not failed."""
        self._ending.set()

    @property
    def ending(self) -> bool:
        """Whether jobs that take long are to break off."""
        return self._ending.is_set()

    def close(self) -> None:
        """End after the jobs that are under way."""
        self.end()
        if self._thread.is_alive():
            self._thread.join()
        self._workers.shutdown()

    def do_next(self, kinds: Collection[str] = ()) -> bool:
        """Do the job that is due for the longest, of some kinds or of all; say whether there was one.

        A job that fails is tried again after a pause that grows; one whose replica dies, when its
        lease ends. So a job may be done twice, and has to bear it.
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
        """Lease for longer what this replica is at; what another has taken over is the other's."""
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
        # Another replica may be newer, and have jobs that this one does not know.
        known, until = kinds or self._handlers, write_time(now + _LEASE)
        with self._holding:
            job = self._units.write(lambda unit: unit.jobs.lease(known, write_time(now), until))
            if job is not None:
                self._held[job.id] = job
        return job

    def _do(self, job: Job) -> Callable[[Unit], None]:
        """Do a job; give what is to be noted of it."""
        try:
            result = self._handlers[job.kind](job.payload)
        except Exception as error:  # noqa: BLE001 - whatever it is, the other jobs go on
            if self._ending.is_set():
                # It was broken off, and is due for whoever comes next.
                return partial(_put_back, job)
            postponed = self._postpone(job, str(error) or type(error).__name__)
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
                # The database is away: look again later, as everybody does.
                _log.warning("jobs wait", fault=str(error))

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
            _log.warning("jobs wait", fault=str(error))
        except Exception as error:
            # Nobody looks at what came of a worker.
            _log.warning("jobs wait", fault=str(error), exc_info=error)
            raise

    def schedule(self) -> None:
        """Add what is to be done from time to time, and what the scouts find."""
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
