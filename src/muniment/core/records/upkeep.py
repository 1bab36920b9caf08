"""Records of webhooks."""

from dataclasses import dataclass
from typing import ClassVar

from muniment.core.records.record import Record


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookRecord(Record):
    """Where the events of a namespace are sent, until the entry `ended` (None: they are).

    `target` is the digest of an erasable payload: the address and the secret. `events` are their types with a
    space between; empty for all.
    """

    table: ClassVar[str] = "webhooks"
    key: ClassVar[tuple[str, ...]] = ("index",)
    amendable: ClassVar[frozenset[str]] = frozenset({"ended"})
    namespace: str
    target: str
    events: str
    author: str
    set: str
    ended: int | None = None
