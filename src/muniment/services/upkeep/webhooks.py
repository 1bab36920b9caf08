"""Webhooks: addresses that receive the events of a namespace, and what to send them next."""

import json
from collections.abc import Iterator
from typing import Final, NamedTuple

from muniment.core.addresses import find_fault, redact
from muniment.core.errors import InvalidOption, WebhookNotFound
from muniment.core.events import (
    EVENTS,
    Entry,
    WebhookEnded,
    WebhookReplayed,
    WebhookSet,
    read_entry,
)
from muniment.core.names import check_part
from muniment.core.people.roles import EVERYWHERE, Act
from muniment.core.records import WebhookRecord, Where
from muniment.core.verbs.upkeep import (
    EndWebhook,
    FailedDelivery,
    Form,
    ListWebhooks,
    ReplayWebhook,
    SetWebhook,
    Webhook,
)
from muniment.ports.cursors import Place
from muniment.ports.jobs import Job
from muniment.ports.outbox import DeadLetter
from muniment.ports.unit import Unit
from muniment.services.people.reading import Reading
from muniment.services.transaction import Outcome, Transaction

WEBHOOK: Final = "webhook"
_SECRET: Final = "whsec_"  # noqa: S105 - the prefix of every secret
_MAX_URL_CHARACTERS: Final = 2_000
_PAGE: Final = 200


class Target(NamedTuple):
    """The address of a webhook, its form, and the secret that signs CloudEvents; empty for a chat."""

    url: str
    secret: str
    form: Form = Form.CLOUDEVENTS

    @property
    def shown(self) -> str:
        """What may be shown of the address: that of a chat lets everybody write there who knows it."""
        return self.url if self.form is Form.CLOUDEVENTS else redact(self.url)


class Batch(NamedTuple):
    """The next deliveries: entries to repeat, then the following ones.

    `place` is the place of the webhook once all of them are sent.
    """

    target: Target
    again: tuple[Entry, ...]
    following: tuple[Entry, ...]
    place: Place


def set_webhook(tx: Transaction, command: SetWebhook) -> Outcome:
    """Start to send the events of a namespace, or (`*`) those that belong to none.

    Raises:
        InvalidOption: the address is not valid or may not be called, the secret is too short, or an event is
            unknown.
    """
    if command.namespace != EVERYWHERE:
        check_part(command.namespace, "namespace")
    fault = find_fault(_read_target(command.target.text).url, tx.allowed)
    if fault:
        raise InvalidOption(option="url", reason=fault)
    unknown = set(command.events) - EVENTS.keys()
    if unknown:
        raise InvalidOption(option="events", reason=f"has the unknown event {min(unknown)!r}")
    # It belongs to the namespace, so it stays when its admin is erased.
    tx.unit.payloads.put(command.target)
    events = tuple(sorted(set(command.events)))
    index = tx.record(WebhookSet(namespace=command.namespace, target=command.target.digest, events=events))
    tx.unit.cursors.put(reader_of(index), Place(index + 1))
    return Outcome(index)


def end_webhook(tx: Transaction, command: EndWebhook) -> Outcome:
    """End a webhook and erase its address and secret. Raises like `replay_webhook`."""
    record = _find(tx, command.webhook)
    tx.unit.payloads.erase(record.target)
    return Outcome(tx.record(WebhookEnded(namespace=record.namespace, webhook=record.index)))


def replay_webhook(tx: Transaction, command: ReplayWebhook) -> Outcome:
    """Repeat the failed deliveries or, with `since`, everything from an entry on.

    Raises:
        WebhookNotFound: it does not exist, or the actor may not manage it.
    """
    record = _find(tx, command.webhook)
    outbox = tx.unit.outbox
    for letter in outbox.list_dead(record.index):
        outbox.bury(record.index, letter._replace(again=True))
    if command.since is not None:
        place = _place_of(tx.unit, record.index)
        tx.unit.cursors.put(reader_of(record.index), Place(max(0, min(command.since, place.next))))
    event = WebhookReplayed(namespace=record.namespace, webhook=record.index, since=command.since)
    return Outcome(tx.record(event))


