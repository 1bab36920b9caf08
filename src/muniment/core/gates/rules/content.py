"""Rules about the content of a version: its files, its card."""

from dataclasses import dataclass
from typing import Final

from muniment.core.bytes.formats import Format, format_of
from muniment.core.claims.attestations import CARD, SCAN
from muniment.core.claims.cards import Card
from muniment.core.claims.scans import OWN_TOOL, Scan
from muniment.core.gates.rules.case import Case, Finding, no, yes

SAFE_FORMATS: Final = frozenset(Format) - {Format.PICKLE}


@dataclass(frozen=True, slots=True, kw_only=True)
class Formats:
    """Every file has an allowed format; formats that run code must be named."""

    allow: frozenset[Format]

    @property
    def label(self) -> str:
        """The requirement."""
        return "formats: " + ", ".join(sorted(self.allow))

    def judge(self, case: Case) -> Finding:
        """Check the names of files and the pickles that the registry's scan lists; `load` checks bytes."""
        scans = [claim for claim in case.of_type(SCAN) if Scan(claim.predicate).tool == OWN_TOOL][-1:]
        pickles = Scan(scans[0].predicate).pickles if scans else frozenset[str]()
        wrong = [
            path
            for path in case.paths
            if (kind := Format.PICKLE if path in pickles else format_of(path)) is not Format.OTHER
            and kind not in self.allow
        ]
        if wrong:
            remedy = f"muniment push PATH {case.name}"
            return no(self, f"not allowed: {', '.join(wrong)}", scans, remedy=remedy)
        return yes(self, "every file has an allowed format", scans)


@dataclass(frozen=True, slots=True, kw_only=True)
class CardFields:
    """The newest card fills in each required field."""

    required: tuple[str, ...]

    @property
    def label(self) -> str:
        """The requirement."""
        return "card with " + ", ".join(self.required)

    def judge(self, case: Case) -> Finding:
        """Check the newest card; older ones do not fill its gaps."""
        cards = case.of_type(CARD)
        remedy = f"muniment card set {case.version} FILE"
        if not cards:
            return no(self, "there is no card", remedy=remedy)
        newest = cards[-1]
        card = Card.read(newest.predicate)
        missing = [name for name in self.required if not card.has(name)]
        if missing:
            return no(self, f"the card lacks {', '.join(missing)}", [newest], remedy=remedy)
        return yes(self, "every field is filled in", [newest])
