"""Payloads: texts that people type, erasable, which the log holds only by digest.

The digest covers a random salt and the text, so a short text cannot be guessed once it is erased.
"""

import secrets
from dataclasses import dataclass
from typing import Self

from muniment.core import canonical
from muniment.core.digests import Digest
from muniment.core.errors import InvalidText, ReasonNeeded

MAX_TEXT_CHARACTERS = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Payload:
    """A text and its salt (hex)."""

    salt: str
    text: str

    def __post_init__(self) -> None:
        """Check the text.

        Raises:
            InvalidText: it is too long, is not Unicode, or has a NUL.
        """
        if len(self.text) > MAX_TEXT_CHARACTERS:
            raise InvalidText(reason=f"it has {len(self.text)} characters")
        if any("\ud800" <= letter <= "\udfff" for letter in self.salt + self.text):
            raise InvalidText(reason="it is not Unicode")
        if canonical.holds_nul([self.salt, self.text]):
            raise InvalidText(reason="it has a NUL character")

    @classmethod
    def of(cls, text: str) -> Self:
        """Salt a text."""
        return cls(salt=secrets.token_hex(16), text=text)

    @property
    def is_blank(self) -> bool:
        """Whether the text says nothing."""
        return not self.text.strip()

    @property
    def digest(self) -> Digest:
        """The digest that the log holds."""
        return Digest.of(canonical.encode({"salt": self.salt, "text": self.text}))


def need_reason(reason: Payload | None, what: str) -> Payload:
    """Return a reason that must be given.

    Raises:
        ReasonNeeded: there is none, or it is blank.
    """
    if reason is None or reason.is_blank:
        raise ReasonNeeded(what=what)
    return reason


def check_reason(reason: Payload | None, what: str) -> None:
    """Check a reason that may be left out.

    Raises:
        ReasonNeeded: it is blank.
    """
    if reason is not None:
        need_reason(reason, what)
