"""Erasure: what is known of a person is forgotten; the log, which holds digests only, stays as it is."""

from collections.abc import Iterator

from muniment.core.canonical import JsonObject
from muniment.core.commands import ErasePrincipal
from muniment.core.events import Event, EventType
from muniment.core.names import ModelName, Reference
from muniment.core.records import TagRecord
from muniment.core.roles import EVERYWHERE, Act
from muniment.ports.projections import Where
from muniment.ports.unit import Unit
from muniment.services.describe import describe_tag
from muniment.services.resolve import resolve
from muniment.services.rights import get_principal
from muniment.services.transaction import Outcome, Transaction

_PAGE = 1000
# What names a person, whoever wrote the entry.
_NAMING = frozenset(
    {
        EventType.PRINCIPAL_REGISTERED,
        EventType.KEY_ENROLLED,
        EventType.TOKEN_ISSUED,
        EventType.LOGIN_LINKED,
    }
)


def erase_principal(tx: Transaction, command: ErasePrincipal) -> Outcome:
    """Forget a principal's name, logins and what their keys and tokens are called, and with `typed` the rest.

    What they signed stays, under their opaque id: it holds digests of what they typed, no more. The address
    of a webhook is the namespace's, whoever set it, and stays.

    Raises:
        PrincipalNotFound: there is none.
    """
    tx.require(Act.ERASE, EVERYWHERE)
    principal = get_principal(tx.unit, command.principal).id
    digests = {
        text
        for event in _read_events(tx.unit)
        if (event.type in _NAMING and event.data.get("principal") == principal)
        or (command.typed and event.actor == principal and event.type is not EventType.WEBHOOK_SET)
        for text in _texts(event)
    }
    erased = sorted(digest for digest in digests if tx.unit.payloads.erase(digest))
    for digest in erased:
        _forget_tags(tx.unit, digest)
    data: JsonObject = {"principal": principal, "payloads": len(erased)}
    return Outcome(tx.record(EventType.PRINCIPAL_ERASED, data))


def _read_events(unit: Unit) -> Iterator[Event]:
    for start in range(0, unit.log.size(), _PAGE):
        yield from map(Event.decode, unit.log.read(start, _PAGE))


def _texts(event: Event) -> Iterator[str]:
    """List what an entry names by digest: those of them that are payloads are what somebody typed."""
    yield from (
        value for value in event.data.values() if isinstance(value, str) and value.startswith("sha256:")
    )


def _forget_tags(unit: Unit, digest: str) -> None:
    """Let versions be found no longer by a text that was erased."""
    for record in unit.projections.select(TagRecord, Where("value", "=", digest)):
        version = resolve(unit, Reference(ModelName.parse(record.name), record.number))
        describe_tag(unit, version.index, record.tag, None)
