"""Declare, in the name of the registry, that it was restored to an older state."""

from muniment.core.payloads import Payload
from muniment.core.people.callers import Caller
from muniment.core.times import Clock
from muniment.ports.unit import Unit
from muniment.server.founding import load_keys, new_id
from muniment.server.parts import Parts
from muniment.services.log import restores
from muniment.services.transaction import Transaction


def declare_restore(parts: Parts, lost_after: int, reason: str, clock: Clock) -> int:
    """Declare that the entries from `lost_after` on are lost; return the entry.

    Raises:
        InvalidOption: the log never had so many entries.
        ReasonNeeded: the reason is blank.
        InvalidSetting: the keys belong to another registry.
    """
    keys = load_keys(parts.keys, parts.units)

    def work(unit: Unit) -> int:
        caller = Caller(principal=None, direct=True)
        tx = Transaction(unit=unit, caller=caller, clock=clock, nonces=new_id, keys=keys)
        return restores.declare_restore(tx, lost_after, Payload.of(reason))

    return parts.units.write(work)
