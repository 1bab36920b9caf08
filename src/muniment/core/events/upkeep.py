"""Events of webhooks."""

from dataclasses import dataclass
from typing import ClassVar

from muniment.core.digests import Digest
from muniment.core.events.event import Entry, Event
from muniment.core.events.subjects import Subject, SubjectKind, of_namespace
from muniment.core.records import Amend, Change, Put, WebhookRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookSet(Event):
    """A webhook receives the events of a namespace.

    Attributes:
        target: the digest of an erasable payload with the address and the secret.
        events: the types to send; without any, all types.
    """

    type: ClassVar[str] = "webhook.set"
    namespace: str
    target: Digest
    events: tuple[str, ...]

    def subjects(self) -> tuple[Subject, ...]:
        """The webhooks of the namespace."""
        return (of_namespace(self.namespace), Subject(SubjectKind.WEBHOOKS, self.namespace))

    def fold(self, entry: Entry) -> list[Change]:
        """Add the webhook."""
        webhook = WebhookRecord(
            index=entry.index,
            namespace=self.namespace,
            target=str(self.target),
            events=" ".join(self.events),
            author=entry.actor,
            set=entry.when,
        )
        return [Put(webhook)]


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookEnded(Event):
    """A webhook, by its entry, has ended."""

    type: ClassVar[str] = "webhook.ended"
    namespace: str
    webhook: int

    def subjects(self) -> tuple[Subject, ...]:
        """The webhooks of the namespace."""
        return (
            of_namespace(self.namespace),
            Subject(SubjectKind.WEBHOOKS, self.namespace),
        )

    def fold(self, entry: Entry) -> list[Change]:
        """End the webhook."""
        return [Amend(WebhookRecord, (self.webhook,), {"ended": entry.index})]


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookReplayed(Event):
    """The failed deliveries of a webhook, or everything since an entry, are sent again."""

    type: ClassVar[str] = "webhook.replayed"
    namespace: str
    webhook: int
    since: int | None

    def subjects(self) -> tuple[Subject, ...]:
        """The webhooks of the namespace."""
        return (of_namespace(self.namespace), Subject(SubjectKind.WEBHOOKS, self.namespace))

    def fold(self, entry: Entry) -> list[Change]:  # noqa: ARG002 - as every event
        """Change no record: the outbox repeats the deliveries."""
        return []