def list_webhooks(reading: Reading, query: ListWebhooks) -> tuple[Webhook, ...]:
    """List the webhooks of a namespace, with what may be shown of their addresses."""
    records = reading.unit.projections.select(
        WebhookRecord, Where("namespace", "=", query.namespace), Where("ended", "=", None)
    )
    return tuple(_describe(reading.unit, record) for record in records)


def plan_deliveries(unit: Unit, now: str) -> None:
    """Add a job for each webhook with something to send."""
    size = unit.log.size()
    for record in unit.projections.select(WebhookRecord, Where("ended", "=", None)):
        if unit.payloads.find(record.target) is None:
            # Its address was erased.
            continue
        place = _place_of(unit, record.index)
        again = any(letter.again for letter in unit.outbox.list_dead(record.index))
        if place.next < size or again:
            unit.jobs.add(Job(id=reader_of(record.index), kind=WEBHOOK, payload=str(record.index), due=now))


def read_batch(unit: Unit, webhook: int) -> Batch | None:
    """Read the next deliveries of a webhook; None if it has ended or its address was erased."""
    record = unit.projections.find(WebhookRecord, (webhook,))
    text = None if record is None or record.ended is not None else unit.payloads.find(record.target)
    if record is None or text is None:
        return None
    place = _place_of(unit, webhook)
    again = [
        read_entry(unit.log.read(letter.entry, 1)[0], letter.entry)
        for letter in unit.outbox.list_dead(webhook)
        if letter.again
    ]
    leaves = unit.log.read(place.next, _PAGE)
    page = [read_entry(leaf, index) for index, leaf in enumerate(leaves, place.next)]
    following = [entry for entry in page if _concerns(record, entry)]
    end = Place(place.next + len(page), place.failures)
    return Batch(_read_target(text), tuple(again), tuple(following), end)


def reader_of(webhook: int) -> str:
    """Name a webhook as a reader of the log."""
    return f"{WEBHOOK} {webhook}"


def _place_of(unit: Unit, webhook: int) -> Place:
    return unit.cursors.find(reader_of(webhook)) or Place(webhook + 1)


def _concerns(record: WebhookRecord, entry: Entry) -> bool:
    wanted = record.events.split()
    return (entry.namespace or EVERYWHERE) == record.namespace and (not wanted or entry.event.type in wanted)


def _read_target(text: str) -> Target:
    try:
        document = json.loads(text)
        form = Form(document.get("form", Form.CLOUDEVENTS))
        secret = str(document["secret"]) if form is Form.CLOUDEVENTS else ""
        target = Target(str(document["url"]), secret, form)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        reason = f"must have a `url`, a `secret`, and a `form` of {', '.join(Form)}"
        raise InvalidOption(option="target", reason=reason) from error
    if len(target.url) > _MAX_URL_CHARACTERS:
        raise InvalidOption(option="url", reason=f"must have at most {_MAX_URL_CHARACTERS} characters")
    if form is not Form.CLOUDEVENTS:
        if not target.url.startswith("https://"):
            raise InvalidOption(option="url", reason=f"of {form} must begin with https, since it is a secret")
        return target
    if not target.secret.startswith(_SECRET) or len(target.secret) < len(_SECRET) + 32:
        raise InvalidOption(option="secret", reason="must be `whsec_` and at least 24 bytes in base64")
    return target


def _describe(unit: Unit, record: WebhookRecord) -> Webhook:
    text = unit.payloads.find(record.target)
    target = None if text is None else _read_target(text)
    place = _place_of(unit, record.index)
    return Webhook(
        record=record,
        form=None if target is None else target.form,
        url=None if target is None else target.shown,
        next=place.next,
        failed=tuple(_describe_dead(unit.outbox.list_dead(record.index))),
    )


def _describe_dead(letters: list[DeadLetter]) -> Iterator[FailedDelivery]:
    yield from (FailedDelivery(entry=one.entry, fault=one.fault, time=one.time) for one in letters)


def _find(tx: Transaction, webhook: int) -> WebhookRecord:
    record = tx.unit.projections.find(WebhookRecord, (webhook,))
    if record is None or record.ended is not None or not tx.may(Act.HOOK, record.namespace):
        raise WebhookNotFound(webhook=webhook)
    return record
