"""Rules about what the version is: its files, its card."""

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
    """Every file is of an allowed format; formats that run code have to be named."""

    allow: frozenset[Format]

    @property
    def label(self) -> str:
        """What it asks."""
        return "formats: " + ", ".join(sorted(self.allow))

    def judge(self, case: Case) -> Finding:
        """Look at the files' names, and at the pickles that the registry found; `load` looks at bytes."""
        scans = [claim for claim in case.of_type(SCAN) if Scan(claim.predicate).tool == OWN_TOOL][-1:]
        pickles = Scan(scans[0].predicate).pickles if scans else frozenset[str]()
        wrong = [
            path
            for path in case.paths
            if (found := Format.PICKLE if path in pickles else format_of(path)) is not Format.OTHER
            and found not in self.allow
        ]
        if wrong:
            return no(self, f"not allowed: {', '.join(wrong)}", scans)
        return yes(self, f"all {len(case.paths)} files", scans)


@dataclass(frozen=True, slots=True, kw_only=True)
class CardFields:
    """The newest card says something in each of some fields."""

    required: tuple[str, ...]

    @property
    def label(self) -> str:
        """What it asks."""
        return "card with " + ", ".join(self.required)

    def judge(self, case: Case) -> Finding:
        """Look at the newest card; older ones do not fill its gaps."""
        cards = case.of_type(CARD)
        mend = f"muniment card set {case.version} FILE"
        if not cards:
            return no(self, "there is no card", mend=mend)
        newest = cards[-1]
        card = Card.read(newest.predicate)
        missing = [name for name in self.required if not card.has(name)]
        if missing:
            return no(self, f"the card says nothing in {', '.join(missing)}", [newest], mend=mend)
        return yes(self, "every field is filled in", [newest])
