"""Tags: short texts on a version, to find it by. They change; the version does not."""

import re
from typing import Final

from muniment.core.commands import SetTag
from muniment.core.errors import InvalidTag
from muniment.core.events import TagSet
from muniment.core.people.roles import Act
from muniment.core.records import TagRecord, VersionRecord
from muniment.ports.projections import Where
from muniment.ports.unit import Unit
from muniment.services.catalog.describe import describe_tag
from muniment.services.catalog.resolve import resolve
from muniment.services.transaction import Outcome, Transaction

_NAME: Final = re.compile(r"[a-z0-9]+(?:[._-][a-z0-9]+)*")
_MAX_NAME_CHARACTERS: Final = 64
_MAX_TEXT_CHARACTERS: Final = 1000


def set_tag(tx: Transaction, command: SetTag) -> Outcome:
    """Put a tag on a version, or take it away. The text it has already changes nothing.

    Raises:
        InvalidTag: its name or text breaks the rules.
    """
    tx.require(Act.PUBLISH, command.reference.name.namespace)
    long = command.value is not None and len(command.value.text) > _MAX_TEXT_CHARACTERS
    if _NAME.fullmatch(command.key) is None or len(command.key) > _MAX_NAME_CHARACTERS or long:
        raise InvalidTag(key=command.key)
    version = resolve(tx.unit, command.reference)
    present = _newest(tx.unit, version).get(command.key)
    text = None if command.value is None else command.value.text
    if present is not None and _text(tx.unit, present) == text:
        return Outcome(present.index, created=False)
    event = TagSet(
        name=command.reference.name,
        number=version.number,
        tag=command.key,
        value=tx.keep(command.value),
    )
    index = tx.record(event)
    describe_tag(tx.unit, version.index, command.key, text, index)
    return Outcome(index)


def list_tags(unit: Unit, version: VersionRecord, until: tuple[Where, ...] = ()) -> dict[str, str]:
    """Read the tags of a version; those that were taken away or erased are left out."""
    texts = {name: _text(unit, record) for name, record in _newest(unit, version, until).items()}
    return {name: text for name, text in sorted(texts.items()) if text is not None}


def _newest(unit: Unit, version: VersionRecord, until: tuple[Where, ...] = ()) -> dict[str, TagRecord]:
    records = unit.projections.select(
        TagRecord, Where("name", "=", version.name), Where("number", "=", version.number), *until
    )
    return {record.tag: record for record in records}


def _text(unit: Unit, record: TagRecord) -> str | None:
    return None if record.value is None else unit.payloads.find(record.value)
