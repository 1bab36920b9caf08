"""Upkeep: webhooks, which send the events of a namespace to other services."""

from dataclasses import dataclass
from typing import Annotated, Final

from muniment.core.payloads import Payload
from muniment.core.people.roles import Act
from muniment.core.records import WebhookRecord
from muniment.core.verbs.verb import Bounds, Change, Command, ListQuery, May, Name, Question, Verb


@dataclass(frozen=True, slots=True, kw_only=True)
class FailedDelivery:
    """A failed delivery: the entry of the log, the fault, and when delivery was given up."""

    entry: int
    fault: str
    time: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """A webhook, its address (None once erased), its next entry and its failed deliveries."""

    record: WebhookRecord
    url: str | None
    next: int
    failed: tuple[FailedDelivery, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SetWebhook(Command):
    """Send the events of a namespace to an address, as signed CloudEvents; empty `events` means all.

    `target` is JSON with `url` and `secret` (`whsec_` and base64); the caller keeps the secret.
    """

    declared = Change("POST", "/namespaces/{namespace}/webhooks", May(Act.HOOK, "namespace"))
    namespace: Name
    target: Payload
    events: Annotated[tuple[str, ...], Bounds(most=100)] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class EndWebhook(Command):
    """End a webhook and erase its address and secret."""

    declared = Change("DELETE", "/webhooks/{webhook}", f"those who may {Act.HOOK} in its namespace")
    webhook: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayWebhook(Command):
    """Repeat the failed deliveries or, with `since`, everything from an entry on."""

    declared = Change("POST", "/webhooks/{webhook}/replays", f"those who may {Act.HOOK} in its namespace")
    webhook: int
    since: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ListWebhooks(ListQuery[Webhook]):
    """List the webhooks of a namespace and their failed deliveries."""

    declared = Question("/namespaces/{namespace}/webhooks", May(Act.HOOK, "namespace"))
    namespace: Name


VERBS: Final[tuple[type[Verb], ...]] = (SetWebhook, ListWebhooks, EndWebhook, ReplayWebhook)
