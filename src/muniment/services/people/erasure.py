"""Erasure: delete the personal data of a principal; the log holds only digests and stays."""

from muniment.core.events import PrincipalErased
from muniment.core.records import TagRecord, VersionRecord, Where
from muniment.core.verbs.people import ErasePrincipal
from muniment.ports.unit import Unit
from muniment.services.people.principals import get_principal
from muniment.services.transaction import Outcome, Transaction


def erase_principal(tx: Transaction, command: ErasePrincipal) -> Outcome:
    """Erase a principal's name, logins and the names of their keys and tokens; with `typed`, all they typed.

    Their signed claims stay under their opaque id, since they hold only digests of typed texts. The address
    of a webhook belongs to the namespace and stays.

    Raises:
        PrincipalNotFound: the principal does not exist.
    """
    principal = get_principal(tx.unit, command.principal).id
    payloads = tx.unit.payloads
    erased = payloads.find_of(principal, personal=not command.typed)
    for digest in erased:
        payloads.erase(digest)
        _forget_tags(tx.unit, digest)
    return Outcome(tx.record(PrincipalErased(principal=principal, typed=command.typed, payloads=len(erased))))


def _forget_tags(unit: Unit, digest: str) -> None:
    """Remove an erased text from the search index, including its history."""
    for record in unit.projections.select(TagRecord, Where("value", "=", digest)):
        version = unit.projections.find(VersionRecord, (record.name, record.number))
        if version is not None:
            unit.catalog.forget(version.index, f"tag.{record.tag}", record.index)
