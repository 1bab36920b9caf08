"""Upkeep: webhooks, which send the events of a namespace to other services."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Final

from muniment.core.events import Entry, WebhookEnded, WebhookReplayed, WebhookSet
from muniment.core.payloads import Payload
from muniment.core.people.roles import Act
from muniment.core.records import WebhookRecord
from muniment.core.verbs.verb import Bounds, Change, Command, ListQuery, May, Name, Question, Verb, says


class Form(StrEnum):
    """The form in which a webhook gets events: signed CloudEvents, or messages for a chat."""

    CLOUDEVENTS = "cloudevents"
    SLACK = "slack"
    TEAMS = "teams"


@dataclass(frozen=True, slots=True, kw_only=True)
class FailedDelivery:
    """A failed delivery: the entry of the log, the fault, and when delivery was given up."""

    entry: int
    fault: str
    time: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """A webhook, its form and address (None once erased), its next entry and its failed deliveries.

    The address of a chat is a secret: of it only the host is shown.
    """

    record: WebhookRecord
    form: Form | None
    url: str | None
    next: int
    failed: tuple[FailedDelivery, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SetWebhook(Command):
    """Send the events of a namespace, or (`*`) those of none, to an address; empty `events` means all.

    `target` is JSON with `url`, `secret` (`whsec_` and base64; the caller keeps it) and perhaps `form`:
    `cloudevents`, which the secret signs, or `slack` or `teams`, which take an https address and no secret.
    """

    declared = Change("POST", "/namespaces/{namespace}/webhooks", May(Act.HOOK, "namespace"))
    namespace: Name
    target: Payload
    events: Annotated[tuple[str, ...], Bounds(most=100)] = ()

    def is_done_by(self, entry: Entry) -> bool:
        """A webhook was set to this address, for these events."""
        events = tuple(sorted(set(self.events)))
        return says(entry, WebhookSet, namespace=self.namespace, target=self.target.digest, events=events)


@dataclass(frozen=True, slots=True, kw_only=True)
class EndWebhook(Command):
    """End a webhook and erase its address and secret."""

    declared = Change("DELETE", "/webhooks/{webhook}", f"those who may {Act.HOOK} in its namespace")
    webhook: int

    def is_done_by(self, entry: Entry) -> bool:
        """This webhook has ended."""
        return says(entry, WebhookEnded, webhook=self.webhook)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayWebhook(Command):
    """Repeat the failed deliveries or, with `since`, everything from an entry on."""

    declared = Change("POST", "/webhooks/{webhook}/replays", f"those who may {Act.HOOK} in its namespace")
    webhook: int
    since: int | None = None

    def is_done_by(self, entry: Entry) -> bool:
        """The deliveries of this webhook are repeated, from the same entry on."""
        return says(entry, WebhookReplayed, webhook=self.webhook, since=self.since)


@dataclass(frozen=True, slots=True, kw_only=True)
class ListWebhooks(ListQuery[Webhook]):
    """List the webhooks of a namespace and their failed deliveries."""

    declared = Question("/namespaces/{namespace}/webhooks", May(Act.HOOK, "namespace"))
    namespace: Name


VERBS: Final[tuple[type[Verb], ...]] = (SetWebhook, ListWebhooks, EndWebhook, ReplayWebhook)
