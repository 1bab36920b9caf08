"""Rules about history: the provenance of a version, its time in service, and when it may move."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta, tzinfo

from muniment.core.claims.attestations import CARD, PROVENANCE, Attestation
from muniment.core.claims.cards import Card
from muniment.core.claims.provenance import Provenance
from muniment.core.counting import count
from muniment.core.gates.rules.case import Case, Finding, mistimed, no, write_age, yes


@dataclass(frozen=True, slots=True, kw_only=True)
class Clean:
    """The inputs of the version are on record and in order."""

    clean_tree: bool = True
    resolved: bool = True
    not_revoked: bool = True
    licences: frozenset[str] = frozenset()

    @property
    def label(self) -> str:
        """The requirement."""
        asked = [
            *(["from a clean tree"] if self.clean_tree else []),
            *(["every input resolved"] if self.resolved else []),
            *(["no revoked ancestor"] if self.not_revoked else []),
            *([f"licences of {', '.join(sorted(self.licences))}"] if self.licences else []),
        ]
        return "provenance: " + (", ".join(asked) or "present")

    def judge(self, case: Case) -> Finding:
        """Check every provenance; the worst one counts."""
        claims = case.of_type(PROVENANCE)
        remedy = f"muniment push PATH {case.name} --run FILE"
        if not claims:
            return no(self, "there is no provenance", remedy=remedy)
        faults: list[str] = []
        if self.clean_tree:
            faults += [fault for claim in claims if (fault := _find_dirt(claim))]
        if self.resolved:
            faults += [
                "no commit names the code"
                if origin.kind == "code"
                else f"{origin.kind} {origin.name} is not in this registry"
                for origin in case.origins
                if not origin.resolved
            ]
        if self.not_revoked:
            faults += [f"{version} is revoked" for version in case.revoked]
        if self.licences:
            faults += self._find_licences(case)
        if faults:
            return no(self, "; ".join(faults), claims, remedy=remedy)
        return yes(self, f"{count(len(case.origins), 'input')} in order", claims)

    def _find_licences(self, case: Case) -> list[str]:
        cards = case.of_type(CARD)
        own = Card.read(cards[-1].predicate).licence if cards else ""
        named = [
            (case.version, own),
            *((origin.name, origin.licence) for origin in case.origins if origin.kind != "code"),
        ]
        return [
            f"the licence of {name} is {licence or 'unknown'}"
            for name, licence in named
            if licence not in self.licences
        ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Soak:
    """The version has spent enough time under another alias."""

    alias: str
    least: timedelta

    @property
    def label(self) -> str:
        """The requirement."""
        return f"{write_age(self.least)} in {self.alias}"

    def judge(self, case: Case) -> Finding:
        """Add up the periods."""
        held = [hold for hold in case.holds if hold.alias == self.alias]
        spent = sum((case.measure(hold) for hold in held), timedelta(0))
        clock = case.timeline.describe()
        if spent < self.least:
            if held and not case.is_timed:
                return mistimed(self, case)
            wait = f"muniment promote {case.version} {case.alias} --wait"
            remedy = wait if spent else f"muniment promote {case.version} {self.alias}"
            return no(self, f"{write_age(spent)} so far{clock}", remedy=remedy)
        return yes(self, f"{write_age(spent)}{clock}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Freeze:
    """A period in which no alias moves."""

    since: datetime
    until: datetime
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """The time allows moves: no freeze, an allowed weekday and hour, in a time zone.

    `days` count from Monday, 0; a window that opens after it closes spans midnight.
    """

    zone: tzinfo
    zone_name: str
    freezes: tuple[Freeze, ...] = ()
    days: frozenset[int] = frozenset(range(7))
    opens: time | None = None
    closes: time | None = None

    @property
    def label(self) -> str:
        """The requirement."""
        return "within the change window" + (f" ({self.zone_name})" if self.zone_name != "UTC" else "")

    def judge(self, case: Case) -> Finding:
        """Check the time."""
        if not case.is_timed:
            return mistimed(self, case)
        now = case.time.astimezone(self.zone)
        wait = f"muniment promote {case.version} {case.alias} --wait"
        for freeze in self.freezes:
            if freeze.since <= case.time < freeze.until:
                why = f": {freeze.reason}" if freeze.reason else ""
                return no(self, f"changes are frozen until {freeze.until.isoformat()}{why}", remedy=wait)
        if now.weekday() not in self.days:
            return no(self, f"no changes on a {now:%A}", remedy=wait)
        if not self._is_open(now.time().replace(tzinfo=None)):
            hours = f"from {self.opens:%H:%M} to {self.closes:%H:%M}"
            return no(self, f"changes are allowed {hours}, it is {now:%H:%M}", remedy=wait)
        return yes(self, f"{now:%A %H:%M}{case.timeline.describe()}")

    def _is_open(self, now: time) -> bool:
        if self.opens is None or self.closes is None:
            return True
        if self.opens <= self.closes:
            return self.opens <= now < self.closes
        return now >= self.opens or now < self.closes


def _find_dirt(claim: Attestation) -> str:
    """Name the fault of the code of a training; empty if a commit holds all of it."""
    provenance = Provenance(claim.predicate)
    git = provenance.internal.get("git")
    code = [source for source in provenance.inputs if source.kind == "code" and source.digest]
    if not isinstance(git, Mapping) or not code:
        return "no commit is on record"
    # A tree counts as clean only if the record says so.
    return "" if git.get("dirty") is False else "the working tree was not clean"
