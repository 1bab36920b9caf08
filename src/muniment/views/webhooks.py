"""Webhooks: where the events of a namespace are sent, how far each has come, and what failed."""

from collections.abc import Sequence

from muniment.core.verbs.upkeep import Webhook
from muniment.views.listing import view_list
from muniment.views.values import Document, Time
from muniment.views.view import Column, Mark, Row, Tone, View, Vouched


def view_webhooks(namespace: str, webhooks: Sequence[Webhook], now: str) -> View:
    """Show the webhooks of a namespace. Their addresses and their state are the registry's word."""
    columns = (
        Column("form", "format"),
        Column("url", "url"),
        Column("set", "age", in_full=True),
        Column("next", "next entry", is_number=True),
        Column("dead", "failed", is_number=True),
        Column("events", "events", below=True),
        Column("fault", "last fault", is_drawn=any(one.failed for one in webhooks), below=True),
        Column("failed", "failed deliveries", is_drawn=False),
        Column("namespace", "namespace", is_drawn=False),
    )
    return view_list(
        "webhooks",
        namespace,
        columns,
        [_view_webhook(one) for one in webhooks],
        now,
        heading="Webhooks",
        lead="that they were set is proven; addresses, formats, progress and faults are the registry's word",
        found=True,
        empty=f"no webhooks in {namespace}: set one with muniment webhook set {namespace} URL",
        commands=[f"muniment webhook replay {one.record.index}" for one in webhooks if one.failed],
    )


def _view_webhook(webhook: Webhook) -> Row:
    record, failed = webhook.record, webhook.failed
    return Row(
        cells=(
            None if webhook.form is None else str(webhook.form),
            webhook.url,
            Time(record.set),
            webhook.next,
            len(failed),
            tuple(record.events.split()) or "all events",
            failed[-1].fault if failed else None,
            Document([{"entry": one.entry, "fault": one.fault, "time": one.time} for one in failed]),
            record.namespace,
        ),
        vouched=Vouched(Mark.FOUND, record.index),
        tone=Tone.BAD if failed else Tone.PLAIN,
    )
