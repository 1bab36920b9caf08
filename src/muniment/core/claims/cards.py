"""Model cards: what a version is for, what it is not for, and who answers for it.

The predicate `https://muniment.dev/card/v1` holds the fields; a new card is a new attestation.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Final

from muniment.core.canonical import Json, JsonObject


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """A card. Texts are Markdown.

    Attributes:
        title: its title.
        intended_use, out_of_scope_use, limitations, design, oversight: one text each.
        licence: an SPDX identifier, where there is one.
        contacts, languages, tags, base_models, datasets: lists of texts.
        others: further sections, by heading.
    """

    title: str = ""
    intended_use: str = ""
    out_of_scope_use: str = ""
    limitations: str = ""
    design: str = ""
    oversight: str = ""
    licence: str = ""
    contacts: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    base_models: tuple[str, ...] = ()
    datasets: tuple[str, ...] = ()
    others: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, predicate: JsonObject) -> "Card":
        """Read a predicate that was checked against its schema; unknown members are ignored."""
        known = {member.name: predicate.get(member.name) for member in fields(cls)}
        return cls(
            **{name: str(known[name] or "") for name in TEXTS},  # type: ignore[arg-type] # those that are texts
            **{name: _list(known[name]) for name in LISTS},  # type: ignore[arg-type] # those that are lists
            others=_texts(known["others"]),
        )

    def predicate(self) -> dict[str, Json]:
        """Write the predicate; empty fields are left out."""
        members: dict[str, Json] = {name: getattr(self, name) for name in TEXTS}
        members |= {name: list(getattr(self, name)) for name in LISTS}
        members["others"] = dict(self.others)
        return {name: value for name, value in members.items() if value}

    def has(self, name: str) -> bool:
        """Return whether a field holds more than white space."""
        value = getattr(self, name)
        return bool(value.strip()) if isinstance(value, str) else any(str(item).strip() for item in value)


# Sections of the text, in the order in which they are written.
SECTIONS: Final = ("intended_use", "out_of_scope_use", "limitations", "design", "oversight")
TEXTS: Final = ("title", *SECTIONS, "licence")
LISTS: Final = ("contacts", "languages", "tags", "base_models", "datasets")
CARD_FIELDS: Final = (*TEXTS, *LISTS)


def _list(value: Json) -> tuple[str, ...]:
    return tuple(str(item) for item in value) if isinstance(value, list) else ()


def _texts(value: Json) -> dict[str, str]:
    return {name: str(text) for name, text in value.items()} if isinstance(value, Mapping) else {}
