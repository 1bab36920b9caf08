"""People in views: names in place of ids."""

import re
from collections.abc import Iterable, Mapping
from typing import Final

_ID: Final = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}")


def put_names(text: str, names: Mapping[str, str]) -> str:
    """Replace the ids of people in a text with their names."""
    return _ID.sub(lambda match: names.get(match[0], match[0]), text)


def find_ids(texts: Iterable[str]) -> set[str]:
    """Find the ids of people in texts."""
    return {match for text in texts for match in _ID.findall(text)}
