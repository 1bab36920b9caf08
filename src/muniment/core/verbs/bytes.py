"""Bytes: what namespaces hold, and may hold. The bytes themselves travel by routes of their own."""

from dataclasses import dataclass
from typing import Final

from muniment.core.errors import ModelNotFound
from muniment.core.people.roles import EVERYWHERE, Act
from muniment.core.verbs.verb import Change, Command, May, Name, Query, Question, Verb, Within


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What a namespace holds, and may hold (None: no bound)."""

    namespace: str
    size_bytes: int
    quota_bytes: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SetQuota(Command):
    """Bound what a namespace may hold, in bytes; null lifts the bound."""

    declared = Change("PUT", "/namespaces/{namespace}/quota", May(Act.ENROL, EVERYWHERE))
    namespace: Name
    size_bytes: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class GetUsage(Query[Usage]):
    """Say what a namespace holds, and may hold."""

    declared = Question("/namespaces/{namespace}/usage", Within("namespace", ModelNotFound))
    namespace: Name


VERBS: Final[tuple[type[Verb], ...]] = (SetQuota, GetUsage)
