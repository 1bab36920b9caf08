"""Texts about people: names in place of the ids that the log has.

>>> names = {"01a224da-034e-77e8-abbb-52ea61eef0c3": "Vera Lindt"}
>>> put_names("01a224da-034e-77e8-abbb-52ea61eef0c3 rejected it", names)
'Vera Lindt rejected it'
>>> put_arguments("muniment user confirm 01a224da-034e-77e8-abbb-52ea61eef0c3", names)
"muniment user confirm 'Vera Lindt'"
"""

import re
from collections.abc import Iterable, Mapping
from shlex import quote
from typing import Final

_ID: Final = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}")


def put_names(text: str, names: Mapping[str, str]) -> str:
    """Replace the ids of people in a text with their names."""
    return _ID.sub(lambda match: names.get(match[0], match[0]), text)


def put_arguments(command: str, names: Mapping[str, str]) -> str:
    """Replace the ids of people in a command with their names, as a shell takes them.

    A name that would be taken for an option, or that a terminal would not show as it is, stays an id.
    """
    return _ID.sub(lambda match: _write_argument(names.get(match[0], ""), match[0]), command)


def find_ids(texts: Iterable[str]) -> set[str]:
    """Find the ids of people in texts."""
    return {match for text in texts for match in _ID.findall(text)}


def _write_argument(name: str, id_: str) -> str:
    return quote(name) if name and not name.startswith("-") and name.isprintable() else id_
