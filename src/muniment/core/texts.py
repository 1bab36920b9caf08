r"""Texts from strangers, made harmless where they are shown: a function for each kind of output.

>>> plain("red \x1b[31m, \u202e reversed")
'red \\x1b[31m, \\u202e reversed'
>>> in_line("fine\napproved by Vera")
'fine\\napproved by Vera'
>>> in_markdown("<b>a|b</b>\n# c")
'\\<b\\>a\\|b\\</b\\>\\\\n# c'
"""

import re
from typing import Final

# What a terminal would obey or cannot print, what hides, turns around or parts other text, and what XML does
# not allow: control characters other than tabs and line ends, soft hyphens, marks and overrides of direction,
# spaces without a width, fillers, separators of lines, tags, and lone surrogates, which stand for bytes of a
# file name that are not UTF-8.
_UNPRINTABLE: Final = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180e\u200b-\u200f"
    "\u2028-\u202e\u2060-\u206f\u3164\ud800-\udfff\ufeff\uffa0\ufff9-\ufffb\ufffe\uffff\U000e0000-\U000e007f]"
)
_BETWEEN: Final = re.compile("[\t\n]")
# An underscore inside a word emphasises nothing.
_MARKUP: Final = re.compile(r"[\\`*\[\]<>|~&$]|(?<![^\W_])_|_(?![^\W_])")


def plain(text: str) -> str:
    """Escape what a terminal would obey or cannot print, and what would hide or turn around other text."""
    return _UNPRINTABLE.sub(_escape, text)


def in_line(text: str) -> str:
    """Escape a name, or any text that must not begin a line of its own."""
    return _BETWEEN.sub(_escape, plain(text))


def in_markdown(text: str) -> str:
    """Escape a name or a text inside a line of Markdown, which may have HTML in it, or inside a cell."""
    # A backslash that `in_line` has written is shown like any other.
    return _MARKUP.sub(lambda found: f"\\{found[0]}", in_line(text))


def _escape(found: re.Match[str]) -> str:
    return ascii(found[0])[1:-1]
