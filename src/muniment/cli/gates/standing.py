"""What nobody should overlook about a version: its status, waivers and emergencies."""

from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

from muniment.capture.clock import now
from muniment.client.sdk.registry import Registry
from muniment.client.versions.version import Version
from muniment.core.catalog.statuses import Status
from muniment.core.claims.approvals import SignedApproval, SigningDecision, last_approvals
from muniment.core.claims.attestations import WAIVER
from muniment.core.claims.waivers import Waiver
from muniment.core.records import MoveRecord
from muniment.core.times import read_time, write_time
from muniment.core.verbs.versions import VersionDetail

_PAST: Final = {
    SigningDecision.APPROVE: "approved",
    SigningDecision.REJECT: "rejected",
    SigningDecision.WITHDRAW: "withdrawn",
}


class Asked(NamedTuple):
    """A requested waiver, the signing decisions about it, and whether it has expired."""

    waiver: Waiver
    digest: str
    entry: int
    approvals: tuple[SignedApproval, ...]
    ended: bool

    @property
    def approved(self) -> bool:
        """Return whether somebody approved it and nobody rejected it; only the gate says if that suffices."""
        decisions = {one.approval.decision for one in self.approvals}
        return SigningDecision.APPROVE in decisions and SigningDecision.REJECT not in decisions


def list_waivers(version: Version, detail: VersionDetail) -> list[Asked]:
    """List the requested waivers of a version, each checked."""
    if not any(claim.predicate_type == WAIVER for claim in detail.attestations):
        return []
    claims, time = version.claims(), now()
    waivers = []
    for claim in claims:
        if claim.predicate_type == WAIVER:
            waiver, digest = Waiver.read(claim.predicate), str(claim.digest)
            approvals = tuple(last_approvals(claims, str(version), waiver.alias, digest).values())
            waivers.append(Asked(waiver, digest, claim.index, approvals, read_time(waiver.until) <= time))
    return waivers


def find_standing(registry: Registry, references: Iterable[str]) -> list[str]:
    """Summarise the standing of versions in a word or two; empty if there is nothing to overlook."""
    known = {reference: _describe_standing(registry.version(reference)) for reference in set(references)}
    return [known[reference] for reference in references]


def describe_state(version: Version, detail: VersionDetail, names: Mapping[str, str]) -> list[str]:
    """Describe the standing of a version in full, line by line."""
    status, kept = detail.status, detail.retention
    lines = []
    if status is not None and status.status != Status.PUBLISHED:
        lines.append(f"  {status.status.upper()}  {status.set}: {detail.status_reason or '(erased)'}")
    lines += [
        f"  superseded  {_describe_superseding(move)}, {move.moved}, entry {move.index}"
        for move in detail.superseded
    ]
    lines += [_describe_emergency(move) for move in detail.emergencies]
    if kept is not None:
        hold = "under a legal hold, " if kept.hold else ""
        lines.append(f"  kept       {hold}until {kept.until or 'no set time'}")
    return lines + [line for asked in list_waivers(version, detail) for line in _describe(asked, names)]


def _describe_standing(version: Version) -> str:
    detail = version.describe()
    status = detail.status
    words = [] if status is None or status.status == Status.PUBLISHED else [status.status.upper()]
    if any(asked.approved and not asked.ended for asked in list_waivers(version, detail)):
        words.append("WAIVER")
    if detail.emergencies:
        words.append("EMERGENCY")
    return ", ".join(words)


def _describe(asked: Asked, names: Mapping[str, str]) -> list[str]:
    decisions = [
        f"{_PAST[one.approval.decision]} by {names.get(one.claim.signer, one.claim.signer)}"
        for one in asked.approvals
    ]
    waiver, ended = asked.waiver, ", expired" if asked.ended else ""
    return [
        f"  WAIVER  of {', '.join(sorted(waiver.rules))} for {waiver.alias}",
        f"             until {waiver.until}{ended}; {', '.join(decisions) or 'not approved yet'}",
        f"             {asked.digest}, entry {asked.entry}",
    ]


def _describe_superseding(move: MoveRecord) -> str:
    return (
        f"{move.alias} was removed" if move.number is None else f"{move.alias} went to version {move.number}"
    )


def _describe_emergency(move: MoveRecord) -> str:
    overdue = move.due is not None and move.due < write_time(now())
    due = f"OVERDUE since {move.due}" if overdue else f"to be closed by {move.due}"
    return f"  EMERGENCY  {move.alias} was moved past its gate, entry {move.index}, {due}"
