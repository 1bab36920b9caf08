"""The scribe: one thread that writes for all callers, many works in one commit.

A request on the event loop hands over its work and waits for the answer. All work that arrives during a
commit goes into the next one, each in its own savepoint. The proofs of their entries are read together at its
end, and signed once it is durable.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from queue import SimpleQueue
from threading import Thread

from muniment.core.errors import StorageBusy
from muniment.core.receipts import Receipt
from muniment.ports.unit import MOST_A_COMMIT, Unit, Units
from muniment.services.backend import confirm
from muniment.services.log.proofs import Paths, find_whole_paths
from muniment.services.transaction import Outcome
from muniment.signing.heads import HeadSigner


@dataclass(slots=True)
class _Errand:
    """Work for the transaction, and the future of its receipt."""

    work: Callable[[Unit], Outcome]
    answer: "Future[Receipt]" = field(default_factory=Future)


class Scribe:
    """Writes to units of work. Its thread ends with `close`, after all earlier work."""

    def __init__(self, units: Units, signer: HeadSigner) -> None:
        """Start the thread, with units of work and the key of the log."""
        self._units = units
        self._signer = signer
        self._errands: SimpleQueue[_Errand | None] = SimpleQueue()
        self._thread = Thread(target=self._run, name="scribe", daemon=True)
        self._closed = False
        self._thread.start()

    def submit(self, work: Callable[[Unit], Outcome]) -> "Future[Receipt]":
        """Do a work durably, then prove its entry; the future holds the receipt, or the refusal."""
        errand = _Errand(work)
        if self._closed:
            errand.answer.set_exception(StorageBusy(path="the registry, which is closing"))
            return errand.answer
        self._errands.put(errand)
        return errand.answer

    def close(self) -> None:
        """Finish all submitted work, and end the thread."""
        self._closed = True
        self._errands.put(None)
        self._thread.join()

    def _run(self) -> None:
        while (first := self._errands.get()) is not None:
            errands = [first]
            while len(errands) < MOST_A_COMMIT and not self._errands.empty():
                errand = self._errands.get()
                if errand is None:
                    self._do(errands)
                    return
                errands.append(errand)
            self._do(errands)

    def _do(self, submitted: list[_Errand]) -> None:
        # Cancelled work is skipped; from here on it can no longer be cancelled.
        errands = [errand for errand in submitted if errand.answer.set_running_or_notify_cancel()]
        if not errands:
            return
        try:
            results, paths = self._units.write_all([errand.work for errand in errands], _find_paths)
            done = [
                (errand, result)
                for errand, result in zip(errands, results, strict=True)
                if not isinstance(result, BaseException)
            ]
            outcomes = [outcome for _, outcome in done]
            receipts = [] if paths is None else confirm(self._signer, outcomes, paths)
        except BaseException as error:  # noqa: BLE001 - the waiting caller raises it
            for errand in errands:
                errand.answer.set_exception(error)
            return
        for errand, result in zip(errands, results, strict=True):
            if isinstance(result, BaseException):
                errand.answer.set_exception(result)
        for (errand, _), receipt in zip(done, receipts, strict=True):
            errand.answer.set_result(receipt)


def _find_paths(unit: Unit, outcomes: Sequence[Outcome]) -> Paths:
    return find_whole_paths(unit, [outcome.index for outcome in outcomes])
