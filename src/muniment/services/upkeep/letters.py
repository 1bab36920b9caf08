"""Letters: what is new in the inbox of a person who wants it by mail.

A letter is taken before it is sent: a server that dies in between may send it never, but not twice. What was
in it is still in the inbox.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final, NamedTuple

from muniment.answers.inbox import SOON
from muniment.answers.people import read_preferences
from muniment.core.gates.inbox import InboxItem
from muniment.core.people.callers import Caller
from muniment.core.records import PreferencesRecord
from muniment.core.times import read_time, write_time
from muniment.ports.clock import Clock
from muniment.ports.cursors import Place
from muniment.ports.jobs import Job
from muniment.ports.unit import Unit, Units
from muniment.services.clock import find_newest, read_clock
from muniment.services.gates.inbox import find_items
from muniment.services.people.reading import Reading, Sight
from muniment.signing.heads import HeadSigner

LETTER: Final = "letter"
# Deadlines come without an entry, and are looked for this often.
_DEADLINES: Final = timedelta(hours=1)


class Read(NamedTuple):
    """How far the letters to a person have come: the next entry, and the time (seconds) up to which."""

    entry: int
    time: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """What is new for a person, oldest first, and how far they had come and have come with it."""

    email: str
    items: tuple[InboxItem, ...]
    before: Read
    after: Read


@dataclass(frozen=True, kw_only=True)
class Letters:
    """The letters of a registry, whose log `signer` signs under the key `registry`."""

    units: Units
    clock: Clock
    signer: HeadSigner
    registry: str

    def plan(self) -> int:
        """Add a job for each person who wants mail and may have news; return how many people want it."""
        return self.units.write(self._plan)

    def take(self, principal: str) -> Letter | None:
        """Take what is new for a person, so that nobody takes it again; None if they want no mail."""
        letter = self.units.read(lambda unit: self._read(unit, principal))
        if letter is None:
            return None
        taken = self.units.write(lambda unit: _move(unit, principal, letter.before, letter.after))
        return letter if taken else None

    def put_back(self, principal: str, letter: Letter) -> None:
        """Put a letter back that could not be sent."""
        self.units.write(lambda unit: _move(unit, principal, letter.after, letter.before))

    def _plan(self, unit: Unit) -> int:
        size, now = unit.log.size(), int(self.clock().timestamp())
        stated = {record.principal: record.index for record in unit.projections.select(PreferencesRecord)}
        wanting = [one for one in sorted(stated) if _find_email(unit, one)]
        for principal in wanting:
            read = _find_read(unit, principal)
            if read is None:
                # Mail begins with what comes after somebody asked for it.
                read = Read(stated[principal] + 1, now)
                _put_read(unit, principal, read)
            if read.entry < size or now - read.time >= _DEADLINES.total_seconds():
                due = write_time(self.clock())
                unit.jobs.add(Job(id=f"{LETTER} {principal}", kind=LETTER, payload=principal, due=due))
        return len(wanting)

    def _read(self, unit: Unit, principal: str) -> Letter | None:
        email, before = _find_email(unit, principal), _find_read(unit, principal)
        if not email or before is None:
            return None
        now = self.clock()
        reading = Reading(
            view=unit,
            unit=unit,
            sight=Sight(unit, Caller(principal=principal)),
            signer=self.signer,
            registry=self.registry,
            time=read_clock(find_newest(unit.log), write_time(now)),
        )
        after = Read(unit.log.size(), int(now.timestamp()))
        new = (item for item in find_items(reading) if _is_new(item, before, after))
        return Letter(
            email=email,
            items=tuple(sorted(new, key=lambda item: item.since)),
            before=before,
            after=after,
        )


def _is_new(item: InboxItem, before: Read, after: Read) -> bool:
    """Return whether an item came since, or its deadline came near or passed."""
    if item.entry >= before.entry:
        return True
    if item.due is None:
        return False
    due = read_time(item.due).timestamp()
    return any(before.time < moment <= after.time for moment in (due - SOON.total_seconds(), due))


def _find_email(unit: Unit, principal: str) -> str:
    """Find the address that somebody wants mail at; empty if they do not."""
    preferences = read_preferences(unit, principal)
    return preferences.email if preferences.mail else ""


def _find_read(unit: Unit, principal: str) -> Read | None:
    entry, time = (unit.cursors.find(reader) for reader in _name_readers(principal))
    return None if entry is None or time is None else Read(entry.next, time.next)


def _move(unit: Unit, principal: str, before: Read, after: Read) -> bool:
    """Say that the letters to a person have come further, unless another replica did; return whether."""
    if _find_read(unit, principal) != before:
        return False
    _put_read(unit, principal, after)
    return True


def _put_read(unit: Unit, principal: str, read: Read) -> None:
    for reader, place in zip(_name_readers(principal), read, strict=True):
        unit.cursors.put(reader, Place(place))


def _name_readers(principal: str) -> tuple[str, str]:
    """Name the readers of the log and of the clock."""
    return f"{LETTER} {principal}", f"{LETTER} {principal} time"
