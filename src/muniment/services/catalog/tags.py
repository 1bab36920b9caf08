"""Tags: short, searchable texts on a version. They can change; the version cannot."""

import re
from typing import Final

from muniment.answers.catalog import newest_tags
from muniment.answers.resolve import resolve
from muniment.core.errors import InvalidTag
from muniment.core.events import TagSet
from muniment.core.names import Reference
from muniment.core.payloads import Payload
from muniment.core.verbs.catalog import RemoveTag, SetTag
from muniment.services.catalog.attributes import describe_tag
from muniment.services.transaction import Outcome, Transaction

_NAME: Final = re.compile(r"[a-z0-9]+(?:[._-][a-z0-9]+)*")
_MAX_NAME_CHARACTERS: Final = 64
_MAX_TEXT_CHARACTERS: Final = 1000


def set_tag(tx: Transaction, command: SetTag) -> Outcome:
    """Put a tag on a version; the same salted text again changes nothing.

    Raises:
        InvalidTag: its name or text breaks the rules.
    """
    if len(command.value.text) > _MAX_TEXT_CHARACTERS:
        raise InvalidTag(key=command.key)
    return _set(tx, command.reference, command.key, command.value)


def remove_tag(tx: Transaction, command: RemoveTag) -> Outcome:
    """Remove a tag; a missing tag changes nothing. Raises like `set_tag`."""
    return _set(tx, command.reference, command.key, None)


def _set(tx: Transaction, reference: Reference, key: str, value: Payload | None) -> Outcome:
    if _NAME.fullmatch(key) is None or len(key) > _MAX_NAME_CHARACTERS:
        raise InvalidTag(key=key)
    version = resolve(tx.unit, reference)
    present = newest_tags(tx.unit, version).get(key)
    # Compared by digest, so that the entry that answers a repeated command confirms it.
    if present is not None and present.value == (None if value is None else str(value.digest)):
        return Outcome(present.index, created=False)
    event = TagSet(
        name=reference.name,
        number=version.number,
        tag=key,
        value=tx.keep(value),
    )
    index = tx.record(event)
    describe_tag(tx.unit, version.index, key, None if value is None else value.text, index)
    return Outcome(index)
