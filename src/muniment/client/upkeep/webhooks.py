"""Webhooks: `registry.webhooks`. To set one needs the role admin."""

import base64
import json
import secrets
from collections.abc import Sequence
from typing import Final, NamedTuple

from muniment.client.people.principals import write_payload
from muniment.client.proofs.trust import TrustedBackend
from muniment.core.receipts import Receipt
from muniment.core.verbs.upkeep import EndWebhook, ListWebhooks, ReplayWebhook, SetWebhook, Webhook

_SECRET_BYTES: Final = 32


class NewWebhook(NamedTuple):
    """A webhook that was just set: the secret that signs, which nobody is shown again, and the receipt."""

    secret: str
    receipt: Receipt


class Webhooks:
    """Where the events of a namespace are sent, by the server, as signed CloudEvents."""

    def __init__(self, backend: TrustedBackend) -> None:
        """Stand on a backend."""
        self._backend = backend

    def set(self, namespace: str, url: str, events: Sequence[str] = ()) -> NewWebhook:
        """Send the events of a namespace to an address, from now on; no `events` for all of them.

        Raises:
            InvalidOption: the address is none, or there is no such event.
        """
        secret = "whsec_" + base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()
        target = write_payload(json.dumps({"url": url, "secret": secret}))
        command = SetWebhook(namespace=namespace, target=target, events=tuple(events))
        return NewWebhook(secret, self._backend.execute(command))

    def list(self, namespace: str) -> Sequence[Webhook]:
        """List the webhooks of a namespace, and what could not be delivered."""
        found = self._backend.ask(ListWebhooks(namespace=namespace))
        for webhook in found:
            self._backend.check_record(webhook.record)
        return found

    def end(self, webhook: int) -> Receipt:
        """Send nothing more, and forget the address and the secret."""
        return self._backend.execute(EndWebhook(webhook=webhook))

    def replay(self, webhook: int, since: int | None = None) -> Receipt:
        """Send again what could not be delivered or, with `since`, everything from an entry on."""
        return self._backend.execute(ReplayWebhook(webhook=webhook, since=since))
