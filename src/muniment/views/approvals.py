"""Signing decisions: who approved or rejected a version, over what, why, and what came of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from muniment.core.claims.approvals import Approval, SigningDecision
from muniment.core.claims.attestations import Attestation
from muniment.core.digests import Digest
from muniment.core.naming import put_names
from muniment.core.records import MoveRecord
from muniment.views.listing import view_list
from muniment.views.values import Phrase, Time, Value, name_people
from muniment.views.view import Column, Mark, Row, Seal, Tone, View, Vouched

STANDS: Final = "stands"
# It stands, and no gate counts it.
_IDLE: Final = "does not count"
_DID: Final = {
    SigningDecision.APPROVE: "approved",
    SigningDecision.REJECT: "REJECTED",
    SigningDecision.WITHDRAW: "withdrew",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """A signing decision.

    Attributes:
        reason: why; None if there is none, `(erased)` if it was erased.
        standing: whether it stands, or why not.
        fault: why it does not count, though it stands; empty if nothing speaks against it.
        counted: the moves that it counted for.
    """

    claim: Attestation
    approval: Approval
    reason: str | None
    standing: str
    fault: str = ""
    counted: tuple[MoveRecord, ...] = ()


def view_approvals(
    reference: str, decisions: Sequence[Decided], names: Mapping[str, str], seal: Seal, now: str
) -> View:
    """Show the signing decisions on a version, oldest first."""
    columns = (
        Column("signer", "who"),
        Column("decision", "did"),
        Column("alias", "for"),
        Column("role", "as"),
        Column("recorded", "age"),
        Column("standing", "now"),
        Column("fault", "", below=True, is_drawn=any(one.fault for one in decisions)),
        Column("counted", "", below=True, is_drawn=any(one.counted for one in decisions)),
        Column("waiver", "", below=True, is_drawn=any(one.approval.waiver for one in decisions)),
        Column("meaning", "meaning", in_full=True),
        Column("expires", "expires", in_full=True),
        Column("assurance", "known by", in_full=True),
        Column("policies", "", below=True),
        Column("evidence", "", in_full=True, below=True),
        Column("digest", "claim", in_full=True, below=True),
        Column("text", "why", below=True),
    )
    aliases = dict.fromkeys(one.approval.alias for one in decisions)
    return view_list(
        "approvals",
        reference,
        columns,
        [_view_decided(one, names) for one in decisions],
        now,
        heading="Signing decisions",
        seal=seal,
        empty=f"nobody has decided about {reference}: muniment request {reference} ALIAS asks for it",
        commands=[f"muniment check {reference} {alias}" for alias in aliases],
    )


def _view_decided(one: Decided, names: Mapping[str, str]) -> Row:
    claim, approval = one.claim, one.approval
    return Row(
        cells=(
            name_people(names, claim.signer),
            _DID[approval.decision],
            approval.alias,
            str(approval.role),
            Time(claim.recorded),
            _IDLE if one.fault else one.standing,
            put_names(one.fault, names) or None,
            tuple(f"it counted for the move of {move.alias}, entry {move.index}" for move in one.counted),
            _say("about the waiver", approval.waiver),
            str(approval.meaning),
            None if approval.expires is None else Time(approval.expires),
            claim.assurance,
            _say("over the policy", *sorted(approval.policies)),
            _say("over the evidence", *sorted(approval.evidence)),
            claim.digest,
            one.reason,
        ),
        vouched=Vouched(Mark.RECORDED, claim.index),
        tone=_find_tone(one),
    )


def _find_tone(one: Decided) -> Tone:
    if one.fault or one.standing != STANDS:
        return Tone.WARN
    return Tone.BAD if one.approval.decision is SigningDecision.REJECT else Tone.PLAIN


def _say(words: str, *digests: str | None) -> Value:
    held = tuple(Digest.parse(digest) for digest in digests if digest is not None)
    return Phrase(words, held) if held else None
