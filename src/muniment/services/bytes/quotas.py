"""Quotas: what a namespace may hold."""

from muniment.core.commands import SetQuota
from muniment.core.errors import InvalidDocument
from muniment.core.events import QuotaSet
from muniment.core.names import check_part
from muniment.core.people.roles import EVERYWHERE, Act
from muniment.services.transaction import Outcome, Transaction


def set_quota(tx: Transaction, command: SetQuota) -> Outcome:
    """Bound what a namespace may hold. What it holds already stays, whatever the bound."""
    tx.require(Act.ENROL, EVERYWHERE)
    check_part(command.namespace, "namespace")
    if command.size_bytes is not None and command.size_bytes < 0:
        raise InvalidDocument(reason="a quota is a number of bytes")
    return Outcome(tx.record(QuotaSet(namespace=command.namespace, size_bytes=command.size_bytes)))
