"""Records of the log itself."""

from dataclasses import dataclass
from typing import ClassVar

from muniment.core.records.record import Record


@dataclass(frozen=True, slots=True, kw_only=True)
class NamespaceRecord(Record):
    """A namespace, or the registry itself (`*`); `salt` is the digest of the payload for its subjects."""

    table: ClassVar[str] = "namespaces"
    key: ClassVar[tuple[str, ...]] = ("name",)
    name: str
    salt: str
