"""Bytes: the usage and quotas of namespaces. The bytes themselves have their own routes."""

from dataclasses import dataclass
from typing import Final

from muniment.core.errors import NamespaceNotFound
from muniment.core.events import Entry, QuotaSet
from muniment.core.people.roles import EVERYWHERE, Act
from muniment.core.verbs.verb import Change, Command, May, Name, Query, Question, Verb, Within, says


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """The bytes that a namespace holds, and its quota (None: unlimited)."""

    namespace: str
    size_bytes: int
    quota_bytes: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SetQuota(Command):
    """Set the quota of a namespace in bytes; null removes it."""

    declared = Change("PUT", "/namespaces/{namespace}/quota", May(Act.ENROL, EVERYWHERE))
    namespace: Name
    size_bytes: int | None

    def is_done_by(self, entry: Entry) -> bool:
        """The quota of the namespace was set to this."""
        return says(entry, QuotaSet, namespace=self.namespace, size_bytes=self.size_bytes)


@dataclass(frozen=True, slots=True, kw_only=True)
class GetUsage(Query[Usage]):
    """Get the usage and quota of a namespace."""

    declared = Question("/namespaces/{namespace}/usage", Within("namespace", NamespaceNotFound))
    namespace: Name


VERBS: Final[tuple[type[Verb], ...]] = (SetQuota, GetUsage)
