"""Preferences of a person: the models that they follow, and where they get mail.

They are personal, so the log holds only their digest: they are one erasable text, a JSON object.

>>> Preferences.read('{"follows": ["acme/readmission"]}').follows
(ModelName(namespace='acme', model='readmission'),)
"""

import re
from dataclasses import dataclass
from typing import Final, Self

from muniment.core import canonical
from muniment.core.canonical import JsonObject
from muniment.core.errors import InvalidDocument, InvalidName, InvalidOption
from muniment.core.names import ModelName

MAX_FOLLOWS: Final = 500
_MAX_EMAIL_CHARACTERS: Final = 254
_ATOM: Final = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LABEL: Final = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
# RFC 5322 3.4.1, as far as the header of a mail holds it as it is: no spaces, no list, nothing to quote.
_EMAIL: Final = re.compile(rf"(?=.{{1,64}}@){_ATOM}(?:\.{_ATOM})*@{_LABEL}(?:\.{_LABEL})*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Preferences:
    """What a person prefers.

    Attributes:
        follows: the models whose news are in their inbox.
        email: their address; empty if there is none.
        mail: whether the server sends there what is new in the inbox.
    """

    follows: tuple[ModelName, ...] = ()
    email: str = ""
    mail: bool = True

    def __post_init__(self) -> None:
        """Check the address and the number of models.

        Raises:
            InvalidOption: the address is none, or there are too many models.
        """
        if self.email and not (_EMAIL.fullmatch(self.email) and len(self.email) <= _MAX_EMAIL_CHARACTERS):
            raise InvalidOption(option="email", reason="must be one address, such as vera@example.org")
        if len(self.follows) > MAX_FOLLOWS:
            raise InvalidOption(option="follows", reason=f"must be at most {MAX_FOLLOWS} models")

    @classmethod
    def read(cls, text: str) -> Self:
        """Read the text of preferences; members that are missing have their defaults.

        Raises:
            InvalidOption: it is not such an object.
        """
        try:
            document = canonical.decode(text.encode())
            follows, email, mail = (document.get(name) for name in ("follows", "email", "mail"))
            known = not document.keys() - {"follows", "email", "mail"}
            if known and isinstance(follows, list | None) and isinstance(email, str | None):
                names = sorted({ModelName.parse(str(name)) for name in follows or []})
                return cls(follows=tuple(names), email=email or "", mail=mail is not False)
        except (InvalidDocument, InvalidName) as error:
            raise InvalidOption(option="preferences", reason=_FORM) from error
        raise InvalidOption(option="preferences", reason=_FORM)

    def write(self) -> str:
        """Write them as a text."""
        document: JsonObject = {
            "follows": [str(name) for name in self.follows],
            "email": self.email,
            "mail": self.mail,
        }
        return canonical.encode(document).decode()


_FORM: Final = "must be a JSON object with `follows`, `email` and `mail`"
