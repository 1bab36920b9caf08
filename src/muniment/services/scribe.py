"""The scribe: one thread that writes for all who come, many in one commit.

A request on the event loop hands its work over and waits for the answer. What has come while the last
commit was made durable goes into the next one together, each work in a savepoint of its own; and what
is read after the commit, the proofs, is read together too.
"""

from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from queue import SimpleQueue
from threading import Thread
from typing import Final, Generic, TypeVar

from muniment.core.errors import StorageBusy
from muniment.ports.unit import Unit, Units

T = TypeVar("T")
R = TypeVar("R")

_MOST_A_COMMIT: Final = 64


@dataclass(slots=True)
class _Errand(Generic[T, R]):
    """A work to do in the transaction, and what to read for its answer after the commit."""

    work: Callable[[Unit], T]
    then: Callable[[Unit, T], R]
    answer: "Future[R]" = field(default_factory=Future)


class Scribe:
    """Writes to units of work. Its thread ends with `close`, after what has come before."""

    def __init__(self, units: Units) -> None:
        """Stand on units, and begin."""
        self._units = units
        self._errands: SimpleQueue[_Errand[object, object] | None] = SimpleQueue()
        self._thread = Thread(target=self._run, name="scribe", daemon=True)
        self._closed = False
        self._thread.start()

    def submit(self, work: Callable[[Unit], T], then: Callable[[Unit, T], R]) -> "Future[R]":
        """Do a work durably, then read its answer; the future holds it, or the refusal."""
        errand = _Errand(work, then)
        if self._closed:
            errand.answer.set_exception(StorageBusy(path="the registry, which is closing"))
            return errand.answer
        self._errands.put(errand)  # type: ignore[arg-type] # whoever does it does not look at the types
        return errand.answer

    def close(self) -> None:
        """Finish what has come, and end."""
        self._closed = True
        self._errands.put(None)
        self._thread.join()

    def _run(self) -> None:
        while (first := self._errands.get()) is not None:
            errands = [first]
            while len(errands) < _MOST_A_COMMIT and not self._errands.empty():
                errand = self._errands.get()
                if errand is None:
                    self._do(errands)
                    return
                errands.append(errand)
            self._do(errands)

    def _do(self, errands: list[_Errand[object, object]]) -> None:
        try:
            results = self._units.write_all([errand.work for errand in errands])
            done = [
                (errand, result)
                for errand, result in zip(errands, results, strict=True)
                if not isinstance(result, BaseException)
            ]
            answers = self._units.read(lambda unit: [errand.then(unit, result) for errand, result in done])
        except BaseException as error:  # noqa: BLE001 - whoever waits raises it
            for errand in errands:
                errand.answer.set_exception(error)
            return
        for errand, result in zip(errands, results, strict=True):
            if isinstance(result, BaseException):
                errand.answer.set_exception(result)
        for (errand, _), answer in zip(done, answers, strict=True):
            errand.answer.set_result(answer)
