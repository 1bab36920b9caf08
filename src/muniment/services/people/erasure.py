"""Erasure: what is known of a person is forgotten; the log, which holds digests only, stays as it is."""

from muniment.core.events import PrincipalErased
from muniment.core.records import TagRecord, VersionRecord
from muniment.core.verbs.people import ErasePrincipal
from muniment.ports.projections import Where
from muniment.ports.unit import Unit
from muniment.services.people.principals import get_principal
from muniment.services.transaction import Outcome, Transaction


def erase_principal(tx: Transaction, command: ErasePrincipal) -> Outcome:
    """Forget a principal's name, logins and what their keys and tokens are called, and with `typed` the rest.

    What they signed stays, under their opaque id: it holds digests of what they typed, no more. The address
    of a webhook is the namespace's, whoever set it, and stays.

    Raises:
        PrincipalNotFound: there is none.
    """
    principal = get_principal(tx.unit, command.principal).id
    payloads = tx.unit.payloads
    erased = payloads.find_of(principal, personal=not command.typed)
    for digest in erased:
        payloads.erase(digest)
        _forget_tags(tx.unit, digest)
    return Outcome(tx.record(PrincipalErased(principal=principal, payloads=len(erased))))


def _forget_tags(unit: Unit, digest: str) -> None:
    """Let versions be found no longer by a text that was erased, not even as they were."""
    for record in unit.projections.select(TagRecord, Where("value", "=", digest)):
        version = unit.projections.find(VersionRecord, (record.name, record.number))
        if version is not None:
            unit.catalog.forget(version.index, f"tag.{record.tag}", record.index)
