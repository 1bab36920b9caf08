"""Deliver events to webhooks in the log's order: signed CloudEvents (Standard Webhooks), or messages.

Delivery is at least once: the place of a webhook is saved after sending. A failed delivery is retried after
a growing pause and blocks later entries, until it is given up as a dead letter.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from http.client import HTTPException
from typing import Final

from standardwebhooks.webhooks import Webhook as Signer

from muniment.core import canonical
from muniment.core.addresses import AllowedAddresses
from muniment.core.canonical import JsonObject
from muniment.core.errors import RegistryUnreachable
from muniment.core.events import Entry, write_event
from muniment.core.events.sentences import write_sentence
from muniment.core.texts import in_line
from muniment.core.times import read_time, write_time
from muniment.core.verbs.upkeep import Form
from muniment.ports.clock import Clock
from muniment.ports.cursors import Place
from muniment.ports.outbox import DeadLetter
from muniment.ports.unit import Units
from muniment.server.jobs import AGAIN
from muniment.server.outside import AddressRefused, call
from muniment.services.upkeep.webhooks import Batch, Target, read_batch, reader_of

# With the pauses of jobs (30 s, doubling to 6 h), this takes a day and a half.
MOST_FAILURES: Final = 12
_OK: Final = range(200, 300)
# How many deliveries may repeat after a crash.
_NOTE_EVERY: Final = 25

Send = Callable[[str, bytes, dict[str, str]], int]


@dataclass(frozen=True, kw_only=True)
class Deliveries:
    """Delivers to webhooks. `origin` names the registry; `send` posts bytes and returns the status."""

    units: Units
    clock: Clock
    origin: str
    send: Send

    def deliver(self, payload: str) -> object:
        """Deliver the next entries to a webhook; return AGAIN if there are more.

        Raises:
            RegistryUnreachable: the webhook did not accept an entry; the job is retried later.
        """
        webhook = int(payload)
        batch = self.units.read(lambda unit: read_batch(unit, webhook))
        if batch is None:
            return "the webhook has ended"
        for entry in batch.again:
            self._retry(webhook, batch.target, entry)
        self._follow(webhook, batch)
        rest = self.units.read(lambda unit: unit.log.size() > batch.place.next)
        return AGAIN if rest else len(batch.following)

    def _follow(self, webhook: int, batch: Batch) -> None:
        failures = batch.place.failures
        for sent, entry in enumerate(batch.following, 1):
            fault = self._post(batch.target, entry)
            if fault and failures + 1 < MOST_FAILURES:
                self._note(webhook, Place(entry.index, failures + 1))
                raise RegistryUnreachable(location=f"webhook {webhook}", reason=fault)
            if fault:
                letter = DeadLetter(entry.index, fault, write_time(self.clock()), again=False)
                self.units.write(lambda unit, letter=letter: unit.outbox.bury(webhook, letter))  # type: ignore[misc] # bound at once
            failures = 0
            if sent % _NOTE_EVERY == 0:
                self._note(webhook, Place(entry.index + 1, 0))
        self._note(webhook, Place(batch.place.next, 0))

    def _retry(self, webhook: int, target: Target, entry: Entry) -> None:
        """Retry a dead letter once."""
        fault = self._post(target, entry)
        if fault:
            letter = DeadLetter(entry.index, fault, write_time(self.clock()), again=False)
            self.units.write(lambda unit: unit.outbox.bury(webhook, letter))
        else:
            self.units.write(lambda unit: unit.outbox.drop_dead(webhook, entry.index))

    def _note(self, webhook: int, place: Place) -> None:
        self.units.write(lambda unit: unit.cursors.put(reader_of(webhook), place))

    def _post(self, target: Target, entry: Entry) -> str:
        """Post an event; return the fault, or an empty string."""
        body, headers = self._write(target, entry)
        try:
            status = self.send(target.url, body, {"user-agent": "muniment", **headers})
        except AddressRefused:
            return "its address may not be called"
        except (OSError, HTTPException):
            # More would tell open ports from closed ones, and could name the address, the secret of a chat.
            return "no answer"
        return "" if status in _OK else f"it answered {status}"

    def _write(self, target: Target, entry: Entry) -> tuple[bytes, dict[str, str]]:
        """Write the body of a delivery, and its headers."""
        if target.form is not Form.CLOUDEVENTS:
            body = canonical.encode(write_message(target.form, self.origin, entry))
            return body, {"content-type": "application/json"}
        body, now = canonical.encode(describe(self.origin, entry)), self.clock()
        return body, {
            "content-type": "application/cloudevents+json; charset=utf-8",
            "webhook-id": entry.id,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": sign(target.secret, entry.id, now, body),
        }


def describe(origin: str, entry: Entry) -> JsonObject:
    """Write an entry as a CloudEvent 1.0 in structured mode."""
    # The second subject is the most specific; the first is the namespace.
    subject = entry.event.subjects()[1].name
    return {
        "specversion": "1.0",
        "id": entry.id,
        "source": origin,
        "type": f"dev.muniment.{entry.event.type}",
        "subject": subject,
        "time": write_time(read_time(entry.when)),
        "datacontenttype": "application/json",
        "data": {**write_event(entry.event), "actor": entry.actor, "entry": entry.index},
    }


def write_message(form: Form, origin: str, entry: Entry) -> JsonObject:
    """Write an entry as a message of a chat."""
    # Types of claims are as their signers wrote them.
    text = in_line(f"{write_sentence(entry.event)} (entry {entry.index} of {origin})")
    if form is Form.SLACK:
        # https://docs.slack.dev/messaging/formatting-message-text: these three control a message.
        escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        return {"text": escaped, "mrkdwn": False}
    # A run of text is shown as it is; a block of text would be read as Markdown.
    body: JsonObject = {"type": "RichTextBlock", "inlines": [{"type": "TextRun", "text": text}]}
    card: JsonObject = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": [body],
    }
    content = "application/vnd.microsoft.card.adaptive"
    return {
        "type": "message",
        "attachments": [{"contentType": content, "contentUrl": None, "content": card}],
    }


def sign(secret: str, message: str, time: datetime, body: bytes) -> str:
    """Sign a delivery as Standard Webhooks does."""
    signature: str = Signer(secret).sign(msg_id=message, timestamp=time, data=body.decode())
    return signature


def make_sender(allowed: AllowedAddresses) -> Send:
    """Make a sender to allowed addresses, which ignores the body of the answer."""

    def send(url: str, body: bytes, headers: dict[str, str]) -> int:
        with call("POST", url, allowed, body=body, headers=headers) as answer:
            return answer.status

    return send
