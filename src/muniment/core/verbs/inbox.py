"""Inboxes: what waits for a principal, and what they are told."""

from dataclasses import dataclass
from typing import Final, Self

from muniment.core.errors import ModelNotFound
from muniment.core.gates.inbox import InboxItem, ItemKind
from muniment.core.names import Alias, ModelName
from muniment.core.verbs.verb import ListQuery, Name, Own, Query, Question, Verb, Who, Within


@dataclass(frozen=True, slots=True, kw_only=True)
class GetInbox(ListQuery[InboxItem]):
    """List the caller's open tasks, and their notices of the last 30 days."""

    declared = Question("/inbox", Who.CALLER)


@dataclass(frozen=True, slots=True, kw_only=True)
class GetInboxItem(Query[InboxItem]):
    """Get an item of the caller's inbox, by the entry that caused it and what it is about."""

    declared = Question(
        "/principals/{principal}/inbox/{entry}",
        Own("principal", Within("name", ModelNotFound)),
        proven=True,
    )
    principal: Name
    entry: int
    kind: ItemKind
    name: ModelName
    number: int | None = None
    alias: Alias | None = None

    @property
    def reference(self) -> str:
        """The version that it is about, or the model."""
        return str(self.name) if self.number is None else f"{self.name}@{self.number}"

    @classmethod
    def again(cls, item: InboxItem, principal: str) -> Self:
        """Ask for an item of a principal's inbox that was listed.

        Raises:
            InvalidName, ValueError: it names its kind, version or alias in another form.
        """
        name, at, number = item.reference.partition("@")
        return cls(
            principal=principal,
            entry=item.entry,
            kind=ItemKind(item.kind),
            name=ModelName.parse(name),
            number=int(number) if at else None,
            alias=Alias(item.alias) if item.alias else None,
        )


VERBS: Final[tuple[type[Verb], ...]] = (GetInbox, GetInboxItem)
