"""The clock of a registry: where it jumped, and which of its times can be relied on.

Each entry has the time in the order of the log, which never goes back, and what the clock said. A *jump* is a
step of the clock from one entry to the next that is longer than time passes unnoticed. The registry records
it before anything else, so the log is a row of *stretches* in each of which the clock runs on.

A stretch is *credible* from the least time on that follows from the credible ones before: those of the first
stretch are, those of one that an admin confirmed, and those within `MAX_STEP` after the last credible time.
So a clock that was set ahead ages nothing, and one that is set right again is relied on without further ado.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from muniment.core.times import read_time

# A registry in which nothing happened for longer asks an admin once.
MAX_STEP: Final = timedelta(days=7)
# Clocks of several machines differ a little.
MAX_SKEW: Final = timedelta(minutes=5)
# After every entry.
NOW: Final = 1 << 62
_NEVER: Final = 1 << 64
# From here on, a step is told in days.
_DAYS_H: Final = 48


def is_jump(before: str, now: str) -> bool:
    """Return whether a step of the clock from one time to the next is a jump.

    >>> is_jump("2026-03-01T00:00:00Z", "2026-03-07T00:00:00Z")
    False
    >>> is_jump("2026-03-01T00:00:00Z", "2026-04-01T00:00:00Z")
    True
    """
    step = read_time(now) - read_time(before)
    return not -MAX_SKEW <= step <= MAX_STEP


def smooth(before: str, now: str) -> str:
    """Return what the clock says after an entry: a clock that is behind it by a little stands still."""
    return now if is_jump(before, now) else max(before, now)


def write_step(before: str, now: str) -> str:
    """Say how far the clock jumped.

    >>> write_step("2026-03-01T00:00:00Z", "2026-04-01T00:00:00Z")
    '31d ahead'
    """
    step = read_time(now) - read_time(before)
    hours = round(abs(step) / timedelta(hours=1))
    length = f"{round(hours / 24)}d" if hours >= _DAYS_H else f"{hours}h" if hours else "minutes"
    return f"{length} {'ahead' if step > timedelta(0) else 'back'}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirmation:
    """An admin's word that the clock is right after a jump.

    `guarantors` are those on whose word the admin is who they are, as for the key of an approver: one of
    these has to be free of authors.
    """

    principal: str
    guarantors: tuple[frozenset[str], ...]

    def counts(self, authors: frozenset[str]) -> bool:
        """Return whether it is the word of somebody else than some authors."""
        return self.principal not in authors and any(map(authors.isdisjoint, self.guarantors))


@dataclass(frozen=True, slots=True, kw_only=True)
class Jump:
    """A jump of the clock, from the time of the entry before to that of its own entry."""

    entry: int
    before: str
    after: str
    confirmations: tuple[Confirmation, ...] = ()


@dataclass(frozen=True, slots=True)
class _Stretch:
    """The entries from `entry` on, which begin at a time; `floor` is its least credible time, if any."""

    entry: int
    start: str
    floor: str | None


class Timeline:
    """The stretches of a clock."""

    def __init__(self, jumps: Sequence[Jump], counts: Callable[[Confirmation], bool]) -> None:
        """Take the jumps in the order of the log; `counts` says whose word is taken."""
        self._jumps = jumps
        self._confirmed = [any(map(counts, jump.confirmations)) for jump in jumps]
        self._stretches = [_Stretch(0, "", "")]
        self.anchor = ""
        for jump, confirmed in zip(jumps, self._confirmed, strict=True):
            self._add(jump, confirmed=confirmed)

    def _add(self, jump: Jump, *, confirmed: bool) -> None:
        floor = self._stretches[-1].floor
        if floor is not None and jump.before >= floor:
            self.anchor = jump.before
        follows = read_time(jump.after) <= read_time(self.anchor) + MAX_STEP
        if confirmed:
            self.anchor = floor = jump.after
        else:
            floor = max(self.anchor, jump.after) if follows else None
        self._stretches.append(_Stretch(jump.entry, jump.after, floor))

    def is_credible(self, now: str) -> bool:
        """Return whether what the clock says now, after all jumps, can be relied on."""
        floor = self._stretches[-1].floor
        return floor is not None and now >= floor

    def measure(self, since: tuple[int, str], until: tuple[int, str]) -> timedelta:
        """Return how long a period certainly lasted, from one entry and its time to another.

        It begins with the first credible time, and ends with the last.
        """
        first, last = self._find_first(*since, until), self._find_last(*until)
        if first is None or last is None:
            return timedelta(0)
        return max(read_time(last) - read_time(first), timedelta(0))

    def describe(self) -> str:
        """Say by which clock is judged; empty if it never jumped."""
        if not self._jumps:
            return ""
        jump = self._jumps[-1]
        said = "as confirmed" if self._confirmed[-1] else "as it runs on"
        return f", by the clock {said} after its jump at entry {jump.entry}"

    def explain(self, now: str) -> str:
        """Say why the present time cannot be relied on."""
        jump = self._jumps[-1]
        step, after = write_step(jump.before, jump.after), jump.after[:16]
        return (
            f"the clock jumped {step} after entry {jump.entry - 1}, to {after}Z, and says {now[:16]}Z now;"
            " no admin who is no author has confirmed that"
        )

    def _find_first(self, entry: int, time: str, end: tuple[int, str]) -> str | None:
        """Find the first credible time from that of an entry on."""
        for place, stretch in enumerate(self._stretches):
            if self._end_of(place) <= entry or stretch.floor is None or stretch.entry > end[0]:
                continue
            least = max(stretch.floor, time if stretch.entry <= entry else stretch.start)
            last = self._jumps[place].before if place < len(self._jumps) else None
            if last is None or last >= least:
                return least
        return None

    def _find_last(self, entry: int, time: str) -> str | None:
        """Find the last credible time up to that of an entry."""
        for place, stretch in reversed(list(enumerate(self._stretches))):
            if stretch.entry > entry or stretch.floor is None:
                continue
            last = time if entry < self._end_of(place) else self._jumps[place].before
            if last >= stretch.floor:
                return last
        return None

    def _end_of(self, place: int) -> int:
        """Return the entry at which a stretch ends."""
        return self._jumps[place].entry if place < len(self._jumps) else _NEVER


def settle(jumps: Sequence[Jump], now: str) -> str:
    """Return the time by which is judged what has ended: no clock that was set back makes it valid again."""
    return max(now, Timeline(jumps, lambda _: True).anchor)
