"""The scribe: each caller gets an answer, also when the store fails or the registry closes."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from datetime import UTC, datetime
from threading import Event
from typing import TypeVar

import pytest

from muniment.core.errors import StorageBusy, StorageFailed
from muniment.core.receipts import Receipt
from muniment.ports.unit import Unit
from muniment.services.serving.scribe import Scribe
from muniment.services.transaction import Outcome
from muniment.signing.heads import HeadSigner
from muniment.signing.keys import Algorithm, Identity
from muniment.signing.notes import NoteSigner
from muniment.testing import MemoryBlobs, MemoryUnits
from muniment.testing.backends import refuses
from muniment.testing.memory import open_over

T = TypeVar("T")
V = TypeVar("V")


class Failing(MemoryUnits):
    """Units whose next commit may fail as a whole."""

    is_failing = False

    def fail_next(self) -> None:
        """Let the next commit fail."""
        self.is_failing = True

    def write_all(
        self, works: Sequence[Callable[[Unit], T]], last: Callable[[Unit, Sequence[T]], V]
    ) -> tuple[list[T | BaseException], V | None]:
        if self.is_failing:
            self.is_failing = False
            raise StorageFailed(path="the database", reason="it went away")
        return super().write_all(works, last)


@pytest.fixture
def units() -> Failing:
    """Give units with a log that has a first entry."""
    blobs = MemoryBlobs()
    units = Failing(blobs)
    open_over(units, blobs)(Identity.generate())
    return units


@pytest.fixture
def scribe(units: Failing) -> Iterator[Scribe]:
    """Give a scribe that writes to them."""
    key = NoteSigner("muniment.dev/memory", Identity.generate(Algorithm.ED25519))
    scribe = Scribe(units, HeadSigner(key, lambda: datetime.now(UTC)))
    yield scribe
    scribe.close()


def find_first(_unit: Unit) -> Outcome:
    return Outcome(0, created=False)


def refuse(_unit: Unit) -> Outcome:
    raise StorageBusy(path="this alone")


def test_what_came_before_the_end_is_done_and_nothing_after(scribe: Scribe) -> None:
    """Closing answers all earlier requests and refuses later ones."""
    answers = [scribe.submit(find_first) for _ in range(500)]
    scribe.close()
    assert {answer.result(10).index for answer in answers} == {0}
    refuses(lambda: scribe.submit(find_first).result(10), StorageBusy)


def submit_together(
    scribe: Scribe, *works: Callable[[Unit], Outcome], before: Callable[[], object] = lambda: None
) -> list[Future[Receipt]]:
    """Submit works while the scribe is busy, so that they share a commit; `before` it something is done."""
    began, ready = Event(), Event()

    def wait(unit: Unit) -> Outcome:
        began.set()
        assert ready.wait(10)
        before()
        return find_first(unit)

    scribe.submit(wait)
    assert began.wait(10)
    answers = [scribe.submit(work) for work in works]
    ready.set()
    return answers


def test_a_refusal_is_for_its_own_caller(scribe: Scribe) -> None:
    """A refused request does not affect the others in its commit."""
    answers = submit_together(scribe, find_first, refuse, find_first)
    refuses(lambda: answers[1].result(10), StorageBusy)
    assert [answers[n].result(10).index for n in (0, 2)] == [0, 0]


def test_a_commit_that_fails_is_told_to_all_who_wait(scribe: Scribe, units: Failing) -> None:
    """A failed commit is reported to all who wait for it, and the next one succeeds."""
    answers = submit_together(scribe, find_first, find_first, before=units.fail_next)
    for answer in answers:
        refuses(lambda answer=answer: answer.result(10), StorageFailed)  # type: ignore[misc] # bound at once
    assert scribe.submit(find_first).result(10).index == 0


def test_who_gives_up_waiting_holds_up_nobody(scribe: Scribe) -> None:
    """A request whose caller has given up is skipped, and later ones are answered."""
    done: list[Unit] = []

    def work(unit: Unit) -> Outcome:
        done.append(unit)
        return find_first(unit)

    given_up: list[bool] = []
    (answer,) = submit_together(
        scribe, find_first, before=lambda: given_up.append(scribe.submit(work).cancel())
    )
    assert answer.result(10).index == 0
    assert scribe.submit(find_first).result(10).index == 0
    assert (given_up, done) == ([True], [])
