"""What people did and said about a version: decisions with their reasons, moves, requests, comments."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from muniment.core.canonical import objects_in
from muniment.core.claims.approvals import Approval, SigningDecision
from muniment.core.claims.attestations import (
    APPROVAL,
    CARD,
    CONTENT,
    DEPLOYMENT,
    EMERGENCY,
    EVALUATION,
    PROVENANCE,
    REPRODUCTION,
    SCAN,
    VERDICT,
    WAIVER,
    WITHDRAWAL,
    Attestation,
    kind_of,
)
from muniment.core.claims.waivers import Waiver
from muniment.core.digests import Digest
from muniment.core.naming import put_names
from muniment.core.records import AttestationRecord, MoveRecord, StatusRecord
from muniment.core.verbs.catalog import Comment
from muniment.core.verbs.gates import Move, Request
from muniment.views.values import Time, name_people, read_text, write, write_minute
from muniment.views.view import Mark, Said, Section, Story, Tone, Vouched

# Kinds of claims that other sections show.
_ELSEWHERE: Final = frozenset(
    {CONTENT, PROVENANCE, VERDICT, EVALUATION, CARD, REPRODUCTION, SCAN, DEPLOYMENT, EMERGENCY, WITHDRAWAL}
)
DECIDED: Final = {
    SigningDecision.APPROVE: "approved",
    SigningDecision.REJECT: "rejected",
    SigningDecision.WITHDRAW: "withdrew their decision on",
}
_TONES: Final = {SigningDecision.APPROVE: Tone.GOOD, SigningDecision.REJECT: Tone.BAD}
_MOST: Final = 6


def view_story(told: Sequence[Said], reference: str) -> Section:
    """Show what people did with a version, newest first."""
    newest_first = sorted(told, key=lambda said: said.vouched.entry or 0, reverse=True)
    return Section(
        key="said",
        title="Who said what",
        blocks=(Story(key="story", told=tuple(newest_first), most=_MOST),),
        empty=f"nobody has said anything: muniment comment {reference} TEXT",
    )


def tell_claims(  # noqa: PLR0913, PLR0917 - what it tells of, and what explains it
    claims: Sequence[Attestation],
    records: Sequence[AttestationRecord],
    reasons: Mapping[str, str],
    moves: Sequence[MoveRecord],
    names: Mapping[str, str],
    faults: Mapping[str, str],
) -> Iterator[Said]:
    """Tell the decisions on a version with their reasons, its waivers, and claims of unknown kinds.

    `faults` say why approvals do not count, by the digests of their claims.
    """
    counted = find_counted(claims, moves)
    reasoned = {record.digest: record.reason for record in records}
    for claim in claims:
        digest = str(claim.digest)
        if claim.predicate_type in _ELSEWHERE:
            continue
        did, tone, mark = _describe_claim(claim)
        if digest in counted:
            newest = counted[digest][-1]
            did += f"; it counted for the move of {newest.alias}, entry {newest.index}"
        if digest in faults:
            did += f"; it does not count: {put_names(faults[digest], names)}"
            tone = Tone.WARN
        yield Said(
            who=name_people(names, claim.signer),
            did=did,
            time=Time(claim.recorded),
            text=reasons.get(digest, "(erased)" if reasoned.get(digest) else None),
            vouched=Vouched(mark, claim.index),
            tone=tone,
        )


def tell_withdrawals(
    withdrawn: Mapping[int, AttestationRecord],
    records: Sequence[AttestationRecord],
    reasons: Mapping[str, str],
    names: Mapping[str, str],
) -> Iterator[Said]:
    """Tell which claims were taken back, and why."""
    for record in records:
        by = withdrawn.get(record.index)
        if by is not None:
            yield Said(
                who=name_people(names, by.signer),
                did=f"withdrew {_name_own(record)} of entry {record.index}",
                time=Time(by.recorded),
                text=reasons.get(by.digest, "(erased)"),
                vouched=Vouched(Mark.RECORDED, by.index),
                tone=Tone.WARN,
            )


def _name_own(record: AttestationRecord) -> str:
    """Name a claim as that of its signer. One that was withdrawn is not read, so a decision has no side."""
    decided = record.predicate_type == APPROVAL
    return "their signing decision" if decided else f"their {kind_of(record.predicate_type)}"


def tell_moves(moves: Sequence[Move], number: int, names: Mapping[str, str]) -> Iterator[Said]:
    """Tell which aliases came to a version, and left it."""
    for move in moves:
        record = move.record
        if number not in {record.number, record.previous}:
            continue
        past = f" past its gate, in an emergency{_tell_closing(record)}" if record.emergency else ""
        did = f"moved {record.alias} here{past}"
        if record.number != number:
            did = (
                f"removed {record.alias}"
                if record.number is None
                else f"moved {record.alias} on to version {record.number}{past}"
            )
        yield Said(
            who=name_people(names, record.actor),
            did=did,
            time=Time(record.moved),
            text=read_text(record.reason, move.reason),
            vouched=Vouched(Mark.RECORDED, record.index),
            tone=Tone.WARN if record.emergency else Tone.PLAIN,
        )


def _tell_closing(record: MoveRecord) -> str:
    return "" if record.closed is None else f" that entry {record.closed} closed"


def tell_requests(requests: Sequence[Request], names: Mapping[str, str]) -> Iterator[Said]:
    """Tell who asked for approval, and what was answered."""
    for request in requests:
        record = request.record
        outcome = "" if record.closed is None else f"; it was {record.outcome}"
        yield Said(
            who=name_people(names, record.requester),
            did=f"asked for {record.alias}{outcome}",
            time=Time(record.opened),
            text=read_text(record.reason, request.reason),
            vouched=Vouched(Mark.RECORDED, record.index),
        )


def tell_comments(comments: Sequence[Comment], names: Mapping[str, str]) -> Iterator[Said]:
    """Tell who commented."""
    for comment in comments:
        record = comment.record
        yield Said(
            who=name_people(names, record.author),
            did="commented" if record.about is None else f"commented on entry {record.about}",
            time=Time(record.posted),
            text=read_text(record.text, comment.text),
            vouched=Vouched(Mark.RECORDED, record.index),
        )


def tell_status(status: StatusRecord | None, reason: str | None, names: Mapping[str, str]) -> Iterator[Said]:
    """Tell who set the status of a version, and why."""
    if status is not None:
        yield Said(
            who=name_people(names, status.actor),
            did=f"set its status to {status.status}",
            time=Time(status.set),
            text=read_text(status.reason, reason),
            vouched=Vouched(Mark.RECORDED, status.index),
            tone=Tone.WARN,
        )


def _describe_claim(claim: Attestation) -> tuple[str, Tone, Mark]:
    if claim.predicate_type == WAIVER:
        waiver = Waiver.read(claim.predicate)
        rules = ", ".join(sorted(waiver.rules))
        return (
            f"asked to waive {rules} for {waiver.alias} until {write_minute(waiver.until)}",
            Tone.WARN,
            Mark.RECORDED,
        )
    if claim.predicate_type != APPROVAL:
        known = claim.kind if claim.kind != "unknown" else f"something else ({claim.predicate_type})"
        return f"stated {known}", Tone.PLAIN, Mark.STATED
    approval = Approval.read(claim.predicate)
    what = "it" if approval.waiver is None else f"the waiver {approval.waiver[:19]}"
    over = ", ".join(sorted(write(Digest.parse(policy)) for policy in approval.policies)) or "no policy"
    until = f" until {write_minute(approval.expires)}" if approval.expires else ""
    did = f"{DECIDED[approval.decision]} {what} for {approval.alias} as {approval.role}{until}, over {over}"
    return did, _TONES.get(approval.decision, Tone.PLAIN), Mark.RECORDED


def find_counted(claims: Sequence[Attestation], moves: Sequence[MoveRecord]) -> dict[str, list[MoveRecord]]:
    """Find the moves that decisions counted for: a rule that was met names them in a verdict of the move."""
    verdicts = {str(claim.digest): claim for claim in claims if claim.predicate_type == VERDICT}
    counted: dict[str, list[MoveRecord]] = {}
    for move in moves:
        if move.emergency:
            # It went past the gate, met or not.
            continue
        met = {
            digest
            for verdict in move.verdicts.split()
            if verdict in verdicts
            for digest in _list_met(verdicts[verdict])
        }
        for digest in met:
            counted.setdefault(digest, []).append(move)
    return counted


def _list_met(verdict: Attestation) -> Iterator[str]:
    """List the claims that the rules were met by which a verdict finds met."""
    for finding in objects_in(verdict.predicate.get("findings")):
        listed = finding.get("attestations")
        if finding.get("passed") is True and isinstance(listed, list):
            yield from map(str, listed)
