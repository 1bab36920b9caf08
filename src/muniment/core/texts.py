r"""Texts from strangers, made harmless where they are shown.

>>> plain("red \x1b[31m, \u202e reversed")
'red \\x1b[31m, \\u202e reversed'
"""

import re
from typing import Final

# Control characters other than tabs and line ends, characters that change the direction of text, and lone
# surrogates, which stand for bytes of a file name that are not UTF-8.
_UNPRINTABLE: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def plain(text: str) -> str:
    """Escape what a terminal would obey or cannot print, and what would hide or turn around other text."""
    return _UNPRINTABLE.sub(lambda match: ascii(match[0])[1:-1], text)
