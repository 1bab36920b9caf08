"""Rules about what the version is: its files, its card."""

from dataclasses import dataclass
from typing import Final

from muniment.core.attestations import CARD
from muniment.core.cards import Card
from muniment.core.formats import Format, format_of
from muniment.core.rules.facts import Facts, Finding, no, yes

SAFE_FORMATS: Final = frozenset(Format) - {Format.PICKLE}


@dataclass(frozen=True, slots=True, kw_only=True)
class Formats:
    """Every file is of an allowed format; formats that run code have to be named."""

    allow: frozenset[Format]

    @property
    def label(self) -> str:
        """What it asks."""
        return "formats: " + ", ".join(sorted(self.allow))

    def judge(self, facts: Facts) -> Finding:
        """Look at the names of the files; `load` looks at their bytes."""
        wrong = [
            path
            for path in facts.paths
            if (found := format_of(path)) is not Format.OTHER and found not in self.allow
        ]
        if wrong:
            return no(self, f"not allowed: {', '.join(wrong)}")
        return yes(self, f"all {len(facts.paths)} files")


@dataclass(frozen=True, slots=True, kw_only=True)
class CardFields:
    """The newest card says something in each of some fields."""

    required: tuple[str, ...]

    @property
    def label(self) -> str:
        """What it asks."""
        return "card with " + ", ".join(self.required)

    def judge(self, facts: Facts) -> Finding:
        """Look at the newest card; older ones do not fill its gaps."""
        cards = facts.of_type(CARD)
        mend = f"muniment card set {facts.version} FILE"
        if not cards:
            return no(self, "there is no card", mend=mend)
        newest = cards[-1]
        card = Card.read(newest.predicate)
        missing = [name for name in self.required if not card.has(name)]
        if missing:
            return no(self, f"the card says nothing in {', '.join(missing)}", [newest], mend=mend)
        return yes(self, "every field is filled in", [newest])
