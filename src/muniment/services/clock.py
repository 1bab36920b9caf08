"""What the clock of the registry says, and what it said at the newest entry of the log."""

from typing import Final, NamedTuple

from muniment.answers.view import Newest
from muniment.core.clock import Jump, is_jump, smooth
from muniment.core.events import read_entry
from muniment.ports.event_log import EventLog

_PAGE: Final = 1_000
# An entry has its clock only if it differs from its time.
_CLOCK: Final = b'"clock":'


class Ahead(NamedTuple):
    """Entries in a row whose clock was ahead, and the latest time that it said."""

    first: int
    last: int
    latest: str


def find_ahead(log: EventLog, now: str) -> list[Ahead]:
    """Find the entries whose clock was ahead of a time."""
    size, spans = log.size(), list[Ahead]()
    for start in range(log.count_until(now), size, _PAGE):
        for index, leaf in enumerate(log.read(start, min(_PAGE, size - start)), start):
            said = read_entry(leaf, index).when
            if said <= now:
                continue
            if spans and spans[-1].last == index - 1:
                spans[-1] = Ahead(spans[-1].first, index, max(said, spans[-1].latest))
            else:
                spans.append(Ahead(index, index, said))
    return spans


def find_newest(log: EventLog) -> Newest | None:
    """Find the newest entry, and what the clock said then; None if the log is empty."""
    size = log.size()
    if not size:
        return None
    (leaf,) = log.pick([size - 1])
    # Most leaves need not be read.
    return Newest(size, read_entry(leaf, size - 1).when if _CLOCK in leaf else log.last_time())


def find_coming(log: EventLog, clock: str) -> tuple[Jump, ...]:
    """Find the jump of the clock since the newest entry, which the next entry will record."""
    newest = find_newest(log)
    if newest is None or not is_jump(newest.clock, clock):
        return ()
    return (Jump(entry=newest.size, before=newest.clock, after=clock),)


def read_last_clock(log: EventLog) -> str:
    """Return what the clock said at the newest entry; empty if there is none."""
    newest = find_newest(log)
    return "" if newest is None else newest.clock


def read_clock(newest: Newest | None, now: str) -> str:
    """Return what the clock says now. A little behind the newest entry, it stands still."""
    return now if newest is None else smooth(newest.clock, now)
