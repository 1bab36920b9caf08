"""Webhooks: `registry.webhooks`. Setting one requires the role admin."""

import base64
import json
import secrets
from collections.abc import Sequence
from typing import Final, NamedTuple

from muniment.client.proofs.trust import TrustedBackend
from muniment.core.errors import RecordUnproven
from muniment.core.payloads import Payload
from muniment.core.receipts import Receipt
from muniment.core.verbs.upkeep import EndWebhook, Form, ListWebhooks, ReplayWebhook, SetWebhook, Webhook
from muniment.views.view import View
from muniment.views.webhooks import view_webhooks

_SECRET_BYTES: Final = 32


class NewWebhook(NamedTuple):
    """A new webhook: the signing secret, which cannot be shown again (None for a chat), and the receipt."""

    secret: str | None
    receipt: Receipt


class Webhooks:
    """Webhooks: the server sends the events of a namespace to a URL."""

    def __init__(self, backend: TrustedBackend) -> None:
        """Use a backend."""
        self._backend = backend

    def __repr__(self) -> str:
        """Name the registry."""
        return f"<Webhooks of {self._backend.location}>"

    def set(
        self, namespace: str, url: str, events: Sequence[str] = (), form: str = "cloudevents"
    ) -> NewWebhook:
        """Send events of a namespace to a URL from now on; without `events`, all events.

        With the form `slack` or `teams`, the URL is that of an incoming webhook of a chat, which gets
        sentences. It lets people write there, so the registry never shows all of it.

        Raises:
            InvalidOption: the URL or the form is invalid, or there is no such event.
        """
        secret = None
        if form == Form.CLOUDEVENTS:
            secret = "whsec_" + base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()
        signing = {} if secret is None else {"secret": secret}
        target = Payload.of(json.dumps({"url": url, "form": form, **signing}))
        command = SetWebhook(namespace=namespace, target=target, events=tuple(events))
        return NewWebhook(secret, self._backend.execute(command))

    def list(self, namespace: str) -> Sequence[Webhook]:
        """List the webhooks of a namespace, with their failed deliveries.

        Each is proven to be on record. Its address, its state and its failures are the registry's word, and
        there may be more.
        """
        webhooks = self._backend.ask(ListWebhooks(namespace=namespace))
        for webhook in webhooks:
            if webhook.record.namespace != namespace:
                raise RecordUnproven(record=f"webhooks[{webhook.record.index}]", index=webhook.record.index)
        return webhooks

    def view(self, namespace: str) -> View:
        """Show the webhooks of a namespace, as `muniment webhook list` does."""
        return view_webhooks(namespace, self.list(namespace), self._backend.time())

    def end(self, webhook: int) -> Receipt:
        """End a webhook, and erase its URL and secret."""
        return self._backend.execute(EndWebhook(webhook=webhook))

    def replay(self, webhook: int, since: int | None = None) -> Receipt:
        """Resend the failed deliveries or, with `since`, everything from that entry on."""
        return self._backend.execute(ReplayWebhook(webhook=webhook, since=since))
