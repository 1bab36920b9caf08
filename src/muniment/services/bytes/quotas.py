"""Quotas: the usage and limits of namespaces."""

from muniment.core.errors import InvalidOption
from muniment.core.events import QuotaSet
from muniment.core.names import check_part
from muniment.core.verbs.bytes import GetUsage, SetQuota, Usage
from muniment.services.bytes.custody import find_quota
from muniment.services.people.reading import Reading
from muniment.services.transaction import Outcome, Transaction


def set_quota(tx: Transaction, command: SetQuota) -> Outcome:
    """Set the quota of a namespace. Bytes that it already holds stay."""
    check_part(command.namespace, "namespace")
    if command.size_bytes is not None and command.size_bytes < 0:
        raise InvalidOption(option="quota", reason="must be a number of bytes, 0 or more")
    return Outcome(tx.record(QuotaSet(namespace=command.namespace, size_bytes=command.size_bytes)))


def get_usage(reading: Reading, query: GetUsage) -> Usage:
    """Return the usage and quota of a namespace.

    Raises:
        InvalidName: it is not the name of a namespace.
    """
    check_part(query.namespace, "namespace")
    return Usage(
        namespace=query.namespace,
        size_bytes=reading.unit.holdings.measure(query.namespace),
        quota_bytes=find_quota(reading.unit, query.namespace),
    )
