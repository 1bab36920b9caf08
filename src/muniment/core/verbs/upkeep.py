"""Upkeep: webhooks, which tell others of what happens in a namespace."""

from dataclasses import dataclass
from typing import Annotated, Final

from muniment.core.payloads import Payload
from muniment.core.people.roles import Act
from muniment.core.records import WebhookRecord
from muniment.core.verbs.verb import Bounds, Change, Command, ListQuery, May, Name, Question, Verb


@dataclass(frozen=True, slots=True, kw_only=True)
class FailedDelivery:
    """An entry of the log that could not be delivered: why, and when that was given up."""

    entry: int
    fault: str
    time: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """A webhook, its address (None once forgotten), the entry that is next, what could not be delivered."""

    record: WebhookRecord
    url: str | None
    next: int
    failed: tuple[FailedDelivery, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SetWebhook(Command):
    """Send the events of a namespace to an address, as signed CloudEvents; no `events` for all of them.

    `target` is JSON with `url` and `secret` (`whsec_` and base64); the caller keeps the secret.
    """

    declared = Change("POST", "/namespaces/{namespace}/webhooks", May(Act.HOOK, "namespace"))
    namespace: Name
    target: Payload
    events: Annotated[tuple[str, ...], Bounds(most=100)] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class EndWebhook(Command):
    """Send nothing more; its address and secret are forgotten."""

    declared = Change("DELETE", "/webhooks/{webhook}", f"those who may {Act.HOOK} in its namespace")
    webhook: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayWebhook(Command):
    """Send again what could not be delivered or, with `since`, everything from an entry on."""

    declared = Change("POST", "/webhooks/{webhook}/replays", f"those who may {Act.HOOK} in its namespace")
    webhook: int
    since: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ListWebhooks(ListQuery[Webhook]):
    """List the webhooks of a namespace, and what could not be delivered."""

    declared = Question("/namespaces/{namespace}/webhooks", May(Act.HOOK, "namespace"))
    namespace: Name


VERBS: Final[tuple[type[Verb], ...]] = (SetWebhook, ListWebhooks, EndWebhook, ReplayWebhook)
